"""Where pieces of a material can come from, for a step at one site, and which of it takes least."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import MaterialId, SiteId
from fabloop.model.plan import Freight, PartTaken
from fabloop.model.product import Material, Purchase
from fabloop.model.site import ShippingLane, Site
from fabloop.model.supply import gives_to
from fabloop.model.timetable import departure_after

STORES_MAX = 10
"""Sites of which all sets are weighed up, for parts that come by lane; of more, those that take
least per piece, and as many others as it takes."""

Takes = tuple[int, float, float]
"""Money, energy and CO2."""


class First(StrEnum):
    """What counts first where one part is chosen among several sources."""

    COST = "cost"
    ENERGY = "energy"
    CO2 = "co2"

    def worth(self, takes: Takes) -> tuple[float, ...]:
        """Return the figures, what counts first in front."""
        cost, energy, co2 = takes
        match self:
            case First.COST:
                return (cost, co2, energy)
            case First.CO2:
                return (co2, cost, energy)
            case First.ENERGY:
                return (energy, cost, co2)


class Source(msgspec.Struct, frozen=True):
    """Pieces that can be at a site from an instant on: all up to `pieces` of one store, or bought.

    A store's pieces count from its first one on. What is bought is never too few.
    """

    there: Instant
    pieces: int = 0
    purchase: Purchase | None = None
    freight: Freight | None = None

    @property
    def origin(self) -> SiteId | None:
        """The site from whose gate it comes; None is the step's own."""
        return None if self.freight is None else self.freight.origin

    def takes(self, pieces: int) -> Takes:
        """Return what so many pieces take."""
        return self.part(MaterialId(""), pieces).takes

    def part(self, material: MaterialId, pieces: int) -> PartTaken:
        """Return so many pieces as a plan tells them."""
        bought = self.purchase
        return PartTaken(
            material=material,
            pieces=pieces,
            supplier="" if bought is None else bought.supplier,
            cost_minor=0 if bought is None else bought.cost_minor * pieces,
            co2_kg=0.0 if bought is None else bought.co2_kg * pieces,
            freight=self.freight,
        )


def sources_at(
    material: Material,
    site: Site,
    inward: Iterable[tuple[ShippingLane, Site]],
    ordered_at: Instant,
    since: Instant,
) -> tuple[Source, ...]:
    """Return the sources of a material for steps at a site; nothing is shipped before `since`.

    `inward` are the lanes to the site, each with its origin.
    """
    found = [Source(at, pieces) for at, pieces in _coming(material, site)]
    found += [
        Source(Instant(ordered_at + each.lead_ns), purchase=each)
        for each in material.supply
        if each.comes_to(site.id)
    ]
    for lane, origin in inward:
        found += _by_lane(material, lane, origin, site, ordered_at, since)
    return tuple(found)


def _coming(material: Material, site: Site) -> Iterator[tuple[Instant, int]]:
    """Yield when the store of the site holds more, and how many pieces in all."""
    held = 0
    for stock in sorted(site.stock, key=lambda each: each.available_at):
        if stock.material == material.id:
            held += stock.quantity
            yield stock.available_at, held


def _by_lane(
    material: Material,
    lane: ShippingLane,
    origin: Site,
    site: Site,
    ordered_at: Instant,
    since: Instant,
) -> Iterator[Source]:
    """Yield what comes by one lane: from the store of its origin, or delivered there only."""
    if gives_to(origin, site):
        for at, pieces in _coming(material, origin):
            freight = _freight(lane, origin, max(at, since))
            yield Source(freight.end, pieces, freight=freight)
    for each in material.supply:
        if each.comes_to(origin.id) and not each.comes_to(site.id):
            freight = _freight(lane, origin, max(Instant(ordered_at + each.lead_ns), since))
            yield Source(freight.end, purchase=each, freight=freight)


def _freight(lane: ShippingLane, origin: Site, ready: Instant) -> Freight:
    start = departure_after(lane, origin.time_zone, ready)
    return Freight(
        origin=origin.id,
        lane=lane.id,
        by=lane.carrier,
        ready=Instant(start - lane.cut_off_ns) if lane.departures else start,
        start=start,
        end=Instant(start + lane.duration_ns),
        cost_minor=lane.cost_minor,
        energy_j=lane.energy_j,
        co2_kg=lane.co2_kg,
    )


Aside = Callable[[SiteId | None], int]
"""How many pieces of a store are not for the step; None is the store of its own site."""


def first_enough(sources: Sequence[Source], pieces: int, aside: Aside) -> Instant | None:
    """Return when so many pieces can be there; None is never."""
    for at in sorted({each.there for each in sources}):
        timely = [each for each in sources if each.there <= at]
        if any(each.purchase is not None for each in timely):
            return at
        held: dict[SiteId | None, int] = {}
        for each in timely:
            left = each.pieces - aside(each.origin)
            held[each.origin] = max(held.get(each.origin, 0), left)
        if sum(held.values()) >= pieces:
            return at
    return None


Chosen = tuple[tuple[Source, int], ...]


def chosen(
    sources: Sequence[Source], pieces: int, aside: Aside, first: First, by: Instant
) -> Chosen | None:
    """Return the sources that are there by then and take least; None where they are too few.

    What the own store has is taken first, since it takes nothing.
    """
    timely = [each for each in sources if each.there <= by]
    own = [each for each in timely if each.purchase is None and each.freight is None]
    held = max((each.pieces for each in own), default=0) - aside(None)
    drawn = min(pieces, max(0, held))
    taken = [(own[-1], drawn)] if drawn else []
    rest = pieces - drawn
    if not rest:
        return tuple(taken)
    bought = [each for each in timely if each.purchase is not None]
    best: tuple[tuple[float, ...], Chosen] | None = None
    for got, shipments in _sets(_stores(timely, rest, aside), rest, first, enough=not bought):
        for last in _lasts(bought, rest - got, first):
            rows = (*shipments, *last)
            if sum(count for _, count in rows) == rest:
                worth = first.worth(_sum(source.takes(count) for source, count in rows))
                if best is None or worth < best[0]:
                    best = worth, rows
    if best is None:
        return None
    early = [(_earliest(each, count, timely, aside), count) for each, count in best[1]]
    return (*taken, *early)


