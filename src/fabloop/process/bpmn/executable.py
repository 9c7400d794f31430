"""Which processes of a document are carried out, and names for flows that have none."""

from collections import Counter

from lxml import etree

from fabloop.base.xml import Element, Tally, local_of
from fabloop.process.bpmn.xml import BPMN

_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})
_NO_NODES = frozenset(
    {"documentation", "extensionElements", "laneSet", "ioSpecification", "property"}
)
_SCOPES = ("process", "subProcess", "transaction")


def executables(root: Element, tally: Tally) -> list[Element]:
    """Return the processes marked executable, else those not marked otherwise, else all.

    Without the mark a process needs content: an empty one stands for somebody else's pool.
    """
    processes = root.findall(f"{BPMN}process")
    marked = [each for each in processes if each.get("isExecutable") in _TRUE]
    filled = [each for each in processes if any(local_of(one) not in _NO_NODES for one in each)]
    open_ones = [each for each in filled if each.get("isExecutable") not in _FALSE]
    chosen = marked or open_ones or filled
    if not chosen:
        names = sorted({local_of(each) for each in root if str(each.tag).startswith(BPMN)})
        found = f"{len(processes)} without content" if processes else ", ".join(names) or "nothing"
        tally.refuse(root, "a process with content", found)
    for name, count in Counter(each.get("id", "") for each in chosen).items():
        if count > 1:
            tally.refuse(root, "an id of its own for every process", f"{count} with '{name}'")
    return chosen


def name_flows(processes: list[Element]) -> None:
    """Give flows without an id one that follows from their ends."""
    for process in processes:
        taken = {each.get("id", "") for each in process.iter()}
        for flow in process.iter(f"{BPMN}sequenceFlow"):
            if flow.get("id"):
                continue
            base = f"{flow.get('sourceRef', '')}-to-{flow.get('targetRef', '')}"
            name, number = base, 1
            while name in taken:
                number += 1
                name = f"{base}-{number}"
            taken.add(name)
            flow.set("id", name)


def begin_scopes(processes: list[Element]) -> None:
    """Give scopes without a start event one that leads to what no flow leads to."""
    for process in processes:
        for scope in process.iter(*(f"{BPMN}{each}" for each in _SCOPES)):
            if scope.get("triggeredByEvent") not in _TRUE:
                _begin(scope)


def _begin(scope: Element) -> None:
    if scope.find(f"{BPMN}startEvent") is not None:
        return
    entered = {each.get("targetRef") for each in scope.iterfind(f"{BPMN}sequenceFlow")}
    first = [
        each
        for each in scope
        if str(each.tag).startswith(BPMN) and each.get("id") and _begins(each, entered)
    ]
    if not first and local_of(scope) == "process":
        return
    start = _added(scope, "startEvent", scope)
    start.set("id", f"start-of-{scope.get('id', '')}")
    for each in first:
        flow = _added(scope, "sequenceFlow", each)
        flow.set("id", f"start-of-{scope.get('id', '')}-to-{each.get('id', '')}")
        flow.set("sourceRef", start.get("id", ""))
        flow.set("targetRef", each.get("id", ""))


def _begins(node: Element, entered: set[str | None]) -> bool:
    """Tell whether a node begins with its scope: no flow, event or compensation leads to it."""
    name = local_of(node)
    node_like = name.endswith(("Task", "task", "Gateway", "ubProcess", "Activity", "transaction"))
    throws = name in ("intermediateThrowEvent", "endEvent")
    catches = name == "intermediateCatchEvent" and node.find(f"{BPMN}linkEventDefinition") is None
    return (
        (node_like or throws or catches)
        and node.get("id") not in entered
        and node.get("triggeredByEvent") not in _TRUE
        and node.get("isForCompensation") not in _TRUE
    )


def _added(scope: Element, name: str, place: Element) -> Element:
    made = etree.SubElement(scope, f"{BPMN}{name}")
    made.sourceline = place.sourceline
    return made
