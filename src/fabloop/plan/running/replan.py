"""Change a plan that is being carried out: keep what has happened, change little of the rest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from typing import ParamSpec

import msgspec
import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.model.explanation import Evidence, Explanation, ReasonCode
from fabloop.model.ids import MaterialId, OperationId, SiteId, WorkUnitId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import (
    Exclusion,
    NotDecided,
    NotProducible,
    Plan,
    PlanAnswer,
    PlannedStep,
    Producible,
)
from fabloop.model.site import Network
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.assure import assure, exclusions
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.countable import check_countable
from fabloop.plan.draft import assemble
from fabloop.plan.engine import (
    TREE,
    Bound,
    Timed,
    cheapest,
    fastest,
    is_additive,
    least,
    measure_of,
)
from fabloop.plan.parts_check import Draws
from fabloop.plan.reading import BEYOND, Unread, is_left_open, left_out
from fabloop.plan.reasons.recommend import not_producible
from fabloop.plan.running.change import (
    CHANGE_PRICE_MINOR,
    HAPPENED,
    Change,
    before_of,
    bounds_of,
    drafted,
    finish_bound,
    lowest_of,
    price_of,
    proven,
    spent_on,
)
from fabloop.plan.running.company import (
    Seat,
    in_company,
    missed,
    stayed,
)
from fabloop.plan.running.past import History, Moved, history_of
from fabloop.plan.running.sequence import Wish, sequenced
from fabloop.plan.running.stay import CHANGES_MAX, Stay, best_staying, changed_of, fewest_changes
from fabloop.plan.running.steady import changes, fastest_staying, first_times, steady_times
from fabloop.plan.statement.layout import Bools
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
from fabloop.plan.timetable.schedule import Timetable, routing_of
from fabloop.plan.timetable.sequence import is_in_sequence
from fabloop.plan.tree import Tables, optimum, tables_of
from fabloop.services.matching import KpiValues

CHANGES_RATIO = 1.3
"""How many operations a repair may move for each one that cannot stay; one more in any case."""


Asked = ParamSpec("Asked")


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
    changes_max: int | None = None,
    drawn: Draws | None = None,
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

    With `changes_max`, everything that has not begun is decided again too, but at most so many
    operations change their work unit; that more have to is an answer with their number.

    The first plan changes as few work units as any plan must; it is checked like every other, but
    does not tell who was left out. `drawn` is what others take of the stock.

    Raises
    ------
    Invalid
        `changes_max` is negative, or more than `CHANGES_MAX`; or something that has not begun takes
        more than can be counted.
    Broken
        A new plan failed the independent check.
    """
    _check_window(changes_max)
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
        claimed=_drawn(history, drawn or {}),
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
        drawn=drawn or {},
    )
    lead = objective or lead_of(plan)
    price = change_price_minor
    if objective is not None and price is None:
        price = CHANGE_PRICE_MINOR
    for ahead in (CALENDAR_AHEAD, CALENDAR_AHEAD_MAX):
        around = msgspec.structs.replace(setting, ahead=ahead)
        problem = problem_of(order.product, around, history.past)
        check_countable(problem)
        before = before_of(problem, plan)
        change = Change(
            order, plan, history, around, problem, grounds, lead, before, price, changes_max
        )
        try:
            for answer in _answers(change):
                if is_left_open(answer, left_out(answer), network, now, ahead):
                    raise Unread
                yield answer
        except Unread:
            continue
        return
    yield NotDecided(limit=BEYOND)


def _check_window(changes_max: int | None) -> None:
    if changes_max is not None and not 0 <= changes_max <= CHANGES_MAX:
        fault = Fault(
            source="re-plan",
            path="changes_max",
            expected=f"0 to {CHANGES_MAX} operations that may move",
            found=str(changes_max),
        )
        raise Invalid(fault)


def _drawn(history: History, others: Draws) -> dict[tuple[SiteId, MaterialId], int]:
    """Return what steps that have begun took from stock, what has left, and what others take."""
    found = {key: sum(pieces for _, pieces in each) for key, each in others.items()}
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


