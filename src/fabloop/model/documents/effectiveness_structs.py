"""The document that tells how the effectiveness of work units is counted."""

from typing import Annotated, Literal

import msgspec

from fabloop.model.documents.entries import Entries, Entry, Header
from fabloop.model.documents.site_structs import CalendarEntry, ShiftEntry
from fabloop.model.documents.texts import (
    EVERY_WEEKDAY,
    DurationText,
    Id,
    Label,
    TimeOfDayText,
    TimeZoneText,
    Weekdays,
)

ActivityName = Literal["producing", "setup", "waiting", "stopped", "failed", "planned", "unknown"]


class BreakEntry(Entry, frozen=True, kw_only=True):
    """A pause of the weekdays in which work units stand still as planned."""

    start: TimeOfDayText = msgspec.field(name="from")
    end: TimeOfDayText = msgspec.field(name="to")
    weekdays: Weekdays = EVERY_WEEKDAY
    label: Label | None = None


class StateTableEntry(Entry, frozen=True, kw_only=True):
    """A table from a machine's words to activities: by `state`, or `state/mode`; reasons win."""

    id: Id
    version: Annotated[int, msgspec.Meta(ge=1)] = 1
    states: dict[str, ActivityName]
    reasons: dict[str, ActivityName] = msgspec.field(default_factory=dict)


class EffectiveUnitEntry(Entry, frozen=True, kw_only=True):
    """A work unit whose time is counted.

    `table` is one of the document's or ``fabloop``, ``opc-40001-1``, ``opc-40501``, ``packml``.
    `cycle_times` are planned run times per item (PRI) by product; under ``""`` that of all others.
    Without a `calendar` the unit works all shifts; ``always``: day and night.
    """

    work_unit: Id
    table: Id = "fabloop"
    cycle_times: dict[str, DurationText] = msgspec.field(default_factory=dict)
    calendar: CalendarEntry | Literal["always"] | None = None


class EffectivenessDocument(
    Header, frozen=True, kw_only=True, tag_field="document", tag="effectiveness"
):
    """Which work units are watched, when they are planned to work, and how fast they should be."""

    time_zone: TimeZoneText
    units: Annotated[tuple[EffectiveUnitEntry, ...], Entries]
    shifts: Annotated[tuple[ShiftEntry, ...], Entries] = ()
    calendar: CalendarEntry | None = None
    breaks: Annotated[tuple[BreakEntry, ...], Entries] = ()
    tables: Annotated[tuple[StateTableEntry, ...], Entries] = ()
