"""A plan that is being changed: its question, how it is written, and what bounds it."""

from collections.abc import Sequence

import msgspec
import numpy as np

from fabloop.model.ids import PlanId, WorkUnitId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Movement, Optimality, Plan, PlannedStep
from fabloop.plan.checker import Grounds
from fabloop.plan.draft import Heading, Settled, draft
from fabloop.plan.engine import (
    TREE,
    Bound,
    Timed,
    currency_of,
    is_additive,
    least,
    measure_of,
    optimality_of,
)
from fabloop.plan.running.company import Seat, seats_of, shipped_again, without_runs
from fabloop.plan.running.past import History
from fabloop.plan.shipping import shared_shipments
from fabloop.plan.statement.batches import bounding, families_joining
from fabloop.plan.statement.candidates import Candidate, Columns
from fabloop.plan.statement.problem import Objective, Problem, Setting
from fabloop.plan.statement.roads import TICK
from fabloop.plan.timetable.question import Before
from fabloop.plan.timetable.schedule import Timetable
from fabloop.plan.tree import Tables, tables_of

CHANGE_PRICE_MINOR = 500
"""What a plan must save, in minor units, for each further operation that changes work units."""

SCOPE = "plans that keep what has happened"
HAPPENED = "what has happened"


class Change(msgspec.Struct, frozen=True):
    """One question of re-planning, with everything it is about.

    `price` is None for a repair: what need not change stays, but for `CHANGES_RATIO`. At most
    `changes_max` operations change their work unit, where that is told. `alone` is the problem
    without the runs that are shared, where `problem` has such.
    """

    order: ProductionOrder
    plan: Plan
    history: History
    setting: Setting
    problem: Problem
    grounds: Grounds
    objective: Objective
    before: Before
    price: int | None
    changes_max: int | None = None
    alone: Problem | None = None

    def seats(self) -> list[Seat]:
        """Return the steps that may stay in the runs that they share."""
        problem = self.problem if self.alone is None else self.alone
        return seats_of(problem, self.before.choice, self.plan, self.grounds.busy)

    def heading(self) -> Heading:
        """Return what the new plan says about itself."""
        return Heading(
            _next_id(self.plan.id),
            self.order.id,
            self.grounds.now,
            currency_of(self.setting.network),
            self.plan.id,
        )

    def settled(self) -> Settled:
        """Return the frozen part, with the KPI values that it rested on."""
        units = {step.work_unit for step in self.history.steps}
        kpis = tuple(each for each in self.plan.kpis if each.work_unit in units)
        return Settled(self.history.steps, self.history.movements, kpis)

    def tables(self) -> Tables:
        """Return the problem under a measure that adds up: the objective, or else the cost."""
        lead = self.objective if is_additive(self.objective) else Objective.COST
        return tables_of(self.problem, measure_of(self.problem, lead))


def _next_id(plan: PlanId) -> PlanId:
    """Return ``order/plan-1.2`` after ``order/plan-1.1``, and ``.1`` after an original."""
    order, slash, name = plan.rpartition("/")
    base, _, revision = name.partition(".")
    return PlanId(f"{order}{slash}{base}.{int(revision or 0) + 1}")


def drafted(change: Change, table: Timetable) -> Plan:
    """Return the plan; a part that was on its way to an operation now left out goes to another."""
    plan = draft(change.heading(), change.problem, table, change.settled())
    network = change.setting.network
    plan = shipped_again(plan, change.plan, network, change.grounds.busy)
    (plan,) = shared_shipments([plan], network)
    planned = {step.operation for step in plan.steps}
    if all(each.taken_by in planned for each in plan.movements):
        return plan
    takers = {
        made_by: operation.id
        for operation in change.order.product.operations
        if operation.id in planned
        for made_by in operation.inputs
    }
    movements = tuple(
        msgspec.structs.replace(each, taken_by=takers[each.made_by]) for each in plan.movements
    )
    return msgspec.structs.replace(plan, movements=movements)


