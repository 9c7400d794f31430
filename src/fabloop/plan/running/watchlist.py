"""Which of many plans does a disturbance endanger? An index kept up as plans come, go on and end.

What it answers is what `dangers` says of each plan, for all plans. Steps that one work unit does
for one operation share what is said of them, in however many plans of one product they stand.
"""

from collections.abc import Collection, Iterable, Iterator
from math import isfinite
from typing import assert_never

import msgspec

from fabloop.base.errors import Fault, Invalid
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
from fabloop.model.ids import KpiId, OperationId, OrderId, WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.model.plan import Freight, Movement, Plan, PlannedStep
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.site import Network, WorkUnit
from fabloop.model.skill import Rule, SkillVocabulary
from fabloop.plan.running.dangers import (
    FOREVER,
    Carried,
    Judge,
    LegKey,
    Outline,
    Outlook,
    PlanAtRisk,
    Shape,
    live_limits,
    outline_of,
    persons_of,
    shape_of,
    taken_by,
)
from fabloop.plan.running.watch_index import Group, Key, Limits, Part, Timeline

PLANS_MAX = 100_000
"""Plans that one watchlist holds."""

PARTS_MAX = 1 << 20
"""Steps and movements of one plan; a part is numbered by its plan's number times this."""


Hit = tuple[Collection[Key], Explanation]
"""Parts of plans, and what is said of each of them."""


class _Entry(msgspec.Struct):
    """A plan with its number, and those of its parts that are not over; some are underway."""

    outline: Outline
    number: int
    parts: dict[Key, Part]
    keys: dict[OperationId | LegKey, Key]
    underway: set[Key]


class _Shared(msgspec.Struct):
    """The shape of a product, and how many plans make it."""

    product: ConfiguredProduct
    shape: Shape
    plans: int = 0


