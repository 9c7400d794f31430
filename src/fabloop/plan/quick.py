"""The best plan for what adds up, at once: exact in its objective, its times merely feasible."""

import msgspec

from fabloop.base.errors import Refused
from fabloop.model.ids import PlanId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Exclusion, NotDecided, Optimality, Plan
from fabloop.plan.assure import assured, exclusions
from fabloop.plan.checker import Grounds
from fabloop.plan.draft import Heading, draft
from fabloop.plan.engine import TREE, cheapest, currency_of, is_additive, least, listed, scope_of
from fabloop.plan.reading import reading
from fabloop.plan.shipping import shared_shipments
from fabloop.plan.statement.batches import bounding
from fabloop.plan.statement.problem import Objective, Setting, problem_of


def quick_plan(
    order: ProductionOrder, setting: Setting, objective: Objective = Objective.COST
) -> Plan | None:
    """Return a plan that no other one betters in the objective, or None where there is none.

    It is checked like every plan. Its times are feasible, not the best: `check` improves them.

    Raises
    ------
    Invalid
        The operations are no in-tree.
    Broken
        The plan failed the independent check.
    Refused
        It would go on after the calendars that can be read.
    """
    plan = drafted(order, setting, objective)
    if plan is None:
        return None
    grounds = Grounds(
        product=order.product,
        network=setting.network,
        vocabulary=setting.vocabulary,
        kpis=setting.kpis,
        now=setting.now,
        busy=setting.busy,
        unavailable=setting.unavailable,
        quantity=order.quantity,
    )
    return assured(plan, grounds)


def drafted(order: ProductionOrder, setting: Setting, objective: Objective) -> Plan | None:
    """Return the plan before it is checked."""
    assert is_additive(objective), "only sums are exact whatever the times"

    def made(ahead: int) -> Plan | tuple[Exclusion, ...]:
        return _drafted(order, msgspec.structs.replace(setting, ahead=ahead), objective)

    def barred(answer: Plan | tuple[Exclusion, ...]) -> tuple[Exclusion, ...]:
        return answer if isinstance(answer, tuple) else ()

    found = reading(made, setting.now, setting.network, barred=barred)
    if isinstance(found, NotDecided):
        raise Refused(f"Expected a plan within the calendars, but found that {found.limit}.")
    return None if isinstance(found, tuple) else found


def _drafted(
    order: ProductionOrder, setting: Setting, objective: Objective
) -> Plan | tuple[Exclusion, ...]:
    """Return the plan, or who is left out where there is none."""
    mine = msgspec.structs.replace(setting, quantity=order.quantity, due_at=order.due_at)
    problem = problem_of(order.product, mine)
    routing = cheapest(problem, objective)
    if routing is None:
        return exclusions(problem)
    table = listed(problem, routing).table
    heading = Heading(
        PlanId(f"{order.id}/plan-1"), order.id, problem.origin, currency_of(setting.network)
    )
    adds = objective is not Objective.ENERGY
    waiting = problem.waiting(until_due=adds, lead=objective)
    plan = draft(heading, waiting, table)
    lowest = bounding(problem, frozenset(), setting.network)
    (plan,) = shared_shipments([plan], setting.network)
    certain = problem.charges is None and lowest is problem
    bound = None if certain else least(lowest, objective)
    return _proven(plan, objective, bound, scope_of(lowest))


def _proven(plan: Plan, objective: Objective, bound: float | None, scope: str) -> Plan:
    """State what the tree proves: nothing is better in the objective, or than the bound."""
    totals = plan.totals
    values = {
        Objective.COST: float(totals.cost_minor),
        Objective.ENERGY: totals.energy_j,
        Objective.CO2: totals.co2_kg,
    }
    value = values[objective]
    least_ = value if bound is None else min(value, bound)
    best = Optimality(
        objective=objective,
        value=value,
        bound=least_,
        proven=value <= least_ + 1e-9 * abs(least_),
        engine=TREE,
        scope=scope,
    )
    return msgspec.structs.replace(plan, optimality=(best,))
