"""What a plan ships between sites: work pieces, and parts for kits."""

from collections.abc import Iterator

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import OperationId, SiteId
from fabloop.model.plan import MovementKind, Plan
from fabloop.model.product import ConfiguredProduct


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """Something on its way from the gate of one site to that of another, for an operation."""

    what: str
    origin: SiteId
    destination: SiteId
    by: str
    start: Instant
    end: Instant
    cost_minor: int
    co2_kg: float
    taken_by: OperationId
    frozen: bool = False
    goods: int = 1


def shipped_pieces(plan: Plan, product: ConfiguredProduct) -> Iterator[Shipped]:
    """Yield the shipments of work pieces, in the order of the plan."""
    labels = {each.id: each.label for each in product.materials}
    for leg in plan.movements:
        if leg.kind is MovementKind.SHIPPING:
            output = product.operation(leg.made_by).output
            yield Shipped(
                what=labels.get(output, output),
                origin=leg.origin_site,
                destination=leg.destination_site,
                by=leg.by,
                start=leg.start,
                end=leg.end,
                cost_minor=leg.cost_minor,
                co2_kg=leg.co2_kg,
                taken_by=leg.taken_by,
                frozen=leg.frozen,
                goods=leg.goods,
            )


def shipped_parts(plan: Plan, product: ConfiguredProduct) -> Iterator[Shipped]:
    """Yield the shipments of parts, in the order of the steps that take them."""
    labels = {each.id: each.label for each in product.materials}
    for step in plan.steps:
        for part in step.parts:
            way = part.freight
            if way is not None:
                yield Shipped(
                    what=f"{part.pieces} x {labels.get(part.material, part.material)}",
                    origin=way.origin,
                    destination=step.site,
                    by=way.by,
                    start=way.start,
                    end=way.end,
                    cost_minor=way.cost_minor,
                    co2_kg=way.co2_kg,
                    taken_by=step.operation,
                    frozen=step.frozen,
                )
