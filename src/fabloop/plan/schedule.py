"""When things happen: a timetable for chosen work units by list scheduling into gaps."""

from bisect import bisect_left, insort
from collections.abc import Sequence

import msgspec

from fabloop.model.ids import OperationId
from fabloop.model.plan import MovementKind
from fabloop.plan.problem import ABSENT, Candidate, Problem, Source
from fabloop.plan.roads import Leg, Weights


class Transfer(msgspec.Struct, frozen=True):
    """The legs by which an input reaches its taker, and the tick at which each one starts."""

    made_by: OperationId
    legs: tuple[Leg, ...]
    starts: tuple[int, ...]
    legs_done: int = 0


class Timetable(msgspec.Struct, frozen=True):
    """A complete answer to a problem: choices, starts and, per job and input, the transfers.

    A job that is `ABSENT` has start 0 and no transfers.
    """

    choice: tuple[int, ...]
    starts: tuple[int, ...]
    transfers: tuple[tuple[Transfer, ...], ...]

    def end(self, problem: Problem, job: int) -> int:
        """Return the tick at which the job ends."""
        return self.starts[job] + problem.jobs[job].candidates[self.choice[job]].takes.ticks

    def finish(self, problem: Problem) -> int:
        """Return the tick at which the product is made; 0 where nothing is open."""
        return self.end(problem, len(self.starts) - 1) if self.starts else 0


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

    def take(self, ready: int, ticks: int) -> int:
        """Take the first gap of this length at or after `ready`; return its start."""
        if ticks == 0:
            return ready
        start = ready
        first = max(0, bisect_left(self._spans, (start,)) - 1)
        for begin, end in self._spans[first:]:
            if start + ticks <= begin:
                break
            start = max(start, end)
        insort(self._spans, (start, start + ticks))
        return start


def list_schedule(
    problem: Problem, routing: Routing, earliest: Sequence[int] | None = None
) -> Timetable:
    """Place jobs by longest remaining way to the end, each into the first gap that it fits.

    Work units that move things are resources like all others; carriers between sites are not.
    With `earliest`, jobs are placed in its order instead and none starts before its tick: what
    was planned once stays where it was as far as it can.
    """
    calendars: dict[str, _Calendar] = {}
    starts = [0] * len(problem.jobs)
    ends = [0] * len(problem.jobs)
    transfers: list[tuple[Transfer, ...]] = [()] * len(problem.jobs)

    def take(resource: str, ready: int, ticks: int) -> int:
        if resource not in calendars:
            calendars[resource] = _Calendar(problem.busy.get(resource, ()))
        return calendars[resource].take(ready, ticks)

    for number in _by_remaining(problem, routing) if earliest is None else _by(problem, earliest):
        job = problem.jobs[number]
        ready, moved = 0 if earliest is None else earliest[number], []
        for source, legs in zip(job.sources, routing.legs[number], strict=True):
            tick = source.ready if source.job is None else ends[source.job]
            begun = []
            for leg in legs:
                takes = leg.hop.takes
                held = leg.hop.kind is MovementKind.TRANSPORT
                begun.append(take(leg.hop.by, tick, takes.ticks) if held else tick)
                tick = begun[-1] + takes.ticks
            moved.append(Transfer(source.made_by, legs, tuple(begun), source.legs_done))
            ready = max(ready, tick)
        candidate = job.candidates[routing.choice[number]]
        starts[number] = take(candidate.unit.id, ready, candidate.takes.ticks)
        ends[number] = starts[number] + candidate.takes.ticks
        transfers[number] = tuple(moved)
    return Timetable(routing.choice, tuple(starts), tuple(transfers))


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
        ready = 0
        for source, legs in zip(job.sources, routing.legs[number], strict=True):
            tick = source.ready if source.job is None else ends[source.job]
            ready = max(ready, tick + sum(leg.hop.takes.ticks for leg in legs))
        ends.append(ready + job.candidates[routing.choice[number]].takes.ticks)
    return ends[-1] if ends else 0
