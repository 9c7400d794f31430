"""Change a plan that is being carried out: keep what has happened, change little of the rest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import ParamSpec

import msgspec
import numpy as np

from fabloop.base.instant import Instant
from fabloop.model.ids import MaterialId, OperationId, PlanId, SiteId, WorkUnitId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import (
    Exclusion,
    Movement,
    NotDecided,
    Optimality,
    Plan,
    PlanAnswer,
    PlannedStep,
    Producible,
)
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
    least,
    measure_of,
    optimality_of,
)
from fabloop.plan.reading import BEYOND, Unread
from fabloop.plan.reasons.recommend import not_producible
from fabloop.plan.running.past import History, Moved, history_of
from fabloop.plan.running.stay import CHANGES_MAX, Stay, best_staying, changed_of, fewest_changes
from fabloop.plan.running.steady import changes, fastest_staying, first_times, steady_times
from fabloop.plan.statement.batches import bounding, families_joining
from fabloop.plan.statement.candidates import Candidate, Columns
from fabloop.plan.statement.layout import Floats
from fabloop.plan.statement.opening import CALENDAR_AHEAD, CALENDAR_AHEAD_MAX
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import (
    MEASURE,
    Busy,
    NotBefore,
    Objective,
    Problem,
    Setting,
    problem_of,
)
from fabloop.plan.statement.roads import TICK
from fabloop.plan.terms.objectives import lead_of
from fabloop.plan.timetable.question import Before
from fabloop.plan.timetable.schedule import Timetable, routing_of
from fabloop.plan.tree import Tables, tables_of
from fabloop.services.matching import KpiValues

CHANGE_PRICE_MINOR = 500
"""What a plan must save, in minor units, for each further operation that changes work units."""

CHANGES_RATIO = 1.3
"""How many operations a repair may move for each one that cannot stay; one more in any case."""

SCOPE = "plans that keep what has happened"
HAPPENED = "what has happened"

Asked = ParamSpec("Asked")


class _Change(msgspec.Struct, frozen=True):
    """One question of re-planning, with everything it is about.

    `price` is None for a repair: what need not change stays, but for `CHANGES_RATIO`.
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


def replans(  # noqa: PLR0913  # the face of re-planning names every input
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
    change_price_minor: int | None = None,
    unavailable: frozenset[WorkUnitId] = frozenset(),
    busy: Busy | None = None,
    moved: Moved | None = None,
    not_before: NotBefore | None = None,
    plant: Plant | None = None,
) -> Iterator[PlanAnswer]:
    """Yield a plan for what is left of `plan`, or why there is none: one at once, then the best.

    Steps done or running stay as they were carried out, and so do movements that have begun;
    work pieces are where these leave them. A running step on a work unit that is `unavailable`
    should not be given as running: what it made so far is lost. The rest is a repair for what the
    plan was made for: operations stay on their work units, but for those that cannot, and some more
    (`changes_allowed`) where that pays. With an `objective` or a `change_price_minor`,
    everything that has not begun is decided again, and changes where that pays: a plan made for
    cost must save the price (without one: `CHANGE_PRICE_MINOR`) per operation that changes its
    work unit; otherwise fewer changes break ties. Then the finish counts, then how far starts
    move. If the old times still hold, they stay. `plant` is the network made ready beforehand.

    The first plan changes as few work units as any plan must; it is checked like every other, but
    does not tell who was left out.

    Raises
    ------
    Broken
        A new plan failed the independent check.
    """
    history = history_of(plan, done, running, network, now, moved)
    engaged = _joined(busy or {}, history.busy)
    origin = Instant(now + (_phase(plan, history) - now) % TICK)
    setting = Setting(
        network,
        vocabulary,
        kpis,
        now,
        origin,
        engaged,
        unavailable,
        quantity=order.quantity,
        plant=plant,
        ordered_at=plan.made_at,
        claimed=_drawn(history),
        not_before=not_before or {},
        underway=history.underway,
    )
    grounds = Grounds(
        product=order.product,
        network=network,
        vocabulary=vocabulary,
        kpis=kpis,
        now=now,
        kept=history.kept(),
        busy=busy or {},
        unavailable=unavailable,
        quantity=order.quantity,
        ordered_at=plan.made_at,
        underway=history.underway,
        not_before=not_before or {},
    )
    lead = objective or lead_of(plan)
    price = change_price_minor
    if objective is not None and price is None:
        price = CHANGE_PRICE_MINOR
    for ahead in (CALENDAR_AHEAD, CALENDAR_AHEAD_MAX):
        around = msgspec.structs.replace(setting, ahead=ahead)
        problem = problem_of(order.product, around, history.past)
        before = _before(problem, plan)
        change = _Change(order, plan, history, around, problem, grounds, lead, before, price)
        try:
            yield from _answers(change)
        except Unread:
            continue
        return
    yield NotDecided(limit=BEYOND)


