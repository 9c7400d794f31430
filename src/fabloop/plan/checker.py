"""An independent check of a plan against the nouns: no solver's code or arithmetic is used.

Everything is recomputed from the plan's own steps and movements with exact fractions. What is
frozen has happened: it must be kept as it was, but it is not judged.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import pairwise

import msgspec

from fabloop.base.instant import HOUR, SECOND, Instant, span_text
from fabloop.model.calendar import open_spans
from fabloop.model.explanation import Evidence, Explanation, ReasonCode
from fabloop.model.ids import OperationId, SiteId, WorkUnitId
from fabloop.model.plan import Movement, MovementKind, Plan, PlannedStep
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.routing import as_planned
from fabloop.model.site import Network, Site, WorkUnit
from fabloop.model.skill import SkillVocabulary
from fabloop.model.timetable import departure_after
from fabloop.plan.check_batches import Slot, batch_faults, others_in, slot_of
from fabloop.plan.check_setups import families_before, family_of, setup_faults, setup_figure_faults
from fabloop.plan.check_staff import crew_faults, presence_faults
from fabloop.plan.names import shipment_name
from fabloop.plan.parts_check import Draws, Underway, parts_faults
from fabloop.plan.rates_check import average_rates, rates_hold
from fabloop.services.matching import (
    KpiValues,
    Mismatch,
    match_person,
    match_unit,
    missing_tools,
)

RELATIVE = 1e-9
"""How far sums of joules and kilograms may be off through float addition."""

SLACK_NS = 1_000_000
"""A planned duration may be short of the exact one by this much, and long by a second."""


class Grounds(msgspec.Struct, frozen=True):
    """What a plan is checked against.

    `kept` holds the steps that must stand in the plan as they are; `ordered_at` is when parts
    were ordered, `now` where it is None; `drawn` is what others take of the stock; `underway` are
    parts that have left for steps not begun; `not_before` is what steps have to wait for besides.
    """

    product: ConfiguredProduct
    network: Network
    vocabulary: SkillVocabulary
    kpis: KpiValues
    now: Instant
    kept: Mapping[OperationId, PlannedStep] = {}
    busy: Mapping[WorkUnitId, tuple[tuple[Instant, Instant], ...]] = {}
    unavailable: frozenset[WorkUnitId] = frozenset()
    quantity: int = 1
    ordered_at: Instant | None = None
    drawn: Draws = {}
    underway: Underway = {}
    not_before: Mapping[OperationId, Mapping[SiteId, Instant]] = {}

    def ordered(self) -> Instant:
        """Return from when on parts are bought."""
        return self.now if self.ordered_at is None else self.ordered_at


def check_plan(plan: Plan, grounds: Grounds) -> tuple[Explanation, ...]:
    """Return every violation; none means that the plan can be carried out as it stands.

    Of alternatives, the options count of which the plan has a step.
    """
    grounds = msgspec.structs.replace(
        grounds, product=as_planned(grounds.product, [step.operation for step in plan.steps])
    )
    found = [*_completeness(plan, grounds)]
    if found:
        return tuple(found)
    steps = {each.operation: each for each in plan.steps}
    return (
        *_steps(plan, grounds),
        *_flow(plan, grounds, steps),
        *_overlaps(plan, grounds),
        *_hours(plan, grounds),
        *presence_faults(plan, grounds.network, grounds.busy),
        *setup_faults(plan, grounds.product, grounds.network, grounds.busy),
        *batch_faults(plan, grounds.product, grounds.network, grounds.busy, grounds.quantity),
        *parts_faults(
            plan,
            grounds.product,
            grounds.network,
            grounds.ordered(),
            grounds.quantity,
            grounds.drawn,
            grounds.underway,
        ),
        *_totals(plan, grounds),
    )


def _wrong(code: ReasonCode, subject: str, **details: object) -> Explanation:
    texts = {key: str(value) for key, value in details.items()}
    return Explanation(code=code, subject=subject, details=texts)


def _figure(code: ReasonCode, subject: str, name: str, value: float, limit: float) -> Explanation:
    evidence = Evidence(subject=subject, parameter=name, relation="=", value=value, limit=limit)
    return Explanation(
        code=code, subject=subject, details={"parameter": name}, evidence=(evidence,)
    )


def _completeness(plan: Plan, grounds: Grounds) -> Iterator[Explanation]:
    """Every operation has one step, on a work unit that exists where the step says."""
    known = {each.id for each in grounds.product.operations}
    counts: dict[OperationId, int] = defaultdict(int)
    units = grounds.network.work_units()
    for step in plan.steps:
        counts[step.operation] += 1
        unit = units.get(step.work_unit)
        if step.operation not in known or unit is None or unit.site != step.site:
            yield _wrong(ReasonCode.STEP_UNKNOWN, step.operation, work_unit=step.work_unit)
    for operation in known:
        if counts[operation] != 1:
            yield _wrong(ReasonCode.STEP_MISSING, operation, count=counts[operation])
    planned = {step.operation: step for step in plan.steps}
    for key, kept in grounds.kept.items():
        if key not in planned or not _same_step(kept, planned[key]):
            yield _wrong(ReasonCode.STEP_NOT_KEPT, kept.operation, work_unit=kept.work_unit)
    for step in plan.steps:
        if step.frozen and step.operation not in grounds.kept:
            yield _wrong(ReasonCode.STEP_NOT_KEPT, step.operation, work_unit=step.work_unit)


def _same_step(kept: PlannedStep, step: PlannedStep) -> bool:
    return msgspec.structs.replace(kept, frozen=True) == step


def _steps(plan: Plan, grounds: Grounds) -> Iterator[Explanation]:
    units = grounds.network.work_units()
    before = families_before(plan, grounds.product, grounds.network, grounds.busy)
    for step in plan.steps:
        if step.frozen:
            continue
        operation, unit = grounds.product.operation(step.operation), units[step.work_unit]
        site = grounds.network.sites[step.site]
        yield from _fitness(operation, unit, site, grounds)
        earliest = grounds.not_before.get(step.operation, {}).get(step.site, plan.made_at)
        if step.start < max(earliest, plan.made_at):
            yield _wrong(ReasonCode.STEP_TOO_EARLY, step.operation, start=step.start)
        was = before.get(step.operation)
        apart = None if was is None else unit.setup_between(was, operation.setup_family)
        yield from setup_figure_faults(step, was, apart, unit, site)
        yield from _step_figures(step, operation, unit, apart or 0, grounds)
        yield from _tools_held(step, operation, unit, site)
        yield from crew_faults(step, operation, site, grounds.vocabulary)


def _tools_held(
    step: PlannedStep, operation: Operation, unit: WorkUnit, site: Site
) -> Iterator[Explanation]:
    """The step holds one tool of each kind that it asks for, none of them twice."""
    left = list(step.tools)
    for kind in operation.tools:
        fitting = {
            name
            for tool in site.tools
            if tool.kind == kind and tool.fits_on(unit.id)
            for name in tool.names()
        }
        held = next((each for each in left if each in fitting), None)
        if held is None:
            yield _wrong(ReasonCode.STEP_WITHOUT_TOOL, operation.id, work_unit=unit.id, tool=kind)
        else:
            left.remove(held)
    if left or len(set(step.tools)) < len(step.tools):
        yield _wrong(
            ReasonCode.STEP_WITHOUT_TOOL,
            operation.id,
            work_unit=unit.id,
            tool=", ".join(left or step.tools),
        )


def _fitness(
    operation: Operation, unit: WorkUnit, site: Site, grounds: Grounds
) -> Iterator[Explanation]:
    answer = match_unit(operation.requirement, unit, grounds.vocabulary, grounds.kpis, grounds.now)
    reasons = answer.reasons if isinstance(answer, Mismatch) else ()
    if operation.person_skill is not None:
        person = match_person(site, operation.person_skill, grounds.vocabulary)
        reasons += (person,) if isinstance(person, Explanation) else ()
    reasons += missing_tools(operation.tools, unit, site, operation.requirement.skill)
    if unit.id in grounds.unavailable:
        reasons += (_wrong(ReasonCode.UNIT_UNAVAILABLE, unit.id),)
    if reasons:
        yield Explanation(
            code=ReasonCode.STEP_UNFIT,
            subject=operation.id,
            details={"work_unit": unit.id, "reasons": ", ".join(each.code for each in reasons)},
            evidence=tuple(evidence for each in reasons for evidence in each.evidence),
        )


def _step_figures(
    step: PlannedStep, operation: Operation, unit: WorkUnit, apart: int, grounds: Grounds
) -> Iterator[Explanation]:
    """What the step takes is what it has to, with a set-up of so many nanoseconds before it."""
    site = grounds.network.sites[step.site]
    runs = operation.runs(grounds.quantity, unit.batch_max)
    pieces = operation.pieces(grounds.quantity)
    exact = Fraction(operation.duration_ns * runs) / Fraction(unit.speed)
    exact += 0 if family_of(operation, unit) else unit.setup_ns
    taken = step.end - step.start
    worked = taken + apart
    code, subject = ReasonCode.STEP_FIGURE_WRONG, step.operation
    if not exact - SLACK_NS <= taken < exact + SECOND:
        yield _figure(code, subject, "duration", taken / SECOND, float(exact) / SECOND)
    paid = Fraction(worked)
    if step.batch is not None and step.batch.together > 0:
        paid *= Fraction(step.batch.pieces, step.batch.together)
    energy = Fraction(operation.energy_j) * pieces + Fraction(unit.power_w) * paid / SECOND
    freights = [each.freight for each in step.parts if each.freight is not None]
    way = sum((Fraction(each.energy_j) for each in freights), Fraction(0))
    if not _close(step.energy_j, energy + way):
        yield _figure(code, subject, "energy", step.energy_j, float(energy + way))
    if not rates_hold(step, site):
        yield _wrong(code, subject, parameter="rates")
    co2_of_parts = sum((Fraction(each.co2_kg) for each in step.parts), Fraction(0))
    co2_of_parts += sum((Fraction(each.co2_kg) for each in freights), Fraction(0))
    price, intensity = average_rates(step, site)
    co2 = energy * intensity + co2_of_parts
    if not _close(step.co2_kg, co2):
        yield _figure(code, subject, "co2", step.co2_kg, float(co2))
    labour = site.tariff.labour_cost_per_hour_minor if operation.person_skill else 0
    cost = operation.cost_minor * pieces + Fraction(unit.cost_per_hour_minor + labour) * paid / HOUR
    cost += price * energy + sum(each.cost_minor for each in step.parts)
    cost += sum(each.cost_minor for each in freights)
    if abs(step.cost_minor - cost) > Fraction(1, 2) + Fraction(1, 10**6):
        yield _figure(code, subject, "cost", step.cost_minor, float(cost))


def _close(value: float, exact: Fraction) -> bool:
    return abs(Fraction(value) - exact) <= Fraction(RELATIVE) * max(abs(exact), Fraction(1, 10**9))


def _flow(
    plan: Plan, grounds: Grounds, steps: Mapping[OperationId, PlannedStep]
) -> Iterator[Explanation]:
    """Every input gets from the step that makes it to the one that takes it, in time."""
    legs: dict[tuple[OperationId, OperationId], list[Movement]] = defaultdict(list)
    for movement in plan.movements:
        legs[movement.made_by, movement.taken_by].append(movement)
    for operation in grounds.product.operations:
        for made_by in operation.inputs:
            way = sorted(legs.pop((made_by, operation.id), []), key=lambda each: each.leg)
            yield from _way(way, steps[made_by], steps[operation.id], plan, grounds)
    for made_by, taken_by in legs:
        yield _wrong(ReasonCode.MOVEMENT_BROKEN, taken_by, made_by=made_by, place="nowhere")


def _way(
    way: list[Movement], start: PlannedStep, end: PlannedStep, plan: Plan, grounds: Grounds
) -> Iterator[Explanation]:
    if not way and start.work_unit != end.work_unit:
        yield _wrong(ReasonCode.MOVEMENT_MISSING, end.operation, made_by=start.operation)
    here = start.site
    place: str = start.work_unit
    for count, leg in enumerate(way):
        if (leg.origin_site, leg.origin) != (here, place) or leg.leg != count:
            details = {"made_by": start.operation, "place": leg.origin}
            yield _wrong(ReasonCode.MOVEMENT_BROKEN, end.operation, **details)
        here = leg.destination_site
        place = leg.destination
        if not leg.frozen:
            yield from _leg(leg, plan, grounds)
        elif leg.made_by not in grounds.kept:
            yield _wrong(ReasonCode.STEP_NOT_KEPT, leg.made_by, leg=leg.leg)
    if way and not _is_there(here, place, end, grounds):
        details = {"made_by": start.operation, "place": place}
        yield _wrong(ReasonCode.MOVEMENT_BROKEN, end.operation, **details)
    yield from _in_time([start, *way, end], end.operation)
    ends = [start.end, *(each.end for each in way)]
    for ready, leg in zip(ends, way, strict=False):
        if leg.lane is not None and not leg.frozen:
            yield from _departs(ready, leg, grounds)


def _departs(ready: Instant, leg: Movement, grounds: Grounds) -> Iterator[Explanation]:
    """A lane with departures is left with one of them, in whole seconds, and in time for it."""
    lane = next((each for each in grounds.network.lanes if each.id == leg.lane), None)
    if lane is None or not lane.departures:
        return
    zone = grounds.network.sites[lane.origin].time_zone
    about = Instant(leg.start - SECOND + 1 - lane.cut_off_ns)
    leaves = departure_after(lane, zone, about)
    if leaves > leg.start or ready > leaves - lane.cut_off_ns:
        yield _wrong(ReasonCode.DEPARTURE_MISSED, leg.taken_by, lane=lane.id)


def _is_there(site: str, place: str, step: PlannedStep, grounds: Grounds) -> bool:
    """Tell whether the place is the step's work unit, or the gate at which that one stands."""
    there = grounds.network.sites[step.site]
    at_gate = place == there.gate == _area(step.work_unit, there)
    return site == step.site and (place == step.work_unit or at_gate)


