"""What must hold of listeners: where they may stand, and what they say."""

from collections.abc import Iterator

from fabloop.base.errors import Fault
from fabloop.process.bpmn.listeners import BEFORE, BEHIND, listeners_of
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    EndEvent,
    EventBasedGateway,
    ExclusiveGateway,
    FlowNode,
    InclusiveGateway,
    ParallelGateway,
    StartEvent,
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
            yield from _texts(node, report)
            yield from _places(node, node.id in entered, report)


def _texts(node: FlowNode, report: Report) -> Iterator[Fault]:
    if len(node.listeners) > LISTENERS_MAX:
        yield report(node.id, f"at most {LISTENERS_MAX} listeners", str(len(node.listeners)))
    for each in node.listeners:
        if not each.type:
            yield report(node.id, "a job type of each listener", "none")
        if each.retries < 1:
            yield report(node.id, "at least one retry of each listener", str(each.retries))


def _places(node: FlowNode, entered: bool, report: Report) -> Iterator[Fault]:
    """Yield a fault for each kind of listener that cannot be told at an element."""
    undoes = isinstance(node, BoundaryEvent) and isinstance(node.trigger, CompensateTrigger)
    apart = getattr(node, "for_compensation", False) or is_response(node) or undoes
    if apart:
        yield report(node.id, "listeners only where a token passes", "a listener")
        return
    if listeners_of(node, BEFORE) and not entered:
        expected = "a start listener only of an element with a flow into it"
        hint = "An event behind an event-based gateway counts as one without."
        yield report(node.id, expected, "a start listener", hint)
    if listeners_of(node, BEHIND) and not _can_end(node):
        yield report(node.id, "no end listener here", type(node).__name__, "Put it behind.")


def _can_end(node: FlowNode) -> bool:
    """Tell whether anything can be told between an element and what follows it."""
    if isinstance(node, EndEvent):
        return node.trigger is None
    if isinstance(node, _GATEWAYS):
        return False
    trigger = node.trigger if isinstance(node, ThrowEvent | StartEvent) else None
    return not isinstance(trigger, LinkTrigger)
