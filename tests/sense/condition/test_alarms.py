"""Of all that is wrong, a person is told once what to do, and nothing that matters gets lost."""

import math
from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.app.sentences import sentence
from fabloop.base.errors import Invalid, NotFound
from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant
from fabloop.sense.condition.alarm_facts import (
    Acknowledged,
    AlarmCleared,
    AlarmEscalated,
    AlarmHidden,
    AlarmRaised,
    AlarmRule,
    Declined,
    Escalation,
    FloodBegan,
    FloodEnded,
    Hiding,
    Measured,
    Priority,
    Reset,
    ShelfExpired,
    Shelved,
    Side,
    StateEntered,
    TimePassed,
    Unshelved,
)
from fabloop.sense.condition.alarms import HOLD_NS, AlarmDesk


def rule(name="hot", **changed):
    told = {
        "id": name,
        "subject": "mill",
        "limit": 80.0,
        "release": 75.0,
        "action": "check the coolant",
        "role": "operator",
    }
    return AlarmRule(**(told | changed))


def at(seconds):
    return Instant(int(seconds * SECOND))


def measured(seconds, value, name="hot"):
    return Measured(at=at(seconds), alarm=name, value=value)


def play(desk, *inputs):
    return [each for told in inputs for each in desk.take(told)]


def kinds(told):
    return [type(each) for each in told]


def test_an_alarm_waits_for_its_delay_and_for_its_hysteresis():
    desk = AlarmDesk([rule()])
    assert play(desk, measured(0, 81), measured(4, 79), measured(4.9, 76)) == []
    (raised,) = play(desk, TimePassed(at=at(60)))
    assert (type(raised), raised.at) == (AlarmRaised, at(5))
    told = play(desk, measured(100, 74), measured(120, 81), TimePassed(at=at(200)))
    assert told == []  # good for 20 s only
    assert desk.standing()[0].on


def test_a_value_that_is_good_again_in_time_raises_nothing():
    desk = AlarmDesk([rule()])
    assert play(desk, measured(0, 90), measured(3, 70), TimePassed(at=at(600))) == []


def test_an_alarm_goes_only_when_the_value_stays_on_the_good_side_of_the_release():
    desk = AlarmDesk([rule()])
    play(desk, measured(0, 81), measured(10, 77))
    assert play(desk, TimePassed(at=at(500))) == []
    told = play(desk, measured(510, 74), TimePassed(at=at(600)))
    assert kinds(told) == [AlarmCleared]
    assert told[0].at == at(540)
    assert not told[0].acknowledged
    assert [each.on for each in desk.standing()] == [False]  # still to be acknowledged
    play(desk, Acknowledged(at=at(610), alarm="hot", by="operator-1"))
    assert desk.standing() == ()


def test_a_low_limit_works_the_other_way_round():
    desk = AlarmDesk([rule(side=Side.BELOW, limit=2.0, release=2.5)])
    told = play(desk, measured(0, 1.9), TimePassed(at=at(10)))
    assert kinds(told) == [AlarmRaised]
    assert "at least" in told[0].because.evidence[0].relation


def test_a_latched_alarm_stays_until_it_is_acknowledged_and_reset():
    desk = AlarmDesk([rule(latching=True)])
    play(desk, measured(0, 90), measured(10, 20), TimePassed(at=at(900)))
    assert desk.standing()[0].on
    reset = Reset(at=at(901), alarm="hot", by="operator-1")
    assert kinds(play(desk, reset)) == [Declined]
    play(desk, Acknowledged(at=at(902), alarm="hot", by="operator-1"))
    assert kinds(play(desk, Reset(at=at(903), alarm="hot", by="operator-1"))) == [AlarmCleared]
    assert desk.standing() == ()


def test_what_is_on_the_shelf_comes_back_when_its_time_is_over():
    desk = AlarmDesk([rule()])
    shelved = Shelved(at=at(1), alarm="hot", until=at(3_600), by="shift lead", reason="sensor swap")
    told = play(desk, shelved, measured(2, 90), TimePassed(at=at(3_599)))
    assert kinds(told) == [AlarmHidden]
    assert told[0].why is Hiding.SHELVED
    assert "shelved by shift lead: sensor swap" in sentence(told[0].because, at(10))
    told = play(desk, TimePassed(at=at(4_000)))
    assert kinds(told) == [ShelfExpired, AlarmRaised]
    assert {each.at for each in told} == {at(3_600)}


@pytest.mark.parametrize(("until", "reason"), [(13 * 3_600, "long"), (0, "past"), (3_600, "  ")])
def test_nobody_shelves_an_alarm_for_ever_or_without_a_reason(until, reason):
    desk = AlarmDesk([rule()])
    told = play(desk, Shelved(at=at(1), alarm="hot", until=at(until), by="x", reason=reason))
    assert kinds(told) == [Declined]
    assert desk.tally.declined == 1


