"""Which plans that are being carried out does something endanger, and which limits to watch?"""

from collections.abc import Collection, Iterable, Iterator

from fabloop.model.disturbance import Disturbance
from fabloop.model.facts import PlanEndangered
from fabloop.model.ids import KpiId, OperationId, OrderId
from fabloop.model.kpi import KpiValue
from fabloop.model.product import Operation
from fabloop.model.site import WorkUnit
from fabloop.model.skill import SkillVocabulary
from fabloop.plan.running.dangers import Carried, Outlook
from fabloop.plan.running.watchlist import Watchlist
from fabloop.services.matching import live_limits


def weigh(
    disturbance: Disturbance, watch: Watchlist, outlook: Outlook, orders: Collection[OrderId]
) -> tuple[PlanEndangered, ...]:
    """Return a fact for each plan of these orders that the disturbance endangers."""
    return tuple(
        PlanEndangered(order=each.order, plan=each.plan.id, reasons=each.reasons)
        for each in watch.endangered(disturbance, outlook)
        if each.order in orders
    )


def limits_on(
    value: KpiValue,
    carried: Iterable[Carried],
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
                for each in carried
                for operation, limit in limited_operations(
                    each.product.operations, unit, value.kpi, vocabulary
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
