"""Firing without bindings does what firing step by step does, token for token."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.process.cpn.compiled import CompiledNet
from fabloop.process.cpn.net import Net, any_plain, integer, product, times
from fabloop.process.cpn.simulate import simulate
from process import example_nets

NETS = [
    example_nets.weldcell(6, 3, 2, 3),
    example_nets.weldcell(6, 4, 2, 3, cyclic=True),
    example_nets.fifo_buffer(),
    example_nets.rework(),
    example_nets.two_robots(),
    example_nets.ring(),
    example_nets.setup(),
    example_nets.transport(),
    example_nets.oven(),
]


def both_ways(net: CompiledNet, *, until: int = 10**12, firings: int = 500) -> bool:
    """Compare the two ways; return whether every transition can be fired swiftly."""
    kept = simulate(net, until_ns=until, firings_max=firings, keep=True)
    quick = simulate(net, until_ns=until, firings_max=firings, keep=False)
    assert (quick.firings, quick.at, quick.ended) == (kept.firings, kept.at, kept.ended)
    for ours, theirs in zip(quick.marking, kept.marking, strict=True):
        assert list(ours) == list(theirs)
    return all(each.swift() is not None for each in net.transitions)


@pytest.mark.parametrize("net", NETS, ids=lambda each: each.id)
def test_an_example_runs_the_same_both_ways(net):
    both_ways(net.compiled())


def test_the_weld_cell_is_fired_swiftly():
    assert both_ways(example_nets.weldcell(6, 3, 2, 3, cyclic=True).compiled())


PARTS = st.sampled_from(["a", "b", "(a, b)", "(b, a)"])
GUARDS = st.sampled_from(["", "a < b", "a != b", "a + b < 5", "b == a"])
TOKENS = st.lists(st.integers(0, 4), max_size=4)
DELAYS = st.sampled_from([0, 3, "a", "a * 2"])


@st.composite
def nets(draw):
    """Places of numbers and pairs, transitions that move one or two numbers about."""
    net, number = Net("random"), integer(0, 9)
    timed = [draw(st.booleans()) for _ in range(4)]
    singles = [net.place(f"p{n}", number, initial=draw(TOKENS), timed=timed[n]) for n in range(3)]
    pair = net.place("pair", product(number, number), timed=timed[3])
    clocked = {place for place, clock in zip([*singles, pair], timed, strict=True) if clock}
    for n in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            first, second = draw(st.sampled_from(singles)), draw(st.sampled_from(singles))
            take = {first: ("a", "b")} if first == second else {first: "a", second: "b"}
        else:
            take = {pair: draw(st.sampled_from(["(a, b)", "(b, a)"]))}
        put = {draw(st.sampled_from(singles)): draw(st.sampled_from(["a", "b"]))}
        if draw(st.booleans()):
            put[pair] = draw(st.sampled_from(["(a, b)", "(b, a)", "(a, a)"]))
        delay = draw(DELAYS) if clocked & set(put) else 0
        net.transition(f"t{n}", take=take, put=put, when=draw(GUARDS) or "True", delay=delay)
    return net


@settings(max_examples=150, deadline=None)
@given(nets(), st.integers(0, 60))
def test_random_nets_run_the_same_both_ways(net, firings):
    assert both_ways(net.compiled(), until=50, firings=firings)


def test_what_needs_more_is_fired_step_by_step():
    net = Net("n")
    store = net.place("store", integer(0, 9), initial=[1, 1, 2])
    out = net.place("out", any_plain)
    net.transition("two", take={store: times(2, "a")}, put={out: "a"})
    assert not both_ways(net.compiled())


def test_a_value_of_another_colour_is_told_the_same_way():
    net = Net("n")
    store, small = net.place("store", integer(0, 9), initial=[5]), net.place("s", integer(0, 5))
    net.transition("double", take={store: "a"}, put={small: "a * 2"})
    for keep in (True, False):
        with pytest.raises(Invalid, match="double"):
            simulate(net.compiled(), until_ns=10, keep=keep)


def test_an_inscription_that_fails_is_told_the_same_way():
    net = Net("n")
    store, out = net.place("store", integer(0, 9), initial=[0]), net.place("out", any_plain)
    net.transition("divide", take={store: "a"}, put={out: "9 // a"})
    for keep in (True, False):
        with pytest.raises(Invalid, match="divide"):
            simulate(net.compiled(), until_ns=10, keep=keep)
