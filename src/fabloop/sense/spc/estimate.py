"""Estimators of the standard deviation within subgroups; each result tells which it is."""

from enum import StrEnum

import numpy as np

from fabloop.sense.spc.constants import c4, d2
from fabloop.sense.spc.samples import Floats, Subgroups

TABLE_DIGITS = 3


class SigmaEstimator(StrEnum):
    """How a standard deviation was found: capability and limits are worth nothing without it."""

    RANGE = "R/d2"
    """With d2 to three decimals, as the tables of handbooks have it and most programs use it."""
    RANGE_EXACT = "R/d2, exact d2"
    DEVIATION = "s/c4"
    POOLED = "pooled s/c4"
    MOVING_RANGE = "MR/d2"
    """With d2 = 1.128, as the tables have it."""
    MOVING_RANGE_EXACT = "MR/d2, exact d2"
    OVERALL = "overall s"
    BINOMIAL = "binomial"
    POISSON = "Poisson"


def sigma_within(samples: Subgroups, estimator: SigmaEstimator) -> float:
    """Return the standard deviation within subgroups; NaN where there is nothing to tell it from.

    Subgroups of one value only have moving ranges and an overall deviation. Subgroups of unequal
    size weigh alike, each by the constant of its own size (unweighted average of ISO 7870-2).
    """
    sizes = samples.sizes
    match estimator:
        case SigmaEstimator.RANGE | SigmaEstimator.RANGE_EXACT:
            tabled = estimator is SigmaEstimator.RANGE
            by = [_d2(n, tabled=tabled) if n >= 2 else np.nan for n in sizes.tolist()]
            return _mean_over(samples.ranges, by)
        case SigmaEstimator.DEVIATION:
            by = [c4(n) if n >= 2 else np.nan for n in sizes.tolist()]
            return _mean_over(samples.deviations, by)
        case SigmaEstimator.POOLED:
            freedom = int(np.sum(np.maximum(sizes - 1, 0)))
            if not freedom:
                return float("nan")
            squares = np.nansum((sizes - 1) * samples.deviations**2)
            return float(np.sqrt(squares / freedom)) / c4(freedom + 1)
        case SigmaEstimator.MOVING_RANGE | SigmaEstimator.MOVING_RANGE_EXACT:
            moves = np.abs(np.diff(samples.means))
            known = moves[np.isfinite(moves)]
            return _over(known, _d2(2, tabled=estimator is SigmaEstimator.MOVING_RANGE))
        case SigmaEstimator.OVERALL:
            values = samples.all
            return float(np.std(values, ddof=1)) if values.size >= 2 else float("nan")
        case SigmaEstimator.BINOMIAL | SigmaEstimator.POISSON:
            raise ValueError(f"Expected an estimator of measured values, but found '{estimator}'.")


def _d2(size: int, *, tabled: bool) -> float:
    return round(d2(size), TABLE_DIGITS) if tabled else d2(size)


def _over(known: Floats, by: float) -> float:
    return float(np.mean(known)) / by if known.size else float("nan")


def _mean_over(
    spreads: np.ndarray[tuple[int, ...], np.dtype[np.float64]], by: list[float]
) -> float:
    shares = spreads / np.asarray(by)
    known = shares[np.isfinite(shares)]
    return float(np.mean(known)) if known.size else float("nan")
