"""What a measured trend means for plans that are being carried out: steps at risk, a stop."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from fabloop.adapt.weigh import limits_on
from fabloop.adapt.world import World, stops
from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.model.disturbance import UnitClosed
from fabloop.model.facts import MaintenanceAdvised, MaintenanceDeclined, RiskForeseen
from fabloop.model.ids import OperationId, OrderId, WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.model.maintenance import MaintenanceProposed, MaintenanceRule
from fabloop.plan.running.forecast import StepAtRisk, forecast_risk
from fabloop.plan.running.watchlist import Watchlist
from fabloop.sense.condition.foresight import advised_stop, kpi_trend

RiskKey = tuple[OrderId, OperationId, WorkUnitId]
JobKey = tuple[WorkUnitId, str]

MOVES_MIN_NS = 12 * HOUR
"""An advised stop that moves by less is not advised again."""
ASKED_AGAIN_NS = DAY
"""How long nobody is asked again after a stop was declined."""


def risks_ahead(
    values: Sequence[KpiValue],
    watch: Watchlist,
    now: Instant,
    orders: Collection[OrderId],
    told: Mapping[RiskKey, RiskForeseen],
) -> tuple[RiskForeseen, ...]:
    """Return the steps of these orders that begin after a trend may have passed their limit.

    What was told of a plan is told again only when it has become likely.
    """
    trend = kpi_trend(values)
    if trend is None:
        return ()
    return tuple(
        RiskForeseen(
            order=each.order,
            plan=each.plan,
            operation=each.operation,
            work_unit=each.work_unit,
            kpi=trend.kpi,
            starts_at=each.starts_at,
            passes_at=each.passes_at,
            soonest=each.soonest,
            latest=each.latest,
            likely=each.likely,
            because=each.because,
        )
        for each in forecast_risk((trend,), watch, now)
        if each.order in orders and _is_news(each, told)
    )


def _is_news(risk: StepAtRisk, told: Mapping[RiskKey, RiskForeseen]) -> bool:
    known = told.get((risk.order, risk.operation, risk.work_unit))
    return known is None or known.plan != risk.plan or (risk.likely and not known.likely)


def stop_advised(
    rule: MaintenanceRule,
    values: Sequence[KpiValue],
    watch: Watchlist,
    world: World,
    advised: Mapping[JobKey, MaintenanceProposed],
    declined: Mapping[JobKey, MaintenanceDeclined],
) -> MaintenanceAdvised | None:
    """Return the stop that should be planned for a work unit now; None where none should.

    The limit is the tightest one of open orders that the unit still keeps. While the job is
    planned, or was declined a short time ago, nobody is asked.
    """
    key, now = (rule.work_unit, rule.job), world.now
    refused = declined.get(key)
    if refused is not None and now - refused.at < ASKED_AGAIN_NS:
        return None
    if any(_is_job(each, key) for each in world.standing if isinstance(each, UnitClosed)):
        return None
    unit = world.network.work_units()[rule.work_unit]
    last = values[-1]
    limits = limits_on(last, watch.carried(), unit, world.vocabulary)
    kept = [each for each in limits if each > last.upper]
    if not kept:
        return None
    taken = tuple(
        sorted((*_planned(rule.work_unit, watch), *stops(world.standing).get(unit.id, ())))
    )
    found = advised_stop(rule, values, kept[0], taken, now)
    if found is None or _is_known(found, advised.get(key)):
        return None
    return MaintenanceAdvised(proposal=found, at=now)


def _is_job(closed: UnitClosed, key: JobKey) -> bool:
    return (closed.work_unit, closed.job) == key


def _is_known(found: MaintenanceProposed, known: MaintenanceProposed | None) -> bool:
    return known is not None and abs(found.start - known.start) < MOVES_MIN_NS


def _planned(work_unit: WorkUnitId, watch: Watchlist) -> Iterator[tuple[Instant, Instant]]:
    for carried in watch.carried():
        for step in carried.plan.steps:
            if step.work_unit == work_unit and step.operation not in carried.done:
                yield step.start, step.end
