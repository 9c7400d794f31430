"""A machine that lies about its state is told with its evidence, once, and never corrected."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant, instant_of
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.activity import MACHINERY, OWN
from fabloop.sense.oee.engine import Oee, UnitSetting
from fabloop.sense.oee.events import PartsCounted, StateTold
from fabloop.sense.oee.plausible import Bounds, Doubt, Doubts, contradictions, looked_through
from fabloop.sense.readings.batch import batch_of
from fabloop.sense.readings.quality import COMMUNICATION_FAILURE, GOOD

PRESS = WorkUnitId("press")
START = instant_of("2026-03-02T06:00:00Z")
POWER = Bounds(idle_w=300.0, working_w=900.0)


def at(minutes):
    return Instant(START + round(minutes * MINUTE))


def state(minutes, word, mode=""):
    return StateTold(id=f"s{minutes}", work_unit=PRESS, at=at(minutes), state=word, mode=mode)


def part(minutes, good=1):
    return PartsCounted(id=f"p{minutes}", work_unit=PRESS, at=at(minutes), good=good)


def found_in(events, until=60, power=None, bounds=POWER, mapping=OWN, rates=None):
    rates = {"": MINUTE} if rates is None else rates
    engine = Oee([UnitSetting(work_unit=PRESS, time_zone="UTC", mapping=mapping, rates=rates)])
    assert not engine.take(events, at(until)).refused
    before = engine.totals(PRESS, START, at(until))
    told = contradictions(
        PRESS, engine.timeline(PRESS), rates, START, at(until), power=power, bounds=bounds
    )
    assert engine.totals(PRESS, START, at(until)) == before, "figures are never corrected"
    return told


def watts(*levels, quality=GOOD):
    """One reading every 10 s; levels are (minutes, watts)."""
    values = np.concatenate([np.full(6 * minutes, level, float) for minutes, level in levels])
    return batch_of(START + np.arange(len(values)) * 10 * SECOND, 0, values, quality)


def test_a_machine_that_makes_what_it_says_contradicts_nothing():
    events = [state(0, "working"), *(part(n) for n in range(1, 40)), state(40, "off")]
    assert found_in(events, power=watts((40, 1500.0), (20, 50.0))) == ()


def test_executing_without_a_part_is_told_with_its_evidence():
    events = [state(0, "Executing", "Processing"), part(1), part(2), part(55)]
    (told,) = found_in(events, mapping=MACHINERY)
    assert (told.doubt, told.start, told.end) == (Doubt.PRODUCES_NOTHING, at(2), at(55))
    assert told.evidence == (
        "Expected a part of 'press' within 10 min, since it says 'Executing', but found none from "
        "2026-03-02T06:02:00Z to 2026-03-02T06:55:00Z. Check its counter, and how its state is "
        "made."
    )


def test_without_a_rate_or_a_counter_no_part_is_missed():
    assert found_in([state(0, "working"), part(1)], rates={"other": MINUTE}) == ()
    assert found_in([state(0, "working")]) == ()


def test_counters_that_move_while_it_stands_still_are_told():
    events = [state(0, "working"), *(part(n) for n in range(1, 10)), state(9, "off"),
              *(part(n, good=2) for n in (15, 20, 25))]  # fmt: skip
    (told,) = found_in(events)
    assert (told.doubt, told.parts) == (Doubt.COUNTS_WHILE_STILL, 6)
    assert (told.start, told.end) == (at(15), at(25))
    assert "since it says 'off', but found 6 from 2026-03-02T06:15:00Z" in told.evidence


def test_the_last_part_may_be_told_just_after_the_stop():
    events = [state(0, "working"), part(1), part(2), state(3, "off"), part(3.1)]
    assert found_in(events) == ()


def test_unknown_time_contradicts_nothing():
    assert found_in([state(0, "nobody-knows"), part(10), part(20)], power=watts((60, 2e3))) == ()


def test_executing_without_power_is_told_and_so_is_power_in_standstill():
    events = [state(0, "working"), *(part(n) for n in range(1, 30)), state(30, "off")]
    power = watts((5, 1500.0), (10, 40.0), (15, 1500.0), (10, 30.0), (20, 1600.0))
    nothing, still = found_in(events, power=power)
    assert (nothing.doubt, nothing.start, nothing.end) == (Doubt.DRAWS_NOTHING, at(5), at(15))
    assert nothing.mean_w == 40.0
    assert (still.doubt, still.start, still.end) == (Doubt.DRAWS_WHILE_STILL, at(40), at(60))
    assert "Expected at most 900 W at 'press', since it says 'off', but found 1600 W" in (
        still.evidence
    )


def test_a_meter_that_fails_is_no_power_of_nothing():
    power = watts((60, np.nan), quality=COMMUNICATION_FAILURE)
    events = [state(0, "working"), *(part(n) for n in range(1, 60))]
    assert found_in(events, power=power) == ()


def test_each_contradiction_is_told_once_and_counted():
    events = [state(0, "working"), part(1)]
    doubts = Doubts()
    first = doubts.new(found_in(events, until=30))
    assert len(first) == 1
    assert doubts.new(found_in(events, until=40)) == ()
    assert doubts.new(found_in([*events, part(40)], until=60))[0].start == at(40)
    assert doubts.counts == {(PRESS, Doubt.PRODUCES_NOTHING): 2}


@given(st.lists(st.sampled_from(["working", "off", "broken", "?"]), min_size=1, max_size=12),
       st.sets(st.integers(0, 59), max_size=20))  # fmt: skip
def test_doubts_stay_within_the_span_and_never_overlap_in_kind(words, counted):
    events = [state(5 * n, word) for n, word in enumerate(words)]
    told = found_in([*events, *(part(n) for n in counted)], bounds=Bounds(cycles=3))
    for kind in Doubt:
        spans = [(each.start, each.end) for each in told if each.doubt is kind]
        assert all(START <= start <= end <= START + HOUR for start, end in spans)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


STORY = st.lists(
    st.tuples(st.integers(1, 40), st.sampled_from(["working", "off", "setup", "", "part"])),
    min_size=1, max_size=25,
)  # fmt: skip


@given(STORY)
def test_looking_only_at_what_is_new_finds_what_looking_at_all_of_it_finds(story):
    engine = Oee([UnitSetting(work_unit=PRESS, time_zone="UTC", rates={"": MINUTE})])
    timeline, whole, newly = engine.timeline(PRESS), Doubts(), Doubts()
    now, start = 0.0, START
    for pause, word in story:
        now += pause / 4
        engine.take([part(now) if word == "part" else state(now, word)], at(now))
        everything = contradictions(PRESS, timeline, {"": MINUTE}, START, at(now))
        recent = contradictions(PRESS, timeline, {"": MINUTE}, start, at(now))
        assert [each.doubt for each in whole.new(everything)] == [
            each.doubt for each in newly.new(recent)
        ]
        start = looked_through(timeline, start, at(now))
    assert whole.counts == newly.counts
