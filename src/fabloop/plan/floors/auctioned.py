"""Improve many orders, and the bound, by prices for time on work units.

Each order buys its cheapest plan that is made in time; what is asked for too much becomes dearer.
Where all of them pay more for plans in time than all time in time is worth, none are in time. The
plans they bought at different prices, mixed so that little is taken twice, are placed on the floor.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from fabloop.plan.floors.loads import Windows
from fabloop.plan.floors.orders_search import LOOKS_PER_SECOND, Search, adopted, booked, restore
from fabloop.plan.floors.pricing import Buyer, Column, Grid, grid_of
from fabloop.plan.floors.sequences import Sequences
from fabloop.plan.floors.shifted import begun, go_on
from fabloop.plan.statement.layout import Floats

AIM = 0.005
"""Share by which the finish that is aimed at is beyond the bound."""

RAISE = 0.01
"""Share of the worth of all time that a step would have orders pay beyond it."""

STEP = 0.1
"""Part of the step that would be enough for that, were all plans to stay as they are."""

RISE = 0.1
"""Share of the value that a step would have the bound rise by, at the beginning."""

PATIENCE = 5
"""Rounds without a better bound after which a step goes half as far."""

LATER = 0.05
"""Share by which orders may end later than the last one does now, where lateness is weighed."""

TOLERANCE = 1e-9
"""Share of the value that sums may be off by."""

MEMORY = 0.1
"""Share of the plans just bought in what prices follow; the rest is of those before."""

KEPT = 30
"""Plans of each order that are mixed, the last ones bought."""

EACH = 10
"""Rounds after which plans are mixed."""

MIXES = 10
"""Mixed plans that are placed each time."""

CHANGES = 200
"""Changes of an order's plan that are tried in a mix."""

LOOKS_PER_MIX = LOOKS_PER_SECOND
"""Effort that goes into the best of some mixed plans."""

LOOKS_PER_PAIR = 1
"""Candidates that could be looked at while a pair of choices is, on average."""

LOOKS_PER_CHANGE = 10
"""Candidates that could be looked at while a change in a mix is tried."""


class Sale:
    """Time on work units for sale: its prices, and the plans that each order bought last."""

    def __init__(self, grid: Grid, orders: int) -> None:
        self.grid = grid
        self.bought: list[deque[Column]] = [deque(maxlen=KEPT) for _ in range(orders)]
        self.prices = np.zeros_like(grid.free)
        self._asked: Floats | None = None

    def takes(self, columns: Sequence[Column]) -> None:
        """Note what all orders have bought just now."""
        now = np.zeros(self.prices.size)
        for bought, column in zip(self.bought, columns, strict=True):
            bought.append(column)
            now[column.taken] += column.ticks
        asked = now.reshape(self.prices.shape)
        self._asked = asked if self._asked is None else self._asked + MEMORY * (asked - self._asked)

    def adapts(self, free: Floats, gain: float) -> None:
        """Raise prices of what is asked for too much, lower the others.

        `gain` is what the sum would gain, all else staying as it is.
        """
        assert self._asked is not None, "adapted only after a round"
        way = self._asked - free
        length = float((np.where((self.prices <= 0) & (way < 0), 0.0, way) ** 2).sum())
        if length:
            self.prices = np.maximum(0.0, self.prices + gain / length * way)

    def mixed(self, free: Floats, roll: np.random.Generator) -> list[Column]:
        """Return plans of all orders, of those bought last, such that little is taken twice."""
        chosen = [each[int(roll.integers(len(each)))] for each in self.bought]
        load = -free.ravel()
        for each in chosen:
            load[each.taken] += each.ticks
        most = float((np.maximum(0.0, load) ** 2).sum())
        for number in roll.integers(len(chosen), size=CHANGES).tolist():
            others = self.bought[number]
            other, old = others[int(roll.integers(len(others)))], chosen[number]
            load[old.taken] -= old.ticks
            load[other.taken] += other.ticks
            over = float((np.maximum(0.0, load) ** 2).sum())
            if over <= most:
                most, chosen[number] = over, other
            else:
                load[other.taken] -= other.ticks
                load[old.taken] += old.ticks
        return chosen


def looks_of(buyers: Sequence[Buyer]) -> int:
    """Return how many candidates could be looked at while all of them buy."""
    return LOOKS_PER_PAIR * sum(each.pairs + sum(map(len, each.picks)) for each in buyers)


