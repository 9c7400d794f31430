"""The least changes that help, proven: CP-SAT covers conflicts, the tree is the judge.

A change may serve many operations and is paid for once. Which changes are needed is learnt
from conflicts (implicit hitting sets, as in MaxHS; Davies and Bacchus, 2011): with the changes
chosen so far, some jobs and ways cannot all go together even if every other job could be done
by anybody. So one more seat at one of those jobs, or one more way, has to be there. CP-SAT finds
the least changes that do so for all conflicts known; when the tree says that they suffice, no
lesser ones do.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from fabloop.plan.reasons.bundles import Ways
from fabloop.plan.reasons.change import Change, Key
from fabloop.plan.reasons.cover import Covering
from fabloop.plan.reasons.enough import Enough
from fabloop.plan.reasons.minimal import minimal_conflict
from fabloop.plan.reasons.new_ways import NewWays
from fabloop.plan.reasons.reach import Frame, Reach
from fabloop.plan.reasons.seats import WAYS, Seats, reach_with
from fabloop.plan.reasons.strictest import strictest

ROUNDS_MAX = 16
"""How often one search for changes may learn from new conflicts; beyond, the tree is solved."""

THRESHOLDS = (6.0, 12.0, 24.0, 48.0, float("inf"))
"""Prices up to which new ways are looked at first; a dearer one is in no cheaper answer."""

SLACK = 0.5
"""How much dearer ways are looked at than an answer needs, so that the next ones are there too."""

CORES_MAX = 40
"""Conflicts that are learnt at once; of more, no cheapest cover is found in good time."""

WAYS_OUT_MAX = 1_500
"""Ways out of all conflicts across jobs; of more, no cheapest cover is found in good time."""

WAYS_MAX = 2_000
"""New ways that are looked at to resolve one conflict."""

Edge: TypeAlias = tuple[int, int]


class Answer(msgspec.Struct, frozen=True):
    """Changes that suffice; `proven` means that no lesser ones do (apart from those ruled out).

    Else nothing that is worth less than the `floor` does.
    """

    changes: tuple[Change, ...]
    price: float
    proven: bool
    floor: float


class _Core(msgspec.Struct, frozen=True):
    """Jobs with the units that cannot do, and ways: one more unit or way has to be there."""

    able: dict[int, int]
    edges: tuple[Edge, ...]
    starts: dict[Edge, int]
    ends: dict[Edge, int]

    @property
    def is_local(self) -> bool:
        """Whether it is about one job alone."""
        return len(self.able) == 1 and not self.edges


class Upgrades:
    """Finds the least changes, then the least ones that do not contain those found before.

    Nothing that helps is worth less than the `floor`, whether it was found or not.
    """

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._reach = seats.reach
        self._ways = NewWays(seats.problem.roads, seats.prices)
        self._jobs = range(len(seats.problem.jobs))
        self._frame = Frame(seats.problem, seats.reach, [False for _ in self._jobs])
        self._cores: list[_Core] = []
        self._rounds = 0
        self._limit = THRESHOLDS[0]
        self.floor = 0.0
        self._local: Covering | None = None
        self._is_wide = False
        self._found: list[tuple[Change, ...]] = []
        self._reaches: dict[frozenset[Key], Reach] = {frozenset(): self._reach}
        self._looked_at: set[int] = set()
        self._asked: tuple[tuple[int, float], Covering] | None = None
        self._known: dict[tuple[int, float], Ways] = {}
        self._others: dict[tuple[int, int], list[tuple[Change, ...]]] = {}

    @property
    def gave_up(self) -> bool:
        """Whether there may be answers that were not found."""
        return self._rounds >= ROUNDS_MAX

    def next(self) -> Answer | None:
        """Return the least changes that contain none of the earlier answers; None for none."""
        while True:
            answer = self._solved(self._limit)
            if answer is not None and (answer.price <= self._limit or not self._is_limited()):
                self._found.append(answer.changes)
                return answer
            if answer is not None:
                self._limit = answer.price + SLACK
            elif self._limit == THRESHOLDS[-1] or not self._is_limited():
                return None
            else:
                self._limit = next(each for each in THRESHOLDS if each > self._limit)

    def _is_limited(self) -> bool:
        """Tell whether new ways are left out that are too dear; seats never are."""
        return any(core.edges for core in self._cores)

    def _solved(self, limit: float) -> Answer | None:
        """Return the least changes whose new ways cost no more than the limit allows."""
        proven = True
        while self._rounds < ROUNDS_MAX:
            self._rounds += 1
            demands = self._demands(limit)
            cover = (
                None if demands is None else self._covering(demands, limit).cheapest(self._found)
            )
            if cover is None:
                return None
            proven = proven and cover.proven
            if cover.proven:
                self.floor = max(self.floor, min(cover.price, limit))
            cores = self._strictest(self._learnt(cover.chosen))
            if len(cores) > CORES_MAX:
                self._rounds = ROUNDS_MAX
                return None
            if not cores:
                kept = self._lowered(cover.chosen)
                price = round(sum(each.price for each in kept), 9)
                return Answer(kept, price, proven, price if proven else min(price, self.floor))
            self._cores += cores
        return None

    def _demands(self, limit: float) -> Sequence[Ways] | None:
        """Return the ways out of each conflict known; None where there are too many.

        What single jobs need is paid for in any case: new ways may take no more than the rest.
        """
        local = [core for core in self._cores if core.is_local]
        if len(local) == len(self._cores):
            return [self._ways_out(core, 0.0) for core in local]
        needs = [self._ways_out(core, 0.0) for core in local]
        before = self._local
        self._local = Covering(needs) if before is None else before.again(needs)
        least = self._local.cheapest(())
        if least is not None and least.proven:
            self.floor = max(self.floor, least.price)
            limit -= least.price
        demands = [self._ways_out(core, limit) for core in self._cores]
        pairs = zip(self._cores, demands, strict=True)
        across = sum(len(ways) for core, ways in pairs if not core.is_local)
        if self._is_wide or across > WAYS_OUT_MAX:
            self._rounds = ROUNDS_MAX
            return None
        return demands

    def _covering(self, demands: Sequence[Ways], limit: float) -> Covering:
        """Return what covers the conflicts; the one before, where none is new."""
        name = len(demands), limit if self._is_limited() else THRESHOLDS[-1]
        if self._asked is None or self._asked[0] != name:
            before = None if self._asked is None else self._asked[1]
            self._asked = name, Covering(demands) if before is None else before.again(demands)
        return self._asked[1]

    def _strictest(self, cores: list[_Core]) -> list[_Core]:
        """Drop what is resolved with another one, most likely: what is left is judged again."""
        assert self._seats.world is not None, "products share no changes"
        jobs = self._seats.problem.jobs
        alone = {number: core for core in cores for number in core.able if core.is_local}
        operations = [jobs[number].operation for number in alone]
        strict = strictest(operations, self._seats.world.setting.vocabulary)
        dropped = {id(alone[number]) for number in alone if jobs[number].operation.id not in strict}
        return [core for core in cores if id(core) not in dropped]

    def _ways_out(self, core: _Core, limit: float) -> Ways:
        """Return the changes each of which resolves a conflict, new ways up to a price."""
        name = id(core), limit if core.edges else THRESHOLDS[-1]
        if name not in self._known:
            rows = [self._unable(job, able) for job, able in core.able.items()]
            if core.edges:
                rows.append(self._new_ways(core, limit))
            self._known[name] = rows[0] if len(rows) == 1 else [way for row in rows for way in row]
        return self._known[name]

    def _unable(self, job: int, able: int) -> list[tuple[Change, ...]]:
        """Return the changes by which others can do a job; the same object for jobs that agree."""
        seats = self._seats.of(job)
        name = id(seats), able
        if name not in self._others:
            self._others[name] = [seat.changes for seat in seats if not seat.unit & able]
        return self._others[name]

    def _new_ways(self, core: _Core, limit: float) -> list[tuple[Change, ...]]:
        """Return the new ways that resolve a conflict, none where they are too many."""
        found: dict[tuple[int, ...], tuple[Change, ...]] = {}
        for edge in core.edges:
            starts = list(self._reach.places_of(core.starts[edge]))
            source = self._seats.problem.jobs[edge[0]].sources[edge[1]]
            if source.place is not None:
                starts.append(source.place)
            ends = self._reach.places_of(core.ends[edge])
            for ways in self._ways.between(starts, ends, limit):
                found[tuple([id(each) for each in ways])] = ways
                if len(found) > WAYS_MAX:
                    self._is_wide = True
                    return []
        return list(found.values())

    def _able(self, number: int, chosen: Mapping[Key, Change]) -> int:
        """Return who can do a job with the changes, as far as its seats were looked at."""
        mask = self._seats.now[number]
        if number in self._looked_at:
            mask |= self._seats.served(number, chosen)
        return mask

    def _learnt(self, chosen: Mapping[Key, Change]) -> list[_Core]:
        """Return conflicts that share no job, none where the changes suffice.

        A job that has not been looked at may be able to do more than is known, if anything is
        changed: then it is looked at, and all is asked again.
        """
        reach = self._reach_with(chosen)
        while True:
            able = {number: self._able(number, chosen) for number in self._jobs}
            cores = self._conflicts(able, reach)
            new = {number for core in cores for number in core.able} - self._looked_at
            if not new or not chosen:
                return cores
            self._looked_at |= new
            if all(self._able(number, chosen) == able[number] for number in new):
                return cores

    def _conflicts(self, able: Mapping[int, int], reach: Reach) -> list[_Core]:
        cores: list[_Core] = []
        eased: set[int] = set()
        freed: set[Edge] = set()
        while True:
            masks = {n: self._seats.relaxed(n) if n in eased else able[n] for n in self._jobs}
            core = self._conflict(masks, eased, freed, reach)
            if core is None:
                return cores
            cores.append(core)
            eased |= set(core.able)
            freed |= set(core.edges)
            if not core.able and not core.edges:
                return cores

    def _conflict(
        self, masks: Mapping[int, int], eased: set[int], freed: set[Edge], reach: Reach
    ) -> _Core | None:
        """Return a smallest conflict of jobs (and ways, where these may be opened)."""
        frame = self._frame
        able = frame.able(
            masks.__getitem__, lambda job, place: (job, place) in freed, self._jobs, reach
        )
        broken = frame.broken(able)
        if broken is None:
            return None
        jobs = frame.under(broken)
        atoms: list[int | Edge] = [
            number
            for number in jobs
            if number not in eased and masks[number] != self._seats.relaxed(number)
        ]
        edges = [(job, place) for job in jobs for place in range(len(frame.feeds[job]))]
        atoms += [edge for edge in edges if edge not in freed]

        def holds(kept: frozenset[int | Edge]) -> bool:
            able = frame.able(
                lambda number: masks[number] if number in kept else self._seats.relaxed(number),
                lambda job, place: (job, place) in freed or (job, place) not in kept,
                jobs,
                reach,
            )
            return frame.broken(able) is None

        found = minimal_conflict(atoms, holds)
        return self._core(found, masks)

    def _core(self, found: Sequence[int | Edge], masks: Mapping[int, int]) -> _Core:
        blocks = {each: masks[each] for each in found if isinstance(each, int)}
        edges = tuple(each for each in found if not isinstance(each, int))
        starts, ends = {}, {}
        for job, place in edges:
            makers = self._frame.feeds[job][place].makers
            starts[job, place] = 0
            for maker in makers:
                starts[job, place] |= blocks.get(maker, self._seats.relaxed(maker))
            ends[job, place] = blocks.get(job, self._seats.relaxed(job))
        return _Core(blocks, edges, starts, ends)

    def _reach_with(self, chosen: Mapping[Key, Change]) -> Reach:
        """Return the reach with the new ways among the changes."""
        ways = frozenset(key for key in chosen if key[0] in WAYS)
        if ways not in self._reaches:
            self._reaches[ways] = reach_with(self._reach, [chosen[key] for key in ways])
        return self._reaches[ways]

    def _lowered(self, chosen: Mapping[Key, Change]) -> tuple[Change, ...]:
        """Return the changes with each amount as small as it may be, needless ones left out."""
        amounts: dict[Key, dict[float, Change]] = {key: {} for key in chosen}
        for number in self._looked_at:
            known = self._seats.amounts(number)
            for key in amounts.keys() & known.keys():
                amounts[key] |= known[key]
        enough = Enough(self._frame, self._able, self._jobs_of, self._reach_with)
        return enough.lowered(chosen, amounts)

    def _jobs_of(self, change: Change) -> Iterator[int]:
        key = change.key
        return (number for number in self._looked_at if key in self._seats.keys(number))
