"""Working time: shifts by weekday, exceptions by date, and the spans in which work is possible."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import msgspec

from fabloop.base.errors import Refused
from fabloop.base.instant import DAY, Instant
from fabloop.base.zones import at_clock, local_day

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
"""Weekdays as numbers; 0 is Monday."""

CALENDAR_DAYS_MAX = 3_700
"""Longest range of days (ten years) whose spans are listed at once."""

SHIFT_END_MAX = 2 * DAY
"""A shift begins on its day and ends before the end of the next one."""

Spans = tuple[tuple[Instant, Instant], ...]
"""Spans of time, sorted and disjoint; each ends after it starts, the end not included."""


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """Working time of a day in the site's time zone, as spans since local midnight.

    A shift over midnight has `end_ns` beyond one day; it belongs to the day on which it starts.
    """

    id: str
    label: str
    start_ns: int
    end_ns: int
    weekdays: tuple[int, ...] = EVERY_DAY


class CalendarException(msgspec.Struct, frozen=True, kw_only=True):
    """What holds on one date instead of the shifts that start on it; no `spans`: closed.

    A shift that started on the day before still ends as it does on other days.
    """

    date: str
    """ISO 8601 calendar date in the site's time zone."""
    spans: tuple[tuple[int, int], ...] = ()
    """Start and end since local midnight, nanoseconds."""
    reason: str = ""

    @property
    def closed(self) -> bool:
        """Whether nothing starts on this date."""
        return not self.spans


class WorkCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """When work is possible: the union of the shifts, save on the dates of the exceptions."""

    shifts: tuple[Shift, ...] = ()
    exceptions: tuple[CalendarException, ...] = ()


def open_spans(calendar: WorkCalendar, time_zone: str, start: Instant, end: Instant) -> Spans:
    """Return when work is possible between two instants.

    Shifts that overlap or meet give one span: work goes on over the change of shifts.

    Raises
    ------
    Refused
        The range is longer than `CALENDAR_DAYS_MAX` days.
    """
    if end - start > CALENDAR_DAYS_MAX * DAY:
        raise Refused(
            f"Expected a range of at most {CALENDAR_DAYS_MAX} days of a calendar, but found "
            f"{(end - start) // DAY}. Plan to an earlier date."
        )
    if end <= start:
        return ()
    exceptions = {each.date: each.spans for each in calendar.exceptions}
    found: list[tuple[Instant, Instant]] = []
    for day in _days(start, end, time_zone):
        clock = exceptions.get(day.isoformat())
        if clock is None:
            clock = _regular(calendar.shifts, day)
        for span in clock:
            opens = max(start, at_clock(day, span[0], time_zone))
            closes = min(end, at_clock(day, span[1], time_zone))
            if opens < closes:  # the clock may skip a short shift in spring
                found.append((opens, closes))
    return _joined(sorted(found))


def _regular(shifts: Sequence[Shift], day: date) -> tuple[tuple[int, int], ...]:
    return tuple((each.start_ns, each.end_ns) for each in shifts if day.weekday() in each.weekdays)


def _days(start: Instant, end: Instant, time_zone: str) -> Iterator[date]:
    """Yield the days on which a shift may start that reaches into the range."""
    last = local_day(end, time_zone)
    day = local_day(start, time_zone) - timedelta(days=SHIFT_END_MAX // DAY)
    while day <= last:
        yield day
        day += timedelta(days=1)


def _joined(spans: Sequence[tuple[Instant, Instant]]) -> Spans:
    """Return sorted spans with those that overlap or meet made one."""
    joined: list[tuple[Instant, Instant]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)
