"""Why not this machine, this plan, this site? All reasons, or what it would cost more and where.

A choice is pinned, and the exact best plan with it stands beside the best plan of all.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.model.explanation import Explanation, ReasonCode
from fabloop.model.ids import OperationId, SiteId, WorkUnitId
from fabloop.model.plan import Plan
from fabloop.plan.engine import Bound, Timed, cheapest, fastest, is_additive, listed
from fabloop.plan.reasons.minimal import minimal_conflict
from fabloop.plan.reasons.reach import Frame, Reach, units_of
from fabloop.plan.statement.problem import ABSENT, Candidate, Job, Objective, Problem
from fabloop.plan.statement.roads import TICK
from fabloop.plan.timetable.bargain import all_charged
from fabloop.plan.timetable.schedule import Timetable
from fabloop.plan.timetable.sequence import families_before, is_in_sequence

Pins: TypeAlias = Mapping[OperationId, WorkUnitId]
Improve: TypeAlias = Callable[[Problem, Objective, Timed], tuple[Timed, Bound]]


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """Four figures of a plan or of a part of it; a difference may be negative."""

    cost_minor: int = 0
    makespan_ns: int = 0
    energy_j: float = 0.0
    co2_kg: float = 0.0

    def minus(self, other: "Sums") -> "Sums":
        """Return the difference."""
        return Sums(
            cost_minor=self.cost_minor - other.cost_minor,
            makespan_ns=self.makespan_ns - other.makespan_ns,
            energy_j=self.energy_j - other.energy_j,
            co2_kg=self.co2_kg - other.co2_kg,
        )


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A step or a way that is another one with the choice; `makespan_ns` is its own duration.

    Attributes
    ----------
    operation : the step, or the taker of what is moved
    made_by : where the way comes from; empty for a step
    best, pinned : work unit, or the places on the way; empty where it is not there at all
    after : what the work units were set up for before, where only that is another one
    more : what it takes more with the choice
    """

    operation: OperationId
    made_by: str = ""
    best: str
    pinned: str
    more: Sums
    after: tuple[str, str] | None = None


class Dearer(msgspec.Struct, frozen=True, kw_only=True, tag="dearer"):
    """The choice is possible: both plans in figures, and what makes the difference.

    Costs, energy and CO2 of the differences add up to the whole difference. `more` is all zero
    where the best plan makes that choice, or one as good.
    """

    objective: str
    best: Sums
    pinned: Sums
    more: Sums
    differences: tuple[Difference, ...]


class Unfit(msgspec.Struct, frozen=True, kw_only=True, tag="unfit"):
    """The choice is impossible: reasons by operation, or choices that do not go together."""

    reasons: dict[OperationId, tuple[Explanation, ...]]
    clash: tuple[Explanation, ...] = ()


Answer: TypeAlias = Dearer | Unfit


def why_not(
    problem: Problem,
    pins: Pins,
    objective: Objective = Objective.COST,
    improve: Improve | None = None,
) -> Answer | None:
    """Return why the operations are not planned on these work units.

    None where there is no plan at all, whatever is chosen. `improve` finds better sequences where
    set-ups depend on them (`best_sequence`); without it they are as the list schedule makes them.

    Raises
    ------
    Invalid
        An operation or work unit is unknown.
    """
    reach = Reach(problem.roads, units_of(problem))
    numbers = {job.operation.id: number for number, job in enumerate(problem.jobs)}
    faults = [*_faults(pins, numbers, reach)]
    if faults:
        raise Invalid(faults)
    best = _best(problem, objective, improve)
    if best is None:
        return None
    reasons = {
        operation: found
        for operation, unit in pins.items()
        if (found := _reasons(problem.jobs[numbers[operation]], unit))
    }
    if reasons:
        return Unfit(reasons=reasons)
    fixed = _pinned(problem, {numbers[each]: unit for each, unit in pins.items()})
    chosen = _best(fixed, objective, improve)
    if chosen is None:
        return Unfit(reasons={}, clash=_clash(problem, pins, numbers, reach))
    return _compared(problem, fixed, best, chosen, objective)


