"""What the recent past of a unit's signals looks like: levels, slopes, change from its youth."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fabloop.sense.spc.samples import Floats

Bools = NDArray[np.bool_]

WINDOWS = (5, 10, 20, 30, 50)
"""Cycles over which levels and slopes are taken."""
SPREAD_WINDOW = 30
YOUTH = 20
"""Cycles that are a unit's own baseline."""
WEIGHT = 0.1
SLOPE_MIN = 3
"""Fewer known values have no slope."""


def feature_names(signals: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the features in the order of their columns: ``signal: what``."""
    kinds = [f"{what} over {w}" for w in WINDOWS for what in ("level", "slope")]
    kinds += ["moving average", "change from its youth", f"spread over {SPREAD_WINDOW}"]
    return (*(f"{signal}: {kind}" for kind in kinds for signal in signals), "age")


def features_of(values: Floats) -> Floats:
    """Return the features after each cycle of one unit, from signals of shape (n, p).

    Each row looks at its own and earlier cycles only. Unknown values do not count; a feature
    without enough known ones is NaN.
    """
    count, _ = values.shape
    known = np.isfinite(values)
    start = np.array(
        [
            column[seen.argmax()] if seen.any() else 0.0
            for column, seen in zip(values.T, known.T, strict=True)
        ]
    )
    off = np.where(known, values - start, 0.0)
    sums = _Sums(off, known)
    columns: list[Floats] = []
    for window in WINDOWS:
        level, slope = sums.line(window)
        columns += [level + start, slope]
    average = _average(off, known)
    youth = sums.youth()
    columns += [average + start, average - youth, sums.spread(SPREAD_WINDOW)]
    columns.append(np.arange(1.0, count + 1)[:, None])
    return np.hstack(columns)


class _Sums:
    """Running sums of known values, so that any window costs the same."""

    def __init__(self, off: Floats, known: Bools) -> None:
        cycle = np.arange(len(off), dtype=np.float64)[:, None]
        self._count, self._value, self._square, self._cycle, self._cycles, self._both = (
            np.vstack([np.zeros((1, off.shape[1])), np.cumsum(each, axis=0)])
            for each in (known, off, off**2, known * cycle, known * cycle**2, off * cycle)
        )

    def _over(self, sums: Floats, window: int) -> Floats:
        first = np.maximum(0, np.arange(1, len(sums)) - window)
        told: Floats = sums[1:] - sums[first]
        return told

    def line(self, window: int) -> tuple[Floats, Floats]:
        """Return mean and slope a cycle of the last values at each cycle."""
        n, x = self._over(self._count, window), self._over(self._value, window)
        k, kk = self._over(self._cycle, window), self._over(self._cycles, window)
        both = self._over(self._both, window)
        below = n * kk - k**2
        with np.errstate(invalid="ignore", divide="ignore"):
            level = np.where(n > 0, x / n, np.nan)
            slope = np.where((n >= SLOPE_MIN) & (below > 0), (n * both - k * x) / below, np.nan)
        return level, slope

    def spread(self, window: int) -> Floats:
        """Return the standard deviation of the last values at each cycle."""
        n, x = self._over(self._count, window), self._over(self._value, window)
        squares = self._over(self._square, window)
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = np.maximum(squares - x**2 / n, 0.0) / (n - 1)
            return np.where(n >= SLOPE_MIN, np.sqrt(variance), np.nan)

    def youth(self) -> Floats:
        """Return the mean of the first values, as far as they were known at each cycle."""
        last = np.minimum(np.arange(1, len(self._count)), YOUTH)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self._count[last] > 0, self._value[last] / self._count[last], np.nan)


def _average(off: Floats, known: Bools) -> Floats:
    """Return the moving averages; each begins with the mean of what is known so far."""
    told = np.full_like(off, np.nan)
    average, seen = np.zeros(off.shape[1]), np.zeros(off.shape[1])
    for row, (value, there) in enumerate(zip(off, known, strict=True)):
        seen += there
        weight = np.where(there, np.maximum(WEIGHT, 1 / np.maximum(seen, 1)), 0.0)
        average = average + weight * (value - average)
        told[row] = np.where(seen > 0, average, np.nan)
    return told
