"""Smallest conflicts of sets: one, all of them, and what they leave out."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from fabloop.plan.reasons.minimal import (
    all_conflicts,
    bits_of,
    minimal_conflict,
    smallest,
    transversals,
)

SETS = st.lists(st.integers(1, 2**7 - 1), min_size=1, max_size=6)


def least(masks):
    return {each for each in masks if not any(o != each and o & each == o for o in masks)}


def test_quickxplain_finds_a_planted_minimal_set():
    bad = {3, 7, 11}
    found = minimal_conflict(list(range(16)), lambda atoms: not bad <= set(atoms))
    assert set(found) == bad


def test_quickxplain_prefers_what_comes_first():
    assert minimal_conflict("abcd", lambda atoms: len(atoms) < 2) == ["a", "b"]


def test_quickxplain_blames_nobody_where_nothing_can_hold():
    assert minimal_conflict([1, 2], lambda atoms: False) == []


def test_quickxplain_blames_nobody_where_all_hold():
    assert minimal_conflict([1, 2], lambda atoms: True) == []


@given(SETS)
def test_transversals_are_all_smallest_sets_that_hit_every_set(sets):
    hitting = {mask for mask in range(2**7) if all(mask & each for each in sets)}
    assert set(transversals(sets)) == least(hitting)


@given(SETS)
def test_all_conflicts_are_found_and_nothing_else(sets):
    planted = least(set(sets))

    def conflict_without(mask):
        left = list(bits_of(2**7 - 1 & ~mask))
        return smallest(left, lambda some: not any(each & some == each for each in planted))

    answer = all_conflicts(conflict_without, conflicts_max=100)
    assert answer.complete
    assert set(answer.found) == planted
    assert len(answer.found) == len(planted)


@given(SETS)
def test_conflicts_that_share_nothing_come_first(sets):
    planted = least(set(sets))

    def conflict_without(mask):
        return next((each for each in sorted(planted) if not each & mask), 0)

    found = all_conflicts(conflict_without, conflicts_max=100).found
    lead = max(count for count in range(len(found) + 1) if are_apart(found[:count]))
    for each in found[lead:]:
        assert any(each & other for other in found[:lead])


def are_apart(masks):
    return all(not first & second for first, second in combinations(masks, 2))


def test_what_is_cut_short_says_so():
    pairs = [1 << a | 1 << b for a, b in combinations(range(6), 2)]

    def conflict_without(mask):
        return next((each for each in pairs if not each & mask), 0)

    assert not all_conflicts(conflict_without, conflicts_max=4).complete
    assert all_conflicts(conflict_without, conflicts_max=15).complete
