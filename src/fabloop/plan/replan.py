"""Change a plan that is being carried out: keep what has happened, change little of the rest."""

from collections.abc import Mapping

import msgspec
import numpy as np

from fabloop.base.instant import Instant
from fabloop.model.ids import OperationId, PlanId, WorkUnitId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Movement, Plan, PlanAnswer, PlannedStep, Producible
from fabloop.model.site import Network
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.assure import assure, exclusions
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.draft import Heading, Settled, assemble, draft
from fabloop.plan.engine import (
    TREE,
    Bound,
    Timed,
    cheapest,
    currency_of,
    fastest,
    is_additive,
    is_possible_now,
    least,
    optimality_of,
    timed,
)
from fabloop.plan.layout import Floats
from fabloop.plan.past import History, Moved, history_of
from fabloop.plan.problem import Busy, Objective, Problem, Setting, problem_of
from fabloop.plan.recommend import not_producible
from fabloop.plan.roads import TICK
from fabloop.plan.solver import Before
from fabloop.services.matching import KpiValues

CHANGE_PRICE_MINOR = 500
"""What a plan must save, in minor units, for each further operation that changes work units."""

SCOPE = "plans that keep what has happened"


class _Change(msgspec.Struct, frozen=True):
    """One question of re-planning, with everything it is about."""

    order: ProductionOrder
    plan: Plan
    history: History
    setting: Setting
    problem: Problem
    grounds: Grounds
    objective: Objective
    change_price_minor: int

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


def replan(  # noqa: PLR0913  # the face of re-planning names every input
    order: ProductionOrder,
    plan: Plan,
    done: Mapping[OperationId, PlannedStep],
    running: Mapping[OperationId, PlannedStep],
    network: Network,
    vocabulary: SkillVocabulary,
    kpis: KpiValues,
    now: Instant,
    *,
    objective: Objective | None = None,
    change_price_minor: int = CHANGE_PRICE_MINOR,
    unavailable: frozenset[WorkUnitId] = frozenset(),
    busy: Busy | None = None,
    moved: Moved | None = None,
) -> PlanAnswer:
    """Return a plan for what is left of `plan`, or why there is none.

    Steps done or running stay as they were carried out, and so do movements that have begun;
    work pieces are where these leave them. The rest is decided again for `objective` (without
    one: what the plan was made for), and changes only where that pays: a plan made for cost must
    save `change_price_minor` per operation that changes its work unit; otherwise fewer changes
    break ties. Then the finish counts, then how far starts move. If the old times still hold,
    they stay.

    Raises
    ------
    Broken
        The new plan failed the independent check.
    """
    history = history_of(plan, done, running, network, now, moved)
    engaged = _joined(busy or {}, history.busy)
    origin = Instant(now + (_phase(plan, history) - now) % TICK)
    setting = Setting(network, vocabulary, kpis, now, origin, engaged, unavailable)
    problem = problem_of(order.product, setting, history.past)
    grounds = Grounds(
        product=order.product,
        network=network,
        vocabulary=vocabulary,
        kpis=kpis,
        now=now,
        kept=history.kept(),
        busy=busy or {},
        unavailable=unavailable,
    )
    lead = objective or Objective(plan.optimality[0].objective)
    if not is_possible_now(problem):
        excluded, spent = exclusions(problem), history.cost_minor()
        return not_producible(order.product, setting, problem, excluded, history.past, spent)
    change = _Change(order, plan, history, setting, problem, grounds, lead, change_price_minor)
    found = _changed(change)
    assure(found, grounds)
    return Producible(plans=(found,), exclusions=exclusions(problem))


def _phase(plan: Plan, history: History) -> Instant:
    """Return an instant on the grid of the open steps, so that they can stay where they are."""
    begun = history.past.begun
    return next((step.start for step in plan.steps if step.operation not in begun), plan.made_at)


def _joined(
    busy: Busy, taken: dict[WorkUnitId, tuple[tuple[Instant, Instant], ...]]
) -> dict[WorkUnitId, tuple[tuple[Instant, Instant], ...]]:
    return {
        unit: (*busy.get(unit, ()), *taken.get(unit, ())) for unit in dict.fromkeys([*busy, *taken])
    }


def _next_id(plan: PlanId) -> PlanId:
    """Return ``order/plan-1.2`` after ``order/plan-1.1``, and ``.1`` after an original."""
    order, slash, name = plan.rpartition("/")
    base, _, revision = name.partition(".")
    return PlanId(f"{order}{slash}{base}.{int(revision or 0) + 1}")


