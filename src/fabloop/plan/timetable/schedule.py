"""When things happen: a timetable for chosen work units by list scheduling into gaps."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from fabloop.model.ids import OperationId
from fabloop.model.plan import MovementKind
from fabloop.plan.statement.duties import Duties
from fabloop.plan.statement.problem import ABSENT, Candidate, Problem, Source
from fabloop.plan.statement.roads import Hop, Leg, Weights
from fabloop.plan.timetable.keeping import Fit, Keeper


class Transfer(msgspec.Struct, frozen=True):
    """The legs by which an input reaches its taker, and the tick at which each one starts."""

    made_by: OperationId
    legs: tuple[Leg, ...]
    starts: tuple[int, ...]
    legs_done: int = 0


class Timetable(msgspec.Struct, frozen=True):
    """A complete answer to a problem: choices, starts and, per job and input, the transfers.

    A job that is `ABSENT` has start 0 and no transfers. `fits` tell, per job, what it holds besides
    its work unit; empty where no job holds anything.
    """

    choice: tuple[int, ...]
    starts: tuple[int, ...]
    transfers: tuple[tuple[Transfer, ...], ...]
    fits: tuple[Fit, ...] = ()

    def fit(self, job: int) -> Fit:
        """Return what a job holds, and when."""
        return self.fits[job] if self.fits else Fit(self.starts[job])

    def end(self, problem: Problem, job: int) -> int:
        """Return the tick at which the job ends."""
        return self.starts[job] + problem.jobs[job].candidates[self.choice[job]].takes.ticks

    def finish(self, problem: Problem) -> int:
        """Return the tick at which the product is made; 0 where nothing is open."""
        return self.end(problem, len(self.starts) - 1) if self.starts else 0

    def last(self, problem: Problem) -> int:
        """Return the tick at which the last of all jobs ends."""
        picks = enumerate(self.choice)
        return max((self.end(problem, job) for job, pick in picks if pick != ABSENT), default=0)

    def spans(self, problem: Problem) -> Iterator[tuple[str, int, int]]:
        """Yield what holds a resource, from tick to tick: jobs, their tools, moves inside sites."""
        for number, pick in enumerate(self.choice):
            if pick == ABSENT:
                continue
            start, end = self.starts[number], self.end(problem, number)
            yield problem.jobs[number].candidates[pick].unit.id, start, end
            for tool in self.fit(number).tools:
                yield tool, start, end
            for transfer in self.transfers[number]:
                for leg, begun in zip(transfer.legs, transfer.starts, strict=True):
                    if leg.hop.kind is MovementKind.TRANSPORT:
                        yield leg.hop.by, begun, begun + leg.hop.takes.ticks


class Routing(msgspec.Struct, frozen=True):
    """Choices together with the legs between them, per job and input, best under `weights`."""

    choice: tuple[int, ...]
    weights: Weights
    legs: tuple[tuple[tuple[Leg, ...], ...], ...]


def routing_of(problem: Problem, choice: Sequence[int], weights: Weights) -> Routing:
    """Return the best legs between the chosen work units; each movement must be possible."""
    legs: list[tuple[tuple[Leg, ...], ...]] = []
    for number, job in enumerate(problem.jobs):
        if choice[number] == ABSENT:
            legs.append(())
            continue
        target = job.candidates[choice[number]]
        legs.append(
            tuple(_legs(problem, source, choice, target, weights) for source in job.sources)
        )
    return Routing(tuple(choice), weights, tuple(legs))


def _legs(
    problem: Problem, source: Source, choice: Sequence[int], target: Candidate, weights: Weights
) -> tuple[Leg, ...]:
    if source.job is not None:
        maker = next(each for each in source.jobs if choice[each] != ABSENT)
        origin = problem.jobs[maker].candidates[choice[maker]].place
    else:
        assert source.place is not None, "an input is either open or somewhere"
        origin = source.place
    found = problem.roads.route(origin, target.place, weights)
    assert found is not None, "the tree only chooses work units that can be reached"
    return found


class _Calendar:
    """When a resource is taken: disjoint spans in order."""

    def __init__(self, spans: Sequence[tuple[int, int]] = ()) -> None:
        self._spans = sorted(spans)

    def first(self, ready: int, ticks: int) -> int:
        """Return the start of the first gap of this length at or after `ready`."""
        if ticks == 0:
            return ready
        start = ready
        first = max(0, bisect_left(self._spans, (start,)) - 1)
        for begin, end in self._spans[first:]:
            if start + ticks <= begin:
                break
            start = max(start, end)
        return start

    def book(self, start: int, ticks: int) -> None:
        """Take a span that is free."""
        if ticks:
            insort(self._spans, (start, start + ticks))

    def free(self, start: int, ticks: int) -> None:
        """Give a booked span back."""
        if ticks:
            self._spans.remove((start, start + ticks))


class _Floor:
    """The calendars of everything that contends, by its name."""

    def __init__(self, busy: Mapping[str, Sequence[tuple[int, int]]]) -> None:
        self._busy = busy
        self._calendars: dict[str, _Calendar] = {}

    def calendar(self, resource: str) -> _Calendar:
        """Return when a resource is taken."""
        if resource not in self._calendars:
            self._calendars[resource] = _Calendar(self._busy.get(resource, ()))
        return self._calendars[resource]

    def take(self, resource: str, ready: int, ticks: int) -> int:
        """Take the first gap of this length at or after `ready`; return its start."""
        calendar = self.calendar(resource)
        start = calendar.first(ready, ticks)
        calendar.book(start, ticks)
        return start

    def carry(self, leg: Leg, ready: int) -> tuple[Leg, int]:
        """Take the vehicle that arrives first, the cheaper one of equals; return its start."""
        if not leg.others:
            return leg, self.take(leg.hop.by, ready, leg.hop.takes.ticks)

        def arrives(hop: Hop) -> tuple[int, int]:
            ticks = hop.takes.ticks
            return self.calendar(hop.by).first(ready, ticks) + ticks, hop.takes.cost

        hop = min(leg.pool, key=arrives)
        return leg.by(hop), self.take(hop.by, ready, hop.takes.ticks)


def list_schedule(
    problem: Problem, routing: Routing, earliest: Sequence[int] | None = None
) -> Timetable:
    """Place jobs by longest remaining way to the end, each into the first gap that it fits.

    Work units that move things are resources like all others; carriers between sites are not.
    With `earliest`, jobs are placed in its order instead and none starts before its tick: what
    was planned once stays where it was as far as it can.
    """
    floor, duties = _Floor(problem.busy), problem.duties
    keeper = None if duties is None else Keeper(floor.calendar)
    if duties is not None and keeper is not None:
        keeper.heed(duties)
    starts = [0] * len(problem.jobs)
    ends = [0] * len(problem.jobs)
    transfers: list[tuple[Transfer, ...]] = [()] * len(problem.jobs)
    fits = [Fit(0)] * len(problem.jobs)
    for number in _by_remaining(problem, routing) if earliest is None else _by(problem, earliest):
        job, pick = problem.jobs[number], routing.choice[number]
        if pick == ABSENT:
            continue
        ready, moved = 0 if earliest is None else earliest[number], []
        for source, legs in zip(job.sources, routing.legs[number], strict=True):
            maker = _maker(source, routing.choice)
            ready_at = source.ready if maker is None else ends[maker]
            carried, begun, tick = _moved(legs, ready_at, floor, duties)
            made_by = source.made_by if maker is None else problem.jobs[maker].operation.id
            moved.append(Transfer(made_by, carried, begun, source.legs_done))
            ready = max(ready, tick)
        candidate, ticks = job.candidates[pick], job.candidates[pick].takes.ticks
        if duties is None or keeper is None:
            starts[number] = floor.take(candidate.unit.id, ready, ticks)
        else:
            need, unit = duties.need(job.operation, candidate), floor.calendar(candidate.unit.id)
            fits[number] = keeper.fit(unit, need, ready, ticks)
            keeper.book(unit, need, fits[number], ticks)
            starts[number] = fits[number].start
        ends[number] = starts[number] + ticks
        transfers[number] = tuple(moved)
    held = () if keeper is None else tuple(fits)
    return Timetable(routing.choice, tuple(starts), tuple(transfers), held)


def _moved(
    legs: Sequence[Leg], ready: int, floor: _Floor, duties: Duties | None
) -> tuple[tuple[Leg, ...], tuple[int, ...], int]:
    """Return the legs by who carries them out, when each starts, and when the piece arrives."""
    carried, begun, tick = [], [], ready
    for each in legs:
        leg = each
        if leg.hop.kind is MovementKind.TRANSPORT:
            leg, tick = floor.carry(leg, tick)
        elif duties is not None:
            tick = duties.leaves(leg.hop.lane, tick)
        carried.append(leg)
        begun.append(tick)
        tick += leg.hop.takes.ticks
    return tuple(carried), tuple(begun), tick


def _maker(source: Source, choice: Sequence[int]) -> int | None:
    """Return the open job that makes an input; None where it is there already."""
    if source.job is None:
        return None
    return next(each for each in source.jobs if choice[each] != ABSENT)


def placed_again(problem: Problem, table: Timetable) -> Timetable:
    """Return the timetable with each job no earlier than it was, in the same order."""
    return list_schedule(problem, routing_of_table(table), table.starts)


def routing_of_table(table: Timetable) -> Routing:
    """Return the choices and legs of a timetable."""
    legs = tuple(tuple(each.legs for each in job) for job in table.transfers)
    return Routing(table.choice, Weights(), legs)


def same_ways(one: Timetable, other: Timetable) -> bool:
    """Tell whether two timetables move things alike, whichever vehicles of a fleet do it."""
    both = (
        [
            (transfer.made_by, leg.hop.lane, leg.hop.takes)
            for job in each.transfers
            for transfer in job
            for leg in transfer.legs
        ]
        for each in (one, other)
    )
    return next(both) == next(both)


def _by(problem: Problem, earliest: Sequence[int]) -> list[int]:
    """Return the jobs by their earliest ticks, none before its inputs: new ones have tick 0."""
    ticks = list(earliest)
    for number, job in enumerate(problem.jobs):
        ticks[number] = max([ticks[number], *(ticks[each] for each in job.feeding())])
    return sorted(range(len(ticks)), key=lambda number: (ticks[number], number))


def _by_remaining(problem: Problem, routing: Routing) -> list[int]:
    """Return the jobs by what lies between their start and the end; inputs come first."""
    remaining = [0] * len(problem.jobs)
    for number in range(len(problem.jobs) - 1, -1, -1):
        job = problem.jobs[number]
        if routing.choice[number] == ABSENT:
            continue
        remaining[number] += job.candidates[routing.choice[number]].takes.ticks
        for source, legs in zip(job.sources, routing.legs[number], strict=True):
            if source.job is not None:
                way = sum(leg.hop.takes.ticks for leg in legs)
                remaining[source.job] = remaining[number] + way
    return sorted(range(len(problem.jobs)), key=lambda number: (-remaining[number], number))


def uncontended_finish(problem: Problem, routing: Routing) -> int:
    """Return when the product would be made if nothing ever waited for a resource."""
    ends: list[int] = []
    for number, job in enumerate(problem.jobs):
        if routing.choice[number] == ABSENT:
            ends.append(0)
            continue
        ready = 0
        for source, legs in zip(job.sources, routing.legs[number], strict=True):
            maker = _maker(source, routing.choice)
            tick = source.ready if maker is None else ends[maker]
            ready = max(ready, tick + sum(leg.ticks_least for leg in legs))
        ends.append(ready + job.candidates[routing.choice[number]].takes.ticks)
    return ends[-1] if ends else 0