def why_not_site(
    problem: Problem,
    site: SiteId,
    objective: Objective = Objective.COST,
    improve: Improve | None = None,
) -> Answer | None:
    """Return why not everything is made at one site.

    Raises
    ------
    Invalid
        The site is unknown.
    """
    if site not in problem.roads.areas:
        raise Invalid(_fault("site", "a site of the network", site))
    best = _best(problem, objective, improve)
    if best is None:
        return None
    reasons = {
        job.operation.id: found
        for number, job in enumerate(problem.jobs)
        if best.choice[number] != ABSENT and (found := _reasons_at(job, site))
    }
    jobs = tuple(
        msgspec.structs.replace(
            job, candidates=tuple(each for each in job.candidates if each.place.site == site)
        )
        for job in problem.jobs
    )
    fixed = msgspec.structs.replace(problem, jobs=jobs)
    chosen = _best(fixed, objective, improve)
    if chosen is None:
        return Unfit(reasons=reasons, clash=() if reasons else (_no_way_at(site),))
    return _compared(problem, fixed, best, chosen, objective)


def why_not_plan(
    problem: Problem,
    plan: Plan,
    objective: Objective = Objective.COST,
    improve: Improve | None = None,
) -> Answer | None:
    """Return why the work units of a plan are not chosen, with the best ways between them."""
    open_ones = {job.operation.id for job in problem.jobs}
    pins = {each.operation: each.work_unit for each in plan.steps if each.operation in open_ones}
    return why_not(problem, pins, objective, improve)


def _faults(pins: Pins, numbers: Mapping[OperationId, int], reach: Reach) -> Iterator[Fault]:
    for operation, unit in pins.items():
        if operation not in numbers:
            yield _fault(f"pins.{operation}", "an open operation of the product", operation)
        if unit not in reach.number:
            yield _fault(f"pins.{operation}", "a work unit that has a skill asked for", unit)


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(source="why not", path=path, expected=expected, found=f"{found!r}")


def _best(problem: Problem, objective: Objective, improve: Improve | None) -> Timetable | None:
    if not is_additive(objective):
        found = fastest(problem)
        return None if found is None else found.table
    routing = cheapest(problem, objective)
    if routing is None:
        return None
    found = listed(problem, routing)
    return (found if improve is None else improve(problem, objective, found)[0]).table


def _reasons(job: Job, unit: WorkUnitId) -> tuple[Explanation, ...]:
    """Return all reasons why the unit may not do the job; none where it may."""
    if any(each.unit.id == unit for each in job.candidates):
        return ()
    for each in job.rejected:
        if each.unit.id == unit:
            return each.reasons
    skill = job.operation.requirement.skill
    return (
        Explanation(
            code=ReasonCode.SKILL_NOT_OFFERED,
            subject=unit,
            details={"skill": skill, "parameter": "skill"},
        ),
    )


def _reasons_at(job: Job, site: SiteId) -> tuple[Explanation, ...]:
    """Return why nobody of the site may do the job; none where somebody may."""
    if any(each.place.site == site for each in job.candidates):
        return ()
    found = [reason for each in job.rejected if each.place.site == site for reason in each.reasons]
    if found:
        return tuple(found)
    details = {"skill": job.operation.requirement.skill, "parameter": "skill"}
    return (Explanation(code=ReasonCode.SKILL_NOT_OFFERED, subject=site, details=details),)


def _no_way_at(site: SiteId) -> Explanation:
    return Explanation(code=ReasonCode.NOT_WITHIN_SITE, subject=site)


def _pinned(problem: Problem, pins: Mapping[int, WorkUnitId]) -> Problem:
    """Return the problem with the choices made; rivals of what is chosen cannot be carried out."""
    jobs = list(problem.jobs)
    for number in _rivals(problem, pins):
        jobs[number] = msgspec.structs.replace(jobs[number], candidates=())
    for number, unit in pins.items():
        kept = tuple(each for each in jobs[number].candidates if each.unit.id == unit)
        jobs[number] = msgspec.structs.replace(jobs[number], candidates=kept)
    return msgspec.structs.replace(problem, jobs=tuple(jobs))


def _rivals(problem: Problem, pins: Mapping[int, WorkUnitId]) -> set[int]:
    """Return the jobs that alternatives rule out where all pinned jobs are carried out."""
    rivals: set[int] = set()
    stack = list(pins)
    while stack:
        number = stack.pop()
        for taker, job in enumerate(problem.jobs):
            for source in job.sources:
                if number in source.jobs:
                    rivals.update(each for each in source.jobs if each != number)
                    stack.append(taker)
    return rivals


