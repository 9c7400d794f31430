"""Calendars: what is open follows the local clock, weekdays and exceptions; spans are a set."""

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Refused
from fabloop.base.instant import DAY, HOUR, MINUTE, Instant, instant_of, iso_of
from fabloop.base.zones import at_clock
from fabloop.model.calendar import (
    CALENDAR_DAYS_MAX,
    CalendarException,
    Shift,
    WorkCalendar,
    open_spans,
)

VIENNA = "Europe/Vienna"
EARLY = Shift(id="early", label="Early", start_ns=6 * HOUR, end_ns=14 * HOUR)
LATE = Shift(id="late", label="Late", start_ns=14 * HOUR, end_ns=22 * HOUR)
NIGHT = Shift(id="night", label="Night", start_ns=22 * HOUR, end_ns=30 * HOUR)
WEEK = (0, 1, 2, 3, 4)


def spans(calendar: WorkCalendar, start: str, end: str) -> list[tuple[str, str]]:
    """Return the open spans of local days as local times."""
    found = open_spans(calendar, VIENNA, instant_of(start), instant_of(end))
    return [(iso_of(a, VIENNA)[5:16], iso_of(b, VIENNA)[5:16]) for a, b in found]


def on_weekdays(shift: Shift, weekdays: tuple[int, ...]) -> Shift:
    return msgspec.structs.replace(shift, weekdays=weekdays)


def test_shifts_that_meet_are_one_span():
    calendar = WorkCalendar(shifts=(LATE, EARLY))
    assert spans(calendar, "2026-11-23T00:00+01:00", "2026-11-24T00:00+01:00") == [
        ("11-23T06:00", "11-23T22:00")
    ]


def test_a_night_shift_reaches_into_the_range_from_the_day_before():
    calendar = WorkCalendar(shifts=(NIGHT,))
    assert spans(calendar, "2026-11-23T00:00+01:00", "2026-11-24T00:00+01:00") == [
        ("11-23T00:00", "11-23T06:00"),
        ("11-23T22:00", "11-24T00:00"),
    ]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28", 7), ("2026-10-24", 9)])
def test_a_night_shift_over_the_change_of_the_clock_has_an_hour_less_or_more(day, hours):
    calendar = WorkCalendar(shifts=(on_weekdays(NIGHT, (5,)),))  # Saturday to Sunday
    start = at_clock(date.fromisoformat(day), 0, VIENNA)
    ((opens, closes),) = open_spans(calendar, VIENNA, start, Instant(start + 3 * DAY))
    assert closes - opens == hours * HOUR
    assert iso_of(closes, VIENNA)[11:16] == "06:00"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_day_shift_keeps_its_clock_times_on_the_day_of_the_change(day):
    found = spans(WorkCalendar(shifts=(EARLY,)), f"{day}T01:00+01:00", f"{day}T23:00+01:00")
    assert found == [(f"{day[5:]}T06:00", f"{day[5:]}T14:00")]


def test_a_shift_that_the_clock_skips_is_no_span():
    skipped = Shift(id="x", label="X", start_ns=2 * HOUR + 30 * MINUTE, end_ns=3 * HOUR)
    calendar = WorkCalendar(shifts=(skipped,))
    assert spans(calendar, "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00") == []
    assert len(spans(calendar, "2026-03-30T00:00+02:00", "2026-03-31T00:00+02:00")) == 1


def test_weekdays_leave_the_weekend_free():
    calendar = WorkCalendar(shifts=(on_weekdays(EARLY, WEEK),))
    found = spans(calendar, "2026-11-20T00:00+01:00", "2026-11-24T00:00+01:00")
    assert [start[:5] for start, _ in found] == ["11-20", "11-23"]


def test_an_exception_closes_the_shifts_that_start_on_its_date():
    closed = CalendarException(date="2026-12-08", reason="Feast")
    calendar = WorkCalendar(shifts=(EARLY, NIGHT), exceptions=(closed,))
    assert closed.closed
    assert spans(calendar, "2026-12-08T00:00+01:00", "2026-12-09T12:00+01:00") == [
        ("12-08T00:00", "12-08T06:00"),  # the night shift of the 7th ends as usual
        ("12-09T06:00", "12-09T12:00"),
    ]