def _stores(timely: Iterable[Source], rest: int, aside: Aside) -> list[list[tuple[Source, int]]]:
    """Return, per other store and lane, the shipment of as many pieces as can help."""
    found: dict[SiteId, dict[str, tuple[Source, int]]] = {}
    for each in timely:
        if each.purchase is not None or each.freight is None:
            continue
        count = min(rest, each.pieces - aside(each.freight.origin))
        row = found.setdefault(each.freight.origin, {})
        known = row.get(each.freight.lane)
        if count > 0 and (known is None or count > known[1]):
            row[each.freight.lane] = each, count
    return [list(row.values()) for row in found.values() if row]


def _sets(
    stores: list[list[tuple[Source, int]]], rest: int, first: First, *, enough: bool
) -> Iterator[tuple[int, Chosen]]:
    """Yield sets of shipments, none of which another one beats in pieces and in what it takes.

    With `enough`, nothing else brings pieces: of many stores, sufficiently many are weighed up.
    """

    def per_piece(row: list[tuple[Source, int]]) -> tuple[float, ...]:
        return min(
            tuple(each / count for each in first.worth(source.takes(count)))
            for source, count in row
        )

    ranked = sorted(stores, key=per_piece)
    size, got = 0, 0
    while size < len(ranked) and (size < STORES_MAX or (enough and got < rest)):
        got += max(count for _, count in ranked[size])
        size += 1
    states: dict[int, tuple[tuple[float, ...], Chosen]] = {0: (first.worth((0, 0.0, 0.0)), ())}
    for row in ranked[:size]:
        for held, (worth, rows) in tuple(states.items()):
            for source, count in row:
                used = min(count, rest - held)
                if used <= 0:
                    continue
                adds = first.worth(source.takes(used))
                total = tuple(a + b for a, b in zip(worth, adds, strict=True))
                known = states.get(held + used)
                if known is None or total < known[0]:
                    states[held + used] = total, (*rows, (source, used))
    return ((held, rows) for held, (_, rows) in sorted(states.items(), reverse=True))


def _lasts(bought: Sequence[Source], rest: int, first: First) -> Iterator[Chosen]:
    """Yield what brings the rest: nothing where there is none, else the best supplier."""
    if rest == 0:
        yield ()
    elif bought:
        yield ((min(bought, key=lambda each: first.worth(each.takes(rest))), rest),)


def _sum(rows: Iterable[Takes]) -> Takes:
    cost, energy, co2 = 0, 0.0, 0.0
    for each in rows:
        cost, energy, co2 = cost + each[0], energy + each[1], co2 + each[2]
    return cost, energy, co2


def _earliest(picked: Source, pieces: int, timely: Sequence[Source], aside: Aside) -> Source:
    """Return the first shipment of the same store and lane by which so many pieces can come."""
    if picked.freight is None or picked.purchase is not None:
        return picked
    alike = (
        each
        for each in timely
        if each.purchase is None
        and each.freight is not None
        and each.freight.lane == picked.freight.lane
        and each.pieces - aside(each.origin) >= pieces
    )
    return min(alike, key=lambda each: each.there)


def least_of(sources: Sequence[Source], pieces: int) -> Takes:
    """Return the least of each figure that the pieces take, whatever their time; 0 is at least.

    Exact for each figure by itself up to `STORES_MAX` stores; beyond, a bound from below.
    """
    if not any(each.freight for each in sources):
        return _least_bought(sources, pieces)
    stores = {each.origin for each in sources if each.freight and each.purchase is None}
    if len(stores) > STORES_MAX:
        cost, energy, co2 = (_relaxed(sources, pieces, place) for place in range(3))
        return int(cost), energy, co2
    late = max(each.there for each in sources)
    found = []
    for place, first in enumerate((First.COST, First.ENERGY, First.CO2)):
        best = chosen(sources, pieces, lambda _: 0, first, late)
        found.append(_sum(source.takes(count) for source, count in best or ())[place])
    return int(found[0]), found[1], found[2]


def _relaxed(sources: Sequence[Source], pieces: int, place: int) -> float:
    """Return what the pieces take at least if each store sent single ones at its least rate."""
    rates: dict[SiteId | None, tuple[float, int]] = {}
    for each in sources:
        held = min(pieces, each.pieces)
        if each.purchase is None and held:
            rate = each.takes(held)[place] / held
            known = rates.get(each.origin, (rate, 0))
            rates[each.origin] = min(rate, known[0]), max(held, known[1])
    bought = [each.takes(pieces)[place] / pieces for each in sources if each.purchase is not None]
    found, rest = 0.0, pieces
    for rate, held in sorted([*rates.values(), *((rate, pieces) for rate in bought)]):
        found += rate * min(rest, held)
        rest -= min(rest, held)
    return found


def _least_bought(sources: Sequence[Source], pieces: int) -> Takes:
    held = max((each.pieces for each in sources if each.purchase is None), default=0)
    rest = max(0, pieces - held)
    offers = [each.takes(1) for each in sources if each.purchase is not None]
    cost = min((each[0] for each in offers), default=0)
    return rest * cost, 0.0, rest * min((each[2] for each in offers), default=0.0)
