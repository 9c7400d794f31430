"""What BPMN events wait for or throw, as data; names are those of the standard."""

import msgspec


class TimerTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="timer"):
    """Fires after a duration, at a date, or again and again; exactly one of them is given.

    Each is FEEL or plain text: ISO 8601 (a `cycle` as ``R3/PT1H``), or for a `cycle` a cron line
    of six fields, seconds first.
    """

    duration: str = ""
    date: str = ""
    cycle: str = ""


class ErrorTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="error"):
    """Catches (or throws) a BPMN error; an empty code catches every error."""

    code: str = ""


class EscalationTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="escalation"):
    """Catches (or throws) an escalation; an empty code catches every escalation."""

    code: str = ""


class MessageTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="message"):
    """Waits for (or sends) a message of this name with the key that `correlation_key` (FEEL) gives.

    The start event of a process needs no key, nor does a message that is sent to one. A sent
    message is kept for `time_to_live`: ISO 8601 text, or FEEL. The name is plain text, or FEEL
    where it begins with ``=``.
    """

    name: str
    correlation_key: str = ""
    time_to_live: str = ""


class SignalTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="signal"):
    """Waits for a signal of this name, or sends it to all that wait.

    The name is plain text, or FEEL where it begins with ``=``.
    """

    name: str


class ConditionTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="condition"):
    """Fires once the FEEL `condition` becomes true."""

    condition: str


class LinkTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="link"):
    """Goes on at the catching link event of the same name in the same scope."""

    name: str


class CompensateTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="compensate"):
    """Undoes `activity` (empty: all that was completed in the scope); or catches that."""

    activity: str = ""


class CancelTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="cancel"):
    """Cancels the transaction around it, or catches that."""


class TerminateTrigger(msgspec.Struct, frozen=True, kw_only=True, tag="terminate"):
    """Ends everything else in its scope."""


Started = (
    TimerTrigger
    | MessageTrigger
    | SignalTrigger
    | ConditionTrigger
    | ErrorTrigger
    | EscalationTrigger
    | CompensateTrigger
)
"""What starts a process or an event sub-process; the last three only the latter."""

Caught = TimerTrigger | MessageTrigger | SignalTrigger | ConditionTrigger | LinkTrigger
"""What an intermediate event waits for."""

Attached = (
    TimerTrigger
    | MessageTrigger
    | SignalTrigger
    | ConditionTrigger
    | ErrorTrigger
    | EscalationTrigger
    | CompensateTrigger
    | CancelTrigger
)
"""What an event on the boundary of an activity catches."""

Thrown = MessageTrigger | SignalTrigger | EscalationTrigger | CompensateTrigger | LinkTrigger
"""What an intermediate event throws."""

Ended = (
    MessageTrigger
    | SignalTrigger
    | EscalationTrigger
    | CompensateTrigger
    | ErrorTrigger
    | CancelTrigger
    | TerminateTrigger
)
"""What an end event does besides consuming its token."""