def test_an_exception_may_open_other_hours_even_on_a_free_day():
    extra = CalendarException(date="2026-11-22", spans=((8 * HOUR, 12 * HOUR),))
    calendar = WorkCalendar(shifts=(on_weekdays(EARLY, WEEK),), exceptions=(extra,))
    assert spans(calendar, "2026-11-21T00:00+01:00", "2026-11-23T00:00+01:00") == [
        ("11-22T08:00", "11-22T12:00")
    ]


def test_a_calendar_without_shifts_is_never_open():
    assert open_spans(WorkCalendar(), VIENNA, Instant(0), Instant(30 * DAY)) == ()


def test_too_long_a_range_is_refused():
    with pytest.raises(Refused, match=f"at most {CALENDAR_DAYS_MAX} days"):
        open_spans(WorkCalendar(), VIENNA, Instant(0), Instant((CALENDAR_DAYS_MAX + 1) * DAY))


DAYS_2026 = [date(2026, 1, 1) + timedelta(days=each) for each in range(365)]
TIMES = st.integers(0, 24 * 4).map(lambda quarters: quarters * 15 * MINUTE)


@st.composite
def shifts(draw):
    start = draw(TIMES)
    return Shift(
        id="s",
        label="S",
        start_ns=start,
        end_ns=start + draw(st.integers(1, 96)) * 15 * MINUTE,
        weekdays=tuple(sorted(draw(st.sets(st.integers(0, 6))))),
    )


@st.composite
def exceptions(draw):
    near = draw(st.sampled_from([date(2026, 3, 28), date(2026, 10, 24), date(2026, 6, 1)]))
    start = draw(TIMES)
    times = (
        () if draw(st.booleans()) else ((start, start + draw(st.integers(1, 96)) * 15 * MINUTE),)
    )
    day = near + timedelta(days=draw(st.integers(0, 3)))
    return CalendarException(date=day.isoformat(), spans=times)


CALENDARS = st.builds(
    WorkCalendar,
    shifts=st.lists(shifts(), max_size=4).map(tuple),
    exceptions=st.lists(exceptions(), max_size=3, unique_by=lambda each: each.date).map(tuple),
)
ZONES = st.sampled_from(["Europe/Vienna", "UTC", "America/New_York", "Australia/Lord_Howe"])


@st.composite
def ranges(draw):
    near = draw(st.sampled_from(["2026-03-27", "2026-10-23", "2026-06-01", "2026-04-03"]))
    start = instant_of(f"{near}T00:00Z") + draw(st.integers(0, 96)) * HOUR
    return Instant(start), Instant(start + draw(st.integers(0, 24 * 6)) * HOUR)


@given(CALENDARS, ZONES, ranges())
def test_spans_are_sorted_disjoint_and_within_the_range(calendar, zone, between):
    found = open_spans(calendar, zone, *between)
    ends = [each for span in found for each in span]
    assert ends == sorted(set(ends))
    assert all(between[0] <= each <= between[1] for each in ends)


@given(CALENDARS, ZONES, ranges(), st.integers(0, 24 * 6))
def test_a_range_cut_in_two_has_the_same_open_time(calendar, zone, between, hours):
    start, end = between
    middle = Instant(min(end, start + hours * HOUR))

    def total(a: Instant, b: Instant) -> int:
        return sum(closes - opens for opens, closes in open_spans(calendar, zone, a, b))

    assert total(start, end) == total(start, middle) + total(middle, end)


@given(CALENDARS, shifts(), ZONES, ranges())
def test_another_shift_never_closes_anything(calendar, shift, zone, between):
    more = msgspec.structs.replace(calendar, shifts=(*calendar.shifts, shift))
    wide = open_spans(more, zone, *between)
    for opens, closes in open_spans(calendar, zone, *between):
        assert any(a <= opens and closes <= b for a, b in wide)


@given(st.sampled_from(DAYS_2026), ZONES)
def test_a_day_is_open_as_long_as_the_clock_takes_for_it(day, zone):
    whole = WorkCalendar(shifts=(Shift(id="all", label="All", start_ns=0, end_ns=DAY),))
    start = at_clock(day, 0, zone)
    end = at_clock(day + timedelta(days=1), 0, zone)
    assert open_spans(whole, zone, start, end) == ((start, end),)
