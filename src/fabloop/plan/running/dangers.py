"""Does a disturbance endanger a step or a movement of a plan that is being carried out?

The plain form: each rule looks at one part of one plan. `watchlist` finds the parts worth asking
about without looking at all of them; what it answers is what these rules say.
"""

from collections.abc import Iterator, Mapping
from typing import assert_never

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.disturbance import (
    Disturbance,
    DueMoved,
    KpiExpired,
    KpiMoved,
    LaneClosed,
    MaterialLate,
    PersonAbsent,
    RushOrder,
    ShiftCancelled,
    ShipmentLate,
    StepOverran,
    ToolBroken,
    UnitBroken,
    UnitClosed,
    UnitRepaired,
)
from fabloop.model.explanation import Explanation
from fabloop.model.ids import (
    KpiId,
    MaterialId,
    OperationId,
    OrderId,
    PersonId,
    SiteId,
    SkillId,
    WorkUnitId,
)
from fabloop.model.plan import Movement, MovementKind, Plan, PlannedStep
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.routing import as_planned
from fabloop.model.site import Network, WorkUnit
from fabloop.model.skill import LiveRating, Requirement, SkillVocabulary
from fabloop.plan.running.danger_words import (
    broken,
    due_missed,
    lane_closed,
    material,
    overrun,
    parts_stay,
    person_absent,
    shipment,
    taken,
    tool_broken,
    unfit,
    unit_closed,
)
from fabloop.plan.running.presence import Away, Span, deserted
from fabloop.services.matching import KpiValues, Mismatch, match_unit

Taken = Mapping[str, tuple[Span, ...]]
LegKey = tuple[OperationId, OperationId, int]
Part = PlannedStep | Movement
FOREVER = Instant(2**63 - 1)


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that is being carried out, and how far: steps running or done, movements that left.

    A frozen step that is not said to be running is done; a frozen movement has left.
    """

    plan: Plan
    product: ConfiguredProduct
    running: frozenset[OperationId] = frozenset()
    done: frozenset[OperationId] = frozenset()
    left: frozenset[LegKey] = frozenset()
    arrived: frozenset[LegKey] = frozenset()

    def is_open(self, step: PlannedStep) -> bool:
        """Tell whether nobody has begun the step."""
        begun = step.frozen or step.operation in self.done or step.operation in self.running
        return not begun

    def is_running(self, step: PlannedStep) -> bool:
        """Tell whether somebody is doing the step."""
        return step.operation in self.running and step.operation not in self.done

    def has_left(self, movement: Movement) -> bool:
        """Tell whether the movement has begun: it takes what it takes already."""
        return movement.frozen or (movement.made_by, movement.taken_by, movement.leg) in self.left

    def is_over(self, movement: Movement, taker: PlannedStep) -> bool:
        """Tell whether the work piece is where the movement brings it."""
        key = (movement.made_by, movement.taken_by, movement.leg)
        return key in self.arrived or not self.is_open(taker)


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What is known around the plans; `absent` tells when persons are away."""

    network: Network
    vocabulary: SkillVocabulary
    kpis: KpiValues
    now: Instant
    absent: Away = {}


