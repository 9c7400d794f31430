"""Leaves out what the Java engines accept in a model, but never carry out."""

from collections import Counter

from fabloop.base.xml import Element, local_of, text_of
from fabloop.process.bpmn.xml import BPMN

_SCOPES = frozenset({"process", "subProcess", "transaction"})
_NODES = ("ask", "Event", "Gateway", "callActivity", "transaction", "ubProcess")
"""How the names of flow nodes end."""


def leave_out(process: Element) -> None:
    """Remove what no flow leads to in scopes that have a start event, and what only follows it."""
    gone: set[str] = set()
    for scope in list(process.iter()):
        named = local_of(scope) if str(scope.tag).startswith(BPMN) else ""
        if named in _SCOPES and scope.find(f"{BPMN}startEvent") is not None:
            gone |= _left_out(scope)
    for lane in list(process.iter(f"{BPMN}flowNodeRef")):
        around = lane.getparent()
        if around is not None and text_of(lane).strip() in gone:
            around.remove(lane)


def _left_out(scope: Element) -> set[str]:
    leaving: dict[str, list[Element]] = {}
    for flow in scope.iterfind(f"{BPMN}sequenceFlow"):
        leaving.setdefault(flow.get("sourceRef", ""), []).append(flow)
    attached: dict[str, list[Element]] = {}
    for event in scope.iterfind(f"{BPMN}boundaryEvent"):
        attached.setdefault(event.get("attachedToRef", ""), []).append(event)
    nodes = {each.get("id", ""): each for each in scope if _is_entered(each)}
    targets = Counter(flow.get("targetRef", "") for flows in leaving.values() for flow in flows)
    todo = [each for name, each in nodes.items() if not targets[name]]
    gone: set[str] = set()
    while todo:
        node = todo.pop()
        name = node.get("id", "")
        gone.add(name)
        scope.remove(node)
        todo += attached.pop(name, [])
        for flow in leaving.pop(name, []):
            scope.remove(flow)
            target = flow.get("targetRef", "")
            targets[target] -= 1
            if not targets[target] and target in nodes and target not in gone:
                todo.append(nodes[target])
    return gone


def _is_entered(node: Element) -> bool:
    """Tell whether a token comes to a node over a flow, and in no other way."""
    name = local_of(node)
    if not str(node.tag).startswith(BPMN) or not name.endswith(_NODES) or not node.get("id"):
        return False
    alone = name in ("startEvent", "boundaryEvent") or node.get("triggeredByEvent") == "true"
    undoes = node.get("isForCompensation") == "true"
    return not (alone or undoes or node.find(f"{BPMN}linkEventDefinition") is not None)
