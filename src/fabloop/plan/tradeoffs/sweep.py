"""Look for plans that no other one beats: trade-offs under many weights, corner by corner."""

from collections.abc import Iterator, Sequence

import numpy as np

from fabloop.plan.engine import TREE, Timed, cheapest, fastest, is_additive, listed, timed
from fabloop.plan.statement.problem import Objective
from fabloop.plan.statement.ways import WayBook
from fabloop.plan.terms.blend import Blend, Cap, Case, Sums, table_sums
from fabloop.plan.timetable.bargain import kept_charged
from fabloop.plan.timetable.schedule import Routing, Timetable
from fabloop.plan.tradeoffs.archive import Archive, Entry, Figures4, gap_of, key_of, lattice
from fabloop.plan.tradeoffs.contended import Known, contended
from fabloop.plan.tradeoffs.gates import Standing
from fabloop.plan.tradeoffs.tradeoff import Tradeoff, tradeoff

EFFORT = 4.0
"""How long to look for points, in about CPU seconds on work of ordinary size."""

PLACINGS_PER_EFFORT = 6_000
"""Operations placed in time by one unit of effort; a trade-off counts as four schedules."""

CORNERS_MAX = 24
"""Corners of one trade-off that are made timetables."""

PARTS = (2, 3, 5, 7, 9)
"""Parts of the weights, from coarse to fine, as long as the effort lasts."""


POLISH_SHARE = 0.15
"""Part of the effort that CP-SAT may spend on points that are not proven."""

POLISH_EFFORT = 0.25
"""Deterministic seconds for one point."""


class Sweep:
    """One search for a front; `archive` holds what no other timetable beats so far."""

    def __init__(self, case: Case, caps: Sequence[Cap], effort: float) -> None:
        self.case = case
        self.caps = tuple(caps)
        self.archive = Archive()
        self.known: list[Tradeoff] = []
        self.fastest: Timed | None = None
        self._book = WayBook(case.problem.roads)
        self.proven: set[Figures4] = set()
        self._effort = effort
        self._left = int(effort * PLACINGS_PER_EFFORT)
        self._tried: set[tuple[tuple[int, ...], tuple[object, ...]]] = set()

    def begin_with(self, tables: Sequence[Timetable]) -> None:
        """Take timetables that are known already."""
        for table in tables:
            self._offer(table)

    def rounds(self) -> Iterator[None]:
        """Look further, and give way whenever the archive may have changed."""
        problem = self.case.problem
        for objective in Objective:
            if is_additive(objective):
                routing = cheapest(problem, objective)
                assert routing is not None, "asked only where a plan exists"
                self._try(routing, better=True)
                yield
        scales = self._scales()
        for parts in PARTS:
            for blend in lattice(scales, parts):
                if self._left <= 0:
                    return
                self._corners(blend)
                yield
            if self.fastest is None:
                self._hurry()
                yield

    def _hurry(self) -> None:
        """See to it that the fastest plan is there; CP-SAT only where a wait may be avoided."""
        problem = self.case.problem
        tables = [each.table for each in self.archive]
        bound = max(int(each.front.time[0]) for each in self.known)
        for table in tables:
            if table.finish(problem) == bound:
                self.fastest = Timed(table, bound, TREE)
                return
        self.fastest = fastest(problem)
        assert self.fastest is not None, "asked only where a plan exists"
        self._offer(self.fastest.table)

    def polish(self, entries: Sequence[Entry]) -> Iterator[None]:
        """Prove that nothing beats these timetables, or find what does, with CP-SAT."""
        left = POLISH_SHARE * self._effort
        cost, finish, energy, co2 = self._scales()
        goal = Blend(
            cost=1.0 / cost,
            opening=1.0 / cost if self.case.fees else 0.0,
            finish=1.0 / finish,
            energy=1.0 / energy,
            co2=1.0 / co2,
        )
        for entry in entries:
            if left <= 0.0:
                return
            if entry.key not in self.archive or gap_of(entry.sums, self.known) == 0.0:
                continue
            left -= POLISH_EFFORT
            self._polish(entry, goal)
            yield

    def _polish(self, entry: Entry, goal: Blend) -> None:
        """Minimise a sum of all figures among the plans that are nowhere worse than this one."""
        case, sums = self.case, entry.sums
        caps = [
            Cap("cost", case.plain(Blend(cost=1.0, opening=1.0)), sums.cost + sums.opening),
            Cap("finish", Blend(finish=1.0), sums.finish),
            Cap("energy", Blend(energy=1.0), sums.energy),
            Cap("co2", Blend(co2=1.0), sums.co2),
            *self.caps,
        ]
        value = sums.of(goal, case.due)
        found = contended(case, goal, caps, Known(entry.table, value, 0.0), POLISH_EFFORT)
        assert found.table is not None, "a plan was known"
        self._offer(found.table)
        if found.standing is Standing.OPTIMAL:
            self.proven.add(key_of(table_sums(case, found.table)))

    def _scales(self) -> Figures4:
        """Return a typical figure of each kind: the mean over the plans so far."""
        keys = [each.key for each in self.archive]
        means = [sum(key[axis] for key in keys) / max(1, len(keys)) for axis in range(4)]
        cost, finish, energy, co2 = (each if each > 0.0 else 1.0 for each in means)
        return cost, finish, energy, co2

    def _corners(self, blend: Blend) -> None:
        found = tradeoff(self.case, blend, self._book)
        self.known.append(found)
        self._left -= 4 * len(self.case.problem.jobs)
        times = found.front.time
        picks = np.unique(np.linspace(0, len(times) - 1, CORNERS_MAX).round().astype(np.int64))
        for pick in picks[::-1]:
            if self._left <= 0:
                return
            self._try(found.routing(int(times[pick])))

    def _try(self, routing: Routing, *, better: bool = False) -> None:
        """Make choices and legs a timetable; `better` takes more time for its times."""
        legs = tuple(leg.hop for job in routing.legs for way in job for leg in way)
        if (routing.choice, legs) in self._tried:
            return
        self._tried.add((routing.choice, legs))
        self._left -= len(self.case.problem.jobs)
        problem = self.case.problem
        self._offer(timed(problem, routing).table if better else listed(problem, routing).table)

    def _offer(self, table: Timetable) -> None:
        table = kept_charged(self.case.problem, table)
        sums = table_sums(self.case, table)
        if all(_holds(cap, sums) for cap in self.caps):
            self.archive.offer(sums, table)


def _holds(cap: Cap, sums: Sums) -> bool:
    return sums.of(cap.blend, 0) <= cap.limit * (1.0 + 1e-9)
