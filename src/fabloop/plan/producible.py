"""The face of planning: can the order be made, where, when, at what cost - and if not, why."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import PlanId, WorkUnitId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import NotDecided, Plan, PlanAnswer, Producible
from fabloop.model.site import Network
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.assure import assured, exclusions
from fabloop.plan.countable import check_countable
from fabloop.plan.draft import Heading, draft
from fabloop.plan.engagements import engagements
from fabloop.plan.engine import (
    CPSAT,
    SHORT,
    TREE,
    Bound,
    Timed,
    currency_of,
    fastest,
    is_additive,
    is_possible_now,
    least,
    listed,
    measure_of,
    optimality_of,
    ranked,
    scope_of,
    timed,
)
from fabloop.plan.reading import reading
from fabloop.plan.reasons.recommend import not_producible
from fabloop.plan.running.impact import compare, impact
from fabloop.plan.running.replan import replan
from fabloop.plan.shipping import shared_shipments
from fabloop.plan.statement.batches import bounding
from fabloop.plan.statement.materials import Claims
from fabloop.plan.statement.opening import CALENDAR_AHEAD_MAX
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import (
    ABSENT,
    Busy,
    NotBefore,
    Objective,
    Problem,
    Setting,
    problem_of,
)
from fabloop.plan.statement.roads import TICK, Weights
from fabloop.plan.terms.blend import blend_of, case_of, table_sums
from fabloop.plan.terms.objectives import Aim, Measure, aim_of, lexicographic, plain, weighted
from fabloop.plan.terms.wishes import NO_WISHES, Wishes, check_wishes
from fabloop.plan.timetable.schedule import Routing, Timetable, routing_of, same_ways
from fabloop.plan.timetable.sequence import families_before
from fabloop.plan.timetable.solver import Heard
from fabloop.plan.tradeoffs.constrained import EXACT
from fabloop.plan.tradeoffs.in_hours import best_sum
from fabloop.plan.tradeoffs.wished import Ask, Stop, grounds_of, wished
from fabloop.plan.tree import optimum, tables_of
from fabloop.services.matching import KpiValues

__all__ = [
    "Aim",
    "Measure",
    "Objective",
    "Wishes",
    "check",
    "compare",
    "engagements",
    "impact",
    "lexicographic",
    "replan",
    "weighted",
]

FILLERS_PER_PLAN = 3
"""How many of the cheapest plans are looked at for each one that is to be returned."""

EFFORT = 5.0
"""How long one solve with wishes may take unless told otherwise, in about CPU seconds."""

OPERATIONS_MAX = 5_000
"""Operations of one product; beyond it the question is not decided."""


def check(  # noqa: PLR0913  # the face of planning names every input
    order: ProductionOrder,
    network: Network,
    vocabulary: SkillVocabulary,
    kpis: KpiValues,
    now: Instant,
    *,
    plans_max: int = 4,
    objective: Objective | Measure | Aim = Objective.COST,
    busy: Busy | None = None,
    unavailable: frozenset[WorkUnitId] = frozenset(),
    not_before: NotBefore | None = None,
    wishes: Wishes = NO_WISHES,
    like: Plan | None = None,
    effort: float = EFFORT,
    on_incumbent: Callable[[Plan], object] | None = None,
    stop: Callable[[], bool] | None = None,
    plant: Plant | None = None,
    claimed: Claims | None = None,
) -> PlanAnswer:
    """Return ranked plans for the order, or why there is none and what would help.

    The first plan is the best for `objective`. The best for cost, makespan, energy and CO2 are
    among them where they differ and `plans_max` allows; without wishes the next cheapest fill up.

    Parameters
    ----------
    busy : engagements of work units that no plan may touch (`engagements` of other orders' plans)
    unavailable : work units that may not be chosen, a broken one for instance
    not_before : until when operations have to wait for late material
    wishes : what is demanded of the plan beside the product
    like : the plan from which the measure `changes` counts
    effort : how long one solve may take, in about CPU seconds; the same effort, the same answer
    on_incumbent : hears checked plans as they are found, each with its bounds, the first at once
    stop : asked after each plan; True ends the search with what is there
    plant : the network made ready beforehand, where many orders are asked about
    claimed : pieces of stock that others take

    Raises
    ------
    Invalid
        The operations are no in-tree, or something takes more than can be counted.
    Broken
        A plan failed the independent check.
    """
    if len(order.product.operations) > OPERATIONS_MAX:
        return NotDecided(limit=f"{OPERATIONS_MAX} operations")
    check_wishes(wishes, order.product, network)
    setting = Setting(
        network,
        vocabulary,
        kpis,
        now,
        now,
        busy or {},
        unavailable,
        quantity=order.quantity,
        plant=plant,
        not_before=not_before or {},
        due_at=order.due_at,
        claimed=claimed or {},
    )

    def asked(ahead: int) -> PlanAnswer:
        around = msgspec.structs.replace(setting, ahead=ahead)
        problem = problem_of(order.product, around)
        aim = aim_of(objective)
        ask = Ask(order, around, problem, aim, wishes, like, plans_max, effort)
        return _answered(ask, plain(objective), on_incumbent, stop)

    return reading(asked, now, network, wishes.deadline)


def _answered(
    ask: Ask, lead: Objective | None, tell: Callable[[Plan], object] | None, stop: Stop | None
) -> PlanAnswer:
    check_countable(ask.problem)
    excluded = exclusions(ask.problem)
    if not is_possible_now(ask.problem):
        if ask.problem.shares_out:
            return NotDecided(limit=SHORT)
        return not_producible(ask.order.product, ask.setting, ask.problem, excluded)
    if lead is None or ask.wishes != NO_WISHES:
        return wished(ask, tell, stop)
    return Producible(plans=_planned(ask, lead, tell, stop), exclusions=excluded)


def _planned(
    ask: Ask, lead: Objective, tell: Callable[[Plan], object] | None, stop: Stop | None
) -> tuple[Plan, ...]:
    """Return ranked plans for a plain objective without wishes."""
    order, problem, network = ask.order, ask.problem, ask.setting.network
    grounds = grounds_of(ask)
    found: list[_Found] = []
    fast: Timed | None = None

    def hear(table: Timetable, bound: float) -> bool:
        each = Timed(table, math.ceil(bound), CPSAT)
        return tells([_Found(lead, each)], each if lead is Objective.MAKESPAN else None)

    def tells(found: list[_Found], fast: Timed | None) -> bool:
        if tell is None:
            return False
        told = _readable(ask, found)
        tell(assured(_written(order, problem, told, fast, network, lead)[0], grounds))
        return stop is not None and stop()

    for found, fast in _ranked(problem, ask.plans_max, lead, None if tell is None else hear):
        if tells(found, fast):
            break
    plans = _written(order, problem, _readable(ask, found), fast, network, lead)
    return tuple(assured(each, grounds) for each in plans)


class _Found(msgspec.Struct, frozen=True):
    """A timetable and the objective that it is the best for; `proof` is beyond the tree's bound."""

    lead: Objective
    timed: Timed
    proof: Bound | None = None


def _readable(ask: Ask, found: list[_Found]) -> list[_Found]:
    """Return those that end within calendars, where calendars are not read any further.

    If none does, all: to write them asks for what is not there.
    """
    if ask.setting.ahead < CALENDAR_AHEAD_MAX:
        return found
    problem = ask.problem
    return [each for each in found if each.timed.table.last(problem) <= problem.read] or found


def _ranked(
    problem: Problem, plans_max: int, objective: Objective, heard: Heard | None
) -> Iterator[tuple[list[_Found], Timed | None]]:
    """Yield ever more timetables: the best for each objective, then the next cheapest.

    The fastest one comes again beside them, where it was asked for: its bound holds for all.
    Where somebody listens, the first one comes before any time is spent on when things happen.
    """
    leads = list(dict.fromkeys([objective, Objective.COST, *Objective]))
    found: list[_Found] = []
    fast: Timed | None = None
    if heard is not None:
        yield [_Found(objective, at_first(problem, objective))], None
    for lead in leads[:plans_max]:
        best = _best(problem, lead, heard if lead is objective else None)
        fast = best.timed if lead is Objective.MAKESPAN else fast
        _add(problem, found, best)
        yield found, fast
    if len(found) < plans_max:
        _fill_up(problem, found, plans_max)
        yield found, fast


def _fill_up(problem: Problem, found: list[_Found], plans_max: int) -> None:
    """Add the next cheapest; one that equals another in all its sums is no real choice."""
    known = {_sums(problem, _routing(each.timed.table)) for each in found}
    cheap = ranked(problem, Objective.COST)
    for routing in islice(cheap, FILLERS_PER_PLAN * plans_max):
        if len(found) == plans_max:
            return
        sums = _sums(problem, routing)
        if sums not in known:
            known.add(sums)
            _add(problem, found, _Found(Objective.COST, timed(problem, routing)))


def _routing(table: Timetable) -> Routing:
    legs = tuple(tuple(each.legs for each in job) for job in table.transfers)
    return Routing(table.choice, Weights(), legs)


def _sums(problem: Problem, routing: Routing) -> tuple[float, ...]:
    """Return cost, energy and CO2 of the choices, rounded so that float noise is no difference."""
    takes = [
        job.candidates[pick].takes
        for job, pick in zip(problem.jobs, routing.choice, strict=True)
        if pick != ABSENT
    ]
    takes += [leg.hop.takes for job in routing.legs for legs in job for leg in legs]
    return (
        sum(each.cost for each in takes),
        round(sum(each.energy for each in takes), 3),
        round(sum(each.co2 for each in takes), 9),
    )


def _add(problem: Problem, found: list[_Found], best: _Found) -> None:
    """Keep a timetable whose work units, ways or set-ups differ; of the same ones the faster.

    Where hours decide what a plan takes, both are kept if each is better for what it was made for.
    """
    each = best.timed
    for index, other in enumerate(found):
        if not _are_alike(problem, each.table, other.timed.table):
            continue
        if not _is_better(problem, other.lead, other.timed.table, each.table):
            if each.table.starts[-1] < other.timed.table.starts[-1]:
                found[index] = _Found(other.lead, each, other.proof)
            return
        if not _is_better(problem, best.lead, each.table, other.timed.table):
            return
    found.append(best)


def _is_better(problem: Problem, lead: Objective, one: Timetable, other: Timetable) -> bool:
    """Tell whether hours make one of two timetables with the same ways better for an objective."""
    if problem.charges is None or problem.charges.until is None:
        return False
    if lead is Objective.MAKESPAN:
        return one.finish(problem) < other.finish(problem)
    case, goal = case_of(problem), blend_of(aim_of(lead).ranks[0])
    mine, theirs = (table_sums(case, each).of(case.plain(goal), 0) for each in (one, other))
    return mine < theirs * (1.0 - EXACT)


def _are_alike(problem: Problem, one: Timetable, other: Timetable) -> bool:
    if one.choice != other.choice or not same_ways(one, other):
        return False
    return families_before(problem, one) == families_before(problem, other)


def at_first(problem: Problem, lead: Objective) -> Timed:
    """Return the plan that is there at once: the tree's choices, scheduled as a list."""
    weights = measure_of(problem, lead)
    found = optimum(tables_of(problem, weights, adds=is_additive(lead)))
    assert found is not None, "asked only where a plan exists"
    return listed(problem, routing_of(problem, found.choice, weights))


def _best(problem: Problem, lead: Objective, heard: Heard | None) -> _Found:
    if is_additive(lead):
        found = best_sum(problem, lead)
        assert found is not None, "asked only where a plan exists"
        return _Found(lead, *found)
    best = fastest(problem, heard=heard)
    assert best is not None, "asked only where a plan exists"
    return _Found(lead, best)


def _written(
    order: ProductionOrder,
    problem: Problem,
    found: Sequence[_Found],
    fast: Timed | None,
    network: Network,
    objective: Objective,
) -> tuple[Plan, ...]:
    """Return the plans, best for `objective` first, numbered in that order."""
    lowest = bounding(problem, frozenset(), network)
    bounds = _bounds(lowest, fast)
    proofs = [(it.lead, it.proof) for it in found if it.proof and lowest is problem]
    currency = currency_of(network)

    def write(name: str, each: _Found) -> Plan:
        heading = Heading(PlanId(name), order.id, problem.origin, currency)
        adds = each.lead in (Objective.COST, Objective.CO2)
        mine = problem.waiting(until_due=adds, lead=each.lead)
        (plan,) = shared_shipments([draft(heading, mine, each.timed.table)], network)
        held = _bounds_by(bounds, proofs, plan.totals.makespan_ns // TICK)
        told = optimality_of(plan, each.lead, held, scope_of(lowest))
        return msgspec.structs.replace(plan, optimality=told)

    plans = [write("", each) for each in found]
    rank = sorted(range(len(found)), key=lambda index: _rank(plans[index], objective))
    return tuple(
        write(f"{order.id}/plan-{place}", found[index]) for place, index in enumerate(rank, 1)
    )


def _bounds_by(
    bounds: dict[Objective, Bound], proofs: Sequence[tuple[Objective, Bound]], finish: int
) -> dict[Objective, Bound]:
    """Return the bounds with what is proven of plans that are ready by a tick."""
    found = dict(bounds)
    for lead, proof in proofs:
        if (proof.by is None or finish <= proof.by) and proof.value > found[lead].value:
            found[lead] = proof
    return found


def _rank(plan: Plan, objective: Objective) -> tuple[float, int, int]:
    value = next(each.value for each in plan.optimality if each.objective == objective)
    return value, plan.totals.cost_minor, plan.totals.makespan_ns


def _bounds(problem: Problem, fast: Timed | None) -> dict[Objective, Bound]:
    """Return the best that any plan could have, per objective, and who proved it."""
    bounds = {each: Bound(least(problem, each), TREE) for each in Objective}
    finish = bounds[Objective.MAKESPAN]
    if fast is not None and fast.bound > finish.value:
        finish = Bound(fast.bound, fast.engine)
    bounds[Objective.MAKESPAN] = Bound(finish.value * TICK, finish.engine)
    return bounds
