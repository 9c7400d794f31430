"""The buyer's side: ask blind, compose ways to make the order, have them quoted, choose."""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.model.ids import (
    AreaId,
    EquipmentTypeId,
    MaterialId,
    OperationId,
    SiteId,
    WorkUnitId,
)
from fabloop.model.market import (
    Arrival,
    Bid,
    BidPart,
    Capabilities,
    Capable,
    Carriage,
    Declined,
    Inquiries,
    Inquiry,
    PartNeeded,
    Quotation,
    RequestedStep,
    RequestForQuotation,
)
from fabloop.model.order import ProductionOrder
from fabloop.model.product import ConfiguredProduct, Operation
from fabloop.model.site import Network, ShippingLane, Site, Tariff, TransportLink, WorkUnit
from fabloop.model.skill import SkillVocabulary
from fabloop.model.supply import parts_taken
from fabloop.model.timetable import departure_after
from fabloop.plan.countable import check_countable, too_much
from fabloop.plan.engine import ranked
from fabloop.plan.market.blinding import pseudonyms
from fabloop.plan.statement.problem import (
    Candidate,
    Job,
    Objective,
    Problem,
    Setting,
    problem_of,
)
from fabloop.plan.statement.roads import Figures, Place, ticks_of
from fabloop.plan.timetable.alternatives import refuse_alternatives
from fabloop.plan.timetable.schedule import Routing

COMPOSITIONS_LOOKED_AT_MAX = 200
"""Ways by indicative prices that are looked at for those in which other sites take part."""

GATE = AreaId("fabloop:gate")
"""The only place of another tenant's site that a buyer knows."""

Ask = Callable[[RequestForQuotation], Quotation | Declined]
"""Brings a request to a tenant, and its answer back."""


class Exchange(msgspec.Struct, frozen=True):
    """One question to the market: what is asked, in whose name nobody knows.

    `names` leads from operations to pseudonyms and stays with the buyer.
    """

    order: ProductionOrder
    names: Mapping[OperationId, str]
    asked: Inquiries

    def inquiry(self, operation: OperationId) -> Inquiry:
        """Return what is asked about an operation."""
        name = self.names[operation]
        return next(each for each in self.asked.inquiries if each.id == name)


class Segment(msgspec.Struct, frozen=True):
    """Connected operations that one site would do; inputs before takers, the last one leaves it."""

    site: SiteId
    operations: tuple[OperationId, ...]


class Composition(msgspec.Struct, frozen=True):
    """A way to make the order by indicative prices, and the lanes between its segments."""

    segments: tuple[Segment, ...]
    lanes: Mapping[OperationId, ShippingLane]
    """By the operation whose output is shipped."""
    price_minor: int


def inquire(
    order: ProductionOrder,
    *,
    secret: bytes,
    exchange: str,
    currency: str,
    expires_at: Instant,
    stocked: Collection[MaterialId] = (),
) -> Exchange:
    """Return the blind question for an order: its operations in the order of their pseudonyms.

    Neither product, order, due instant nor how the operations hang together can be read from it.
    Materials are named if they are sold, or among those in stock somewhere (`stocked`).

    Raises
    ------
    Invalid
        The product has alternative routings.
    """
    product = order.product
    refuse_alternatives(product, "where it is put out to tender")
    names = pseudonyms(secret, exchange, [each.id for each in product.operations])
    asked = [_inquiry(product, each, names[each.id], stocked) for each in product.operations]
    inquiries = tuple(sorted(asked, key=lambda each: each.id))
    message = Inquiries(
        exchange=exchange,
        currency=currency,
        expires_at=expires_at,
        quantity=order.quantity,
        inquiries=inquiries,
    )
    return Exchange(order, names, message)


