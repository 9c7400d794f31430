"""What is kept is read again: at once, when sealed, after a restart, by whoever asks."""

import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.historian.plant import NOON, QUICK, HandClock, kept, opened, same, series, walk
from fabloop.adapters.historian import query
from fabloop.base.errors import Conflict, Invalid, NotFound
from fabloop.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from fabloop.sense.readings.batch import batch_of, between, joined
from fabloop.sense.readings.quality import BAD, GOOD, UNCERTAIN
from fabloop.sense.readings.series import Kind
from fabloop.sense.readings.settle import of_series, settled

FAR = Instant(NOON + 10 * DAY)
LIGHT = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_what_is_durable_is_read_at_once_and_after_it_was_sealed_and_after_a_restart(tmp_path):
    rng = np.random.default_rng(7)
    told = walk(rng, 5_000, span=3 * HOUR)
    expected = of_series(settled(told).batch, 2)
    historian = opened(tmp_path)
    kept(historian, told)
    same(historian.query.range(2, NOON, FAR), expected)
    historian.settle()
    assert historian.health().hot == 0
    assert historian.health().parts == 3
    same(historian.query.range(2, NOON, FAR), expected)
    latest = historian.query.latest()
    historian.close()
    again = opened(tmp_path)
    same(again.query.range(2, NOON, FAR), expected)
    same(again.query.latest(), latest)
    again.close()


@LIGHT
@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3), st.integers(-50, 50)), max_size=60),
    st.lists(st.sampled_from(["keep", "settle", "open"]), max_size=8),
)
def test_however_it_is_sealed_and_opened_the_last_arrival_of_each_instant_is_read(
    tmp_path_factory, readings, steps
):
    folder = tmp_path_factory.mktemp("store")
    told = batch_of(
        [NOON + minute * MINUTE for minute, _, _ in readings],
        [number for _, number, _ in readings],
        [value / 10 for _, _, value in readings],
    )
    cuts = np.array_split(np.arange(len(told)), steps.count("keep") + 1)
    historian = opened(folder)
    kept(historian, told.where(cuts[0]))
    done = 1
    for step in steps:
        if step == "keep":
            kept(historian, told.where(cuts[done]))
            done += 1
        elif step == "settle":
            historian.settle()
        else:
            historian.close()
            historian = opened(folder)
    for number in range(4):
        expected = of_series(settled(told).batch, number)
        same(historian.query.range(number, NOON, FAR), expected)
        newest = historian.query.latest([number])
        assert newest.values.tolist() == expected.values[-1:].tolist()
    historian.close()


def test_down_sampling_and_as_of_see_hot_and_sealed_readings_together(tmp_path):
    historian = opened(tmp_path)
    told = batch_of([NOON + n * 10 * SECOND for n in range(60)], 1, np.arange(60) / 4)
    kept(historian, told.where(slice(0, 30)))
    historian.settle()
    kept(historian, told.where(slice(30, None)))
    found = historian.query.downsample(
        1, Instant(NOON + MINUTE), Instant(NOON + 3 * MINUTE), MINUTE
    )
    assert found.count.tolist() == [6, 6]
    assert found.mean.tolist() == [2.125, 3.625]
    held = historian.query.as_of(1, [NOON - 1, NOON + 5 * SECOND, NOON + DAY])
    assert np.isnan(held.values[0])
    assert held.values[1:].tolist() == [0.0, 14.75]
    historian.close()


def test_counters_and_states_are_condensed_by_their_kind(tmp_path):
    historian = opened(tmp_path, count=0)
    count = historian.catalogue.number(series(0, Kind.COUNTER, rollover=65_536.0))
    state = historian.catalogue.number(series(1, Kind.STATE, states=("off", "on")))
    times = [NOON, NOON + MINUTE, NOON + 2 * MINUTE]
    kept(historian, batch_of(times, count, [65_530, 65_535, 9]), batch_of(times, state, [1, 0, 1]))
    end = Instant(NOON + 4 * MINUTE)
    counted = historian.query.downsample(count, NOON, end, 2 * MINUTE)
    assert counted.increase.tolist() == [5.0, 10.0]
    lasted = historian.query.time_in_state(state, NOON, end, 4 * MINUTE)
    assert lasted.lasted_ns.tolist() == [[MINUTE, 3 * MINUTE]]
    historian.close()


def test_another_unit_is_another_series_and_both_come_back_after_a_restart(tmp_path):
    historian = opened(tmp_path, count=1)
    kept(historian, batch_of([NOON], 0, [300.0]))
    fahrenheit = series(0, unit="degF", scale=0.5555555555555556, offset=255.37222222222223)
    changed = historian.catalogue.number(fahrenheit)
    kept(historian, batch_of([NOON + 1], changed, [301.0]))
    historian.close()
    again = opened(tmp_path, count=0)
    assert again.catalogue.lineage(("line", "a0")) == (0, changed)
    assert [each.unit for each in again.catalogue] == ["K", "degF"]
    assert again.query.range(0, NOON, FAR).values.tolist() == [300.0]
    assert again.query.series(("line", "a0")) == changed
    again.close()


def test_clocks_that_jump_are_refused_and_counted_and_the_rest_is_kept(tmp_path):
    clock = HandClock(NOON)
    historian = opened(tmp_path, clock)
    kept(historian, batch_of([0, NOON, NOON + DAY, NOON + MINUTE], 0, [1.0, 2.0, 3.0, 4.0]))
    health = historian.health()
    assert health.refused == {"ahead-of-clock": 1, "before-all-clocks": 1}
    assert historian.query.range(0, Instant(0), FAR).values.tolist() == [2.0, 4.0]
    historian.close()
    assert opened_and_closed(tmp_path).refused == health.refused


