"""Condensed readings: rows that join without loss, means over time, counters, states."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import SECOND, Instant
from fabloop.sense.readings.batch import batch_of, empty
from fabloop.sense.readings.buckets import Before, Grid, before_of, on_grid
from fabloop.sense.readings.settle import of_series, settled
from fabloop.sense.readings.states import time_in_state
from fabloop.sense.readings.summary import NAMES, Counters, chained, none, summarise, widened
from sense.readings.drawn import batch_from, by_hand, rows

COUNTERS = Counters(np.array([False, True, True, False]), np.array([np.nan, np.nan, 2.0, np.nan]))


def equal(one, other):
    for name in NAMES:
        left, right = getattr(one, name), getattr(other, name)
        assert left.dtype == right.dtype
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9, err_msg=name)


@given(rows())
def test_settled_readings_are_by_series_and_time_and_the_last_arrival_of_an_instant_stays(readings):
    done = settled(batch_from(readings))
    for number in range(4):
        mine = of_series(done.batch, number)
        hand = by_hand(readings, number)
        assert (mine.times // SECOND).tolist() == list(hand)
        np.testing.assert_array_equal(mine.values, list(hand.values()))
    assert done.restated == len(readings) - len(done.batch)


def test_numbers_of_series_beyond_sixteen_bits_are_sorted_too():
    done = settled(batch_of([3, 2, 1, 0], [70_000, 5, 70_000, 131_077], [1.0, 2.0, 3.0, 4.0]))
    assert done.batch.series.tolist() == [5, 70_000, 70_000, 131_077]
    assert done.batch.times.tolist() == [2, 1, 3, 0]


@given(rows(), st.integers(1, 7), st.integers(1, 6), st.integers(0, 5))
def test_narrow_rows_joined_are_what_the_readings_give_at_once(readings, width, times, origin):
    batch = settled(batch_from(readings)).batch
    fine = summarise(batch, width * SECOND, origin * SECOND, COUNTERS)
    coarse = summarise(batch, width * times * SECOND, origin * SECOND, COUNTERS)
    equal(widened(fine, width * times * SECOND, origin * SECOND, COUNTERS), coarse)


@given(rows(series_max=0), st.integers(1, 9), st.integers(0, 20), st.integers(1, 30))
def test_the_mean_over_time_is_that_of_a_walk_through_every_second(readings, width, start, length):
    batch = settled(batch_from(readings)).batch
    grid = Grid(Instant(start * SECOND), Instant((start + length) * SECOND), width * SECOND)
    inside = batch.where((batch.times >= grid.start) & (batch.times < grid.end))
    found = on_grid(
        summarise(inside, grid.width_ns, grid.start),
        grid,
        before_of(batch.where(batch.times < grid.start)),
    )
    hand = by_hand(readings, 0)
    for at, mean, covered in zip(found.start // SECOND, found.mean, found.covered_ns, strict=True):
        seconds = range(int(at), min(int(at) + width, start + length))
        held = [hand[max(t for t in hand if t <= s)] for s in seconds if min(hand, default=99) <= s]
        known = [value for value in held if not math.isnan(value)]
        assert covered == len(known) * SECOND
        assert math.isnan(mean) if not known else mean == pytest.approx(sum(known) / len(known))


@given(rows(series_max=0), st.integers(1, 9))
def test_count_least_greatest_and_last_are_those_of_the_readings_within(readings, width):
    batch = settled(batch_from(readings)).batch
    grid = Grid(Instant(0), Instant(41 * SECOND), width * SECOND)
    found = on_grid(summarise(batch, grid.width_ns, grid.start), grid)
    hand = by_hand(readings, 0)
    for k, at in enumerate(found.start // SECOND):
        within = [v for t, v in hand.items() if at <= t < at + width]
        known = [value for value in within if not math.isnan(value)]
        assert (found.count[k], found.bad[k]) == (len(known), len(within) - len(known))
        if known:
            told = (found.least[k], found.greatest[k], found.last[k], found.average[k])
            assert told == (min(known), max(known), known[-1], sum(known) / len(known))
        else:
            assert np.isnan([found.least[k], found.greatest[k], found.last[k]]).all()


def counted(values, rollover=math.nan, width=100):
    times = np.arange(len(values)) * SECOND
    grid = Grid(Instant(0), Instant(100 * SECOND), width * SECOND)
    counters = Counters(np.array([True]), np.array([rollover]))
    rows = summarise(batch_of(times, 0, values), grid.width_ns, 0, counters)
    found = on_grid(rows, grid, rollover=rollover)
    return float(np.nansum(found.increase)), int(found.resets.sum())


@pytest.mark.parametrize("width", [100, 2, 1])
def test_a_counter_counts_on_over_its_rollover_and_from_zero_after_a_reset(width):
    assert counted([65_530, 65_534, 3, 7], 65_536, width) == (13, 0)
    assert counted([65_530, 65_534, 3, 7], math.nan, width) == (11, 1)
    assert counted([100, 110, 4, 9], 65_536, width) == (19, 1)
    assert counted([65_530, 40_000], 65_536, width) == (40_000, 1)
    assert counted([5, math.nan, 9, math.nan], math.nan, width) == (4, 0)


def test_what_a_counter_counted_since_the_last_value_before_is_in_the_first_bucket():
    grid = Grid(Instant(10 * SECOND), Instant(20 * SECOND), 10 * SECOND)
    counters = Counters(np.array([True]), np.array([np.nan]))
    rows = summarise(batch_of([12 * SECOND], 0, [30.0]), grid.width_ns, grid.start, counters)
    assert on_grid(rows, grid, Before(held=25.0, last=25.0)).increase.tolist() == [5.0]


def test_a_gauge_has_no_increase_and_an_empty_bucket_no_value():
    grid = Grid(Instant(0), Instant(2 * SECOND), SECOND)
    found = on_grid(summarise(batch_of([0], 0, [4.0]), SECOND), grid)
    assert np.isnan(found.increase).all()
    assert found.mean.tolist() == [4.0, 4.0]
    assert np.isnan(found.last[1])
    assert found.count.tolist() == [1, 0]


def test_no_readings_give_no_rows_and_unknown_buckets():
    assert len(none()) == len(chained([])) == len(widened(none(), 5)) == 0
    found = on_grid(none(), Grid(Instant(0), Instant(3), 1))
    assert np.isnan(found.mean).all()
    assert found.covered_ns.tolist() == [0, 0, 0]


def test_a_grid_without_width_or_with_too_many_buckets_is_refused():
    with pytest.raises(Invalid, match="more than 0"):
        Grid(Instant(0), Instant(1), 0)
    with pytest.raises(Invalid, match="at most"):
        Grid(Instant(0), Instant(10**9), 1)


@given(rows(series_max=0), st.integers(1, 9))
def test_the_time_in_states_and_the_unknown_time_add_up_to_every_bucket(readings, width):
    batch = settled(batch_from(readings)).batch
    grid = Grid(Instant(5 * SECOND), Instant(30 * SECOND), width * SECOND)
    before = before_of(batch.where(batch.times < grid.start))
    found = time_in_state(batch, grid, 2, before)
    whole = found.lasted_ns.sum(axis=1) + found.unknown_ns
    assert whole.tolist() == np.diff(np.append(grid.starts, grid.end)).tolist()
    hand = by_hand(readings, 0)
    for state in range(2):
        held = [
            hand[max(t for t in hand if t <= s)] for s in range(5, 30) if min(hand, default=99) <= s
        ]
        assert found.lasted_ns[:, state].sum() == held.count(state) * SECOND


def test_entering_a_state_is_counted_once_where_it_is_told_again():
    batch = batch_of([1, 2, 3, 4], 0, [1.0, 1.0, 0.0, 1.0])
    found = time_in_state(batch, Grid(Instant(0), Instant(10), 10), 2)
    assert found.entered.tolist() == [[1, 2]]
    assert found.unknown_ns.tolist() == [1]
    assert time_in_state(empty(), Grid(Instant(0), Instant(10), 10), 2).unknown_ns.tolist() == [10]
