"""Parts that steps take: from stock, the rest bought from the cheapest supplier in time."""

from collections.abc import Mapping

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import MaterialId, OperationId, SiteId
from fabloop.model.plan import PartTaken
from fabloop.model.product import ConfiguredProduct, Material, Purchase
from fabloop.model.routing import Exclusion
from fabloop.model.site import Network, Site
from fabloop.model.supply import is_tracked, on_hand, parts_taken, there_at

Claims = Mapping[tuple[SiteId, MaterialId], int]
"""Pieces of a site's stock that somebody else takes."""


class Need(msgspec.Struct, frozen=True):
    """So many pieces of a material; other operations of the product may take `before` first."""

    material: Material
    pieces: int
    before: int


class Materials(msgspec.Struct, frozen=True, eq=False):
    """What each operation takes of materials of which stock or deliveries are known.

    Stock is shared out in the order of the operations, what others claim set aside, as if all
    of them drew on the same site: whichever sites are chosen, nothing is drawn twice.
    """

    needs: dict[OperationId, tuple[Need, ...]]
    sites: Mapping[SiteId, Site]
    claimed: Claims
    ordered_at: Instant

    def before(self, need: Need, site: SiteId) -> int:
        """Return how many pieces of the site's stock are not for this operation."""
        return need.before + self.claimed.get((site, need.material.id), 0)

    def taken(
        self, operation: OperationId, site: SiteId, start: Instant, *, by_co2: bool = False
    ) -> tuple[PartTaken, ...]:
        """Return what a step that starts then takes; what comes later is bought where it can be."""
        found: list[PartTaken] = []
        for need in self.needs.get(operation, ()):
            material = need.material
            held = on_hand(material, self.sites[site], start) - self.before(need, site)
            drawn = min(need.pieces, max(0, held))
            rest = need.pieces - drawn
            best = _best(material, start - self.ordered_at, by_co2=by_co2) if rest else None
            if rest and best is None:
                drawn, rest = need.pieces, 0
            if drawn:
                found.append(PartTaken(material=material.id, pieces=drawn))
            if best is not None:
                found.append(bought(material, best, rest))
        return tuple(found)

    def least(self, operation: OperationId, site: SiteId) -> tuple[int, float]:
        """Return the least money and CO2 that the parts take there, whenever the step starts."""
        cost, co2 = 0, 0.0
        for need in self.needs.get(operation, ()):
            material = need.material
            held = sum(s.quantity for s in self.sites[site].stock if s.material == material.id)
            rest = max(0, need.pieces - held)
            cost += rest * min((each.cost_minor for each in material.supply), default=0)
            co2 += rest * min((each.co2_kg for each in material.supply), default=0.0)
        return cost, co2

    def turns(self, operation: OperationId, site: SiteId) -> list[Instant]:
        """Return the instants at which other parts can be had there."""
        found: list[Instant] = []
        for need in self.needs.get(operation, ()):
            stock = self.sites[site].stock
            found += [s.available_at for s in stock if s.material == need.material.id]
            found += [Instant(self.ordered_at + each.lead_ns) for each in need.material.supply]
        return found

    def is_short(self) -> bool:
        """Tell whether sharing out stock keeps an operation from a site that it could do alone."""
        return any(
            need.before
            and there_at(need.material, site, need.pieces, self.ordered_at) is not None
            and there_at(
                need.material, site, need.pieces, self.ordered_at, self.before(need, site.id)
            )
            is None
            for needs in self.needs.values()
            for need in needs
            for site in self.sites.values()
        )


def _best(material: Material, within_ns: int, *, by_co2: bool) -> Purchase | None:
    """Return the supplier that takes least of those in time; the fastest one if none is."""
    if not material.supply:
        return None
    timely = [each for each in material.supply if each.lead_ns <= within_ns]
    if not timely:
        return min(material.supply, key=lambda each: each.lead_ns)

    def takes(each: Purchase) -> tuple[float, float]:
        worth = float(each.cost_minor), each.co2_kg
        return worth[::-1] if by_co2 else worth

    return min(timely, key=takes)


def bought(material: Material, purchase: Purchase, pieces: int) -> PartTaken:
    """Return so many pieces from a supplier."""
    return PartTaken(
        material=material.id,
        pieces=pieces,
        supplier=purchase.supplier,
        cost_minor=purchase.cost_minor * pieces,
        co2_kg=purchase.co2_kg * pieces,
    )


def materials_of(
    product: ConfiguredProduct,
    network: Network,
    ordered_at: Instant,
    quantity: int,
    claimed: Claims,
) -> Materials | None:
    """Return what the operations take; None where nothing is known of any of it."""
    materials = {each.id: each for each in product.materials}
    tracked = {key for key, each in materials.items() if is_tracked(each, network)}
    exclusion = Exclusion(product.alternatives)
    needs: dict[OperationId, tuple[Need, ...]] = {}
    for operation in product.operations if tracked else ():
        mine: list[Need] = []
        for part, amount in parts_taken(product, operation, materials):
            if part.id in tracked:
                before = sum(
                    each.pieces
                    for other, row in needs.items()
                    for each in row
                    if each.material.id == part.id and not exclusion.between(other, operation.id)
                )
                mine.append(Need(part, amount * quantity, before))
        if mine:
            needs[operation.id] = tuple(mine)
    return Materials(needs, network.sites, claimed, ordered_at) if needs else None
