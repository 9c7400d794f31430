"""A request in the planner's own units: weighted sums of measures, caps on them, and values."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from fabloop.model.ids import SiteId
from fabloop.plan.statement.layout import Floats
from fabloop.plan.statement.problem import ABSENT, Problem
from fabloop.plan.statement.roads import TICK, Weights
from fabloop.plan.terms.objectives import Measure, WeightedSum
from fabloop.plan.timetable.bargain import surcharge
from fabloop.plan.timetable.schedule import Routing, Timetable


class Blend(msgspec.Struct, frozen=True):
    """Weights of all measures; times count in ticks."""

    cost: float = 0.0
    energy: float = 0.0
    co2: float = 0.0
    changes: float = 0.0
    strays: float = 0.0
    sites: float = 0.0
    opening: float = 0.0
    finish: float = 0.0
    tardy: float = 0.0

    @property
    def is_timed(self) -> bool:
        """Whether start times matter to it."""
        return self.finish > 0.0 or self.tardy > 0.0

    @property
    def counts_sites(self) -> bool:
        """Whether it matters which factories are used at all."""
        return self.sites > 0.0 or self.opening > 0.0

    @property
    def adds(self) -> bool:
        """Whether it holds anything that adds up over steps and movements."""
        return any((self.cost, self.energy, self.co2, self.changes, self.strays))

    @property
    def weights(self) -> Weights:
        """Its part that movements have a share in."""
        return Weights(cost=self.cost, energy=self.energy, co2=self.co2)


class Cap(msgspec.Struct, frozen=True):
    """A blend that may not exceed a limit; `name` says whose wish that is."""

    name: str
    blend: Blend
    limit: float


class Case(msgspec.Struct, frozen=True):
    """A problem with what its measures refer to.

    Attributes
    ----------
    due : tick at which tardiness begins
    changes, strays : per job and candidate, 1.0 where the choice counts as such
    fees : what using a site at all costs (minor units)
    shut : sites that may not be used; only trade-offs look at it
    """

    problem: Problem
    due: int
    changes: tuple[Floats, ...]
    strays: tuple[Floats, ...]
    fees: Mapping[SiteId, float] = {}
    shut: frozenset[SiteId] = frozenset()

    def sites(self) -> tuple[SiteId, ...]:
        """Return the sites that could do anything, in the order of the jobs."""
        places = (each.place.site for job in self.problem.jobs for each in job.candidates)
        return tuple(dict.fromkeys(places))

    def added(self, blend: Blend) -> tuple[Floats, ...]:
        """Return what the blend adds to each candidate beside its figures."""
        return tuple(
            blend.changes * change + blend.strays * stray
            for change, stray in zip(self.changes, self.strays, strict=True)
        )

    def plain(self, blend: Blend) -> Blend:
        """Return the blend without opening fees where there are none."""
        return blend if self.fees else msgspec.structs.replace(blend, opening=0.0)

    def toll(self, blend: Blend, site: SiteId) -> float:
        """Return what the blend takes for using the site at all."""
        return blend.sites + blend.opening * self.fees.get(site, 0.0)


class Sums(msgspec.Struct, frozen=True):
    """A plan's figures, in the planner's units."""

    cost: int
    energy: float
    co2: float
    changes: int
    strays: int
    sites: int
    opening: float
    finish: int

    def of(self, blend: Blend, due: int) -> float:
        """Return the value of the blend."""
        return (
            blend.cost * self.cost
            + blend.energy * self.energy
            + blend.co2 * self.co2
            + blend.changes * self.changes
            + blend.strays * self.strays
            + blend.sites * self.sites
            + blend.opening * self.opening
            + blend.finish * self.finish
            + blend.tardy * max(0, self.finish - due)
        )


def case_of(
    problem: Problem,
    due: int = 0,
    changes: Sequence[Floats] = (),
    strays: Sequence[Floats] = (),
    fees: Mapping[SiteId, float] | None = None,
) -> Case:
    """Return the case; rows that are left out hold zeros."""
    none = tuple(np.zeros(len(job.candidates)) for job in problem.jobs)
    return Case(problem, due, tuple(changes) or none, tuple(strays) or none, fees or {})


def sums_of(case: Case, routing: Routing, finish: int = 0) -> Sums:
    """Return the figures of choices and legs; `finish` is when the product is made."""
    jobs = case.problem.jobs
    made = [
        job.candidates[pick]
        for job, pick in zip(jobs, routing.choice, strict=True)
        if pick != ABSENT
    ]
    takes = [each.takes for each in made]
    takes += [leg.hop.takes for job in routing.legs for legs in job for leg in legs]
    sites = {each.place.site for each in made}
    return Sums(
        cost=sum(each.cost for each in takes),
        energy=sum(each.energy for each in takes),
        co2=sum(each.co2 for each in takes),
        changes=_count(case.changes, routing.choice),
        strays=_count(case.strays, routing.choice),
        sites=len(sites),
        opening=sum(case.fees.get(each, 0.0) for each in sites),
        finish=finish,
    )


def _count(rows: Sequence[Floats], choice: Sequence[int]) -> int:
    picked = ((row, pick) for row, pick in zip(rows, choice, strict=True) if pick != ABSENT)
    return round(sum(float(row[pick]) for row, pick in picked))


def table_sums(case: Case, table: Timetable) -> Sums:
    """Return the figures of a timetable, with what its times make of them."""
    sums = sums_of(case, routing_from(table), table.finish(case.problem))
    cost, co2, energy = surcharge(case.problem, table)
    return msgspec.structs.replace(
        sums, cost=sums.cost + cost, co2=sums.co2 + co2, energy=sums.energy + energy
    )


def routing_from(table: Timetable) -> Routing:
    """Return the choices and legs of a timetable."""
    legs = tuple(tuple(each.legs for each in job) for job in table.transfers)
    return Routing(table.choice, Weights(), legs)


def blend_of(total: WeightedSum) -> Blend:
    """Return the sum in the planner's units; opening fees are part of what a plan costs."""
    found: dict[str, float] = {}
    for measure, weight in total.terms:
        for field, factor in _FIELDS[measure]:
            found[field] = found.get(field, 0.0) + weight * factor
    return Blend(**found)


_FIELDS: dict[Measure, tuple[tuple[str, float], ...]] = {
    Measure.COST: (("cost", 1.0), ("opening", 1.0)),
    Measure.MAKESPAN: (("finish", float(TICK)),),
    Measure.TARDINESS: (("tardy", float(TICK)),),
    Measure.ENERGY: (("energy", 1.0),),
    Measure.CO2: (("co2", 1.0),),
    Measure.SITES: (("sites", 1.0),),
    Measure.CHANGES: (("changes", 1.0),),
    Measure.OPENING: (("opening", 1.0),),
    Measure.STRAYS: (("strays", 1.0),),
}
