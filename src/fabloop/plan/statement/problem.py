"""A planning problem as data: who can do each operation, what that takes, what moves where."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec

from fabloop.base.instant import HOUR, Instant
from fabloop.model.ids import OperationId, SiteId, WorkUnitId
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.routing import makers
from fabloop.model.site import Network, Site, WorkUnit
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.names import is_beside
from fabloop.plan.statement.candidates import Asked, Candidates, Judge, Rejections
from fabloop.plan.statement.candidates import Candidate as Candidate
from fabloop.plan.statement.candidates import Rejected as Rejected
from fabloop.plan.statement.charges import Charges, charges_of
from fabloop.plan.statement.crews import NEVER
from fabloop.plan.statement.duties import Around, Duties, duties_of
from fabloop.plan.statement.least_setups import least_setups
from fabloop.plan.statement.materials import Claims, Underway, materials_of
from fabloop.plan.statement.opening import AFTER_ALL, CALENDAR_AHEAD, joined
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.roads import TICK, Figures, Place, Roads, Weights, ticks_of
from fabloop.plan.statement.sources import First
from fabloop.plan.statement.steps import in_tree_order
from fabloop.services.matching import Condition, KpiValues


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


FIRST = {Objective.ENERGY: First.ENERGY, Objective.CO2: First.CO2}
"""What counts first in parts, where that is not money."""

ABSENT = -1
"""The choice of a job that is not carried out, because an alternative is."""


class Source(msgspec.Struct, frozen=True):
    """Where an input comes from: another open job, or a place where it is ready at a tick.

    `legs_done` counts the legs that the work piece has behind it already. With alternatives, one
    of `others` may make the input in place of `job`; `made_by` is the operation of `job`.
    """

    made_by: OperationId
    job: int | None = None
    place: Place | None = None
    ready: int = 0
    legs_done: int = 0
    others: tuple[int, ...] = ()

    @property
    def jobs(self) -> tuple[int, ...]:
        """The open jobs of which one makes the input."""
        return () if self.job is None else (self.job, *self.others)


class Job(msgspec.Struct, frozen=True):
    """An operation still to be planned."""

    operation: Operation
    sources: tuple[Source, ...]
    candidates: Sequence[Candidate]
    rejected: Sequence[Rejected]

    def feeding(self) -> Iterator[int]:
        """Yield the open jobs whose output this one may take."""
        return (job for source in self.sources for job in source.jobs)

    def feeds(self) -> tuple[tuple[int, ...], ...]:
        """Return, per input that is not ready, the open jobs of which one makes it."""
        return tuple(source.jobs for source in self.sources if source.job is not None)


class Supply(msgspec.Struct, frozen=True):
    """Where the output of an operation that is done (or running) is for its taker, and when."""

    place: Place
    ready_at: Instant
    legs_done: int = 0


Busy = Mapping[WorkUnitId, tuple[tuple[Instant, Instant], ...]]

NotBefore = Mapping[OperationId, Mapping[SiteId, Instant]]
"""Per operation and site, when it may start at the earliest, because its material is late."""


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
    quantity : pieces of the product
    ordered_at : when bought parts were ordered, `origin` where it is None
    due_at : until when steps may wait for cheaper energy or parts; None is not at all
    claimed : pieces of stock that others take
    not_before : what operations have to wait for besides
    underway : parts that have left for operations that have not begun
    beside : set-up families of the operations that are planned together with these
    plant : the network made ready beforehand, where many questions are asked about it
    ahead : how far calendars are read, nanoseconds
    """

    network: Network
    vocabulary: SkillVocabulary
    kpis: KpiValues
    now: Instant
    origin: Instant
    busy: Busy = {}
    unavailable: frozenset[WorkUnitId] = frozenset()
    quantity: int = 1
    plant: Plant | None = None
    ordered_at: Instant | None = None
    due_at: Instant | None = None
    ahead: int = CALENDAR_AHEAD
    claimed: Claims = {}
    not_before: NotBefore = {}
    underway: Underway = {}
    beside: frozenset[str] = frozenset()

    def planted(self) -> Plant:
        """Return the network made ready: the `plant` at hand if it fits, with these KPI values."""
        plant = self.plant
        if plant is None or not plant.is_of(self.network, self.vocabulary):
            plant = Plant(self.network, self.vocabulary, self.kpis)
        plant.offers.follow(self.kpis)
        plant.ahead = self.ahead
        return plant


