"""The best plan for what adds up, at once: exact in its objective, its times merely feasible."""

import msgspec

from fabloop.model.ids import PlanId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Optimality, Plan
from fabloop.plan.assure import assured
from fabloop.plan.checker import Grounds
from fabloop.plan.draft import Heading, draft
from fabloop.plan.engine import TREE, cheapest, currency_of, is_additive, listed
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
    problem = problem_of(order.product, msgspec.structs.replace(setting, quantity=order.quantity))
    routing = cheapest(problem, objective)
    if routing is None:
        return None
    table = listed(problem, routing).table
    heading = Heading(
        PlanId(f"{order.id}/plan-1"), order.id, problem.origin, currency_of(setting.network)
    )
    return _proven(draft(heading, problem, table), objective)


def _proven(plan: Plan, objective: Objective) -> Plan:
    """State what the tree proves: nothing is better in the objective."""
    totals = plan.totals
    values = {
        Objective.COST: float(totals.cost_minor),
        Objective.ENERGY: totals.energy_j,
        Objective.CO2: totals.co2_kg,
    }
    value = values[objective]
    best = Optimality(
        objective=objective, value=value, bound=value, proven=True, engine=TREE, scope="all plans"
    )
    return msgspec.structs.replace(plan, optimality=(best,))
