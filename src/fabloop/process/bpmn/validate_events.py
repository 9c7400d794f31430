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
    JobWork,
    ReceiveTask,
    SendTask,
    SequenceFlow,
    StartEvent,
    SubProcess,
    ThrowEvent,
)
from fabloop.process.bpmn.triggers import (
    CompensateTrigger,
    ConditionTrigger,
    ErrorTrigger,
    EscalationTrigger,
    LinkTrigger,
    MessageTrigger,
    SignalTrigger,
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
        if event is not None and not isinstance(event, CatchEvent | ReceiveTask):
            found = f"'{event.id}', a {type(event).__name__}"
            expected = "a catch event or receive task behind an event-based gateway"
            yield report(flow.id, expected, found)
        elif isinstance(event, ReceiveTask) and (attached := _attached(event, nodes)):
            hint = "Let it stand behind a gateway, or have events on its boundary."
            expected = "a receive task behind a gateway without boundary events"
            yield report(event.id, expected, f"'{attached[0]}'", hint)
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


def _attached(host: FlowNode, nodes: Mapping[str, FlowNode]) -> list[str]:
    events = (each for each in nodes.values() if isinstance(each, BoundaryEvent))
    return [each.id for each in events if each.attached_to == host.id]


def start_faults(
    owner: str, nodes: list[FlowNode], outermost: bool, report: Report
) -> Iterator[Fault]:
    """Yield what is wrong with how a scope is started; a process may be by several events."""
    starts = [node for node in nodes if isinstance(node, StartEvent)]
    plain = [node.id for node in starts if node.trigger is None]
    if not outermost and len(starts) != 1:
        found = ", ".join(f"'{each.id}'" for each in starts) or "none"
        yield report(owner, "exactly one start event", found)
    elif not starts:
        yield report(owner, "at least one start event", "none")
    elif len(plain) > 1:
        found = ", ".join(f"'{each}'" for each in plain)
        yield report(owner, "at most one start event without a trigger", found)
    for node in starts if outermost else ():
        if isinstance(node.trigger, ErrorTrigger | EscalationTrigger):
            hint = "Errors and escalations begin event sub-processes."
            expected = "a process started by a message, timer, signal or condition"
            yield report(node.id, expected, type(node.trigger).__name__, hint)
    seen: dict[object, str] = {}
    for node in starts:
        if not isinstance(node.trigger, MessageTrigger | SignalTrigger):
            continue
        what = (type(node.trigger), node.trigger.name)
        if what in seen:
            yield report(node.id, "one start event per message or signal", f"'{seen[what]}', too")
        seen[what] = node.id


def link_faults(nodes: list[FlowNode], report: Report) -> Iterator[Fault]:
    """Yield links of a scope without a counterpart, and names that several go on at."""
    linked = [n for n in nodes if isinstance(n, CatchEvent) and isinstance(n.trigger, LinkTrigger)]
    jumps = [n for n in nodes if isinstance(n, ThrowEvent) and isinstance(n.trigger, LinkTrigger)]
    targets = [n.trigger.name for n in linked if isinstance(n.trigger, LinkTrigger)]
    sources = [n.trigger.name for n in jumps if isinstance(n.trigger, LinkTrigger)]
    for node, name in zip(linked, targets, strict=True):
        if targets.count(name) > 1:
            yield report(node.id, "one link of a name to go on at in a scope", f"'{name}' again")
        if name not in sources:
            hint = "Add a throw event with a link of this name to the same scope, or remove it."
            yield report(node.id, "a link that leads here", f"none named '{name}'", hint)
    for jump, name in zip(jumps, sources, strict=True):
        if name not in targets:
            hint = "Add a catch event with a link of this name to the same scope."
            yield report(jump.id, "a link to go on at", f"none named '{name}'", hint)


def event_faults(node: Event, report: Report) -> Iterator[Fault]:
    """Yield what is wrong with the trigger of an event."""
    match node.trigger:
        case EscalationTrigger(code="") if isinstance(node, EndEvent | ThrowEvent):
            yield report(node.id, "an escalation with a code", "none")
        case ErrorTrigger(code="") if isinstance(node, EndEvent):
            yield report(node.id, "an error with a code", "none")
        case MessageTrigger() as message:
            if isinstance(node, EndEvent | ThrowEvent):
                yield from _sent(node.id, message, node.work, report)
            else:
                yield from _awaited(
                    node.id, message, report, keyed=not isinstance(node, StartEvent)
                )
        case TimerTrigger() as timer:
            yield from _timer(node.id, timer, report)
        case SignalTrigger(name=name) if not name.removeprefix("=").strip():
            yield report(node.id, "the name of a signal", "none")
        case ConditionTrigger(condition=condition) if not condition.strip():
            yield report(node.id, "a condition", "none")
        case LinkTrigger(name=name) if not name:
            yield report(node.id, "the name of a link", "none")
        case _:
            pass


def message_faults(node: SendTask | ReceiveTask, report: Report) -> Iterator[Fault]:
    """Yield what is wrong with the message of a task."""
    match node:
        case SendTask(message=None, work=None):
            yield report(node.id, "a message to send, or a job", "neither")
        case SendTask(message=message, work=work):
            yield from _sent(node.id, message, work, report)
        case ReceiveTask(message=message):
            yield from _awaited(node.id, message, report)


def _sent(
    element: str, message: MessageTrigger | None, work: JobWork | None, report: Report
) -> Iterator[Fault]:
    if work is not None and not work.type:
        yield report(element, "a job type", "none")
    elif work is None and message is not None and not message.name.removeprefix("=").strip():
        yield report(element, "a message name", "none")


def _awaited(
    element: str, message: MessageTrigger, report: Report, *, keyed: bool = True
) -> Iterator[Fault]:
    if not message.name.removeprefix("=").strip():
        yield report(element, "a message name", "none")
    if keyed and not message.correlation_key:
        hint = "Give the message a zeebe:subscription with a correlationKey."
        yield report(element, "a correlation key", "none", hint)


def _timer(element: str, timer: TimerTrigger, report: Report) -> Iterator[Fault]:
    given = [each for each in (timer.duration, timer.date, timer.cycle) if each]
    if len(given) != 1:
        expected = "either a duration or a date, or a cycle"
        yield report(element, expected, "both" if given else "neither")
