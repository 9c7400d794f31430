"""Signals on one scale, and what stands in for those that are not known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.sense.spc.samples import Floats

KNOWN_MIN = 0.5
"""Least share of the signals that has to be known for an observation to be judged."""


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Mean and standard deviation of each signal while in control.

    Attributes
    ----------
    mean, deviation : shape (p,)
    """

    signals: tuple[str, ...]
    mean: Floats
    deviation: Floats

    def standard(self, values: Floats) -> Floats:
        """Return values of shape (m, p) in deviations from the mean; not finite becomes NaN."""
        told = (values - self.mean) / self.deviation
        told[~np.isfinite(told)] = np.nan
        return told


def scale_of(signals: Sequence[str], values: Floats, source: str = "phase I") -> Scale:
    """Return the scale of observations of shape (m, p); values that are not known do not count.

    Raises
    ------
    Invalid
        The names do not fit the columns, or signals are never known or never change: all are told.
    """
    if values.ndim != 2 or values.shape[1] != len(signals):
        raise Invalid(
            Fault(
                source=source,
                path="signals",
                expected=f"as many columns as there are signals ({len(signals)})",
                found=f"an array of shape {values.shape}",
                hint="Give one row for each observation.",
            )
        )
    known = np.where(np.isfinite(values), values, np.nan)
    counts = np.isfinite(known).sum(axis=0)
    faults = []
    for name, column, count in zip(signals, known.T, counts.tolist(), strict=True):
        if count < 2 or np.nanmax(column) == np.nanmin(column):
            faults.append(
                Fault(
                    source=source,
                    path=name,
                    expected="a signal that changes",
                    found="the same value always" if count else "no value that is known",
                    hint="Leave it out, or observe it longer.",
                )
            )
    if faults:
        raise Invalid(faults)
    return Scale(tuple(signals), np.nanmean(known, axis=0), np.nanstd(known, axis=0, ddof=1))


def filled(values: Floats, covariance: Floats) -> Floats:
    """Return standardised values of shape (m, p) with what the known ones lead to expect.

    The expectation is that of a normal distribution with mean 0: so the T² of a row filled in is
    the T² of its known values alone. Rows with less than `KNOWN_MIN` of the values stay NaN.
    """
    missing = np.isnan(values)
    told = values.copy()
    for row in np.flatnonzero(missing.any(axis=1)):
        lost = missing[row]
        if lost.mean() > 1 - KNOWN_MIN:
            told[row] = np.nan
            continue
        known = covariance[np.ix_(~lost, ~lost)]
        told[row, lost] = covariance[np.ix_(lost, ~lost)] @ np.linalg.solve(
            known, values[row, ~lost]
        )
    return told
