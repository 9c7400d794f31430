"""Plan several orders together: one plan each, free of conflicts, best for them all."""

from collections.abc import Callable, Sequence

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.model.ids import OrderId, PlanId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Exclusion, NotDecided, NotProducible, Optimality, Plan
from fabloop.model.site import Network
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.assure import assure, exclusions
from fabloop.plan.checker import Grounds
from fabloop.plan.countable import check_countable
from fabloop.plan.draft import Heading, draft
from fabloop.plan.engagements import draws, engagements
from fabloop.plan.engine import (
    SHORT,
    TREE,
    Bound,
    currency_of,
    is_possible_now,
    least,
    optimality_of,
    scope_of,
)
from fabloop.plan.floors.orders_search import OrdersObjective, Placed
from fabloop.plan.floors.placing import book
from fabloop.plan.reading import BEYOND, is_left_open, left_out, reading
from fabloop.plan.reasons.recommend import not_producible
from fabloop.plan.rerouting import Rerouted, first_share, rerouted, told_of
from fabloop.plan.sharing import Stated, never_enough, shared_out
from fabloop.plan.shipping import shared_shipments
from fabloop.plan.statement.batches import bounding, families_shared
from fabloop.plan.statement.duties import no_duties
from fabloop.plan.statement.opening import CALENDAR_AHEAD_MAX
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Busy, Objective, Problem, Setting, problem_of
from fabloop.plan.statement.roads import TICK
from fabloop.plan.timetable.bargain import bargained
from fabloop.plan.timetable.beside import beside
from fabloop.plan.timetable.joining import joined
from fabloop.plan.timetable.schedule import Timetable
from fabloop.plan.timetable.sequence import is_in_sequence
from fabloop.plan.together import Asked, Incumbent, Together, best_alone, settled
from fabloop.services.matching import KpiValues

EFFORT = 10.0
"""About CPU seconds that a search may take where nothing is said."""

ORDERS_OPERATIONS_MAX = 20_000
"""Operations of all orders together; beyond it they are not decided."""

ALONE = "all plans of this order alone"
TAKEN = "stock that the orders planned before it take, other ways to share it out"


class OrdersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Plans that can be carried out together, and the orders that cannot be made, with reasons.

    `optimality` speaks about the orders that are planned; None where there are none. `rerouted`
    tells which of them take another routing than would be best for them alone.
    """

    plans: tuple[Plan, ...]
    refused: dict[OrderId, NotProducible | NotDecided]
    optimality: Optimality | None
    incumbents: tuple[Incumbent, ...] = ()
    rerouted: tuple[Rerouted, ...] = ()


def plan_orders(  # noqa: PLR0913  # the question as a caller puts it
    orders: Sequence[ProductionOrder],
    network: Network,
    vocabulary: SkillVocabulary,
    kpis: KpiValues,
    now: Instant,
    *,
    objective: OrdersObjective = OrdersObjective.MAKESPAN,
    effort: float = EFFORT,
    busy: Busy | None = None,
    on_incumbent: Callable[[Incumbent], None] | None = None,
) -> OrdersAnswer:
    """Return one plan for each order that can be made, together free of conflicts.

    An answer is there after the first pass; the search goes on while it is not proven best and
    effort (about CPU seconds, counted in work done) is left. `on_incumbent` hears of each
    better answer and of better bounds.

    Raises
    ------
    Invalid
        Two orders have the same id, or operations are no in-tree.
    Broken
        A plan failed the independent check.
    """
    _check_ids(orders)
    setting = Setting(
        network, vocabulary, kpis, now, now, busy or {}, plant=Plant(network, vocabulary, kpis)
    )
    if sum(len(each.product.operations) for each in orders) > ORDERS_OPERATIONS_MAX:
        limit = NotDecided(limit=f"{ORDERS_OPERATIONS_MAX} operations of all orders")
        return OrdersAnswer(plans=(), refused={each.id: limit for each in orders}, optimality=None)

    def planned(ahead: int) -> OrdersAnswer:
        around = msgspec.structs.replace(setting, ahead=ahead)
        answer = _planned(orders, around, objective, effort, on_incumbent)
        return answer if ahead < CALENDAR_AHEAD_MAX else _left_open(answer, around)

    def barred(answer: OrdersAnswer) -> list[Exclusion]:
        return [each for it in answer.refused.values() for each in left_out(it)]

    found = reading(planned, now, network, barred=barred)
    if isinstance(found, NotDecided):
        return OrdersAnswer(plans=(), refused={each.id: found for each in orders}, optimality=None)
    return found


def _left_open(answer: OrdersAnswer, setting: Setting) -> OrdersAnswer:
    """Return the answer, undecided for orders whose hours may come after what was read."""
    refused = {
        order: NotDecided(limit=BEYOND)
        if is_left_open(each, left_out(each), setting.network, setting.now, setting.ahead)
        else each
        for order, each in answer.refused.items()
    }
    return msgspec.structs.replace(answer, refused=refused)


def _planned(
    orders: Sequence[ProductionOrder],
    setting: Setting,
    objective: OrdersObjective,
    effort: float,
    on_incumbent: Callable[[Incumbent], None] | None,
) -> OrdersAnswer:
    asked, refused = _stated(orders, setting, objective)
    if not asked:
        return OrdersAnswer(plans=(), refused=refused, optimality=None)
    together = Together(asked, objective, effort, on_incumbent)
    together.run(first_share(asked))
    together = rerouted(together, lambda each: _cost_of(each, setting.network, setting.now))
    asked = list(together.asked)
    _all_sound(together.placed)
    plans = _written(asked, together.placed, setting.network, setting.now, objective)
    _assure_all(plans, asked, setting)
    best, incumbents = together.optimality(), together.incumbents
    if together.costs_by_time or any(each.joins for each in asked):
        best = _revalued(best, plans, asked, setting.now)
        last = msgspec.structs.replace(incumbents[-1], value=best.value, bound=best.bound)
        incumbents = [last]
        if on_incumbent is not None:
            on_incumbent(last)
    return OrdersAnswer(
        plans=plans,
        refused=refused,
        optimality=best,
        incumbents=tuple(incumbents),
        rerouted=tuple(told_of(asked, objective)),
    )


def _check_ids(orders: Sequence[ProductionOrder]) -> None:
    ids = [each.id for each in orders]
    faults = [
        Fault(source="orders", path=each, expected="one order of this id", found="several")
        for each in sorted({each for each in ids if ids.count(each) > 1})
    ]
    if faults:
        raise Invalid(faults)


def _stated(
    orders: Sequence[ProductionOrder], setting: Setting, objective: OrdersObjective
) -> tuple[list[Asked], dict[OrderId, NotProducible | NotDecided]]:
    """Return the problems of orders that can be made, and why the others cannot."""
    alone: list[Stated] = []
    refused: dict[OrderId, NotProducible | NotDecided] = {}
    for order in orders:
        mine = msgspec.structs.replace(
            setting,
            quantity=order.quantity,
            due_at=order.due_at,
            beside=_families_beside(order, orders),
        )
        problem = problem_of(order.product, mine)
        check_countable(problem)
        if is_possible_now(problem):
            alone.append(Stated(order, mine, problem, problem))
        elif problem.shares_out:
            refused[order.id] = NotDecided(limit=SHORT)
        else:
            refused[order.id] = not_producible(order.product, mine, problem, exclusions(problem))
    shared = shared_out(alone, lambda problem: best_alone(problem, objective))
    asked = [
        Asked(each.order, each.whole, each.problem, settled(each.problem, objective))
        for each in shared
        if each.problem is not None
    ]
    scarce = len(asked) < len(shared) and never_enough(shared, setting.network)
    refused |= {
        each.order.id: _without_stock(each, scarce=scarce)
        for each in shared
        if each.problem is None
    }
    if any(each.problem.duties is not None for each in asked):
        asked = [_dutiful(each) for each in asked]
    families = families_shared(each.whole for each in asked)
    if families or any(each.problem.roads.shares for each in asked):
        asked = [
            msgspec.structs.replace(
                each, full=bounding(each.whole, families, setting.network), joins=bool(families)
            )
            for each in asked
        ]
    return asked, refused


def _families_beside(order: ProductionOrder, orders: Sequence[ProductionOrder]) -> frozenset[str]:
    """Return the set-up families of all other orders' operations; empty is one without."""
    others = (each.product.operations for each in orders if each is not order)
    return frozenset(each.setup_family for operations in others for each in operations)


def _dutiful(asked: Asked) -> Asked:
    """Return the order with duties, if empty ones: those of the others concern it, too."""
    if asked.problem.duties is not None:
        return asked
    none = no_duties(asked.problem.origin)
    alone = msgspec.structs.replace(asked.problem, duties=none)
    whole = alone if asked.whole is asked.problem else asked.whole
    return msgspec.structs.replace(asked, whole=whole, problem=alone)


def _without_stock(each: Stated, *, scarce: bool) -> NotProducible | NotDecided:
    """Return why an order is refused to which the others leave too little stock."""
    if not scarce:
        return NotDecided(limit=TAKEN)
    problem = problem_of(each.order.product, each.setting)
    return not_producible(each.order.product, each.setting, problem, exclusions(problem))


