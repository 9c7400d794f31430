"""What of BPMN is read but not carried out: refused when it is deployed, by element."""

from collections.abc import Iterator

from fabloop.base.errors import Fault
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    CatchEvent,
    EndEvent,
    FlowNode,
    ReceiveTask,
    SendTask,
    StartEvent,
    ThrowEvent,
)
from fabloop.process.bpmn.triggers import (
    CancelTrigger,
    CompensateTrigger,
    ErrorTrigger,
    EscalationTrigger,
    MessageTrigger,
    TerminateTrigger,
    TimerTrigger,
)
from fabloop.process.bpmn.validate_events import Event, Report


def refused(node: FlowNode, report: Report) -> Iterator[Fault]:
    """Yield a fault for each thing about a node that the kernel does not carry out."""
    if getattr(node, "listeners", ()):
        yield report(node.id, "an element without listeners", "listeners")
    match node:
        case SendTask() | ReceiveTask():
            yield report(node.id, "a service, user or script task", type(node).__name__)
        case StartEvent() | EndEvent() | CatchEvent() | ThrowEvent() | BoundaryEvent():
            yield from _event(node, report)
        case _:
            pass


_CARRIED_OUT: dict[type, tuple[type, ...]] = {
    StartEvent: (
        CompensateTrigger,
        ErrorTrigger,
        EscalationTrigger,
        MessageTrigger,
        TimerTrigger,
    ),
    EndEvent: (
        CancelTrigger,
        CompensateTrigger,
        ErrorTrigger,
        EscalationTrigger,
        TerminateTrigger,
    ),
    CatchEvent: (MessageTrigger, TimerTrigger),
    ThrowEvent: (CompensateTrigger, EscalationTrigger),
    BoundaryEvent: (
        CancelTrigger,
        CompensateTrigger,
        ErrorTrigger,
        EscalationTrigger,
        MessageTrigger,
        TimerTrigger,
    ),
}


def _event(node: Event, report: Report) -> Iterator[Fault]:
    trigger = node.trigger
    if trigger is None and not isinstance(node, ThrowEvent):
        return
    if not isinstance(trigger, _CARRIED_OUT[type(node)]):
        yield report(node.id, "an event that is carried out", type(trigger).__name__)
    if isinstance(trigger, TimerTrigger) and trigger.cycle:
        yield report(node.id, "a duration or a date", "a cycle")
