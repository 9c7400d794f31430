"""Join steps of one batch family into runs that do them at once, where that makes plans better."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import msgspec

from fabloop.model.ids import WorkUnitId
from fabloop.model.site import Network
from fabloop.plan.names import run_name
from fabloop.plan.statement.batches import in_run, joinable
from fabloop.plan.statement.candidates import Candidate, Shared
from fabloop.plan.statement.crews import NEVER
from fabloop.plan.statement.problem import ABSENT, Problem
from fabloop.plan.statement.roads import Weights
from fabloop.plan.timetable.bargain import surcharge
from fabloop.plan.timetable.beside import beside
from fabloop.plan.timetable.schedule import Routing, Timetable, list_schedule

JOININGS_MAX = 160
"""Joint runs that are tried; each one places the orders that it concerns anew."""

LAST = NEVER // 2
"""Ticks that no timetable goes on to, unless a step comes too late for its run."""

ROUNDS_MAX = 3
"""Times that runs are brought forward and orders placed anew once all runs are found."""

Placed = tuple[Problem, Timetable]
Worth = tuple[float, ...]


class Seat(msgspec.Struct, frozen=True):
    """A step that may go with others: whose it is, and how many pieces it brings."""

    order: int
    job: int
    pieces: int


class Run(msgspec.Struct, frozen=True):
    """What a work unit does at once from a tick on."""

    unit: WorkUnitId
    start: int
    ticks: int
    seats: tuple[Seat, ...]

    @property
    def together(self) -> int:
        """How many pieces are in it."""
        return sum(each.pieces for each in self.seats)


class Group(msgspec.Struct, frozen=True):
    """What has to be the same: the work unit, the family, and how long it takes."""

    unit: WorkUnitId
    family: str
    ticks: int


def joined(
    placed: Sequence[Placed], network: Network, lead: Callable[[Sequence[int], float], Worth]
) -> list[Placed]:
    """Return the timetables with steps joined to runs; `lead` says what is worth most.

    It is given the finish of each order and the cost of all, and what is less is better. Work
    units and ways stay. A step that is in a run has one candidate, whose work unit is the run.
    """
    found = _Joining(placed, network, lead)
    found.run()
    return found.placed()


class _Joining:
    """The orders as they stand, with the runs that were found."""

    def __init__(
        self,
        placed: Sequence[Placed],
        network: Network,
        lead: Callable[[Sequence[int], float], Worth],
    ) -> None:
        self._plain = [problem for problem, _ in placed]
        self._picks = [table.choice for _, table in placed]
        self._now = list(placed)
        self._network = network
        self._lead = lead
        self._runs: list[Run] = []
        self._left = JOININGS_MAX
        self._worth = self._worth_of(self._now)

    def placed(self) -> list[Placed]:
        """Return problems and timetables, all runs in them."""
        if not self._runs:
            return self._now
        return [
            (self._with(number, self._runs), table) for number, (_, table) in enumerate(self._now)
        ]

    def run(self) -> None:
        """Try to add each step to a run or another step, the early ones first; then close up."""
        for group, seats in self._groups().items():
            for seat in seats:
                if not any(seat in run.seats for run in self._runs):
                    self._seated(group, seat, seats)
        for _ in range(ROUNDS_MAX if self._runs else 0):
            before = self._worth
            for run in sorted(self._runs, key=lambda each: each.start):
                self._brought_forward(run)
            for number in range(len(self._now)):
                self._closed_up(number)
            if self._worth == before:
                return

    def _brought_forward(self, run: Run) -> None:
        """Let a run begin as early as is better for the plans."""
        ready = max(self._ready(each) for each in run.seats)
        ends = {
            end
            for problem, table in self._now
            for resource, _, end in table.spans(problem)
            if resource == run.unit
        }
        ends |= {each.start + each.ticks for each in self._runs if each.unit == run.unit}
        for start in sorted({ready, *(max(ready, each) for each in ends)}):
            if start >= run.start or self._left <= 0:
                return
            if self._tried(msgspec.structs.replace(run, start=start)):
                return

    def _closed_up(self, number: int) -> None:
        """Place an order anew beside the others, which have left room for it."""
        if self._left <= 0:
            return
        self._left -= 1
        now, problem = list(self._now), self._with(number, self._runs)
        now[number] = problem, now[number][1]
        new = self._listed(number, now, None)
        late = new.finish(problem) >= min(problem.read, LAST)
        if not late and self._keeps(number, new, self._runs):
            now[number] = problem, new
            worth = self._worth_of(now)
            if worth < self._worth:
                self._now, self._worth = now, worth

    def _ready(self, seat: Seat) -> int:
        """Return when all that a step takes from is there."""
        problem, table = self._now[seat.order]
        number = {each.operation.id: job for job, each in enumerate(problem.jobs)}
        found = [0]
        for each in table.transfers[seat.job]:
            if each.legs:
                found.append(each.starts[-1] + each.legs[-1].hop.takes.ticks)
            elif each.made_by in number:
                found.append(table.end(problem, number[each.made_by]))
        return max(found)

    def _groups(self) -> dict[Group, list[Seat]]:
        found: dict[Group, list[tuple[int, Seat]]] = defaultdict(list)
        for number, (problem, table) in enumerate(self._now):
            for job, pick in enumerate(table.choice):
                operation = problem.jobs[job].operation
                if pick == ABSENT or not operation.batch_family:
                    continue
                each = problem.jobs[job].candidates[pick]
                pieces = joinable(operation, each.unit, problem.quantity)
                if pieces:
                    group = Group(each.unit.id, operation.batch_family, each.takes.ticks)
                    found[group].append((table.starts[job], Seat(number, job, pieces)))
        return {
            group: [seat for _, seat in sorted(rows, key=lambda row: row[0])]
            for group, rows in found.items()
            if len(rows) > 1
        }

    def _seated(self, group: Group, seat: Seat, seats: Sequence[Seat]) -> None:
        """Put a step where it makes the plans better first, if anywhere."""
        most = self._candidate(seat).unit.batch_max
        for other in self._companies(group, seat, seats):
            if sum(each.pieces for each in other) + seat.pieces > most:
                continue
            members = (*other, seat)
            starts = [self._start(each) for each in members]
            ready = max(self._ready(each) for each in members)
            for start in dict.fromkeys((starts[0], max(starts), min(starts), ready)):
                if self._left <= 0:
                    return
                if self._tried(Run(group.unit, start, group.ticks, members)):
                    return

    def _companies(
        self, group: Group, seat: Seat, seats: Sequence[Seat]
    ) -> Iterator[tuple[Seat, ...]]:
        """Yield who may be joined: runs of the group, then single steps."""
        taken: set[Seat] = set()
        for run in self._runs:
            taken.update(run.seats)
            if run.unit == group.unit and run.ticks == group.ticks and run.seats[0] in seats:
                yield run.seats
        yield from ((each,) for each in seats if each != seat and each not in taken)

    def _candidate(self, seat: Seat) -> Candidate:
        pick = self._picks[seat.order][seat.job]
        return self._plain[seat.order].jobs[seat.job].candidates[pick]

    def _start(self, seat: Seat) -> int:
        return self._now[seat.order][1].starts[seat.job]

    def _tried(self, run: Run) -> bool:
        """Place the orders of a run anew; keep that where it is better."""
        if not self._is_free(run):
            return False
        self._left -= 1
        runs = [each for each in self._runs if not set(each.seats) & set(run.seats)]
        runs.append(run)
        for left_shifted in (True, False):
            now = self._placed_anew(run, runs, left_shifted=left_shifted)
            worth = None if now is None else self._worth_of(now)
            if now is not None and worth is not None and worth < self._worth:
                self._now, self._runs, self._worth = now, runs, worth
                return True
        return False

    def _is_free(self, run: Run) -> bool:
        """Tell whether nothing but its own steps takes the work unit then."""
        first, last = run.start, run.start + run.ticks
        spans = [*self._plain[run.seats[0].order].busy.get(run.unit, ())]
        mine = set(run.seats)
        spans += [
            (each.start, each.start + each.ticks)
            for each in self._runs
            if each.unit == run.unit and not mine & set(each.seats)
        ]
        own = {(each.order, self._start(each)) for each in run.seats}
        for number, (problem, table) in enumerate(self._now):
            spans += [
                (start, end)
                for resource, start, end in table.spans(problem)
                if resource == run.unit and (number, start) not in own
            ]
        return not any(start < last and end > first for start, end in spans)

    def _placed_anew(
        self, run: Run, runs: Sequence[Run], *, left_shifted: bool
    ) -> list[Placed] | None:
        now = list(self._now)
        concerned = list(dict.fromkeys(each.order for each in run.seats))
        for number in concerned:
            choice = self._choice(number, runs)
            stale = msgspec.structs.replace(now[number][1], choice=choice)
            now[number] = self._with(number, runs), stale
        for number in concerned:
            problem, table = now[number]
            starts = None if left_shifted else self._wanted(number, runs, table)
            new = self._listed(number, now, starts)
            late = new.finish(problem) >= min(problem.read, LAST)
            if late or not self._keeps(number, new, runs):
                return None
            now[number] = problem, new
        return now

    def _listed(
        self, number: int, now: Sequence[Placed], starts: Sequence[int] | None
    ) -> Timetable:
        """Return an order placed beside the others, from certain ticks on or as early as it can."""
        problem, table = now[number]
        around = beside(problem, (each for it, each in enumerate(now) if it != number))
        legs = tuple(tuple(each.legs for each in row) for row in table.transfers)
        return list_schedule(around, Routing(table.choice, Weights(), legs), starts)

    def _wanted(self, number: int, runs: Sequence[Run], table: Timetable) -> list[int]:
        """Return the ticks from which on steps are placed: where they are, or their run is."""
        starts = list(table.starts)
        for run in runs:
            for each in run.seats:
                if each.order == number:
                    starts[each.job] = run.start
        return starts

    def _keeps(self, number: int, table: Timetable, runs: Sequence[Run]) -> bool:
        """Tell whether an order's steps are in time for all their runs."""
        return all(
            table.starts[each.job] == run.start
            for run in runs
            for each in run.seats
            if each.order == number
        )

    def _choice(self, number: int, runs: Sequence[Run]) -> tuple[int, ...]:
        choice = list(self._picks[number])
        for run in runs:
            for each in run.seats:
                if each.order == number:
                    choice[each.job] = 0
        return tuple(choice)

    def _with(self, number: int, runs: Sequence[Run]) -> Problem:
        """Return an order's problem with its steps in runs, and all runs taking their work unit."""
        problem = self._plain[number]
        jobs, busy = list(problem.jobs), dict(problem.busy)
        for place, run in enumerate(runs):
            slot = (run.start, run.start + run.ticks)
            busy[run.unit] = tuple(sorted((*busy.get(run.unit, ()), slot)))
            for row, each in enumerate(run.seats):
                if each.order != number:
                    continue
                name = run_name(run.unit, place, row)
                shared = Shared(each.pieces, run.together)
                job = problem.jobs[each.job]
                mine = in_run(self._candidate(each), job.operation, self._network, shared, name)
                jobs[each.job] = msgspec.structs.replace(job, candidates=(mine,))
                busy[name] = (-1, slot[0]), (slot[1], NEVER)
        return msgspec.structs.replace(problem, jobs=tuple(jobs), busy=busy)

    def _worth_of(self, now: Sequence[Placed]) -> Worth:
        finishes = [table.finish(problem) for problem, table in now]
        cost = sum(_cost(problem, table) for problem, table in now)
        return (*self._lead(finishes, cost), cost, float(sum(finishes)))


def _cost(problem: Problem, table: Timetable) -> float:
    """Return what a timetable takes, at its times."""
    steps = (
        problem.jobs[job].candidates[pick].takes.cost
        for job, pick in enumerate(table.choice)
        if pick != ABSENT
    )
    ways = (leg.hop.takes.cost for row in table.transfers for each in row for leg in each.legs)
    return float(sum(steps) + sum(ways) + surcharge(problem, table)[0])
