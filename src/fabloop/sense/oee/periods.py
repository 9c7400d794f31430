"""Shifts that follow each other without a gap: planned time, breaks, and what is not planned."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from fabloop.base.instant import DAY, Instant
from fabloop.base.zones import at_clock, local_day
from fabloop.model.calendar import EVERY_DAY, SHIFT_END_MAX, CalendarException, WorkCalendar

AHEAD_DAYS = 31
"""How many days are laid out at once when time goes on."""


_REACH = timedelta(days=SHIFT_END_MAX // DAY)
"""How far a shift reaches beyond the day on which it begins."""


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """A pause of every day in which the unit stands still as planned; since local midnight."""

    start_ns: int
    end_ns: int
    weekdays: tuple[int, ...] = EVERY_DAY
    label: str = ""


class Period(msgspec.Struct, frozen=True):
    """A shift of one day, or the time between two shifts (`shift` is empty, nothing planned).

    Attributes
    ----------
    start, end : the end not included
    planned : when work is planned within, sorted and disjoint: the shift less its breaks
    """

    start: Instant
    end: Instant
    shift: str = ""
    planned: tuple[tuple[Instant, Instant], ...] = ()

    @property
    def planned_ns(self) -> int:
        """Planned operation time (POT) of the whole period."""
        return sum(end - start for start, end in self.planned)


class Periods:
    """The periods of a calendar, laid out as far as they are asked for.

    Where two shifts overlap the time belongs to the one that began last. A unit without shifts is
    planned always, in periods of local days.
    """

    def __init__(
        self, calendar: WorkCalendar, time_zone: str, breaks: tuple[Break, ...] = ()
    ) -> None:
        self._calendar = calendar
        self._time_zone = time_zone
        self._breaks = breaks
        self._starts: list[Instant] = []
        self._periods: list[Period] = []

    def at(self, instant: Instant) -> Period:
        """Return the period in which an instant lies."""
        if not self._periods or not self._periods[0].start <= instant < self._periods[-1].end:
            self._lay_out(instant)
        return self._periods[bisect_right(self._starts, instant) - 1]

    def between(self, start: Instant, end: Instant) -> Iterator[Period]:
        """Yield the periods that have time in common with a span, in order."""
        while start < end:
            period = self.at(start)
            yield period
            start = period.end

    def _lay_out(self, instant: Instant) -> None:
        """Lay out whole days from a month before to a month behind the instant and the known."""
        pad = timedelta(days=AHEAD_DAYS)
        known = self._periods
        first = local_day(min(instant, known[0].start) if known else instant, self._time_zone)
        last = local_day(max(instant, known[-1].end) if known else instant, self._time_zone)
        start = at_clock(first - pad, 0, self._time_zone)
        end = at_clock(last + pad, 0, self._time_zone)
        shifts = self._shifts(first - pad - _REACH, last + pad + _REACH)
        tiles = _tiled(shifts, start, end, self._time_zone)
        self._periods = [each for each in tiles if each.end > start and each.start < end]
        self._starts = [each.start for each in self._periods]

    def _shifts(self, day: date, last: date) -> list[Period]:
        """Return the shifts that begin on some days; without a calendar each day is one."""
        exceptions = {each.date: each for each in self._calendar.exceptions}
        found = []
        while day <= last:
            pauses = self._pauses(day)
            special = exceptions.get(day.isoformat())
            for begins, ends, name in self._clock(day, special):
                opens = at_clock(day, begins, self._time_zone)
                closes = at_clock(day, ends, self._time_zone)
                if opens < closes:  # the clock may skip a short shift in spring
                    found.append(Period(opens, closes, name, _without((opens, closes), pauses)))
            day += timedelta(days=1)
        return sorted(found, key=lambda each: (each.start, each.end))

    def _clock(self, day: date, special: CalendarException | None) -> list[tuple[int, int, str]]:
        if special is not None:
            return [(start, end, special.reason or "exception") for start, end in special.spans]
        if not self._calendar.shifts:
            return [(0, DAY, "day")]
        shifts = self._calendar.shifts
        return [(it.start_ns, it.end_ns, it.id) for it in shifts if day.weekday() in it.weekdays]

    def _pauses(self, day: date) -> list[tuple[Instant, Instant]]:
        """Return the breaks that may reach into a shift which begins on a day, sorted."""
        days = [day + timedelta(days=ahead) for ahead in range(_REACH.days + 1)]
        return sorted(
            (
                at_clock(each, it.start_ns, self._time_zone),
                at_clock(each, it.end_ns, self._time_zone),
            )
            for each in days
            for it in self._breaks
            if each.weekday() in it.weekdays
        )


def _without(
    span: tuple[Instant, Instant], pauses: list[tuple[Instant, Instant]]
) -> tuple[tuple[Instant, Instant], ...]:
    """Return a span less its pauses, which are sorted."""
    left, start = [], span[0]
    for begins, ends in pauses:
        if begins >= span[1]:
            break
        if begins > start:
            left.append((start, begins))
        start = max(start, ends)
    if start < span[1]:
        left.append((start, span[1]))
    return tuple(left)


def _tiled(shifts: list[Period], start: Instant, end: Instant, time_zone: str) -> Iterator[Period]:
    """Yield shifts cut where the next one begins, and what lies before, between and behind them."""
    reached = start
    for number, shift in enumerate(shifts):
        yield from _gap(reached, shift.start, time_zone)
        following = shifts[number + 1].start if number + 1 < len(shifts) else shift.end
        stop = min(shift.end, following) if following > shift.start else shift.start
        if stop > shift.start:
            planned = tuple((a, min(b, stop)) for a, b in shift.planned if a < stop)
            yield Period(shift.start, stop, shift.shift, planned)
        reached = max(reached, stop, shift.start)
    yield from _gap(reached, end, time_zone)


def _gap(start: Instant, end: Instant, time_zone: str) -> Iterator[Period]:
    """Yield time that is not planned, cut at midnight so that days can be added up."""
    while start < end:
        midnight = at_clock(local_day(start, time_zone) + timedelta(days=1), 0, time_zone)
        yield Period(start, min(midnight, end))
        start = min(midnight, end)
