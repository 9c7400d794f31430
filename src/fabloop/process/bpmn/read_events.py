"""Reads events: what starts, is waited for, is thrown and ends."""

from collections.abc import Iterator

from fabloop.base.xml import Element, Tally, local_of, text_of
from fabloop.process.bpmn.extensions import (
    correlation_of,
    feel_name,
    job_of,
    mappings_of,
    static,
    stripped,
)
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    CatchEvent,
    EndEvent,
    StartEvent,
    ThrowEvent,
)
from fabloop.process.bpmn.triggers import (
    Attached,
    CancelTrigger,
    Caught,
    CompensateTrigger,
    ConditionTrigger,
    Ended,
    ErrorTrigger,
    EscalationTrigger,
    LinkTrigger,
    MessageTrigger,
    SignalTrigger,
    Started,
    TerminateTrigger,
    Thrown,
    TimerTrigger,
)
from fabloop.process.bpmn.xml import BPMN, FABLOOP

Trigger = Started | Attached | Caught | Thrown | Ended

_NO_TRIGGER = "an event with one event definition"


class EventReader:
    """Reads the events of one document; what they refer to stands beside its processes.

    Attributes
    ----------
    handlers : boundary event id -> id of the activity that an association leads to
    """

    def __init__(self, root: Element, tally: Tally) -> None:
        self.tally = tally
        self.declared = {
            kind: {each.get("id", ""): each for each in root.iterfind(f"{BPMN}{kind}")}
            for kind in ("message", "error", "escalation", "signal")
        }
        self.handlers = {
            each.get("sourceRef", ""): each.get("targetRef", "")
            for each in root.iter(f"{BPMN}association")
        }

    def start(self, element: Element) -> StartEvent:
        """Return a start event, with the trigger of an event sub-process or process where given."""
        trigger = self._one(element)
        if trigger is not None and not isinstance(trigger, Started):
            self._misplaced(element)
            trigger = None
        return StartEvent(
            id=element.get("id", ""),
            name=element.get("name", ""),
            trigger=trigger,
            interrupting=element.get("isInterrupting", "true") != "false",
            outputs=mappings_of(element, "output"),
        )

    def end(self, element: Element) -> EndEvent:
        """Return an end event."""
        trigger = self._one(element)
        if trigger is not None and not isinstance(trigger, Ended):
            self._misplaced(element)
            trigger = None
        if isinstance(trigger, ErrorTrigger | EscalationTrigger) and not trigger.code:
            kind = "an error" if isinstance(trigger, ErrorTrigger) else "an escalation"
            self.tally.refuse(element, f"{kind} with a code", "none")
        return EndEvent(
            id=element.get("id", ""),
            name=element.get("name", ""),
            trigger=trigger,
            work=job_of(element, self.tally),
            inputs=mappings_of(element, "input"),
            outputs=mappings_of(element, "output"),
        )

    def catch(self, element: Element) -> CatchEvent | None:
        """Return an intermediate catch event."""
        trigger = self._one(element)
        if not isinstance(trigger, Caught):
            self._misplaced(element)
            return None
        return CatchEvent(
            id=element.get("id", ""),
            name=element.get("name", ""),
            trigger=trigger,
            outputs=mappings_of(element, "output"),
        )

    def throw(self, element: Element) -> ThrowEvent:
        """Return an intermediate throw event; one without a definition only passes."""
        trigger = self._one(element)
        if trigger is not None and not isinstance(trigger, Thrown):
            self._misplaced(element)
            trigger = None
        if isinstance(trigger, EscalationTrigger) and not trigger.code:
            self.tally.refuse(element, "an escalation with a code", "none")
        return ThrowEvent(
            id=element.get("id", ""),
            name=element.get("name", ""),
            trigger=trigger,
            work=job_of(element, self.tally),
            inputs=mappings_of(element, "input"),
            outputs=mappings_of(element, "output"),
        )

    def boundary(self, element: Element) -> BoundaryEvent | None:
        """Return an event on the boundary of an activity."""
        trigger = self._one(element)
        if not isinstance(trigger, Attached):
            self._misplaced(element)
            return None
        compensates = isinstance(trigger, CompensateTrigger)
        return BoundaryEvent(
            id=element.get("id", ""),
            name=element.get("name", ""),
            attached_to=element.get("attachedToRef", ""),
            trigger=trigger,
            interrupting=element.get("cancelActivity", "true") != "false",
            handler=self.handlers.get(element.get("id", ""), "") if compensates else "",
            outputs=mappings_of(element, "output"),
        )

    def message_of(self, element: Element) -> MessageTrigger | None:
        """Return the message that a task or event definition refers to."""
        message = self._referred(element, "message")
        if message is None:
            return None
        return MessageTrigger(
            name=feel_name(message),
            correlation_key=correlation_of(message),
            time_to_live=stripped(element.get(f"{FABLOOP}timeToLive", "")),
        )

    # -- definitions --------------------------------------------------------------------------

    def _one(self, event: Element) -> Trigger | None:
        """Return the trigger of an event, None without one; several are refused."""
        definitions = list(_definitions(event))
        if len(definitions) > 1 or event.get("parallelMultiple") == "true":
            found = f"{len(definitions)}, which together are not carried out"
            self.tally.refuse(event, _NO_TRIGGER, found)
            return None
        return self._trigger(definitions[0]) if definitions else None

    def _misplaced(self, event: Element) -> None:
        """Refuse a definition that an event of this kind cannot have, or that is missing."""
        definitions = list(_definitions(event))
        if len(definitions) == 1:
            self._wrong(definitions[0], f"a definition that {local_of(event)} may have")
        elif not definitions:
            self.tally.refuse(event, _NO_TRIGGER, "none")

    def _trigger(self, definition: Element) -> Trigger | None:  # noqa: PLR0911  # one per kind
        match local_of(definition):
            case "timerEventDefinition":
                return _timer(definition)
            case "messageEventDefinition":
                return self.message_of(definition) or MessageTrigger(name="?")
            case "signalEventDefinition":
                signal = self._referred(definition, "signal")
                return SignalTrigger(name="?" if signal is None else feel_name(signal))
            case "conditionalEventDefinition":
                return ConditionTrigger(
                    condition=stripped(text_of(definition.find(f"{BPMN}condition")))
                )
            case "errorEventDefinition":
                return ErrorTrigger(code=self._code(definition, "error"))
            case "escalationEventDefinition":
                return EscalationTrigger(code=self._code(definition, "escalation"))
            case "compensateEventDefinition":
                if definition.get("waitForCompletion", "true") == "false":
                    expected = "a compensation that is waited for"
                    self.tally.refuse(definition, expected, "waitForCompletion=false")
                return CompensateTrigger(activity=definition.get("activityRef", ""))
            case "linkEventDefinition":
                return LinkTrigger(name=definition.get("name", ""))
            case "cancelEventDefinition":
                return CancelTrigger()
            case "terminateEventDefinition":
                return TerminateTrigger()
            case _:
                self._wrong(definition, "an event definition of BPMN 2.0")
                return None

    def _referred(self, element: Element, kind: str) -> Element | None:
        reference = element.get(f"{kind}Ref", "").rpartition(":")[2]
        found = self.declared[kind].get(reference)
        if found is None:
            named = f"'{reference}'" if reference else "none"
            self.tally.refuse(element, f"a declared {kind}", named)
        return found

    def _code(self, definition: Element, kind: str) -> str:
        if not definition.get(f"{kind}Ref"):
            return ""
        declared = self._referred(definition, kind)
        return "" if declared is None else static(declared, f"{kind}Code", self.tally)

    def _wrong(self, definition: Element, expected: str) -> None:
        found = f"{local_of(definition)}, which is not carried out here"
        self.tally.refuse(definition, expected, found)


def _definitions(event: Element) -> Iterator[Element]:
    return (each for each in event if local_of(each).endswith("EventDefinition"))


def _timer(definition: Element) -> TimerTrigger:
    return TimerTrigger(
        duration=stripped(text_of(definition.find(f"{BPMN}timeDuration"))),
        date=stripped(text_of(definition.find(f"{BPMN}timeDate"))),
        cycle=stripped(text_of(definition.find(f"{BPMN}timeCycle"))),
    )
