"""Where a KPI is going: a slope that outliers do not bend, and the days until a limit."""

import math

import msgspec
import numpy as np

from fabloop.base.instant import DAY
from fabloop.sense.recording import Floats, Integers

POINTS_MIN = 5
"""Fewer points have no interval worth the name."""
POINTS_MAX = 1_000
"""All pairs of points are looked at: a thousand make half a million."""
NORMAL_95 = 1.959964


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """Slope per day with its 95 % interval, and the level at the last point.

    The unit is that of the KPI.
    """

    slope_per_day: float
    slope_low: float
    slope_high: float
    level: float


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """Days from the last point until the trend crosses a limit; infinite if it never does.

    Attributes
    ----------
    days_low, days_high : what the slope's 95 % interval makes of it
    """

    days: float
    days_low: float
    days_high: float


def trend_of(time_ns: Integers, values: Floats) -> Trend | None:
    """Return the Theil-Sen trend, or None for fewer than `POINTS_MIN` points.

    Of more than `POINTS_MAX` points, the last ones count. Times differ from each other.

    Notes
    -----
    Slope: median over all pairs (Theil 1950); interval: Sen 1968, from the variance of Kendall's
    S. Up to 29 % of the points may be wrong without bending it at will.
    """
    time_ns, values = time_ns[-POINTS_MAX:], values[-POINTS_MAX:]
    count = len(values)
    if count < POINTS_MIN:
        return None
    days = (time_ns - time_ns[-1]) / DAY
    first, second = np.triu_indices(count, 1)
    slopes = np.sort((values[second] - values[first]) / (days[second] - days[first]))
    slope = float(np.median(slopes))
    reach = NORMAL_95 * math.sqrt(count * (count - 1) * (2 * count + 5) / 18.0)
    low = max(0, math.floor((len(slopes) - reach) / 2.0))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + reach) / 2.0))
    return Trend(
        slope_per_day=slope,
        slope_low=float(slopes[low]),
        slope_high=float(slopes[high]),
        level=float(np.median(values - slope * days)),
    )


def crossing_of(trend: Trend, limit: float) -> Crossing:
    """Return when the trend rises above a limit; 0 days if it already has."""
    room = limit - trend.level
    return Crossing(
        days=_days(room, trend.slope_per_day),
        days_low=_days(room, trend.slope_high),
        days_high=_days(room, trend.slope_low),
    )


def _days(room: float, slope: float) -> float:
    if room <= 0.0:
        return 0.0
    return room / slope if slope > 0.0 else math.inf
