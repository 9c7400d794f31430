"""Improve many orders, and the bound, by prices for time on work units.

Each order buys its cheapest plan that is made in time; what is asked for too much becomes dearer.
Where all of them pay more for plans in time than all time in time is worth, none are in time. The
plans they bought at different prices, mixed so that little is taken twice, are placed on the floor.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from fabloop.plan.floors.loads import Windows
from fabloop.plan.floors.orders_search import LOOKS_PER_SECOND, Search, adopted, booked, restore
from fabloop.plan.floors.pricing import Buyer, Column, grid_of
from fabloop.plan.floors.sequences import Sequences
from fabloop.plan.floors.shifted import begun, go_on
from fabloop.plan.statement.layout import Floats

AIM = 0.005
"""Share by which the finish that is aimed at is beyond the bound."""

RAISE = 0.01
"""Share of the worth of all time that a step would have orders pay beyond it."""

STEP = 0.1
"""Part of the step that would be enough for that, were all plans to stay as they are."""

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


class Prices:
    """Prices for the time on work units up to a finish that is aimed at, raised round by round.

    `bound` is a tick before which nothing is finished. `orders` are what the prices are for, all
    that the finish depends on; the plans that they bought last are in `bought`.
    """

    def __init__(self, orders: Sequence[Windows], low: int, high: int) -> None:
        self.orders = orders
        self.bound, self._high = low, high
        self.grid = grid_of(orders, high - 1)
        self.bought: list[deque[Column]] = [deque(maxlen=KEPT) for _ in orders]
        self._prices = np.zeros_like(self.grid.free)
        self._asked = np.zeros_like(self.grid.free)
        self._aim_higher()

    def _aim_higher(self) -> None:
        """Aim at a finish beyond the bound; choices that are too late for it are left out."""
        while self.bound < self._high:
            self.aim = min(self._high - 1, self.bound + max(0, round(self.bound * AIM)))
            tight = [each.tightened(self.aim) for each in self.orders]
            left = [each for each in tight if each is not None]
            if len(left) == len(tight):
                self._buyers = [Buyer(each, self.grid, self.aim) for each in left]
                self._free = self.grid.free_until(self.aim)
                return
            self.bound = self.aim + 1

    @property
    def looks(self) -> int:
        """Candidates that could be looked at while a round takes place."""
        return LOOKS_PER_PAIR * sum(
            each.pairs + sum(len(row) for row in each.picks) for each in self._buyers
        )

    def round(self) -> None:
        """Let all orders buy; adapt the prices to what they asked for, and the bound."""
        sums, paid = self.grid.summed(self._prices), 0.0
        now = np.zeros(self._prices.size)
        for each, bought in zip(self._buyers, self.bought, strict=True):
            price, column = each.buys(sums)
            paid += price
            bought.append(column)
            now[column.taken] += column.ticks
        asked = now.reshape(self._prices.shape)
        if not self._prices.any():
            self._asked = asked
            self._priced(np.maximum(0.0, asked - self._free))
            return
        self._asked = (1 - MEMORY) * self._asked + MEMORY * asked
        worth = float((self._prices * self._free).sum())
        if paid > worth * (1 + 1e-9):
            self.bound = self.aim + 1
            self._aim_higher()
        else:
            self._step(paid / worth - 1)

    def _step(self, over: float) -> None:
        """Raise prices of what is asked for too much, and lower the others."""
        way = self._asked - self._free
        length = float((np.where((self._prices <= 0) & (way < 0), 0.0, way) ** 2).sum())
        if length:
            self._priced(np.maximum(0.0, self._prices + STEP * (RAISE - over) / length * way))

    def _priced(self, prices: Floats) -> None:
        """Take these prices, such that all time is worth one."""
        worth = float((prices * self._free).sum())
        if worth > 0:
            self._prices = prices / worth

    def mixed(self, roll: np.random.Generator) -> list[Column]:
        """Return plans of all orders, of those bought last, such that little is taken twice."""
        chosen = [each[int(roll.integers(len(each)))] for each in self.bought]
        load = -self._free.ravel()
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


class Goal(NamedTuple):
    """What a search by prices starts from, and who hears of what it finds.

    `low` is a bound; `better` hears of each better finish, `raised` of each better bound.
    """

    low: int
    better: Callable[[float], None]
    raised: Callable[[int], None]


def auctioned(search: Search, orders: Sequence[Windows], at: Sequences, goal: Goal) -> None:
    """Search until the bound is met or the effort is spent; the best is kept.

    `orders` are the windows, and `at` the sequences, of all orders in the search.
    """
    prices = Prices(orders, goal.low, round(search.score()[0]))
    number = 0
    while prices.bound < search.score()[0] and search.spent.looks < search.budget:
        known = prices.bound
        prices.round()
        search.spent.looks += prices.looks
        if prices.bound > known:
            goal.raised(prices.bound)
        number += 1
        if number % EACH == 0:
            _place(search, prices, at, goal.better)


def _place(search: Search, prices: Prices, at: Sequences, better: Callable[[float], None]) -> None:
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
    tabu = begun(search, at)
    go_on(search, tabu, prices.bound, LOOKS_PER_MIX)
    if tabu.value < search.score()[0]:
        adopted(search, tabu.best, search.score()[0])
    if search.score() >= best:
        restore(search.orders, kept)
    elif search.score()[0] < best[0]:
        better(search.score()[0])
