"""A bag hands out tokens by ready time, then first in, first out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Broken
from fabloop.process.cpn.bag import Bag

TOKENS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=12)


@given(TOKENS)
def test_order_is_ready_time_then_arrival(tokens):
    assert list(Bag(tokens)) == sorted(tokens, key=lambda token: token[1])


@given(TOKENS, st.randoms(use_true_random=False))
def test_equality_is_that_of_timed_multisets(tokens, random):
    shuffled = list(tokens)
    random.shuffle(shuffled)
    assert Bag(tokens) == Bag(shuffled)
    assert Bag(tokens) != Bag([*shuffled, ("z", 0)])


@given(TOKENS, TOKENS)
def test_removing_what_was_added_restores_the_bag(first, then):
    bag = Bag(first)
    for value, ready_at in then:
        bag.add(value, ready_at)
    for value, ready_at in then:
        bag.remove(value, ready_at)
    assert bag == Bag(first)
    assert len(bag) == len(first)


def test_removing_an_absent_token_is_broken():
    bag = Bag([("a", 5)])
    for value, ready_at in (("a", 4), ("a", 6), ("b", 5)):
        with pytest.raises(Broken, match="found none"):
            bag.remove(value, ready_at)
    assert list(bag) == [("a", 5)]
