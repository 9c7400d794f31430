"""Which orders will be at risk, and when, if KPIs go on as their trends say?"""

import math
from collections.abc import Iterable, Iterator

import msgspec

from fabloop.base.instant import DAY, Instant
from fabloop.model.explanation import (
    DangerCode,
    Evidence,
    Explanation,
    Option,
    OptionCode,
    ReliefCode,
)
from fabloop.model.ids import OperationId, OrderId, PlanId, WorkUnitId
from fabloop.model.kpi import KpiTrend
from fabloop.model.plan import Plan, PlannedStep
from fabloop.model.product import Operation
from fabloop.model.skill import Rule
from fabloop.plan.running.dangers import live_limits
from fabloop.plan.running.watchlist import Watchlist

DAYS_MAX = 3_650
"""Days ahead that a trend is followed; beyond them a limit counts as never passed."""


class StepAtRisk(msgspec.Struct, frozen=True, kw_only=True):
    """A step that a work unit may not be good enough for any more when it is to begin.

    Attributes
    ----------
    passes_at : when the trend passes the limit of the step
    soonest, latest : the same by the slope's 95 % interval; None is never
    likely : the best estimate passes before the step begins, not only the steepest slope
    """

    order: OrderId
    plan: PlanId
    operation: OperationId
    work_unit: WorkUnitId
    starts_at: Instant
    passes_at: Instant | None
    soonest: Instant
    latest: Instant | None
    likely: bool
    because: Explanation


def forecast_risk(
    trends: Iterable[KpiTrend], plans: Watchlist, now: Instant
) -> tuple[StepAtRisk, ...]:
    """Return the open steps that begin after a trend may have passed their limit.

    First those whose limit is passed first, by the best estimate (by the steepest slope where
    that never passes it), then by order and start. A limit that is passed already is passed now.
    """
    found = [each for trend in trends for each in _risks(trend, plans, now)]
    return tuple(sorted(found, key=_rank))


def _rank(risk: StepAtRisk) -> tuple[bool, Instant, OrderId, Instant, OperationId]:
    at = risk.soonest if risk.passes_at is None else risk.passes_at
    return risk.passes_at is None, at, risk.order, risk.starts_at, risk.operation


def _risks(trend: KpiTrend, plans: Watchlist, now: Instant) -> Iterator[StepAtRisk]:
    unit = plans.unit(trend.work_unit)
    for plan, step, operation in plans.resting_on(trend.work_unit, trend.kpi):
        for name, _ in dict.fromkeys(live_limits(operation.requirement, unit, trend.kpi)):
            limit = operation.requirement.constraints[name]
            rule = plans.rule(operation, name)
            if isinstance(limit, str) or rule not in (Rule.AT_MOST, Rule.AT_LEAST):
                continue
            risk = _risk(trend, plan, step, _Limit(operation, name, rule, limit), now)
            if risk is not None:
                yield risk


class _Limit(msgspec.Struct, frozen=True):
    """What an operation asks of a KPI."""

    operation: Operation
    name: str
    rule: Rule
    value: float


def _risk(
    trend: KpiTrend, plan: Plan, step: PlannedStep, limit: _Limit, now: Instant
) -> StepAtRisk | None:
    """Return the risk of one step, or None where even the steepest slope passes too late."""
    sign = 1.0 if limit.rule is Rule.AT_MOST else -1.0
    room = sign * (limit.value - trend.value) - trend.margin
    slopes = sorted(sign * each for each in (trend.slope_low, trend.slope_high))
    soonest = _passes(trend, room, slopes[1], now)
    if soonest is None or soonest > step.start:
        return None
    expected = _passes(trend, room, sign * trend.slope_per_day, now)
    latest = _passes(trend, room, slopes[0], now)
    return StepAtRisk(
        order=plan.order,
        plan=plan.id,
        operation=step.operation,
        work_unit=step.work_unit,
        starts_at=step.start,
        passes_at=expected,
        soonest=soonest,
        latest=latest,
        likely=expected is not None and expected <= step.start,
        because=_because(trend, plan, limit, (expected, soonest, latest), now),
    )


def _passes(trend: KpiTrend, room: float, slope: float, now: Instant) -> Instant | None:
    """Return when the line leaves the room that there was at the trend's instant."""
    if room < 0.0:
        return now
    days = room / slope if slope > 0.0 else math.inf
    if not days <= DAYS_MAX:
        return None
    return Instant(max(now, trend.at + math.ceil(days * DAY)))


def _because(
    trend: KpiTrend,
    plan: Plan,
    limit: _Limit,
    passes: tuple[Instant | None, Instant, Instant | None],
    now: Instant,
) -> Explanation:
    days, soonest, latest = (_days(each, now) for each in passes)
    evidence = Evidence(
        subject=trend.work_unit,
        parameter=limit.name,
        relation=limit.rule,
        value=trend.value,
        limit=limit.value,
        dimension=trend.dimension,
        at=trend.at,
        source=trend.source,
    )
    maintain = Option(
        code=OptionCode.RESTORE_KPI,
        subject=trend.work_unit,
        parameter=limit.name,
        before=trend.value,
        after=limit.value,
        dimension=trend.dimension,
    )
    details = {
        "work_unit": trend.work_unit,
        "order": plan.order,
        "plan": plan.id,
        "days": days,
        "soonest": soonest,
        "latest": latest,
    }
    return Explanation(
        code=DangerCode.LIMIT_AHEAD,
        subject=limit.operation.id,
        details=details,
        evidence=(evidence,),
        consequence="re-plan or maintain before",
        options=(maintain, Option(code=ReliefCode.REPLAN_BEFORE, subject=plan.order)),
    )


def _days(at: Instant | None, now: Instant) -> str:
    return "never" if at is None else f"{(at - now) / DAY:.1f}"
