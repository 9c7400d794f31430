"""Writes events, and what they refer to: it stands beside the process."""

from fabloop.process.bpmn.model import (
    BoundaryEvent,
    BpmnProcess,
    CatchEvent,
    EndEvent,
    FlowNode,
    ReceiveTask,
    SendTask,
    StartEvent,
    ThrowEvent,
)
from fabloop.process.bpmn.outline import all_nodes
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
from fabloop.process.bpmn.write_xml import FABLOOP, Element, child, formula, zeebe

Trigger = (
    TimerTrigger
    | MessageTrigger
    | SignalTrigger
    | ConditionTrigger
    | ErrorTrigger
    | EscalationTrigger
    | LinkTrigger
    | CompensateTrigger
    | CancelTrigger
    | TerminateTrigger
)


def write_event(element: Element, node: FlowNode) -> None:
    """Write the trigger of an event, or the message that a task refers to."""
    match node:
        case StartEvent() if not node.interrupting:
            element.set("isInterrupting", "false")
        case BoundaryEvent():
            element.set("attachedToRef", node.attached_to)
            if not node.interrupting:
                element.set("cancelActivity", "false")
        case SendTask(message=MessageTrigger() as message) | ReceiveTask(message=message):
            _refer(element, message)
        case _:
            pass
    if isinstance(node, _EVENTS) and node.trigger is not None:
        _trigger(element, node.trigger)


_EVENTS = StartEvent | EndEvent | CatchEvent | ThrowEvent | BoundaryEvent


def _trigger(element: Element, trigger: Trigger) -> None:  # one line per kind
    match trigger:
        case TimerTrigger():
            _timer(child(element, "timerEventDefinition"), trigger)
        case MessageTrigger():
            _refer(child(element, "messageEventDefinition"), trigger)
        case SignalTrigger(name=name):
            child(element, "signalEventDefinition", signalRef=f"signal-{_encoded(name)}")
        case ConditionTrigger(condition=condition):
            formula(child(element, "conditionalEventDefinition"), "condition", f"={condition}")
        case ErrorTrigger(code=code):
            child(element, "errorEventDefinition", errorRef=_reference("error", code))
        case EscalationTrigger(code=code):
            reference = _reference("escalation", code)
            child(element, "escalationEventDefinition", escalationRef=reference)
        case LinkTrigger(name=name):
            child(element, "linkEventDefinition", name=name)
        case CompensateTrigger(activity=activity):
            child(element, "compensateEventDefinition", activityRef=activity)
        case CancelTrigger():
            child(element, "cancelEventDefinition")
        case TerminateTrigger():
            child(element, "terminateEventDefinition")


def _refer(element: Element, message: MessageTrigger) -> None:
    element.set("messageRef", _message_id(message))
    if message.time_to_live:
        element.set(f"{{{FABLOOP}}}timeToLive", message.time_to_live)


def _timer(element: Element, timer: TimerTrigger) -> None:
    if timer.cycle:
        formula(element, "timeCycle", timer.cycle)
        return
    formula(element, "timeDuration" if timer.duration else "timeDate", timer.duration or timer.date)


def write_associations(parent: Element, nodes: tuple[FlowNode, ...]) -> None:
    """Write the lines from compensation events to the activities that they call."""
    for node in nodes:
        if isinstance(node, BoundaryEvent) and node.handler:
            child(
                parent,
                "association",
                id=f"association-{node.id}",
                associationDirection="One",
                sourceRef=node.id,
                targetRef=node.handler,
            )


# -- what events refer to -------------------------------------------------------------------------


def write_globals(root: Element, process: BpmnProcess) -> None:
    """Write the errors, escalations, signals and messages of a process."""
    declared: dict[str, Trigger] = {}
    for node in all_nodes(process):
        trigger = node.trigger if isinstance(node, _EVENTS) else None
        if isinstance(node, SendTask | ReceiveTask):
            trigger = node.message
        match trigger:
            case ErrorTrigger(code=code) if code:
                declared[_reference("error", code)] = trigger
            case EscalationTrigger(code=code) if code:
                declared[_reference("escalation", code)] = trigger
            case SignalTrigger(name=name):
                declared[_reference("signal", name)] = trigger
            case MessageTrigger():
                declared[_message_id(trigger)] = trigger
            case _:
                pass
    for id_, trigger in sorted(declared.items(), key=lambda each: _ORDER.index(type(each[1]))):
        _global(root, id_, trigger)


_ORDER = (ErrorTrigger, EscalationTrigger, SignalTrigger, MessageTrigger)


def _global(root: Element, id_: str, trigger: Trigger) -> None:
    match trigger:
        case ErrorTrigger(code=code):
            child(root, "error", id=id_, name=code, errorCode=code)
        case EscalationTrigger(code=code):
            child(root, "escalation", id=id_, name=code, escalationCode=code)
        case SignalTrigger(name=name):
            child(root, "signal", id=id_, name=name)
        case MessageTrigger():
            element = child(root, "message", id=id_, name=trigger.name)
            if trigger.correlation_key:
                box = child(element, "extensionElements")
                zeebe(box, "subscription", correlationKey=f"={trigger.correlation_key}")
        case _:
            raise AssertionError(f"{trigger} stands in its event")


def _reference(kind: str, text: str) -> str:
    return f"{kind}-{_encoded(text)}" if text else ""


def _message_id(message: MessageTrigger) -> str:
    return f"message-{_encoded(message.name)}-{_encoded(message.correlation_key)}"


def _encoded(text: str) -> str:
    """Return text as part of an XML id; different texts give different parts."""
    return "".join(
        each if each.isascii() and each.isalnum() else f"_{ord(each):x}_" for each in text
    )
