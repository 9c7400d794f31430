"""The smallest sets of new links and lanes any of which joins some place with another one."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product

from fabloop.model.ids import AreaId, SiteId
from fabloop.plan.reasons.change import Change
from fabloop.plan.reasons.prices import Prices
from fabloop.plan.reasons.proposals import lane_change, link_change
from fabloop.plan.statement.roads import Place, Roads

Ways = tuple[Change, ...]


class NewWays:
    """Ways that could be opened, at their prices; each change is made once."""

    def __init__(self, roads: Roads, prices: Prices) -> None:
        self._roads = roads
        self._prices = prices
        self._links: dict[tuple[SiteId, AreaId, AreaId], Change] = {}
        self._lanes: dict[tuple[SiteId, SiteId], Change] = {}

    def between(
        self, starts: Iterable[Place], ends: Iterable[Place], price_max: float
    ) -> Iterator[Ways]:
        """Yield the sets of new ways, each up to a price, any of which joins a start with an end.

        Of areas of a site from which the gate is reached already, no other one needs a link to it.
        """
        leaving, arriving = _by_site(starts), _by_site(ends)
        for site in leaving:
            yield from self._inside(site, leaving[site], arriving.get(site, ()), price_max)
        leave = {site: self._gate(site, areas, out=True) for site, areas in leaving.items()}
        arrive = {site: self._gate(site, areas, out=False) for site, areas in arriving.items()}
        for here, outs in leave.items():
            for there, into in arrive.items():
                if here != there:
                    yield from self._over(here, there, outs, into, price_max)

    def _inside(
        self, site: SiteId, origins: Collection[AreaId], ends: Collection[AreaId], price_max: float
    ) -> Iterator[Ways]:
        told: set[int] = set()
        for origin, end in product(origins, ends):
            if not self._roads.links.get((site, origin, end)):
                link = self._link(site, origin, end)
                if link.price <= price_max and id(link) not in told:
                    told.add(id(link))
                    yield (link,)

    def _over(
        self,
        here: SiteId,
        there: SiteId,
        outs: Sequence[Ways],
        into: Sequence[Ways],
        price_max: float,
    ) -> Iterator[Ways]:
        lane = () if self._roads.lanes.get((here, there)) else (self._lane(here, there),)
        for leave, arrive in product(outs, into):
            ways = (*leave, *lane, *arrive)
            if ways and sum([each.price for each in ways]) <= price_max:
                yield ways

    def _gate(self, site: SiteId, areas: Collection[AreaId], *, out: bool) -> Sequence[Ways]:
        """Return what has to be added to get from some area to the gate, or from it to one."""
        gate, links = self._roads.gates[site], self._roads.links
        pairs = [(area, gate) if out else (gate, area) for area in areas]
        if any(a == b or links.get((site, a, b)) for a, b in pairs):
            return [()]
        return [(self._link(site, a, b),) for a, b in pairs]

    def _link(self, site: SiteId, origin: AreaId, end: AreaId) -> Change:
        first, second = sorted((origin, end))
        if (site, first, second) not in self._links:
            change = self._prices.priced(link_change(site, first, second))
            self._links[site, first, second] = change
        return self._links[site, first, second]

    def _lane(self, here: SiteId, there: SiteId) -> Change:
        if (here, there) not in self._lanes:
            self._lanes[here, there] = self._prices.priced(lane_change(here, there))
        return self._lanes[here, there]


def _by_site(places: Iterable[Place]) -> Mapping[SiteId, Collection[AreaId]]:
    found: dict[SiteId, dict[AreaId, None]] = {}
    for each in places:
        found.setdefault(each.site, {})[each.area] = None
    return found
