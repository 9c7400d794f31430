"""What steps take by when they start: energy at its price then, parts that are there by then."""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from fabloop.base.instant import HOUR
from fabloop.model.ids import SiteId
from fabloop.model.plan import EnergyRate
from fabloop.model.product import Operation
from fabloop.plan.statement.candidates import Candidate
from fabloop.plan.statement.charges import Charges
from fabloop.plan.statement.gaps import Gaps, gaps_of
from fabloop.plan.statement.layout import Bools, Floats, Ints
from fabloop.plan.statement.problem import Job, Problem
from fabloop.plan.statement.roads import TICK, FigureColumns

NOISE = 1e-6
"""Minor units by which rounded money is told too low rather than too high."""


class Slots(msgspec.Struct, frozen=True):
    """Time in `count` slots of so many ticks; slot 0 is tick 0, slot k ends with ``k * ticks``."""

    ticks: int
    count: int

    def ends(self) -> Ints:
        """Return the last tick of each slot."""
        return np.arange(self.count + 1, dtype=np.int64) * self.ticks


class Starts(msgspec.Struct, frozen=True):
    """Ticks at which a step may start, ascending, and what it takes at least from each on.

    Between two of them each figure is no less than at one of both.
    """

    tick: Ints
    takes: FigureColumns


class Hourly:
    """What the steps of a problem take at least, by when they start, up to a tick.

    Set-ups are the least that any sequence leaves. Parts are chosen for what counts first in the
    charges of the problem, stock shared out as it is in all its plans.
    """

    def __init__(self, problem: Problem, slots: Slots) -> None:
        assert problem.charges is not None, "asked only where times matter"
        self._problem = problem
        self._charges: Charges = problem.charges
        self.slots = slots
        ends = slots.ends()
        self._grid = np.union1d(ends, ends[:-1] + 1)
        self._rates: dict[SiteId, _Rates | None] = {}

    def of(self, job: Job, candidate: Candidate, taken: Sequence[tuple[int, int]] = ()) -> Starts:
        """Return what a job takes at a choice, at each start that may matter.

        `taken` is when others take its work unit besides what the problem says.
        """
        tick, gaps = self._ticks(job, candidate), gaps_of(taken, candidate.takes.ticks)
        if gaps is not None:
            last = int(self._grid[-1])
            tick = np.unique(np.concatenate((tick, gaps.after, gaps.until)))
            tick = tick[(tick >= 0) & (tick <= last) & _free(gaps, tick)]
        tick = tick[self._allowed(job, candidate, tick)]
        return Starts(tick, self._takes(job.operation, candidate, tick))

    def least_rates(self, candidate: Candidate, tick: Ints) -> tuple[float, float] | None:
        """Return the least average price and CO2 factor of a step that starts at one of these."""
        rates = self._rates_at(candidate.place.site)
        if rates is None or not len(tick):
            return None
        price, factor = rates.averages(tick, candidate.takes.ticks)
        return float(price.min()), float(factor.min())

    def _ticks(self, job: Job, candidate: Candidate) -> Ints:
        """Return the starts between which nothing bends."""
        ticks, last = candidate.takes.ticks, int(self._grid[-1])
        found = [self._grid]
        rates = self._rates_at(candidate.place.site)
        if rates is not None:
            edges = np.concatenate((rates.at, rates.at - ticks))
            found += [np.floor(edges).astype(np.int64), np.ceil(edges).astype(np.int64)]
        turns = np.array(self._charges.arrivals(job.operation, candidate), dtype=np.int64)
        found += [turns, turns - 1]
        for gaps in self._gaps(job, candidate):
            found += [gaps.after, gaps.until]
        every = np.unique(np.concatenate(found))
        return every[(every >= 0) & (every <= last)]

    def _gaps(self, job: Job, candidate: Candidate) -> Iterator[Gaps]:
        ticks = candidate.takes.ticks
        for spans in (self._shut(job, candidate), *self._absent(job, candidate)):
            gaps = gaps_of(spans, ticks)
            if gaps is not None:
                yield gaps

    def _shut(self, job: Job, candidate: Candidate) -> list[tuple[int, int]]:
        spans = [*self._problem.busy.get(candidate.unit.id, ())]
        if self._problem.duties is not None:
            spans += self._problem.duties.shut(job.operation, candidate)
        return spans

    def _absent(self, job: Job, candidate: Candidate) -> list[list[tuple[int, int]]]:
        """Return when each of several crews is away; of one crew that is shut time."""
        duties = self._problem.duties
        crews = () if duties is None else duties.need(job.operation, candidate).crews
        return [each.absent() for each in crews] if len(crews) > 1 else []

    def _allowed(self, job: Job, candidate: Candidate, tick: Ints) -> Bools:
        ticks = candidate.takes.ticks
        allowed = _free(gaps_of(self._shut(job, candidate), ticks), tick)
        if self._problem.duties is not None:
            allowed &= tick >= self._problem.duties.release(job.operation.id, candidate.place.site)
        absent = self._absent(job, candidate)
        if absent:
            allowed &= np.logical_or.reduce([_free(gaps_of(it, ticks), tick) for it in absent])
        return allowed

    def _takes(self, operation: Operation, candidate: Candidate, tick: Ints) -> FigureColumns:
        takes, ticks = candidate.takes, candidate.takes.ticks
        cost, energy, co2 = (
            np.full(len(tick), float(each)) for each in (takes.cost, takes.energy, takes.co2)
        )
        rates, materials = self._rates_at(candidate.place.site), self._charges.materials
        least = (0, 0.0, 0.0)
        if materials is not None and operation.id in materials.needs:
            least = materials.least(operation.id, candidate.place.site)
        if rates is not None:
            cost, co2 = self._worked(operation, candidate, takes.energy - least[1], tick)
            cost, co2 = cost + least[0], co2 + least[2]
        if materials is not None and operation.id in materials.needs:
            more = self._parts(operation, candidate, tick)
            cost, energy, co2 = cost + more[0], energy + more[1], co2 + more[2]
        return FigureColumns(np.full(len(tick), float(ticks)), cost, energy, co2)

    def _worked(
        self, operation: Operation, candidate: Candidate, energy: float, tick: Ints
    ) -> tuple[Floats, Floats]:
        """Return money and CO2 of the step without its parts."""
        rates = self._rates_at(candidate.place.site)
        assert rates is not None, "asked only where rates change"
        price, factor = rates.averages(tick, candidate.takes.ticks)
        tariff, _ = self._charges.sites[candidate.place.site]
        labour = tariff.labour_cost_per_hour_minor if operation.person_skill is not None else 0
        hours = (candidate.takes.ticks * TICK + candidate.apart_ns) / HOUR
        money = (candidate.unit.cost_per_hour_minor + labour) * hours + price * energy
        own = operation.cost_minor * operation.pieces(self._charges.quantity)
        return own + np.rint(money - NOISE), energy * factor

    def _parts(
        self, operation: Operation, candidate: Candidate, tick: Ints
    ) -> tuple[Floats, Floats, Floats]:
        """Return what parts take beyond their least, by when the step starts."""
        materials, site = self._charges.materials, candidate.place.site
        assert materials is not None, "asked only where there are parts"
        turns = np.unique([0, *self._charges.arrivals(operation, candidate)])
        least, first = materials.least(operation.id, site), self._charges.first
        rows = []
        for turn in turns.tolist():
            parts = materials.taken(operation.id, site, self._charges.instant(turn), first)
            cost, energy, co2 = (
                sum(each) for each in zip(*(it.takes for it in parts), strict=True)
            )
            rows.append((cost - least[0], energy - least[1], co2 - least[2]))
        columns = np.array(rows, dtype=np.float64)
        columns = columns[np.searchsorted(turns, tick, side="right") - 1]
        return columns[:, 0], columns[:, 1], columns[:, 2]

    def _rates_at(self, site: SiteId) -> "_Rates | None":
        if site not in self._rates:
            bands = self._charges.sites[site][1]
            if bands is None:
                self._rates[site] = None
            else:
                problem, last = self._problem, int(self._grid[-1])
                longest = max(_longest(job) for job in problem.jobs)
                begin, end = (self._charges.instant(each) for each in (0, last + longest + 1))
                self._rates[site] = _Rates(bands.rates(begin, end))
        return self._rates[site]


