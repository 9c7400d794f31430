"""The face of planning: can the order be made, where, when, at what cost - and if not, why."""

from collections.abc import Sequence
from itertools import islice

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import PlanId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import NotDecided, Plan, PlanAnswer, Producible
from fabloop.model.site import Network
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.assure import assure, exclusions
from fabloop.plan.checker import Grounds
from fabloop.plan.draft import Heading, draft
from fabloop.plan.engagements import engagements
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
    ranked,
    timed,
)
from fabloop.plan.impact import compare, impact
from fabloop.plan.problem import Busy, Objective, Problem, Setting, problem_of
from fabloop.plan.recommend import not_producible
from fabloop.plan.replan import replan
from fabloop.plan.roads import TICK, Hop, Weights
from fabloop.plan.schedule import Routing, Timetable
from fabloop.services.matching import KpiValues

__all__ = ["Objective", "check", "compare", "engagements", "impact", "replan"]

FILLERS_PER_PLAN = 3
"""How many of the cheapest plans are looked at for each one that is to be returned."""

OPERATIONS_MAX = 5_000
"""Operations of one product; beyond it the question is not decided."""


def check(
    order: ProductionOrder,
    network: Network,
    vocabulary: SkillVocabulary,
    kpis: KpiValues,
    now: Instant,
    *,
    plans_max: int = 4,
    objective: Objective = Objective.COST,
    busy: Busy | None = None,
) -> PlanAnswer:
    """Return ranked plans for the order, or why there is none and what would help.

    The first plan is the best for `objective`. The best for cost, makespan, energy and CO2 are
    among them where they differ and `plans_max` allows; the next cheapest fill up. `busy` are
    engagements of work units that no plan may touch (`engagements` of other orders' plans).

    Raises
    ------
    Invalid
        The operations are no in-tree.
    Broken
        A plan failed the independent check.
    """
    if len(order.product.operations) > OPERATIONS_MAX:
        return NotDecided(limit=f"{OPERATIONS_MAX} operations")
    setting = Setting(network, vocabulary, kpis, now, now, busy or {})
    problem = problem_of(order.product, setting)
    excluded = exclusions(problem)
    if not is_possible_now(problem):
        return not_producible(order.product, setting, problem, excluded)
    found, fast = _ranked(problem, plans_max, objective)
    plans = _written(order, problem, found, fast, network, objective)
    grounds = Grounds(
        product=order.product,
        network=network,
        vocabulary=vocabulary,
        kpis=kpis,
        now=now,
        busy=setting.busy,
    )
    for plan in plans:
        assure(plan, grounds)
    return Producible(plans=plans, exclusions=excluded)


class _Found(msgspec.Struct, frozen=True):
    """A timetable and the objective that it is the best for."""

    lead: Objective
    timed: Timed


def _ranked(
    problem: Problem, plans_max: int, objective: Objective
) -> tuple[list[_Found], Timed | None]:
    """Return different timetables: the best for each objective, then the next cheapest.

    The fastest one comes again beside them, where it was asked for: its bound holds for all.
    """
    leads = list(dict.fromkeys([objective, Objective.COST, *Objective]))
    found: list[_Found] = []
    fast: Timed | None = None
    for lead in leads[:plans_max]:
        best = _best(problem, lead)
        fast = best if lead is Objective.MAKESPAN else fast
        _add(found, best, lead)
    if len(found) < plans_max:
        _fill_up(problem, found, plans_max)
    return found, fast


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
            _add(found, timed(problem, routing), Objective.COST)


def _routing(table: Timetable) -> Routing:
    legs = tuple(tuple(each.legs for each in job) for job in table.transfers)
    return Routing(table.choice, Weights(), legs)


def _sums(problem: Problem, routing: Routing) -> tuple[float, ...]:
    """Return cost, energy and CO2 of the choices, rounded so that float noise is no difference."""
    takes = [
        job.candidates[pick].takes for job, pick in zip(problem.jobs, routing.choice, strict=True)
    ]
    takes += [leg.hop.takes for job in routing.legs for legs in job for leg in legs]
    return (
        sum(each.cost for each in takes),
        round(sum(each.energy for each in takes), 3),
        round(sum(each.co2 for each in takes), 9),
    )


def _add(found: list[_Found], each: Timed, lead: Objective) -> None:
    """Keep a timetable whose work units or ways differ; of the same ones the faster stays."""
    for index, other in enumerate(found):
        if _ways(each.table) == _ways(other.timed.table):
            if each.table.starts[-1] < other.timed.table.starts[-1]:
                found[index] = _Found(other.lead, each)
            return
    found.append(_Found(lead, each))


def _ways(table: Timetable) -> tuple[tuple[int, ...], tuple[tuple[Hop, ...], ...]]:
    hops = (tuple(leg.hop for leg in each.legs) for job in table.transfers for each in job)
    return table.choice, tuple(hops)


def _best(problem: Problem, lead: Objective) -> Timed:
    if is_additive(lead):
        routing = cheapest(problem, lead)
        assert routing is not None, "asked only where a plan exists"
        return timed(problem, routing)
    best = fastest(problem)
    assert best is not None, "asked only where a plan exists"
    return best


def _written(
    order: ProductionOrder,
    problem: Problem,
    found: Sequence[_Found],
    fast: Timed | None,
    network: Network,
    objective: Objective,
) -> tuple[Plan, ...]:
    """Return the plans, best for `objective` first, numbered in that order."""
    bounds = _bounds(problem, fast)
    currency = currency_of(network)

    def write(name: str, each: _Found) -> Plan:
        heading = Heading(PlanId(name), order.id, problem.origin, currency)
        plan = draft(heading, problem, each.timed.table)
        return msgspec.structs.replace(plan, optimality=optimality_of(plan, each.lead, bounds))

    plans = [write("", each) for each in found]
    rank = sorted(range(len(found)), key=lambda index: _rank(plans[index], objective))
    return tuple(
        write(f"{order.id}/plan-{place}", found[index]) for place, index in enumerate(rank, 1)
    )


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
