"""The latest values are those of the greatest time, however the readings arrive."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.latest import LatestValues
from fabloop.sense.readings.quality import SENSOR_FAILURE
from sense.readings.drawn import batch_from, by_hand, rows


@given(rows(), st.integers(1, 5))
def test_the_latest_is_the_last_told_of_the_greatest_time_however_the_batches_are_cut(
    readings, size
):
    table = LatestValues()
    for first in range(0, len(readings), size):
        table.take(batch_from(readings[first : first + size]))
    found = table.of()
    hand = {n: by_hand(readings, n) for n in range(4)}
    assert found.series.tolist() == [n for n, told in hand.items() if told]
    for time, number, value in zip(found.times, found.series, found.values, strict=True):
        newest = max(hand[number])
        assert time == newest * 10**9
        assert np.array_equal(value, hand[number][newest], equal_nan=True)


def test_a_reading_that_comes_late_is_counted_and_changes_nothing():
    table = LatestValues()
    table.take(batch_of([100, 200], [0, 1], [1.0, 2.0]))
    taken = table.take(batch_of([50, 200], [0, 1], [9.0, 3.0]))
    assert (taken.late, taken.restated) == (1, 1)
    assert table.of([0, 1]).values.tolist() == [1.0, 3.0]


def test_what_told_nothing_yet_is_left_out_and_what_failed_is_told_as_unknown():
    table = LatestValues()
    table.take(batch_of([100], [2], [np.nan], SENSOR_FAILURE))
    found = table.of([0, 2, 99_999])
    assert found.series.tolist() == [2]
    assert np.isnan(found.values).all()
    assert found.quality.tolist() == [SENSOR_FAILURE]


def test_a_copy_stays_as_it_was():
    table = LatestValues()
    table.take(batch_of([100], [0], [1.0]))
    kept = table.copy()
    table.take(batch_of([200], [0], [2.0]))
    assert kept.of().values.tolist() == [1.0]
