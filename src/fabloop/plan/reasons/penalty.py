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
from fabloop.plan.reasons.least_price import ROUNDING, least_prices
from fabloop.plan.reasons.proposals import link_change
from fabloop.plan.reasons.reach import Reach
from fabloop.plan.reasons.repeated import Repeated
from fabloop.plan.reasons.seats import Seat, Seats, missing_ways
from fabloop.plan.statement.candidates import Candidate, Columns, Rejected
from fabloop.plan.statement.grid import grid_of_places
from fabloop.plan.statement.layout import Floats, Moves, Spots
from fabloop.plan.statement.problem import ABSENT
from fabloop.plan.statement.roads import Weights
from fabloop.plan.tree import Tables, from_place, groups_of

SOLVES_MAX = 24
"""Tree solves in search of alternatives that contain none of the answers before."""

LOOKS_MAX = 4
"""Work units that are looked at one by one for a job, before all of them are."""

Bans: TypeAlias = Mapping[Key, float]
"""Changes that may not be made, at this level or more."""


class _Row:
    """The work units that could do a job, with the seats of those that were looked at.

    `units` are their bits, `prices` what they take at least: nothing where no change is needed.
    """

    def __init__(self, units: Sequence[int], prices: Floats, spots: Spots) -> None:
        self.units = units
        self.spots = spots
        self._prices = prices
        self._known: dict[int, tuple[Seat, ...]] = {
            place: (Seat(units[place], (), 0.0),) for place in np.flatnonzero(prices == 0).tolist()
        }
        self._at: dict[Key, set[int]] = defaultdict(set)
        self._without: dict[frozenset[tuple[Key, float]], Floats] = {}

    @property
    def looked_at(self) -> int:
        """How many seats are known."""
        return len(self._known)

    def is_known(self, place: int) -> bool:
        """Tell whether the seats of a work unit are known."""
        return place in self._known

    def know(self, place: int, seats: tuple[Seat, ...]) -> None:
        """Take the seats of a work unit in."""
        self._known[place] = seats
        keys = {each.key for seat in seats for each in seat.changes}
        for key in keys:
            self._at[key].add(place)
        for own in [each for each in self._without if any(key in keys for key, _ in each)]:
            del self._without[own]
        price = min((seat.price for seat in seats), default=np.inf)
        if price > self._prices[place] + ROUNDING * 2:
            self._prices = self._prices.copy()
            self._prices[place] = price
            self._without.clear()

    def seat(self, place: int, bans: Bans) -> Seat | None:
        """Return the cheapest seat of a work unit that is known, without banned changes."""
        seats = (each for each in self._known[place] if not _is_banned(each, bans))
        return min(seats, key=lambda each: each.price, default=None)

    def prices(self, bans: Bans) -> Floats:
        """Return what each work unit takes at least without banned changes.

        For the same bans it is the same array, as long as nothing more is known.
        """
        own = frozenset([(key, level) for key, level in bans.items() if key in self._at])
        if not own:
            return self._prices
        if own not in self._without:
            prices = self._prices.copy()
            for place in {place for key, _ in own for place in self._at[key]}:
                seat = self.seat(place, bans)
                prices[place] = np.inf if seat is None else max(prices[place], seat.price)
            self._without[own] = prices
        return self._without[own]


def _is_banned(seat: Seat, bans: Bans) -> bool:
    return any(each.level >= bans.get(each.key, np.inf) for each in seat.changes)


