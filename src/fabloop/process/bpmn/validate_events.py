"""What must hold of the events of a process."""

from collections.abc import Callable, Iterator, Mapping

from fabloop.base.errors import Fault
from fabloop.process.bpmn.model import (
    Activity,
    BoundaryEvent,
    CallActivity,
    CatchEvent,
    EndEvent,
    EventBasedGateway,
    FlowNode,
    SequenceFlow,
    StartEvent,
    SubProcess,
    ThrowEvent,
)
from fabloop.process.bpmn.triggers import (
    CompensateTrigger,
    ErrorTrigger,
    EscalationTrigger,
    MessageTrigger,
    TimerTrigger,
)

EVENTS_MIN = 2

Report = Callable[..., Fault]
"""Makes the fault of an element from its id, what was expected, what was found, and a hint."""

Event = StartEvent | EndEvent | ThrowEvent | CatchEvent | BoundaryEvent


def gateway_faults(
    gateway: EventBasedGateway,
    nodes: Mapping[str, FlowNode],
    flows: list[SequenceFlow],
    report: Report,
) -> Iterator[Fault]:
    """Yield what is wrong behind an event-based gateway."""
    outgoing = [flow for flow in flows if flow.source == gateway.id]
    if len(outgoing) < EVENTS_MIN:
        yield report(gateway.id, "at least two events behind the gateway", str(len(outgoing)))
    for flow in outgoing:
        event = nodes.get(flow.target)
        into = sum(1 for each in flows if each.target == flow.target)
        if event is not None and not isinstance(event, CatchEvent):
            found = f"'{event.id}', a {type(event).__name__}"
            yield report(flow.id, "a catch event behind an event-based gateway", found)
        elif into > 1:
            hint = "Let its other flows lead to a catch event of their own."
            expected = "one flow into an event behind an event-based gateway"
            yield report(flow.target, expected, str(into), hint)


def attachment_faults(
    event: BoundaryEvent, nodes: Mapping[str, FlowNode], report: Report
) -> Iterator[Fault]:
    """Yield what is wrong with where an event is attached."""
    host = nodes.get(event.attached_to)
    if isinstance(event.trigger, CompensateTrigger):
        return
    if not isinstance(host, Activity):
        found = f"'{event.attached_to}'" + (
            f", a {type(host).__name__}" if host else ", which is not in the scope"
        )
        expected = "an event attached to an activity"
        yield report(event.id, expected, found)
    if isinstance(event.trigger, EscalationTrigger) and not isinstance(
        host, SubProcess | CallActivity
    ):
        expected = "an escalation event attached to a sub-process or call activity"
        yield report(event.id, expected, f"'{event.attached_to}', which is neither")
    if isinstance(event.trigger, ErrorTrigger) and not event.interrupting:
        yield report(event.id, "an error event that interrupts", "cancelActivity=false")


def repeated_faults(nodes: Mapping[str, FlowNode], report: Report) -> Iterator[Fault]:
    """Refuse two events of one activity that catch the same error or escalation."""
    seen: set[tuple[str, str, type]] = set()
    for node in nodes.values():
        if not isinstance(node, BoundaryEvent):
            continue
        trigger = node.trigger
        if not isinstance(trigger, ErrorTrigger | EscalationTrigger):
            continue
        caught = (node.attached_to, trigger.code, type(trigger))
        if caught in seen:
            code = f"code '{trigger.code}'" if trigger.code else "every code"
            kind = "error" if isinstance(trigger, ErrorTrigger) else "escalation"
            yield report(node.id, f"one event per {kind} code", f"a second one for {code}")
        seen.add(caught)


def event_faults(node: Event, report: Report) -> Iterator[Fault]:
    """Yield what is wrong with the trigger of an event."""
    match node.trigger:
        case EscalationTrigger(code="") if isinstance(node, EndEvent | ThrowEvent):
            yield report(node.id, "an escalation with a code", "none")
        case ErrorTrigger(code="") if isinstance(node, EndEvent):
            yield report(node.id, "an error with a code", "none")
        case MessageTrigger() as message:
            yield from _message(node, message, report)
        case TimerTrigger() as timer:
            yield from _timer(node.id, timer, report)
        case _:
            pass


def _message(node: Event, message: MessageTrigger, report: Report) -> Iterator[Fault]:
    if not message.name:
        yield report(node.id, "a message name", "none")
    if not message.correlation_key and not isinstance(node, StartEvent):
        yield report(node.id, "a correlation key", "none")


def _timer(element: str, timer: TimerTrigger, report: Report) -> Iterator[Fault]:
    given = [each for each in (timer.duration, timer.date, timer.cycle) if each]
    if len(given) != 1:
        expected = "either a duration or a date, or a cycle"
        yield report(element, expected, "both" if given else "neither")
