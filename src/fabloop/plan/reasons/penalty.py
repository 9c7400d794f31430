"""The least changes of a product by one tree solve: a unit takes what its changes are worth.

This is exact, since no two operations share a change. Who can do an operation already does it at
first; others are looked at for it only where that way not every operation takes its own least.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from fabloop.plan.reasons.change import Change, Key
from fabloop.plan.reasons.least_price import ROUNDING, least_prices
from fabloop.plan.reasons.reach import Frame, Reach
from fabloop.plan.reasons.repeated import Repeated
from fabloop.plan.reasons.seats import Bans, Seat, Seats, is_banned
from fabloop.plan.reasons.sharing import contains
from fabloop.plan.statement.candidates import Candidate, Columns, Rejected
from fabloop.plan.statement.grid import grid_of_places
from fabloop.plan.statement.layout import Floats, Spots
from fabloop.plan.statement.problem import ABSENT
from fabloop.plan.statement.roads import Weights
from fabloop.plan.tree import Tables, from_place, groups_of, marginals

SOLVES_MAX = 40
"""Tree solves in search of alternatives that contain none of the answers before."""

LOOKS_MAX = 4
"""Work units that are looked at one by one for a job, before all of them are."""

TOLERANCE = 1e-6
"""Prices that differ by less count as equal."""


class _Row:
    """The work units that could do a job, with the seats of those that were looked at.

    `units` are their bits, `prices` what they take at least: nothing where no change is needed.
    """

    def __init__(self, units: Sequence[int], prices: Floats, spots: Spots) -> None:
        self.units = units
        self.spots = spots
        self.looked_at = 0
        self._prices = prices
        self._known: dict[int, tuple[Seat, ...]] = {}
        self._at: dict[Key, set[int]] = defaultdict(set)
        self._without: dict[frozenset[tuple[Key, float]], Floats] = {}

    def is_known(self, place: int) -> bool:
        """Tell whether the seats of a work unit are known."""
        return place in self._known or bool(self._prices[place] == 0)

    def know(self, place: int, seats: tuple[Seat, ...]) -> None:
        """Take the seats of a work unit in."""
        self.looked_at += 1
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
        if place not in self._known:
            return Seat(self.units[place], (), 0.0)
        seats = (each for each in self._known[place] if not is_banned(each, bans))
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


class _Open(msgspec.Struct, frozen=True):
    """Answers without what is banned; no more is known of them than what they take at least."""

    bans: Bans
    changes: tuple[Change, ...] = ()


class Penalties:
    """The tree in which changes of the product are what things take.

    What has to be changed for a work unit is only looked at where a solve chooses it: until then
    it is taken to be as little as columns tell.
    """

    def __init__(self, seats: Seats) -> None:
        assert seats.world is None, "factories share changes"
        self._seats = seats
        self._problem = seats.problem
        self._least = seats.prices.least
        self._moves = seats.problem.roads.moves(Weights())
        self._solver = Repeated()
        self._grid = grid_of_places(seats.problem.roads, seats.reach.places)
        jobs = range(len(self._problem.jobs))
        self._inputs = tuple(tuple(job.feeding()) for job in self._problem.jobs)
        frame = Frame(self._problem, seats.reach, [False for _ in jobs])
        self._number = {str(job.operation.id): n for n, job in enumerate(self._problem.jobs)}
        self._needed = frame.needed
        self._lacking = [number for number in frame.needed if not seats.now[number]]
        self._is_wide = False
        self._rows = [self._row(number) for number in jobs]

    def _row(self, number: int) -> _Row:
        """Return the work units that can do a job, or might; at first the latter for need alone."""
        job, reach = self._problem.jobs[number], self._seats.reach
        units: dict[int, float] = {}
        if self._is_wide or not len(job.candidates):
            least = least_prices(job, opens=False, least=self._least)
            for unit, price in zip(_numbers(job.rejected, reach), least.tolist(), strict=True):
                units[unit] = min(price, units.get(unit, price))
        units |= dict.fromkeys(_numbers(job.candidates, reach), 0.0)
        return self._row_of(number, units)

    def _looked_at(self, number: int) -> _Row:
        """Return the work units that may do a job or have a seat, all of them known."""
        of_unit: dict[int, tuple[Seat, ...]] = {}
        for each in self._seats.of(number):
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
        heap: list[tuple[float, int, _Open]] = [(self._floor({}), 0, _Open({}))]
        seen: set[frozenset[tuple[Key, float]]] = set()
        told: list[tuple[Change, ...]] = []
        solves = 0
        while heap and solves < SOLVES_MAX:
            bound, _, part = heapq.heappop(heap)
            if not part.changes:
                solves += 1
                changes = self.least(part.bans)
                price = _price(changes)
                if not changes:
                    continue
                if price > bound + TOLERANCE:
                    count += 1
                    heapq.heappush(heap, (price, count, _Open(part.bans, changes)))
                    continue
                part = _Open(part.bans, changes)
            chosen = {each.key: each for each in part.changes}
            if not any(contains(chosen, each) for each in told):
                told.append(part.changes)
                yield part.changes
            for bans, floor in self._without_each(part, bound):
                name = frozenset(bans.items())
                if name not in seen:
                    seen.add(name)
                    count += 1
                    heapq.heappush(heap, (floor, count, _Open(bans)))

    def _without_each(self, part: _Open, price: float) -> Iterator[tuple[Bans, float]]:
        """Yield the bans of each change of an answer beside its own, and what is left at least."""
        around = self._marginals(part.bans) if self._is_wide else {}
        for each in part.changes:
            bans = {**part.bans, each.key: min(each.level, part.bans.get(each.key, np.inf))}
            floor = self._floor(bans)
            number = self._number[each.subject]
            if number in around and number in self._needed:
                floor = float((around[number] + self._rows[number].prices(bans)).min())
            if np.isfinite(floor):
                yield bans, max(price, floor)

    def _marginals(self, bans: Bans) -> Mapping[int, Floats]:
        """Return, per job and work unit, what all the rest of the tree takes at least."""
        nodes = [row.prices(bans) for row in self._rows]
        found = marginals(self._tables(bans))
        with np.errstate(invalid="ignore"):
            rest = [np.nan_to_num(a - b, nan=np.inf) for a, b in zip(found, nodes, strict=True)]
        return dict(enumerate(rest))

    def _floor(self, bans: Bans) -> float:
        """Return what the jobs that nobody can do take at least, each by itself."""
        return sum(
            float(self._rows[number].prices(bans).min(initial=np.inf)) for number in self._lacking
        )

    def least(self, bans: Bans) -> tuple[Change, ...]:
        """Return the changes of the best choice; empty where none is possible or needed."""
        if not np.isfinite(self._floor(bans)):
            return ()
        while True:
            found = self._solved(bans)
            before = [row.prices(bans) for row in self._rows]
            for number, pick in found.items():
                self._look_at(number, pick)
            if any(self._rows[number].prices(bans) is not before[number] for number in found):
                continue
            changes = self._changes(found, bans)
            if self._is_wide or (found and _price(changes) <= self._floor(bans) + TOLERANCE):
                return changes
            self._is_wide = True
            self._rows = [
                row if number in self._lacking else self._row(number)
                for number, row in enumerate(self._rows)
            ]

    def _look_at(self, number: int, pick: int) -> None:
        """Look at a work unit for a job, at all of them if several were looked at before."""
        row, seats = self._rows[number], self._seats
        if row.is_known(pick):
            return
        if row.looked_at >= LOOKS_MAX:
            self._rows[number] = self._looked_at(number)
        else:
            row.know(pick, seats.of_unit(number, row.units[pick]))

    def _solved(self, bans: Bans) -> dict[int, int]:
        """Return the best choice by job; nothing where none is possible."""
        found = self._solver.optimum(self._tables(bans))
        picks = () if found is None else found.choice
        return {number: pick for number, pick in enumerate(picks) if pick != ABSENT}

    def _changes(self, found: Mapping[int, int], bans: Bans) -> tuple[Change, ...]:
        seats = (self._rows[number].seat(pick, bans) for number, pick in found.items())
        made = (each for seat in seats if seat is not None for each in seat.changes)
        return tuple({each.key: each for each in made}.values())

    def _tables(self, bans: Bans) -> Tables:
        nodes = []
        for number, row in enumerate(self._rows):
            node = row.prices(bans)
            for source in self._problem.jobs[number].sources:
                if source.place is not None:
                    node = node + from_place(source.place, self._grid, row.spots, self._moves)
            nodes.append(node)
        return Tables(
            inputs=self._inputs,
            spots=tuple(row.spots for row in self._rows),
            nodes=tuple(nodes),
            ready=tuple(np.zeros(len(node)) for node in nodes),
            moves=self._moves,
            adds=True,
            groups=groups_of(self._problem),
        )


def _price(changes: Sequence[Change]) -> float:
    return sum(each.price for each in changes)


def _numbers(rows: Sequence[Candidate] | Sequence[Rejected], reach: Reach) -> list[int]:
    """Return the numbers of the work units of candidates or rejected ones."""
    if isinstance(rows, Columns):
        numbers: list[int] = rows.units.tolist()
        return numbers
    return [reach.number[each.unit.id] for each in rows]
