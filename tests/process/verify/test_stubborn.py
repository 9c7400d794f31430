"""A part of the markings tells whether there is a deadlock, and how to get there."""

from hypothesis import event, given, settings
from hypothesis import strategies as st

from fabloop.process.verify.explore import Property, explore
from fabloop.process.verify.flat import Final, FlatNet, FlatTransition, Limits
from fabloop.process.verify.judge import replay
from fabloop.process.verify.report import flat_net, verify_net
from fabloop.process.verify.stubborn import find_deadlock
from fabloop.process.verify.verdict import Verdict
from process.example_nets import two_robots, weldcell
from process.verify.test_quotient import nets_of_copies

LIMITS = Limits(markings=3_000)


@st.composite
def random_nets(draw):
    """Draw small nets without any structure."""
    fields = draw(st.integers(2, 6))
    bags = st.dictionaries(st.integers(0, fields - 1), st.integers(1, 2), min_size=1, max_size=3)
    pairs = draw(st.lists(st.tuples(bags, bags), min_size=1, max_size=7))
    return FlatNet(
        fields=tuple(f"p{n}" for n in range(fields)),
        initial=tuple(draw(st.lists(st.integers(0, 2), min_size=fields, max_size=fields))),
        transitions=tuple(
            FlatTransition(label=f"t{n}", pre=pre, post=post, steps=(n,))
            for n, (pre, post) in enumerate(pairs)
        ),
        final=Final(empty=frozenset(draw(st.sets(st.integers(0, fields - 1)))),
                    stated=draw(st.booleans())),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.one_of(random_nets(), nets_of_copies()))
def test_deadlocks_are_found_where_there_are_any(net):
    full = explore(net, LIMITS)
    part = find_deadlock(net, LIMITS)
    if not full.complete or not part.complete:
        return
    event("fewer" if part.markings < full.seen else "as many")
    assert part.markings <= full.seen
    assert (part.witness is not None) == (Property.DEADLOCK_FREE in full.witnesses)
    if part.witness is not None:
        replay(net, part.witness.firings)


def test_shared_robots_need_fewer_markings():
    cell = flat_net(weldcell(4, 3, 2, 3).compiled(), Limits())
    part = find_deadlock(cell, Limits())
    assert part.complete
    assert part.witness is None
    assert part.markings < explore(cell, Limits()).seen / 2
    stuck = find_deadlock(flat_net(two_robots(3).compiled(), Limits()), Limits())
    assert stuck.witness is not None


def test_a_cell_too_large_to_explore_is_still_free_of_deadlocks():
    cell, limits = weldcell(4, 3, 2, 3).compiled(), Limits(markings=100)
    report = verify_net(cell, limits=limits)
    assert report.finding(Property.DEADLOCK_FREE).verdict is Verdict.HOLDS
    assert report.finding(Property.OPTION_TO_COMPLETE).verdict is Verdict.UNKNOWN
    assert report.sound is None
    assert "deadlocks, in" in report.explored
