"""Dates, times and durations: the calendar's laws, text, arithmetic, zones."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import Instant
from fabloop.feel import compile_expression
from fabloop.feel.temporal import (
    Date,
    calendar_of,
    date_of_text,
    date_time_of_text,
    days_of,
    duration_of_text,
    later_by_months,
    months_between,
    text_of,
    weekday_of,
)

days = st.integers(-300_000_000_000, 300_000_000_000)


@given(st.dates())
def test_days_agree_with_pythons_calendar(day: dt.date) -> None:
    since = (day - dt.date(1970, 1, 1)).days
    assert days_of(day.year, day.month, day.day) == since
    assert calendar_of(since) == (day.year, day.month, day.day)
    assert weekday_of(since) == day.isoweekday()


@given(days)
def test_every_day_has_a_date_and_a_text(day: int) -> None:
    assert days_of(*calendar_of(day)) == day
    assert date_of_text(text_of(Date(day))) == Date(day)


@given(st.dates())
def test_weeks_and_days_of_the_year_agree_with_iso(day: dt.date) -> None:
    expression = compile_expression("[week of year(date(d)), day of year(date(d))]")
    wanted = [day.isocalendar().week, day.timetuple().tm_yday]
    assert expression.evaluate({"d": day.isoformat()}) == wanted


@given(st.integers(-100_000, 100_000), st.integers(-5000, 5000))
def test_months_added_lie_between(day: int, months: int) -> None:
    later = later_by_months(day, months)
    assert later is not None
    # The end of a shorter month may cost one month, never more.
    assert abs(months_between(day, later) - months) <= 1


@given(st.integers(-(10**18), 10**18))
def test_a_duration_comes_back_from_its_text(nanos: int) -> None:
    moved = compile_expression('duration(t) / duration("PT1S")')
    span = duration_of_text("PT1S")
    assert span is not None
    text = text_of(type(span)(nanos))  # type: ignore[call-arg] # a span, as PT1S is one
    assert duration_of_text(text) == type(span)(nanos)  # type: ignore[call-arg] # as above
    assert abs(moved.evaluate({"t": text}) * 10**9 - nanos) <= abs(nanos) * 1e-15


@given(st.datetimes(), st.timedeltas(dt.timedelta(-10_000), dt.timedelta(10_000)))
def test_moving_there_and_back_is_staying(moment: dt.datetime, step: dt.timedelta) -> None:
    source = "(m + s) - s = m and (m + s) - m = s"
    assert compile_expression(source).evaluate({"m": moment, "s": step}) is True


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ('date("2026-11-21") + duration("P1M")', "2026-12-21"),
        ('date("2026-01-31") + duration("P1M")', "2026-02-28"),
        ('date and time("2026-11-21T24:00:00")', "2026-11-22T00:00:00"),
        ('time("23:30:00") + duration("PT1H")', "00:30:00"),
        ('date and time("2026-03-29T01:30:00@Europe/Vienna") + duration("PT1H")',
         "2026-03-29T03:30:00@Europe/Vienna"),
        ('@"2026-07-01T12:00:00@Europe/Vienna" = @"2026-07-01T10:00:00Z"', True),
        ('date and time("2026-07-01T12:00:00") < date and time("2026-07-01T12:00:00Z")', None),
        ('date and time("2026-07-01T12:00:00") - date and time("2026-06-30T12:00:00")', "P1D"),
        ('date and time(@"2026-07-01T12:00:00Z", "Europe/Vienna")',
         "2026-07-01T14:00:00@Europe/Vienna"),
        ('duration("P1DT2H") * 1.5', "P1DT15H"),
        ('duration("P1Y") / duration("P5M")', 2.4),
        ('years and months duration(date("2024-02-29"), date("2026-02-28"))', "P1Y11M"),
        ('day of week(date("2026-11-21"))', "Saturday"),
        ('date("2026-11-21").weekday', 6),
        ('time("10:30:15.25").second', 15.25),
        ('last day of month(date("2024-02-03"))', "2024-02-29"),
        ('date("2026-11-21") in [date("2026-11-01")..date("2026-12-01"))', True),
        ('for d in @"2026-11-30"..@"2026-12-02" return d',
         ["2026-11-30", "2026-12-01", "2026-12-02"]),
        ('@"PT90M" = duration("PT1H30M")', True),
        ('cycle(3, duration("PT10M"))', "R3/PT10M"),
    ],
)  # fmt: skip
def test_temporal_values_compute(source: str, wanted: object) -> None:
    assert compile_expression(source).evaluate({}) == wanted


@pytest.mark.parametrize(
    "text",
    ["2026-13-01", "2026-02-30", "26-01-01", "2026-1-1", "01211-12-31", "+2026-01-01", ""],
)
def test_what_is_no_date_is_null(text: str) -> None:
    assert date_of_text(text) is None
    assert compile_expression("date(t)").evaluate({"t": text}) is None


@pytest.mark.parametrize(
    "text",
    ["2026-01-01T25:00:00", "2026-01-01T10:60:00", "2026-01-01T10:00:00+19:00",
     "2026-01-01T10:00:00@Mars/Base", "2026-01-01T10:00:00@../../etc/passwd", "2026-01-01T"],
)  # fmt: skip
def test_what_is_no_date_and_time_is_null(text: str) -> None:
    assert date_time_of_text(text) is None


def test_now_is_the_instant_that_was_handed_in() -> None:
    noon = Instant(1_795_262_400_000_000_000)
    assert compile_expression("now()").evaluate({}, now=noon) == "2026-11-21T12:00:00Z"
    assert compile_expression("today()").evaluate({}, now=noon) == "2026-11-21"
