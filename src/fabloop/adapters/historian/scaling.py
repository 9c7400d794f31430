"""Values that are decimal numbers are stored as integers and an exponent: small, and lossless."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fabloop.sense.readings.batch import SeriesNumbers, Values

EXPONENT_MAX: Final = 9
"""Digits behind the point that are tried."""
SCALED_MAX: Final = 1 << 51
"""Beyond it an integer and its decimal number are no longer each other's only partner."""

SAMPLES: Final = 4
"""Values of each series from which its exponent is guessed before all are tried."""

_POWERS: Final[Values] = np.array([10.0**power for power in range(EXPONENT_MAX + 1)])


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """Values as the columns of a file.

    Attributes
    ----------
    scaled : value * 10^exponent, where the series is decimal
    is_scaled : where `scaled` holds the value; elsewhere it is in `values`, or NaN
    exponent : int8, one for each series
    """

    scaled: NDArray[np.int64]
    is_scaled: NDArray[np.bool_]
    exponent: NDArray[np.int8]
    values: Values


def scaled(series: SeriesNumbers, values: Values) -> Scaled:
    """Return values by series as integers, where every value of the series comes back exactly.

    Values of a series stand together. A series with a value that has more than `EXPONENT_MAX`
    digits behind the point, is infinite or is minus zero stays as it is.
    """
    begins = np.flatnonzero(np.diff(series, prepend=-1))
    lengths = np.diff(begins, append=len(values))
    exponent = _guessed(values, begins, lengths)
    whole = np.zeros(len(values), np.int64)
    open_ = exponent <= EXPONENT_MAX
    while open_.any():
        rows = np.repeat(open_, lengths)
        every = bool(rows.all())
        mine, own = (values, series) if every else (values[rows], series[rows])
        integers, fit = _fitting(mine, _POWERS[np.repeat(exponent[open_], lengths[open_])])
        whole[rows] = integers
        done = np.logical_and.reduceat(fit, np.flatnonzero(np.diff(own, prepend=-1)))
        tried = np.flatnonzero(open_)
        open_[tried[done]] = False
        exponent[tried[~done]] += 1
        open_ &= exponent <= EXPONENT_MAX
    is_decimal = exponent <= EXPONENT_MAX
    exponent = np.where(is_decimal, exponent, 0).astype(np.int8)
    is_scaled = ~np.isnan(values) & np.repeat(is_decimal, lengths)
    return Scaled(whole, is_scaled, np.repeat(exponent, lengths), values)


def unscaled(
    integers: NDArray[np.int64], exponent: NDArray[np.int8], is_scaled: NDArray[np.bool_],
    values: Values,
) -> Values:  # fmt: skip
    """Return the values again."""
    return np.where(is_scaled, integers / _POWERS[exponent], values)


def _guessed(
    values: Values, begins: NDArray[np.intp], lengths: NDArray[np.intp]
) -> NDArray[np.int8]:
    """Return the least exponent that fits some values of each series."""
    exponent = np.zeros(len(begins), np.int8)
    for n in range(SAMPLES):
        some = values[begins + (lengths - 1) * n // max(SAMPLES - 1, 1)]
        for _ in range(EXPONENT_MAX + 1):
            inside = exponent <= EXPONENT_MAX
            fit = _fitting(some, _POWERS[np.where(inside, exponent, 0)])[1] | ~inside
            if fit.all():
                break
            exponent[~fit] += 1
    return exponent


def _fitting(
    values: Values, power: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return values as integers, and where they come back exactly; an unknown one always fits."""
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = np.rint(values * power)
        fits = (np.abs(rounded) <= SCALED_MAX) & (rounded / power == values)
        fits &= ~((rounded == 0) & np.signbit(values))
    return np.where(fits, rounded, 0.0).astype(np.int64), fits | np.isnan(values)
