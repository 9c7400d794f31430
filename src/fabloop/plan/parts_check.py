"""What steps take from stock and suppliers, for the checker: apart from how plans are made."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation, ReasonCode
from fabloop.model.ids import MaterialId, OperationId, SiteId
from fabloop.model.plan import PartTaken, Plan, PlannedStep
from fabloop.model.product import ConfiguredProduct, Material
from fabloop.model.site import Network
from fabloop.model.supply import gives_to, is_tracked, on_hand, parts_taken
from fabloop.model.timetable import departure_after

CLOSE = 1e-9
"""How far kilograms may be off through float arithmetic, relatively."""

Draws = Mapping[tuple[SiteId, MaterialId], tuple[tuple[Instant, int], ...]]
"""When others take how many pieces of a site's stock."""

Underway = Mapping[OperationId, tuple[SiteId, tuple[PartTaken, ...]]]
"""Per step not begun, parts that have left for it, and where they go."""


def parts_faults(  # the grounds of a check, as far as parts go
    plan: Plan,
    product: ConfiguredProduct,
    network: Network,
    ordered_at: Instant,
    quantity: int,
    drawn: Draws,
    underway: Underway,
) -> Iterator[Explanation]:
    """Yield every step whose parts are not those that it needs, not there, or at other prices."""
    for step in plan.steps:
        if not step.frozen:
            yield from _complete(step, product, network, quantity)
            yield from _bought(step, product, ordered_at)
            gone = underway.get(step.operation, (None, ()))
            for each in step.parts:
                if each.freight is not None:
                    left = gone[0] == step.site and each in gone[1]
                    yield from _brought(step, each, network, None if left else plan.made_at)
    yield from _overdrawn(plan, network, drawn)


def _complete(
    step: PlannedStep, product: ConfiguredProduct, network: Network, quantity: int
) -> Iterator[Explanation]:
    """The pieces are as many as the bill of material says, of each material."""
    materials = {each.id: each for each in product.materials}
    operation = product.operation(step.operation)
    needed: dict[MaterialId, int] = defaultdict(int)
    for part, amount in parts_taken(product, operation, materials):
        if is_tracked(part, network):
            needed[part.id] += amount * quantity
    told: dict[MaterialId, int] = defaultdict(int)
    for each in step.parts:
        told[each.material] += each.pieces
    for name in sorted({*needed, *told}):
        if needed[name] != told[name] or any(each.pieces < 1 for each in step.parts):
            yield _fault(ReasonCode.MATERIAL_MISSING, step, name)


def _bought(
    step: PlannedStep, product: ConfiguredProduct, ordered_at: Instant
) -> Iterator[Explanation]:
    """Who sells it does so at this price, and delivers before the step starts."""
    materials = {each.id: each for each in product.materials}
    for each in step.parts:
        material = materials.get(each.material)
        if material is None:
            continue
        if not each.supplier:
            if each.cost_minor or each.co2_kg:
                yield _fault(ReasonCode.STEP_FIGURE_WRONG, step, each.material)
            continue
        way = each.freight
        at, by = (step.site, step.start) if way is None else (way.origin, way.ready)
        leads = [lead for lead, fits in _terms(each, material, at) if fits]
        if not leads:
            yield _fault(ReasonCode.STEP_FIGURE_WRONG, step, each.material)
        elif by < ordered_at + min(leads):
            yield _fault(ReasonCode.MATERIAL_TOO_LATE, step, each.material)


def _brought(
    step: PlannedStep, part: PartTaken, network: Network, since: Instant | None
) -> Iterator[Explanation]:
    """The lane leads there from a site that gives parts, is met in time, and takes what it takes.

    What had left before is only asked whether it is there in time.
    """
    way = part.freight
    assert way is not None, "asked only of what comes by lane"
    if way.end > step.start:
        yield _fault(ReasonCode.MATERIAL_TOO_LATE, step, part.material)
    if since is None:
        return
    origin = network.sites.get(way.origin)
    lane = next((each for each in network.lanes if each.id == way.lane), None)
    if lane is None or origin is None or (lane.origin, lane.destination) != (origin.id, step.site):
        yield _fault(ReasonCode.MOVEMENT_IMPOSSIBLE, step, part.material)
        return
    if not part.supplier and not gives_to(origin, network.sites[step.site]):
        yield _fault(ReasonCode.MATERIAL_MISSING, step, part.material)
    told = way.by, way.end - way.start, way.cost_minor, way.energy_j, way.co2_kg
    if told != (lane.carrier, lane.duration_ns, lane.cost_minor, lane.energy_j, lane.co2_kg):
        yield _fault(ReasonCode.MOVEMENT_FIGURE_WRONG, step, part.material)
    cut_off = lane.cut_off_ns if lane.departures else 0
    leaves = departure_after(lane, origin.time_zone, way.ready)
    if way.ready < since or leaves != way.start or way.start - way.ready < cut_off:
        yield _fault(ReasonCode.DEPARTURE_MISSED, step, part.material)


def _terms(part: PartTaken, material: Material, site: SiteId) -> Iterator[tuple[int, bool]]:
    """Yield the lead of each delivery there, and whether its price is the one told."""
    for each in material.supply:
        if each.supplier == part.supplier and each.comes_to(site):
            co2 = each.co2_kg * part.pieces
            near = abs(co2 - part.co2_kg) <= CLOSE * max(co2, 1e-9)
            yield each.lead_ns, near and part.cost_minor == each.cost_minor * part.pieces


def _overdrawn(plan: Plan, network: Network, drawn: Draws) -> Iterator[Explanation]:
    """All that is taken until a step starts is in stock by then, what others take included."""
    draws: dict[tuple[SiteId, MaterialId], list[tuple[Instant, int, PlannedStep]]]
    draws = defaultdict(list)
    for step in plan.steps:
        for each in step.parts:
            if not each.supplier:
                site, when = each.drawn(step.site, step.start)
                draws[site, each.material].append((when, each.pieces, step))
    for (site, name), entries in draws.items():
        noun = network.sites.get(site)
        if noun is None:
            continue
        others = drawn.get((site, name), ())
        every = [(at, pieces) for at, pieces, _ in entries] + list(others)
        material = Material(id=name, label=name)
        in_all = sum(each.quantity for each in noun.stock if each.material == name)
        for at, _, step in entries:
            taken = sum(pieces for when, pieces in every if when <= at)
            if not step.frozen and taken > on_hand(material, noun, at):
                much = sum(pieces for _, pieces in every) > in_all
                code = ReasonCode.STOCK_OVERDRAWN if much else ReasonCode.MATERIAL_TOO_LATE
                yield _fault(code, step, name)


def _fault(code: ReasonCode, step: PlannedStep, material: str) -> Explanation:
    details = {"material": material, "site": step.site, "parameter": "parts"}
    return Explanation(code=code, subject=step.operation, details=details)