def _in_time(chain: list[PlannedStep | Movement], operation: OperationId) -> Iterator[Explanation]:
    for before, after in pairwise(chain):
        if after.start < before.end and not (before.frozen and after.frozen):
            late = (before.end - after.start) / SECOND
            yield _wrong(ReasonCode.MOVEMENT_TOO_EARLY, operation, seconds=late)


def _leg(leg: Movement, plan: Plan, grounds: Grounds) -> Iterator[Explanation]:
    """The leg follows a link or lane that exists, and takes what that takes."""
    if leg.start < plan.made_at:
        yield _wrong(ReasonCode.STEP_TOO_EARLY, leg.taken_by, start=leg.start)
    if leg.by in grounds.unavailable and leg.kind is MovementKind.TRANSPORT:
        yield _wrong(ReasonCode.UNIT_UNAVAILABLE, leg.by)
    offers = list(
        _links(leg, grounds) if leg.kind is MovementKind.TRANSPORT else _lanes(leg, grounds)
    )
    if leg.goods != 1:
        yield from _in_company(leg, plan, grounds)
    if not offers:
        yield _wrong(
            ReasonCode.MOVEMENT_IMPOSSIBLE,
            leg.taken_by,
            origin=leg.origin,
            destination=leg.destination,
        )
    elif not any(_takes(leg, *offer) for offer in offers):
        duration, cost, energy, _ = offers[0]
        yield _wrong(
            ReasonCode.MOVEMENT_FIGURE_WRONG,
            leg.taken_by,
            origin=leg.origin,
            destination=leg.destination,
            expected=f"{span_text(duration)}, {cost} minor units, {energy} J",
        )


