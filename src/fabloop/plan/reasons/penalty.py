"""The least changes by one tree solve: a unit takes what its changes are worth, a new way too.

For changes of the product this is exact, since no two operations share one. For changes of
factories a shared change counts once for each operation here, and work units learn a skill only
where nobody has it, so the answer may not be the least.
"""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from fabloop.model.explanation import OptionCode
from fabloop.model.ids import AreaId, SiteId
from fabloop.plan.reasons.change import Change, Key
from fabloop.plan.reasons.proposals import link_change
from fabloop.plan.reasons.repeated import Repeated
from fabloop.plan.reasons.seats import Seats, missing_ways
from fabloop.plan.statement.grid import grid_of_places
from fabloop.plan.statement.layout import Floats, Moves
from fabloop.plan.statement.problem import ABSENT
from fabloop.plan.statement.roads import Place, Weights
from fabloop.plan.tree import Tables, from_place, groups_of

SOLVES_MAX = 24
"""Tree solves in search of alternatives that contain none of the answers before."""

Bans: TypeAlias = Mapping[Key, float]
"""Changes that may not be made, at this level or more."""


class _Row:
    """Where a job could be done, with what has to be changed for it; None is not known yet."""

    def __init__(
        self,
        places: Sequence[Place],
        changes: Sequence[tuple[Change, ...] | None],
        least: float,
    ) -> None:
        self.places = places
        self.changes = changes
        self._prices = np.array(
            [least if each is None else sum([it.price for it in each]) for each in changes],
            dtype=np.float64,
        )
        self._at: dict[Key, list[tuple[float, int]]] = defaultdict(list)
        for place, known in enumerate(changes):
            for each in known or ():
                self._at[each.key].append((each.level, place))
        self._without: dict[frozenset[tuple[Key, float]], Floats] = {frozenset(): self._prices}

    def prices(self, bans: Bans) -> Floats:
        """Return what each place takes; inf where one of its changes may not be made.

        For the same bans it is the same array.
        """
        own = frozenset([(key, level) for key, level in bans.items() if key in self._at])
        if own not in self._without:
            prices = self._prices.copy()
            for key, level in own:
                prices[[place for made, place in self._at[key] if made >= level]] = np.inf
            self._without[own] = prices
        return self._without[own]