def _drawn(history: History) -> dict[tuple[SiteId, MaterialId], int]:
    """Return what steps that have begun took from stock, and what has left for others."""
    found: dict[tuple[SiteId, MaterialId], int] = {}
    begun = [(step.site, each) for step in history.steps for each in step.parts]
    left = [(site, each) for site, parts in history.underway.values() for each in parts]
    for site, each in (*begun, *left):
        if not each.supplier:
            key = each.drawn(site, history.now)[0], each.material
            found[key] = found.get(key, 0) + each.pieces
    return found


def _last_of(question: Callable[Asked, Iterator[PlanAnswer]]) -> Callable[Asked, PlanAnswer]:
    """Return the question that answers what the other one ends with."""

    @wraps(question)
    def last(*args: Asked.args, **more: Asked.kwargs) -> PlanAnswer:
        *_, found = question(*args, **more)
        return found

    return last


replan = _last_of(replans)
"""Return the best plan for what is left of a plan: the last answer of `replans`."""


def _answers(change: _Change) -> Iterator[PlanAnswer]:
    problem, history = change.problem, change.history
    tables = change.tables()
    repair = fewest_changes(tables, change.before.choice)
    if repair is None:
        excluded, spent = exclusions(problem), history.cost_minor()
        product, setting = change.order.product, change.setting
        yield not_producible(product, setting, problem, excluded, history.past, spent)
        return
    kept = None if repair.changes else _kept(change)
    if kept is None:
        yield _checked(change, _repaired(change, repair), ())
    elif change.price is None:
        bounds = _bounds(change, None)
        yield _checked(change, _proven(change, kept, bounds))
        return
    best, bounds = _best(change, tables, repair)
    if kept is not None and _is_as_good(kept, change, best):
        yield _checked(change, _proven(change, kept, bounds))
    else:
        yield _checked(change, _written(change, best, bounds))


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


def _before(problem: Problem, plan: Plan) -> Before:
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


def _repaired(change: _Change, repair: Stay) -> Plan:
    """Return a plan at once; its bounds say no more than what is spent already."""
    weights = measure_of(change.problem, Objective.COST)
    routing = routing_of(change.problem, repair.choice, weights)
    table = first_times(change.problem, routing, change.before)
    plan = _drafted(change, table)
    spent = {each: Bound(value, HAPPENED) for each, value in _spent(change).items()}
    return _proven(change, plan, spent)


def _drafted(change: _Change, table: Timetable) -> Plan:
    """Return the plan; a part that was on its way to an operation now left out goes to another."""
    plan = draft(change.heading(), change.problem, table, change.settled())
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


def _best(change: _Change, tables: Tables, repair: Stay) -> tuple[Timed, dict[Objective, Bound]]:
    """Return the best timetable that the effort finds, and bounds for the plans in question."""
    before, problem, lead = change.before, change.problem, change.objective
    most = changes_allowed(repair.changes)
    if change.price is not None or most > CHANGES_MAX:
        found = _rearranged(change)
        return found, _bounds(change, found)
    if not is_additive(lead):
        found, stay = fastest_staying(problem, before, most, repair.choice)
        bounds = _bounds(change, None)
        return found, bounds | {lead: _finish_bound(change, stay.value)}
    price = _price(change)
    changed = changed_of(tables, before.choice)
    nodes = tuple(node + price * row for node, row in zip(tables.nodes, changed, strict=True))
    best = best_staying(msgspec.structs.replace(tables, nodes=nodes), before.choice, most)
    assert best is not None, "the repair keeps to the number"
    routing = routing_of(problem, best.choice, measure_of(problem, lead))
    found = steady_times(problem, routing, before)
    least_ = best_staying(tables_of(_lowest(change), MEASURE[lead]), before.choice, most)
    assert least_ is not None, "the repair keeps to the number"
    return found, _bounds(change, None) | {lead: Bound(_spent(change)[lead] + least_.value, TREE)}


def changes_allowed(fewest: int) -> int:
    """Return how many operations a repair may move where so many must: none without need."""
    return max(int(CHANGES_RATIO * fewest + 1e-9), fewest + 1) if fewest else 0


def _rearranged(change: _Change) -> Timed:
    """Return the best timetable where every change has its price, and any number is allowed."""
    if not is_additive(change.objective):
        best = fastest(change.problem, change.before)
        assert best is not None, "asked only where a plan exists"
        return best
    price = _price(change)
    extra: list[Floats] = []
    for job, was in zip(change.problem.jobs, change.before.choice, strict=True):
        row = np.full(len(job.candidates), price)
        if was is not None:
            row[was] = 0.0
        extra.append(row)
    routing = cheapest(change.problem, change.objective, extra)
    assert routing is not None, "asked only where a plan exists"
    return steady_times(change.problem, routing, change.before)


