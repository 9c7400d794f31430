"""Instants, durations and wall clocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Instant,
    duration_of_iso,
    instant_of,
    iso_of,
    iso_of_duration,
    span_text,
)
from fabloop.base.zones import wall_clock


@given(st.integers(0, 400 * DAY))
def test_a_duration_survives_being_written_and_read(duration_ns):
    assert duration_of_iso(iso_of_duration(duration_ns)) == duration_ns


@given(st.integers(-(10**9), 4 * 10**9))
def test_an_instant_survives_being_written_and_read(seconds):
    instant = Instant(seconds * SECOND)
    assert instant_of(iso_of(instant)) == instant
    assert instant_of(iso_of(instant, "Europe/Vienna")) == instant


@pytest.mark.parametrize("text", ["P", "PT", "15 min", "P1Y", "-PT1H", "PT1.5H", ""])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="ISO 8601 duration"):
        duration_of_iso(text)


def test_a_time_without_offset_is_refused_because_it_is_ambiguous():
    with pytest.raises(ValueError, match="offset"):
        instant_of("2026-11-23T12:30:00")


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (0, "0 s"),
        (59 * SECOND, "59 s"),
        (2 * HOUR + 5 * MINUTE + 3 * SECOND, "2 h 5 min"),
        (3 * DAY, "3 d"),
        (-90 * MINUTE, "-1 h 30 min"),
        (DAY + 5 * MINUTE, "1 d"),
    ],
)
def test_spans_are_shown_in_their_two_largest_units(duration_ns, text):
    assert span_text(duration_ns) == text


def test_a_shift_starts_at_its_wall_clock_time_on_the_day_the_clock_changes():
    before = instant_of("2027-03-28T00:30:00+01:00")  # the clock goes from 02:00 to 03:00
    assert iso_of(wall_clock(before, "Europe/Vienna", 0, 6 * HOUR), "Europe/Vienna") == (
        "2027-03-28T06:00:00+02:00"
    )


def test_a_time_beyond_midnight_belongs_to_the_next_day():
    noon = instant_of("2026-11-23T12:00:00+01:00")
    assert wall_clock(noon, "Europe/Vienna", 0, 30 * HOUR) == instant_of(
        "2026-11-24T06:00:00+01:00"
    )
