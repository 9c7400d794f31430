"""A planning problem as data: who can do each operation, what that takes, what moves where."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import HOUR, Instant
from fabloop.model.explanation import Explanation, ReasonCode
from fabloop.model.ids import OperationId, PersonId, SkillId, WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.site import Network, Site, WorkUnit
from fabloop.model.skill import Requirement, SkillVocabulary
from fabloop.plan.roads import TICK, Figures, Place, Roads, Weights, roads_of, ticks_of
from fabloop.services.matching import KpiValues, Match, match_person, match_unit, offers_skill


class Objective(StrEnum):
    """What a plan is best at."""

    COST = "cost"
    MAKESPAN = "makespan"
    ENERGY = "energy"
    CO2 = "co2"


MEASURE = {
    Objective.COST: Weights(cost=1.0),
    Objective.MAKESPAN: Weights(ticks=1.0),
    Objective.ENERGY: Weights(energy=1.0),
    Objective.CO2: Weights(co2=1.0),
}


class Candidate(msgspec.Struct, frozen=True):
    """A work unit that may do the operation, what that takes, and the KPI values it rests on."""

    unit: WorkUnit
    place: Place
    takes: Figures
    kpis: tuple[KpiValue, ...]


class Rejected(msgspec.Struct, frozen=True):
    """A work unit that has the skill but may not do the operation, and all reasons why."""

    unit: WorkUnit
    place: Place
    takes: Figures
    reasons: tuple[Explanation, ...]

    @property
    def failing(self) -> frozenset[str]:
        """Names of the constraints that are not met (``person`` and ``availability`` too)."""
        return frozenset(each.details["parameter"] for each in self.reasons)


class Source(msgspec.Struct, frozen=True):
    """Where an input comes from: another open job, or a place where it is ready at a tick.

    `legs_done` counts the legs that the work piece has behind it already.
    """

    made_by: OperationId
    job: int | None = None
    place: Place | None = None
    ready: int = 0
    legs_done: int = 0


class Job(msgspec.Struct, frozen=True):
    """An operation still to be planned."""

    operation: Operation
    sources: tuple[Source, ...]
    candidates: tuple[Candidate, ...]
    rejected: tuple[Rejected, ...]

    def feeding(self) -> Iterator[int]:
        """Yield the open jobs whose output this one takes."""
        return (source.job for source in self.sources if source.job is not None)


class Supply(msgspec.Struct, frozen=True):
    """Where the output of an operation that is done (or running) is for its taker, and when."""

    place: Place
    ready_at: Instant
    legs_done: int = 0


Busy = Mapping[WorkUnitId, tuple[tuple[Instant, Instant], ...]]


class Past(msgspec.Struct, frozen=True):
    """What is settled: operations begun, and where their outputs lie for those not begun."""

    begun: frozenset[OperationId] = frozenset()
    supplies: dict[OperationId, Supply] = {}


class Setting(msgspec.Struct, frozen=True):
    """Everything around the product: sites, vocabulary, live condition, instant, engagements.

    Attributes
    ----------
    now : when the live condition is asked
    origin : tick 0, not before `now`; no open operation starts before it
    busy : when work units are taken by something else
    unavailable : work units that may not be chosen, a broken one for instance
    """

    network: Network
    vocabulary: SkillVocabulary
    kpis: KpiValues
    now: Instant
    origin: Instant
    busy: Busy = {}
    unavailable: frozenset[WorkUnitId] = frozenset()


class Problem(msgspec.Struct, frozen=True):
    """The open jobs, inputs before takers (the last one makes the product), and the roads."""

    jobs: tuple[Job, ...]
    roads: Roads
    origin: Instant
    busy: dict[str, tuple[tuple[int, int], ...]]


def problem_of(product: ConfiguredProduct, setting: Setting, past: Past | None = None) -> Problem:
    """State the problem of making `product`, or what is left of it after `past`.

    Raises
    ------
    Invalid
        The operations are no in-tree.
    """
    past = past or Past()
    order = [each for each in in_tree_order(product) if each.id not in past.begun]
    number = {operation.id: index for index, operation in enumerate(order)}
    roads = roads_of(setting.network)
    judge = _Judge(setting)
    jobs = []
    for operation in order:
        candidates, rejected = judge.judge(operation)
        sources = tuple(_source(each, number, past, setting.origin) for each in operation.inputs)
        jobs.append(Job(operation, sources, candidates, rejected))
    busy = {
        str(unit): tuple(_engagement(start, end, setting.origin) for start, end in spans)
        for unit, spans in setting.busy.items()
    }
    return Problem(tuple(jobs), roads, setting.origin, busy)


def _tick(instant: Instant, origin: Instant) -> int:
    """Return the first tick at or after the instant, never a negative one."""
    return max(0, -(-(instant - origin) // TICK))


def _engagement(start: Instant, end: Instant, origin: Instant) -> tuple[int, int]:
    """Return the whole ticks that the span touches."""
    return max(0, (start - origin) // TICK), _tick(end, origin)


def _source(
    made_by: OperationId, number: dict[OperationId, int], past: Past, origin: Instant
) -> Source:
    if made_by in number:
        return Source(made_by, job=number[made_by])
    supply = past.supplies[made_by]
    return Source(
        made_by,
        place=supply.place,
        ready=_tick(supply.ready_at, origin),
        legs_done=supply.legs_done,
    )


def in_tree_order(product: ConfiguredProduct) -> list[Operation]:
    """Return the operations with inputs before takers, siblings in the product's order.

    Raises
    ------
    Invalid
        An input is unknown or taken twice, or not exactly one operation is final.
    """
    by_id = {operation.id: operation for operation in product.operations}
    taken = [each for operation in product.operations for each in operation.inputs]
    final = [each for each in product.operations if each.id not in set(taken)]
    faults = [
        Fault(source=product.label, path=str(each), expected=expected, found=found)
        for each, expected, found in _tree_faults(by_id, taken, final)
    ]
    if faults:
        raise Invalid(faults)
    order: list[Operation] = []
    stack = [final[0]]
    while stack:
        order.append(stack.pop())
        stack.extend(by_id[each] for each in order[-1].inputs)
    if len(order) != len(by_id):
        fault = Fault(
            source=product.label,
            path="operations",
            expected="operations that all lead to the final one",
            found=f"{len(by_id) - len(order)} in a circle",
        )
        raise Invalid(fault)
    return order[::-1]


def _tree_faults(
    by_id: dict[OperationId, Operation], taken: list[OperationId], final: list[Operation]
) -> Iterator[tuple[str, str, str]]:
    for each in sorted(set(taken) - set(by_id)):
        yield each, "an operation of the product", "an unknown one"
    for each in sorted(each for each in set(taken) if taken.count(each) > 1):
        yield each, "an output that one operation takes", "one taken more than once"
    if len(final) != 1:
        names = ", ".join(each.id for each in final) or "none"
        yield "operations", "one final operation", names


class _Judge:
    """Matches operations against all work units, each distinct requirement once."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._sites = setting.network.sites
        self._units = [
            (unit, site, Place(site.id, unit.area, unit.id))
            for site in self._sites.values()
            for unit in site.work_units
        ]
        self._able: dict[SkillId, list[tuple[WorkUnit, Site, Place]]] = {}
        self._persons: dict[tuple[str, SkillId], PersonId | Explanation] = {}

    def judge(self, operation: Operation) -> tuple[tuple[Candidate, ...], tuple[Rejected, ...]]:
        """Return who may do the operation, and who has the skill but may not."""
        candidates: list[Candidate] = []
        rejected: list[Rejected] = []
        for unit, site, place in self._with_skill(operation.requirement.skill):
            takes = effort(operation, unit, site)
            kpis, reasons = self._verdict(operation, unit, site)
            if reasons:
                rejected.append(Rejected(unit, place, takes, reasons))
            else:
                candidates.append(Candidate(unit, place, takes, kpis))
        return tuple(candidates), tuple(rejected)

    def _with_skill(self, skill: SkillId) -> list[tuple[WorkUnit, Site, Place]]:
        if skill not in self._able:
            offered = {offer.skill for unit, _, _ in self._units for offer in unit.offers}
            good = {each for each in offered if offers_skill(each, skill, self._setting.vocabulary)}
            self._able[skill] = [
                each for each in self._units if any(offer.skill in good for offer in each[0].offers)
            ]
        return self._able[skill]

    def _verdict(
        self, operation: Operation, unit: WorkUnit, site: Site
    ) -> tuple[tuple[KpiValue, ...], tuple[Explanation, ...]]:
        setting = self._setting
        answer = match_unit(
            operation.requirement, unit, setting.vocabulary, setting.kpis, setting.now
        )
        kpis, reasons = (answer.kpis, ()) if isinstance(answer, Match) else ((), answer.reasons)
        if unit.id in setting.unavailable:
            reasons += (_unavailable(unit, operation.requirement),)
        if operation.person_skill is not None:
            person = self._person(site, operation.person_skill)
            if isinstance(person, Explanation):
                reasons += (person,)
        return kpis, reasons

    def _person(self, site: Site, skill: SkillId) -> PersonId | Explanation:
        key = (site.id, skill)
        if key not in self._persons:
            self._persons[key] = match_person(site, skill, self._setting.vocabulary)
        return self._persons[key]


def _unavailable(unit: WorkUnit, requirement: Requirement) -> Explanation:
    return Explanation(
        code=ReasonCode.UNIT_UNAVAILABLE,
        subject=unit.id,
        details={"skill": requirement.skill, "parameter": "availability"},
    )


def effort(operation: Operation, unit: WorkUnit, site: Site) -> Figures:
    """Return what the operation takes on the work unit.

    Notes
    -----
    duration = operation's duration / speed + set-up, rounded up to a whole second;
    energy = operation's + power x duration;
    cost = operation's + rate x duration + energy price x energy, and labour x duration where
    a person carries it out, rounded once to minor units;
    CO2 = energy x grid factor.
    """
    ticks = ticks_of(operation.duration_ns / unit.speed + unit.setup_ns)
    hours = ticks * TICK / HOUR
    energy = operation.energy_j + unit.power_w * ticks * (TICK / 1e9)
    tariff = site.tariff
    cost = unit.cost_per_hour_minor * hours + tariff.energy_minor_per_j * energy
    if operation.person_skill is not None:
        cost += tariff.labour_cost_per_hour_minor * hours
    return Figures(ticks, operation.cost_minor + round(cost), energy, energy * tariff.co2_kg_per_j)
