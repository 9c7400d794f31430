"""Conflicts that share changes, by sets of them: against all subsets, and next to the model."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.model.explanation import OptionCode
from fabloop.plan.reasons.change import Change
from fabloop.plan.reasons.sharing import CONFLICTS_MAX, GaveUp, contains, sharing_of

UNITS, KINDS, LEVELS = 3, ("tpe", "size"), 2
NEED = st.sampled_from([(), (0,), (1,)])
WAY = st.none() | st.tuples(NEED, NEED).filter(any)
CONFLICTS = st.lists(
    st.lists(WAY, min_size=UNITS, max_size=UNITS).filter(any), min_size=1, max_size=5
)
PRICES = st.lists(
    st.integers(1, 4), min_size=UNITS * len(KINDS) * LEVELS, max_size=UNITS * len(KINDS) * LEVELS
)


def change(unit, kind, level, prices):
    """Return one of two amounts of a change; more never takes less."""
    first = (unit * len(KINDS) + kind) * LEVELS
    return Change(
        OptionCode.UPGRADE_OFFER,
        f"unit-{unit}",
        KINDS[kind],
        price=float(sum(prices[first : first + level + 1])),
        level=float(level),
    )


def ways_of(drawn, prices):
    return [
        [
            tuple(change(unit, kind, level, prices) for kind in (0, 1) for level in need[kind])
            for unit, need in enumerate(row)
            if need is not None
        ]
        for row in drawn
    ]


def least(conflicts, ruled_out, prices):
    """Return the price of the cheapest cover, by trying every amount of every change."""
    best = float("inf")
    places = [(unit, kind) for unit in range(UNITS) for kind in range(len(KINDS))]
    for levels in product(range(-1, LEVELS), repeat=len(places)):
        made = [
            change(unit, kind, level, prices)
            for (unit, kind), level in zip(places, levels, strict=True)
            if level >= 0
        ]
        chosen = {each.key: each for each in made}
        if all(any(contains(chosen, way) for way in ways) for ways in conflicts) and not any(
            contains(chosen, each) for each in ruled_out
        ):
            best = min(best, sum(each.price for each in made))
    return best


@settings(max_examples=40, deadline=None)
@given(drawn=CONFLICTS, prices=PRICES)
def test_answers_come_cheapest_first_and_none_is_left_out(drawn, prices):
    conflicts, found = ways_of(drawn, prices), []
    sharing = sharing_of(conflicts)
    for _ in range(3):
        chosen = sharing.cheapest(found)
        expected = least(conflicts, found, prices)
        if chosen is None:
            assert expected == float("inf")
            return
        assert all(any(contains(chosen, way) for way in ways) for ways in conflicts)
        assert sum(each.price for each in chosen.values()) == expected
        found.append(tuple(chosen.values()))


def test_a_conflict_that_a_stricter_one_resolves_is_left_out():
    prices = [1] * 12
    loose = [(change(unit, 0, 0, prices),) for unit in range(UNITS)]
    strict = [(change(unit, 0, 1, prices),) for unit in range(UNITS)]
    assert sharing_of([loose, strict]).needed == [strict]


def test_several_ways_at_one_unit_are_for_the_model():
    prices = [1] * 12
    either = [(change(0, 0, 0, prices), change(0, 1, 0, prices)), (change(0, 1, 1, prices),)]
    assert sharing_of([either, either[:1]]) is None


def test_too_many_conflicts_are_given_up():
    alone = [
        [(Change(OptionCode.ADD_SKILL, f"unit-{number}", "weld", price=8.0),)]
        for number in range(CONFLICTS_MAX + 1)
    ]
    with pytest.raises(GaveUp):
        sharing_of(alone).cheapest([])
