"""The cheapest cover of conflicts, against all subsets of the changes."""

from itertools import combinations, product

from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.model.explanation import OptionCode
from fabloop.plan.reasons.bundles import Bundles
from fabloop.plan.reasons.change import Change
from fabloop.plan.reasons.cover import Covering, cheapest_cover

UNITS, LEVELS = 5, 2
COUNTS = st.integers(0, UNITS * LEVELS - 1)
WAY = st.lists(COUNTS, min_size=1, max_size=2, unique_by=lambda each: each // LEVELS)
CONFLICTS = st.lists(st.lists(WAY, min_size=1, max_size=5), min_size=1, max_size=4)
PRICES = st.lists(st.integers(1, 4), min_size=UNITS * LEVELS, max_size=UNITS * LEVELS)


def change(number, prices):
    """Return one of two amounts of a change; more never takes less."""
    unit, level = divmod(number, LEVELS)
    price = sum(prices[unit * LEVELS : number + 1])
    return Change(
        OptionCode.OPEN_LONGER, f"unit-{unit}", "calendar", price=float(price), level=float(level)
    )


def contains(chosen, changes):
    levels = {each.key: each.level for each in chosen}
    return all(levels.get(each.key, -1.0) >= each.level for each in changes)


def least(conflicts, ruled_out, prices):
    """Return the price of the cheapest cover, by trying every amount of every change."""
    best = float("inf")
    for levels in product(range(-1, LEVELS), repeat=UNITS):
        chosen = [
            change(unit * LEVELS + level, prices) for unit, level in enumerate(levels) if level >= 0
        ]
        covers = all(any(contains(chosen, way) for way in ways) for ways in conflicts)
        if covers and not any(contains(chosen, each) for each in ruled_out):
            best = min(best, sum(each.price for each in chosen))
    return best


@settings(max_examples=80, deadline=None)
@given(drawn=CONFLICTS, prices=PRICES)
def test_covers_come_cheapest_first_and_none_is_left_out(drawn, prices):
    conflicts = [
        [tuple(change(number, prices) for number in way) for way in ways] for ways in drawn
    ]
    covering, found = Covering(conflicts), []
    for _ in range(4):
        cover = covering.cheapest(found)
        expected = least(conflicts, found, prices)
        if cover is None:
            assert expected == float("inf")
            return
        assert cover.proven
        assert sum(each.price for each in cover.chosen.values()) == expected
        found.append(tuple(cover.chosen.values()))


@settings(max_examples=60, deadline=None)
@given(
    drawn=CONFLICTS,
    prices=PRICES,
    ruled=st.lists(st.lists(COUNTS, min_size=1, max_size=3), max_size=2),
)
def test_ways_that_are_left_out_make_no_cover_cheaper(drawn, prices, ruled):
    conflicts = [
        [tuple(change(number, prices) for number in way) for way in ways] for ways in drawn
    ]
    ruled_out = [tuple(change(number, prices) for number in each) for each in ruled]
    kept = Bundles(conflicts).kept({each.key for some in ruled_out for each in some})
    assert least(kept, ruled_out, prices) == least(conflicts, ruled_out, prices)


def test_of_many_work_units_that_are_alike_few_are_looked_at():
    alike = [
        Change(OptionCode.ADD_SKILL, f"unit-{number}", "weld", price=8.0) for number in range(900)
    ]
    conflicts = [[(each,) for each in alike] for _ in range(12)]
    kept = Bundles(conflicts).kept({alike[0].key, alike[7].key})
    assert [len(ways) for ways in kept] == [3] * 12
    cover = cheapest_cover(conflicts, [(alike[0],), (alike[7],)])
    assert cover is not None
    ((chosen,),) = combinations(cover.chosen.values(), 1)
    assert chosen.subject not in {"unit-0", "unit-7"}
