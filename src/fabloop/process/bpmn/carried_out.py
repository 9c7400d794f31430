"""What of BPMN is read but not carried out: refused when it is deployed, by element."""

from collections.abc import Iterator

from fabloop.base.errors import Fault
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    CatchEvent,
    EndEvent,
    FlowNode,
    StartEvent,
    ThrowEvent,
)
from fabloop.process.bpmn.triggers import (
    CancelTrigger,
    CompensateTrigger,
    ConditionTrigger,
    ErrorTrigger,
    EscalationTrigger,
    LinkTrigger,
    MessageTrigger,
    SignalTrigger,
    TerminateTrigger,
    TimerTrigger,
)
from fabloop.process.bpmn.validate_events import Event, Report


def refused(node: FlowNode, report: Report) -> Iterator[Fault]:
    """Yield a fault for each thing about a node that the kernel does not carry out."""
    match node:
        case StartEvent() | EndEvent() | CatchEvent() | ThrowEvent() | BoundaryEvent():
            yield from _event(node, report)
        case _:
            pass


_ARMED = (ConditionTrigger, MessageTrigger, SignalTrigger, TimerTrigger)
_CARRIED_OUT: dict[type, tuple[type, ...]] = {
    StartEvent: (*_ARMED, CompensateTrigger, ErrorTrigger, EscalationTrigger),
    EndEvent: (
        CancelTrigger,
        CompensateTrigger,
        ErrorTrigger,
        EscalationTrigger,
        MessageTrigger,
        SignalTrigger,
        TerminateTrigger,
    ),
    CatchEvent: (*_ARMED, LinkTrigger),
    ThrowEvent: (
        CompensateTrigger,
        EscalationTrigger,
        LinkTrigger,
        MessageTrigger,
        SignalTrigger,
    ),
    BoundaryEvent: (*_ARMED, CancelTrigger, CompensateTrigger, ErrorTrigger, EscalationTrigger),
}


def _event(node: Event, report: Report) -> Iterator[Fault]:
    trigger = node.trigger
    if trigger is not None and not isinstance(trigger, _CARRIED_OUT[type(node)]):
        yield report(node.id, "an event that is carried out", type(trigger).__name__)
