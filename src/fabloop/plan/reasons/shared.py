"""Few changes of factories that help, where conflicts teach too little: what is shared pays.

A change serves many operations and is paid for once, which no tree can tell. So a tree is solved in
which each operation pays its share of what all that might use a change would share, and is read
with each change paid for once. Then one change after the other is done without, all the others
being there for nothing, which leads to the alternatives and often to less (in the manner of slope
scaling for fixed charges; Kim and Pardalos, 1999). What is found helps, but may not be the least.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fabloop.model.explanation import OptionCode
from fabloop.model.ids import SkillId
from fabloop.plan.reasons.change import Change, Key
from fabloop.plan.reasons.enough import Enough
from fabloop.plan.reasons.least_price import least_prices
from fabloop.plan.reasons.minimal import bits_of
from fabloop.plan.reasons.new_moves import NewMoves
from fabloop.plan.reasons.reach import Frame
from fabloop.plan.reasons.repeated import Repeated
from fabloop.plan.reasons.seats import Bans, Seat, Seats, is_banned, missing_ways, reach_with
from fabloop.plan.statement.candidates import Columns
from fabloop.plan.statement.grid import grid_of_places
from fabloop.plan.statement.layout import Floats, Moves
from fabloop.plan.statement.problem import ABSENT
from fabloop.plan.statement.roads import Weights
from fabloop.plan.tree import Tables, from_place, groups_of

TRIES_MAX = 8
"""Changes of the best answer known that it is tried to do without."""

Changes = tuple[Change, ...]


class Shared:
    """Searches changes that help; all that might do a job are choices of the tree."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._problem = problem = seats.problem
        self._grid = grid_of_places(problem.roads, seats.reach.places)
        self._spots = self._grid.spots(seats.reach.places)
        self._ways = NewMoves(problem.roads, seats.prices)
        self._solver = Repeated()
        self._inputs = tuple(tuple(job.feeding()) for job in problem.jobs)
        self._groups = groups_of(problem)
        self._ready = np.zeros(len(self._spots.unit))
        self._learning: dict[SkillId, Floats] = {}
        jobs = range(len(problem.jobs))
        self._alone = [self._alone_of(number) for number in jobs]
        skills = [job.operation.requirement.skill for job in problem.jobs]
        users = Counter(skills)
        self._users = [users[each] for each in skills]
        frame = Frame(problem, seats.reach, [False for _ in jobs])
        self._enough = Enough(
            frame,
            seats.able_with,
            seats.jobs_of,
            lambda chosen: reach_with(seats.reach, chosen.values()),
        )

    def _alone_of(self, number: int) -> Floats:
        """Return what each work unit takes at least for a job; inf where it never can do it."""
        job, seats = self._problem.jobs[number], self._seats
        prices = self._learnt(job.operation.requirement.skill).copy()
        if isinstance(job.rejected, Columns):
            prices[job.rejected.units] = least_prices(job, opens=True, least=seats.prices.least)
        else:
            for seat in seats.of(number):
                unit = seat.unit.bit_length() - 1
                prices[unit] = min(prices[unit], seat.price)
        for unit in bits_of(seats.now[number]):
            prices[unit.bit_length() - 1] = 0.0
        return prices

    def _learnt(self, skill: SkillId) -> Floats:
        """Return what it takes each work unit to learn a skill; inf where it has it, or cannot."""
        if skill not in self._learning:
            prices, code = self._seats.prices, OptionCode.ADD_SKILL
            found = np.full(len(self._spots.unit), np.inf)
            for unit in self._seats.able_to_learn(skill):
                number = self._seats.reach.number[unit.id]
                found[number] = prices.relative(code, unit.id, skill)
            self._learning[skill] = found
        return self._learning[skill]

    def answers(self) -> Iterator[Changes]:
        """Yield changes that help, the least ones first; none contains all of another's."""
        found: dict[frozenset[Key], Changes] = {}
        for shares in (self._users, [1] * len(self._users)):
            self._take_in(found, self._found({}, {}, shares))
        tried: set[tuple[Key, float]] = set()
        for _ in range(TRIES_MAX):
            best = min(found.values(), key=_price, default=())
            order = sorted(best, key=lambda each: (-each.price, each.key))
            change = next((c for c in order if (c.key, c.level) not in tried), None)
            if change is None:
                break
            tried.add((change.key, change.level))
            rest = {each.key: each for each in best if each is not change}
            self._take_in(found, self._found(rest, {change.key: change}, self._users))
        yield from sorted(found.values(), key=_price)

    def _take_in(self, found: dict[frozenset[Key], Changes], changes: Changes | None) -> None:
        if changes:
            name = frozenset(each.key for each in changes)
            if name not in found or _price(changes) < _price(found[name]):
                found[name] = changes

    def _found(
        self, chosen: Mapping[Key, Change], banned: Mapping[Key, Change], shares: Sequence[int]
    ) -> Changes | None:
        """Return changes that help, without those banned; those chosen are there for nothing."""
        bans = _levels(banned)
        moves = self._ways.of(banned.values(), chosen.values())
        found = self._solver.optimum(self._tables(chosen, banned, shares, moves))
        if found is None:
            return None
        picks = {number: unit for number, unit in enumerate(found.choice) if unit != ABSENT}
        made = self._read(picks, chosen, bans)
        if made is None or not self._enough.is_enough(made):
            return None
        return self._enough.lowered(made, {})

    def _tables(
        self,
        chosen: Mapping[Key, Change],
        banned: Mapping[Key, Change],
        shares: Sequence[int],
        moves: Moves,
    ) -> Tables:
        nodes = [alone / share for alone, share in zip(self._alone, shares, strict=True)]
        self._reprice(nodes, chosen, banned, shares)
        for number, job in enumerate(self._problem.jobs):
            for source in job.sources:
                if source.place is not None:
                    nodes[number] += from_place(source.place, self._grid, self._spots, moves)
        return Tables(
            inputs=self._inputs,
            spots=(self._spots,) * len(nodes),
            nodes=tuple(nodes),
            ready=(self._ready,) * len(nodes),
            moves=moves,
            adds=True,
            groups=self._groups,
        )

    def _reprice(
        self,
        nodes: Sequence[Floats],
        chosen: Mapping[Key, Change],
        banned: Mapping[Key, Change],
        shares: Sequence[int],
    ) -> None:
        """Let work units take what they need beside the changes chosen, without those banned."""
        seats, bans = self._seats, _levels(banned)
        for number, unit in seats.touched_by((*chosen.values(), *banned.values())):
            left = [
                _rest(each, chosen)
                for each in seats.of_unit(number, unit)
                if not is_banned(each, bans)
            ]
            nodes[number][unit.bit_length() - 1] = min(left, default=np.inf) / shares[number]

    def _read(
        self, picks: Mapping[int, int], chosen: Mapping[Key, Change], bans: Bans
    ) -> dict[Key, Change] | None:
        """Return all changes of a choice, each of them once; None where a banned one is needed."""
        made = dict(chosen)
        for number, unit in picks.items():
            if self._seats.now[number] >> unit & 1:
                continue
            seats = self._seats.of_unit(number, 1 << unit)
            allowed = [each for each in seats if not is_banned(each, bans)]
            if not allowed:
                return None
            best = min(allowed, key=lambda each: _rest(each, made))
            for change in best.changes:
                if change.key not in made or made[change.key].level < change.level:
                    made[change.key] = change
        for change in self._new_ways(picks):
            if change.key in bans:
                return None
            made[change.key] = change
        return made

    def _new_ways(self, picks: Mapping[int, int]) -> Iterator[Change]:
        roads, places = self._problem.roads, self._seats.reach.places
        for number, unit in picks.items():
            here = places[unit]
            for source in self._problem.jobs[number].sources:
                maker = next((each for each in source.jobs if each in picks), None)
                there = source.place if maker is None else places[picks[maker]]
                assert there is not None, "an input is either open or somewhere"
                if roads.route(there, here, Weights()) is None:
                    ways = missing_ways(roads, (there.site, there.area), (here.site, here.area))
                    yield from self._seats.prices.all_priced(ways)


def _rest(seat: Seat, made: Mapping[Key, Change]) -> float:
    """Return what a seat takes beside the changes that are made."""
    known = ((each, made.get(each.key)) for each in seat.changes)
    return sum([c.price for c, own in known if own is None or own.level < c.level])


def _levels(banned: Mapping[Key, Change]) -> Bans:
    return {key: each.level for key, each in banned.items()}


def _price(changes: Sequence[Change]) -> float:
    return sum(each.price for each in changes)