def _in_company(leg: Movement, plan: Plan, grounds: Grounds) -> Iterator[Explanation]:
    """As many goods leave on the lane with it as it says, and the lane takes so many."""
    lane = next((each for each in grounds.network.lanes if each.id == leg.lane), None)
    mine = sum(each.lane == leg.lane and each.start == leg.start for each in plan.movements)
    name = None if leg.lane is None else shipment_name(leg.lane)
    spans = () if name is None else grounds.busy.get(name, ())
    there = mine + sum(start == leg.start for start, _ in spans)
    most = 1 if lane is None else lane.goods_max
    if not 1 <= leg.goods <= min(most, there):
        details = {"lane": str(leg.lane), "expected": str(min(most, there))}
        yield _wrong(ReasonCode.SHIPMENT_WRONG, leg.taken_by, found=leg.goods, **details)


def _takes(leg: Movement, duration_ns: int, cost: int, energy: float, co2: Fraction) -> bool:
    return (
        duration_ns - SLACK_NS <= leg.end - leg.start < duration_ns + SECOND
        and leg.cost_minor == cost
        and _close(leg.energy_j, Fraction(energy))
        and _close(leg.co2_kg, co2)
    )


def _links(leg: Movement, grounds: Grounds) -> Iterator[tuple[int, int, float, Fraction]]:
    site = grounds.network.sites.get(leg.origin_site)
    if site is None or leg.destination_site != leg.origin_site or leg.lane is not None:
        return
    way = _area(leg.origin, site), _area(leg.destination, site)
    for link in site.transport:
        ends = link.origin, link.destination
        if (way == ends or (way == ends[::-1] and not link.one_way)) and link.by == leg.by:
            co2 = Fraction(link.energy_j) * Fraction(site.tariff.co2_kg_per_j)
            yield link.duration_ns, link.cost_minor, link.energy_j, co2


