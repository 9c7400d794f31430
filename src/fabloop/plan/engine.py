"""Choose the engine: the tree for what adds up, list schedule and CP-SAT for contended time."""

import math
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.model.plan import Optimality, Plan
from fabloop.model.site import Network
from fabloop.plan.floors.decomposed import decomposed
from fabloop.plan.floors.polish import polished
from fabloop.plan.statement.batches import families_shared
from fabloop.plan.statement.candidates import Columns
from fabloop.plan.statement.crews import NEVER
from fabloop.plan.statement.layout import Floats
from fabloop.plan.statement.problem import ABSENT, MEASURE, Job, Objective, Problem
from fabloop.plan.statement.roads import Weights
from fabloop.plan.timetable.alternatives import Narrowed, best_in_time, has_alternatives, narrowed
from fabloop.plan.timetable.earliest import earliest
from fabloop.plan.timetable.question import Before, Question, Solved, Stage
from fabloop.plan.timetable.schedule import (
    Routing,
    Timetable,
    list_schedule,
    routing_of,
    uncontended_finish,
)
from fabloop.plan.timetable.solver import Heard, solve
from fabloop.plan.tree import (
    Tables,
    best_plans,
    heads,
    is_possible,
    optimum,
    tables_of,
    tails,
)

EFFORT = 1.0
"""Deterministic seconds (about CPU seconds) for one stage of a makespan solve."""

WAYS_MAX = 12_000
"""Pairs of choices that one constraint model may hold; beyond it the farthest are left out."""

CPSAT = "CP-SAT"
LARGE = 4_000
"""Pairs of choices beyond which a makespan is decomposed; of equally fast plans any is taken."""

LARGE_EFFORT = 3.7
"""About CPU seconds for a decomposed makespan, counted; what comes on top stays below one."""

POLISH = 1.0
"""About CPU seconds for placing anew what waits for persons, tools or set-ups and is not proven."""

TREE = "tree dynamic programming"


class Timed(msgspec.Struct, frozen=True):
    """A timetable, and the least finish that any plan in question could have."""

    table: Timetable
    bound: int
    engine: str


def fast_measure(problem: Problem) -> Weights:
    """Return cost, with so little time in it that only equally cheap plans are told apart.

    The weight of a tick is a power of two, so that problems of a size share their measure.
    """
    ticks = sum(_longest(job) for job in problem.jobs)
    ticks += 3 * problem.roads.ticks_max * sum(len(job.sources) for job in problem.jobs)
    return Weights(cost=1.0, ticks=0.25 / 2 ** math.ceil(math.log2(ticks + 1)))


def _longest(job: Job) -> int:
    candidates = job.candidates
    if isinstance(candidates, Columns):
        return int(candidates.takes.ticks.max(initial=0.0))
    return max((each.takes.ticks for each in candidates), default=0)


def measure_of(problem: Problem, objective: Objective) -> Weights:
    """Return the weights under which the tree minimises the objective."""
    return fast_measure(problem) if objective is Objective.COST else MEASURE[objective]


def is_additive(objective: Objective) -> bool:
    """Tell whether the objective is a sum over steps and movements."""
    return objective is not Objective.MAKESPAN


def ranked(
    problem: Problem, objective: Objective, extra: Sequence[Floats] | None = None
) -> Iterator[Routing]:
    """Yield the choices for an additive objective, best first; nothing where none is possible.

    `extra` is added to what each candidate takes, per job.
    """
    weights = measure_of(problem, objective)
    for found in best_plans(tables_of(problem, weights, extra=extra)):
        yield routing_of(problem, found.choice, weights)


def cheapest(
    problem: Problem, objective: Objective, extra: Sequence[Floats] | None = None
) -> Routing | None:
    """Return the best choice for an additive objective, or None where none is possible."""
    return next(ranked(problem, objective, extra), None)


def is_possible_now(problem: Problem) -> bool:
    """Tell whether any plan exists."""
    return is_possible(tables_of(problem, Weights()))


def least(problem: Problem, objective: Objective) -> float:
    """Return the exact minimum over the open jobs; for the makespan (ticks) without contention."""
    tables = tables_of(problem, MEASURE[objective], adds=is_additive(objective))
    found = optimum(tables)
    assert found is not None, "asked only where a plan exists"
    if objective is Objective.MAKESPAN and problem.duties is not None and problem.jobs:
        return max(found.value, float(min(earliest(problem, problem.duties)[-1])))
    return found.value


def listed(problem: Problem, routing: Routing) -> Timed:
    """Return the timetable that is there at once, and the bound for these choices."""
    if ABSENT in routing.choice:
        part = narrowed(problem, routing.choice)
        found = listed(part.problem, part.routing(routing))
        return Timed(part.widened(found.table), found.bound, found.engine)
    return Timed(list_schedule(problem, routing), uncontended_finish(problem, routing), TREE)


