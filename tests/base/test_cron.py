"""Cron lines: what they accept, and which dates they mean, also where clocks are changed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.cron import next_date, read_cron
from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant, iso_of
from fabloop.base.period import Period, added, moment_of, period_of_iso, zone_of

VIENNA = "Europe/Vienna"


def dates(line: str, after: str, count: int) -> list[str]:
    cron, moment, found = read_cron(line), moment_of(after), []
    for _ in range(count):
        moment = next_date(cron, moment)
        found.append(iso_of(moment, cron.zone))
    return found


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        ("0 0 9-17 * * MON-FRI", "2026-11-20T16:30:00Z",
         ["2026-11-20T17:00:00Z", "2026-11-23T09:00:00Z"]),
        ("*/20 10/25 * * * *", "2026-11-20T16:34:59Z",
         ["2026-11-20T16:35:00Z", "2026-11-20T16:35:20Z", "2026-11-20T16:35:40Z",
          "2026-11-20T17:10:00Z"]),
        ("0 0 0 13 * FRI", "2026-11-20T00:00:00Z", ["2027-08-13T00:00:00Z"]),
        ("0 0 0 29 2 ?", "2026-11-20T00:00:00Z", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
        ("0 0 6 1,15 JAN,jul *", "2026-11-20T00:00:00Z",
         ["2027-01-01T06:00:00Z", "2027-01-15T06:00:00Z", "2027-07-01T06:00:00Z"]),
        ("0 0 0 L * *", "2026-02-01T00:00:00Z", ["2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"]),
        ("0 0 0 L-2 * *", "2026-02-01T00:00:00Z", ["2026-02-26T00:00:00Z"]),
        ("0 0 0 LW * *", "2026-01-01T00:00:00Z", ["2026-01-30T00:00:00Z"]),
        ("0 0 0 15W * *", "2026-08-01T00:00:00Z", ["2026-08-14T00:00:00Z"]),
        ("0 0 0 1W * *", "2026-07-31T00:00:00Z", ["2026-08-03T00:00:00Z"]),
        ("0 0 0 * * 5L", "2026-11-01T00:00:00Z", ["2026-11-27T00:00:00Z"]),
        ("0 0 0 * * MON#1", "2026-11-02T00:00:00Z", ["2026-12-07T00:00:00Z"]),
        ("0 0 0 * * 7", "2026-11-20T00:00:00Z", ["2026-11-22T00:00:00Z"]),
        ("@hourly", "2026-11-20T16:30:00Z", ["2026-11-20T17:00:00Z"]),
        ("@weekly @Europe/Vienna", "2026-11-20T16:30:00Z", ["2026-11-22T00:00:00+01:00"]),
    ],
)  # fmt: skip
def test_a_line_means_dates(line, after, expected):
    assert dates(line, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("* * * * *", "six fields"),
        ("60 * * * * *", "0 to 59"),
        ("0 0 0 * FEB-JAN *", "upwards"),
        ("0 0 0 * * FUNDAY", "SUN to SAT"),
        ("0 0 0 * * * @Moon/Base", "time zone"),
        ("0 */0 0 * * *", "1 to 60"),
        ("a b c d e f", "1 to 31"),
        ("0 0 0 0 * *", "1 to 31"),
    ],
)
def test_what_is_no_line_says_what_was_expected(line, words):
    with pytest.raises(ValueError, match=words):
        read_cron(line)


def test_a_date_that_never_comes_is_none():
    assert next_date(read_cron("0 0 0 30 2 *"), moment_of("2026-11-20T00:00:00Z")) is None


def test_what_clocks_skip_happens_when_they_are_put_forward():
    assert dates("0 30 2 * * * @Europe/Vienna", "2026-03-28T12:00:00Z", 2) == [
        "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]  # fmt: skip
    assert dates("0 15,45 2 * * * @Europe/Vienna", "2026-03-28T12:00:00Z", 2) == [
        "2026-03-29T03:00:00+02:00", "2026-03-30T02:15:00+02:00"]  # fmt: skip


def test_what_clocks_show_twice_happens_the_first_time():
    assert dates("0 30 2 * * * @Europe/Vienna", "2026-10-24T12:00:00Z", 2) == [
        "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]  # fmt: skip


def test_a_line_for_every_hour_follows_real_time():
    line = "0 */30 * * * * @Europe/Vienna"
    for begin in ("2026-03-28T22:10:00Z", "2026-10-24T22:10:00Z"):
        cron, moment = read_cron(line), moment_of(begin)
        moment = next_date(cron, moment)
        for _ in range(12):
            following = next_date(cron, moment)
            assert following - moment == 30 * MINUTE
            moment = following


FIELDS = st.tuples(
    st.sampled_from(["0", "*/15", "7,59", "10-12"]),
    st.sampled_from(["0", "*", "*/7", "30"]),
    st.sampled_from(["0", "*", "9-17", "*/5", "2"]),
    st.sampled_from(["*", "1", "13", "28-31", "*/9"]),
    st.sampled_from(["*", "2", "MAR,OCT", "6-8"]),
    st.sampled_from(["*", "MON-FRI", "0", "7", "SAT,3"]),
)


@settings(max_examples=60, deadline=None)
@given(fields=FIELDS, minutes=st.integers(0, 1_500_000))
def test_the_next_date_is_the_first_second_that_matches(fields, minutes):
    """The model goes through the seconds of at most two hours, one by one."""
    cron = read_cron(" ".join(fields))
    after = Instant(moment_of("2026-01-01T00:00:00Z") + minutes * MINUTE)
    found = next_date(cron, after)
    assert found is not None
    assert matches(cron, found)
    for second in range(1, 7_200):
        moment = Instant(after + second * SECOND)
        if moment >= found:
            break
        assert not matches(cron, moment)


def matches(cron, moment: Instant) -> bool:
    shown = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment // SECOND)
    return (
        shown.second in cron.seconds
        and shown.minute in cron.minutes
        and shown.hour in cron.hours
        and shown.day in cron.days
        and shown.month in cron.months
        and shown.isoweekday() % 7 in cron.weekdays
    )


# -- periods ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("P1M", Period(months=1)),
        ("P1Y2M3W4DT5H", Period(14, 25, 5 * HOUR)),
        ("PT36H", Period(duration_ns=36 * HOUR)),
        ("P1DT0.5S", Period(days=1, duration_ns=SECOND // 2)),
    ],
)
def test_durations_of_the_calendar_are_read(text, period):
    assert period_of_iso(text) == period


@pytest.mark.parametrize("text", ["P", "PT", "P0D", "1D", "P1D1M", "PT1M5", "-P1D"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="duration"):
        period_of_iso(text)


def test_months_end_on_their_last_day_and_do_not_drift():
    zone, first = zone_of(VIENNA), moment_of("2026-01-31T08:00:00@Europe/Vienna")
    shown = [iso_of(added(first, Period(months=1), zone, n), VIENNA) for n in (1, 2, 12)]
    assert shown == [
        "2026-02-28T08:00:00+01:00", "2026-03-31T08:00:00+02:00", "2027-01-31T08:00:00+01:00",
    ]  # fmt: skip


def test_days_keep_the_time_that_clocks_show_and_hours_do_not():
    zone, first = zone_of(VIENNA), moment_of("2026-10-24T12:00:00@Europe/Vienna")
    assert added(first, Period(days=1), zone) - first == 25 * HOUR
    assert added(first, period_of_iso("PT24H"), zone) - first == 24 * HOUR
