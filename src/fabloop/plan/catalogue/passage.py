"""Where work pieces get to in a whole network: sets of work units as bit masks, bit by number.

Only possible or not counts here. Areas from which the same work units are reached are one class,
so that a step is a few operations on whole numbers, however many ways there are.
"""

from collections.abc import Iterator

import msgspec
import numpy as np

from fabloop.base.instant import Instant
from fabloop.model.ids import WorkUnitId
from fabloop.model.site import Site
from fabloop.plan.statement.layout import Bools
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.roads import TICK, areas_of, directions, ticks_of

REMEMBERED_MAX = 20_000
"""Sets of work units whose reach is remembered; when they are full all are forgotten."""


class _Class(msgspec.Struct, frozen=True):
    """Work units from whose areas the same ones are reached.

    `site` is the number of their site where they reach its gate, -1 otherwise.
    """

    units: int
    inside: int
    site: int


class Passage:
    """Where work pieces get to by links, and by lanes unless those are left out.

    What vehicles that are `unavailable` carry does not get anywhere.
    """

    def __init__(
        self,
        plant: Plant,
        now: Instant,
        unavailable: frozenset[WorkUnitId] = frozenset(),
        *,
        lanes: bool = True,
    ) -> None:
        self._plant = plant
        self._lanes = _lanes(plant) if lanes else [[] for _ in plant.site_units]
        self._entry: list[int] = []
        self._classes: list[_Class] = []
        for number, site in enumerate(plant.network.sites.values()):
            self._survey(number, _Ways(plant, site, now, unavailable))
        self._abroad: dict[int, int] = {}
        self._known: dict[int, int] = {}
        self.most = 0
        for each in self._classes:
            self.most |= each.inside
        for other in {other for row in self._lanes for other in row}:
            self.most |= self._entry[other]

    def _survey(self, site: int, ways: "_Ways") -> None:
        """Note the classes of a site, and whom its gate reaches."""
        alike: dict[tuple[int, bool], int] = {}
        start, end = self._plant.site_units[site]
        for area in sorted(set(self._plant.area[start:end].tolist())):
            only = np.zeros(len(ways.link), dtype=np.bool_)
            only[area] = True
            units = self._masked(site, only)
            inside = self._masked(site, ways.link[area])
            # Alone in its area, a work unit reaches itself anyway, which makes more areas alike.
            inside |= units if units & (units - 1) == 0 else 0
            key = inside, bool(ways.out[area])
            alike[key] = alike.get(key, 0) | units
        for (inside, leaves), units in alike.items():
            away = site if leaves and self._lanes[site] else -1
            self._classes.append(_Class(units, inside, away))
        self._entry.append(self._masked(site, ways.into))

    def _masked(self, site: int, areas: Bools) -> int:
        """Return the site's work units in these areas."""
        start, end = self._plant.site_units[site]
        return mask_of(areas[self._plant.area[start:end]]) << start

    def _over_lanes(self, site: int) -> int:
        """Return the work units of other sites that are reached from the site's gate."""
        if site not in self._abroad:
            found = 0
            for other in self._lanes[site]:
                found |= self._entry[other]
            self._abroad[site] = found
        return self._abroad[site]

    def of(self, units: int) -> int:
        """Return where work pieces get to from any of the units; each one reaches itself."""
        known = self._known.get(units)
        if known is None:
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            known = self._known[units] = self._reached(units)
        return known

    def _reached(self, units: int) -> int:
        reached = units
        for each in self._classes:
            if units & each.units:
                reached |= each.inside
                if each.site >= 0:
                    reached |= self._over_lanes(each.site)
                if self.most | reached == reached:
                    break
        return reached


class _Ways:
    """Which areas of a site links join whose movers are open for as long, and how the gate lies."""

    def __init__(
        self, plant: Plant, site: Site, now: Instant, unavailable: frozenset[WorkUnitId]
    ) -> None:
        area = plant.grid.area
        count = len(areas_of(site))
        self.link: Bools = np.zeros((count, count), dtype=np.bool_)
        for link in site.transport:
            if link.by in unavailable:
                continue
            if not plant.is_open_for(link.by, ticks_of(link.duration_ns) * TICK, now):
                continue
            for origin, destination in directions(link):
                self.link[area[site.id, origin], area[site.id, destination]] = True
        gate = area[site.id, site.gate]
        self.out, self.into = self.link[:, gate].copy(), self.link[gate].copy()
        self.out[gate] = self.into[gate] = True


def _lanes(plant: Plant) -> list[list[int]]:
    """Return per site the others that a lane leads to."""
    number = plant.grid.site
    found: list[set[int]] = [set() for _ in number]
    for lane in plant.network.lanes:
        if lane.origin != lane.destination:
            found[number[lane.origin]].add(number[lane.destination])
    return [sorted(each) for each in found]


def mask_of(flags: Bools) -> int:
    """Return the flags as a mask, the first one the lowest bit."""
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


def bits_of(mask: int) -> Iterator[int]:
    """Yield the numbers of the bits, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
