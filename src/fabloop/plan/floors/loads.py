"""Lower bounds on when everything can be made: the load of each work unit within time windows.

For a finish to be tested, each choice of a job has a window, from its head to the finish less its
tail. A linear program spreads jobs over their choices as fractions, so that no work unit has more
to do within any span of time than the span is long (less what it is engaged for). What leaves for
a site is carried on there: a job's shares are those of its taker's, site by site. If even fractions
do not fit, nothing finishes by then. The spans are found by need, the most violated first.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from ortools.linear_solver import pywraplp  # type: ignore[import-untyped]  # no stubs

from fabloop.plan.floors.floor import Work
from fabloop.plan.statement.layout import Bools, Floats, message
from fabloop.plan.tree import heads, tails

ROUNDS_MAX = 40
"""Rounds of adding spans; a test that is not over by then says nothing against the finish."""

SPREAD_MAX = 40
"""Jobs with more choices than this are left out: they hardly load any work unit for certain."""

TIGHTENINGS_MAX = 6
"""How often windows are made narrower by what narrower windows bar."""

SHARES_MAX = 6_000_000
"""What all rounds of one bound take, in shares solved for; beyond it the bound is what it is."""

SHARES_PER_SECOND = 75_000
"""Shares solved for in about one second of a core."""

CELLS_PER_SHARE = 130
"""Rows times simplex iterations that take as long as one share."""

SPANS_MAX = 3
"""Spans of one work unit that are added in a round, the most violated ones."""

TEST_PART = 3
"""One part of so many of what is left is what one test may take: most say no much sooner."""

STEP = 0.01
"""Share of the bound by which the first step goes up; steps double while they are ruled out."""

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

    def ways(self, finish: int) -> int:
        """Return how many pairs of choices follow each other in some plan finishing by then."""
        count = [int(mask.sum()) for mask in self.alive(finish).values()]
        taker = self.work.taker
        return sum(count[job] * count[taker[job]] for job in range(self.work.size - 1))

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
    """A choice that may be made in part: its window, its ticks and its share.

    The window closes `tail` ticks before the finish that is tested.
    """

    opens: float
    tail: float
    ticks: int
    share: pywraplp.Variable


class _Span(NamedTuple):
    """A span of a work unit's time, from a tick to so many before the finish that is tested."""

    unit: str
    opens: float
    tail: float


def windows_of(work: Work, masks: dict[int, Bools] | None = None) -> Windows:
    """Return the windows of an order, with some of the choices barred."""
    if masks is None:
        return Windows(work, work.heads, work.tails)
    return Windows(work, heads(work.tables, masks)[0], tails(work.tables, masks))


class Allowance:
    """What all programs of one bound may take together, in shares solved for."""

    def __init__(self, shares: int = SHARES_MAX) -> None:
        self.left = shares

    def takes(self, solver: pywraplp.Solver) -> None:
        """Count what the last round of a program took."""
        self.left -= solver.NumConstraints() * solver.iterations() // CELLS_PER_SHARE