def price_of(change: Change) -> float:
    """Return what one change of a work unit weighs in the objective; a tie-breaker but for cost."""
    if change.objective is Objective.COST:
        return float(CHANGE_PRICE_MINOR if change.price is None else change.price)
    return 1e-9 * max(1e-12, least(change.problem, change.objective))


def spent_on(change: Change) -> dict[Objective, float]:
    """Return what no plan can better, whatever is still to come."""
    history = change.history
    parts: list[PlannedStep | Movement] = [*history.steps, *history.movements]
    return {
        Objective.COST: float(sum(each.cost_minor for each in parts)),
        Objective.MAKESPAN: 0.0,
        Objective.ENERGY: sum(each.energy_j for each in parts),
        Objective.CO2: sum(each.co2_kg for each in parts),
    }


def bounds_of(change: Change, best: Timed | None) -> dict[Objective, Bound]:
    """Return what no plan can better: what is spent already plus the least for the rest."""
    problem, spent = lowest_of(change), spent_on(change)
    bounds = {
        each: Bound(spent[each] + least(problem, each), TREE)
        for each in Objective
        if is_additive(each)
    }
    finish, engine = least(problem, Objective.MAKESPAN), TREE
    if best is not None and not is_additive(change.objective) and not change.seats():
        finish, engine = float(best.bound), best.engine
    bound = finish_bound(change, finish)
    return bounds | {Objective.MAKESPAN: msgspec.structs.replace(bound, engine=engine)}


def lowest_of(change: Change) -> Problem:
    """Return the problem whose sums no plan betters, runs and shipments shared with others too."""
    problem = change.problem if change.alone is None else change.alone
    problem = without_runs(problem, change.seats())
    return bounding(problem, families_joining(problem), change.setting.network)


def finish_bound(change: Change, ticks: float) -> Bound:
    """Return the least makespan where what is open ends after so many ticks at the earliest."""
    history, problem = change.history, change.problem
    begin = min([change.grounds.now, *(step.start for step in history.steps)])
    ends = [float(step.end) for step in history.steps]
    if problem.jobs:
        ends.append(problem.origin + ticks * TICK)
    return Bound(max(ends) - begin, TREE)


def proven(change: Change, plan: Plan, bounds: dict[Objective, Bound]) -> Plan:
    """Return the plan with its bounds; what is as it was before is told as it was."""
    most = change.changes_max
    scope = SCOPE if most is None else f"{SCOPE} and move at most {most} operations"
    told = optimality_of(plan, change.objective, bounds, scope)
    was = {each.objective: each for each in change.plan.optimality}
    same = tuple(
        was[each.objective] if _says_the_same(was.get(each.objective), each) else each
        for each in told
    )
    return msgspec.structs.replace(plan, optimality=same)


def _says_the_same(was: Optimality | None, told: Optimality) -> bool:
    return was is not None and (was.value, was.bound) == (told.value, told.bound)


def before_of(problem: Problem, plan: Plan) -> Before:
    """Return where and when the plan had the open jobs."""
    old = {step.operation: step for step in plan.steps}
    choice: list[int | None] = []
    starts = []
    for job in problem.jobs:
        step = old.get(job.operation.id)
        choice.append(None if step is None else _place(job.candidates, step.work_unit))
        starts.append(0 if step is None else max(0, (step.start - problem.origin) // TICK))
    return Before(tuple(choice), tuple(starts))


def _place(candidates: Sequence[Candidate], unit: WorkUnitId) -> int | None:
    """Return which candidate the work unit is, without making nouns of the others."""
    if isinstance(candidates, Columns):
        number = candidates.plant.offers.number.get(unit, -1)
        at = np.flatnonzero(candidates.units == number)
        return int(at[0]) if len(at) else None
    units = [each.unit.id for each in candidates]
    return units.index(unit) if unit in units else None
