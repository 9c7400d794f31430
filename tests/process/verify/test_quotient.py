"""Counting interchangeable tokens changes no count and no verdict."""

from math import comb, perm

from hypothesis import event, given, settings
from hypothesis import strategies as st

from fabloop.process.cpn.net import Net, integer, product
from fabloop.process.verify.explore import explore
from fabloop.process.verify.flat import (
    Bound,
    BoundKind,
    Final,
    FlatNet,
    FlatPlace,
    FlatTransition,
    Limits,
)
from fabloop.process.verify.judge import replay
from fabloop.process.verify.quotient import concrete, quotient_of
from fabloop.process.verify.report import flat_net

LIMITS = Limits(markings=3_000)


@st.composite
def nets_of_copies(draw):
    """Draw nets in which several tokens follow the same plan over shared resources.

    Some are then damaged, so that the tokens are not alike, or not alone.
    """
    states, copies, shared = draw(st.integers(2, 4)), draw(st.integers(2, 4)), 2
    field = {}
    places = [[] for _ in range(states + shared)]
    names, initial = [], []
    for state in range(states):
        for copy in range(copies):
            field[state, copy] = len(names)
            places[state].append(len(names))
            names.append(f"s{state}.{copy}")
            initial.append(int(state == 0))
    resources = [len(names) + n for n in range(shared)]
    for n, resource in enumerate(resources):
        names.append(f"r{n}")
        places[states + n].append(resource)
        initial.append(draw(st.integers(0, 2)))
    transitions = []
    for kind in range(draw(st.integers(1, 5))):
        source = draw(st.integers(0, states - 1))
        target = draw(st.one_of(st.none(), st.integers(0, states - 1)))
        takes = draw(st.dictionaries(st.sampled_from(resources), st.integers(1, 2), max_size=2))
        gives = draw(st.dictionaries(st.sampled_from(resources), st.integers(1, 2), max_size=1))
        for copy in range(copies):
            put = {} if target is None else {field[target, copy]: 1}
            transitions.append((f"t{kind}", {field[source, copy]: 1, **takes}, {**put, **gives}))
    if draw(st.booleans()):  # all begin at once
        initial = [0 if n in places[0] else count for n, count in enumerate(initial)]
        transitions.append(("begin", {len(names): 1}, dict.fromkeys(places[0], 1)))
        places.append([len(names)])
        names.append("begin")
        initial.append(1)
    if draw(st.booleans()):  # all end at once
        transitions.append(("end", dict.fromkeys(places[states - 1], 1), {resources[0]: 1}))
    for _ in range(draw(st.integers(0, 1))):
        _, pre, post = draw(st.sampled_from(transitions))
        side = draw(st.sampled_from([pre, post]))
        side[draw(st.integers(0, len(names) - 1))] = draw(st.integers(1, 2))
    last = tuple(places[states - 1])
    return FlatNet(
        fields=tuple(names),
        initial=tuple(initial),
        transitions=tuple(
            FlatTransition(label=f"{name}.{n}", elements=(name,), pre=pre, post=post, steps=(n,))
            for n, (name, pre, post) in enumerate(transitions)
        ),
        bounds=(Bound(name="s1", kind=BoundKind.CAPACITY, fields=tuple(places[1]), most=2),),
        final=Final(test=lambda counts: counts[0] == copies, places=(last,)),
        elements=tuple(dict.fromkeys(name for name, _, _ in transitions)),
        places=tuple(FlatPlace(f"p{n}", tuple(each)) for n, each in enumerate(places)),
    )


@settings(max_examples=300, deadline=None)
@given(nets_of_copies())
def test_the_quotient_counts_and_judges_as_the_full_net(net):
    quotient = quotient_of(net)
    full, small = explore(net, LIMITS), explore(quotient.net, LIMITS)
    event(f"merged {len(quotient.merged)}")
    if not full.complete:
        return
    assert (small.markings, small.arcs, small.dead) == (full.markings, full.arcs, full.dead)
    assert small.peaks == full.peaks
    assert small.seen <= full.seen
    assert set(small.witnesses) == set(full.witnesses)
    for which, witness in small.witnesses.items():
        assert len(witness.firings) == len(full.witnesses[which].firings)
        replay(net, concrete(net, quotient, witness.firings))


def cell(orders, *, tell_apart=False):
    net = Net("cell")
    order, agv = integer(0, 999), integer(0, 99)
    todo, at = net.place("todo", order, initial=range(orders)), net.place("at", order)
    vehicle = net.place("agv", agv, initial=range(3))
    moving = net.place("moving", product(order, agv))
    net.transition("pick", take={todo: "o", vehicle: "v"}, put={moving: "(o, v)"},
                   when="o != 1" if tell_apart else "")  # fmt: skip
    net.transition("drop", take={moving: "(o, v)"}, put={at: "o", vehicle: "v"})
    net.final(f"at == {orders}")
    return flat_net(net.compiled(), Limits())


def test_tokens_that_carry_each_other_are_merged_one_after_the_other():
    net = cell(5)
    quotient = quotient_of(net)
    full, small = explore(net, Limits()), explore(quotient.net, Limits())
    assert quotient.merged == ("5 tokens on 'todo'", "3 tokens on 'agv'")
    assert (small.markings, small.arcs) == (full.markings, full.arcs)
    assert small.seen < full.seen // 20


def test_a_token_that_a_guard_singles_out_is_not_merged():
    net = cell(4, tell_apart=True)
    quotient = quotient_of(net)
    full, small = explore(net, Limits()), explore(quotient.net, Limits())
    assert "3 tokens on 'todo'" in quotient.merged
    assert (small.markings, small.arcs, small.dead) == (full.markings, full.arcs, full.dead)
    assert set(small.witnesses) == set(full.witnesses)


def test_a_hundred_orders_are_verified_at_once():
    found = explore(quotient_of(cell(100)).net, Limits())
    assert found.complete
    assert not found.witnesses
    moving = (comb(3, n) * perm(100, n) * 2 ** (100 - n) for n in range(4))
    assert found.markings == sum(moving)
    assert found.seen < 500
