"""Lower bounds on when everything can be made: the load of each work unit within time windows.

For a finish to be tested, each choice of a job has a window, from its head to the finish less its
tail. A linear program spreads jobs over their choices as fractions, so that no work unit has more
to do within any span of time than the span is long (less what it is engaged for). If even fractions
do not fit, nothing finishes by then. The spans are found by need, the most violated first.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from ortools.linear_solver import pywraplp  # type: ignore[import-untyped]  # no stubs

from fabloop.plan.floors.floor import Work
from fabloop.plan.statement.layout import Bools, Floats
from fabloop.plan.tree import heads, tails

ROUNDS_MAX = 40
"""Rounds of adding spans; a test that is not over by then says nothing against the finish."""

SPREAD_MAX = 40
"""Jobs with more choices than this are left out: they hardly load any work unit for certain."""

TIGHTENINGS_MAX = 6
"""How often windows are made narrower by what narrower windows bar."""

SHARES_MAX = 2_000_000
"""Shares solved for in all rounds of one bound; beyond it the bound is what it is by then."""

SHARES_PER_SECOND = 150_000
"""Shares solved for in about one second of a core."""

TOLERANCE = 1e-6


class Windows(msgspec.Struct, frozen=True, eq=False):
    """An order's jobs with what bounds each choice: heads and tails in ticks, inf where barred."""

    work: Work
    heads: Sequence[Floats]
    tails: Sequence[Floats]

    def alive(self, finish: int) -> dict[int, Bools]:
        """Return, per job, the choices that some plan finishing by then may make."""
        return {
            job: np.asarray(self.heads[job] + self.tails[job] <= finish)
            for job in range(self.work.size)
        }

    def tightened(self, finish: int) -> "Windows | None":
        """Return the windows once choices that finish later are barred; None if nothing is left.

        Barring some makes heads and tails of others larger, so that it is repeated.
        """
        windows, left = self, -1
        for _ in range(TIGHTENINGS_MAX):
            masks = windows.alive(finish)
            if not all(mask.any() for mask in masks.values()):
                return None
            count = sum(int(mask.sum()) for mask in masks.values())
            if count == left:
                break
            left, windows = count, windows_of(self.work, masks)
        return windows


class _Part(NamedTuple):
    """A choice that may be made in part: its window, its ticks and its share."""

    opens: float
    closes: float
    ticks: int
    share: pywraplp.Variable


def windows_of(work: Work, masks: dict[int, Bools] | None = None) -> Windows:
    """Return the windows of an order, with some of the choices barred."""
    if masks is None:
        return Windows(work, work.heads, work.tails)
    return Windows(work, heads(work.tables, masks)[0], tails(work.tables, masks))


class Allowance:
    """What all programs of one bound may take together, in shares solved for."""

    def __init__(self, shares: int = SHARES_MAX) -> None:
        self.left = shares


class _Program:
    """The linear program for one finish."""

    def __init__(self, orders: Sequence[Windows], finish: int) -> None:
        self.solver = pywraplp.Solver.CreateSolver("GLOP")
        self.over = self.solver.NumVar(0.0, self.solver.infinity(), "")
        self.solver.Minimize(self.over)
        self.parts: dict[str, list[_Part]] = defaultdict(list)
        self.busy: dict[str, tuple[tuple[int, int], ...]] = {}
        self.impossible = False
        for each in orders:
            windows = each.tightened(finish)
            if windows is None:
                self.impossible = True
                break
            self.busy.update(windows.work.problem.busy)
            for job in range(windows.work.size):
                self._add(windows, job, finish)
        self.known: set[tuple[str, float, float]] = set()

    def _add(self, windows: Windows, job: int, finish: int) -> None:
        work = windows.work
        through = windows.heads[job] + windows.tails[job]
        picks = np.flatnonzero(through <= finish).tolist()
        if len(picks) > SPREAD_MAX:
            return
        whole = self.solver.Constraint(1.0, 1.0)
        for pick in picks:
            share = self.solver.NumVar(0.0, 1.0, "")
            whole.SetCoefficient(share, 1.0)
            ticks = work.ticks[job][pick]
            opens = float(windows.heads[job][pick]) - ticks
            closes = finish - float(windows.tails[job][pick])
            place = work.places[job][pick]
            self.parts[place.unit or place.area].append(_Part(opens, closes, ticks, share))

    def fits(self, allowance: Allowance) -> bool:
        """Tell whether fractions fit, as far as a limited number of rounds shows."""
        if self.impossible:
            return False
        shares = sum(len(parts) for parts in self.parts.values())
        for _ in range(ROUNDS_MAX):
            if allowance.left < shares:
                return True
            allowance.left -= shares
            if self.solver.Solve() != pywraplp.Solver.OPTIMAL:
                return True
            if self.over.solution_value() > TOLERANCE:
                return False
            found = [self._tightest(unit) for unit in self.parts]
            new = [each for each in found if each is not None and each not in self.known]
            if not new:
                return True
            for each in new:
                self._limit(each)
        return True

    def _tightest(self, unit: str) -> tuple[str, float, float] | None:
        """Return the most overloaded span of a work unit."""
        parts = [
            (each.opens, each.closes, each.ticks * each.share.solution_value())
            for each in self.parts[unit]
        ]
        parts = sorted((part for part in parts if part[2] > TOLERANCE), key=lambda part: part[1])
        worst, span = TOLERANCE * 10, None
        for opens in {part[0] for part in parts}:
            load = 0.0
            for begin, closes, ticks in parts:
                if begin < opens:
                    continue
                load += ticks
                if load - self._room(unit, opens, closes) > worst:
                    worst = load - self._room(unit, opens, closes)
                    span = unit, opens, closes
        return span

    def _room(self, unit: str, opens: float, closes: float) -> float:
        """Return how long the work unit is free within a span."""
        taken = (min(closes, e) - max(opens, s) for s, e in self.busy.get(unit, ()))
        return closes - opens - sum(each for each in taken if each > 0)

    def _limit(self, span: tuple[str, float, float]) -> None:
        self.known.add(span)
        unit, opens, closes = span
        row = self.solver.Constraint(-self.solver.infinity(), self._room(unit, opens, closes))
        row.SetCoefficient(self.over, -1.0)
        for part in self.parts[unit]:
            if part.opens >= opens and part.closes <= closes:
                row.SetCoefficient(part.share, float(part.ticks))


def fits(orders: Sequence[Windows], finish: int, allowance: Allowance | None = None) -> bool:
    """Tell whether the loads leave it open that all orders are made by this tick.

    Where the allowance is used up they do.
    """
    allowance = allowance or Allowance()
    return allowance.left <= 0 or _Program(orders, finish).fits(allowance)


def load_bound(
    orders: Sequence[Windows], low: int, high: int, allowance: Allowance | None = None
) -> int:
    """Return a tick, `low` to `high`, before which nothing is finished; `low` is one already."""
    allowance = allowance or Allowance()
    if low >= high or fits(orders, low, allowance):
        return low
    if not fits(orders, high - 1, allowance):
        return high
    low, high = low + 1, high - 1
    while low < high:
        middle = (low + high) // 2
        if fits(orders, middle, allowance):
            high = middle
        else:
            low = middle + 1
    return low