class Problem(msgspec.Struct, frozen=True):
    """The open jobs, inputs before takers (the last one makes the product), and the roads.

    `read` is the tick up to which calendars were read; afterwards all that has one is closed.
    """

    jobs: tuple[Job, ...]
    roads: Roads
    origin: Instant
    busy: dict[str, tuple[tuple[int, int], ...]]
    duties: Duties | None = None
    charges: Charges | None = None
    read: int = NEVER
    shares_out: bool = False
    """Whether stock that is too short for all operations keeps some of them from a site."""
    quantity: int = 1

    @property
    def has_timed_lanes(self) -> bool:
        """Whether any lane is left at certain times only: the shortest may then arrive last."""
        return self.duties is not None and bool(self.duties.lanes)

    def waiting(self, *, until_due: bool, lead: Objective = Objective.COST) -> "Problem":
        """Return the problem with how far, and for what, steps may wait for a lower charge.

        `until_due` lets them wait until the product is due, what the plan is made for counting
        first; else the finish stays, and neither money nor CO2 may rise.
        """
        if self.charges is None or self.charges.until is None:
            return self
        until = self.charges.until if until_due else 0
        charges = msgspec.structs.replace(
            self.charges, until=until, first=FIRST.get(lead, First.COST), strict=not until_due
        )
        return msgspec.structs.replace(self, charges=charges)


def problem_of(product: ConfiguredProduct, setting: Setting, past: Past | None = None) -> Problem:
    """State the problem of making `product`, or what is left of it after `past`.

    Raises
    ------
    Invalid
        The operations are no in-tree.
    """
    past = past or Past()
    gone = _gone(product, past)
    order = [each for each in in_tree_order(product) if each.id not in gone]
    number = {operation.id: index for index, operation in enumerate(order)}
    groups = makers(product)
    plant = setting.planted()
    condition = Condition(setting.kpis, setting.now)
    ordered_at = setting.origin if setting.ordered_at is None else setting.ordered_at
    network, quantity = setting.network, setting.quantity
    materials = materials_of(
        product,
        network,
        quantity,
        ordered_at=ordered_at,
        since=setting.origin,
        claimed=setting.claimed,
        underway=setting.underway,
    )
    judge = Judge(plant, Asked(condition, setting.unavailable, quantity, materials))
    until = Instant(setting.now + setting.ahead)
    around = Around(
        setting.origin,
        ordered_at,
        quantity,
        setting.busy,
        until,
        materials,
        setting.not_before,
    )
    duties = duties_of(product, plant, around)
    closed = plant.opening(setting.now).closed
    jobs = []
    judged, sequenced = _judged(order, judge, duties, setting.beside)
    for operation in order:
        both = judged[operation.id]
        candidates, rejected = (
            both if duties is None else duties.sorted_out(operation, *both, closed)
        )
        sources = tuple(
            _source(each, number, past, setting.origin) for each in groups[operation.id]
        )
        jobs.append(Job(operation, sources, candidates, rejected))
    busy = _taken(setting, plant)
    charges = charges_of(
        network, setting.origin, quantity, setting.due_at, materials, sequenced=sequenced
    )
    hours = bool(closed) or (duties is not None and duties.has_shifts)
    read = (until - setting.origin) // TICK if hours else AFTER_ALL // TICK
    roads = plant.open_roads(setting.now)
    return Problem(
        tuple(jobs),
        roads.without(setting.unavailable) if setting.unavailable else roads,
        setting.origin,
        busy,
        duties,
        charges,
        read,
        materials is not None and materials.is_short(),
        quantity,
    )


