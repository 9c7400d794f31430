"""Statistics of a window, for all its signals at once; NaN where a signal told nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

STATISTICS = (
    "mean",
    "deviation",
    "least",
    "greatest",
    "rms",
    "crest",
    "skewness",
    "kurtosis",
)


@dataclass(frozen=True, slots=True)
class Condensed:
    """Condensed windows: shape (signals, len(names)); `names` tells the columns."""

    names: tuple[str, ...]
    values: Floats


def statistics(window: Floats) -> Condensed:
    """Return the statistics of each signal.

    Parameters
    ----------
    window : shape (signals, samples); NaN is a sample that was not measured

    Notes
    -----
    Deviation is that of the samples (divisor n); skewness and kurtosis are the standardised third
    and fourth moments (a normal distribution has 0 and 3); a signal that does not move has neither
    (NaN), and no crest factor (greatest magnitude over root mean square) where it is all zero. A
    signal with an unknown sample is judged by the samples that are known.
    """
    if np.isfinite(window).all():
        return Condensed(STATISTICS, _of_known(window))
    found = np.full((len(window), len(STATISTICS)), np.nan, dtype=window.dtype)
    for row, signal in enumerate(window):
        known = signal[np.isfinite(signal)]
        if len(known):
            found[row] = _of_known(known[None, :])[0]
    return Condensed(STATISTICS, found)


def _of_known(window: Floats) -> Floats:
    count = window.shape[1]
    mean = window.mean(axis=1)
    centred = window - mean[:, None]
    squares = centred * centred
    variance = squares.sum(axis=1) / count
    deviation = np.sqrt(variance)
    third = np.einsum("ij,ij->i", squares, centred) / count
    fourth = np.einsum("ij,ij->i", squares, squares) / count
    least, greatest = window.min(axis=1), window.max(axis=1)
    rms = np.sqrt(variance + mean * mean)
    # The rounding of equal samples is no movement.
    moves = deviation > 4 * np.finfo(window.dtype).eps * np.abs(mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        crest = np.where(rms > 0, np.maximum(-least, greatest) / rms, np.nan)
        skewness = np.where(moves, third / (variance * deviation), np.nan)
        kurtosis = np.where(moves, fourth / (variance * variance), np.nan)
    columns = (mean, deviation, least, greatest, rms, crest, skewness, kurtosis)
    return np.stack(columns, axis=1)
