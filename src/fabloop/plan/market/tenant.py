"""A tenant's side: answer blind inquiries, and quote for steps from its own gate to its own gate.

The plan behind a quotation stays here; what leaves is a price, an instant and promises.
"""

from collections.abc import Iterator
from typing import assert_never

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import (
    AreaId,
    EquipmentTypeId,
    MaterialId,
    OperationId,
    OrderId,
    PlanId,
    ProductId,
    SkillId,
    WorkUnitId,
)
from fabloop.model.market import (
    Capabilities,
    Capable,
    DeclineCode,
    Declined,
    Inquiries,
    Inquiry,
    PartNeeded,
    Promise,
    Quotation,
    RequestForQuotation,
)
from fabloop.model.plan import Plan
from fabloop.model.product import ConfiguredProduct, Material, Operation
from fabloop.model.site import Network, Site, TransportLink, WorkUnit
from fabloop.model.skill import Offer, Requirement, Rule, Skill, SkillVocabulary
from fabloop.model.supply import there_at
from fabloop.plan.countable import COST_MAX, is_countable, uncountable
from fabloop.plan.draft import Heading, draft
from fabloop.plan.engine import Timed, cheapest, fastest, is_possible_now, timed
from fabloop.plan.statement.opening import CALENDAR_AHEAD, CALENDAR_AHEAD_MAX
from fabloop.plan.statement.problem import (
    Busy,
    Objective,
    Past,
    Problem,
    Setting,
    Supply,
    effort,
    problem_of,
)
from fabloop.plan.statement.roads import TICK, Figures, Place
from fabloop.services.matching import (
    KpiValues,
    Match,
    match_person,
    match_unit,
    missing_tools,
)

HAND_OVER = SkillId("fabloop:hand-over")
"""What the gate does at the end: it takes no time and costs nothing."""

DOCK = AreaId("fabloop:dock")

INQUIRIES_MAX = 5_000
"""Inquiries of one exchange that are answered."""


class PricePolicy(msgspec.Struct, frozen=True):
    """How a tenant makes a price of its cost: a margin (0.2 is 20 %), and the least price."""

    margin: float = 0.0
    least_minor: int = 0

    def price(self, cost_minor: int) -> int:
        """Return the price for a cost, in minor units."""
        return max(self.least_minor, round(cost_minor * (1.0 + self.margin)))


class Premises(msgspec.Struct, frozen=True):
    """All that a tenant knows of its site, and what nobody else gets to see.

    `valid_for_ns` is how long a quotation binds; `busy` is what is engaged already.
    """

    tenant: str
    site: Site
    vocabulary: SkillVocabulary
    kpis: KpiValues
    now: Instant
    valid_for_ns: int
    busy: Busy = {}
    policy: PricePolicy = PricePolicy()


class Quoted(msgspec.Struct, frozen=True):
    """A quotation with the plan behind it; only the quotation leaves the tenant."""

    quotation: Quotation
    plan: Plan


def answer(asked: Inquiries, premises: Premises) -> Capabilities:
    """Return what the site could do of a blind question, with indicative figures.

    Inquiries in another currency, expired ones and those beyond `INQUIRIES_MAX` are answered
    with no.
    """
    able: list[Capable] = []
    uncounted: list[str] = []
    if asked.currency == premises.site.tariff.currency and premises.now < asked.expires_at:
        for inquiry in asked.inquiries[:INQUIRIES_MAX]:
            takes = _least(inquiry, asked.quantity, premises)
            if takes is None:
                continue
            if _is_countable(takes, premises.policy):
                able.append(_capable(inquiry, takes, premises.policy))
            else:
                uncounted.append(inquiry.id)
    return Capabilities(
        exchange=asked.exchange,
        tenant=premises.tenant,
        site=premises.site.id,
        currency=premises.site.tariff.currency,
        able=tuple(able),
        uncounted=tuple(uncounted),
    )


def _is_countable(takes: Figures, policy: PricePolicy) -> bool:
    return is_countable(takes) and policy.price(takes.cost) <= COST_MAX


def _capable(inquiry: Inquiry, takes: Figures, policy: PricePolicy) -> Capable:
    return Capable(
        inquiry=inquiry.id,
        price_minor=policy.price(takes.cost),
        duration_ns=takes.ticks * TICK,
        energy_j=takes.energy,
        co2_kg=takes.co2,
    )


def _least(inquiry: Inquiry, quantity: int, premises: Premises) -> Figures | None:
    """Return what the cheapest work unit that may do it takes; None where none may."""
    site = premises.site
    operation = inquiry.operation
    if not _has_parts(inquiry, quantity, premises):
        return None
    if operation.person_skill is not None:
        person = match_person(site, operation.person_skill, premises.vocabulary)
        if not isinstance(person, str):
            return None
    found = [
        effort(operation, unit, site, quantity)
        for unit in site.work_units
        if not missing_tools(operation.tools, unit, site, operation.requirement.skill)
        and isinstance(
            match_unit(
                operation.requirement, unit, premises.vocabulary, premises.kpis, premises.now
            ),
            Match,
        )
    ]
    least = min(found, key=lambda each: (each.cost, each.ticks), default=None)
    return None if least is None else _with_parts(least, inquiry, quantity, site)


