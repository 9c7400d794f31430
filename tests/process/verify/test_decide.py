"""What the tree says to be enabled is what the plain firing rule says."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.process.verify.decide import Decision
from fabloop.process.verify.explore import TESTED_AGAIN_MAX, explore
from fabloop.process.verify.flat import Final, FlatNet, FlatTransition, Limits, fire

FIELDS, WIDTH = 5, 4

tokens = st.dictionaries(st.integers(0, FIELDS - 1), st.integers(1, 4), max_size=4)
transitions = st.lists(
    st.builds(lambda pre: FlatTransition(label="t", pre=pre, post={}), tokens), max_size=30
)


@settings(max_examples=100, deadline=None)
@given(transitions, tokens)
def test_the_tree_finds_what_the_plain_rule_finds(made, marking):
    packed = sum(count << field * WIDTH for field, count in marking.items())
    expected = [n for n, each in enumerate(made) if fire(each, marking) is not None]
    assert Decision(made, WIDTH).enabled(packed) == expected


def test_a_net_of_more_transitions_than_are_tested_one_by_one_is_explored_exactly():
    size = TESTED_AGAIN_MAX + 20
    # A pool is left by one of many ways, each of which may be gone once and needs `gate` open.
    ways = [
        FlatTransition(label=f"way {n}", pre={0: 1, 1: 1, n: 1}, post={1: 1})
        for n in range(2, size + 2)
    ]
    close = FlatTransition(label="close", pre={1: 1}, post={}, zero=frozenset({0}))
    net = FlatNet(
        fields=tuple(f"f{n}" for n in range(size + 2)),
        initial=(2, 1, *[1] * size),
        transitions=(*ways, close),
        final=Final(stated=False),
    )
    pairs = size * (size - 1) // 2
    found = explore(net, Limits())
    assert found.complete
    assert found.markings == 1 + size + 2 * pairs
    assert found.arcs == size + 2 * pairs + pairs