class Penalties:
    """The tree in which changes are what things take.

    What has to be changed for a work unit is only looked at where a solve chooses it: until then
    it is taken to be as little as anything can be.
    """

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._problem = seats.problem
        self._least = seats.prices.least
        self._roads = seats.problem.roads
        self._opens = seats.world is not None
        self._moves: dict[frozenset[Key], Moves] = {}
        self._open: Moves | None = None
        self._site = {site: number for number, site in enumerate(self._roads.areas)}
        self._solver = Repeated()
        self._grid = grid_of_places(self._roads, seats.reach.places)
        self._rows = [self._unknown(number) for number in range(len(self._problem.jobs))]
        self._spots = [self._grid.spots(row.places) for row in self._rows]

    def _unknown(self, number: int) -> _Row:
        reach, job = self._seats.reach, self._problem.jobs[number]
        if not len(job.candidates) and not len(job.rejected):
            return self._known(number)
        now = [*reach.places_of(self._seats.now[number])]
        later = [*reach.places_of(reach.mask(job.rejected) & ~self._seats.now[number])]
        return _Row([*now, *later], [*[()] * len(now), *[None] * len(later)], self._least)

    def _known(self, number: int) -> _Row:
        reach = self._seats.reach
        now = [*reach.places_of(self._seats.now[number])]
        seats = self._seats.likely(number)
        places = [*now, *(next(reach.places_of(seat.unit)) for seat in seats)]
        return _Row(places, [*[()] * len(now), *(seat.changes for seat in seats)], self._least)

    def answers(self) -> Iterator[tuple[Change, ...]]:
        """Yield changes, the least ones first, none of which contain all of earlier ones."""
        count = 0
        heap: list[tuple[float, int, tuple[Change, ...], Bans]] = []
        bans_open: list[Bans] = [{}]
        for _ in range(SOLVES_MAX):
            for bans in bans_open[:1]:
                changes = self.least(bans)
                if changes:
                    count += 1
                    price = sum(each.price for each in changes)
                    heapq.heappush(heap, (price, count, changes, bans))
            bans_open = bans_open[1:]
            if bans_open:
                continue
            if not heap:
                return
            _, _, changes, bans = heapq.heappop(heap)
            yield changes
            bans_open = [
                {**bans, each.key: min(each.level, bans.get(each.key, np.inf))} for each in changes
            ]

    def least(self, bans: Bans) -> tuple[Change, ...]:
        """Return the changes of the best choice; empty where none is possible or needed."""
        while True:
            found = self._solved(bans)
            unknown = [
                number for number, pick in found.items() if self._rows[number].changes[pick] is None
            ]
            if not unknown:
                return self._changes(found)
            for number in unknown:
                self._rows[number] = self._known(number)
                self._spots[number] = self._grid.spots(self._rows[number].places)

    def _solved(self, bans: Bans) -> dict[int, int]:
        """Return the best choice by job; nothing where none is possible."""
        if not all(row.places for row in self._rows):
            return {}
        found = self._solver.optimum(self._tables(bans))
        picks = () if found is None else found.choice
        return {number: pick for number, pick in enumerate(picks) if pick != ABSENT}

    def _changes(self, found: Mapping[int, int]) -> tuple[Change, ...]:
        changes: dict[Key, Change] = {}
        made = (self._rows[number].changes[pick] or () for number, pick in found.items())
        for change in (*(each for known in made for each in known), *self._new_ways(found)):
            known = changes.get(change.key)
            if known is None or change.level > known.level:
                changes[change.key] = change
        return tuple(changes.values())

    def _tables(self, bans: Bans) -> Tables:
        moves = self._roads.moves(Weights())
        if self._opens:
            ways = frozenset(key for key in bans if key[0] in _WAYS)
            if ways not in self._moves:
                self._moves[ways] = self._extended(moves, ways)
            moves = self._moves[ways]
        nodes = []
        for number, row in enumerate(self._rows):
            node = row.prices(bans)
            for source in self._problem.jobs[number].sources:
                if source.place is not None:
                    node = node + from_place(source.place, self._grid, self._spots[number], moves)
            nodes.append(node)
        return Tables(
            inputs=tuple(tuple(job.feeding()) for job in self._problem.jobs),
            spots=tuple(self._spots),
            nodes=tuple(nodes),
            ready=tuple(np.zeros(len(node)) for node in nodes),
            moves=moves,
            adds=True,
            groups=groups_of(self._problem),
        )

    def _new_ways(self, found: Mapping[int, int]) -> Iterator[Change]:
        chosen = {number: self._rows[number].places[pick] for number, pick in found.items()}
        for number, here in chosen.items():
            for source in self._problem.jobs[number].sources:
                there = next((chosen[each] for each in source.jobs if each in chosen), source.place)
                assert there is not None, "an input is either open or somewhere"
                if self._roads.route(there, here, Weights()) is None:
                    ways = missing_ways(
                        self._roads, (there.site, there.area), (here.site, here.area)
                    )
                    yield from self._seats.prices.all_priced(ways)

    def _extended(self, moves: Moves, banned: Collection[Key]) -> Moves:
        """Return the movements with every missing link and lane at its price, but those banned."""
        if self._open is None:
            self._open = self._opened(moves)
        links = [key for key in banned if key[0] == OptionCode.ADD_LINK]
        lanes = [key for key in banned if key[0] == OptionCode.ADD_LANE]
        lane = self._open.lane.copy()
        for _, site, other, _ in lanes:
            here, there = self._site[SiteId(site)], self._site[SiteId(other)]
            lane[here, there] = moves.lane[here, there]
        if not links:
            return self._open.with_lanes(lane) if lanes else self._open
        link = self._open.link.copy()
        for _, subject, parameter, _ in links:
            here, areas = self._site[SiteId(subject)], self._roads.areas[SiteId(subject)]
            a, b = (areas.index(AreaId(each)) for each in parameter.split(" - "))
            link[here, a, b], link[here, b, a] = moves.link[here, a, b], moves.link[here, b, a]
        return self._with_gates(link, lane)

    def _opened(self, moves: Moves) -> Moves:
        """Return the movements with every missing link and lane at its price."""
        link, prices = moves.link.copy(), self._seats.prices
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
        areas, prices = self._roads.areas[site], self._seats.prices
        if not prices.tells(OptionCode.ADD_LINK):
            return prices.relative(OptionCode.ADD_LINK, site, "")
        names = [[link_change(site, a, b).parameter for b in areas] for a in areas]
        return np.array(
            [[prices.relative(OptionCode.ADD_LINK, site, name) for name in row] for row in names],
            dtype=np.float64,
        ).reshape(len(areas), len(areas))


_WAYS: Sequence[str] = (OptionCode.ADD_LINK, OptionCode.ADD_LANE)
