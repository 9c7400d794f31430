"""Many orders at once: what is placed is never worse than before, and the best of it is kept."""

import pytest

from fabloop.plan.floors.loads import load_bound, windows_of
from fabloop.plan.floors.nearby import nearby
from fabloop.plan.floors.orders_search import OrdersObjective, booked
from plan.test_tempered import on_one_floor


def settled(seed, objective=OrdersObjective.MAKESPAN, effort=0.3):
    """Return orders on one floor that no single step has improved for a while."""
    search = on_one_floor(seed, effort=0.2, objective=objective)
    search.improve(0.0, lambda _: None)
    search.budget += round(effort * search.budget / 0.2)
    return search


@pytest.mark.parametrize("objective", [OrdersObjective.MAKESPAN, OrdersObjective.TARDINESS])
def test_what_is_kept_is_the_best_that_was_told(objective):
    search = settled(1, objective)
    before, told = search.score()[0], []
    nearby(search, 0.0, told.append)
    assert [before, *told] == sorted({before, *told}, reverse=True)
    assert search.score()[0] == min([before, *told])
    for each in search.orders:
        for job in range(each.work.size):
            each.work.release(job)
    lines = [line for each in search.orders for row in each.work.lines for line in row]
    assert all(line.starts == line.ends == [] for line in lines)


def test_first_plans_become_better():
    search = on_one_floor(2)
    before = search.score()[0]
    nearby(search, 0.0, lambda _: None)
    assert search.score()[0] < before


def test_a_value_that_is_good_enough_is_left_alone():
    search = on_one_floor(1)
    before = booked(search.orders)
    nearby(search, search.score()[0], pytest.fail)
    assert booked(search.orders) == before


def test_nothing_is_found_below_what_the_loads_exclude():
    search = settled(2)
    windows = [windows_of(each.work) for each in search.orders]
    low = max(each.work.least for each in search.orders)
    bound = load_bound(windows, low, round(search.score()[0]))
    nearby(search, 0.0, lambda _: None)
    assert bound <= search.score()[0]