def test_an_alarm_of_a_machine_that_is_off_is_told_when_it_is_on_again():
    desk = AlarmDesk([rule(suppressed_in=frozenset({"off"}))])
    told = play(desk, StateEntered(at=at(0), subject="mill", state="off"), measured(1, 90)) + play(
        desk, TimePassed(at=at(100))
    )
    assert [each.why for each in told] == [Hiding.SUPPRESSED]
    told = play(desk, StateEntered(at=at(200), subject="mill", state="executing"))
    assert kinds(told) == [AlarmRaised]


def test_one_root_stands_for_its_consequences_and_takes_their_urgency():
    members = [
        rule(name, root="pump", priority=Priority.CRITICAL if name == "b" else Priority.LOW)
        for name in "abc"
    ]
    desk = AlarmDesk([rule("pump"), *members])
    told = play(desk, measured(0, 90, "a"), measured(1, 90, "pump"))
    told += play(desk, measured(2, 90, "b"), measured(3, 90, "c"), TimePassed(at=at(60)))
    raised = [each.alarm for each in told if isinstance(each, AlarmRaised)]
    assert raised == ["a", "pump"]
    assert {e.alarm for e in told if isinstance(e, AlarmHidden)} == {"a", "b", "c"}
    root = next(each for each in desk.standing() if each.alarm == "pump")
    assert root.members == ("a", "b", "c")
    assert root.priority is Priority.CRITICAL
    told = play(desk, measured(100, 20, "pump"), TimePassed(at=at(300)))
    assert kinds(told) == [AlarmCleared, AlarmRaised, AlarmRaised, AlarmRaised]


def test_an_alarm_that_nobody_answers_goes_up_step_by_step():
    steps = (
        Escalation(after_ns=5 * MINUTE, role="shift lead"),
        Escalation(after_ns=20 * MINUTE, role="maintenance"),
    )
    desk = AlarmDesk([rule(escalations=steps, on_delay_ns=0)])
    told = play(desk, measured(0, 90), TimePassed(at=at(600)))
    assert [(each.role, each.at) for each in told] == [("operator", at(0)), ("shift lead", at(300))]
    play(desk, Acknowledged(at=at(700), alarm="hot", by="lead"))
    assert play(desk, TimePassed(at=at(9_000))) == []


def test_more_than_ten_alarms_in_ten_minutes_are_told_as_a_flood():
    desk = AlarmDesk([rule(f"a{n}", on_delay_ns=0) for n in range(20)])
    told = play(desk, *(measured(n, 90, f"a{n}") for n in range(20)))
    assert kinds(told)[:12] == [AlarmRaised] * 11 + [FloodBegan]
    assert kinds(told).count(FloodBegan) == 1
    (over,) = [
        each for each in play(desk, TimePassed(at=at(2_000))) if isinstance(each, FloodEnded)
    ]
    assert over.raised == 20
    assert over.at == at(615)  # the sixteenth has left the ten minutes: four are in them
    assert desk.tally.floods == 1


def test_unknown_values_and_late_ones_change_nothing_and_are_counted():
    desk = AlarmDesk([rule(on_delay_ns=0)])
    play(desk, measured(10, 90), measured(11, math.nan), measured(12, -math.inf))
    play(desk, measured(5, 20), TimePassed(at=at(500)))
    assert desk.standing()[0].on
    assert (desk.tally.unknown, desk.tally.late) == (2, 1)


def test_every_fault_of_the_rules_is_told():
    with pytest.raises(Invalid) as told:
        AlarmDesk(
            [
                rule("a", release=90.0, action=" "),
                rule("b", root="nothing", on_delay_ns=-1),
                rule("c", escalations=(Escalation(after_ns=0, role="x"),)),
                rule("c", limit=math.inf),
            ]
        )
    said = [(each.source, each.path) for each in told.value.faults]
    assert said == [
        ("alarm 'a'", "release"),
        ("alarm 'a'", "action"),
        ("alarm 'b'", "on_delay_ns"),
        ("alarm 'c'", "escalations"),
        ("alarm 'c'", "release"),
        ("alarm 'c'", "id"),
        ("alarm 'b'", "root"),
    ]


def test_an_alarm_that_has_no_rule_is_refused():
    with pytest.raises(NotFound, match="'cold'"):
        AlarmDesk([rule()]).take(measured(0, 1, "cold"))