def _answers(change: Change) -> Iterator[PlanAnswer]:
    problem, history = change.problem, change.history
    tables = change.tables()
    repair = fewest_changes(tables, change.before.choice)
    if repair is None:
        excluded, spent = exclusions(problem), history.cost_minor()
        product, setting = change.order.product, change.setting
        yield not_producible(product, setting, problem, excluded, history.past, spent)
        return
    if change.changes_max is not None and repair.changes > change.changes_max:
        yield _too_many(change, repair.changes)
        return
    kept = None if repair.changes else _kept(change)
    if kept is None:
        yield _checked(change, _repaired(change, repair), ())
    elif change.price is None and change.changes_max is None:
        bounds = bounds_of(change, None)
        yield _checked(change, proven(change, kept, bounds))
        return
    best, bounds = _best(change, tables, repair)
    change, best = _in_company(change, best)
    if kept is not None and _is_as_good(kept, change, best):
        yield _checked(change, proven(change, kept, bounds))
    else:
        yield _checked(change, _written(change, best, bounds))


def _too_many(change: Change, fewest: int) -> NotProducible:
    """Return that every plan changes more work units than it may; the fewest are exact."""
    evidence = Evidence(
        subject=change.order.id,
        parameter="changes",
        relation="at most",
        value=float(fewest),
        limit=change.changes_max,
    )
    reason = Explanation(
        code=ReasonCode.TOO_MANY_CHANGES,
        subject=change.order.id,
        details={"parameter": "changes", "fewest": str(fewest), "most": str(change.changes_max)},
        evidence=(evidence,),
    )
    return NotProducible(conflicts=((reason,),), options=(), exclusions=_left_out(change))


def _in_company(change: Change, best: Timed) -> tuple[Change, Timed]:
    """Return the change and its timetable with steps in the runs that they shared, where it pays.

    To leave a run counts as a change of the work unit does.
    """
    seats = change.seats()
    if not seats:
        return change, best
    kept = seats
    while kept:
        mine = _with(change, kept)
        tables = mine.tables()
        repair = fewest_changes(tables, mine.before.choice)
        assert repair is not None, "the same work units may do it"
        found, _ = _best(mine, tables, repair)
        stay, late = stayed(kept, found.table), missed(kept, found.table)
        if not late and stay:
            mine = _with(change, stay)
            worth = _worth(mine, found.table, len(seats) - len(stay))
            as_good = worth <= _worth(change, best.table, len(seats))
            return (mine, found) if as_good else (change, best)
        kept = [each for each in stay if each not in late]
    return change, best


def _with(change: Change, seats: Sequence[Seat]) -> Change:
    """Return the change with steps in their runs."""
    problem = in_company(change.problem, seats, change.setting.network)
    return msgspec.structs.replace(change, problem=problem, alone=change.problem)


def _worth(change: Change, table: Timetable, left: int) -> tuple[float, float]:
    """Return what a timetable takes of the objective with a price on changes, then the finish."""
    plan = drafted(change, table)
    value = {
        Objective.COST: float(plan.totals.cost_minor),
        Objective.MAKESPAN: float(plan.totals.makespan_ns),
        Objective.ENERGY: plan.totals.energy_j,
        Objective.CO2: plan.totals.co2_kg,
    }[change.objective]
    moved = changes(table.choice, change.before) + left
    return value + price_of(change) * moved, float(plan.totals.makespan_ns)


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


def _repaired(change: Change, repair: Stay) -> Plan:
    """Return a plan at once; its bounds say no more than what is spent already."""
    weights = measure_of(change.problem, Objective.COST)
    routing = routing_of(change.problem, repair.choice, weights)
    table = first_times(change.problem, routing, change.before)
    plan = drafted(change, table)
    spent = {each: Bound(value, HAPPENED) for each, value in spent_on(change).items()}
    return proven(change, plan, spent)


