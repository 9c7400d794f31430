"""Runs and shipments that a plan shared before it is changed: who may stay in them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import LaneId, OperationId, WorkUnitId
from fabloop.model.plan import Movement, Plan, PlannedStep
from fabloop.model.site import Network
from fabloop.plan.names import batch_name, run_name, shipment_name
from fabloop.plan.shipping import sharing, with_movements
from fabloop.plan.statement.batches import in_run, joinable
from fabloop.plan.statement.candidates import Candidate, Shared
from fabloop.plan.statement.crews import NEVER
from fabloop.plan.statement.problem import Busy, Job, Problem
from fabloop.plan.statement.roads import TICK
from fabloop.plan.timetable.schedule import Timetable


class Seat(msgspec.Struct, frozen=True):
    """A step that may stay in its run: who else is in that, when, and what it takes by itself."""

    job: int
    pick: int
    plain: Candidate
    pieces: int
    others: int
    start: int

    @property
    def end(self) -> int:
        """The tick at which the run ends."""
        return self.start + self.plain.takes.ticks


def seats_of(problem: Problem, choice: Sequence[int | None], plan: Plan, busy: Busy) -> list[Seat]:
    """Return the open steps that may stay in the runs that they had; `choice` is what they were.

    Those of other plans are in a run still, or several steps of this plan are and nothing else
    takes the work unit then; and all of them are no more than it takes at once.
    """
    old = {each.operation: each for each in plan.steps if each.batch is not None}
    found = [
        seat
        for number, job in enumerate(problem.jobs)
        if (step := old.get(job.operation.id)) is not None
        and (seat := _seat(problem, number, choice[number], step, busy)) is not None
    ]
    runs: dict[tuple[str, int], list[Seat]] = defaultdict(list)
    for seat in found:
        runs[seat.plain.unit.id, seat.start].append(seat)
    return [seat for several in runs.values() if _holds(problem, several) for seat in several]


def _seat(
    problem: Problem, number: int, pick: int | None, step: PlannedStep, busy: Busy
) -> Seat | None:
    if pick is None or step.batch is None:
        return None
    job = problem.jobs[number]
    plain = job.candidates[pick]
    pieces, start = joinable(job.operation, plain.unit, problem.quantity), step.start
    on_grid = start >= problem.origin and not (start - problem.origin) % TICK
    if not pieces or not on_grid or step.end - start != plain.takes.ticks * TICK:
        return None
    others = sum(_pieces_in(busy, step))
    return Seat(number, pick, plain, pieces, others, (start - problem.origin) // TICK)


def _pieces_in(busy: Busy, step: PlannedStep) -> Iterator[int]:
    assert step.batch is not None, "asked only of steps in runs"
    prefix = batch_name(step.work_unit, step.batch.family)
    for name, spans in busy.items():
        if name.startswith(prefix):
            for span in spans:
                if span == (step.start, step.end):
                    yield int(name.removeprefix(prefix))


def _holds(problem: Problem, seats: Sequence[Seat]) -> bool:
    first, own = seats[0], sum(each.pieces for each in seats)
    if own + first.others > first.plain.unit.batch_max:
        return False
    if first.others:
        return True
    taken = problem.busy.get(first.plain.unit.id, ())
    return len(seats) > 1 and all(b <= first.start or a >= first.end for a, b in taken)


def in_company(problem: Problem, seats: Sequence[Seat], network: Network) -> Problem:
    """Return the problem with the steps in their runs, each a resource of its own then."""
    jobs, busy = list(problem.jobs), dict(problem.busy)
    for number, seat in enumerate(seats):
        name, unit = run_name(seat.plain.unit.id, number, 0), seat.plain.unit.id
        jobs[seat.job] = _at(
            problem, seat, _told(problem, seat, _together(seat, seats), network, name)
        )
        busy[name] = (-1, seat.start), (seat.end, NEVER)
        if not seat.others:
            busy[unit] = tuple(sorted({*busy.get(unit, ()), (seat.start, seat.end)}))
    return msgspec.structs.replace(problem, jobs=tuple(jobs), busy=busy)


def _together(seat: Seat, seats: Sequence[Seat]) -> int:
    own = (each.pieces for each in seats if _run_of(each) == _run_of(seat))
    return seat.others + sum(own)


def _run_of(seat: Seat) -> tuple[WorkUnitId, int]:
    return seat.plain.unit.id, seat.start


def _told(problem: Problem, seat: Seat, together: int, network: Network, name: str) -> Candidate:
    if together == seat.pieces:
        return seat.plain
    operation = problem.jobs[seat.job].operation
    return in_run(seat.plain, operation, network, Shared(seat.pieces, together), name)


def _at(problem: Problem, seat: Seat, candidate: Candidate) -> Job:
    job = problem.jobs[seat.job]
    rows = [candidate if at == seat.pick else each for at, each in enumerate(job.candidates)]
    return msgspec.structs.replace(job, candidates=tuple(rows))


def missed(seats: Sequence[Seat], table: Timetable) -> list[Seat]:
    """Return the steps that come too late for their run, or too early."""
    return [
        each
        for each in seats
        if table.choice[each.job] == each.pick and table.starts[each.job] != each.start
    ]


def stayed(seats: Sequence[Seat], table: Timetable) -> list[Seat]:
    """Return the steps that are in their run."""
    return [each for each in seats if table.choice[each.job] == each.pick]


def without_runs(problem: Problem, seats: Sequence[Seat]) -> Problem:
    """Return the problem as if nothing took the work units in these runs: a bound for all plans."""
    if not seats:
        return problem
    busy = dict(problem.busy)
    for seat in seats:
        unit = seat.plain.unit.id
        busy[unit] = tuple(
            each for each in busy.get(unit, ()) if each[1] <= seat.start or each[0] >= seat.end
        )
    return msgspec.structs.replace(problem, busy=busy)


def shipped_again(plan: Plan, before: Plan, network: Network, busy: Busy) -> Plan:
    """Return the plan with goods in the shipments that they had with those of other plans.

    A good stays in one if it is at the gate in time and the next leg can wait for it.
    """
    lanes = {each.id: each for each in network.lanes if each.goods_max > 1}
    old = {_good(each): each.start for each in before.movements if each.goods > 1 and each.lane}
    groups: dict[tuple[LaneId, Instant], list[int]] = defaultdict(list)
    for place, each in enumerate(plan.movements):
        leaves = old.get(_good(each))
        if leaves is None or each.lane not in lanes or each.frozen:
            continue
        if each.start <= leaves <= _latest(plan, each):
            groups[each.lane, leaves].append(place)
    changed: dict[int, Movement] = {}
    for (lane, leaves), places in groups.items():
        others = sum(start == leaves for start, _ in busy.get(shipment_name(lane), ()))
        goods = others + len(places)
        if others and goods <= lanes[lane].goods_max:
            for place in places:
                changed[place] = sharing(plan.movements[place], lanes[lane], leaves, goods)
    return with_movements(plan, changed)


def _good(each: Movement) -> tuple[OperationId, OperationId, LaneId | None]:
    return each.made_by, each.taken_by, each.lane


def _latest(plan: Plan, movement: Movement) -> Instant:
    """Return when it may leave at the latest, so that what follows stays where it is."""
    after = movement.made_by, movement.taken_by, movement.leg + 1
    ways = {(each.made_by, each.taken_by, each.leg): each.start for each in plan.movements}
    by = ways.get(after, plan.step(movement.taken_by).start)
    return Instant(by - (movement.end - movement.start))
