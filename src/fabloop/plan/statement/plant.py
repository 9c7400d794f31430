"""A network made ready for planning: offers, work units and ways as arrays.

It is made once per network and follows KPI values; every product is stated against it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np

from fabloop.base.instant import HOUR, Instant
from fabloop.model.calendar import Spans
from fabloop.model.explanation import Explanation
from fabloop.model.ids import KpiId, PersonId, SiteId, SkillId, WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.model.product import Operation
from fabloop.model.site import Network, Tariff, WorkUnit
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.statement.bands import Bands
from fabloop.plan.statement.crews import Crew, crews_of
from fabloop.plan.statement.grid import grid_of
from fabloop.plan.statement.layout import Bools, Floats, Ints, Layout, Spots
from fabloop.plan.statement.open_bands import OpenBands
from fabloop.plan.statement.opening import CALENDAR_AHEAD, Opening, opening_of, opens_after
from fabloop.plan.statement.roads import TICK, FigureColumns, Hop, Place, Roads, areas_of, roads_of
from fabloop.services.matching import match_person, missing_tools
from fabloop.services.offers import OfferIndex

CREWS_MAX = 4_096
"""Sites at instants whose crews are kept."""


class Plant:
    """A network, its vocabulary and its live condition; work units go by number.

    `ahead` is how far calendars are read.
    """

    def __init__(
        self,
        network: Network,
        vocabulary: SkillVocabulary,
        kpis: Mapping[tuple[WorkUnitId, KpiId], KpiValue],
    ) -> None:
        self.network = network
        self.vocabulary = vocabulary
        self.ahead = CALENDAR_AHEAD
        self.offers = OfferIndex(network, vocabulary, kpis)
        self.units = self.offers.units
        self.grid = grid_of(
            {site.id: areas_of(site) for site in network.sites.values()},
            [each.id for each in self.units],
        )
        self.site = _ints(self.grid.site[each.site] for each in self.units)
        self.area = _ints(self.grid.area[each.site, each.area] for each in self.units)
        self.site_units = _spans(len(site.work_units) for site in network.sites.values())
        self._layouts: dict[tuple[SkillId, tuple[int, ...]], tuple[Ints, Layout]] = {}
        self._persons: dict[SkillId, Bools] = {}
        self._tools: dict[str, Bools] = {}
        self._opening: tuple[Instant, Instant, Opening, Floats] | None = None
        self._open_roads: tuple[Opening, Roads] | None = None
        self._bands: dict[int, Bands] | None = None
        self._open_bands: dict[tuple[int, int, Instant], tuple[Spans, OpenBands]] = {}
        self._crews: dict[tuple[SiteId, Instant, Instant], tuple[Crew, ...]] = {}

    @cached_property
    def roads(self) -> Roads:
        """All hops; made when something is to be moved for the first time."""
        return roads_of(self.network)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Where the work units stand."""
        return tuple(Place(each.site, each.area, each.id) for each in self.units)

    @cached_property
    def _rates(self) -> "_Rates":
        return _Rates(self.units, [site.tariff for site in self.offers.sites])

    def is_of(self, network: Network, vocabulary: SkillVocabulary) -> bool:
        """Tell whether this is what was made of exactly these documents."""
        return self.network is network and self.vocabulary is vocabulary

    def of(self, network: Network) -> "Plant":
        """Return the same for a network that has become another one; what is alike is shared.

        KPI values that one of the two follows, the other one follows, too.
        """
        if network is self.network:
            return self
        if not _stands_alike(self.network, network):
            return Plant(network, self.vocabulary, self.offers.kpis)
        plant = copy(self)
        plant.network, plant.offers = network, self.offers.of(network)
        plant.__dict__.update(
            _persons={},
            _tools={},
            _opening=None,
            _open_roads=None,
            _bands=None,
            _open_bands={},
            _crews={},
        )
        plant.__dict__.pop("_rates", None)
        if not _joined_alike(self.network, network):
            plant.__dict__.pop("roads", None)
        return plant

    def _layout(self, skill: SkillId, others: tuple[int, ...]) -> tuple[Ints, Layout]:
        if (skill, others) not in self._layouts:
            units = np.union1d(self.offers.skilled(skill), np.array(others, dtype=np.int64))
            layout = Layout(self.site[units], self.area[units], units)
            self._layouts[skill, others] = units, layout
        return self._layouts[skill, others]

    def spots(self, skill: SkillId, units: Ints, others: tuple[int, ...] = ()) -> Spots:
        """Return the places of work units that offer the skill, and of some others."""
        everyone, layout = self._layout(skill, others)
        at = np.searchsorted(everyone, units)
        return Spots(
            self.site[units], self.area[units], units, layout, layout.slot[at], layout.cell[at]
        )

    def staffed(self, skill: SkillId) -> Bools:
        """Return which work units stand where a person has the skill."""
        if skill not in self._persons:
            found = {
                site.id: not isinstance(self.person(site.id, skill), Explanation)
                for site in self.network.sites.values()
            }
            self._persons[skill] = np.array([found[each.site] for each in self.units], np.bool_)
        return self._persons[skill]

    def tooled(self, kind: str) -> Bools:
        """Return which work units stand where a tool of the kind fits them."""
        if kind not in self._tools:
            lacks = [
                bool(missing_tools((kind,), unit, site, SkillId("")))
                for unit, site in zip(self.units, self.offers.sites, strict=True)
            ]
            self._tools[kind] = ~np.array(lacks, dtype=np.bool_)
        return self._tools[kind]

    def opening(self, since: Instant) -> Opening:
        """Return when the work units are closed from an instant on."""
        return self._opened(since)[2]

    def open_long_enough(self, units: Ints, efforts: FigureColumns, since: Instant) -> Bools:
        """Return which work units are open once for as long as an operation takes there."""
        _, _, opening, longest = self._opened(since)
        if not opening.closed:
            return np.ones(len(units), dtype=np.bool_)
        return np.asarray(efforts.ticks * TICK <= longest[units])

    def open_roads(self, since: Instant) -> Roads:
        """Return the hops without those by work units that are never open for as long."""
        opening = self.opening(since)
        if not opening.closed:
            return self.roads
        if self._open_roads is None or self._open_roads[0] is not opening:
            self._open_roads = opening, self._passable(since)
        return self._open_roads[1]

    def is_open_for(self, unit: WorkUnitId, duration_ns: int, since: Instant) -> bool:
        """Tell whether a work unit is open once for so long, or may be after what was read."""
        longest = self.opening(since).longest.get(unit)
        if longest is None or duration_ns <= longest:
            return True
        return opens_after((unit,), self.network, Instant(since + self.ahead))

    def _passable(self, since: Instant) -> Roads:
        def passable(hop: Hop) -> bool:
            return self.is_open_for(WorkUnitId(hop.by), hop.takes.ticks * TICK, since)

        links = {
            key: tuple(each for each in hops if passable(each))
            for key, hops in self.roads.links.items()
        }
        if links == self.roads.links:
            return self.roads
        found = {key: hops for key, hops in links.items() if hops}
        return Roads(self.roads.gates, self.roads.areas, found, self.roads.lanes, self.roads.timed)

    def _opened(self, since: Instant) -> tuple[Instant, Instant, Opening, Floats]:
        until = Instant(since + self.ahead)
        if self._opening is None or self._opening[:2] != (since, until):
            opening = opening_of(self.network, since, until)
            longest = opening.longest_of(each.id for each in self.units)
            self._open_bands.clear()
            self._opening = since, until, opening, longest
        return self._opening

    def crews(self, site: SiteId, origin: Instant, until: Instant) -> tuple[Crew, ...]:
        """Return the crews of a site, with who is there between the instants."""
        key = (site, origin, until)
        if key not in self._crews:
            if len(self._crews) >= CREWS_MAX:
                self._crews.clear()
            self._crews[key] = crews_of(self.network.sites[site], origin, until)
        return self._crews[key]

    def person(self, site: SiteId, skill: SkillId) -> PersonId | Explanation:
        """Return the first person of the site who has the skill, or why there is none."""
        return match_person(self.network.sites[site], skill, self.vocabulary)

    def efforts(
        self,
        operation: Operation,
        units: Ints,
        quantity: int = 1,
        since: Instant | None = None,
        setups: Floats | None = None,
    ) -> FigureColumns:
        """Return what the operation takes on each of the work units, as `effort` tells it.

        Where energy has its price by time of day, it is the least that any start makes of it;
        with `since` any start from then on at which the work unit is open for as long. `setups`
        are nanoseconds per work unit, for set-ups that depend on what was done before.
        """
        pieces, rates = operation.pieces(quantity), self._rates
        spent = operation.duration_ns * self._runs(operation, units, quantity)
        setup = rates.setup[units]
        apart = setup * rates.changes[units] if operation.setup_family else 0.0 * setup
        ticks = np.maximum(
            0.0, -(-(spent / rates.speed[units] + (setup - apart) - 1_000.0) // TICK)
        )
        if setups is not None:
            apart = np.where((rates.changes[units] > 0.0) & (ticks > 0.0), setups, 0.0)
        worked = ticks * TICK + apart
        hours = worked / HOUR
        energy = operation.energy_j * pieces + rates.power[units] * (worked / 1e9)
        price, intensity = self._least_rates(units, ticks, since)
        cost = rates.hourly[units] * hours + price * energy
        if operation.person_skill is not None:
            cost += rates.labour[units] * hours
        return FigureColumns(
            ticks,
            operation.cost_minor * pieces + np.rint(cost),
            energy,
            energy * intensity,
        )

    def _least_rates(
        self, units: Ints, ticks: Floats, since: Instant | None
    ) -> tuple[Floats, Floats]:
        """Return the least price and CO2 factor of energy, of steps that take so long."""
        price, intensity = self._rates.price[units], self._rates.intensity[units]
        if self._bands is None:
            self._bands = {
                self.grid.site[site.id]: Bands(site.tariff, site.time_zone)
                for site in self.network.sites.values()
                if site.tariff.bands
            }
        for number, bands in self._bands.items():
            here = np.flatnonzero(self.site[units] == number)
            if len(here):
                price[here] = bands.least(ticks[here], co2=False)
                intensity[here] = bands.least(ticks[here], co2=True)
                for rows, within in self._opened_bands(number, units, here, since):
                    price[rows] = within.least(ticks[rows], co2=False)
                    intensity[rows] = within.least(ticks[rows], co2=True)
        return price, intensity

    def _opened_bands(
        self, site: int, units: Ints, here: Ints, since: Instant | None
    ) -> Iterator[tuple[Ints, OpenBands]]:
        """Yield the rows of work units of a site with the same calendar, and what holds then."""
        closed = {} if since is None else self.opening(since).closed
        if since is None or not closed or self._bands is None:
            return
        alike: dict[int, tuple[Spans, list[int]]] = {}
        for row in here.tolist():
            spans = closed.get(self.units[int(units[row])].id)
            if spans is not None:
                alike.setdefault(id(spans), (spans, []))[1].append(row)
        for key, (spans, rows) in alike.items():
            name = site, key, since
            if name not in self._open_bands:
                within = OpenBands(self._bands[site], spans, since)
                self._open_bands[name] = spans, within
            yield _ints(rows), self._open_bands[name][1]

    def _runs(self, operation: Operation, units: Ints, quantity: int) -> Ints | int:
        """Return how often the duration is spent; only batches depend on the work unit."""
        if not operation.batch_family:
            return operation.runs(quantity)
        return _ints(operation.runs(quantity, self.units[each].batch_max) for each in units)


class _Rates:
    """What efforts depend on, per work unit, with the tariff of its site."""

    def __init__(self, units: Sequence[WorkUnit], tariffs: Sequence[Tariff]) -> None:
        self.speed = _floats(each.speed for each in units)
        self.setup = _floats(each.setup_ns for each in units)
        self.changes = _floats(bool(each.setups) for each in units)
        self.hourly = _floats(each.cost_per_hour_minor for each in units)
        self.power = _floats(each.power_w for each in units)
        self.price = _floats(each.energy_minor_per_j for each in tariffs)
        self.intensity = _floats(each.co2_kg_per_j for each in tariffs)
        self.labour = _floats(each.labour_cost_per_hour_minor for each in tariffs)


def _stands_alike(one: Network, other: Network) -> bool:
    """Tell whether the same work units stand in the same places."""
    pairs = zip(one.sites.values(), other.sites.values(), strict=False)
    return list(one.sites) == list(other.sites) and all(
        a.work_units is b.work_units and a.areas is b.areas and a.gate == b.gate for a, b in pairs
    )


def _joined_alike(one: Network, other: Network) -> bool:
    """Tell whether the same links and lanes join the same sites."""
    pairs = zip(one.sites.values(), other.sites.values(), strict=True)
    return one.lanes is other.lanes and all(
        a.transport is b.transport and a.tariff is b.tariff for a, b in pairs
    )


def _spans(counts: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return first number and one beyond the last of each site's work units."""
    ends = list(accumulate(counts, initial=0))
    return tuple(pairwise(ends))


def _ints(values: Iterable[int]) -> Ints:
    return np.array(list(values), dtype=np.int64)


def _floats(values: Iterable[float]) -> Floats:
    return np.array(list(values), dtype=np.float64)