def _price(change: _Change) -> float:
    """Return what one change of a work unit weighs in the objective; a tie-breaker but for cost."""
    if change.objective is Objective.COST:
        return float(CHANGE_PRICE_MINOR if change.price is None else change.price)
    return 1e-9 * max(1e-12, least(change.problem, change.objective))


def _kept(change: _Change) -> Plan | None:
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
        for job, was in zip(change.problem.jobs, change.before.choice, strict=True)
        if was is not None
        for value in job.candidates[was].kpis
    ]
    starts = [*(each.start for each in steps), *(each.start for each in movements)]
    if min(starts, default=change.grounds.now) < change.grounds.now:
        return None
    settled = change.settled()
    heading = msgspec.structs.replace(change.heading(), made_at=change.plan.made_at)
    plan = assemble(
        heading,
        (*settled.steps, *steps),
        (*settled.movements, *movements),
        [*settled.kpis, *values],
        (),
    )
    return None if check_plan(plan, change.grounds) else plan


def _is_as_good(kept: Plan, change: _Change, best: Timed) -> bool:
    """Tell whether the old choices are the best ones, and nothing is gained by other times."""
    new = _drafted(change, best.table)
    if max(each.end for each in kept.steps) > max(each.end for each in new.steps):
        return False
    if not is_additive(change.objective):
        return True
    same = not changes(best.table.choice, change.before)
    return same and kept.totals.cost_minor <= new.totals.cost_minor


def _written(change: _Change, best: Timed, bounds: dict[Objective, Bound]) -> Plan:
    return _proven(change, _drafted(change, best.table), bounds)


def _proven(change: _Change, plan: Plan, bounds: dict[Objective, Bound]) -> Plan:
    """Return the plan with its bounds; what is as it was before is told as it was."""
    told = optimality_of(plan, change.objective, bounds, SCOPE)
    was = {each.objective: each for each in change.plan.optimality}
    same = tuple(
        was[each.objective] if _says_the_same(was.get(each.objective), each) else each
        for each in told
    )
    return msgspec.structs.replace(plan, optimality=same)


def _says_the_same(was: Optimality | None, told: Optimality) -> bool:
    return was is not None and (was.value, was.bound) == (told.value, told.bound)


def _checked(
    change: _Change, plan: Plan, left_out: tuple[Exclusion, ...] | None = None
) -> Producible:
    """Return the plan as an answer, with who is left out of the operations that could not stay."""
    assure(plan, change.grounds)
    return Producible(plans=(plan,), exclusions=_left_out(change) if left_out is None else left_out)


def _left_out(change: _Change) -> tuple[Exclusion, ...]:
    planned = {step.operation for step in change.plan.steps}
    jobs = zip(change.problem.jobs, change.before.choice, strict=True)
    out = tuple(job for job, was in jobs if was is None and job.operation.id in planned)
    return exclusions(msgspec.structs.replace(change.problem, jobs=out))


def _spent(change: _Change) -> dict[Objective, float]:
    """Return what no plan can better, whatever is still to come."""
    history = change.history
    parts: list[PlannedStep | Movement] = [*history.steps, *history.movements]
    return {
        Objective.COST: float(sum(each.cost_minor for each in parts)),
        Objective.MAKESPAN: 0.0,
        Objective.ENERGY: sum(each.energy_j for each in parts),
        Objective.CO2: sum(each.co2_kg for each in parts),
    }


def _bounds(change: _Change, best: Timed | None) -> dict[Objective, Bound]:
    """Return what no plan can better: what is spent already plus the least for the rest."""
    problem, spent = _lowest(change), _spent(change)
    bounds = {
        each: Bound(spent[each] + least(problem, each), TREE)
        for each in Objective
        if is_additive(each)
    }
    finish, engine = least(problem, Objective.MAKESPAN), TREE
    if best is not None and not is_additive(change.objective):
        finish, engine = float(best.bound), best.engine
    bound = _finish_bound(change, finish)
    return bounds | {Objective.MAKESPAN: msgspec.structs.replace(bound, engine=engine)}


def _lowest(change: _Change) -> Problem:
    """Return the problem whose sums no plan betters, runs and shipments shared with others too."""
    problem = change.problem
    return bounding(problem, families_joining(problem), change.setting.network)


def _finish_bound(change: _Change, ticks: float) -> Bound:
    """Return the least makespan where what is open ends after so many ticks at the earliest."""
    history, problem = change.history, change.problem
    begin = min([change.grounds.now, *(step.start for step in history.steps)])
    ends = [float(step.end) for step in history.steps]
    if problem.jobs:
        ends.append(problem.origin + ticks * TICK)
    return Bound(max(ends) - begin, TREE)