def _lanes(leg: Movement, grounds: Grounds) -> Iterator[tuple[int, int, float, Fraction]]:
    sites = grounds.network.sites
    start, end = sites.get(leg.origin_site), sites.get(leg.destination_site)
    if start is None or end is None:
        return
    if _area(leg.origin, start) != start.gate or _area(leg.destination, end) != end.gate:
        return
    for lane in grounds.network.lanes:
        ends = (lane.origin, lane.destination) == (start.id, end.id)
        if ends and lane.id == leg.lane and lane.carrier == leg.by and leg.goods >= 1:
            cost = -(-lane.cost_minor // leg.goods)
            yield (
                lane.duration_ns,
                cost,
                lane.energy_j / leg.goods,
                Fraction(lane.co2_kg) / leg.goods,
            )


def _area(place: str, site: Site) -> str:
    """Return the area of a work unit, or the area itself where the place is one."""
    return next((each.area for each in site.work_units if each.id == place), place)


def _overlaps(plan: Plan, grounds: Grounds) -> Iterator[Explanation]:
    taken: dict[str, list[tuple[Instant, Instant, str, bool]]] = defaultdict(list)
    runs: set[Slot] = set()
    for step in plan.steps:
        slot = slot_of(step)
        if slot is None or slot not in runs:
            entry = (step.start, step.end, step.operation, step.frozen)
            for resource in (step.work_unit, *step.tools):
                taken[resource].append(entry)
        runs |= set() if slot is None else {slot}
    for leg in plan.movements:
        if leg.kind is MovementKind.TRANSPORT:
            taken[leg.by].append((leg.start, leg.end, leg.taken_by, leg.frozen))
    shared = {slot[:3] for slot in runs if others_in(grounds.busy, slot)}
    for unit, spans in grounds.busy.items():
        others = [each for each in spans if (unit, *each) not in shared]
        taken[unit].extend((start, end, "", True) for start, end in others)
    tools = {tool for step in plan.steps for tool in step.tools}
    for resource, entries in taken.items():
        code = ReasonCode.TOOL_OVERLAP if resource in tools else ReasonCode.UNIT_OVERLAP
        yield from _overlap(code, resource, sorted(each for each in entries if each[1] > each[0]))


def _overlap(
    code: ReasonCode, unit: str, entries: list[tuple[Instant, Instant, str, bool]]
) -> Iterator[Explanation]:
    latest: tuple[Instant, Instant, str, bool] | None = None
    latest_open: tuple[Instant, Instant, str, bool] | None = None
    for entry in entries:
        # Something open may not meet anything; two settled things may, they have happened.
        rival = latest_open if entry[3] else latest
        if rival is not None and entry[0] < rival[1]:
            yield _wrong(code, unit, first=rival[2], second=entry[2])
        if latest is None or entry[1] > latest[1]:
            latest = entry
        if not entry[3] and (latest_open is None or entry[1] > latest_open[1]):
            latest_open = entry


def _hours(plan: Plan, grounds: Grounds) -> Iterator[Explanation]:
    """What is not frozen has to lie within one open span of the work unit that does it."""
    units, sites = grounds.network.work_units(), grounds.network.sites
    done = [
        (step.work_unit, step.start, step.end, step.operation, step.frozen) for step in plan.steps
    ]
    done += [
        (WorkUnitId(leg.by), leg.start, leg.end, leg.taken_by, leg.frozen)
        for leg in plan.movements
        if leg.kind is MovementKind.TRANSPORT
    ]
    for unit_id, start, end, operation, frozen in done:
        unit = units.get(unit_id)
        if frozen or unit is None or unit.calendar is None or start == end:
            continue
        spans = open_spans(unit.calendar, sites[unit.site].time_zone, start, end)
        if spans != ((start, end),):
            yield _wrong(ReasonCode.STEP_WHILE_CLOSED, unit_id, operation=operation)


def _totals(plan: Plan, grounds: Grounds) -> Iterator[Explanation]:
    parts: list[PlannedStep | Movement] = [*plan.steps, *plan.movements]
    begin = min(plan.made_at, *(each.start for each in plan.steps))
    end = max(each.end for each in plan.steps)
    shipments = sum(each.lane is not None for each in plan.movements)
    shipments += sum(part.freight is not None for step in plan.steps for part in step.parts)
    exact: dict[str, tuple[float, Fraction]] = {
        "cost": (plan.totals.cost_minor, Fraction(sum(each.cost_minor for each in parts))),
        "makespan": (plan.totals.makespan_ns, Fraction(end - begin)),
        "energy": (plan.totals.energy_j, sum((Fraction(p.energy_j) for p in parts), Fraction(0))),
        "co2": (plan.totals.co2_kg, sum((Fraction(p.co2_kg) for p in parts), Fraction(0))),
        "shipments": (plan.totals.shipments, Fraction(shipments)),
    }
    for name, (value, sum_) in exact.items():
        if value != sum_ if isinstance(value, int) else not _close(value, sum_):
            yield _figure(ReasonCode.TOTAL_WRONG, plan.id, name, value, float(sum_))
    if set(plan.totals.sites) != {each.site for each in plan.steps}:
        yield _wrong(ReasonCode.TOTAL_WRONG, plan.id, parameter="sites")
    currencies = {
        grounds.network.sites[each].tariff.currency for each in {s.site for s in plan.steps}
    }
    if currencies != {plan.totals.currency}:
        yield _wrong(ReasonCode.TOTAL_WRONG, plan.id, parameter="currency")
