"""The scopes of a process document in numbered order: what validation and compilation walk."""

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from fabloop.process.bpmn.model import (
    Activity,
    BoundaryEvent,
    BpmnProcess,
    CallActivity,
    FlowNode,
    PageWork,
    SequenceFlow,
    ServiceTask,
    SubProcess,
    SubProcessKind,
)
from fabloop.process.definition import NOWHERE, ScopeKind


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """A process, a sub-process, a page task or the rounds of an activity as a scope.

    `host` is the number of node `owner`, who is None for the process. `nodes` and `flows` pair
    each with its number; a page has none. Rounds have one node: what is done in each.
    """

    number: int
    kind: ScopeKind
    parent: int
    host: int
    owner: Activity | None
    nodes: tuple[tuple[int, FlowNode], ...]
    flows: tuple[tuple[int, SequenceFlow], ...]


PAGE_PREFIX = "cpn:"
"""What the process of a call activity begins with when it is a net."""

_KINDS = {
    SubProcessKind.EMBEDDED: ScopeKind.SUBPROCESS,
    SubProcessKind.TRANSACTION: ScopeKind.TRANSACTION,
    SubProcessKind.EVENT: ScopeKind.EVENT,
}


def _kind(node: SubProcess) -> ScopeKind:
    return ScopeKind.AD_HOC if node.ad_hoc else _KINDS[node.kind]


class Ties(msgspec.Struct, frozen=True, kw_only=True):
    """What leads to and from each node of a scope, and what stands on it, by its id."""

    incoming: dict[str, list[tuple[int, SequenceFlow]]]
    outgoing: dict[str, list[tuple[int, SequenceFlow]]]
    attached: dict[str, list[tuple[int, BoundaryEvent]]]


def ties_of(outline: Outline) -> Ties:
    """Return the ties of a scope, read once: asking each node anew takes too long in big ones."""
    ties = Ties(incoming={}, outgoing={}, attached={})
    for number, flow in outline.flows:
        ties.incoming.setdefault(flow.target, []).append((number, flow))
        ties.outgoing.setdefault(flow.source, []).append((number, flow))
    for number, node in outline.nodes:
        if isinstance(node, BoundaryEvent):
            ties.attached.setdefault(node.attached_to, []).append((number, node))
    return ties


class _Counter:
    def __init__(self) -> None:
        self.nodes = self.flows = self.scopes = 0
        self.found: list[Outline] = []


def outlines(process: BpmnProcess) -> list[Outline]:
    """Return the scopes by number, depth first, each before what stands in it.

    The numbering is part of the journal's format: it must never change.
    """
    counter = _Counter()
    _walk(process.nodes, process.flows, _Place(), counter)
    return sorted(counter.found, key=lambda outline: outline.number)


class _Place(msgspec.Struct, frozen=True):
    """Whose scope is walked."""

    kind: ScopeKind = ScopeKind.PROCESS
    parent: int = NOWHERE
    host: int = NOWHERE
    owner: Activity | None = None


def _walk(
    nodes: tuple[FlowNode, ...], flows: tuple[SequenceFlow, ...], place: _Place, counter: _Counter
) -> None:
    number = counter.scopes
    counter.scopes += 1
    numbered_flows = tuple(enumerate(flows, counter.flows))
    counter.flows += len(flows)
    numbered: list[tuple[int, FlowNode]] = []
    for node in nodes:
        numbered.append((counter.nodes, node))
        counter.nodes += 1
        _walk_into(node, number, counter.nodes - 1, counter)
    counter.found.append(
        Outline(
            number=number,
            kind=place.kind,
            parent=place.parent,
            host=place.host,
            owner=place.owner,
            nodes=tuple(numbered),
            flows=numbered_flows,
        )
    )


def _walk_into(node: FlowNode, parent: int, host: int, counter: _Counter) -> None:
    """Walk what stands in a node: its rounds come before what is in each of them."""
    if isinstance(node, Activity) and node.loop is not None:
        once = replace(node, loop=None)
        _walk((once,), (), _Place(ScopeKind.ROUND, parent, host, node), counter)
        return
    match node:
        case SubProcess():
            _walk(node.nodes, node.flows, _Place(_kind(node), parent, host, node), counter)
        case ServiceTask() | CallActivity() if net_of(node) is not None:
            _walk((), (), _Place(ScopeKind.PAGE, parent, host, node), counter)
        case _:
            pass


def net_of(node: FlowNode | None) -> str | None:
    """Return the id of the net whose page carries a node out; None where none does."""
    match node:
        case ServiceTask(work=PageWork(net=net)):
            return net
        case CallActivity(process=process) if process.startswith(PAGE_PREFIX):
            return process.removeprefix(PAGE_PREFIX).strip()
        case _:
            return None


def depth_of(nodes: tuple[FlowNode, ...]) -> int:
    """Return how deep sub-processes nest (1 without any)."""
    deepest = 0
    level: list[tuple[FlowNode, ...]] = [nodes]
    while level:
        deepest += 1
        level = [node.nodes for each in level for node in each if isinstance(node, SubProcess)]
    return deepest


def all_nodes(process: BpmnProcess) -> Iterator[FlowNode]:
    """Yield every node of every scope, in numbered order."""
    stack = list(reversed(process.nodes))
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, SubProcess):
            stack.extend(reversed(node.nodes))