class Watchlist:
    """All plans that are being carried out, ready to be asked about a disturbance.

    Network and vocabulary are those by which plans are looked up; after a change of them make a
    new watchlist.
    """

    def __init__(self, network: Network, vocabulary: SkillVocabulary) -> None:
        self._network = network
        self._vocabulary = vocabulary
        self._units = network.work_units()
        self._plans: dict[OrderId, _Entry] = {}
        self._by_number: dict[int, _Entry] = {}
        self._next = 0
        self._shapes: dict[int, _Shared] = {}
        self._open: dict[str, Timeline] = {}
        """By work unit or vehicle, what has not begun."""
        self._underway: dict[str, Timeline] = {}
        self._lanes: dict[str, Timeline] = {}
        self._sites: dict[str, Timeline] = {}
        self._materials: dict[str, Timeline] = {}
        self._tools: dict[str, Timeline] = {}
        self._groups: dict[tuple[WorkUnitId, int], Group] = {}
        self._limits: dict[tuple[WorkUnitId, KpiId], Limits] = {}

    def __len__(self) -> int:
        return len(self._plans)

    def carried(self) -> Iterator[Carried]:
        """Yield the plans as far as they are known to have come, oldest first."""
        return (each.outline.carried for each in self._plans.values())

    def put(self, carried: Carried) -> None:
        """Take in a plan that was accepted or changed; it takes the place of its order's last one.

        Raises
        ------
        Invalid
            There are too many plans, or too many parts in this one.
        """
        self._refuse_too_much(carried)
        self.drop(carried.plan.order)
        outline = outline_of(carried, self._shape(carried.product))
        entry = _Entry(outline, self._next, {}, {}, set())
        self._plans[carried.plan.order] = self._by_number[self._next] = entry
        self._next += 1
        for place, part in enumerate(outline.parts()):
            key = entry.number * PARTS_MAX + place
            entry.parts[key] = part
            entry.keys[_name(part)] = key
            self._file(entry, part, key)

    def _refuse_too_much(self, carried: Carried) -> None:
        plan = carried.plan
        plans = len(self._plans.keys() | {plan.order})
        parts = len(plan.steps) + len(plan.movements)
        found = {"plans": (plans, PLANS_MAX), "parts": (parts, PARTS_MAX)}
        faults = [
            Fault(source="watchlist", path=name, expected=f"at most {most}", found=str(count))
            for name, (count, most) in found.items()
            if count > most
        ]
        if faults:
            raise Invalid(faults)

    def _shape(self, product: ConfiguredProduct) -> Shape:
        known = self._shapes.get(id(product)) or _Shared(product, shape_of(product))
        known.plans += 1
        self._shapes[id(product)] = known
        return known.shape

    def _release(self, product: ConfiguredProduct) -> None:
        known = self._shapes[id(product)]
        known.plans -= 1
        if not known.plans:
            del self._shapes[id(product)]

    def drop(self, order: OrderId) -> None:
        """Forget the plan of an order that is finished or given up, if there is one."""
        entry = self._plans.pop(order, None)
        if entry is None:
            return
        del self._by_number[entry.number]
        self._release(entry.outline.carried.product)
        for key, part in entry.parts.items():
            self._unfile(entry, part, key)

    def begin(self, order: OrderId, operation: OperationId) -> None:
        """Note that somebody does a step now: only a broken work unit endangers it any more."""
        carried = self._plans[order].outline.carried
        self._advance(msgspec.structs.replace(carried, running=carried.running | {operation}))

    def end(self, order: OrderId, operation: OperationId) -> None:
        """Note that a step is done."""
        carried = self._plans[order].outline.carried
        done, running = carried.done | {operation}, carried.running - {operation}
        self._advance(msgspec.structs.replace(carried, running=running, done=done))

    def leave(self, order: OrderId, made_by: OperationId, taken_by: OperationId, leg: int) -> None:
        """Note that a movement has begun."""
        carried = self._plans[order].outline.carried
        left = carried.left | {(made_by, taken_by, leg)}
        self._advance(msgspec.structs.replace(carried, left=left))

    def arrive(self, order: OrderId, made_by: OperationId, taken_by: OperationId, leg: int) -> None:
        """Note that a movement has come to its end."""
        carried = self._plans[order].outline.carried
        arrived = carried.arrived | {(made_by, taken_by, leg)}
        self._advance(msgspec.structs.replace(carried, arrived=arrived))

    def _advance(self, carried: Carried) -> None:
        """Take out what has become over, and tell what has begun from what has not."""
        entry = self._plans[carried.plan.order]
        entry.outline = msgspec.structs.replace(entry.outline, carried=carried)
        left = {_name(part): part for part in entry.outline.parts()}
        for name in entry.keys.keys() - left.keys():
            key = entry.keys.pop(name)
            self._unfile(entry, entry.parts.pop(key), key)
        for name, part in left.items():
            key = entry.keys[name]
            if key not in entry.underway and _is_underway(carried, part):
                self._unfile(entry, part, key)
                self._file(entry, part, key)

    def resting_on(
        self, work_unit: WorkUnitId, kpi: KpiId
    ) -> Iterator[tuple[Plan, PlannedStep, Operation]]:
        """Yield the open steps of all plans that put a limit on a KPI of a work unit."""
        limits = self._limits.get((work_unit, kpi))
        for group in limits.every() if limits else ():
            for key in sorted(group.keys):
                entry = self._by_number[key // PARTS_MAX]
                step = entry.parts[key]
                assert isinstance(step, PlannedStep), "only steps put limits"
                yield entry.outline.carried.plan, step, group.operation

    def unit(self, work_unit: WorkUnitId) -> WorkUnit:
        """Return a work unit of the network."""
        return self._units[work_unit]

    def rule(self, operation: Operation, name: str) -> Rule | None:
        """Return by which rule a constraint of an operation is judged, if it is known."""
        definition = self._vocabulary.parameters(operation.requirement.skill).get(name)
        return None if definition is None else definition.rule

    def endangered(self, disturbance: Disturbance, outlook: Outlook) -> tuple[PlanAtRisk, ...]:
        """Return the plans that the disturbance endangers, oldest first, with all reasons.

        `outlook` has the network and vocabulary of this watchlist.
        """
        found: dict[int, dict[Key, Explanation]] = {}
        for keys, reason in self._hits(disturbance, Judge(disturbance, outlook), outlook):
            for key in keys:
                number = key // PARTS_MAX
                if number in found:
                    found[number][key] = reason
                else:
                    found[number] = {key: reason}
        return tuple(self._at_risk(number, found[number]) for number in sorted(found))

    def _at_risk(self, number: int, found: dict[Key, Explanation]) -> PlanAtRisk:
        plan = self._by_number[number].outline.carried.plan
        reasons = tuple(found[key] for key in sorted(found))
        return PlanAtRisk(order=plan.order, plan=plan, reasons=reasons)

    def _hits(self, happened: Disturbance, judge: Judge, outlook: Outlook) -> Iterable[Hit]:
        """Return what is endangered and why; something may come twice."""
        hits: Iterable[Hit] = ()
        match happened:
            case KpiMoved():
                hits = _unfit(self._limited(happened.value, outlook.now), happened.value.kpi, judge)
            case KpiExpired():
                limits = self._limits.get((happened.work_unit, happened.kpi))
                hits = _unfit(limits.every() if limits else (), happened.kpi, judge)
            case UnitBroken():
                hits = self._broken(happened, judge)
            case UnitRepaired():
                pass
            case MaterialLate():
                late = self._late(happened)
                hits = self._judged(judge, late)
            case ShipmentLate():
                hits = self._judged(judge, self._movement(happened))
            case LaneClosed():
                hits = self._judged(judge, self._leaving(happened))
            case PersonAbsent() | ShiftCancelled():
                hits = self._judged(judge, self._staffed(happened))
            case RushOrder():
                hits = self._rivals(happened, judge)
            case StepOverran():
                hits = self._judged(judge, self._blocked(happened))
            case ToolBroken():
                hits = self._judged(judge, self._holding(happened))
            case DueMoved():
                hits = self._judged(judge, self._last(happened.order))
            case UnitClosed():
                hits = self._judged(judge, self._within(happened))
            case _:
                assert_never(happened)
        return hits

    def _judged(self, judge: Judge, asked: Iterable[Key]) -> Iterator[Hit]:
        """Yield those that the plain rule finds endangered, too."""
        for key in set(asked):
            entry = self._by_number[key // PARTS_MAX]
            reason = judge.judge(entry.outline, entry.parts[key])
            if reason is not None:
                yield (key,), reason

    def _limited(self, value: KpiValue, now: Instant) -> Iterable[Group]:
        limits = self._limits.get((value.work_unit, value.kpi))
        if limits is None:
            return ()
        margin = max(0.0, value.upper - value.value)
        low, high = value.value - margin, value.value + margin
        if not value.is_valid(now) or not (isfinite(low) and isfinite(high)):
            return limits.every()
        return limits.broken_by(low, high)

    def _broken(self, happened: UnitBroken, judge: Judge) -> Iterator[Hit]:
        span = (happened.since, happened.until or FOREVER)
        for timelines in (self._open, self._underway):
            timeline = timelines.get(happened.work_unit, NOTHING)
            for key, operation in timeline.meeting(*span):
                yield (key,), judge.broken(operation)

    def _late(self, late: MaterialLate) -> Iterator[Key]:
        timeline = self._materials.get(late.material, NOTHING)
        return (key for key, _ in timeline.starting(Instant(0), late.available_at))

    def _movement(self, late: ShipmentLate) -> tuple[Key, ...]:
        entry = self._plans.get(late.order)
        if entry is None:
            return ()
        key = entry.keys.get((late.made_by, late.taken_by, late.leg))
        return () if key is None else (key,)

    def _leaving(self, closed: LaneClosed) -> Iterator[Key]:
        timeline = self._lanes.get(closed.lane, NOTHING)
        return (key for key, _ in timeline.starting(closed.since, closed.until or FOREVER))

    def _holding(self, broke: ToolBroken) -> Iterator[Key]:
        timeline = self._tools.get(broke.tool, NOTHING)
        return (key for key, _ in timeline.meeting(broke.since, broke.until or FOREVER))

    def _within(self, closed: UnitClosed) -> Iterator[Key]:
        timeline = self._open.get(closed.work_unit, NOTHING)
        return (key for key, _ in timeline.meeting(closed.since, closed.until))

    def _last(self, order: OrderId) -> Iterator[Key]:
        """Yield the step that makes the product, unless it is over."""
        entry = self._plans.get(order)
        if entry is None:
            return
        for step in entry.outline.carried.plan.steps:
            if step.operation not in entry.outline.takers and step.operation in entry.keys:
                yield entry.keys[step.operation]

    def _staffed(self, happened: PersonAbsent | ShiftCancelled) -> Iterator[Key]:
        gone = set(persons_of(happened, self._network))
        for site in self._network.sites.values():
            if any(person.id in gone for person in site.persons):
                timeline = self._sites.get(site.id, NOTHING)
                yield from (key for key, _ in timeline.meeting(happened.since, happened.until))

    def _rivals(self, rush: RushOrder, judge: Judge) -> Iterator[Hit]:
        entry = self._plans.get(rush.plan.order)
        own = -1 if entry is None else entry.number
        for resource, spans in taken_by(rush.plan).items():
            timeline = self._open.get(resource, NOTHING)
            for span in spans:
                for key, operation in timeline.meeting(*span):
                    if key // PARTS_MAX != own:
                        yield (key,), judge.taken(resource, operation)

    def _blocked(self, over: StepOverran) -> Iterator[Key]:
        timeline = self._open.get(over.work_unit, NOTHING)
        yield from (key for key, _ in timeline.meeting(over.planned_end, over.ends_at))
        entry = self._plans.get(over.order)
        if entry is None:
            return
        chain = entry.outline.chains.get(over.operation, ())
        taker = entry.outline.takers.get(over.operation)
        follows = _name(chain[0]) if chain else taker
        if follows is not None and follows in entry.keys:
            yield entry.keys[follows]

    def _file(self, entry: _Entry, part: Part, key: Key) -> None:
        """Take in a part of a plan; one that is underway only by who does it."""
        operation = _operation(entry.outline, part)
        if _is_underway(entry.outline.carried, part):
            entry.underway.add(key)
            self._underway.setdefault(_resource(part), Timeline()).add(part, key, operation)
            return
        for timeline in self._timelines(entry.outline, part):
            timeline.add(part, key, operation)
        for timeline, way in self._ways(part):
            timeline.add(way, key, operation)
        if isinstance(part, PlannedStep):
            self._group(part.work_unit, operation).keys.add(key)

    def _unfile(self, entry: _Entry, part: Part, key: Key) -> None:
        if key in entry.underway:
            self._underway[_resource(part)].drop(part, key)
            return
        for timeline in self._timelines(entry.outline, part):
            timeline.drop(part, key)
        for timeline, way in self._ways(part):
            timeline.drop(way, key)
        if isinstance(part, PlannedStep):
            self._ungroup(part.work_unit, _operation(entry.outline, part), key)

    def _timelines(self, outline: Outline, part: Part) -> Iterator[Timeline]:
        """Yield the timelines on which a part stands; the same ones whenever it is asked."""
        yield self._open.setdefault(_resource(part), Timeline())
        if isinstance(part, Movement):
            if part.lane is not None:
                yield self._lanes.setdefault(part.lane, Timeline())
            return
        if outline.operations[part.operation].person_skill is not None:
            yield self._sites.setdefault(part.site, Timeline())
        for material in outline.materials[part.operation]:
            yield self._materials.setdefault(material, Timeline())
        for tool in part.tools:
            yield self._tools.setdefault(tool, Timeline())

    def _ways(self, part: Part) -> Iterator[tuple[Timeline, Freight]]:
        """Yield what a step's parts come by, where lanes and materials are looked for."""
        for each in part.parts if isinstance(part, PlannedStep) else ():
            if each.freight is not None:
                early = msgspec.structs.replace(each.freight, start=each.freight.ready)
                yield self._lanes.setdefault(each.freight.lane, Timeline()), each.freight
                yield self._materials.setdefault(each.material, Timeline()), early

    def _group(self, work_unit: WorkUnitId, operation: Operation) -> Group:
        """Return the group of the steps that the work unit does for the operation."""
        key = (work_unit, id(operation))
        known = self._groups.get(key)
        if known is not None:
            return known
        requirement = operation.requirement
        group = self._groups[key] = Group(operation, self._units[work_unit], set())
        for name, kpi in dict.fromkeys(live_limits(requirement, group.unit)):
            limits = self._limits.setdefault((work_unit, kpi), Limits())
            limits.add(self.rule(operation, name), requirement.constraints[name], group)
        return group

    def _ungroup(self, work_unit: WorkUnitId, operation: Operation, key: Key) -> None:
        group = self._groups[work_unit, id(operation)]
        group.keys.remove(key)
        if not group.keys:
            del self._groups[work_unit, id(operation)]
            for _, kpi in live_limits(operation.requirement, group.unit):
                self._limits[work_unit, kpi].drop(group)


NOTHING = Timeline()
"""What stands on a timeline that nobody has begun."""


def _unfit(groups: Iterable[Group], kpi: KpiId, judge: Judge) -> Iterator[Hit]:
    for group in groups:
        reason = judge.unfit(group.operation, group.unit, kpi)
        if reason is not None:
            yield group.keys, reason


def _name(part: Part) -> OperationId | LegKey:
    if isinstance(part, PlannedStep):
        return part.operation
    return part.made_by, part.taken_by, part.leg


def _operation(outline: Outline, part: Part) -> Operation:
    """Return the operation that the part is or brings to."""
    name = part.operation if isinstance(part, PlannedStep) else part.taken_by
    return outline.operations[name]


def _resource(part: Part) -> str:
    return part.work_unit if isinstance(part, PlannedStep) else part.by


def _is_underway(carried: Carried, part: Part) -> bool:
    """Tell whether a part that is not over has begun."""
    return carried.has_left(part) if isinstance(part, Movement) else not carried.is_open(part)
