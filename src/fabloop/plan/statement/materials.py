"""Parts that steps take: from stock here or elsewhere, the rest bought, at least cost in time."""

from collections.abc import Mapping

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import MaterialId, OperationId, SiteId
from fabloop.model.plan import PartTaken
from fabloop.model.product import ConfiguredProduct, Material
from fabloop.model.routing import Exclusion
from fabloop.model.site import Network, ShippingLane, Site
from fabloop.model.supply import is_tracked, parts_taken
from fabloop.plan.statement.sources import (
    Aside,
    First,
    Source,
    Takes,
    chosen,
    first_enough,
    least_of,
    sources_at,
)

Claims = Mapping[tuple[SiteId, MaterialId], int]
"""Pieces of a site's stock that somebody else takes."""

Underway = Mapping[OperationId, tuple[SiteId, tuple[PartTaken, ...]]]
"""Per operation that has not begun, parts that have left for it, and where they go."""

NEVER_AT = Instant(2**62)


class Need(msgspec.Struct, frozen=True):
    """So many pieces of a material; other operations of the product may take `before` first."""

    material: Material
    pieces: int
    before: int


class Materials(msgspec.Struct, frozen=True, eq=False):
    """What each operation takes of materials of which stock or deliveries are known.

    Stock is shared out in the order of the operations, what others claim set aside, as if all
    of them drew on the same site: whichever sites are chosen, nothing is drawn twice. Nothing
    is shipped before `since`; what is underway is used where it goes.
    """

    needs: dict[OperationId, tuple[Need, ...]]
    network: Network
    claimed: Claims
    ordered_at: Instant
    since: Instant
    underway: Underway = {}
    inward: Mapping[SiteId, tuple[tuple[ShippingLane, Site], ...]] = {}
    _sources: dict[tuple[MaterialId, SiteId], tuple[Source, ...]] = {}
    _least: dict[tuple[OperationId, SiteId], Takes] = {}

    def before(self, need: Need, site: SiteId) -> int:
        """Return how many pieces of the site's stock are not for this operation."""
        return need.before + self.claimed.get((site, need.material.id), 0)

    def taken(
        self, operation: OperationId, site: SiteId, start: Instant, first: First = First.COST
    ) -> tuple[PartTaken, ...]:
        """Return what a step that starts then takes; what comes later is bought where it can be."""
        found: list[PartTaken] = []
        for need in self.needs.get(operation, ()):
            name = need.material.id
            coming = self._coming(operation, site, name)
            rest = need.pieces - sum(each.pieces for each in coming)
            found += coming
            if rest:
                sources, aside = self.sources(need.material, site), self._aside(need, site)
                picked = chosen(sources, rest, aside, first, start)
                if picked is None:
                    picked = chosen(sources, rest, aside, first, NEVER_AT)
                if picked is None:
                    picked = ((Source(start), rest),)
                found += [source.part(name, count) for source, count in picked]
        return tuple(found)

    def least(self, operation: OperationId, site: SiteId) -> Takes:
        """Return the least money, energy and CO2 that the parts take, whenever the step starts."""
        if (operation, site) not in self._least:
            cost, energy, co2 = 0, 0.0, 0.0
            for need in self.needs.get(operation, ()):
                coming = self._coming(operation, site, need.material.id)
                rest = need.pieces - sum(each.pieces for each in coming)
                takes = [each.takes for each in coming]
                if rest:
                    takes.append(least_of(self.sources(need.material, site), rest))
                for each in takes:
                    cost, energy, co2 = cost + each[0], energy + each[1], co2 + each[2]
            self._least[operation, site] = cost, energy, co2
        return self._least[operation, site]

    def there(self, operation: OperationId, site: SiteId, need: Need) -> Instant | None:
        """Return from when on a step there can have what it needs of a material; None is never."""
        return self._there(operation, site, need, self._aside(need, site))

    def turns(self, operation: OperationId, site: SiteId) -> list[Instant]:
        """Return the instants at which other parts can be had there."""
        return [
            each.there
            for need in self.needs.get(operation, ())
            for each in self.sources(need.material, site)
        ]

    def is_short(self) -> bool:
        """Tell whether sharing out stock keeps an operation from a site that it could do alone."""
        return any(
            need.before
            and self._there(operation, site, need, lambda _: 0) is not None
            and self.there(operation, site, need) is None
            for operation, needs in self.needs.items()
            for need in needs
            for site in self.network.sites
        )

    def sources(self, material: Material, site: SiteId) -> tuple[Source, ...]:
        """Return where a material can come from, for steps at the site."""
        key = material.id, site
        if key not in self._sources:
            noun = self.network.sites[site]
            self._sources[key] = sources_at(
                material, noun, self.inward.get(site, ()), self.ordered_at, self.since
            )
        return self._sources[key]

    def _there(
        self, operation: OperationId, site: SiteId, need: Need, aside: Aside
    ) -> Instant | None:
        coming = self._coming(operation, site, need.material.id)
        rest = need.pieces - sum(each.pieces for each in coming)
        ends = [each.freight.end for each in coming if each.freight is not None]
        if rest:
            found = first_enough(self.sources(need.material, site), rest, aside)
            if found is None:
                return None
            ends.append(found)
        return max([self.ordered_at, *ends])

    def _coming(self, operation: OperationId, site: SiteId, name: MaterialId) -> list[PartTaken]:
        """Return what has left for the operation, if it goes to this site."""
        where, parts = self.underway.get(operation, (None, ()))
        return [each for each in parts if each.material == name] if where == site else []

    def _aside(self, need: Need, site: SiteId) -> Aside:
        return lambda origin: self.before(need, site if origin is None else origin)


def materials_of(
    product: ConfiguredProduct,
    network: Network,
    quantity: int,
    *,
    ordered_at: Instant,
    since: Instant,
    claimed: Claims,
    underway: Underway,
) -> Materials | None:
    """Return what the operations take; None where nothing is known of any of it.

    Operations for which parts have left come last where stock is shared out.
    """
    materials = {each.id: each for each in product.materials}
    tracked = {key for key, each in materials.items() if is_tracked(each, network)}
    exclusion = Exclusion(product.alternatives)
    needs: dict[OperationId, tuple[Need, ...]] = {}
    order = sorted(product.operations, key=lambda each: each.id in underway)
    for operation in order if tracked else ():
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
    if not needs:
        return None
    return Materials(needs, network, claimed, ordered_at, since, underway, _inward(network))


def _inward(network: Network) -> dict[SiteId, tuple[tuple[ShippingLane, Site], ...]]:
    """Return, per site, the lanes that lead to it from another one."""
    found: dict[SiteId, list[tuple[ShippingLane, Site]]] = {}
    for lane in network.lanes:
        if lane.origin in network.sites and lane.origin != lane.destination:
            row = found.setdefault(lane.destination, [])
            row.append((lane, network.sites[lane.origin]))
    return {key: tuple(row) for key, row in found.items()}
