"""The least changes by one tree solve: a unit takes what its changes are worth, a new way too.

For changes of the product this is exact, since no two operations share one. For changes of
factories a shared change counts once for each operation here, and work units learn a skill only
where nobody has it, so the answer may not be the least.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from fabloop.model.explanation import OptionCode
from fabloop.model.ids import AreaId, SiteId
from fabloop.plan.change import BASE_PRICE, Change, Key
from fabloop.plan.grid import grid_of_places
from fabloop.plan.layout import Moves
from fabloop.plan.problem import ABSENT
from fabloop.plan.roads import Place, Weights
from fabloop.plan.seats import Seats, missing_ways
from fabloop.plan.tree import Tables, from_place, groups_of, optimum

SOLVES_MAX = 24
"""Tree solves in search of alternatives that contain none of the answers before."""

Bans: TypeAlias = Mapping[Key, float]
"""Changes that may not be made, at this level or more."""


class _Choice(msgspec.Struct, frozen=True):
    """A place for a job, with what has to be changed for it."""

    place: Place
    changes: tuple[Change, ...] = ()

    def price(self, bans: Bans) -> float:
        """Return what the changes are worth; inf where one of them may not be made."""
        if any(each.level >= bans.get(each.key, np.inf) for each in self.changes):
            return np.inf
        return sum(each.price for each in self.changes)


class Penalties:
    """The tree in which changes are what things take."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._problem = seats.problem
        self._roads = seats.problem.roads
        self._opens = seats.world is not None
        self._rows = [self._row(number) for number in range(len(self._problem.jobs))]
        places = [each.place for row in self._rows for each in row]
        self._grid = grid_of_places(self._roads, places)
        self._spots = [self._grid.spots([each.place for each in row]) for row in self._rows]

    def _row(self, number: int) -> list[_Choice]:
        reach = self._seats.reach
        now = [_Choice(place) for place in reach.places_of(self._seats.now[number])]
        later = (
            _Choice(next(reach.places_of(seat.unit)), seat.changes)
            for seat in self._seats.likely(number)
        )
        return [*now, *later]

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
        if not all(self._rows):
            return ()
        found = optimum(self._tables(bans))
        if found is None:
            return ()
        chosen = {
            number: self._rows[number][pick]
            for number, pick in enumerate(found.choice)
            if pick != ABSENT
        }
        changes: dict[Key, Change] = {}
        for change in (
            *(each for choice in chosen.values() for each in choice.changes),
            *self._new_ways(chosen),
        ):
            known = changes.get(change.key)
            if known is None or change.level > known.level:
                changes[change.key] = change
        return tuple(changes.values())

    def _tables(self, bans: Bans) -> Tables:
        moves = self._roads.moves(Weights())
        if self._opens:
            moves = self._extended(moves, bans)
        nodes = []
        for number, row in enumerate(self._rows):
            node = np.array([each.price(bans) for each in row], dtype=np.float64)
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

    def _new_ways(self, chosen: Mapping[int, _Choice]) -> Iterator[Change]:
        for number, choice in chosen.items():
            for source in self._problem.jobs[number].sources:
                makers = (chosen[each].place for each in source.jobs if each in chosen)
                place = next(makers, source.place)
                assert place is not None, "an input is either open or somewhere"
                if self._roads.route(place, choice.place, Weights()) is None:
                    here, there = choice.place, place
                    yield from missing_ways(
                        self._roads, (there.site, there.area), (here.site, here.area)
                    )

    def _extended(self, moves: Moves, bans: Bans) -> Moves:
        """Return the movements with every missing link and lane at its price."""
        link, lane = moves.link.copy(), moves.lane.copy()
        out, into = moves.out.copy(), moves.into.copy()
        sites = {site: index for index, site in enumerate(self._roads.areas)}
        for site, areas in self._roads.areas.items():
            s, count = sites[site], len(areas)
            known = link[s, :count, :count]
            np.minimum(known, BASE_PRICE[OptionCode.ADD_LINK], out=known)
            gate = areas.index(self._roads.gates[site])
            out[s, :count], into[s, :count] = known[:, gate], known[gate, :]
            out[s, gate] = into[s, gate] = 0.0
        np.minimum(lane, BASE_PRICE[OptionCode.ADD_LANE], out=lane)
        np.fill_diagonal(lane, np.inf)
        before = moves
        for code, subject, parameter, _ in bans:
            if code not in _WAYS:
                continue
            site = SiteId(subject)
            here = sites[site]
            if code == OptionCode.ADD_LANE:
                there = sites[SiteId(parameter)]
                lane[here, there] = before.lane[here, there]
                continue
            areas = self._roads.areas[site]
            a, b = (areas.index(AreaId(each)) for each in parameter.split(" - "))
            link[here, a, b], link[here, b, a] = before.link[here, a, b], before.link[here, b, a]
            gate = areas.index(self._roads.gates[site])
            out[here, : len(areas)] = link[here, : len(areas), gate]
            into[here, : len(areas)] = link[here, gate, : len(areas)]
            out[here, gate] = into[here, gate] = 0.0
        return Moves(link, out, into, lane)


_WAYS: Sequence[str] = (OptionCode.ADD_LINK, OptionCode.ADD_LANE)