class _Program:
    """The linear program for one finish.

    `spans` are those that limited other finishes; `follows` tells whether shares are those of
    their takers.
    """

    def __init__(
        self, orders: Sequence[Windows], finish: int, spans: Iterable[_Span], *, follows: bool
    ) -> None:
        self.finish = finish
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
            self._add(windows, finish, follows=follows)
        self.rows: dict[_Span, pywraplp.Constraint] = {}
        for span in spans:
            self._limit(span)

    def _add(self, windows: Windows, finish: int, *, follows: bool) -> None:
        """Add the shares of an order's choices."""
        work = windows.work
        alive = windows.alive(finish)
        few = [int(alive[job].sum()) <= SPREAD_MAX for job in range(work.size)]
        arrivals: list[dict[int, list[pywraplp.Constraint]]] = [{} for _ in few]
        for job in range(work.size):
            if not few[job]:
                continue
            taker = work.taker[job]
            whole = self.solver.Constraint(1.0, 1.0)
            if follows and taker >= 0 and few[taker]:
                ways = _by_site(windows, alive[taker], job)
            else:
                ways = {-1: windows.tails[job]}
            for site, tail in ways.items():
                rows = [whole]
                if site >= 0:
                    rows.append(self.solver.Constraint(0.0, 0.0))
                    arrivals[taker].setdefault(site, []).append(rows[-1])
                for pick in np.flatnonzero(windows.heads[job] + tail <= finish).tolist():
                    share = self._share(windows, (job, pick), float(tail[pick]))
                    for row in rows:
                        row.SetCoefficient(share, 1.0)
                    for row in arrivals[job].get(int(work.site[job][pick]), ()):
                        row.SetCoefficient(share, -1.0)

    def _share(self, windows: Windows, choice: tuple[int, int], tail: float) -> pywraplp.Variable:
        """Return the share of a job that is carried out so, with that tail."""
        work, (job, pick) = windows.work, choice
        share = self.solver.NumVar(0.0, 1.0, "")
        ticks = work.ticks[job][pick]
        opens = float(windows.heads[job][pick]) - ticks
        place = work.places[job][pick]
        self.parts[place.unit or place.area].append(_Part(opens, tail, ticks, share))
        return share

    def fits(self, allowance: Allowance) -> bool:
        """Tell whether fractions fit, as far as a limited number of rounds shows."""
        if self.impossible:
            return False
        shares = sum(len(parts) for parts in self.parts.values())
        for _ in range(ROUNDS_MAX):
            if allowance.left < shares:
                return True
            allowance.left -= shares
            status = self.solver.Solve()
            allowance.takes(self.solver)
            if status != pywraplp.Solver.OPTIMAL:
                return True
            if self.over.solution_value() > TOLERANCE:
                return False
            found = [span for unit in self.parts for span in self._tightest(unit)]
            new = [each for each in found if each not in self.rows]
            if not new:
                return True
            for each in new:
                self._limit(each)
        return True

    def _tightest(self, unit: str) -> list[_Span]:
        """Return the most overloaded spans of a work unit, each from another tick."""
        parts = [
            (each.opens, each.tail, each.ticks * each.share.solution_value())
            for each in self.parts[unit]
        ]
        parts = sorted((part for part in parts if part[2] > TOLERANCE), key=lambda part: -part[1])
        found = []
        for opens in {part[0] for part in parts}:
            load, worst, until = 0.0, TOLERANCE * 10, -1.0
            for begin, tail, ticks in parts:
                if begin < opens:
                    continue
                load += ticks
                over = load - self._room(unit, opens, tail)
                if over > worst:
                    worst, until = over, tail
            if until >= 0:
                found.append((worst, _Span(unit, opens, until)))
        return [span for _, span in sorted(found, reverse=True)[:SPANS_MAX]]

    def _room(self, unit: str, opens: float, tail: float) -> float:
        """Return how long the work unit is free within a span."""
        closes = self.finish - tail
        taken = (min(closes, e) - max(opens, s) for s, e in self.busy.get(unit, ()))
        return closes - opens - sum(each for each in taken if each > 0)

    def _limit(self, span: _Span) -> None:
        unit, opens, tail = span
        row = self.solver.Constraint(-self.solver.infinity(), max(0.0, self._room(*span)))
        self.rows[span] = row
        row.SetCoefficient(self.over, -1.0)
        for part in self.parts[unit]:
            if part.opens >= opens and part.tail >= tail:
                row.SetCoefficient(part.share, float(part.ticks))


def _by_site(windows: Windows, alive: Bools, job: int) -> dict[int, Floats]:
    """Return the tails of a job, by the site where its taker is; `alive` are choices of that."""
    work = windows.work
    tables, taker = work.tables, work.taker[job]
    through = windows.tails[taker] + tables.nodes[taker]
    found = {}
    for site in np.unique(work.site[taker][alive]).tolist():
        there = np.where(alive & (work.site[taker] == site), through, np.inf)
        found[site] = message(there, tables.spots[taker], tables.spots[job], work.back)
    return found


def fits(orders: Sequence[Windows], finish: int, allowance: Allowance | None = None) -> bool:
    """Tell whether the loads leave it open that all orders are made by this tick.

    Where the allowance is used up they do.
    """
    allowance = allowance or Allowance()
    return allowance.left <= 0 or _Program(orders, finish, (), follows=False).fits(allowance)


def load_bound(
    orders: Sequence[Windows],
    low: int,
    high: int,
    allowance: Allowance | None = None,
    *,
    rough: bool = False,
) -> int:
    """Return a tick, `low` to `high`, before which nothing is finished; `low` is one already.

    Where several orders share a floor the bound goes on with shares that follow their takers. A
    `rough` bound is one step below the best: what is left takes most of the time.
    """
    allowance, spans = allowance or Allowance(), dict[_Span, None]()
    for follows in (False, True)[: len(orders)]:
        low = _Rise(orders, allowance, spans, follows, rough).bound(low, high)
    return low


class _Rise(NamedTuple):
    """How a bound is raised: within an allowance, by spans that are known and more by need."""

    orders: Sequence[Windows]
    allowance: Allowance
    spans: dict[_Span, None]
    follows: bool
    rough: bool

    def bound(self, low: int, high: int) -> int:
        """Return the tick; up in growing steps, since what is ruled out is so much sooner."""
        if low >= high or self._fits(low):
            return low
        first = step = max(1, round(low * STEP))
        while low + 1 < high:
            tick = min(low + step, high - 1)
            if self._fits(tick):
                if self.rough and tick - low <= first:
                    break
                high, step = tick, max(1, (tick - low) // 2)
            else:
                low, step = tick, max(1, min(2 * step, (high - tick) // 2))
        return low + 1

    def _fits(self, finish: int) -> bool:
        if self.allowance.left <= 0:
            return True
        program = _Program(self.orders, finish, self.spans, follows=self.follows)
        most = -(-self.allowance.left // TEST_PART)
        mine = Allowance(most)
        found = program.fits(mine)
        self.allowance.left -= most - mine.left
        self.spans.update(dict.fromkeys(program.rows))
        return found
