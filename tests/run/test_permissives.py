"""A command leaves only where all that it requires is told, good, fresh and true."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import SafetyCode
from fabloop.model.ids import OperationName, SignalId, WorkUnitId
from fabloop.model.safety import (
    ControllerState,
    Permissive,
    Required,
    SafetyRules,
    SafetyView,
    SignalValue,
    Stop,
    StopCause,
    Target,
)
from fabloop.run.permissives import AHEAD_NS_MAX, Permitted, Withheld, permits
from run.safety_rules import CELL, GAUGE, GUARD, NOW, OVEN, PRESS, rules, value, view


def codes(verdict):
    assert isinstance(verdict, Withheld)
    return [each.code for each in verdict.reasons]


def test_everything_told_good_fresh_and_true_permits_with_its_evidence():
    verdict = permits(PRESS, rules(), view(), NOW)
    assert isinstance(verdict, Permitted)
    assert verdict.because.code == SafetyCode.PERMITTED
    assert [(each.parameter, each.value) for each in verdict.because.evidence] == [
        ("guard closed", "true"),
        ("work piece clamped", "true"),
    ]


@pytest.mark.parametrize(
    ("guard", "code"),
    [
        (None, SafetyCode.SIGNAL_MISSING),
        (value(good=False), SafetyCode.SIGNAL_BAD),
        (value(told=False), SafetyCode.SIGNAL_CONTRARY),
        (value(at=Instant(NOW - SECOND - 1)), SafetyCode.SIGNAL_STALE),
        (value(at=Instant(NOW + AHEAD_NS_MAX + 1)), SafetyCode.SIGNAL_FROM_FUTURE),
    ],
)
def test_a_signal_that_is_not_all_of_it_withholds(guard, code):
    assert codes(permits(PRESS, rules(), view(guard=guard), NOW)) == [code]


def test_a_signal_is_fresh_up_to_its_limit_met_exactly():
    at_limit = view(guard=value(at=Instant(NOW - SECOND)))
    assert isinstance(permits(PRESS, rules(), at_limit, NOW), Permitted)


def test_all_reasons_are_told_not_the_first():
    found = permits(PRESS, rules(), view(guard=None, clamped=value(told=False)), NOW)
    assert codes(found) == [SafetyCode.SIGNAL_MISSING, SafetyCode.SIGNAL_CONTRARY]


def test_what_was_never_seen_does_not_permit():
    found = permits(PRESS, rules(), SafetyView(), NOW)
    assert codes(found) == [SafetyCode.SIGNAL_MISSING] * 2


def test_nothing_is_permitted_by_silence():
    stranger = Target(work_unit=WorkUnitId("robot"), operation=OperationName("weld"))
    assert codes(permits(stranger, rules(), view(), NOW)) == [SafetyCode.NOT_DECLARED]
    mixing = Target(service=OVEN.service, operation=OperationName("mix"))
    assert codes(permits(mixing, rules(), view(), NOW)) == [SafetyCode.NOT_DECLARED]


def test_what_is_declared_free_says_why():
    verdict = permits(GAUGE, rules(), SafetyView(), NOW)
    assert isinstance(verdict, Permitted)
    assert verdict.because.details == {"why": "it touches nothing"}


def test_a_stop_a_silent_heart_and_a_standing_controller_each_withhold():
    stop = Stop(controller=CELL, cause=StopCause.REQUESTED, since=NOW, by="role 7", why="smoke")
    found = permits(PRESS, rules(), view(stops={CELL: stop}), NOW)
    assert codes(found) == [SafetyCode.STOP_STANDS]
    found = permits(PRESS, rules(), view(beat_at=Instant(NOW - SECOND - 1)), NOW)
    assert codes(found) == [SafetyCode.HEARTBEAT_LOST]
    found = permits(PRESS, rules(), view(state=ControllerState.STOPPING), NOW)
    assert codes(found) == [SafetyCode.CONTROLLER_STOPPED]


def test_a_heart_that_beats_in_the_future_is_not_heard():
    found = permits(PRESS, rules(), view(beat_at=Instant(NOW + AHEAD_NS_MAX + 1)), NOW)
    assert codes(found) == [SafetyCode.HEARTBEAT_LOST]
    at_limit = permits(PRESS, rules(), view(beat_at=Instant(NOW + AHEAD_NS_MAX)), NOW)
    assert isinstance(at_limit, Permitted)


def test_a_signal_may_have_to_be_false():
    door = Required(signal=GUARD, wanted=False, fresh_ns=SECOND)
    unit = Permissive(work_unit=WorkUnitId("press"), requires=(door,))
    inverted = SafetyRules(controllers=rules().controllers, permissives=(unit,))
    assert codes(permits(PRESS, inverted, view(), NOW)) == [SafetyCode.SIGNAL_CONTRARY]
    assert isinstance(permits(PRESS, inverted, view(guard=value(told=False)), NOW), Permitted)


told = st.none() | st.builds(
    SignalValue,
    value=st.booleans(),
    good=st.booleans(),
    at=st.integers(-3 * SECOND, 3 * SECOND).map(lambda each: Instant(NOW + each)),
)


@given(told, told, st.integers(-3 * SECOND, 0), st.sampled_from(ControllerState))
def test_what_is_permitted_was_told_good_fresh_and_true(guard, clamped, beat, state):
    sights = view(state=state, beat_at=Instant(NOW + beat), guard=guard, clamped=clamped)
    verdict = permits(PRESS, rules(), sights, NOW)
    fine = all(
        each is not None
        and each.value
        and each.good
        and NOW - SECOND <= each.at <= NOW + AHEAD_NS_MAX
        for each in (guard, clamped)
    )
    alive = state is ControllerState.RUNS and beat >= -SECOND
    assert isinstance(verdict, Permitted) is (fine and alive)


@given(told, told, st.sets(st.sampled_from(["guard", "clamped"])))
def test_knowing_less_never_permits_more(guard, clamped, forgotten):
    signals = {"guard": guard, "clamped": clamped}
    before = permits(PRESS, rules(), view(**signals), NOW)
    signals.update(dict.fromkeys(forgotten))
    after = permits(PRESS, rules(), view(**signals), NOW)
    assert not (isinstance(after, Permitted) and isinstance(before, Withheld))
    assert SignalId("cell/guard") == GUARD
