"""Shifts, calendars and exceptions as they are written to working time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from fabloop.base.instant import DAY
from fabloop.model.calendar import CalendarException, Shift, WorkCalendar
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.site_structs import (
    CalendarEntry,
    CalendarExceptionEntry,
    ShiftEntry,
    SpanOfDayEntry,
)
from fabloop.model.documents.texts import EVERY_WEEKDAY
from fabloop.model.documents.values import YEARS, time_of_day_ns


def weekdays_of(words: Iterable[str]) -> tuple[int, ...]:
    """Return weekdays as numbers, 0 is Monday, each once."""
    return tuple(sorted({EVERY_WEEKDAY.index(each) for each in words}))


def shifts_of(entries: Sequence[ShiftEntry], sheet: Sheet) -> tuple[Shift, ...]:
    """Return the shifts of a site."""
    unique(((sheet.at(i, "id"), each.id) for i, each in enumerate(entries)), "shift")
    return tuple(_shift(each, sheet.at(index)) for index, each in enumerate(entries))


def _shift(entry: ShiftEntry, sheet: Sheet) -> Shift:
    start_ns, end_ns = span_of_day(entry, sheet, "a shift")
    return Shift(
        id=entry.id,
        label=entry.label,
        start_ns=start_ns,
        end_ns=end_ns,
        weekdays=weekdays_of(entry.weekdays),
    )


def span_of_day(entry: ShiftEntry | SpanOfDayEntry, sheet: Sheet, what: str) -> tuple[int, int]:
    """Return start and end since local midnight; an end not after the start is the next day's."""
    before = len(sheet.faults)
    start = time_of_day_ns(entry.start, sheet.at("from"))
    end = time_of_day_ns(entry.end, sheet.at("to"))
    if start == end and len(sheet.faults) == before:
        sheet.fault(f"{what} that ends at another time than it starts", f"{entry.start} for both")
    return start, end if end > start else end + DAY


def calendar_of(
    entry: CalendarEntry,
    shifts: Sequence[Shift],
    sheet: Sheet,
    inherited: Sequence[CalendarException] = (),
) -> WorkCalendar:
    """Return the working time; own exceptions go before `inherited` ones of the same date.

    A calendar without a working minute is noted as a fault.
    """
    known: Mapping[str, Shift] = {each.id: each for each in shifts}
    before = len(sheet.faults)
    named = entry.shifts
    if named is not None:
        unique(((sheet.at("shifts", i), each) for i, each in enumerate(named)), "shift")
        for index, each in enumerate(named):
            sheet.at("shifts", index).known(each, known, "a shift of the site")
    own = _exceptions(entry.exceptions, sheet.at("exceptions"))
    dates = {each.date for each in own}
    calendar = WorkCalendar(
        shifts=tuple(each for each in shifts if named is None or each.id in named),
        exceptions=(*own, *(each for each in inherited if each.date not in dates)),
    )
    opens = any(each.spans for each in calendar.exceptions)
    if not calendar.shifts and not opens and len(sheet.faults) == before:
        sheet.fault(
            "a calendar with at least one working minute",
            "no shift, and no date that opens",
            "Name a shift of the site, or leave the calendar out: work is then always possible.",
        )
    return calendar


def _exceptions(
    entries: Sequence[CalendarExceptionEntry], sheet: Sheet
) -> tuple[CalendarException, ...]:
    unique(((sheet.at(i, "date"), each.date) for i, each in enumerate(entries)), "date")
    found = []
    for index, entry in enumerate(entries):
        at = sheet.at(index)
        spans = tuple(
            span_of_day(each, at.at("open", i), "working time") for i, each in enumerate(entry.open)
        )
        day = iso_date(entry.date, at.at("date"))
        found.append(CalendarException(date=day, spans=spans, reason=entry.reason))
    return tuple(found)


def iso_date(text: str, sheet: Sheet) -> str:
    """Return an ISO 8601 date in its usual form; a fault where it is none."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        sheet.fault("an ISO 8601 date, such as '2026-12-24'", repr(text))
        return text
    if found.year not in YEARS:
        sheet.fault(f"a date from {YEARS[0]} to {YEARS[-1]}", repr(text))
    return found.isoformat()
