"""Movements in which every way that is missing is there at its price, as far as it is allowed."""

from collections.abc import Iterable, Sequence

import numpy as np

from fabloop.model.explanation import OptionCode
from fabloop.model.ids import AreaId, SiteId
from fabloop.plan.reasons.change import Change, Key
from fabloop.plan.reasons.prices import Prices
from fabloop.plan.reasons.proposals import link_change
from fabloop.plan.reasons.seats import WAYS
from fabloop.plan.statement.layout import Floats, Moves
from fabloop.plan.statement.roads import Roads, Weights


class NewMoves:
    """Movements over roads on which links and lanes may be added."""

    def __init__(self, roads: Roads, prices: Prices) -> None:
        self._roads = roads
        self._prices = prices
        self._site = {site: number for number, site in enumerate(roads.areas)}
        self._now = roads.moves(Weights())
        self._open: Moves | None = None
        self._known: dict[tuple[frozenset[Key], frozenset[Key]], Moves] = {}

    def of(self, banned: Iterable[Change] = (), made: Iterable[Change] = ()) -> Moves:
        """Return what moving takes: new ways at their prices, but for some that are there already.

        For the same ways they are the same movements.
        """
        never = [each for each in banned if each.code in WAYS]
        free = [each for each in made if each.code in WAYS]
        name = frozenset(each.key for each in never), frozenset(each.key for each in free)
        if name not in self._known:
            self._known[name] = self._extended(never, free)
        return self._known[name]

    def _extended(self, banned: Sequence[Change], made: Sequence[Change]) -> Moves:
        """Return the movements where some new ways are banned, and some take nothing."""
        if self._open is None:
            self._open = self._opened(self._now)
        if not banned and not made:
            return self._open
        lane, link, now = self._open.lane.copy(), self._open.link.copy(), self._now
        changed = [*((each, False) for each in banned), *((each, True) for each in made)]
        for each, is_made in changed:
            here = self._site[SiteId(each.subject)]
            if each.code is OptionCode.ADD_LANE:
                there = self._site[SiteId(each.parameter)]
                lane[here, there] = 0.0 if is_made else now.lane[here, there]
                continue
            areas = self._roads.areas[SiteId(each.subject)]
            a, b = areas.index(AreaId(str(each.before))), areas.index(AreaId(str(each.after)))
            for one, other in ((a, b), (b, a)):
                link[here, one, other] = 0.0 if is_made else now.link[here, one, other]
        if all(each.code is OptionCode.ADD_LANE for each, _ in changed):
            return self._open.with_lanes(lane)
        return self._with_gates(link, lane)

    def _opened(self, moves: Moves) -> Moves:
        """Return the movements with every missing link and lane at its price."""
        link, prices = moves.link.copy(), self._prices
        for site, areas in self._roads.areas.items():
            known = link[self._site[site], : len(areas), : len(areas)]
            np.minimum(known, self._link_prices(site), out=known)
        new = [[prices.relative(OptionCode.ADD_LANE, a, b) for b in self._site] for a in self._site]
        lane: Floats = np.minimum(moves.lane, np.array(new).reshape(moves.lane.shape))
        np.fill_diagonal(lane, np.inf)
        return self._with_gates(link, lane)

    def _with_gates(self, link: Floats, lane: Floats) -> Moves:
        """Return the movements with the ways from and to the gates among the links."""
        areas = self._roads.areas
        gates = np.array([areas[site].index(gate) for site, gate in self._roads.gates.items()])
        here = np.arange(len(gates))
        out, into = link[here, :, gates], link[here, gates, :]
        out[here, gates] = into[here, gates] = 0.0
        return Moves(link, out, into, lane)

    def _link_prices(self, site: SiteId) -> Floats | float:
        """Return what a link from each area of a site to each other is worth."""
        areas, prices = self._roads.areas[site], self._prices
        if not prices.tells(OptionCode.ADD_LINK):
            return prices.relative(OptionCode.ADD_LINK, site, "")
        names = [[link_change(site, a, b).parameter for b in areas] for a in areas]
        return np.array(
            [[prices.relative(OptionCode.ADD_LINK, site, name) for name in row] for row in names],
            dtype=np.float64,
        ).reshape(len(areas), len(areas))
