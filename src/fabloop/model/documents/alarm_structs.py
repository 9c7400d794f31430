"""The document that tells which values of machines are worth an alarm, and for whom."""

from typing import Annotated, Literal

import msgspec

from fabloop.model.documents.entries import Entries, Entry, Header
from fabloop.model.documents.texts import DurationText, Id, Label, Word

SUPPRESSED_MAX = 100
ESCALATIONS_MAX = 8


class EscalationEntry(Entry, frozen=True, kw_only=True):
    """Who else is told when nobody has acknowledged the alarm for so long."""

    after: DurationText
    role: Label


class AlarmEntry(Entry, frozen=True, kw_only=True):
    """When a signal is worth an alarm: beyond `limit`, until it is good again at `release`.

    `limit` and `release` are in the unit of the readings. The alarm is not told in the states
    of the machine `suppressed_in`, nor while `root` is on, of which it is a consequence.
    """

    id: Id
    work_unit: Id
    signal: Word
    limit: float
    release: float
    action: Label
    role: Label
    side: Literal["above", "below"] = "above"
    priority: Literal["critical", "high", "medium", "low"] = "medium"
    on_delay: DurationText = "5 s"
    off_delay: DurationText = "30 s"
    latching: bool = False
    suppressed_in: Annotated[tuple[Word, ...], msgspec.Meta(max_length=SUPPRESSED_MAX)] = ()
    root: Id | None = None
    escalations: Annotated[
        tuple[EscalationEntry, ...], msgspec.Meta(max_length=ESCALATIONS_MAX)
    ] = ()


class AlarmsDocument(Header, frozen=True, kw_only=True, tag_field="document", tag="alarms"):
    """Alarms of a plant (ISA-18.2): each asks somebody to do something."""

    alarms: Annotated[tuple[AlarmEntry, ...], Entries]