def opened_and_closed(folder):
    historian = opened(folder)
    historian.close()
    return historian.health()


def test_what_is_no_number_is_unknown_and_bad_and_counted(tmp_path):
    historian = opened(tmp_path)
    times = [NOON + n for n in range(4)]
    kept(historian, batch_of(times, 0, [np.inf, np.nan, 5.0, 6.0], [GOOD, GOOD, BAD, UNCERTAIN]))
    found = historian.query.range(0, NOON, FAR)
    assert found.quality.tolist() == [BAD, BAD, BAD, UNCERTAIN]
    assert np.isnan(found.values).tolist() == [True, True, True, False]
    assert historian.health().corrected == 2
    historian.close()


def test_a_number_that_is_no_series_is_refused_by_name(tmp_path):
    historian = opened(tmp_path)
    with pytest.raises(Invalid, match="below 4"):
        historian.keep(batch_of([NOON], 4, [1.0]))
    with pytest.raises(NotFound, match="found 9"):
        historian.query.range(9, NOON, FAR)
    with pytest.raises(NotFound, match="address 'x'"):
        historian.query.series(("line", "x"))
    historian.close()


def test_a_second_writer_is_refused(tmp_path):
    historian = opened(tmp_path)
    with pytest.raises(Conflict, match="only process writing"):
        opened(tmp_path)
    historian.close()


def test_late_and_repeated_readings_are_counted(tmp_path):
    historian = opened(tmp_path)
    kept(historian, batch_of([NOON, NOON + 10], 0, [1.0, 2.0]))
    kept(historian, batch_of([NOON + 5, NOON + 10], 0, [3.0, 4.0]))
    assert historian.query.range(0, NOON, FAR).values.tolist() == [1.0, 3.0, 4.0]
    assert historian.query.latest([0]).values.tolist() == [4.0]
    assert historian.health().late == 1
    historian.settle()
    assert historian.health().restated == 1
    historian.close()


def test_readings_before_and_behind_the_range_are_not_in_it(tmp_path):
    historian = opened(tmp_path)
    told = walk(np.random.default_rng(3), 400)
    kept(historian, told)
    end = Instant(NOON + 20 * MINUTE)
    found = joined([historian.query.range(n, Instant(NOON + MINUTE), end) for n in range(4)])
    assert len(found) == len(between(told, Instant(NOON + MINUTE), end))
    historian.close()


def test_a_series_that_is_renamed_keeps_its_new_name_without_further_readings(tmp_path):
    historian = opened(tmp_path)
    kept(historian, batch_of([NOON], 0, [1.0]))
    historian.catalogue.number(replace(series(0), name="spindle.temperature"))
    historian.close()
    again = opened(tmp_path, count=0)
    assert again.catalogue[0].name == "spindle.temperature"
    again.close()


def test_an_answer_that_does_not_fit_into_memory_is_refused(tmp_path, monkeypatch):
    historian = opened(tmp_path)
    kept(historian, batch_of([NOON + n for n in range(6)], 0, range(6)))
    monkeypatch.setattr(query, "ANSWER_READINGS_MAX", 5)
    with pytest.raises(Invalid, match="at most 5 readings at once"):
        historian.query.range(0, NOON, FAR)
    assert len(historian.query.range(0, NOON, Instant(NOON + 5))) == 5
    historian.close()


@LIGHT
@given(
    st.lists(st.integers(0, 300), max_size=30),
    st.lists(st.integers(-10, 400), min_size=1, max_size=8),
    st.integers(0, 120),
)
def test_what_held_is_found_in_any_hour(tmp_path_factory, minutes, asked, oldest):
    historian = opened(tmp_path_factory.mktemp("store"))
    half = len(minutes) // 2
    for part in (minutes[:half], minutes[half:]):
        kept(historian, batch_of([NOON + n * MINUTE for n in part], 0, part))
        historian.settle()
    found = historian.query.as_of(
        0, [NOON + at * MINUTE for at in asked], oldest_ns=oldest * MINUTE
    )
    for at, value in zip(asked, found.values, strict=True):
        fit = [n for n in minutes if at - oldest <= n <= at]
        assert np.array_equal(value, max(fit) if fit else np.nan, equal_nan=True)
    historian.close()


def test_what_somebody_waits_for_is_durable_long_before_its_commit_is_due(tmp_path):
    historian = opened(tmp_path, options=replace(QUICK, commit_ns=HOUR))
    told = threading.Event()
    end = historian.on_durable(told.set)
    numbers = [historian.keep(batch_of([NOON + n * SECOND], 0, [float(n)])) for n in range(3)]
    assert not told.is_set()
    historian.hasten(numbers[1])
    assert told.wait(20)
    assert historian.durable() == numbers[2], "all that waits goes along"
    end()
    told.clear()
    historian.wait(historian.keep(batch_of([NOON + MINUTE], 0, [9.0])))
    assert not told.is_set()
    historian.close()


def test_small_commits_are_held_together_in_the_order_in_which_they_came(tmp_path):
    historian = opened(tmp_path)
    for n in range(40):
        kept(historian, batch_of([NOON + (n % 20) * SECOND], 0, [float(n)]))
    held = historian._holdings.seen().batches
    assert len(held) == 1
    assert held[0].batch.values.tolist() == list(range(40))
    assert (held[0].first, held[0].last) == (NOON, NOON + 19 * SECOND)
    assert historian.query.range(0, NOON, FAR).values.tolist() == list(range(20, 40))
    historian.close()
