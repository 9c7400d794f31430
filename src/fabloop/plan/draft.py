"""Turn a timetable, with what is settled already, into a plan in the nouns of the model."""

from collections.abc import Iterable, Sequence

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import OrderId, PlanId
from fabloop.model.kpi import KpiValue
from fabloop.model.plan import Batch, Movement, MovementKind, Optimality, Plan, PlannedStep, Totals
from fabloop.model.product import Operation
from fabloop.plan.reading import Unread
from fabloop.plan.statement.charges import Charge
from fabloop.plan.statement.problem import ABSENT, Candidate, Problem
from fabloop.plan.statement.roads import TICK
from fabloop.plan.timetable.bargain import bargained
from fabloop.plan.timetable.schedule import Timetable, Transfer
from fabloop.plan.timetable.sequence import families_before


class Settled(msgspec.Struct, frozen=True):
    """Frozen steps and movements of a plan that is being changed."""

    steps: tuple[PlannedStep, ...] = ()
    movements: tuple[Movement, ...] = ()
    kpis: tuple[KpiValue, ...] = ()


class Heading(msgspec.Struct, frozen=True):
    """What a plan says about itself."""

    id: PlanId
    order: OrderId
    made_at: Instant
    currency: str
    replaces: PlanId | None = None


def instant_of_tick(problem: Problem, tick: int) -> Instant:
    """Return the instant of a tick."""
    return Instant(problem.origin + tick * TICK)


def draft(
    heading: Heading,
    problem: Problem,
    table: Timetable,
    settled: Settled | None = None,
    optimality: Sequence[Optimality] = (),
) -> Plan:
    """Return the plan: settled steps first, then the open ones in order of their start."""
    settled = settled or Settled()
    _check_read(problem, table)  # what was not read has no day, and so no price either
    table = bargained(problem, table)
    _check_read(problem, table)
    steps = sorted(
        open_steps(problem, table), key=lambda each: (each.start, each.end, each.operation)
    )
    moved = [each for job in range(len(problem.jobs)) for each in _movements(problem, table, job)]
    moved.sort(key=lambda each: (each.start, each.made_by, each.leg))
    kpis = [
        *settled.kpis,
        *(
            value
            for job, pick in enumerate(table.choice)
            if pick != ABSENT
            for value in problem.jobs[job].candidates[pick].kpis
        ),
    ]
    return assemble(
        heading, (*settled.steps, *steps), (*settled.movements, *moved), kpis, optimality
    )


def _check_read(problem: Problem, table: Timetable) -> None:
    """Refuse a timetable that goes on where calendars were not read."""
    if problem.jobs and table.last(problem) > problem.read:
        raise Unread


def assemble(
    heading: Heading,
    steps: tuple[PlannedStep, ...],
    movements: tuple[Movement, ...],
    kpis: Iterable[KpiValue],
    optimality: Sequence[Optimality],
) -> Plan:
    """Return the plan with its totals; of several values of one KPI the last one counts."""
    return Plan(
        id=heading.id,
        order=heading.order,
        made_at=heading.made_at,
        steps=steps,
        movements=movements,
        totals=totals_of(heading, steps, movements),
        optimality=tuple(optimality),
        kpis=tuple({(each.work_unit, each.kpi): each for each in kpis}.values()),
        replaces=heading.replaces,
    )


def totals_of(
    heading: Heading, steps: Sequence[PlannedStep], movements: Sequence[Movement]
) -> Totals:
    """Return sums, and the time from when the plan was made, or its first step, to its end."""
    begin = min([heading.made_at, *(each.start for each in steps)])
    end = max(each.end for each in steps)
    parts: tuple[PlannedStep | Movement, ...] = (*steps, *movements)
    return Totals(
        cost_minor=sum(each.cost_minor for each in parts),
        currency=heading.currency,
        makespan_ns=end - begin,
        energy_j=sum(each.energy_j for each in parts),
        co2_kg=sum(each.co2_kg for each in parts),
        sites=tuple(dict.fromkeys(each.site for each in steps)),
        shipments=sum(each.kind is MovementKind.SHIPPING for each in movements)
        + sum(part.freight is not None for step in steps for part in step.parts),
    )


def open_steps(problem: Problem, table: Timetable) -> list[PlannedStep]:
    """Return the steps of the open jobs."""
    steps, before = [], families_before(problem, table)
    for number, job in enumerate(problem.jobs):
        if table.choice[number] == ABSENT:
            continue
        candidate = job.candidates[table.choice[number]]
        start, end = table.starts[number], table.end(problem, number)
        charge = Charge(candidate.takes.cost, candidate.takes.energy, candidate.takes.co2)
        if problem.charges is not None:
            charge = problem.charges.of(job.operation, candidate, start, end, before[number])
        steps.append(
            PlannedStep(
                operation=job.operation.id,
                work_unit=candidate.place.unit or candidate.unit.id,
                site=candidate.place.site,
                start=instant_of_tick(problem, start),
                end=instant_of_tick(problem, end),
                cost_minor=charge.cost,
                energy_j=charge.energy,
                co2_kg=charge.co2,
                tools=table.fit(number).tools,
                rates=charge.rates,
                persons=table.fit(number).persons,
                setup_family=_family(job.operation, candidate),
                parts=charge.parts,
                batch=_batch(job.operation, candidate),
                setup=charge.setup,
            )
        )
    return steps


def _family(operation: Operation, candidate: Candidate) -> str:
    """Return what the work unit is set up for, where its set-ups depend on that."""
    return operation.setup_family if candidate.unit.setups else ""


def _batch(operation: Operation, candidate: Candidate) -> Batch | None:
    if candidate.shared is None:
        return None
    shared = candidate.shared
    return Batch(family=operation.batch_family, pieces=shared.pieces, together=shared.together)


def _movements(problem: Problem, table: Timetable, number: int) -> list[Movement]:
    operation = problem.jobs[number].operation
    return [
        each for transfer in table.transfers[number] for each in _legs(problem, operation, transfer)
    ]


def _legs(problem: Problem, operation: Operation, transfer: Transfer) -> list[Movement]:
    movements = []
    for count, (leg, tick) in enumerate(zip(transfer.legs, transfer.starts, strict=True)):
        takes = leg.hop.takes
        movements.append(
            Movement(
                made_by=transfer.made_by,
                taken_by=operation.id,
                leg=transfer.legs_done + count,
                kind=leg.hop.kind,
                origin=leg.origin.name,
                destination=leg.destination.name,
                origin_site=leg.origin.site,
                destination_site=leg.destination.site,
                by=leg.hop.by,
                start=instant_of_tick(problem, tick),
                end=instant_of_tick(problem, tick + takes.ticks),
                cost_minor=takes.cost,
                energy_j=takes.energy,
                co2_kg=takes.co2,
                lane=leg.hop.lane,
            )
        )
    return movements
