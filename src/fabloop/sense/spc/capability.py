"""Capability of a process against its tolerance: Cp, Cpk, Pp, Ppk, Cpm with their intervals.

ISO 22514-2. Intervals: chi-squared for Cp and Pp, the normal approximation of A. F. Bissell
(Applied Statistics 39 (1990) 331) for Cpk and Ppk, R. A. Boyles (1991) for Cpm.
"""

from math import nan, sqrt

import msgspec
import numpy as np
from scipy.special import chdtri, ndtr, ndtri

from fabloop.base.errors import Fault, Invalid
from fabloop.sense.spc.estimate import SigmaEstimator, sigma_within
from fabloop.sense.spc.samples import Floats, Subgroups


class Tolerance(msgspec.Struct, frozen=True, kw_only=True):
    """What is allowed: one limit or both; the target is the middle where none is given."""

    lower: float | None = None
    upper: float | None = None
    target: float | None = None


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """An index with its interval of confidence; NaN: the tolerance does not tell it."""

    value: float
    low: float
    high: float


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """How well a process keeps its tolerance.

    Attributes
    ----------
    cp, cpk, cpm : by the spread within subgroups (short term)
    pp, ppk : by the spread of all values (long term)
    estimator : of the spread within
    outside_observed : share of the values beyond the tolerance
    outside_expected : share a normal distribution with the overall spread would have beyond it
    in_doubt : why the indices are not to be trusted, empty if nothing speaks against them
    """

    count: int
    mean: float
    sigma_within: float
    sigma_overall: float
    estimator: SigmaEstimator
    confidence: float
    cp: Index
    cpk: Index
    pp: Index
    ppk: Index
    cpm: Index
    outside_observed: float
    outside_expected: float
    in_doubt: str = ""


def capability_of(
    samples: Subgroups,
    tolerance: Tolerance,
    *,
    estimator: SigmaEstimator = SigmaEstimator.RANGE,
    confidence: float = 0.95,
) -> Capability:
    """Return the indices of a process that is in control; check that first.

    Raises
    ------
    Invalid
        There is no tolerance, or it is empty, or the values do not differ.
    """
    values = samples.all
    within = sigma_within(samples, estimator)
    overall = sigma_within(samples, SigmaEstimator.OVERALL)
    _check(tolerance, values.size, within, confidence)
    mean, count = float(values.mean()), int(values.size)
    low = -np.inf if tolerance.lower is None else tolerance.lower
    high = np.inf if tolerance.upper is None else tolerance.upper
    return Capability(
        count=count,
        mean=mean,
        sigma_within=within,
        sigma_overall=overall,
        estimator=estimator,
        confidence=confidence,
        cp=_spread_index(tolerance, within, count, confidence),
        cpk=_place_index(tolerance, mean, within, count, confidence),
        pp=_spread_index(tolerance, overall, count, confidence),
        ppk=_place_index(tolerance, mean, overall, count, confidence),
        cpm=_target_index(tolerance, mean, within, count, confidence),
        outside_observed=float(np.mean((values < low) | (values > high))),
        outside_expected=float(ndtr((low - mean) / overall) + ndtr((mean - high) / overall)),
        in_doubt=_doubt(values),
    )


def _check(tolerance: Tolerance, count: int, within: float, confidence: float) -> None:
    low, high, faults = tolerance.lower, tolerance.upper, []
    if low is None and high is None:
        faults.append(("tolerance", "a lower or an upper limit", "neither"))
    if low is not None and high is not None and low >= high:
        faults.append(("tolerance", "a lower limit below the upper one", f"{low:g} and {high:g}"))
    if count < 2 or not within > 0:
        faults.append(("samples", "at least two values that differ", f"{count} values"))
    if not 0 < confidence < 1:
        faults.append(("confidence", "a share above 0 and below 1", f"{confidence:g}"))
    if faults:
        raise Invalid(
            tuple(
                Fault(source="capability", path=path, expected=expected, found=found)
                for path, expected, found in faults
            )
        )


_UNKNOWN = Index(value=nan, low=nan, high=nan)


def _spread_index(tolerance: Tolerance, sigma: float, count: int, confidence: float) -> Index:
    if tolerance.lower is None or tolerance.upper is None:
        return _UNKNOWN
    value = (tolerance.upper - tolerance.lower) / (6 * sigma)
    return _by_chi_squared(value, count - 1, confidence)


def _by_chi_squared(value: float, freedom: float, confidence: float) -> Index:
    tail = (1 - confidence) / 2
    low, high = chdtri(freedom, 1 - tail), chdtri(freedom, tail)  # upper tails
    return Index(value=value, low=value * sqrt(low / freedom), high=value * sqrt(high / freedom))


def _place_index(
    tolerance: Tolerance, mean: float, sigma: float, count: int, confidence: float
) -> Index:
    rooms = []
    if tolerance.lower is not None:
        rooms.append(mean - tolerance.lower)
    if tolerance.upper is not None:
        rooms.append(tolerance.upper - mean)
    value = min(rooms) / (3 * sigma)
    spread = sqrt(1 / (9 * count) + value**2 / (2 * (count - 1)))
    reach = float(ndtri((1 + confidence) / 2)) * spread
    return Index(value=value, low=value - reach, high=value + reach)


def _target_index(
    tolerance: Tolerance, mean: float, sigma: float, count: int, confidence: float
) -> Index:
    if tolerance.lower is None or tolerance.upper is None:
        return _UNKNOWN
    middle = (tolerance.lower + tolerance.upper) / 2
    off = (mean - (middle if tolerance.target is None else tolerance.target)) / sigma
    value = (tolerance.upper - tolerance.lower) / (6 * sigma * sqrt(1 + off**2))
    freedom = count * (1 + off**2) ** 2 / (1 + 2 * off**2)
    return _by_chi_squared(value, freedom, confidence)


def _doubt(values: Floats) -> str:
    """Tell what speaks against a normal distribution, by the moments (Jarque and Bera, 1980)."""
    count = values.size
    if count < 25:
        return "fewer than 25 values"
    off = (values - values.mean()) / values.std()
    skew, excess = float(np.mean(off**3)), float(np.mean(off**4)) - 3
    statistic = count / 6 * (skew**2 + excess**2 / 4)
    if statistic > chdtri(2, 0.01):
        return f"the values are not normal: skewness {skew:.2f}, excess {excess:.2f}"
    return ""
