"""A net runs alone in virtual time, the same for the same seed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.process.cpn.bag import Bag
from fabloop.process.cpn.model import TransitionWork
from fabloop.process.cpn.net import Net, integer
from fabloop.process.cpn.simulate import simulate
from process.example_nets import EXAMPLES, fifo_buffer, weldcell


def replayed(net, run):
    """Fire the occurrences again with the plain rule: any binding with those variables."""
    marking = net.initial_marking()
    by_name = {transition.name: transition for transition in net.transitions}
    for occurrence in run.occurrences:
        transition = by_name[occurrence.transition]
        binding = next(
            each
            for each in transition.bindings(marking, occurrence.at)
            if each.variables == occurrence.variables
        )
        for place, value, ready_at in binding.consumed:
            marking[place].remove(value, ready_at)
        for place, value, ready_at in transition.produce(binding, {}, occurrence.at):
            marking[place].add(value, ready_at)
    return tuple(marking)


@settings(max_examples=10, deadline=None)
@given(st.none() | st.integers(0, 2**64), st.sampled_from(sorted(EXAMPLES)))
def test_an_occurrence_sequence_replays_to_the_same_marking(seed, name):
    net = EXAMPLES[name]().compiled()
    run = simulate(net, until_ns=10_000, seed=seed, firings_max=200)
    assert replayed(net, run) == run.marking
    again = simulate(net, until_ns=10_000, seed=seed, firings_max=200)
    assert again.occurrences == run.occurrences


def test_the_weld_cell_finishes_all_orders_in_the_time_the_delays_allow():
    run = weldcell(4, 3, 2, 3).simulate(10**9, seed=1)
    assert (run.ended, run.firings) == ("dead", 24)
    assert sorted(run.marking[9].values) == [0, 1, 2, 3]
    assert run.at >= 4 * 70 + 50 + 30


def test_different_seeds_take_different_ways():
    runs = [weldcell(4, 3, 2, 3).simulate(10**9, seed=seed).occurrences for seed in range(5)]
    assert len(set(map(repr, runs))) > 1


def test_a_place_over_its_capacity_stops_the_run():
    net = Net("full")
    a, b = net.place("a", initial=[(), ()]), net.place("b", capacity=1)
    net.transition("t", take={a: "()"}, put={b: "()"})
    with pytest.raises(Invalid, match="at most 1 tokens in place 'b'"):
        net.simulate(10, seed=None)


def test_work_lasts_as_long_as_expected_and_answers():
    net = Net("work")
    a = net.place("a", integer(0, 9), initial=[1, 2])
    b = net.place("b", integer(0, 99))
    net.transition("t", take={a: "x"}, put={b: "x + result.more"}, delay="x * 10",
                   work=TransitionWork(type="add"))  # fmt: skip
    run = simulate(net.compiled(), until_ns=100, answer=lambda _name, _variables: {"more": 40})
    assert run.marking[1] == Bag([(41, 0), (42, 0)])
    assert run.at == 20


def test_the_higher_priority_fires_first():
    net = Net("rank")
    a = net.place("a", initial=[()])
    low, high = net.place("low"), net.place("high")
    net.transition("low", take={a: "()"}, put={low: "()"})
    net.transition("high", take={a: "()"}, put={high: "()"}, priority=1)
    for seed in (None, 1, 2, 3):
        assert [each.transition for each in net.simulate(10, seed).occurrences] == ["high"]


def test_limits_end_a_run():
    assert weldcell(4, 3, 2, 3, cyclic=True).simulate(10**9, 1, firings_max=50).ended == "firings"
    run = weldcell(4, 3, 2, 3, cyclic=True).simulate(1000, 1)
    assert (run.ended, run.at) == ("until", 1000)


def test_a_fifo_buffer_keeps_the_order():
    run = fifo_buffer().simulate(10, seed=7)
    popped = [each.variables["o"] for each in run.occurrences if each.transition == "pop"]
    pushed = [each.variables["o"] for each in run.occurrences if each.transition == "push"]
    assert popped == pushed
    assert len(popped) == 4