def _has_parts(inquiry: Inquiry, quantity: int, premises: Premises) -> bool:
    """Tell whether each part of an inquiry is, or will be, in stock here, or can be bought."""
    return all(
        there_at(_material(each), premises.site, each.pieces * quantity, premises.now) is not None
        for each in inquiry.parts
    )


def _with_parts(takes: Figures, inquiry: Inquiry, quantity: int, site: Site) -> Figures:
    """Add the least that the parts take which stock does not give."""
    cost, co2 = takes.cost, takes.co2
    for each in inquiry.parts:
        held = sum(s.quantity for s in site.stock if s.material == each.material)
        rest = max(0, each.pieces * quantity - held)
        offers = [p for p in each.supply if p.comes_to(site.id)]
        cost += rest * min((p.cost_minor for p in offers), default=0)
        co2 += rest * min((p.co2_kg for p in offers), default=0.0)
    return Figures(takes.ticks, cost, takes.energy, co2)


def _material(part: PartNeeded) -> Material:
    return Material(id=part.material, label=part.material, third_party=True, supply=part.supply)


def quote(request: RequestForQuotation, premises: Premises) -> Quoted | Declined:
    """Return a binding quotation for connected steps, or why there is none.

    The cheapest plan that is ready in time counts; where it is late, the fastest one.
    """
    if premises.now >= request.expires_at:
        return _declined(request, DeclineCode.EXPIRED)
    if request.site != premises.site.id or request.currency != premises.site.tariff.currency:
        return _declined(request, DeclineCode.NOT_UNDERSTOOD)
    product = _product(request)
    if product is None:
        return _declined(request, DeclineCode.NOT_UNDERSTOOD)
    asked = [each.inquiry for each in request.steps]
    if not all(_has_parts(each, request.quantity, premises) for each in asked):
        return _declined(request, DeclineCode.NOT_ABLE)
    setting = _setting(premises, request.quantity)
    if request.wanted_by > premises.now + CALENDAR_AHEAD:
        setting = msgspec.structs.replace(setting, ahead=CALENDAR_AHEAD_MAX)
    problem = problem_of(product, setting, _arrived(request, premises.site))
    if not is_possible_now(problem):
        return _declined(request, DeclineCode.NOT_ABLE)
    if uncountable(problem):
        return _declined(request, DeclineCode.NOT_COUNTABLE)
    table = _in_time(problem, request.wanted_by)
    if table is None:
        return _declined(request, DeclineCode.NOT_IN_TIME)
    heading = Heading(
        PlanId(request.id), OrderId(request.id), premises.now, premises.site.tariff.currency
    )
    plan = draft(heading, problem, table.table)
    return Quoted(_quotation(request, plan, premises), plan)


def _in_time(problem: Problem, wanted_by: Instant) -> Timed | None:
    """Return the cheapest timetable that keeps the instant, or the fastest; None if both miss."""
    routing = cheapest(problem, Objective.COST)
    assert routing is not None, "asked only where a plan exists"
    last = min(wanted_by, problem.origin + problem.read * TICK)
    cheap = timed(problem, routing)
    if _finish(problem, cheap) <= last:
        return cheap
    fast = fastest(problem)
    return fast if fast is not None and _finish(problem, fast) <= last else None


def _finish(problem: Problem, found: Timed) -> int:
    return problem.origin + found.table.finish(problem) * TICK


def _quotation(request: RequestForQuotation, plan: Plan, premises: Premises) -> Quotation:
    totals = plan.totals
    return Quotation(
        id=f"{premises.tenant}/{request.id}",
        request=request.id,
        tenant=premises.tenant,
        site=premises.site.id,
        price_minor=premises.policy.price(totals.cost_minor),
        currency=totals.currency,
        ready_at=max(step.end for step in plan.steps),
        energy_j=totals.energy_j,
        co2_kg=totals.co2_kg,
        promises=tuple(
            promise
            for step in request.steps
            for promise in promised(step.inquiry, premises.vocabulary)
        ),
        expires_at=Instant(min(premises.now + premises.valid_for_ns, request.expires_at)),
    )


def promised(inquiry: Inquiry, vocabulary: SkillVocabulary) -> Iterator[Promise]:
    """Yield the limits of an inquiry that a measured value has to keep."""
    requirement = inquiry.operation.requirement
    definitions = vocabulary.parameters(requirement.skill)
    for name, limit in requirement.constraints.items():
        rule = definitions[name].rule
        match rule:
            case Rule.AT_MOST | Rule.AT_LEAST:
                assert not isinstance(limit, str), "matched already, so it is a number"
                yield Promise(
                    step=inquiry.id,
                    parameter=name,
                    rule=rule,
                    limit=limit,
                    dimension=definitions[name].dimension,
                )
            case Rule.WITHIN | Rule.AMONG:
                pass
            case _:
                assert_never(rule)


