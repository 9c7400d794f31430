"""Goals and KPIs: what is to hold for an order, a process or a calendar week, as data."""

from enum import StrEnum

import msgspec

from fabloop.base.period import Period
from fabloop.model.ids import GoalId

BUSINESS_KEY = "business key"
"""The key of a subject that is told apart by the business key of its process instances."""

INSTANCE = "instance"
"""The key of a subject that is a process instance itself."""


class GoalStatus(StrEnum):
    """How a goal stands for one subject."""

    IDLE = "idle"
    """What it counts from has not happened."""
    OPEN = "open"
    ENDANGERED = "endangered"
    MET = "met"
    VIOLATED = "violated"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of thing that goals speak of, and how the history of processes tells one from another.

    Attributes
    ----------
    key : `BUSINESS_KEY`, `INSTANCE`, or a FEEL expression over the variables of an instance
    process : whose instances they are; empty for any. With a process, the end of the instance is
        the end of the subject
    within : the kind of thing it is a part of (a muffin of an order); empty for none
    """

    name: str
    key: str = BUSINESS_KEY
    process: str = ""
    within: str = ""


class Source(StrEnum):
    """What of a node or process an event is."""

    START = "start"
    COMPLETION = "completion"
    CANCELLATION = "cancellation"
    FAILURE = "failure"
    INCIDENT = "incident"
    FACT = "fact"
    """Nothing of a process: it is told by name."""


class EventDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A word for something that happens to a subject.

    Attributes
    ----------
    node : id of the node; empty for the process itself
    process : empty for any process that has such a node
    when : FEEL condition over the variables of the instance, as they are after the step
    """

    name: str
    subject: str
    source: Source
    node: str = ""
    process: str = ""
    when: str = ""


class Within(msgspec.Struct, frozen=True, kw_only=True, tag="within"):
    """An event happens at most so long after another."""

    what: str
    span: Period
    after: str


class By(msgspec.Struct, frozen=True, kw_only=True, tag="by"):
    """An event happens by the instant that a FEEL expression over variables gives."""

    what: str
    by: str


class NotBefore(msgspec.Struct, frozen=True, kw_only=True, tag="not-before"):
    """An event happens at least so long after another, and never without it."""

    what: str
    span: Period
    after: str


class Precedes(msgspec.Struct, frozen=True, kw_only=True, tag="precedes"):
    """An event has happened when another does."""

    what: str
    before: str


class AtMost(msgspec.Struct, frozen=True, kw_only=True, tag="at-most"):
    """An event happens at most so often: 0 is never."""

    what: str
    times: int = 0


class Always(msgspec.Struct, frozen=True, kw_only=True, tag="always"):
    """A FEEL condition over variables is never false once it has a value."""

    condition: str


class HoldsAt(msgspec.Struct, frozen=True, kw_only=True, tag="holds-at"):
    """A FEEL condition over variables is true when an event happens."""

    what: str
    condition: str


class Parts(msgspec.Struct, frozen=True, kw_only=True, tag="parts"):
    """At least so many of the goal's parts are met; None is all of them."""

    least: int | None = None


Statement = Within | By | NotBefore | Precedes | AtMost | Always | HoldsAt | Parts


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is to hold for each subject of a kind.

    Attributes
    ----------
    part_of : the goal that this one serves
    needed : without it the other cannot be met; else its violation only endangers the other
    warn_at : risk (0..1) from which on it counts as endangered; it is out of danger below half
    written : the statement as it was written
    """

    id: GoalId
    title: str
    subject: str
    statement: Statement
    part_of: GoalId | None = None
    needed: bool = False
    warn_at: float = 0.5
    written: str = ""


class Relation(StrEnum):
    """How a KPI has to stand to its limit."""

    AT_LEAST = ">="
    AT_MOST = "<="
    ABOVE = ">"
    BELOW = "<"


class Share(msgspec.Struct, frozen=True, kw_only=True, tag="share"):
    """How many of the subjects decided in the span met the goal, 0..1."""

    goal: GoalId


class Count(msgspec.Struct, frozen=True, kw_only=True, tag="count"):
    """To how many subjects an event happened in the span, for the first time."""

    event: str


class MeanTime(msgspec.Struct, frozen=True, kw_only=True, tag="mean-time"):
    """Mean time from one event to another that happened in the span, in seconds."""

    after: str
    what: str


Measure = Share | Count | MeanTime


class CalendarSpan(StrEnum):
    """A span of the calendar in the time zone of the goals; weeks begin on Monday (ISO 8601)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """A figure over each span of the calendar, with its limit in SI units."""

    id: GoalId
    title: str
    subject: str
    measure: Measure
    relation: Relation
    limit: float
    over: CalendarSpan = CalendarSpan.WEEK
    written: str = ""


class GoalSet(msgspec.Struct, frozen=True, kw_only=True):
    """Goals that are watched together, with the words they use; every name in it is known in it."""

    id: str
    version: str
    time_zone: str = "UTC"
    subjects: dict[str, Subject] = {}
    events: dict[str, EventDefinition] = {}
    goals: dict[GoalId, Goal] = {}
    kpis: dict[GoalId, Kpi] = {}
