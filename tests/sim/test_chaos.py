"""What goes wrong follows from the seed, and always contains what has to be survived."""

from hypothesis import given
from hypothesis import strategies as st

from fabloop.sim.chaos import Blow, strikes_of

SERVICES, SIGNALS = ("oven", "van"), ("guard", "tray")


def plan(seed):
    return strikes_of(seed, SERVICES, SIGNALS, facts=60, count=12)


@given(st.integers(0, 10_000))
def test_every_plan_kills_fabloop_and_a_service_and_opens_a_guard_in_order(seed):
    found = plan(seed)
    blows = [each.blow for each in found]
    assert {Blow.KILL_FABLOOP, Blow.KILL_SERVICE, Blow.OPEN_SIGNAL} <= set(blows)
    assert [each.after for each in found] == sorted(each.after for each in found)
    assert all(1 <= each.after < 60 for each in found)
    assert found == plan(seed)


@given(st.integers(0, 10_000))
def test_each_strike_names_whom_it_meets(seed):
    for each in plan(seed):
        if each.blow in (Blow.OPEN_SIGNAL, Blow.BREAK_SENSOR):
            assert each.whom in SIGNALS
        elif each.blow in (Blow.KILL_SERVICE, Blow.SPOIL, Blow.REPEAT):
            assert each.whom in SERVICES
        assert bool(each.how) is (each.blow is Blow.SPOIL)


def test_seeds_differ():
    assert len({plan(seed) for seed in range(50)}) == 50
