"""A simulated line: parts are conserved, seeds repeat, injected troubles are what they say."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant
from fabloop.sim.line.flow import Flow
from fabloop.sim.line.injections import Injection, Trouble, read_injections
from fabloop.sim.line.line import Line
from fabloop.sim.line.model import LineModel, Station, example_line
from fabloop.sim.line.signals import SENSORS, SIGNALS
from fabloop.sim.line.states import (
    ACTIVITIES,
    Activity,
    machinery_mode,
    machinery_state,
    packml_state,
)

BEGINS = Instant(1_700_000_000 * SECOND)


def steady(**changes):
    """Return a station that never stops of its own accord."""
    calm = {"micro_stops_per_hour": 0.0, "breakdowns_per_hour": 0.0, "wear_per_part": 0.0,
            "scrap": 0.0, "cycle_spread": 0.0, "cycle_ns": 10 * SECOND} | changes  # fmt: skip
    return Station(**{"id": "a", "label": "A", "equipment_type": "mill"} | calm)


def lone(*injections, sample_ns=10 * SECOND, **changes):
    model = LineModel(id="l", label="L", stations=(steady(**changes),), sample_ns=sample_ns)
    return Line(model, seed=1, begins_at=BEGINS, injections=injections)


def told(line, signal, until):
    return [each for each in line.advance(Instant(BEGINS + until)) if each.signal == signal]


def trouble(kind, start=0, end=HOUR, **more):
    return Injection(station="a", trouble=kind, start=Instant(BEGINS + start),
        end=Instant(BEGINS + end), **more)  # fmt: skip


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32),
    stations=st.lists(
        st.builds(
            steady,
            cycle_ns=st.integers(1, 90).map(lambda s: s * SECOND),
            scrap=st.floats(0, 0.5),
            micro_stops_per_hour=st.floats(0, 60),
            breakdowns_per_hour=st.floats(0, 4),
            wear_per_part=st.floats(0, 0.3),
            buffer=st.integers(0, 4),
        ),
        min_size=1,
        max_size=5,
    ),
    steps=st.lists(st.integers(1, 40 * MINUTE), min_size=1, max_size=6),
)
def test_no_part_appears_or_vanishes_and_no_buffer_overflows(seed, stations, steps):
    model = LineModel(id="l", label="L", stations=tuple(stations))
    flow = Flow(model, seed, BEGINS)
    until = BEGINS
    for step in steps:
        until = Instant(until + step)
        flow.advance(until)
        for index, progress in enumerate(flow.stations):
            assert 0 <= progress.behind <= stations[index].buffer
            after = flow.stations[index + 1 : index + 2]
            for taker in after:
                held = progress.holds_part and progress.left_ns == 0
                busy = taker.holds_part and taker.left_ns > 0
                waiting = taker.holds_part and taker.left_ns == 0
                finished = taker.good + taker.scrap
                assert progress.good == finished + progress.behind + held + busy
                assert waiting + busy <= 1


@settings(max_examples=5)
@given(
    seed=st.integers(0, 1000),
    cuts=st.lists(st.integers(1, 20 * MINUTE), min_size=0, max_size=8).map(sorted),
)
def test_the_same_seed_tells_the_same_however_it_is_asked(seed, cuts):
    def story(line, stops):
        return [each for stop in stops for each in line.advance(Instant(BEGINS + stop))]

    model = example_line()
    whole = story(Line(model, seed=seed, begins_at=BEGINS), [20 * MINUTE])
    parts = story(Line(model, seed=seed, begins_at=BEGINS), [*cuts, 20 * MINUTE])
    assert whole == parts
    assert [each.at for each in whole] == sorted(each.at for each in whole)


def test_a_steady_station_makes_a_part_in_every_cycle_and_uses_its_power():
    line = lone(working_w=3_600.0)
    everything = list(line.advance(Instant(BEGINS + HOUR)))
    counts = [each.values[0] for each in everything if each.signal == "parts.good"]
    assert counts == list(map(float, range(361)))
    energy = [each.values[0] for each in everything if each.signal == "energy"]
    assert energy[-1] == pytest.approx(3.6)
    assert energy == sorted(energy)


def test_the_slowest_station_sets_the_pace_and_the_others_wait_for_it():
    fast, slow = steady(id="a"), steady(id="b", cycle_ns=30 * SECOND)
    model = LineModel(id="l", label="L", stations=(fast, slow, steady(id="c")))
    line = Line(model, seed=1, begins_at=BEGINS)
    for _ in line.advance(Instant(BEGINS + HOUR)):
        pass
    assert line.doing()["b"] is Activity.WORKING
    states = [(each.station, ACTIVITIES[int(each.values[0])])
              for each in line.advance(Instant(BEGINS + HOUR + 5 * MINUTE))
              if each.signal == "state"]  # fmt: skip
    assert {what for station, what in states if station == "a"} == {
        Activity.BLOCKED, Activity.WORKING}  # fmt: skip
    assert {what for station, what in states if station == "c"} == {
        Activity.STARVED, Activity.WORKING}  # fmt: skip


def test_a_breakdown_stops_the_station_for_as_long_as_it_was_injected():
    line = lone(trouble(Trouble.BREAKDOWN, start=5 * MINUTE, end=15 * MINUTE))
    states = [(each.at - BEGINS, ACTIVITIES[int(each.values[0])])
              for each in told(line, "state", HOUR)]  # fmt: skip
    assert states[1:] == [(5 * MINUTE, Activity.BROKEN), (15 * MINUTE, Activity.WORKING)]
    assert line.doing() == {"a": Activity.WORKING}


def test_a_worn_tool_is_changed_and_starts_sharp():
    wear = told(lone(wear_per_part=0.1), "tool.wear", HOUR)
    assert max(each.values[0] for each in wear) < 100
    assert min(each.values[0] for each in wear[50:]) == 0


def test_a_stuck_sensor_repeats_and_recovers():
    line = lone(trouble(Trouble.STUCK, end=MINUTE * 10, signal="vibration"))
    values = [each.values for each in told(line, "vibration", 20 * MINUTE)]
    assert len(set(values[:60])) == 1
    assert len(set(values[60:])) > 50


def test_a_drifting_sensor_departs_by_its_rate():
    line = lone(trouble(Trouble.DRIFT, end=2 * HOUR, amount=10.0, signal="power"))
    power = told(line, "power", 2 * HOUR - SECOND)
    assert power[-1].values[0] == pytest.approx(7.5 + 20, abs=0.6)


@pytest.mark.parametrize(
    ("kind", "sound"), [(Trouble.NOT_A_NUMBER, True), (Trouble.SENSOR_FAILURE, False)]
)
def test_a_failing_sensor_tells_no_number_and_says_so_or_not(kind, sound):
    line = lone(trouble(kind, signal="spindle.current"))
    first = told(line, "spindle.current", MINUTE)[0]
    assert all(map(math.isnan, first.values))
    assert first.sound is sound


def test_spikes_are_as_great_as_injected():
    line = lone(trouble(Trouble.SPIKES, end=2 * HOUR, amount=100.0, signal="power"))
    power = [each.values[0] for each in told(line, "power", HOUR)]
    assert sum(value > 500 for value in power) == len(power) // 20


def test_scrap_counters_clock_and_lies_can_be_injected():
    line = lone(
        trouble(Trouble.SCRAP, amount=1.0, end=30 * MINUTE),
        trouble(Trouble.RESET, start=20 * MINUTE + SECOND),
        trouble(Trouble.CLOCK, start=40 * MINUTE, amount=-3600.0),
        trouble(Trouble.LIE, start=50 * MINUTE),
        trouble(Trouble.BREAKDOWN, start=55 * MINUTE, end=70 * MINUTE),
    )
    everything = list(line.advance(Instant(BEGINS + HOUR)))
    scrap = [each.values[0] for each in everything if each.signal == "parts.scrap"]
    assert max(scrap) == 120
    assert scrap[-1] in (59, 60)
    assert any(each.at < BEGINS for each in everything)
    assert line.doing() == {"a": Activity.BROKEN}
    claimed = [each for each in everything if each.signal == "state"][-1]
    assert ACTIVITIES[int(claimed.values[0])] is Activity.WORKING


def test_every_activity_has_its_words_in_machinery_and_packml():
    assert (machinery_state(Activity.WORKING), machinery_mode(Activity.WORKING)) == (3, 3)
    assert packml_state(Activity.WORKING) == 6
    assert packml_state(Activity.STARVED) == packml_state(Activity.BLOCKED) == 5
    assert packml_state(Activity.MICRO_STOP) == 11
    for each in Activity:
        assert packml_state(each) > 0


def test_every_signal_that_is_told_is_described():
    signals = {each.signal for each in lone().advance(Instant(BEGINS + MINUTE))}
    assert signals == {each.name for each in SIGNALS}


def test_injections_are_read_with_every_fault_told():
    data = b"""{"injections": [
        {"station": "b", "trouble": "wear", "after": "10 min", "amount": 5},
        {"station": "a", "trouble": "stuck", "after": "10", "signal": "noise"},
        {"station": "a", "trouble": "breakdown", "after": "1 min"}]}"""
    with pytest.raises(Invalid) as refused:
        read_injections(data, "bad.json", stations=("a",), sensors=SENSORS, at=BEGINS)
    assert [each.path for each in refused.value.faults] == [
        "$.injections[0].station", "$.injections[1].signal", "$.injections[1].after",
        "$.injections[2].lasts",
    ]  # fmt: skip


def test_injections_hold_from_and_up_to_their_instants():
    data = b"""{"injections": [
        {"station": "a", "trouble": "slow", "after": "1 h", "lasts": "30 min", "amount": 2}]}"""
    (found,) = read_injections(data, "x", stations=("a",), sensors=SENSORS, at=BEGINS)
    assert [found.holds(Instant(BEGINS + at)) for at in (0, HOUR, HOUR + 30 * MINUTE)] == [
        False, True, False,
    ]  # fmt: skip


def test_injections_that_are_no_document_are_told():
    with pytest.raises(Invalid, match="injections as JSON"):
        read_injections(b"[", "x", stations=(), sensors=SENSORS, at=BEGINS)