def _inquiry(
    product: ConfiguredProduct, operation: Operation, name: str, stocked: Collection[MaterialId]
) -> Inquiry:
    materials = {each.id: each for each in product.materials}
    return Inquiry(
        operation=msgspec.structs.replace(
            operation, id=OperationId(name), label=name, output=MaterialId(name), inputs=()
        ),
        parts=tuple(
            PartNeeded(material=part.id, pieces=pieces, supply=part.supply)
            for part, pieces in parts_taken(product, operation, materials)
            if part.supply or part.id in stocked
        ),
    )


def unanswered(exchange: Exchange, answers: Sequence[Capabilities]) -> tuple[OperationId, ...]:
    """Return the operations that no tenant can do; with any, the order cannot be made."""
    able = {each.inquiry for answer in answers for each in answer.able}
    return tuple(
        each.id for each in exchange.order.product.operations if exchange.names[each.id] not in able
    )


def compose(
    exchange: Exchange,
    answers: Sequence[Capabilities],
    lanes: Sequence[ShippingLane],
    *,
    now: Instant,
    most: int = 4,
) -> tuple[Composition, ...]:
    """Return the cheapest ways by indicative prices, in which different sites do the operations.

    None where no way exists: an operation nobody can do, or no lane between those who can.

    Raises
    ------
    Invalid
        An answer belongs to another exchange or counts in another currency, or an operation takes
        more than can be counted at all who could do it, or at one who answered.
    """
    _check(exchange, answers)
    _check_counted(exchange, answers)
    problem = _problem(exchange, answers, lanes, now)
    check_countable(problem)
    found: dict[tuple[Segment, ...], Composition] = {}
    if any(not job.candidates for job in problem.jobs):
        return ()
    for routing in islice(ranked(problem, Objective.COST), COMPOSITIONS_LOOKED_AT_MAX):
        composition = _composition(problem, routing, lanes)
        found.setdefault(composition.segments, composition)
        if len(found) == most:
            break
    return tuple(found.values())


def _check_counted(exchange: Exchange, answers: Sequence[Capabilities]) -> None:
    """Refuse operations that somebody could do, but nobody at figures that can be counted."""
    able = {each.inquiry for answer in answers for each in answer.able}
    beyond = {each: answer.site for answer in answers for each in answer.uncounted}
    found = [
        (operation, beyond[name])
        for operation, name in exchange.names.items()
        if name in beyond and name not in able
    ]
    expected = "figures for all pieces together that can be counted"
    if found:
        raise Invalid(
            too_much(operation, "figures", expected, f"larger ones at site {site!r}")
            for operation, site in found
        )


def _check(exchange: Exchange, answers: Sequence[Capabilities]) -> None:
    asked = exchange.asked
    faults = [
        Fault(
            source=each.tenant,
            path=name,
            expected=f"an answer with {name} {wanted!r}",
            found=repr(found),
            hint="Ask this tenant again, or leave its answer out.",
        )
        for each in answers
        for name, wanted, found in (
            ("exchange", asked.exchange, each.exchange),
            ("currency", asked.currency, each.currency),
        )
        if wanted != found
    ]
    if faults:
        raise Invalid(faults)


def negotiate(
    exchange: Exchange,
    composition: Composition,
    ask: Ask,
    *,
    expires_at: Instant,
    time_zones: Mapping[SiteId, str],
) -> Bid | tuple[Declined, ...]:
    """Return the composition with binding quotations, or who declined.

    Segments are asked for from the first to the last, each with the instants at which its
    inputs arrive by the quotations before. No tenant learns of another. Departures of lanes are
    in the time zone of their origin.
    """
    product = exchange.order.product
    made_in = {key: each for each in composition.segments for key in each.operations}
    ready: dict[OperationId, Instant] = {}
    parts: list[BidPart] = []
    carriages: list[Carriage] = []
    for number, segment in enumerate(composition.segments):
        arrivals = []
        for maker, taker in _inputs(product, segment, made_in):
            lane = composition.lanes[maker]
            carriage = _carriage(lane, ready[maker], time_zones[lane.origin])
            carriages.append(carriage)
            arrivals.append((maker, taker, carriage.end))
        request = _request(exchange, segment, number, arrivals, expires_at)
        answer = ask(request)
        if isinstance(answer, Declined):
            return (answer,)
        _check_quotation(request, answer)
        ready[segment.operations[-1]] = answer.ready_at
        names = {exchange.names[each]: each for each in segment.operations}
        parts.append(BidPart(quotation=answer, operations=names))
    return _bid(exchange, parts, carriages)


