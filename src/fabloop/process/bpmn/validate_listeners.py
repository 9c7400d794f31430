"""What must hold of listeners: where they may stand, and what they say."""

from collections.abc import Iterator

from fabloop.base.errors import Fault
from fabloop.process.bpmn.listeners import BEFORE, BEHIND, listeners_of
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    BpmnProcess,
    EndEvent,
    EventBasedGateway,
    ExclusiveGateway,
    FlowNode,
    InclusiveGateway,
    Listener,
    ParallelGateway,
    StartEvent,
    SubProcess,
    ThrowEvent,
)
from fabloop.process.bpmn.outline import Outline
from fabloop.process.bpmn.triggers import CompensateTrigger, LinkTrigger
from fabloop.process.bpmn.validate_events import Report
from fabloop.process.bpmn.validate_responses import is_response

LISTENERS_MAX = 20
"""Listeners of one element."""

_GATEWAYS = ExclusiveGateway | InclusiveGateway | ParallelGateway | EventBasedGateway


def listener_faults(outline: Outline, report: Report) -> Iterator[Fault]:
    """Yield what is wrong with the listeners in a scope."""
    if not any(node.listeners for _, node in outline.nodes):
        return
    waiting = {node.id for _, node in outline.nodes if isinstance(node, EventBasedGateway)}
    waited_for = {flow.target for _, flow in outline.flows if flow.source in waiting}
    entered = {flow.target for _, flow in outline.flows} - waited_for
    for _, node in outline.nodes:
        if node.listeners:
            yield from _texts(node.id, node.listeners, report)
            if isinstance(node, SubProcess) and is_response(node):
                yield from _around(node.id, node.nodes, node.listeners, report)
                yield from _undoing(node, report)
                continue
            yield from _places(node, node.id in entered, report)


def process_listener_faults(process: BpmnProcess, report: Report) -> Iterator[Fault]:
    """Yield what is wrong with the listeners of a process itself."""
    yield from _texts(process.id, process.listeners, report)
    yield from _around(process.id, process.nodes, process.listeners, report)


def _texts(owner: str, listeners: tuple[Listener, ...], report: Report) -> Iterator[Fault]:
    if len(listeners) > LISTENERS_MAX:
        yield report(owner, f"at most {LISTENERS_MAX} listeners", str(len(listeners)))
    for each in listeners:
        if not each.type:
            yield report(owner, "a job type of each listener", "none")
        if each.retries < 1:
            yield report(owner, "at least one retry of each listener", str(each.retries))


def _around(
    owner: str, nodes: tuple[FlowNode, ...], listeners: tuple[Listener, ...], report: Report
) -> Iterator[Fault]:
    starts = sum(isinstance(each, StartEvent) for each in nodes)
    if starts != 1 and any(each.event in BEHIND for each in listeners):
        expected = "one start event where a listener is told at the end of a process"
        yield report(owner, expected, str(starts))


def _undoing(node: SubProcess, report: Report) -> Iterator[Fault]:
    """What undoes the scope around an event sub-process has to stand directly in it."""
    if any(each.event in BEHIND for each in node.listeners):
        for each in node.nodes:
            trigger = each.trigger if isinstance(each, ThrowEvent | EndEvent) else None
            if isinstance(trigger, CompensateTrigger):
                expected = "no end listener of an event sub-process that throws compensation"
                yield report(node.id, expected, f"'{each.id}'")


def _places(node: FlowNode, entered: bool, report: Report) -> Iterator[Fault]:
    """Yield a fault for each kind of listener that cannot be told at an element."""
    undoes = isinstance(node, BoundaryEvent) and isinstance(node.trigger, CompensateTrigger)
    if undoes:
        yield report(node.id, "listeners only where a token passes", "a listener")
        return
    if listeners_of(node, BEFORE) and not (entered or getattr(node, "for_compensation", False)):
        expected = "a start listener only of an element with a flow into it"
        hint = "An event behind an event-based gateway counts as one without."
        yield report(node.id, expected, "a start listener", hint)
    if listeners_of(node, BEHIND) and not _can_end(node):
        yield report(node.id, "no end listener here", type(node).__name__, "Put it behind.")


def _can_end(node: FlowNode) -> bool:
    """Tell whether anything can be told between an element and what follows it."""
    if isinstance(node, _GATEWAYS):
        return False
    trigger = node.trigger if isinstance(node, ThrowEvent | StartEvent) else None
    return not isinstance(trigger, LinkTrigger)