class _Rates:
    """What energy costs and emits at a site, summed up from tick 0 on; `at` are ticks."""

    def __init__(self, rates: Sequence[EnergyRate]) -> None:
        begin = rates[0].start
        self.at = np.array([0, *(each.end - begin for each in rates)], dtype=np.float64) / TICK
        self._rows = np.array([(each.energy_minor_per_j, each.co2_kg_per_j) for each in rates]).T
        took = np.diff(self.at)
        self._sums = [np.concatenate(([0.0], np.cumsum(took * each))) for each in self._rows]

    def averages(self, tick: Ints, ticks: int) -> tuple[Floats, Floats]:
        """Return the average price and CO2 factor of steps that start then and take so long."""
        if not ticks:
            place = np.searchsorted(self.at, tick, side="right") - 1
            price, factor = self._rows[:, np.minimum(place, self._rows.shape[1] - 1)]
            return price, factor
        price, factor = (
            (np.interp(tick + ticks, self.at, each) - np.interp(tick, self.at, each)) / ticks
            for each in self._sums
        )
        return price, factor


def _free(gaps: Gaps | None, tick: Ints) -> Bools:
    """Tell at which ticks something may start."""
    if gaps is None:
        return np.ones(len(tick), dtype=np.bool_)
    free: Bools = gaps.first(tick) == tick
    return free


def _longest(job: Job) -> int:
    return max((each.takes.ticks for each in job.candidates), default=0)
