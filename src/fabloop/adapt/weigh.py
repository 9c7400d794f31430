"""Which plans that are being carried out does a changed KPI endanger?"""

from collections.abc import Iterable, Iterator

from fabloop.adapt.propose import Situation
from fabloop.base.instant import Instant
from fabloop.model.disturbance import UnitBroken
from fabloop.model.facts import PlanEndangered
from fabloop.model.ids import KpiId, OperationId
from fabloop.model.knowledge import Knowledge
from fabloop.model.kpi import KpiValue
from fabloop.model.product import Operation
from fabloop.model.site import WorkUnit
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.producible import impact
from fabloop.plan.running.dangers import Carried, Outlook, dangers
from fabloop.services.matching import KpiValues, live_limits


def weigh(
    value: KpiValue,
    situations: Iterable[Situation],
    knowledge: Knowledge,
    kpis: KpiValues,
    now: Instant,
) -> tuple[PlanEndangered, ...]:
    """Return a fact for each plan with a step not begun that the value rules out.

    What is done or has begun is not touched: the piece is on the machine already.
    """
    found = []
    for each in situations:
        reasons = impact(
            each.plan,
            each.order.product,
            knowledge.network,
            knowledge.vocabulary,
            kpis,
            now,
            begun={*each.done, *each.running},
            work_unit=value.work_unit,
        )
        if reasons:
            found.append(PlanEndangered(order=each.order.id, plan=each.plan.id, reasons=reasons))
    return tuple(found)


def weigh_break(
    broken: UnitBroken,
    situations: Iterable[Situation],
    knowledge: Knowledge,
    kpis: KpiValues,
    now: Instant,
) -> tuple[PlanEndangered, ...]:
    """Return a fact for each plan that still needs the broken work unit.

    What somebody is doing on it is not touched here: that the work failed is told by itself.
    """
    outlook = Outlook(
        network=knowledge.network, vocabulary=knowledge.vocabulary, kpis=kpis, now=now
    )
    found = []
    for each in situations:
        done = each.at_work
        carried = Carried(plan=each.plan, product=each.order.product, done=done)
        reasons = dangers(broken, carried, outlook)
        if reasons:
            found.append(PlanEndangered(order=each.order.id, plan=each.plan.id, reasons=reasons))
    return tuple(found)


def limits_on(
    value: KpiValue,
    situations: Iterable[Situation],
    unit: WorkUnit,
    vocabulary: SkillVocabulary,
) -> tuple[float, ...]:
    """Return the limits that open orders put on a KPI of a work unit, ascending (SI).

    Counted are operations not yet done that the unit's skills could do, planned there or not.
    """
    return tuple(
        sorted(
            {
                limit
                for each in situations
                for operation, limit in limited_operations(
                    each.order.product.operations, unit, value.kpi, vocabulary
                )
                if operation not in each.done
            }
        )
    )


def limited_operations(
    operations: Iterable[Operation], unit: WorkUnit, kpi: KpiId, vocabulary: SkillVocabulary
) -> Iterator[tuple[OperationId, float]]:
    """Yield the operations that a work unit has the skill for and that limit one of its KPIs.

    With each comes its limit, in the KPI's SI unit.
    """
    for operation in operations:
        for limited, limit in live_limits(operation.requirement, unit, vocabulary):
            if limited == kpi:
                yield operation.id, limit