def timed(
    problem: Problem,
    routing: Routing,
    before: Before | None = None,
    effort: float = EFFORT,
    conflicts_max: int | None = None,
) -> Timed:
    """Return the best timetable for given choices and legs.

    The bound speaks about these choices only. With `before`, starts stay near those of an
    earlier plan.
    """
    if ABSENT in routing.choice:
        part = narrowed(problem, routing.choice)
        left = None if before is None else left_of(before, part)
        found = timed(part.problem, part.routing(routing), left, effort, conflicts_max)
        return Timed(part.widened(found.table), found.bound, found.engine)
    table = list_schedule(problem, routing)
    bound = uncontended_finish(problem, routing)
    if table.finish(problem) > problem.read:
        return Timed(table, bound, TREE)
    if problem.duties is not None and problem.jobs:
        bound = max(bound, earliest(only_chosen(problem, routing), problem.duties)[-1][0])
    if not problem.jobs or (before is None and table.finish(problem) == bound):
        return Timed(table, bound, "list schedule")
    tables = tables_of(problem, MEASURE[Objective.MAKESPAN], adds=False)
    fixed = only_chosen(problem, routing)
    stages = (Stage.FINISH,) if before is None else (Stage.FINISH, Stage.SHIFT)
    head, tail = head_and_tail(tables, problem)
    question = Question(
        problem=fixed,
        options=tuple((0,) for _ in problem.jobs),
        weights=routing.weights,
        heads=tuple((row[pick],) for row, pick in zip(head, routing.choice, strict=True)),
        tails=tuple((row[pick],) for row, pick in zip(tail, routing.choice, strict=True)),
        hint=msgspec.structs.replace(table, choice=tuple(0 for _ in problem.jobs)),
        stages=stages,
        effort=effort,
        before=before,
        conflicts_max=conflicts_max,
        legs=routing.legs,
    )
    solved = solve(question)
    assert solved.timetable is not None, "the hint is an answer"
    kept = msgspec.structs.replace(solved.timetable, choice=routing.choice)
    return Timed(kept, max(bound, solved.bound), CPSAT)


def only_chosen(problem: Problem, routing: Routing) -> Problem:
    """Return the problem with the chosen candidates alone."""
    jobs = tuple(
        msgspec.structs.replace(job, candidates=(job.candidates[pick],))
        for job, pick in zip(problem.jobs, routing.choice, strict=True)
    )
    return msgspec.structs.replace(problem, jobs=jobs)


def fastest(
    problem: Problem, before: Before | None = None, heard: Heard | None = None
) -> Timed | None:
    """Return the plan that finishes first, and a bound on the finish of all plans.

    Of equally fast plans the cheapest is taken (or, with `before`, the one that changes least),
    as far as the effort allows and the problem is not `LARGE`. None where no plan exists.
    `heard` listens to the search, but for large problems and where a routing is to be chosen.
    """
    weights = MEASURE[Objective.MAKESPAN]
    tables = tables_of(problem, weights, adds=False)
    if has_alternatives(problem):
        return _fastest_way(problem, tables, before)
    found = optimum(tables)
    if found is None:
        return None
    bound = round(found.value)
    best = list_schedule(problem, routing_of(problem, found.choice, weights))
    if not problem.jobs:
        return Timed(best, 0, TREE)
    if best.finish(problem) > problem.read:
        return Timed(best, bound, TREE)
    if before is None and _ways(problem, [range(len(j.candidates)) for j in problem.jobs]) > LARGE:
        large = decomposed(problem, LARGE_EFFORT)
        if large is not None:
            return Timed(large.table, max(bound, large.bound), "windows and CP-SAT")
    head, tail = head_and_tail(tables, problem)
    bound = max(bound, min((each for each in head[-1] if each >= 0), default=bound))
    options, complete = _options(problem, best, head, tail)
    last = Stage.COST if before is None else Stage.CHANGES
    stages = (Stage.FINISH, last) if before is None else (Stage.FINISH, last, Stage.SHIFT)
    question = Question(
        problem=problem,
        options=options,
        weights=None if problem.has_timed_lanes else weights,
        heads=head,
        tails=tail,
        hint=best,
        stages=stages,
        effort=EFFORT,
        before=before,
    )
    solved: Solved = solve(question, _for_all(heard, bound, complete=complete))
    assert solved.timetable is not None, "the hint is an answer"
    bound, table = max(bound, solved.bound) if complete else bound, solved.timetable
    if problem.duties is not None and before is None and table.finish(problem) > bound:
        table = polished(problem, table, bound, POLISH)
    return Timed(table, bound, CPSAT)


def _for_all(heard: Heard | None, bound: int, *, complete: bool) -> Heard | None:
    """Return a listener that is told bounds on all plans only."""
    if heard is None:
        return None

    def hear(table: Timetable, found: float) -> bool:
        return heard(table, max(float(bound), found) if complete else float(bound))

    return hear


def _fastest_way(problem: Problem, tables: Tables, before: Before | None) -> Timed | None:
    """Return the best over the choices among alternatives that are worth a look."""

    def solve(part: Narrowed) -> tuple[Timetable, int]:
        answer = fastest(part.problem, None if before is None else left_of(before, part))
        assert answer is not None, "the tree chose what is possible"
        return answer.table, answer.bound

    found = best_in_time(problem, tables, solve)
    return None if found is None else Timed(found.table, found.bound, CPSAT)