def _revalued(
    best: Optimality, plans: Sequence[Plan], asked: Sequence[Asked], now: Instant
) -> Optimality:
    """Return what is proven where the times of steps, or joint runs, have a part in the value."""
    ends = [max(step.end for step in each.steps) - now for each in plans]
    value = float(sum(each.totals.cost_minor for each in plans))
    match OrdersObjective(best.objective):
        case OrdersObjective.COST:
            pass
        case OrdersObjective.MAKESPAN:
            value = float(max(ends))
        case OrdersObjective.TARDINESS:
            late = (
                max(1, each.order.priority)
                * max(0, end // TICK - (each.order.due_at - now) // TICK)
                for each, end in zip(asked, ends, strict=True)
            )
            value = float(sum(late) * TICK)
    bound = min(best.bound, value)
    return msgspec.structs.replace(best, value=value, bound=bound, proven=value <= bound)


_LEAD = {
    OrdersObjective.MAKESPAN: Objective.MAKESPAN,
    OrdersObjective.TARDINESS: Objective.MAKESPAN,
    OrdersObjective.COST: Objective.COST,
}


def _written(
    asked: Sequence[Asked],
    placed: Sequence[Placed],
    network: Network,
    now: Instant,
    objective: OrdersObjective,
) -> tuple[Plan, ...]:
    currency = currency_of(network)
    plans = []
    found = [(each.problem, it.work.timetable()) for each, it in zip(asked, placed, strict=True)]
    if any(each.joins for each in asked):
        found = joined(found, network, _leading(placed, objective))
    found = _in_sequence(_bargained_together(found, objective))
    drafts = [
        draft(
            Heading(PlanId(f"{each.order.id}/plan-1"), each.order.id, now, currency), problem, table
        )
        for each, (problem, table) in zip(asked, found, strict=True)
    ]
    for each, plan in zip(asked, shared_shipments(drafts, network), strict=True):
        bounds = {
            what: Bound(
                least(each.lowest, what) * (TICK if what is Objective.MAKESPAN else 1), TREE
            )
            for what in Objective
        }
        told = optimality_of(plan, _LEAD[objective], bounds, scope_of(each.lowest, ALONE))
        plans.append(msgspec.structs.replace(plan, optimality=told))
    return tuple(plans)


def _leading(
    placed: Sequence[Placed], objective: OrdersObjective
) -> Callable[[Sequence[int], float], tuple[float, ...]]:
    """Return what the orders are planned for, of when each is made and what all cost."""

    def lead(finishes: Sequence[int], cost: float) -> tuple[float, ...]:
        match objective:
            case OrdersObjective.COST:
                return (cost, float(max(finishes)))
            case OrdersObjective.MAKESPAN:
                return (float(max(finishes)),)
            case OrdersObjective.TARDINESS:
                late = (
                    each.weight * max(0, finish - each.due)
                    for each, finish in zip(placed, finishes, strict=True)
                )
                return (float(sum(late)),)

    return lead


def _cost_of(together: Together, network: Network, now: Instant) -> float:
    """Return what the plans cost at the times that they are given."""
    _all_sound(together.placed)
    plans = _written(together.asked, together.placed, network, now, together.objective)
    return float(sum(each.totals.cost_minor for each in plans))


def _all_sound(placed: Sequence[Placed]) -> None:
    """Place everything once more, in its order, where set-ups would not fit between steps.

    A step that was taken out leaves its neighbours, which may need a longer set-up than both of
    its own.
    """
    works = [each.work for each in placed]
    if works[0].floor.is_sound:
        return
    order = sorted(
        (work.at(job).start, number, job)
        for number, work in enumerate(works)
        for job in range(work.size)
    )
    picks = [[work.at(job).pick for job in range(work.size)] for work in works]
    for work in works:
        for job in range(work.size):
            work.release(job)
    for _, number, job in order:
        book(works[number], job, picks[number][job])


def _bargained_together(
    found: list[tuple[Problem, Timetable]], objective: OrdersObjective
) -> list[tuple[Problem, Timetable]]:
    """Return the timetables with steps put off to when they take less, clear of the others'."""
    if all(problem.charges is None for problem, _ in found):
        return found
    tables = [table for _, table in found]
    settled: list[tuple[Problem, Timetable]] = []
    for number, (problem, _) in enumerate(found):
        others = ((found[it][0], tables[it]) for it in range(len(found)) if it != number)
        mine = beside(problem, others)
        mine = mine.waiting(until_due=objective is not OrdersObjective.MAKESPAN)
        tables[number] = bargained(mine, tables[number])
        charges = problem.charges
        assert charges is not None, "all orders are planned over the same sites"
        still = msgspec.structs.replace(charges, until=None)
        settled.append((msgspec.structs.replace(problem, charges=still), tables[number]))
    return settled


def _in_sequence(found: list[tuple[Problem, Timetable]]) -> list[tuple[Problem, Timetable]]:
    """Return each problem beside the other orders, where set-ups depend on what these do."""
    if not any(is_in_sequence(problem) for problem, _ in found):
        return found
    return [
        (beside(problem, (each for it, each in enumerate(found) if it != number)), table)
        for number, (problem, table) in enumerate(found)
    ]


def _assure_all(plans: Sequence[Plan], asked: Sequence[Asked], setting: Setting) -> None:
    """Check each plan with all others as engagements."""
    for plan, each in zip(plans, asked, strict=True):
        taken = engagements((other for other in plans if other is not plan), setting.now)
        busy = {
            unit: (*setting.busy.get(unit, ()), *taken.get(unit, ()))
            for unit in {**setting.busy, **taken}
        }
        grounds = Grounds(
            product=each.order.product,
            network=setting.network,
            vocabulary=setting.vocabulary,
            kpis=setting.kpis,
            now=setting.now,
            busy=busy,
            quantity=each.order.quantity,
            drawn=draws(other for other in plans if other is not plan),
        )
        assure(plan, grounds)