class PlanAtRisk(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that a disturbance endangers, with one reason for each step or movement hit."""

    order: OrderId
    plan: Plan
    reasons: tuple[Explanation, ...]


class Outline(msgspec.Struct, frozen=True):
    """A plan with its parts by name: whose turn comes after which step or movement."""

    carried: Carried
    operations: dict[OperationId, Operation]
    steps: dict[OperationId, PlannedStep]
    chains: dict[OperationId, tuple[Movement, ...]]
    """Per maker, its movements in order of their legs; its output has one taker."""
    takers: dict[OperationId, OperationId]
    materials: dict[OperationId, tuple[MaterialId, ...]]
    """Per operation, what it takes from the store."""

    def parts(self) -> Iterator[Part]:
        """Yield what is not over, in the order of the plan: steps, then movements."""
        carried = self.carried
        for step in carried.plan.steps:
            if carried.is_open(step) or carried.is_running(step):
                yield step
        for movement in carried.plan.movements:
            if not carried.is_over(movement, self.steps[movement.taken_by]):
                yield movement

    def begins_after(self, made_by: OperationId, leg: int) -> Instant:
        """Return when what follows a leg begins (the step itself counts as leg -1)."""
        chain = self.chains.get(made_by, ())
        if leg + 1 < len(chain):
            return chain[leg + 1].start
        taker = self.takers.get(made_by)
        return FOREVER if taker is None else self.steps[taker].start


class Shape(msgspec.Struct, frozen=True):
    """What all plans of one product share."""

    operations: dict[OperationId, Operation]
    takers: dict[OperationId, OperationId]
    materials: dict[OperationId, tuple[MaterialId, ...]]


def shape_of(product: ConfiguredProduct) -> Shape:
    """Return the operations of a product by id, who takes from them, and what they consume."""
    operations = {each.id: each for each in product.operations}
    takers = {made_by: each.id for each in product.operations for made_by in each.inputs}
    made_of = {each.id: each.made_of for each in product.materials}
    made = {each.output for each in product.operations}
    materials = {}
    for each in product.operations:
        before = {operations[made_by].output for made_by in each.inputs}
        bought = tuple(part for part in made_of.get(each.output, ()) if part not in made)
        supplied = (each.output,) if not each.inputs else ()
        materials[each.id] = supplied if each.output in before else (*supplied, *bought)
    return Shape(operations, takers, materials)


def outline_of(carried: Carried, shape: Shape | None = None) -> Outline:
    """Return the plan with its parts by name."""
    if shape is None or carried.product.alternatives:
        planned = [each.operation for each in carried.plan.steps]
        shape = shape_of(as_planned(carried.product, planned))
    chains: dict[OperationId, list[Movement]] = {}
    for each in carried.plan.movements:
        chains.setdefault(each.made_by, []).append(each)
    return Outline(
        carried=carried,
        operations=shape.operations,
        steps={each.operation: each for each in carried.plan.steps},
        chains={
            made_by: tuple(sorted(chain, key=lambda each: each.leg))
            for made_by, chain in chains.items()
        },
        takers=shape.takers,
        materials=shape.materials,
    )


def dangers(
    disturbance: Disturbance, carried: Carried, outlook: Outlook
) -> tuple[Explanation, ...]:
    """Return one explanation for each step or movement that the disturbance endangers.

    What is done is not touched; what is running only by a broken work unit. Counted is what is
    hit directly, not what would have to wait for that in turn.
    """
    judge = Judge(disturbance, outlook)
    outline = outline_of(carried)
    found = (judge.judge(outline, part) for part in outline.parts())
    return tuple(each for each in found if each is not None)


class Judge:
    """Asks what one disturbance does to parts of plans; equal questions are asked once."""

    def __init__(self, disturbance: Disturbance, outlook: Outlook) -> None:
        self._disturbance = disturbance
        self._outlook = outlook
        self._units = outlook.network.work_units()
        self._kpis: KpiValues = outlook.kpis
        if isinstance(disturbance, KpiMoved):
            value = disturbance.value
            self._kpis = {**outlook.kpis, (value.work_unit, value.kpi): value}
        self._taken: Taken = {}
        if isinstance(disturbance, RushOrder):
            self._taken = taken_by(disturbance.plan)
        self._away = _away(disturbance, outlook)
        self._said: dict[tuple[str, int], Explanation] = {}
        self._unfit: dict[tuple[WorkUnitId, int], Explanation | None] = {}
        self._empty: dict[tuple[SiteId, SkillId, bool], tuple[Span, ...]] = {}

    def judge(self, outline: Outline, part: Part) -> Explanation | None:
        """Return why the part is endangered, or None where it is not."""
        happened, found = self._disturbance, None
        if isinstance(part, PlannedStep) and not outline.carried.is_open(part):
            return self._break(outline, part)
        match happened:
            case KpiMoved():
                found = self._kpi(outline, part, happened.value.work_unit, happened.value.kpi)
            case KpiExpired():
                found = self._kpi(outline, part, happened.work_unit, happened.kpi)
            case UnitBroken() | UnitRepaired():
                found = self._break(outline, part)
            case MaterialLate():
                found = self._material(outline, part, happened)
            case ShipmentLate():
                found = self._shipment(outline, part, happened)
            case LaneClosed():
                found = _leaves(outline, part, happened, self._outlook.now)
            case PersonAbsent() | ShiftCancelled():
                found = self._person(outline, part)
            case RushOrder():
                found = self._rush(outline, part, happened)
            case StepOverran():
                found = self._overrun(outline, part, happened)
            case ToolBroken():
                found = _lacks(part, happened)
            case DueMoved() | UnitClosed():
                found = _is_off(outline, part, happened)
            case _:
                assert_never(happened)
        return found

    def broken(self, operation: Operation) -> Explanation:
        """Return what is said of a part that the broken unit was to do for an operation."""
        happened = self._disturbance
        assert isinstance(happened, UnitBroken), "asked of nothing else"
        key = (happened.work_unit, id(operation))
        if key not in self._said:
            self._said[key] = broken(operation, happened.work_unit)
        return self._said[key]

    def taken(self, resource: str, operation: Operation) -> Explanation:
        """Return what is said of a part that must give way to the rush order."""
        happened = self._disturbance
        assert isinstance(happened, RushOrder), "asked of nothing else"
        key = (resource, id(operation))
        if key not in self._said:
            self._said[key] = taken(operation, resource, happened.plan.order)
        return self._said[key]

    def unfit(self, operation: Operation, unit: WorkUnit, kpi: KpiId) -> Explanation | None:
        """Return why the unit may no longer do the operation, if the KPI has a part in that."""
        key = (unit.id, id(operation))
        if key not in self._unfit:
            self._unfit[key] = self._judge_unfit(operation, unit, kpi)
        return self._unfit[key]

    def _judge_unfit(self, operation: Operation, unit: WorkUnit, kpi: KpiId) -> Explanation | None:
        names = {name for name, _ in live_limits(operation.requirement, unit, kpi)}
        if not names:
            return None
        vocabulary, now = self._outlook.vocabulary, self._outlook.now
        answer = match_unit(operation.requirement, unit, vocabulary, self._kpis, now)
        if not isinstance(answer, Mismatch):
            return None
        if not any(each.details["parameter"] in names for each in answer.reasons):
            return None
        return unfit(operation, unit, answer)

    def _break(self, outline: Outline, part: Part) -> Explanation | None:
        happened = self._disturbance
        if not isinstance(happened, UnitBroken) or _resource(part) != happened.work_unit:
            return None
        span = (happened.since, happened.until or FOREVER)
        return self.broken(_operation(outline, part)) if _meets((span,), part) else None

    def _kpi(
        self, outline: Outline, part: Part, work_unit: WorkUnitId, kpi: KpiId
    ) -> Explanation | None:
        if not isinstance(part, PlannedStep) or part.work_unit != work_unit:
            return None
        return self.unfit(outline.operations[part.operation], self._units[work_unit], kpi)

    def _material(self, outline: Outline, part: Part, late: MaterialLate) -> Explanation | None:
        if not isinstance(part, PlannedStep):
            return None
        if late.material not in outline.materials[part.operation]:
            return None
        wanted = [part.start] if late.site in (None, part.site) else []
        wanted += [
            each.freight.ready
            for each in part.parts
            if each.material == late.material
            and each.freight is not None
            and late.site in (None, each.freight.origin)
            and each.freight.ready >= self._outlook.now
        ]
        first = min(wanted, default=late.available_at)
        return material(part, late, first) if first < late.available_at else None

    def _shipment(self, outline: Outline, part: Part, late: ShipmentLate) -> Explanation | None:
        if not isinstance(part, Movement) or outline.carried.plan.order != late.order:
            return None
        if (part.made_by, part.taken_by, part.leg) != (late.made_by, late.taken_by, late.leg):
            return None
        begins = outline.begins_after(part.made_by, part.leg)
        if late.arrives_at <= begins:
            return None
        return shipment(part, begins, late.arrives_at)

    def _person(self, outline: Outline, part: Part) -> Explanation | None:
        if not isinstance(part, PlannedStep):
            return None
        skill = outline.operations[part.operation].person_skill
        if skill is None:
            return None
        known = self._deserted(part.site, skill, self._outlook.absent)
        if _meets(known, part) or not _meets(self._deserted(part.site, skill, self._away), part):
            return None
        return person_absent(part, skill)

    def _deserted(self, site: SiteId, skill: SkillId, away: Away) -> tuple[Span, ...]:
        key = (site, skill, away is self._away)
        if key not in self._empty:
            noun = self._outlook.network.sites[site]
            self._empty[key] = deserted(noun, skill, self._outlook.vocabulary, away)
        return self._empty[key]

    def _rush(self, outline: Outline, part: Part, rush: RushOrder) -> Explanation | None:
        if outline.carried.plan.order == rush.plan.order or _has_left(outline, part):
            return None
        resource = _resource(part)
        if not _meets(self._taken.get(resource, ()), part):
            return None
        return self.taken(resource, _operation(outline, part))

    def _overrun(self, outline: Outline, part: Part, over: StepOverran) -> Explanation | None:
        if _has_left(outline, part):
            return None
        own = outline.carried.plan.order == over.order
        follows = own and _follows(outline, part, over.operation)
        window = (over.planned_end, over.ends_at)
        blocked = _resource(part) == over.work_unit and _meets((window,), part)
        if not blocked and not (follows and part.start < over.ends_at):
            return None
        return overrun(part, over)


def live_limits(
    requirement: Requirement, unit: WorkUnit, kpi: KpiId | None = None
) -> Iterator[tuple[str, KpiId]]:
    """Yield the constraints that the unit's offers rest on a KPI, with that KPI."""
    for offer in unit.offers:
        for name in requirement.constraints:
            rating = offer.values.get(name)
            if isinstance(rating, LiveRating) and kpi in (None, rating.kpi):
                yield name, rating.kpi


def taken_by(plan: Plan) -> Taken:
    """Return when the steps and transports of a plan that are not frozen take which unit."""
    taken: dict[str, list[Span]] = {}
    for step in plan.steps:
        if not step.frozen:
            taken.setdefault(step.work_unit, []).append((step.start, step.end))
    for each in plan.movements:
        if each.kind is MovementKind.TRANSPORT and not each.frozen:
            taken.setdefault(each.by, []).append((each.start, each.end))
    return {resource: tuple(spans) for resource, spans in taken.items()}


def persons_of(happened: PersonAbsent | ShiftCancelled, network: Network) -> tuple[PersonId, ...]:
    """Return who is away."""
    if isinstance(happened, PersonAbsent):
        return (happened.person,)
    persons = network.sites[happened.site].persons
    return tuple(each.id for each in persons if each.shift == happened.shift)


def _away(happened: Disturbance, outlook: Outlook) -> Away:
    """Return who is away when, the disturbance included."""
    if not isinstance(happened, PersonAbsent | ShiftCancelled):
        return outlook.absent
    away = dict(outlook.absent)
    for person in persons_of(happened, outlook.network):
        away[person] = (*away.get(person, ()), (happened.since, happened.until))
    return away


def _leaves(outline: Outline, part: Part, closed: LaneClosed, now: Instant) -> Explanation | None:
    if isinstance(part, PlannedStep):
        return _parts_leave(part, closed, now)
    if part.lane != closed.lane or _has_left(outline, part):
        return None
    if not closed.since <= part.start < (closed.until or FOREVER):
        return None
    return lane_closed(part)


def _parts_leave(step: PlannedStep, closed: LaneClosed, now: Instant) -> Explanation | None:
    """Return why parts that have not left yet do not come by the lane."""
    for part in step.parts:
        way = part.freight
        if way is None or way.lane != closed.lane or way.start < now:
            continue
        if closed.since <= way.start < (closed.until or FOREVER):
            return parts_stay(step, part.material, way)
    return None


def _lacks(part: Part, broke: ToolBroken) -> Explanation | None:
    if not isinstance(part, PlannedStep) or broke.tool not in part.tools:
        return None
    span = (broke.since, broke.until or FOREVER)
    return tool_broken(part, broke.tool) if _meets((span,), part) else None


def _is_off(outline: Outline, part: Part, agreed: DueMoved | UnitClosed) -> Explanation | None:
    """Return why the part is not where something agreed with people wants it."""
    if isinstance(agreed, DueMoved):
        return _is_late(outline, part, agreed)
    return _shut_out(outline, part, agreed)


def _shut_out(outline: Outline, part: Part, closed: UnitClosed) -> Explanation | None:
    if _resource(part) != closed.work_unit or _has_left(outline, part):
        return None
    if not _meets(((closed.since, closed.until),), part):
        return None
    return unit_closed(_operation(outline, part), closed)


def _is_late(outline: Outline, part: Part, wanted: DueMoved) -> Explanation | None:
    if not isinstance(part, PlannedStep) or outline.carried.plan.order != wanted.order:
        return None
    if part.operation in outline.takers or part.end <= wanted.due_at:
        return None
    return due_missed(part, wanted.due_at)


def _has_left(outline: Outline, part: Part) -> bool:
    return isinstance(part, Movement) and outline.carried.has_left(part)


def _operation(outline: Outline, part: Part) -> Operation:
    """Return the operation that the part is or brings to."""
    name = part.operation if isinstance(part, PlannedStep) else part.taken_by
    return outline.operations[name]


def _resource(part: Part) -> str:
    return part.work_unit if isinstance(part, PlannedStep) else part.by


def _meets(spans: tuple[Span, ...], part: Part) -> bool:
    return any(part.start < end and part.end > start for start, end in spans)


def _follows(outline: Outline, part: Part, operation: OperationId) -> bool:
    """Tell whether the part is what comes next after the operation."""
    if isinstance(part, Movement):
        return part.made_by == operation and part.leg == 0
    chain = outline.chains.get(operation, ())
    return not chain and outline.takers.get(operation) == part.operation
