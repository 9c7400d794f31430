"""One KPI of a work unit explained: value, terms, age, trend, and when it crosses a limit."""

import math
from collections.abc import Iterator

import msgspec
import numpy as np

from fabloop.adapt.weigh import limited_operations
from fabloop.app.kept import Kept, Told
from fabloop.base.errors import NotFound
from fabloop.base.instant import DAY, Instant
from fabloop.base.names import did_you_mean
from fabloop.model.facts import KpiChanged, TestMeasured
from fabloop.model.ids import KpiId, OperationId, OrderId, WorkUnitId
from fabloop.model.kpi import KpiValue
from fabloop.model.site import WorkUnit
from fabloop.sense.meaning import Meaning, meaning_of
from fabloop.sense.trend import Trend, crossing_of, trend_of


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """When the bound of a KPI crosses what an open order asks for.

    Attributes
    ----------
    needed_at : when the operation begins here by the plan; None: it is planned elsewhere
    days, days_low, days_high : from the last value on, with the trend's 95 % interval; None: never,
        or there is no trend
    in_time : the bound is still below the limit when the operation begins, by the best estimate;
        None where that cannot be said
    """

    order: OrderId
    operation: OperationId
    limit: float
    needed_at: Instant | None
    days: float | None
    days_low: float | None
    days_high: float | None
    in_time: bool | None


class KpiExplained(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known of one KPI of a work unit.

    Attributes
    ----------
    counts : planning may use the value at `asked_at`
    rejected : why the last test gave no value; empty where it gave one
    points : values that the trend of the bound rests on
    """

    work_unit: WorkUnitId
    kpi: KpiId
    asked_at: Instant
    meaning: Meaning
    value: KpiValue | None
    age_ns: int | None
    counts: bool
    rejected: str
    trend: Trend | None
    points: int
    due: tuple[Due, ...]


def explained(kept: Kept, work_unit: str, kpi: KpiId, at: Instant | None) -> KpiExplained:
    """Explain a KPI as it is known at an instant, the last one that was heard of by default.

    Raises
    ------
    NotFound
        There is no such work unit.
    """
    units = kept.snapshot.knowledge.network.work_units()
    unit = units.get(WorkUnitId(work_unit))
    if unit is None:
        hint = did_you_mean(work_unit, units)
        raise NotFound(f"Expected a work unit of the folder, but found '{work_unit}'. {hint}")
    now = kept.snapshot.now if at is None else at
    told = kept.history
    value = _known(kept, unit.id, kpi, told, now)
    uppers = _measured(told, unit.id, kpi)
    trend = trend_of(
        np.array([int(each.at) for each in uppers], dtype=np.int64),
        np.array([each.upper for each in uppers]),
    )
    last = uppers[-1].at if uppers else now
    return KpiExplained(
        work_unit=unit.id,
        kpi=kpi,
        asked_at=now,
        meaning=meaning_of(kpi),
        value=value,
        age_ns=None if value is None else now - value.at,
        counts=value is not None and value.is_valid(now),
        rejected=_rejected(told, unit.id),
        trend=trend,
        points=len(uppers),
        due=tuple(_dues(kept, unit, kpi, trend, last)),
    )


def _known(kept: Kept, unit: WorkUnitId, kpi: KpiId, told: Told, now: Instant) -> KpiValue | None:
    """Return the last value that the house was told until then, measured or from documents."""
    values = [
        each for each in kept.snapshot.knowledge.kpis if (each.work_unit, each.kpi) == (unit, kpi)
    ]
    for _, fact in told:
        if isinstance(fact, TestMeasured | KpiChanged) and fact.value is not None:
            values.append(fact.value)
    last = None
    for each in values:
        if (each.work_unit, each.kpi) == (unit, kpi) and each.at <= now:
            last = each if last is None or each.doubt or each.at >= last.at else last
    return last


def _measured(told: Told, unit: WorkUnitId, kpi: KpiId) -> list[KpiValue]:
    """Return the values of one source, once for each instant, oldest first.

    Values of different sources are not compared: a step from one to the other is no trend.
    """
    values: dict[Instant, KpiValue] = {}
    for _, fact in told:
        if isinstance(fact, TestMeasured | KpiChanged) and fact.value is not None:
            value = fact.value
            if (value.work_unit, value.kpi) == (unit, kpi) and not value.doubt:
                values[value.at] = value
    ordered = [values[at] for at in sorted(values)]
    return [each for each in ordered if each.source == ordered[-1].source]


def _rejected(told: Told, unit: WorkUnitId) -> str:
    tests = [fact for _, fact in told if isinstance(fact, TestMeasured) and fact.work_unit == unit]
    return tests[-1].rejected if tests else ""


def _dues(
    kept: Kept, unit: WorkUnit, kpi: KpiId, trend: Trend | None, last: Instant
) -> Iterator[Due]:
    """Yield a crossing for each open operation that the unit could do, soonest limit first."""
    vocabulary = kept.snapshot.knowledge.vocabulary
    for carried in kept.snapshot.watch().carried():
        steps = {each.operation: each for each in carried.plan.steps if each.work_unit == unit.id}
        operations = carried.product.operations
        for operation, limit in limited_operations(operations, unit, kpi, vocabulary):
            if operation in carried.done:
                continue
            step = steps.get(operation)
            needed = None if step is None else step.start
            crossing = None if trend is None else crossing_of(trend, limit)
            days = math.inf if crossing is None else crossing.days
            yield Due(
                order=carried.plan.order,
                operation=operation,
                limit=limit,
                needed_at=needed,
                days=_finite(days),
                days_low=None if crossing is None else _finite(crossing.days_low),
                days_high=None if crossing is None else _finite(crossing.days_high),
                in_time=None if crossing is None or needed is None else needed <= last + days * DAY,
            )


def _finite(days: float) -> float | None:
    return days if math.isfinite(days) else None
