"""EWMA and CUSUM of many signals, a whole bulk at once, equal to their sample by sample forms."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Array = NDArray[np.float64]


class Ewma:
    """Exponentially weighted moving averages, z = z + weight (x - z).

    An unknown sample (NaN) leaves the average as it is; the first known one begins it.
    """

    def __init__(self, signals: int, weight: float) -> None:
        self._weight = weight
        self.values: Array = np.full(signals, np.nan)
        self._powers: dict[int, Array] = {}

    def take(self, samples: Floats) -> Array:
        """Return the averages after samples of shape (n, signals)."""
        begun = np.isfinite(self.values)
        if begun.all() and np.isfinite(samples).all():
            powers = self._kernel(len(samples))
            self.values = powers[0] * self.values + powers[1:] @ samples
            return self.values
        for row in np.asarray(samples, dtype=np.float64):
            known = np.isfinite(row)
            first = known & ~np.isfinite(self.values)
            stepped = self.values + self._weight * (row - self.values)
            self.values = np.where(first, row, np.where(known, stepped, self.values))
        return self.values

    def _kernel(self, count: int) -> Array:
        """Return what of the old average remains, then the weight of each sample."""
        found = self._powers.get(count)
        if found is None:
            left = (1.0 - self._weight) ** np.arange(count, -1, -1.0)
            found = self._powers[count] = np.concatenate([left[:1], self._weight * left[1:]])
        return found


class Cusum:
    """Two-sided cumulative sums: C+ = max(0, C+ + (x - target)/sigma - slack), C- mirrored.

    An unknown sample (NaN) adds nothing and takes nothing away.
    """

    def __init__(self, target: Array, sigma: Array, slack: float) -> None:
        self._target = target
        self._sigma = sigma
        self._slack = slack
        self.upper: Array = np.zeros(len(target))
        self.lower: Array = np.zeros(len(target))

    def take(self, samples: Floats) -> Array:
        """Return the greatest sum of either side within samples of shape (n, signals)."""
        scaled = (samples - self._target) / self._sigma
        self.upper, above = _summed(self.upper, scaled - self._slack)
        self.lower, below = _summed(self.lower, -scaled - self._slack)
        return np.maximum(above, below)


def _summed(begin: Array, steps: Array) -> tuple[Array, Array]:
    """Return the last and the greatest of c = max(0, c + step), without a loop over samples.

    Unrolled, c is the running sum less its least value so far, or `begin` above the running sum
    where that is more.
    """
    if not np.isfinite(steps).all():
        steps = np.where(np.isfinite(steps), steps, 0.0)
    running = np.cumsum(steps, axis=0)
    sums = running - np.minimum(np.minimum.accumulate(running, axis=0), -begin)
    return sums[-1], sums.max(axis=0)