def _best(change: Change, tables: Tables, repair: Stay) -> tuple[Timed, dict[Objective, Bound]]:
    """Return the best timetable that the effort finds, and bounds for the plans in question."""
    before, problem, lead = change.before, change.problem, change.objective
    most = changes_allowed(repair.changes)
    if change.changes_max is not None:
        most = change.changes_max
    elif change.price is not None:
        most = CHANGES_MAX + 1
    if most > CHANGES_MAX:
        return _rearranged(change)
    if not is_additive(lead):
        found, stay = fastest_staying(problem, before, most, repair.choice)
        bounds = bounds_of(change, None)
        if change.seats():  # what others hold of the work units may be free to its steps
            return found, bounds
        return found, bounds | {lead: finish_bound(change, stay.value)}
    price = price_of(change)
    changed = changed_of(tables, before.choice)
    best = best_staying(_priced(tables, changed, price), before.choice, most)
    assert best is not None, "the repair keeps to the number"
    routing = routing_of(problem, best.choice, measure_of(problem, lead))
    found = steady_times(problem, routing, before)
    lowest = lowest_of(change)
    at_least = tables_of(lowest, MEASURE[lead])
    least_ = best_staying(at_least, before.choice, most)
    assert least_ is not None, "the repair keeps to the number"
    bound = Bound(spent_on(change)[lead] + least_.value, TREE)
    if is_in_sequence(problem):
        rows = changed_of(at_least, before.choice)
        tied = best_staying(_priced(at_least, rows, price), before.choice, most)
        assert tied is not None, "the repair keeps to the number"
        wish = Wish(lead, price, most, tied.value, least_.value)
        found, other = sequenced(problem, before, changed, found, wish)
        bound = _higher(change, lowest, bound, other)
    return found, bounds_of(change, None) | {lead: bound}


def _priced(tables: Tables, changed: Sequence[Bools], price: float) -> Tables:
    """Return the tables with a price on each change."""
    nodes = tuple(node + price * row for node, row in zip(tables.nodes, changed, strict=True))
    return msgspec.structs.replace(tables, nodes=nodes)


def _higher(change: Change, lowest: Problem, bound: Bound, other: Bound) -> Bound:
    """Return the higher bound, where what was searched is all that there is."""
    if lowest is not change.problem:  # steps could share runs, or goods shipments, with others
        return bound
    raised = Bound(spent_on(change)[change.objective] + other.value, other.engine)
    return max(bound, raised, key=lambda each: each.value)


def changes_allowed(fewest: int) -> int:
    """Return how many operations a repair may move where so many must: none without need."""
    return max(int(CHANGES_RATIO * fewest + 1e-9), fewest + 1) if fewest else 0


def _rearranged(change: Change) -> tuple[Timed, dict[Objective, Bound]]:
    """Return the best timetable where every change has its price, and any number is allowed."""
    problem, before, lead = change.problem, change.before, change.objective
    if not is_additive(lead):
        best = fastest(problem, before)
        assert best is not None, "asked only where a plan exists"
        return best, bounds_of(change, best)
    price = price_of(change)
    changed = changed_of(change.tables(), before.choice)
    routing = cheapest(problem, lead, [np.where(row, price, 0.0) for row in changed])
    assert routing is not None, "asked only where a plan exists"
    found = steady_times(problem, routing, before)
    bounds = bounds_of(change, found)
    if not is_in_sequence(problem):
        return found, bounds
    lowest = lowest_of(change)
    at_least = tables_of(lowest, MEASURE[lead])
    tied = optimum(_priced(at_least, changed_of(at_least, before.choice), price))
    assert tied is not None, "asked only where a plan exists"
    wish = Wish(lead, price, CHANGES_MAX + 1, tied.value, least(lowest, lead))
    found, other = sequenced(problem, before, changed, found, wish)
    return found, bounds | {lead: _higher(change, lowest, bounds[lead], other)}


def _kept(change: Change) -> Plan | None:
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


def _is_as_good(kept: Plan, change: Change, best: Timed) -> bool:
    """Tell whether the old choices are the best ones, and nothing is gained by other times."""
    new = drafted(change, best.table)
    if max(each.end for each in kept.steps) > max(each.end for each in new.steps):
        return False
    if not is_additive(change.objective):
        return True
    same = not changes(best.table.choice, change.before)
    return same and kept.totals.cost_minor <= new.totals.cost_minor


def _written(change: Change, best: Timed, bounds: dict[Objective, Bound]) -> Plan:
    return proven(change, drafted(change, best.table), bounds)


def _checked(
    change: Change, plan: Plan, left_out: tuple[Exclusion, ...] | None = None
) -> Producible:
    """Return the plan as an answer, with who is left out of the operations that could not stay."""
    assure(plan, change.grounds)
    return Producible(plans=(plan,), exclusions=_left_out(change) if left_out is None else left_out)


def _left_out(change: Change) -> tuple[Exclusion, ...]:
    planned = {step.operation for step in change.plan.steps}
    jobs = zip(change.problem.jobs, change.before.choice, strict=True)
    out = tuple(job for job, was in jobs if was is None and job.operation.id in planned)
    return exclusions(msgspec.structs.replace(change.problem, jobs=out))