def _inputs(
    product: ConfiguredProduct, segment: Segment, made_in: Mapping[OperationId, Segment]
) -> list[tuple[OperationId, OperationId]]:
    return [
        (maker, taker)
        for taker in segment.operations
        for maker in product.operation(taker).inputs
        if made_in[maker] is not segment
    ]


def _request(
    exchange: Exchange,
    segment: Segment,
    number: int,
    arrivals: Sequence[tuple[OperationId, OperationId, Instant]],
    expires_at: Instant,
) -> RequestForQuotation:
    names, product = exchange.names, exchange.order.product
    own = set(segment.operations)
    steps = tuple(
        RequestedStep(
            inquiry=exchange.inquiry(each),
            after=tuple(names[i] for i in product.operation(each).inputs if i in own),
        )
        for each in segment.operations
    )
    return RequestForQuotation(
        id=f"{exchange.asked.exchange}/{names[segment.operations[-1]]}/{number}",
        exchange=exchange.asked.exchange,
        site=segment.site,
        currency=exchange.asked.currency,
        steps=steps,
        arrivals=tuple(
            Arrival(piece=names[maker], step=names[taker], at=at) for maker, taker, at in arrivals
        ),
        quantity=exchange.order.quantity,
        wanted_by=exchange.order.due_at,
        expires_at=expires_at,
    )


def _check_quotation(request: RequestForQuotation, found: Quotation) -> None:
    """Refuse a quotation that answers something else: it must not be paid for unseen."""
    pairs = (
        ("request", request.id, found.request),
        ("site", request.site, found.site),
        ("currency", request.currency, found.currency),
    )
    faults = [
        Fault(
            source=found.tenant,
            path=name,
            expected=f"a quotation with {name} {wanted!r}",
            found=repr(value),
            hint="Ask this tenant again, or leave it out.",
        )
        for name, wanted, value in pairs
        if wanted != value
    ]
    if found.price_minor < 0:
        faults.append(
            Fault(
                source=found.tenant,
                path="price_minor",
                expected="a price of 0 or more",
                found=str(found.price_minor),
            )
        )
    if faults:
        raise Invalid(faults)


def _carriage(lane: ShippingLane, ready: Instant, time_zone: str) -> Carriage:
    leaves = departure_after(lane, time_zone, ready)
    return Carriage(
        lane=lane.id,
        carrier=lane.carrier,
        origin=lane.origin,
        destination=lane.destination,
        start=leaves,
        end=Instant(leaves + lane.duration_ns),
        cost_minor=lane.cost_minor,
        energy_j=lane.energy_j,
        co2_kg=lane.co2_kg,
    )


def _bid(exchange: Exchange, parts: list[BidPart], carriages: list[Carriage]) -> Bid:
    made, moved = [each.quotation for each in parts], carriages
    return Bid(
        order=exchange.order.id,
        parts=tuple(parts),
        carriages=tuple(carriages),
        currency=exchange.asked.currency,
        price_minor=sum(q.price_minor for q in made) + sum(c.cost_minor for c in moved),
        ready_at=made[-1].ready_at,
        energy_j=sum(q.energy_j for q in made) + sum(c.energy_j for c in moved),
        co2_kg=sum(q.co2_kg for q in made) + sum(c.co2_kg for c in moved),
        expires_at=min(each.expires_at for each in made),
    )