def _changed(change: _Change) -> Plan:
    old = {step.operation: step for step in change.plan.steps}
    before = _before(change, old)
    best = _best(change, before)
    kept = _kept(change, old)
    new = _written(change, best)
    if kept is not None and _is_as_good(kept, new, change, before, best):
        table_free = optimality_of(kept, change.objective, _bounds(change, best), SCOPE)
        return msgspec.structs.replace(kept, optimality=table_free)
    return new


def _before(change: _Change, old: Mapping[OperationId, PlannedStep]) -> Before:
    choice: list[int | None] = []
    starts = []
    for job in change.problem.jobs:
        step = old.get(job.operation.id)
        if step is None:
            choice.append(None)
            starts.append(0)
            continue
        units = [each.unit.id for each in job.candidates]
        choice.append(units.index(step.work_unit) if step.work_unit in units else None)
        starts.append(max(0, (step.start - change.problem.origin) // TICK))
    return Before(tuple(choice), tuple(starts))


def _best(change: _Change, before: Before) -> Timed:
    if not is_additive(change.objective):
        best = fastest(change.problem, before)
        assert best is not None, "asked only where a plan exists"
        return best
    price = _price(change)
    extra: list[Floats] = []
    for job, was in zip(change.problem.jobs, before.choice, strict=True):
        row = np.full(len(job.candidates), price)
        if was is not None:
            row[was] = 0.0
        extra.append(row)
    routing = cheapest(change.problem, change.objective, extra)
    assert routing is not None, "asked only where a plan exists"
    return timed(change.problem, routing, before)


def _price(change: _Change) -> float:
    """Return what one change of a work unit weighs in the objective; a tie-breaker but for cost."""
    if change.objective is Objective.COST:
        return float(change.change_price_minor)
    return 1e-9 * max(1e-12, least(change.problem, change.objective))


def _kept(change: _Change, old: Mapping[OperationId, PlannedStep]) -> Plan | None:
    """Return the old plan with its past as it was carried out, if its times still hold."""
    begun = change.history.past.begun
    chains = {(each.made_by, each.taken_by, each.leg) for each in change.history.movements}
    steps = tuple(step for step in change.plan.steps if step.operation not in begun)
    movements = tuple(
        each
        for each in change.plan.movements
        if (each.made_by, each.taken_by, each.leg) not in chains
    )
    values = [
        value
        for job in change.problem.jobs
        if job.operation.id in old
        for each in job.candidates
        if each.unit.id == old[job.operation.id].work_unit
        for value in each.kpis
    ]
    settled = change.settled()
    plan = assemble(
        change.heading(),
        (*settled.steps, *steps),
        (*settled.movements, *movements),
        [*settled.kpis, *values],
        (),
    )
    return None if check_plan(plan, change.grounds) else plan


def _is_as_good(kept: Plan, new: Plan, change: _Change, before: Before, best: Timed) -> bool:
    """Tell whether the old choices are the best ones, and nothing is gained by other times."""
    if kept.totals.makespan_ns > new.totals.makespan_ns:
        return False
    if not is_additive(change.objective):
        return True
    return best.table.choice == before.choice and kept.totals.cost_minor <= new.totals.cost_minor


def _written(change: _Change, best: Timed) -> Plan:
    plan = draft(change.heading(), change.problem, best.table, change.settled())
    bounds = _bounds(change, best)
    return msgspec.structs.replace(
        plan, optimality=optimality_of(plan, change.objective, bounds, SCOPE)
    )


def _bounds(change: _Change, best: Timed) -> dict[Objective, Bound]:
    """Return what no plan can better: what is spent already plus the least for the rest."""
    history, problem = change.history, change.problem
    parts: list[PlannedStep | Movement] = [*history.steps, *history.movements]
    spent = {
        Objective.COST: float(sum(each.cost_minor for each in parts)),
        Objective.ENERGY: sum(each.energy_j for each in parts),
        Objective.CO2: sum(each.co2_kg for each in parts),
    }
    bounds = {
        each: Bound(spent[each] + least(problem, each), TREE)
        for each in Objective
        if is_additive(each)
    }
    finish, engine = least(problem, Objective.MAKESPAN), TREE
    if not is_additive(change.objective):
        finish, engine = float(best.bound), best.engine
    begin = min([change.grounds.now, *(step.start for step in history.steps)])
    ends = [float(step.end) for step in history.steps]
    if problem.jobs:
        ends.append(problem.origin + finish * TICK)
    end = max(ends)
    bounds[Objective.MAKESPAN] = Bound(end - begin, engine)
    return bounds
