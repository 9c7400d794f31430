"""Ways for work pieces: links inside sites, lanes between gates, and the legs they chain into."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeAlias, overload

import msgspec
import numpy as np

from fabloop.base.instant import SECOND
from fabloop.model.ids import AreaId, LaneId, SiteId, WorkUnitId
from fabloop.model.plan import MovementKind
from fabloop.model.site import Network, ShippingLane, Site, TransportLink
from fabloop.plan.statement.layout import Bools, Floats, Ints, Moves

TICK = SECOND
"""Plans are made on whole seconds; every duration is rounded up to them."""

MEASURES_MAX = 64
"""Measures whose movement arrays are kept for one network."""


class Place(msgspec.Struct, frozen=True):
    """Where a work piece is: at a work unit, or at the gate of a site (`unit` is None)."""

    site: SiteId
    area: AreaId
    unit: WorkUnitId | None = None

    @property
    def name(self) -> str:
        """The id by which movements call the place."""
        return self.unit or self.area


class Figures(msgspec.Struct, frozen=True):
    """What something takes: ticks, minor currency units, joules, kilograms of CO2."""

    ticks: int
    cost: int
    energy: float
    co2: float


class FigureColumns(msgspec.Struct, frozen=True, eq=False):
    """Figures of many things, as columns of shape (n,)."""

    ticks: Floats
    cost: Floats
    energy: Floats
    co2: Floats

    def row(self, number: int) -> Figures:
        """Return the figures of one of them."""
        return Figures(
            int(self.ticks[number]),
            int(self.cost[number]),
            float(self.energy[number]),
            float(self.co2[number]),
        )

    def kept(self, rows: Bools | Ints) -> "FigureColumns":
        """Return the figures of some of them."""
        columns = (self.ticks, self.cost, self.energy, self.co2)
        return FigureColumns(*(column[rows] for column in columns))

    def joined(self, other: "FigureColumns") -> "FigureColumns":
        """Return these figures and then the others."""
        ours = (self.ticks, self.cost, self.energy, self.co2)
        theirs = (other.ticks, other.cost, other.energy, other.co2)
        return FigureColumns(*(np.concatenate(pair) for pair in zip(ours, theirs, strict=True)))


class Hop(msgspec.Struct, frozen=True):
    """One leg without its end points' names: by whom, over which lane, and what it takes.

    That is what one good takes by itself, which could share it with others up to `goods_max`.
    """

    kind: MovementKind
    by: str
    takes: Figures
    lane: LaneId | None = None
    goods_max: int = 1


class Leg(msgspec.Struct, frozen=True):
    """A hop from one place to another.

    `others` are hops of other vehicles that may take its place: what they take counts as much for
    what the leg was chosen by.
    """

    hop: Hop
    origin: Place
    destination: Place
    others: tuple[Hop, ...] = ()

    @property
    def pool(self) -> tuple[Hop, ...]:
        """All hops of which one carries the leg out."""
        return (self.hop, *self.others)

    @property
    def ticks_least(self) -> int:
        """The ticks of the fastest of them."""
        return min(hop.takes.ticks for hop in self.pool)

    def by(self, hop: Hop) -> "Leg":
        """Return the leg carried out by another hop of the pool."""
        if hop == self.hop:
            return self
        rest = tuple(each for each in self.pool if each != hop)
        return Leg(hop, self.origin, self.destination, rest)


class Weights(msgspec.Struct, frozen=True):
    """A non-negative weighted sum of figures, the measure of one solve."""

    ticks: float = 0.0
    cost: float = 0.0
    energy: float = 0.0
    co2: float = 0.0

    @overload
    def of(self, takes: Figures) -> float: ...
    @overload
    def of(self, takes: "FigureColumns") -> Floats: ...
    def of(self, takes: "Figures | FigureColumns") -> float | Floats:
        """Return the weighted sum, of columns the one of each row."""
        return (
            self.ticks * takes.ticks
            + self.cost * takes.cost
            + self.energy * takes.energy
            + self.co2 * takes.co2
        )


class Roads(msgspec.Struct, frozen=True, eq=False):
    """All hops of a network; `areas` gives each site's areas in a fixed order.

    Sites, and areas within their site, are numbered in the order of `areas`.
    """

    gates: dict[SiteId, AreaId]
    areas: dict[SiteId, tuple[AreaId, ...]]
    links: dict[tuple[SiteId, AreaId, AreaId], tuple[Hop, ...]]
    lanes: dict[tuple[SiteId, SiteId], tuple[Hop, ...]]
    timed: frozenset[LaneId] = frozenset()
    """Lanes that leave at certain times only."""
    _tables: "list[_Hops]" = []
    _moves: dict[Weights, Moves] = {}
    _before: "list[Roads]" = []

    @property
    def shares(self) -> bool:
        """Whether goods could share a shipment on some lane."""
        return any(hop.goods_max > 1 for hops in self.lanes.values() for hop in hops)

    def full(self) -> "Roads":
        """Return the roads where each good pays its part of a full shipment: a bound for all."""
        lanes = {key: tuple(_full(hop) for hop in hops) for key, hops in self.lanes.items()}
        return msgspec.structs.replace(self, lanes=lanes, _tables=[], _moves={})

    @property
    def ticks_max(self) -> int:
        """The longest hop."""
        table = self.hops()
        return int(max(table.link.ticks.max(initial=0), table.lane.ticks.max(initial=0)))

    def moves(self, weights: Weights) -> Moves:
        """Return the movement arrays; of parallel hops the best one under `weights` counts."""
        if weights not in self._moves:
            if len(self._moves) >= MEASURES_MAX:
                self._moves.clear()
            moves = self.hops().moves(weights)
            for before in self._before:
                moves = before.moves(weights).with_lanes(moves.lane)
            self._moves[weights] = moves
        return self._moves[weights]

    def hops(self) -> "_Hops":
        """Return all hops as columns."""
        if not self._tables:
            self._tables.append(_hops_of(self))
        return self._tables[0]

    def take_over(self, before: "Roads", sites: Collection[SiteId]) -> None:
        """Use the columns of roads that differ by lanes and inside these sites alone."""
        self._tables.append(_hops_again(self, before.hops(), sites))
        if not sites:
            self._before.append(before)

    def route(self, origin: Place, destination: Place, weights: Weights) -> tuple[Leg, ...] | None:
        """Return the best legs under `weights`; none are needed at one work unit.

        Inside a site one link joins the two areas. Between sites a link leads to the gate (where
        the work unit is not there already), a lane to the other gate, a link to the work unit.
        None means that the work piece cannot get there.
        """
        if origin.unit is not None and origin.unit == destination.unit:
            return ()
        if origin.site == destination.site:
            return self._inside(origin, destination, weights)
        leave = Place(origin.site, self.gates[origin.site])
        arrive = Place(destination.site, self.gates[destination.site])
        out = self._to_gate(origin, leave, weights)
        into = self._to_gate(arrive, destination, weights)
        lane = _best(self.lanes.get((origin.site, destination.site), ()), weights)
        if out is None or into is None or lane is None:
            return None
        leave = out[-1].destination if out else origin
        arrive = into[0].origin if into else destination
        return (*out, Leg(lane, leave, arrive), *into)

    def _inside(
        self, origin: Place, destination: Place, weights: Weights
    ) -> tuple[Leg, ...] | None:
        if origin.unit is None and origin.area == destination.area:
            return ()
        hops = self.links.get((origin.site, origin.area, destination.area), ())
        hop = _best(hops, weights)
        if hop is None:
            return None
        return (Leg(hop, origin, destination, _stand_ins(hop, hops, weights)),)

    def leg(self, hop: Hop, origin: Place, destination: Place) -> Leg:
        """Return the leg of a hop, with the vehicles that take exactly as much."""
        hops = self.links.get((origin.site, origin.area, destination.area), ())
        if hop.lane is not None or len(hops) < 2:
            return Leg(hop, origin, destination)
        return Leg(hop, origin, destination, _stand_ins(hop, hops, Weights()))

    def without(self, vehicles: Collection[WorkUnitId]) -> "Roads":
        """Return the roads that are left where some vehicles cannot be had."""
        gone = set(vehicles)
        if not any(hop.by in gone for hops in self.links.values() for hop in hops):
            return self
        links = {
            key: tuple(hop for hop in hops if hop.by not in gone)
            for key, hops in self.links.items()
        }
        left = {key: hops for key, hops in links.items() if hops}
        return msgspec.structs.replace(self, links=left, _tables=[], _moves={}, _before=[])

    def _to_gate(
        self, origin: Place, destination: Place, weights: Weights
    ) -> tuple[Leg, ...] | None:
        if origin.area == destination.area:
            return ()
        return self._inside(origin, destination, weights)


class _Hops(msgspec.Struct, frozen=True, eq=False):
    """All hops as columns, with the numbers of what they join.

    Attributes
    ----------
    link_at : int64, shape (3, links): site, origin's area, destination's area
    lane_at : int64, shape (2, lanes): origin, destination
    gate : int64, shape (sites,)
    """

    areas: int
    gate: Ints
    link_at: Ints
    link: FigureColumns
    lane_at: Ints
    lane: FigureColumns

    def moves(self, weights: Weights) -> Moves:
        """Return the movement arrays under one measure."""
        sites = len(self.gate)
        link = np.full((sites, self.areas, self.areas), np.inf)
        np.minimum.at(link, tuple(self.link_at), weights.of(self.link))
        lane = np.full((sites, sites), np.inf)
        np.minimum.at(lane, tuple(self.lane_at), weights.of(self.lane))
        here = np.arange(sites)
        out, into = link[here, :, self.gate], link[here, self.gate, :]
        out[here, self.gate] = into[here, self.gate] = 0.0
        return Moves(link, out, into, lane)


def _hops_of(roads: Roads) -> _Hops:
    site = {each: number for number, each in enumerate(roads.areas)}
    area = {each: _numbered(areas) for each, areas in roads.areas.items()}
    links = [
        ((site[at], area[at][origin], area[at][destination]), hop.takes)
        for (at, origin, destination), hops in roads.links.items()
        for hop in hops
    ]
    lanes = [
        ((site[origin], site[destination]), hop.takes)
        for (origin, destination), hops in roads.lanes.items()
        for hop in hops
    ]
    return _Hops(
        areas=max((len(each) for each in roads.areas.values()), default=0),
        gate=np.array([area[each][gate] for each, gate in roads.gates.items()], dtype=np.int64),
        link_at=np.array([at for at, _ in links], dtype=np.int64).reshape(-1, 3).T,
        link=figure_columns([takes for _, takes in links]),
        lane_at=np.array([at for at, _ in lanes], dtype=np.int64).reshape(-1, 2).T,
        lane=figure_columns([takes for _, takes in lanes]),
    )


def _numbered(areas: tuple[AreaId, ...]) -> dict[AreaId, int]:
    return {each: number for number, each in enumerate(areas)}


def _full(hop: Hop) -> Hop:
    most, takes = hop.goods_max, hop.takes
    return Hop(
        hop.kind,
        hop.by,
        Figures(takes.ticks, takes.cost // most, takes.energy / most, takes.co2 / most),
        hop.lane,
    )


def figure_columns(figures: Sequence[Figures]) -> FigureColumns:
    """Return the figures as columns."""
    return FigureColumns(
        np.array([each.ticks for each in figures], dtype=np.float64),
        np.array([each.cost for each in figures], dtype=np.float64),
        np.array([each.energy for each in figures], dtype=np.float64),
        np.array([each.co2 for each in figures], dtype=np.float64),
    )


def _best(hops: tuple[Hop, ...], weights: Weights) -> Hop | None:
    return min(hops, key=lambda hop: (weights.of(hop.takes), hop.takes.cost), default=None)


def _stand_ins(best: Hop, hops: Sequence[Hop], weights: Weights) -> tuple[Hop, ...]:
    """Return which hops of other vehicles may take the place of the best one, one of each.

    Where time alone counts all may: to wait for the fastest could take longer. Else they take the
    same money, energy and CO2; without weights exactly the same.
    """
    if len(hops) == 1:
        return ()
    in_time = weights.ticks > 0.0 and not (weights.cost or weights.energy or weights.co2)
    found: dict[str, Hop] = {best.by: best}
    for hop in sorted(hops, key=lambda each: (weights.of(each.takes), each.takes.cost)):
        if hop.by not in found and (in_time or _alike(hop.takes, best.takes, weights)):
            found[hop.by] = hop
    return tuple(hop for hop in found.values() if hop is not best)


def _alike(one: Figures, other: Figures, weights: Weights) -> bool:
    sums = (one.cost, one.energy, one.co2) == (other.cost, other.energy, other.co2)
    return sums and (weights != Weights() or one.ticks == other.ticks)


def ticks_of(duration_ns: float) -> int:
    """Return whole ticks, rounded up; a microsecond of float noise does not make a tick."""
    return max(0, -int(-(duration_ns - 1_000.0) // TICK))


def roads_of(network: Network) -> Roads:
    """Return every hop of the network; lanes from a site to itself are left out.

    Costs of links and lanes are all-in; a link's CO2 is its energy times the site's grid factor.
    """
    return _roads(network, _links(network.sites.values()))


def roads_again(network: Network, before: Network, roads: Roads) -> Roads:
    """Return the roads of a network made from another one; sites that are the same keep theirs."""
    new = {key: site for key, site in network.sites.items() if before.sites.get(key) is not site}
    links = roads.links
    if new:
        links = {key: hops for key, hops in links.items() if key[0] not in new}
        links |= _links(new.values())
    again = _roads(network, links)
    if again.areas == roads.areas and again.gates == roads.gates:
        again.take_over(roads, new)
    return again


def _hops_again(roads: Roads, before: "_Hops", sites: Collection[SiteId]) -> "_Hops":
    """Return the columns of all hops, with links inside some of the sites made anew."""
    part = {key: hops for key, hops in roads.links.items() if key[0] in sites} if sites else {}
    made = _hops_of(msgspec.structs.replace(roads, links=part, _tables=[], _moves={}, _before=[]))
    numbers = [number for number, site in enumerate(roads.areas) if site in sites]
    kept = ~np.isin(before.link_at[0], numbers)
    return msgspec.structs.replace(
        made,
        link_at=np.concatenate((before.link_at[:, kept], made.link_at), axis=1),
        link=before.link.kept(kept).joined(made.link),
    )


Links: TypeAlias = dict[tuple[SiteId, AreaId, AreaId], tuple[Hop, ...]]


def _links(sites: Iterable[Site]) -> Links:
    links: dict[tuple[SiteId, AreaId, AreaId], list[Hop]] = {}
    for site in sites:
        for link in site.transport:
            for origin, destination in directions(link):
                key = (site.id, origin, destination)
                links.setdefault(key, []).append(_link_hop(link, site))
    return {key: tuple(hops) for key, hops in links.items()}


def _roads(network: Network, links: Links) -> Roads:
    lanes: dict[tuple[SiteId, SiteId], list[Hop]] = {}
    for lane in network.lanes:
        if lane.origin != lane.destination:
            lanes.setdefault((lane.origin, lane.destination), []).append(_lane_hop(lane))
    return Roads(
        gates={site.id: site.gate for site in network.sites.values()},
        areas={site.id: areas_of(site) for site in network.sites.values()},
        links=links,
        lanes={key: tuple(hops) for key, hops in lanes.items()},
        timed=frozenset(lane.id for lane in network.lanes if lane.departures),
    )


def directions(link: TransportLink) -> Iterator[tuple[AreaId, AreaId]]:
    """Yield origin and destination of each direction that the link leads in."""
    yield link.origin, link.destination
    if link.origin != link.destination and not link.one_way:
        yield link.destination, link.origin


def areas_of(site: Site) -> tuple[AreaId, ...]:
    """Return the areas of a site in their fixed order."""
    named = [*site.areas, site.gate, *(unit.area for unit in site.work_units)]
    return tuple(dict.fromkeys(named))


def _link_hop(link: TransportLink, site: Site) -> Hop:
    takes = Figures(
        ticks_of(link.duration_ns),
        link.cost_minor,
        link.energy_j,
        link.energy_j * site.tariff.co2_kg_per_j,
    )
    return Hop(MovementKind.TRANSPORT, link.by, takes)


def _lane_hop(lane: ShippingLane) -> Hop:
    takes = Figures(ticks_of(lane.duration_ns), lane.cost_minor, lane.energy_j, lane.co2_kg)
    return Hop(MovementKind.SHIPPING, lane.carrier, takes, lane.id, lane.goods_max)
