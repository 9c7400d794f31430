"""Where a measured KPI is going, and the stop that restores it at least cost."""

from collections.abc import Iterable, Sequence

import numpy as np

from fabloop.base.instant import HOUR, Instant
from fabloop.model.calendar import Spans
from fabloop.model.kpi import KpiTrend, KpiValue
from fabloop.model.maintenance import MaintenanceProposed, MaintenanceRule, PossibleStop
from fabloop.sense.condition.maintenance import STOPS_MAX, StopCosts, propose, risk_by_crossing
from fabloop.sense.trend import Trend, crossing_of, trend_of

SOURCE = "Theil-Sen slope of the upper bounds"
STOPS_EVERY_NS = 4 * HOUR
"""Distance of the stops that are looked at, besides those right after a planned step."""


def trend_over(values: Sequence[KpiValue]) -> Trend | None:
    """Return the trend of the upper bounds, oldest first; None where there are too few."""
    times = np.array([int(each.at) for each in values], dtype=np.int64)
    return trend_of(times, np.array([each.upper for each in values]))


def kpi_trend(values: Sequence[KpiValue]) -> KpiTrend | None:
    """Return the trend of a KPI as planning follows it; None where values are too few."""
    trend = trend_over(values)
    if trend is None:
        return None
    last = values[-1]
    return KpiTrend(
        work_unit=last.work_unit,
        kpi=last.kpi,
        dimension=last.dimension,
        at=last.at,
        value=trend.level,
        slope_per_day=trend.slope_per_day,
        slope_low=trend.slope_low,
        slope_high=trend.slope_high,
        source=SOURCE,
    )


def advised_stop(
    rule: MaintenanceRule,
    values: Sequence[KpiValue],
    limit: float,
    taken: Spans,
    now: Instant,
) -> MaintenanceProposed | None:
    """Return the stop that costs least before the trend crosses a limit; None: let it run.

    Parameters
    ----------
    limit : what open orders ask of the KPI, SI
    taken : when planned work stands on the unit; to displace it costs the downtime rate
    """
    trend = trend_over(values)
    if trend is None:
        return None
    crosses, age = risk_by_crossing(crossing_of(trend, limit)), now - values[-1].at
    costs = StopCosts(
        planned_minor=rule.planned_minor,
        failure_minor=rule.failure_minor,
        downtime_ns=rule.downtime_ns,
        downtime_minor_per_hour=rule.downtime_minor_per_hour,
        rate_minor_per_day=rule.rate_minor_per_day,
        currency=rule.currency,
    )
    stops = tuple(possible_stops(rule, taken, now))
    return propose(rule.work_unit, rule.job, stops, lambda on: crosses(on + age), costs, now)


def possible_stops(rule: MaintenanceRule, taken: Spans, now: Instant) -> Iterable[PossibleStop]:
    """Yield the stops to choose from: now, every few hours, and right after planned work."""
    last = Instant(now + rule.window_ns)
    starts = {now, *(end for _, end in taken if now < end <= last)}
    every = max(STOPS_EVERY_NS, 2 * rule.window_ns // STOPS_MAX)
    first = now + every - now % every
    starts |= {Instant(each) for each in range(first, last + 1, every)}
    for start in sorted(starts)[:STOPS_MAX]:
        end = Instant(start + rule.takes_ns)
        lost = sum(max(0, min(end, until) - max(start, since)) for since, until in taken)
        worth = round(rule.downtime_minor_per_hour * lost / HOUR)
        yield PossibleStop(start=start, end=end, lost_minor=worth)
