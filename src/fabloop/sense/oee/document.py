"""Effectiveness documents: which units are watched, when they should work, and how fast."""

from collections.abc import Mapping

from fabloop.model.calendar import Shift, WorkCalendar
from fabloop.model.documents.calendars import calendar_of, shifts_of, weekdays_of
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.effectiveness_structs import (
    BreakEntry,
    EffectivenessDocument,
    EffectiveUnitEntry,
    StateTableEntry,
)
from fabloop.model.documents.sites import note_time_zone
from fabloop.model.documents.values import duration_ns, time_of_day_ns
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.activity import MAPPINGS, Activity, StateMapping
from fabloop.sense.oee.engine import UnitSetting
from fabloop.sense.oee.periods import Break


def settings_of(document: EffectivenessDocument, sheet: Sheet) -> tuple[UnitSetting, ...]:
    """Return what a document says; faults are noted on the sheet, and the result is then unfit."""
    note_time_zone(document.time_zone, sheet.at("time_zone"))
    shifts = shifts_of(document.shifts, sheet.at("shifts"))
    calendar = WorkCalendar(shifts=shifts)
    if document.calendar is not None:
        calendar = calendar_of(document.calendar, shifts, sheet.at("calendar"))
    tables = {
        each.id: _table(each, sheet.at("tables", number))
        for number, each in enumerate(document.tables)
    }
    unique(
        ((sheet.at("tables", n, "id"), each.id) for n, each in enumerate(document.tables)), "table"
    )
    breaks = tuple(
        _break(each, sheet.at("breaks", number)) for number, each in enumerate(document.breaks)
    )
    units = document.units
    unique(
        ((sheet.at("units", n, "work_unit"), it.work_unit) for n, it in enumerate(units)), "unit"
    )
    return tuple(
        UnitSetting(
            work_unit=WorkUnitId(each.work_unit),
            time_zone=document.time_zone,
            calendar=_calendar(each, shifts, calendar, sheet.at("units", number, "calendar")),
            breaks=() if each.calendar == "always" else breaks,
            mapping=_mapping(each, tables, sheet.at("units", number, "table")),
            rates={
                product: duration_ns(text, sheet.at("units", number, "cycle_times", product))
                for product, text in each.cycle_times.items()
            },
        )
        for number, each in enumerate(units)
    )


def _calendar(
    entry: EffectiveUnitEntry, shifts: tuple[Shift, ...], common: WorkCalendar, sheet: Sheet
) -> WorkCalendar:
    if entry.calendar is None:
        return common
    if entry.calendar == "always":
        return WorkCalendar()
    return calendar_of(entry.calendar, shifts, sheet, common.exceptions)


def _break(entry: BreakEntry, sheet: Sheet) -> Break:
    start = time_of_day_ns(entry.start, sheet.at("from"))
    end = time_of_day_ns(entry.end, sheet.at("to"))
    if end <= start:
        sheet.at("to").fault(
            "a break that ends later on its day", entry.end, "Split it at midnight."
        )
    return Break(
        start_ns=start, end_ns=end, weekdays=weekdays_of(entry.weekdays), label=entry.label or ""
    )


def _table(entry: StateTableEntry, sheet: Sheet) -> StateMapping:
    if not entry.states:
        sheet.at("states").fault("at least one state", "none")
    return StateMapping(
        id=entry.id,
        version=entry.version,
        rules={word: Activity(name) for word, name in entry.states.items()},
        reasons={word: Activity(name) for word, name in entry.reasons.items()},
    )


def _mapping(
    entry: EffectiveUnitEntry, tables: Mapping[str, StateMapping], sheet: Sheet
) -> StateMapping:
    known = {**MAPPINGS, **tables}
    if not sheet.known(entry.table, known, "a table of states"):
        return MAPPINGS["fabloop"]
    return known[entry.table]