def _judged(
    order: Sequence[Operation], judge: Judge, duties: Duties | None, beside: frozenset[str]
) -> tuple[dict[OperationId, tuple[Candidates, Rejections]], bool]:
    """Return who may do each operation, with least set-ups; and whether any depends on others."""
    judged = {each.id: judge.judge(each) for each in order}
    least = least_setups(order, judged, {} if duties is None else duties.changeovers, beside)
    for key, setups in least.items():
        judged[key] = judged[key][0].after(setups), judged[key][1]
    return judged, bool(least)


def _taken(setting: Setting, plant: Plant) -> dict[str, tuple[tuple[int, int], ...]]:
    """Return when work units are engaged or closed, in disjoint spans of whole ticks."""
    closed, origin = plant.opening(setting.now).closed, setting.origin
    known: dict[int, tuple[tuple[int, int], ...]] = {}
    taken: dict[str, tuple[tuple[int, int], ...]] = {}
    for unit in dict.fromkeys((*setting.busy, *closed)):
        if is_beside(unit):
            continue
        engaged, hours = setting.busy.get(unit, ()), closed.get(unit, ())
        key = id(hours)
        if engaged or key not in known:
            spans = joined(engaged, hours)
            ticks = tuple(_engagement(start, end, origin) for start, end in spans)
            if engaged:
                taken[str(unit)] = ticks
                continue
            known[key] = ticks
        taken[str(unit)] = known[key]
    return taken


def _gone(product: ConfiguredProduct, past: Past) -> set[OperationId]:
    """Return what has begun, and the options that cannot be chosen any more because of that."""
    gone = set(past.begun)
    for alternative in product.alternatives:
        begun = [each for each in alternative.options if past.begun & set(each.operations)]
        if begun:
            others = (each for each in alternative.options if each not in begun)
            gone.update(operation for each in others for operation in each.operations)
    return gone


def _tick(instant: Instant, origin: Instant) -> int:
    """Return the first tick at or after the instant, never a negative one."""
    return max(0, -(-(instant - origin) // TICK))


def _engagement(start: Instant, end: Instant, origin: Instant) -> tuple[int, int]:
    """Return the whole ticks that the span touches."""
    return max(0, (start - origin) // TICK), _tick(end, origin)


def _source(
    makers: tuple[OperationId, ...], number: dict[OperationId, int], past: Past, origin: Instant
) -> Source:
    open_ones = [each for each in makers if each in number]
    if open_ones:
        job, *others = (number[each] for each in open_ones)
        return Source(open_ones[0], job=job, others=tuple(others))
    made_by = next(each for each in makers if each in past.supplies)
    supply = past.supplies[made_by]
    return Source(
        made_by,
        place=supply.place,
        ready=_tick(supply.ready_at, origin),
        legs_done=supply.legs_done,
    )


def effort(operation: Operation, unit: WorkUnit, site: Site, quantity: int = 1) -> Figures:
    """Return what the operation takes on the work unit, for all pieces of an order.

    Energy has the plain price of the tariff, whatever the time of day.

    Notes
    -----
    duration = operation's duration x runs / speed + set-up, rounded up to a whole second; where
    the set-up depends on what came before, it lies before the step, and the plain one is told;
    energy = operation's x pieces + power x duration;
    cost = operation's x pieces + rate x duration + energy price x energy, and labour x duration
    where a person carries it out, rounded once to minor units;
    CO2 = energy x grid factor.
    """
    runs, pieces = operation.runs(quantity, unit.batch_max), operation.pieces(quantity)
    apart = unit.setup_ns if unit.setups and operation.setup_family else 0
    ticks = ticks_of(operation.duration_ns * runs / unit.speed + (unit.setup_ns - apart))
    worked = float(ticks * TICK + apart)
    hours = worked / HOUR
    energy = operation.energy_j * pieces + unit.power_w * (worked / 1e9)
    tariff = site.tariff
    cost = unit.cost_per_hour_minor * hours + tariff.energy_minor_per_j * energy
    if operation.person_skill is not None:
        cost += tariff.labour_cost_per_hour_minor * hours
    own = operation.cost_minor * pieces
    return Figures(ticks, own + round(cost), energy, energy * tariff.co2_kg_per_j)