class Prices:
    """Prices for the time on work units up to a finish that is aimed at, raised round by round.

    `bound` is a tick before which nothing is finished. `orders` are what the prices are for, all
    that the finish depends on.
    """

    def __init__(self, orders: Sequence[Windows], low: int, high: int) -> None:
        self.orders = orders
        self.bound, self._high = low, high
        self.sale = Sale(grid_of(orders, high - 1), len(orders))
        self._aim_higher()

    def _aim_higher(self) -> None:
        """Aim at a finish beyond the bound; choices that are too late for it are left out."""
        while self.bound < self._high:
            self.aim = min(self._high - 1, self.bound + round(self.bound * AIM))
            tight = [each.tightened(self.aim) for each in self.orders]
            left = [each for each in tight if each is not None]
            if len(left) == len(tight):
                self._buyers = [Buyer(each, self.sale.grid, self.aim) for each in left]
                self._free = self.sale.grid.free_until(self.aim)
                return
            self.bound = self.aim + 1

    @property
    def looks(self) -> int:
        """Candidates that could be looked at while a round takes place."""
        return looks_of(self._buyers)

    def round(self) -> None:
        """Let all orders buy; adapt the prices to what they asked for, and the bound."""
        sale = self.sale
        sums = sale.grid.summed(sale.prices)
        found = [each.buys(sums) for each in self._buyers]
        paid = sum(price for price, _ in found)
        sale.takes([column for _, column in found])
        worth = float((sale.prices * self._free).sum())
        if paid > worth * (1 + 1e-9):
            self.bound = self.aim + 1
            self._aim_higher()
            return
        over = paid / worth - 1 if worth else 0.0
        sale.adapts(self._free, STEP * (RAISE - over) if worth else 1.0)
        worth = float((sale.prices * self._free).sum())
        if worth:
            sale.prices /= worth

    def mixed(self, roll: np.random.Generator) -> list[Column]:
        """Return plans of all orders, of those bought last, such that little is taken twice."""
        return self.sale.mixed(self._free, roll)


class Dues:
    """Prices for time with which orders weigh what it costs to be late, raised round by round.

    `bound` is a sum of weighted ticks beyond the due ones (`dues`, each with its weight) that none
    is below; `value` is one that is met, `last` when all orders are made then.
    """

    def __init__(
        self, orders: Sequence[Windows], dues: Sequence[tuple[int, int]], value: int, last: int
    ) -> None:
        self.bound, self.value, self._dues = 0, value, dues
        self._rise, self._idle = RISE * value, 0
        self._horizon = round(last * (1 + LATER))
        self.sale = Sale(grid_of(orders, self._horizon), len(orders))
        self._free = self.sale.grid.free
        # An order that ends later than this is later than all orders are together.
        ends = [min(self._horizon, due + value // weight) for due, weight in dues]
        tight = [each.tightened(end) for each, end in zip(orders, ends, strict=True)]
        self._buyers = [
            Buyer(each, self.sale.grid, end)
            for each, end in zip(tight, ends, strict=True)
            if each is not None
        ]
        assert len(self._buyers) == len(orders), "a plan of that value is there"
        width = self.sale.grid.width
        self._late = [
            weight * np.maximum(0.0, np.arange(each.cells) * float(width) - due)
            for each, (due, weight) in zip(self._buyers, dues, strict=True)
        ]

    @property
    def looks(self) -> int:
        """Candidates that could be looked at while a round takes place."""
        return looks_of(self._buyers)

    def round(self) -> None:
        """Let all orders buy; adapt the prices to what they asked for, and the bound."""
        sale, paid, columns = self.sale, 0.0, []
        sums = sale.grid.summed(sale.prices)
        for each, late, (due, weight) in zip(self._buyers, self._late, self._dues, strict=True):
            price, column = each.buys(sums, late)
            # What ends beyond the horizon pays for its lateness at least.
            paid += min(price, float(weight * max(0, self._horizon + 1 - due)))
            columns.append(column)
        sale.takes(columns)
        paid -= float((sale.prices * self._free).sum())
        found = min(self.value, math.ceil(paid - TOLERANCE * self.value))
        if found > self.bound:
            self.bound, self._idle = found, 0
        else:
            self._idle += 1
            if self._idle % PATIENCE == 0:
                self._rise /= 2
        sale.adapts(self._free, STEP * (self.bound + self._rise - paid))

    def mixed(self, roll: np.random.Generator) -> list[Column]:
        """Return plans of all orders, of those bought last, such that little is taken twice."""
        return self.sale.mixed(self._free, roll)


class Heard(NamedTuple):
    """Who hears of each better value, and of each better bound."""

    better: Callable[[float], None]
    raised: Callable[[int], None]


def auctioned(search: Search, prices: Prices | Dues, at: Sequences | None, heard: Heard) -> None:
    """Search until the bound is met or the effort is spent; the best is kept.

    The prices are for all orders of the search; `at` are the sequences of those where the last
    finish is minimised.
    """
    number, known = 0, prices.bound
    while prices.bound < search.score()[0] and search.spent.looks < search.budget:
        prices.round()
        search.spent.looks += prices.looks
        if prices.bound > known:
            known = prices.bound
            heard.raised(known)
        number += 1
        if number % EACH == 0:
            _place(search, prices, at, heard.better)


def _place(
    search: Search, prices: Prices | Dues, at: Sequences | None, better: Callable[[float], None]
) -> None:
    """Place mixed plans, and go on from the best of them; keep what is better than all before."""
    best, kept, found = search.score(), booked(search.orders), None
    search.spent.looks += MIXES * CHANGES * LOOKS_PER_CHANGE
    for _ in range(MIXES):
        plans = [(each.picks, each.starts) for each in prices.mixed(search.roll)]
        adopted(search, plans, np.inf)
        if found is None or search.score() < found[0]:
            found = search.score(), booked(search.orders)
    assert found is not None, "some are mixed"
    restore(search.orders, found[1])
    if at is not None:
        tabu = begun(search, at)
        go_on(search, tabu, prices.bound, LOOKS_PER_MIX)
        if tabu.value < search.score()[0]:
            adopted(search, tabu.best, search.score()[0])
    if search.score() >= best:
        restore(search.orders, kept)
    elif search.score()[0] < best[0]:
        better(search.score()[0])