def left_of(before: Before, part: Narrowed) -> Before:
    """Return what is said of the jobs that one choice among alternatives leaves."""
    return Before(part.of(before.choice), part.of(before.starts))


def head_and_tail(
    tables: Tables, problem: Problem
) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """Return both bounds in whole ticks; -1 marks a choice that no plan can make."""
    downs = tails(tables)
    if problem.duties is not None:
        rows = earliest(problem, problem.duties)
        ups = tuple(tuple(-1 if each >= NEVER else each for each in row) for row in rows)
        return ups, _whole(downs)
    return _whole(heads(tables)[0]), _whole(downs)


def _whole(rows: Sequence[Floats]) -> tuple[tuple[int, ...], ...]:
    return tuple(
        tuple(round(float(each)) if np.isfinite(each) else -1 for each in row) for row in rows
    )


def _options(
    problem: Problem,
    incumbent: Timetable,
    head: Sequence[Sequence[int]],
    tail: Sequence[Sequence[int]],
) -> tuple[tuple[tuple[int, ...], ...], bool]:
    """Return the candidates worth a look, and whether that is all that could matter.

    A candidate whose head and tail exceed the incumbent's finish is in no better plan. If too
    many are left, the nearest ones are kept and the answer is False.
    """
    finish = incumbent.finish(problem)
    rows = []
    for number in range(len(problem.jobs)):
        through = [
            (up + down, pick)
            for pick, (up, down) in enumerate(zip(head[number], tail[number], strict=True))
            if up >= 0 and down >= 0 and up + down <= finish
        ]
        rows.append([pick for _, pick in sorted(through)])
    width = max(len(row) for row in rows)
    complete = True
    while _ways(problem, rows) > WAYS_MAX and width > 1:
        width, complete = max(1, width * 2 // 3), False
        rows = [row[:width] for row in rows]
    chosen = incumbent.choice
    options = tuple(tuple(sorted({*row, pick})) for row, pick in zip(rows, chosen, strict=True))
    return options, complete


def _ways(problem: Problem, rows: Sequence[Sequence[int]]) -> int:
    return sum(
        len(rows[number]) * len(rows[child])
        for number, job in enumerate(problem.jobs)
        for child in job.feeding()
    )


SHORT = "stock too short for all operations at once, other ways to share it out"
"""What is not looked into where operations of one product compete for stock."""

RUNS = "operations of one batch family in one run, which is planned for several orders only"
"""What is not looked into where operations of one product could be done at once."""


def scope_of(problem: Problem, plans: str = "all plans") -> str:
    """Return which plans bounds of the problem speak about."""
    if problem.shares_out:
        plans = f"{plans} that share out stock in this order"
    alone = ["steps share a run"] if families_shared((problem,)) else []
    alone += ["goods share a shipment"] if problem.roads.shares else []
    return f"{plans} in which no {' and no '.join(alone)}" if alone else plans


def left_open(problem: Problem) -> str | None:
    """Return what is not looked into, so that no plan found is no proof that there is none."""
    if problem.shares_out:
        return SHORT
    if problem.roads.shares:
        return SHIPMENTS
    return RUNS if families_shared((problem,)) else None


SHIPMENTS = "goods that share a shipment, which is planned without wishes only"
"""What is not looked into where lanes take several goods at once."""


class Bound(msgspec.Struct, frozen=True):
    """The best that any plan could have, and the engine that proved it.

    With a `scope` it holds for the plans that this says, none of which is ready after tick `by`.
    """

    value: float
    engine: str
    scope: str | None = None
    by: int | None = None


def optimality_of(
    plan: Plan, lead: Objective, bounds: dict[Objective, Bound], scope: str = "all plans"
) -> tuple[Optimality, ...]:
    """Return how good the plan is in every respect, the one it was made for first."""
    values = {
        Objective.COST: float(plan.totals.cost_minor),
        Objective.MAKESPAN: float(plan.totals.makespan_ns),
        Objective.ENERGY: plan.totals.energy_j,
        Objective.CO2: plan.totals.co2_kg,
    }
    order = [lead, *(each for each in Objective if each is not lead)]
    return tuple(
        Optimality(
            objective=each,
            value=values[each],
            bound=min(bounds[each].value, values[each]),
            proven=_meets(values[each], bounds[each].value),
            engine=bounds[each].engine,
            scope=bounds[each].scope or scope,
        )
        for each in order
    )


def _meets(value: float, bound: float) -> bool:
    """Compare sums of floats: joules and kilograms may differ in the last digits."""
    return value <= bound + 1e-9 * abs(bound)


def currency_of(network: Network) -> str:
    """Return the currency of the network.

    Raises
    ------
    Invalid
        Its sites count in different ones, so that costs cannot be added.
    """
    found = {site.tariff.currency: site.id for site in network.sites.values()}
    if len(found) > 1:
        fault = Fault(
            source="network",
            path="sites[*].tariff.currency",
            expected="one currency for all sites",
            found=", ".join(f"{currency} at {site!r}" for currency, site in found.items()),
        )
        raise Invalid(fault)
    return next(iter(found), "")