def _declined(request: RequestForQuotation, code: DeclineCode) -> Declined:
    return Declined(request=request.id, site=request.site, code=code)


# -- the steps as a product of their own --------------------------------------------------------


def _product(request: RequestForQuotation) -> ConfiguredProduct | None:
    """Return the steps between what arrives and the hand-over; None where they are no in-tree."""
    steps = {each.inquiry.id for each in request.steps}
    taken = [name for each in request.steps for name in each.after]
    last = [name for name in steps if name not in set(taken)]
    strays = [each for each in request.arrivals if each.step not in steps]
    if len(steps) != len(request.steps) or len(last) != 1 or strays or set(taken) - steps:
        return None
    if len(taken) != len(set(taken)):
        return None
    pieces = {each.inquiry.id: _pieces(request, each.inquiry.id) for each in request.steps}
    operations = [
        _operation(each.inquiry, (*each.after, *pieces[each.inquiry.id])) for each in request.steps
    ]
    operations += [_given(each.piece) for each in request.arrivals]
    operations.append(_hand_over(last[0]))
    return ConfiguredProduct(
        product=ProductId(request.id),
        label=request.id,
        version="1",
        choices={},
        materials=_materials(request),
        operations=tuple(operations),
    )


def _materials(request: RequestForQuotation) -> tuple[Material, ...]:
    """Return what the steps make of parts, and the parts, as far as the request names them."""
    parts = {part.material: part for step in request.steps for part in step.inquiry.parts}
    made = [
        Material(
            id=step.inquiry.operation.output,
            label=step.inquiry.id,
            made_of=tuple(each.material for each in step.inquiry.parts),
            amounts={each.material: each.pieces for each in step.inquiry.parts},
        )
        for step in request.steps
        if step.inquiry.parts
    ]
    return (*made, *(_material(each) for each in parts.values()))


def _pieces(request: RequestForQuotation, step: str) -> tuple[str, ...]:
    return tuple(each.piece for each in request.arrivals if each.step == step)


def _operation(inquiry: Inquiry, inputs: tuple[str, ...]) -> Operation:
    names = tuple(OperationId(each) for each in inputs)
    return msgspec.structs.replace(inquiry.operation, inputs=names)


def _given(piece: str) -> Operation:
    """Return an operation that somebody else has done: the piece that arrives."""
    return Operation(
        id=OperationId(piece),
        label=piece,
        requirement=Requirement(skill=HAND_OVER),
        inputs=(),
        output=MaterialId(piece),
        duration_ns=0,
        energy_j=0.0,
        cost_minor=0,
    )


def _hand_over(last: str) -> Operation:
    return msgspec.structs.replace(
        _given(str(HAND_OVER)), inputs=(OperationId(last),), output=MaterialId(str(HAND_OVER))
    )


def _arrived(request: RequestForQuotation, site: Site) -> Past:
    gate = Place(site.id, site.gate)
    return Past(
        begun=frozenset(OperationId(each.piece) for each in request.arrivals),
        supplies={OperationId(each.piece): Supply(gate, each.at) for each in request.arrivals},
    )


def _setting(premises: Premises, quantity: int) -> Setting:
    """Return the tenant's own site as a network, with a dock that takes over what is made."""
    vocabulary = premises.vocabulary
    skills = {**vocabulary.skills, HAND_OVER: Skill(id=HAND_OVER, label=HAND_OVER)}
    own = _with_dock(premises.site)
    return Setting(
        network=Network(sites={own.id: own}),
        vocabulary=SkillVocabulary(skills=skills),
        kpis=premises.kpis,
        now=premises.now,
        origin=premises.now,
        busy=premises.busy,
        quantity=quantity,
    )


def _with_dock(site: Site) -> Site:
    """Return the site with a dock beside its gate, reached by the links that lead to the gate.

    It is an area of its own: what was made at the gate needs no link to be handed over there.
    """
    dock = WorkUnit(
        id=WorkUnitId(HAND_OVER),
        label=HAND_OVER,
        equipment_type=EquipmentTypeId(HAND_OVER),
        site=site.id,
        area=DOCK,
        offers=(Offer(skill=HAND_OVER),),
        cost_per_hour_minor=0,
        power_w=0.0,
    )
    beside = TransportLink(
        origin=site.gate,
        destination=DOCK,
        by=WorkUnitId(HAND_OVER),
        duration_ns=0,
        cost_minor=0,
        energy_j=0.0,
    )
    links = [beside]
    for each in site.transport:
        ends = {each.origin, each.destination}
        if site.gate in ends and len(ends) > 1:
            (other,) = ends - {site.gate}
            links.append(msgspec.structs.replace(each, origin=other, destination=DOCK))
    return msgspec.structs.replace(
        site,
        areas={**site.areas, DOCK: DOCK},
        work_units=(*site.work_units, dock),
        transport=(*site.transport, *links),
    )