def test_chattering_for_a_day_is_one_alarm():
    desk = AlarmDesk([rule()])
    told = play(desk, *(measured(6 * n, 90 if n % 2 else 60) for n in range(14_400)))
    assert kinds(told) == [AlarmRaised]


NAMES = ("root", "a", "b", "latched")
ALARMS = st.sampled_from(NAMES)
STEPS = st.tuples(
    st.integers(0, 200),
    st.one_of(
        st.tuples(st.just("value"), ALARMS, st.sampled_from([20.0, 77.0, 90.0, math.nan])),
        st.tuples(st.just("state"), st.sampled_from(["off", "executing"])),
        st.tuples(st.just("ack"), ALARMS),
        st.tuples(st.just("shelve"), ALARMS, st.integers(1, 900)),
        st.tuples(st.just("unshelve"), ALARMS),
        st.tuples(st.just("reset"), ALARMS),
    ),
)


def inputs_of(steps):
    now = 0
    for gap, (kind, *rest) in steps:
        now += gap
        if kind == "value":
            yield measured(now, rest[1], rest[0])
        elif kind == "state":
            yield StateEntered(at=at(now), subject="mill", state=rest[0])
        elif kind == "shelve":
            until = at(now + rest[1])
            yield Shelved(at=at(now), alarm=rest[0], until=until, by="p", reason="r")
        else:
            noun = {"ack": Acknowledged, "unshelve": Unshelved, "reset": Reset}[kind]
            yield noun(at=at(now), alarm=rest[0], by="p")


def rules():
    steps = (Escalation(after_ns=MINUTE, role="lead"),)
    return [
        rule("root", escalations=steps),
        rule("a", root="root", on_delay_ns=0, off_delay_ns=0),
        rule("b", suppressed_in=frozenset({"off"}), on_delay_ns=0, off_delay_ns=0),
        rule("latched", latching=True, escalations=steps),
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_no_alarm_is_lost_and_none_is_raised_again_within_the_hold(steps):
    desk = AlarmDesk(rules())
    raised, last, instants = defaultdict(list), {}, []
    for step in inputs_of(steps):
        for each in desk.take(step):
            instants.append(each.at)
            if isinstance(each, AlarmRaised):
                raised[each.alarm].append(each.at)
            if isinstance(each, AlarmRaised | AlarmHidden | AlarmCleared):
                last[each.alarm] = each
        for each in desk.standing():
            if each.on and each.hidden is None and not isinstance(last[each.alarm], AlarmRaised):
                assert desk.now - raised[each.alarm][-1] < HOLD_NS
    assert instants == sorted(instants)
    for told in raised.values():
        assert all(after - before >= HOLD_NS for before, after in pairwise(told))


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_in_the_end_whatever_is_wrong_has_been_told(steps):
    """After shelves, delays and holds are over, every alarm that is on stands raised or grouped."""
    desk = AlarmDesk(rules())
    told = play(desk, *inputs_of(steps))
    end = Instant(desk.now + 2 * HOUR) if steps else at(0)
    told += play(desk, StateEntered(at=end, subject="mill", state="executing"))
    told += play(desk, TimePassed(at=Instant(end + 2 * HOUR)))
    state = {}
    for each in told:
        if isinstance(each, AlarmRaised | AlarmHidden | AlarmCleared):
            state[each.alarm] = each
    for each in desk.standing():
        if each.on:
            last = state[each.alarm]
            assert isinstance(last, AlarmRaised) or last.why is Hiding.GROUPED
            if isinstance(last, AlarmHidden):
                assert isinstance(state["root"], AlarmRaised)


@settings(max_examples=50, deadline=None)
@given(st.lists(STEPS, max_size=30), st.integers(1, 50))
def test_how_often_time_is_told_makes_no_difference(steps, every):
    plain, ticked = AlarmDesk(rules()), AlarmDesk(rules())
    one, other, now = [], [], 0
    for each in inputs_of(steps):
        while at(now + every) < each.at:
            now += every
            other += ticked.take(TimePassed(at=at(now)))
        one += plain.take(each)
        other += ticked.take(each)
    assert one == other


def test_every_fact_of_the_desk_reads_like_a_sentence():
    steps = (Escalation(after_ns=MINUTE, role="lead"),)
    desk = AlarmDesk([rule(escalations=steps)])
    told = play(desk, measured(0, 90), TimePassed(at=at(100)), measured(200, 20))
    told += play(desk, TimePassed(at=at(900)))
    assert kinds(told) == [AlarmRaised, AlarmEscalated, AlarmCleared]
    said = [sentence(each.because, at(900)) for each in told]
    assert said[0].startswith("mill: hot; check the coolant")
    assert said[1] == "mill: nobody has acknowledged hot for 1 min; lead is told."
    assert all("–" not in each for each in said)
