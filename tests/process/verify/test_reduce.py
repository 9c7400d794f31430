"""Reductions change no verdict."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.process.verify.explore import Property, explore
from fabloop.process.verify.flat import (
    Bound,
    BoundKind,
    Final,
    FlatNet,
    FlatTransition,
    Limits,
    Refund,
)
from fabloop.process.verify.reduce import reduce
from fabloop.process.verify.report import replay

LIMITS = Limits(markings=3_000)


@st.composite
def flat_nets(draw):
    """Draw small nets of mostly sequential pieces, with tests, clearing and shared resources."""
    size = draw(st.integers(3, 8))
    resource = size  # one more field, borrowed by some
    field = st.integers(0, size - 1)
    some = st.dictionaries(field, st.just(1), min_size=1, max_size=2)
    transitions = []
    for number in range(draw(st.integers(2, 8))):
        pre, post = draw(some), draw(some | st.just({}))
        borrow = draw(st.sampled_from(["", "", "take", "give", "both"]))
        if borrow in ("take", "both"):
            pre = {**pre, resource: 1}
        if borrow in ("give", "both"):
            post = {**post, resource: 1}
        zero, clears, refunds = frozenset(), frozenset(), ()
        if draw(st.integers(0, 4)) == 0:
            zero = draw(st.frozensets(field, max_size=2))
            clears = draw(st.frozensets(field, max_size=3))
            if clears and draw(st.booleans()):
                refunds = (Refund(min(clears), resource, 1),)
        label = f"t{number}"
        made = FlatTransition(label=label, elements=(label,), pre=pre, post=post, zero=zero,
                              clears=clears, refunds=refunds, steps=(number,))  # fmt: skip
        transitions.append(made)
    safe = draw(st.frozensets(field))
    bounds = tuple(Bound(name=f"p{f}", kind=BoundKind.SAFE, fields=(f,), most=1) for f in safe)
    return FlatNet(
        fields=tuple(f"p{n}" for n in range(size + 1)),
        initial=(1, *[0] * (size - 1), draw(st.integers(0, 2))),
        transitions=tuple(transitions),
        bounds=bounds,
        final=Final(
            empty=draw(st.frozensets(field, min_size=1)),
            equal={resource: 1} if draw(st.booleans()) else {},
        ),
        elements=tuple(each.label for each in transitions),
    )


@settings(max_examples=600, deadline=None)
@given(flat_nets())
def test_verdicts_are_the_same_with_and_without(net):
    full, small = explore(net, LIMITS), explore(reduce(net), LIMITS)
    if not full.complete or not small.complete:
        return
    assert set(small.witnesses) == set(full.witnesses)
    assert small.markings <= full.markings


@settings(max_examples=200, deadline=None)
@given(flat_nets())
def test_a_reduced_counterexample_replays_in_the_original(net):
    small = reduce(net)
    found = explore(small, LIMITS)
    for which, witness in found.witnesses.items():
        steps = [step for n in witness.firings for step in small.transitions[n].steps]
        marking = replay(net, steps)
        if which is Property.SAFE:
            assert any(count > 1 for count in marking.values())


def test_a_chain_becomes_one_step():
    fields = [f"p{n}" for n in range(20)]
    net = FlatNet(
        fields=tuple(fields),
        initial=(1, *[0] * 19),
        transitions=tuple(
            FlatTransition(label=f"t{n}", elements=(f"t{n}",), pre={n: 1}, post={n + 1: 1},
                           steps=(n,))
            for n in range(19)
        ),
        final=Final(empty=frozenset(range(19))),
        elements=tuple(f"t{n}" for n in range(19)),
    )  # fmt: skip
    small = reduce(net)
    assert len(small.transitions) <= 1
    assert not explore(small, LIMITS).witnesses
