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
from fabloop.process.verify.judge import replay
from fabloop.process.verify.reduce import reduce

LIMITS = Limits(markings=2_000)


class Sketch:
    """A block-structured net that grows."""

    def __init__(self, draw):
        self.draw, self.fields = draw, 0
        self.transitions = []
        self.resources = [self.field(), self.field()]

    def field(self):
        self.fields += 1
        return self.fields - 1

    def fires(self, pre, post, zero=(), clears=(), refunds=()):
        self.transitions.append((dict(pre), dict(post), set(zero), set(clears), tuple(refunds)))

    def block(self, start, end, depth):
        kinds = ["step", "borrow"] + ["series", "parallel", "choice", "loop", "scope"] * (depth > 0)
        kind = self.draw(st.sampled_from(kinds))
        if kind == "step":
            self.fires({start: 1}, {end: 1})
        elif kind == "borrow":
            resource, busy = self.draw(st.sampled_from(self.resources)), self.field()
            self.fires({start: 1, resource: 1}, {busy: 1})
            self.fires({busy: 1}, {end: 1, resource: 1})
        elif kind == "series":
            middle = self.field()
            self.block(start, middle, depth - 1)
            self.block(middle, end, depth - 1)
        elif kind == "parallel":
            forks, joins = ([self.field(), self.field()] for _ in range(2))
            self.fires({start: 1}, dict.fromkeys(forks, 1))
            for fork, join in zip(forks, joins, strict=True):
                self.block(fork, join, depth - 1)
            self.fires(dict.fromkeys(joins, 1), {end: 1})
        elif kind == "choice":
            self.block(start, end, depth - 1)
            self.block(start, end, depth - 1)
        elif kind == "loop":
            self.block(start, end, depth - 1)
            self.fires({end: 1}, {start: 1})
        else:
            self.scope(start, end, depth)

    def scope(self, start, end, depth):
        """A sub-process that completes when it is empty, or is interrupted."""
        busy, first, last, stop = (self.field() for _ in range(4))
        before, begun = self.fields, len(self.transitions)
        self.block(first, last, depth - 1)
        inside = {first, last, *range(before, self.fields)}
        self.fires({start: 1}, {busy: 1, first: 1})
        self.fires({last: 1}, {stop: 1})
        self.fires({busy: 1}, {end: 1}, zero=inside, clears={stop})
        refunds = [
            Refund(field, taken, 1)
            for pre, post, *_ in self.transitions[begun:]
            for taken in self.resources
            if taken in pre
            for field in post
            if field in inside
        ]
        if self.draw(st.booleans()):
            self.fires({busy: 1}, {end: 1}, clears=inside | {stop}, refunds=refunds)

    def mutate(self):
        """Make one arc wrong, as a modeller might."""
        pre, post, zero, clears, _ = self.draw(st.sampled_from(self.transitions))
        side = self.draw(st.sampled_from([pre, post, post]))
        field = self.draw(st.integers(0, self.fields - 1))
        change = self.draw(st.sampled_from(["drop", "add", "move", "zero", "clear"]))
        if change in ("drop", "move") and side and not (side is pre and len(pre) == 1):
            side.pop(self.draw(st.sampled_from(sorted(side))))
        if change in ("add", "move"):
            side[field] = side.get(field, 0) + 1
        if change == "zero":
            zero.add(field)
        if change == "clear":
            clears.add(field)


@st.composite
def flat_nets(draw):
    """Draw block-structured nets with shared resources and scopes, some with modelling faults."""
    sketch = Sketch(draw)
    start, end = sketch.field(), sketch.field()
    sketch.block(start, end, 3)
    for _ in range(draw(st.integers(0, 3))):
        sketch.mutate()
    transitions = [
        FlatTransition(label=f"t{n}", elements=(f"t{n}",), pre=pre, post=post, steps=(n,),
                       zero=frozenset(zero), clears=frozenset(clears), refunds=refunds)
        for n, (pre, post, zero, clears, refunds) in enumerate(sketch.transitions)
    ]  # fmt: skip
    flows = set(range(sketch.fields)) - {0, 1, end}
    safe = flows if draw(st.booleans()) else draw(st.frozensets(st.sampled_from(sorted(flows))))
    kinds = dict.fromkeys(safe, BoundKind.SAFE) | {end: BoundKind.END}
    initial = [0] * sketch.fields
    initial[start] = 1
    initial[0], initial[1] = draw(st.integers(1, 2)), draw(st.integers(0, 1))
    return FlatNet(
        fields=tuple(f"p{n}" for n in range(sketch.fields)),
        initial=tuple(initial),
        transitions=tuple(transitions),
        bounds=tuple(
            Bound(name=f"p{field}", kind=kind, fields=(field,), most=1)
            for field, kind in kinds.items()
        ),
        final=Final(empty=frozenset(flows), equal={0: initial[0], 1: initial[1]}),
        elements=tuple(each.label for each in transitions),
    )


@settings(max_examples=200, deadline=None)
@given(flat_nets())
def test_verdicts_are_the_same_with_and_without(net):
    full, small = explore(net, LIMITS), explore(reduce(net), LIMITS)
    if not full.complete or not small.complete:
        return
    assert set(small.witnesses) == set(full.witnesses)
    assert small.markings <= full.markings


@settings(max_examples=60, deadline=None)
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
