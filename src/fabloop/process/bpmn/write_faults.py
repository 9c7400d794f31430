"""What of a process XML cannot carry."""

import re
from collections.abc import Iterable, Iterator

from msgspec import to_builtins

from fabloop.base.errors import Fault
from fabloop.process.bpmn.model import BpmnProcess, FlowNode, SequenceFlow, SubProcess, UserTask
from fabloop.process.bpmn.outline import all_nodes

_XML_ID = re.compile(r"[A-Za-z_][\w.\-]*", re.ASCII)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def unwritable(process: BpmnProcess) -> Iterator[Fault]:
    """Yield every id and text of a process that a document cannot hold."""
    seen: set[str] = set()
    for id_ in _ids(process):
        if not _XML_ID.fullmatch(id_):
            expected = "an id of letters, digits, '-', '_', '.' that begins with a letter or '_'"
            yield _fault(process, id_, expected, repr(id_))
        elif id_ in seen:
            yield _fault(process, id_, "an id of its own for every element", f"{id_!r} twice")
        seen.add(id_)
    for owner, text in _texts(process):
        found = _NOT_XML.search(text)
        if found:
            yield _fault(process, owner, "characters that XML can carry", repr(found[0]))
    for node in all_nodes(process):
        if isinstance(node, UserTask) and not _groups_fit(node.candidate_groups):
            expected = "one FEEL expression, or plain names without a comma"
            yield _fault(process, node.id, expected, ", ".join(node.candidate_groups))


def _fault(process: BpmnProcess, owner: str, expected: str, found: str) -> Fault:
    path = f"element {owner!r}"
    return Fault(source=f"process '{process.id}'", path=path, expected=expected, found=found)


def _groups_fit(groups: tuple[str, ...]) -> bool:
    if len(groups) == 1 and groups[0].startswith("="):
        return True
    return not any(each.startswith("=") or "," in each for each in groups)


def _ids(process: BpmnProcess) -> Iterator[str]:
    yield process.id
    yield from (lane.id for lane in process.lanes)
    yield from (each.id for each in process.data)
    yield from _inner_ids(process.nodes, process.flows)


def _inner_ids(nodes: Iterable[FlowNode], flows: Iterable[SequenceFlow]) -> Iterator[str]:
    yield from (flow.id for flow in flows)
    for node in nodes:
        yield node.id
        if isinstance(node, SubProcess):
            yield from _inner_ids(node.nodes, node.flows)


def _texts(process: BpmnProcess) -> Iterator[tuple[str, str]]:
    """Yield every text of the process with the id of the nearest element that holds it."""
    stack: list[tuple[str, object]] = [(process.id, to_builtins(process))]
    while stack:
        owner, held = stack.pop()
        match held:
            case str():
                yield owner, held
            case dict():
                inner = str(held.get("id", owner))
                stack += [(inner, each) for pair in held.items() for each in pair]
            case list() | tuple():
                stack += [(owner, each) for each in held]
            case _:
                pass