# -- the market as a planning problem -----------------------------------------------------------


def _problem(
    exchange: Exchange,
    answers: Sequence[Capabilities],
    lanes: Sequence[ShippingLane],
    now: Instant,
) -> Problem:
    """Return the order over sites of which only gate, answers and lanes are known."""
    sites = {each.site: _site(each) for each in answers}
    known = tuple(each for each in lanes if each.origin in sites and each.destination in sites)
    setting = Setting(
        network=Network(sites=sites, lanes=known),
        vocabulary=SkillVocabulary(skills={}),
        kpis={},
        now=now,
        origin=now,
    )
    bare = problem_of(exchange.order.product, setting)
    able: dict[str, list[Candidate]] = {}
    for answer in answers:
        for each in answer.able:
            able.setdefault(each.inquiry, []).append(_candidate(answer.site, each))
    jobs = tuple(_offered(job, exchange, able) for job in bare.jobs)
    return msgspec.structs.replace(bare, jobs=jobs)


def _offered(job: Job, exchange: Exchange, able: Mapping[str, list[Candidate]]) -> Job:
    found = able.get(exchange.names[job.operation.id], [])
    return msgspec.structs.replace(job, candidates=tuple(found), rejected=())


def _site(answer: Capabilities) -> Site:
    """Return what the buyer knows of a site: its gate, and that pieces move about inside."""
    inside = TransportLink(
        origin=GATE,
        destination=GATE,
        by=WorkUnitId(f"{answer.site}:inside"),
        duration_ns=0,
        cost_minor=0,
        energy_j=0.0,
    )
    return Site(
        id=answer.site,
        label=answer.site,
        time_zone="UTC",
        gate=GATE,
        areas={GATE: GATE},
        work_units=(),
        transport=(inside,),
        shifts=(),
        persons=(),
        tariff=Tariff(
            currency=answer.currency,
            energy_minor_per_j=0.0,
            co2_kg_per_j=0.0,
            labour_cost_per_hour_minor=0,
        ),
    )


def _candidate(site: SiteId, able: Capable) -> Candidate:
    unit = WorkUnit(
        id=WorkUnitId(f"{site}:{able.inquiry}"),
        label=site,
        equipment_type=EquipmentTypeId(site),
        site=site,
        area=GATE,
        offers=(),
        cost_per_hour_minor=0,
        power_w=0.0,
    )
    takes = Figures(ticks_of(able.duration_ns), able.price_minor, able.energy_j, able.co2_kg)
    return Candidate(unit, Place(site, GATE, unit.id), takes, ())


def _composition(problem: Problem, routing: Routing, lanes: Sequence[ShippingLane]) -> Composition:
    by_id = {each.id: each for each in lanes}
    site = [
        job.candidates[pick].place.site
        for job, pick in zip(problem.jobs, routing.choice, strict=True)
    ]
    shipped: dict[OperationId, ShippingLane] = {}
    head: dict[int, int] = {}
    for number in reversed(range(len(problem.jobs))):
        job = problem.jobs[number]
        head.setdefault(number, number)
        for source, legs in zip(job.sources, routing.legs[number], strict=True):
            assert source.job is not None, "nothing has begun"
            lane = next((by_id[each.hop.lane] for each in legs if each.hop.lane), None)
            if lane is not None:
                shipped[source.made_by] = lane
            else:
                head[source.job] = head[number]
    groups: dict[int, list[OperationId]] = {}
    for number, job in enumerate(problem.jobs):
        groups.setdefault(head[number], []).append(job.operation.id)
    takes = [
        job.candidates[p].takes.cost for job, p in zip(problem.jobs, routing.choice, strict=True)
    ]
    price = sum(takes) + sum(each.cost_minor for each in shipped.values())
    segments = tuple(Segment(site[key], tuple(groups[key])) for key in sorted(groups))
    return Composition(segments, shipped, price)
