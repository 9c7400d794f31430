"""The document that tells what is to hold for orders, processes and weeks of the calendar."""

from typing import Annotated

import msgspec

from fabloop.model.documents.entries import Entries, Entry, Header
from fabloop.model.documents.texts import ID_MAX, TEXT_MAX, Id, Label, TimeZoneText

GOALS_MAX = 500
"""Goals, and KPIs, of one document: every event is judged by all that speak of it."""

GoalName = Annotated[
    str,
    msgspec.Meta(
        title="an id of letters, digits, '-', '_' and '.'",
        pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$",
        max_length=ID_MAX,
        examples=["G1.1"],
    ),
]
EventWord = Annotated[
    str,
    msgspec.Meta(
        title="a word of letters, digits, '-' and '_'",
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*$",
        max_length=ID_MAX,
        examples=["fulfilled"],
    ),
]
NodeText = Annotated[str, msgspec.Meta(title="an id of a process or node", max_length=ID_MAX)]
PhraseText = Annotated[
    str,
    msgspec.Meta(
        title="a statement of the goal language",
        min_length=1,
        max_length=TEXT_MAX,
        examples=["fulfilled within 36 h of received"],
    ),
]
FeelText = Annotated[str, msgspec.Meta(title="a FEEL expression", max_length=TEXT_MAX)]
Many = Annotated[
    tuple["GoalEntry", ...],
    msgspec.Meta(max_length=GOALS_MAX, extra_json_schema={"x-limit": "GOALS_MAX"}),
]
ManyKpis = Annotated[
    tuple["KpiGoalEntry", ...],
    msgspec.Meta(max_length=GOALS_MAX, extra_json_schema={"x-limit": "GOALS_MAX"}),
]


class SubjectEntry(Entry, frozen=True, kw_only=True):
    """A kind of thing that goals speak of: an order, a muffin, a delivery.

    `key` tells one from another: ``business key``, ``instance``, or a FEEL expression over the
    variables of a process instance; `within` is the kind of thing that it is a part of.
    """

    name: EventWord
    key: FeelText = "business key"
    process: NodeText = ""
    within: EventWord | None = None


class EventEntry(Entry, frozen=True, kw_only=True):
    """A word for something that happens: ``start``, ``completion``, ``cancellation``, ``failure``
    or ``incident`` of a node or process, or a ``fact`` that is told.
    """

    name: EventWord
    subject: EventWord
    happens: PhraseText
    when: FeelText = ""


class GoalEntry(Entry, frozen=True, kw_only=True):
    """Something that is to hold for each subject of a kind.

    It is a part of the goal in `part_of`; of that in `needed_for` one that it cannot do without.
    """

    id: GoalName
    title: Label | None = None
    each: Annotated[str, msgspec.Meta(title="a kind of thing", max_length=2 * ID_MAX)] = ""
    statement: PhraseText
    part_of: GoalName | None = None
    needed_for: GoalName | None = None
    warn_at: Annotated[
        str, msgspec.Meta(title="a risk above which it is endangered", examples=["50 %"])
    ] = "50 %"


class KpiGoalEntry(Entry, frozen=True, kw_only=True):
    """A figure over each span of the calendar, with its limit."""

    id: GoalName
    title: Label | None = None
    measure: PhraseText


class GoalsDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="goals"):
    """What is to hold for orders, processes and weeks of the calendar."""

    id: Id
    time_zone: TimeZoneText = "UTC"
    subjects: Annotated[tuple[SubjectEntry, ...], Entries] = ()
    events: Annotated[tuple[EventEntry, ...], Entries] = ()
    goals: Many = ()
    kpis: ManyKpis = ()
