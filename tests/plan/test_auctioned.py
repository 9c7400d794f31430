"""Prices for time: nobody pays less than what is asked at least, and no plan beats the bound."""

import numpy as np
import pytest

from fabloop.plan.floors.auctioned import Dues, Heard, Prices, auctioned
from fabloop.plan.floors.loads import windows_of
from fabloop.plan.floors.orders_search import OrdersObjective, booked
from fabloop.plan.floors.pricing import Buyer, Grid, grid_of
from fabloop.plan.floors.sequences import Sequences
from plan.test_tempered import on_one_floor


def opened(seed, effort=0.4):
    """Return orders on one floor, their windows, and a finish by which they are made."""
    search = on_one_floor(seed, effort)
    return search, [windows_of(each.work) for each in search.orders], round(search.score()[0])


def drawn(grid, seed):
    """Return prices, of which some are nothing."""
    roll = np.random.default_rng(seed)
    return np.maximum(0.0, roll.normal(size=grid.free.shape))


def cells(windows, finish, width):
    """Return a grid of cells so long, whatever is usual for that finish."""
    units = grid_of(windows, finish).units
    bucket = -(-40 // width)
    count = finish // (bucket * width) + 1
    return Grid(width, bucket, units, np.full((len(units), count), float(bucket * width)))


def paid(grid, prices, spans):
    """Return what spans of time on work units cost."""
    total = 0.0
    for unit, start, end in spans:
        row = prices[grid.units[unit]]
        for tick in range(start, end):
            total += row[tick // grid.span]
    return total


def spans_of(work, picks, starts):
    for job, (pick, start) in enumerate(zip(picks, starts, strict=True)):
        place = work.places[job][pick]
        yield place.unit or place.area, start, start + work.ticks[job][pick]


@pytest.mark.parametrize("seed", [1, 2])
def test_an_order_pays_the_least_price(seed):
    search, windows, finish = opened(seed)
    grid = cells(windows, finish, 1)
    prices = drawn(grid, seed)
    for each, its in zip(search.orders, windows, strict=True):
        price, column = Buyer(its, grid, finish).buys(grid.summed(prices))
        mine = spans_of(each.work, column.picks, column.starts)
        assert price == pytest.approx(paid(grid, prices, mine))
        assert price == pytest.approx(float(prices.ravel()[column.taken] @ column.ticks))
        here = [each.work.at(job) for job in range(each.work.size)]
        placed = spans_of(each.work, [it.pick for it in here], [it.start for it in here])
        assert price <= paid(grid, prices, placed) + 1e-6


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("width", [2, 5, 7])
def test_longer_cells_never_ask_for_more(seed, width):
    search, windows, finish = opened(seed)
    grid = cells(windows, finish, width)
    prices = drawn(grid, seed)
    for each, its in zip(search.orders, windows, strict=True):
        price, column = Buyer(its, grid, finish).buys(grid.summed(prices))
        here = [each.work.at(job) for job in range(each.work.size)]
        placed = spans_of(each.work, [it.pick for it in here], [it.start for it in here])
        assert price <= paid(grid, prices, placed) + 1e-6
        for job in range(each.work.size):
            assert all(
                column.starts[made] <= column.starts[job] for made in each.work.tables.inputs[job]
            )


@pytest.mark.parametrize("seed", [1, 2])
def test_a_plan_is_made_in_time_where_nobody_else_is(seed):
    search, windows, finish = opened(seed)
    grid = cells(windows, finish, 1)
    sums = grid.summed(drawn(grid, seed))
    columns = [Buyer(each, grid, finish).buys(sums)[1] for each in windows]
    for each, column in zip(search.orders, columns, strict=True):
        for job, (pick, start) in enumerate(zip(column.picks, column.starts, strict=True)):
            for made in each.work.tables.inputs[job]:
                key = each.work.spots[made][column.picks[made]], each.work.spots[job][pick]
                places = each.work.places
                way = search.orders[0].work.floor.way(
                    places[made][column.picks[made]], places[job][pick], key
                )
                end = column.starts[made] + each.work.ticks[made][column.picks[made]]
                assert end + way.ticks <= start


@pytest.mark.parametrize("seed", [1, 2])
def test_no_plan_found_is_below_the_bound_of_prices(seed):
    search, windows, finish = opened(seed)
    low = max(each.work.least for each in search.orders)
    search.improve(low, lambda _: None)
    prices = Prices(windows, low, finish)
    for _ in range(20):
        if prices.bound >= finish:
            break
        prices.round()
    assert low <= prices.bound <= search.score()[0]


def test_what_is_kept_is_the_best_that_was_told():
    search, windows, finish = opened(2, effort=0.2)
    low = max(each.work.least for each in search.orders)
    before, told, bounds = search.score()[0], [], []
    prices, heard = Prices(windows, low, finish), Heard(told.append, bounds.append)
    auctioned(search, prices, Sequences(search.orders), heard)
    assert [before, *told] == sorted({before, *told}, reverse=True)
    assert bounds == sorted(set(bounds))
    assert search.score()[0] == min([before, *told]) >= max([low, *bounds])
    for each in search.orders:
        for job in range(each.work.size):
            each.work.release(job)
    lines = [line for each in search.orders for row in each.work.lines for line in row]
    assert all(line.starts == line.ends == [] for line in lines)


def test_a_finish_that_is_good_enough_is_left_alone():
    search, windows, finish = opened(1)
    before = booked(search.orders)
    prices = Prices(windows, finish, finish)
    auctioned(search, prices, Sequences(search.orders), Heard(pytest.fail, pytest.fail))
    assert booked(search.orders) == before


@pytest.mark.parametrize("seed", [2, 3])
def test_lateness_is_bounded_by_prices_above_each_order_alone(seed):
    search = on_one_floor(seed, 0.15, objective=OrdersObjective.TARDINESS)
    least = min(each.work.least for each in search.orders)
    for number, each in enumerate(search.orders):
        each.due, each.weight = round(least * (0.5 + 0.1 * number)), 1 + number % 3
    windows = [windows_of(each.work) for each in search.orders]
    dues = [(each.due, each.weight) for each in search.orders]
    last = max(each.work.finish for each in search.orders)
    value = round(search.score()[0])
    alone = sum(each.weight * max(0, each.work.least - each.due) for each in search.orders)
    prices, bounds = Dues(windows, dues, value, last), []
    auctioned(search, prices, None, Heard(lambda _: None, bounds.append))
    search.budget *= 2
    search.improve(0.0, lambda _: None)
    assert bounds[0] >= alone
    assert bounds == sorted(set(bounds))
    assert alone < prices.bound <= search.score()[0]