def _clash(
    problem: Problem, pins: Pins, numbers: Mapping[OperationId, int], reach: Reach
) -> tuple[Explanation, ...]:
    """Return a smallest part of the choices that no ways join."""
    frame = Frame(problem, reach, [False] * len(problem.jobs))
    now = [reach.mask(job.candidates) for job in problem.jobs]

    def holds(kept: frozenset[OperationId]) -> bool:
        masks = dict(enumerate(now))
        masks |= {numbers[each]: 1 << reach.number[pins[each]] for each in kept}
        masks |= dict.fromkeys(_rivals(problem, {numbers[each]: pins[each] for each in kept}), 0)
        jobs = range(len(problem.jobs))
        able = frame.able(masks.__getitem__, lambda _job, _place: False, jobs)
        return frame.broken(able) is None

    return tuple(
        Explanation(
            code=ReasonCode.CHOICE_CLASH,
            subject=each,
            details={"operation": each, "work_unit": pins[each]},
        )
        for each in minimal_conflict(list(pins), holds)
    )


def _compared(
    problem: Problem, fixed: Problem, best: Timetable, chosen: Timetable, objective: Objective
) -> Dearer:
    before, after = _sums(problem, best), _sums(fixed, chosen)
    return Dearer(
        objective=objective,
        best=before,
        pinned=after,
        more=after.minus(before),
        differences=(
            *_step_differences(problem, fixed, best, chosen),
            *_way_differences(problem, best, chosen),
        ),
    )


def _sums(problem: Problem, table: Timetable) -> Sums:
    every = [*_step_sums(problem, table), *(sums for _, sums in _ways(table).values())]
    return Sums(
        cost_minor=sum(each.cost_minor for each in every),
        makespan_ns=table.finish(problem) * TICK,
        energy_j=sum(each.energy_j for each in every),
        co2_kg=sum(each.co2_kg for each in every),
    )


def _candidates(problem: Problem, table: Timetable) -> list[Candidate | None]:
    return [
        None if pick == ABSENT else job.candidates[pick]
        for job, pick in zip(problem.jobs, table.choice, strict=True)
    ]


def _step_sums(problem: Problem, table: Timetable) -> list[Sums]:
    """Return what each step takes, at its time and in its sequence."""
    takes = [None if each is None else each.takes for each in _candidates(problem, table)]
    sums = [
        Sums()
        if each is None
        else Sums(
            cost_minor=each.cost,
            makespan_ns=each.ticks * TICK,
            energy_j=each.energy,
            co2_kg=each.co2,
        )
        for each in takes
    ]
    if not is_in_sequence(problem):
        return sums
    return [
        each
        if worth is None
        else msgspec.structs.replace(
            each, cost_minor=round(worth[0]), co2_kg=worth[1], energy_j=worth[2]
        )
        for each, worth in zip(sums, all_charged(problem, table), strict=True)
    ]


def _step_differences(
    problem: Problem, fixed: Problem, best: Timetable, chosen: Timetable
) -> Iterator[Difference]:
    both = ((problem, best), (fixed, chosen))
    units = [["" if it is None else str(it.unit.id) for it in _candidates(*each)] for each in both]
    sums = [_step_sums(*each) for each in both]
    families = [families_before(*each) for each in both]
    for number, job in enumerate(problem.jobs):
        names, (was, becomes) = [each[number] for each in units], (row[number] for row in sums)
        before = [each[number] for each in families]
        if names[0] != names[1] or before[0] != before[1]:
            yield Difference(
                operation=job.operation.id,
                best=names[0],
                pinned=names[1],
                more=becomes.minus(was),
                after=(before[0] or "", before[1] or "") if names[0] == names[1] else None,
            )


Ways: TypeAlias = dict[tuple[int, str], tuple[str, Sums]]


def _ways(table: Timetable) -> Ways:
    """Return the places and sums of each way, by taker and by who made what is moved."""
    found: Ways = {}
    for number, transfers in enumerate(table.transfers):
        for transfer in transfers:
            places = [leg.origin.name for leg in transfer.legs]
            places += [leg.destination.name for leg in transfer.legs[-1:]]
            takes = [leg.hop.takes for leg in transfer.legs]
            sums = Sums(
                cost_minor=sum(each.cost for each in takes),
                makespan_ns=sum(each.ticks for each in takes) * TICK,
                energy_j=sum(each.energy for each in takes),
                co2_kg=sum(each.co2 for each in takes),
            )
            found[number, transfer.made_by] = (" - ".join(places), sums)
    return found


def _way_differences(problem: Problem, best: Timetable, chosen: Timetable) -> Iterator[Difference]:
    before, after = _ways(best), _ways(chosen)
    nothing: tuple[str, Sums] = ("", Sums())
    for key in sorted({*before, *after}):
        (old, was), (new, becomes) = before.get(key, nothing), after.get(key, nothing)
        more = becomes.minus(was)
        if old != new or more != Sums():
            yield Difference(
                operation=problem.jobs[key[0]].operation.id,
                made_by=key[1],
                best=old,
                pinned=new,
                more=more,
            )