class Penalties:
    """The tree in which changes are what things take.

    What has to be changed for a work unit is only looked at where a solve chooses it: until then
    it is taken to be as little as columns tell.
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
        self._inputs = tuple(tuple(job.feeding()) for job in self._problem.jobs)
        self._rows = [self._row(number) for number in range(len(self._problem.jobs))]

    def _row(self, number: int) -> _Row:
        """Return the work units that have the skill of a job; all others where there are none."""
        job, reach = self._problem.jobs[number], self._seats.reach
        if not len(job.candidates) and not len(job.rejected):
            return self._looked_at(number, self._seats.of(number))
        units: dict[int, float] = {}
        least = least_prices(job, opens=self._opens, least=self._least)
        for unit, price in zip(_numbers(job.rejected, reach), least.tolist(), strict=True):
            units[unit] = min(price, units.get(unit, price))
        units |= dict.fromkeys(_numbers(job.candidates, reach), 0.0)
        return self._row_of(number, units)

    def _looked_at(self, number: int, seats: Sequence[Seat]) -> _Row:
        """Return the work units that may do a job or have a seat, all of them known."""
        of_unit: dict[int, tuple[Seat, ...]] = {}
        for each in seats:
            unit = each.unit.bit_length() - 1
            of_unit[unit] = (*of_unit.get(unit, ()), each)
        units = {unit: min(each.price for each in own) for unit, own in of_unit.items()}
        able = _numbers(self._problem.jobs[number].candidates, self._seats.reach)
        row = self._row_of(number, units | dict.fromkeys(able, 0.0))
        for place, bit in enumerate(row.units):
            if not row.is_known(place):
                row.know(place, of_unit[bit.bit_length() - 1])
        return row

    def _row_of(self, number: int, units: Mapping[int, float]) -> _Row:
        order = sorted(units)
        bits = [1 << unit for unit in order]
        prices = np.array([units[unit] for unit in order], dtype=np.float64)
        return _Row(bits, prices, self._spots(number, order))

    def _spots(self, number: int, units: Sequence[int]) -> Spots:
        """Return where work units are, in the layout of their skill where all of them have it."""
        job, places = self._problem.jobs[number], self._seats.reach.places
        numbers = np.array(units, dtype=np.int64)
        if isinstance(job.rejected, Columns):
            plant, skill = job.rejected.plant, job.operation.requirement.skill
            if np.isin(numbers, plant.offers.skilled(skill)).all():
                return plant.spots(skill, numbers)
        return self._grid.spots([places[unit] for unit in units])

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
            before = [row.prices(bans) for row in self._rows]
            for number, pick in found.items():
                self._look_at(number, pick)
            if all(self._rows[number].prices(bans) is before[number] for number in found):
                return self._changes(found, bans)

    def _look_at(self, number: int, pick: int) -> None:
        """Look at a work unit for a job, at all of them if several were looked at before."""
        row, seats = self._rows[number], self._seats
        if row.is_known(pick):
            return
        if row.looked_at - len(self._problem.jobs[number].candidates) >= LOOKS_MAX:
            self._rows[number] = self._looked_at(number, seats.likely(number))
        else:
            row.know(pick, seats.of_unit(number, row.units[pick]))

    def _solved(self, bans: Bans) -> dict[int, int]:
        """Return the best choice by job; nothing where none is possible."""
        if not all(row.units for row in self._rows):
            return {}
        found = self._solver.optimum(self._tables(bans))
        picks = () if found is None else found.choice
        return {number: pick for number, pick in enumerate(picks) if pick != ABSENT}

    def _changes(self, found: Mapping[int, int], bans: Bans) -> tuple[Change, ...]:
        changes: dict[Key, Change] = {}
        seats = (self._rows[number].seat(pick, bans) for number, pick in found.items())
        made = (each for seat in seats if seat is not None for each in seat.changes)
        for change in (*made, *self._new_ways(found)):
            known = changes.get(change.key)
            if known is None or change.level > known.level:
                changes[change.key] = change
        return tuple(changes.values())

    def _tables(self, bans: Bans) -> Tables:
        moves = self.moves(bans)
        nodes = []
        for number, row in enumerate(self._rows):
            node = row.prices(bans)
            for source in self._problem.jobs[number].sources:
                if source.place is not None:
                    node = node + from_place(source.place, self._grid, row.spots, moves)
            nodes.append(node)
        return Tables(
            inputs=self._inputs,
            spots=tuple(row.spots for row in self._rows),
            nodes=tuple(nodes),
            ready=tuple(np.zeros(len(node)) for node in nodes),
            moves=moves,
            adds=True,
            groups=groups_of(self._problem),
        )

    def moves(self, bans: Bans) -> Moves:
        """Return the movements; new ways at their price, where factories change, but banned ones.

        For the same bans they are the same ones.
        """
        moves = self._roads.moves(Weights())
        if not self._opens:
            return moves
        ways = frozenset(key for key in bans if key[0] in _WAYS)
        if ways not in self._moves:
            self._moves[ways] = self._extended(moves, ways)
        return self._moves[ways]

    def _new_ways(self, found: Mapping[int, int]) -> Iterator[Change]:
        places = self._seats.reach.places_of
        chosen = {
            number: next(places(self._rows[number].units[pick])) for number, pick in found.items()
        }
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


def _numbers(rows: Sequence[Candidate] | Sequence[Rejected], reach: Reach) -> list[int]:
    """Return the numbers of the work units of candidates or rejected ones."""
    if isinstance(rows, Columns):
        return [int(each) for each in rows.units]
    return [reach.number[each.unit.id] for each in rows]
