"""Many orders on one floor: worse steps make room, the best is kept, the rest is undone."""

import pytest

from fabloop.plan.engine import is_possible_now
from fabloop.plan.floors.floor import Floor, Work
from fabloop.plan.floors.orders_search import OrdersObjective, Placed, Search
from fabloop.plan.floors.tempered import tempered
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Setting, problem_of
from plan.multifactory import generated_orders


def on_one_floor(seed, effort=0.4, objective=OrdersObjective.MAKESPAN):
    it, orders = generated_orders(2, 8, 10, 8, seed=seed)
    plant = Plant(it.network, it.vocabulary, it.kpis)
    setting = Setting(it.network, it.vocabulary, it.kpis, it.now, it.now, {}, plant=plant)
    all_ = [problem_of(each.product, setting) for each in orders]
    problems = [each for each in all_ if is_possible_now(each)]
    floor = Floor(problems[0].roads, problems[0].busy)
    placed = [Placed(Work(each, floor), 0, 1) for each in problems]
    search = Search(placed, objective, effort)
    search.begin()
    return search


def bookings(search):
    return [each.work.at(job) for each in search.orders for job in range(each.work.size)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_kept_is_the_best_that_was_told(seed):
    search = on_one_floor(seed)
    before, told = search.score()[0], []
    tempered(search, 0.0, told.append)
    assert search.spent.looks >= search.budget
    assert [before, *told] == sorted({before, *told}, reverse=True)
    assert search.score()[0] == min([before, *told])
    for each in search.orders:
        for job in range(each.work.size):
            each.work.release(job)
    lines = [line for each in search.orders for row in each.work.lines for line in row]
    assert all(line.starts == line.ends == [] for line in lines)


def test_a_finish_that_is_good_enough_is_left_alone():
    search = on_one_floor(1)
    before = bookings(search)
    tempered(search, search.score()[0], pytest.fail)
    assert bookings(search) == before


def test_a_step_that_is_not_accepted_changes_nothing():
    search = on_one_floor(2)
    before = bookings(search)
    for _ in range(20):
        assert not search.attempt(search.orders[:3], [float("inf")] * 3, lambda: False)
    assert bookings(search) == before


def test_worse_steps_find_what_better_ones_do_not():
    strict = on_one_floor(3, effort=1.0)
    strict.improve(0.0, lambda _: None)
    both = on_one_floor(3, effort=1.0)
    tempered(both, 0.0, lambda _: None)
    assert both.score()[0] <= strict.score()[0]
