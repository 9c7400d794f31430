"""The best plan where the finish counts: trade-offs for the bound, timetables of their corners.

What a wait for a work unit costs is not in the bound; where the best timetable meets it, it is
proven.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import msgspec
import numpy as np

from fabloop.model.ids import SiteId
from fabloop.plan.engine import listed
from fabloop.plan.statement.layout import Floats, Ints
from fabloop.plan.statement.ways import WayBook
from fabloop.plan.terms.blend import Blend, Cap, Case, table_sums
from fabloop.plan.timetable.bargain import kept_charged
from fabloop.plan.timetable.schedule import Timetable
from fabloop.plan.tradeoffs.constrained import EXACT, holds, joint, latest, mixed
from fabloop.plan.tradeoffs.gates import Standing
from fabloop.plan.tradeoffs.tradeoff import Labels, Tradeoff, tradeoff

CORNERS_MAX = 16
"""Corners of one trade-off that are made timetables."""

PRICES_MAX = 10
"""Prices that are tried on what budgets limit."""

SUBSETS_MAX = 40
"""Subsets of factories that are looked at one by one."""

TRADEOFF = "trade-offs, list schedule"


class Timely(msgspec.Struct, frozen=True):
    """What is known: the best timetable, its value, and a bound on all plans."""

    standing: Standing
    table: Timetable | None
    value: float
    bound: float
    engine: str


def timely(case: Case, goal: Blend, caps: Sequence[Cap]) -> Timely:
    """Return the timetable that minimises the goal within the caps, as far as it is found."""
    search = _Search(goal, caps, WayBook(case.problem.roads))
    bound = min(
        (search.look(view, toll) for view, toll in _views(case, goal, caps)), default=np.inf
    )
    return search.answer(bound)


def _views(case: Case, goal: Blend, caps: Sequence[Cap]) -> Iterator[tuple[Case, float]]:
    """Yield the case once per set of factories that a plan may use, with what opening these takes.

    A plan belongs to the view of exactly its factories; where there are too many sets, all
    plans belong to one view, in which opening takes nothing.
    """
    sites = case.sites()
    if not goal.counts_sites and not any(each.blend.counts_sites for each in caps):
        yield case, 0.0
        return
    found = []
    for size in range(1, len(sites) + 1):
        for kept in combinations(sites, size):
            view = msgspec.structs.replace(case, shut=frozenset(sites) - set(kept))
            if all(_opens(view, cap, kept) for cap in caps):
                found.append((view, sum(case.toll(goal, site) for site in kept)))
            if len(found) > SUBSETS_MAX:
                yield case, 0.0
                yield from found
                return
    yield from found


def _opens(case: Case, cap: Cap, sites: Sequence[SiteId]) -> bool:
    """Tell whether opening these factories alone is within the cap."""
    toll = sum(case.toll(cap.blend, site) for site in sites)
    return toll <= cap.limit * (1.0 + EXACT) + EXACT


class _Search:
    """The best timetable so far under one goal."""

    def __init__(self, goal: Blend, caps: Sequence[Cap], book: WayBook) -> None:
        self.goal = goal
        self.caps = tuple(caps)
        self.book = book
        self.budgets = [each for each in caps if each.blend.adds and not each.blend.is_timed]
        self.table: Timetable | None = None
        self.value = np.inf

    def answer(self, bound: float) -> Timely:
        """Return what is known, given the bound."""
        if self.table is None:
            standing = Standing.IMPOSSIBLE if bound == np.inf else Standing.UNKNOWN
        else:
            met = bound >= self.value - EXACT * abs(self.value)
            standing = Standing.OPTIMAL if met else Standing.FEASIBLE
        return Timely(standing, self.table, self.value, min(bound, self.value), TRADEOFF)

    def look(self, case: Case, toll: float) -> float:
        """Try the corners of a view's trade-offs; return the bound on its plans."""
        last = min((latest(each, case.due) for each in self.caps), default=np.inf)
        if not self.budgets:
            return self._corners(case, self.goal, last) + toll
        use, limit = joint(self.budgets), float(len(self.budgets))
        frugal = tradeoff(case, use, self.book)
        first = _first_within(frugal.front, limit)
        if first is None or first > last:
            return np.inf
        self._try(frugal, [first, int(frugal.front.time[-1])])
        bound = float(self._timed(np.array([first]), case.due)[0]) if not self.goal.adds else 0.0
        return max(bound, self._priced(case, use, limit, last)) + toll

    def _priced(self, case: Case, use: Blend, limit: float, last: float) -> float:
        """Put a price on what budgets limit, up until plans keep to them, then closer."""
        low, high, bound = 0.0, np.inf, -np.inf
        price = 0.0
        for _ in range(PRICES_MAX):
            blend = mixed(self.goal, use, price)
            before = self.value
            least = self._corners(case, blend, last)
            bound = max(bound, least - price * limit)
            if bound >= self.value - EXACT * abs(self.value):
                break
            kept = self.table is not None and self.value < before
            low, high = (low, price) if kept and price > 0.0 else (price, high)
            scale = max(abs(least), 1.0) / limit
            price = (low + high) / 2.0 if np.isfinite(high) else max(4.0 * price, scale / 8.0)
        return bound

    def _corners(self, case: Case, blend: Blend, last: float) -> float:
        """Try the best corners of one trade-off; return the least value of the blend by then."""
        found = tradeoff(case, blend, self.book)
        timely = found.front.time <= last
        times, values = found.front.time[timely], found.front.value[timely]
        if not len(times):
            return np.inf
        merit = values + self._timed(times, case.due)
        order = np.argsort(merit, kind="stable")[:CORNERS_MAX]
        others = times[np.linspace(0, len(times) - 1, CORNERS_MAX // 2).astype(np.int64)]
        self._try(found, [int(each) for each in (*times[order], *others)])
        return float(merit.min())

    def _timed(self, times: Ints, due: int) -> Floats:
        """Return what the goal says about finishing at these ticks."""
        late = np.maximum(0, times - due)
        found: Floats = self.goal.finish * times + self.goal.tardy * late
        return found

    def _try(self, found: Tradeoff, times: Sequence[int]) -> None:
        for time in dict.fromkeys(times):
            problem = found.case.problem
            table = kept_charged(problem, listed(problem, found.routing(time)).table)
            sums = table_sums(found.case, table)
            due = found.case.due
            if (
                all(holds(cap, sums, due) for cap in self.caps)
                and sums.of(self.goal, due) < self.value
            ):
                self.table, self.value = table, sums.of(self.goal, due)


def _first_within(labels: Labels, limit: float) -> int | None:
    """Return the first finish by which the value is within the limit."""
    good = np.flatnonzero(labels.value <= limit * (1.0 + EXACT) + EXACT)
    return int(labels.time[good[0]]) if len(good) else None
