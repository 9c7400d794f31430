"""Readings in the order in which they are stored: by series, then by time, each instant once."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fabloop.sense.readings.batch import Batch

RADIX: Final = 1 << 16
"""Numbers below it are sorted by counting, which takes the same time for each of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """Readings by series and time, each instant of a series once.

    Attributes
    ----------
    restated : readings that a later arrival of the same series and time replaced
    """

    batch: Batch
    restated: int


def settled(batch: Batch) -> Settled:
    """Return readings by series and time; of those of one instant the one that came last stays."""
    if not len(batch):
        return Settled(batch, 0)
    grouped = batch.where(_by_series(batch.series))
    same = np.diff(grouped.series) == 0
    if bool((same & (np.diff(grouped.times) < 0)).any()):
        grouped = batch.by_time()
        grouped = grouped.where(_by_series(grouped.series))
        same = np.diff(grouped.series) == 0
    again = same & (np.diff(grouped.times) == 0)
    restated = int(again.sum())
    if restated:
        grouped = grouped.where(np.append(~again, True))
    return Settled(grouped, restated)


def _by_series(series: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return the stable order by series: a counting sort over its 16-bit halves."""
    low = np.argsort(series.astype(np.uint16), kind="stable")
    if int(series.max()) < RADIX:
        return low
    high = np.argsort((series[low] >> 16).astype(np.uint16), kind="stable")
    ordered: NDArray[np.intp] = low[high]
    return ordered


def span_of(batch: Batch, series: int) -> slice:
    """Return where the readings of one series stand in a batch by series and time."""
    first, last = np.searchsorted(batch.series, [series, series + 1])
    return slice(int(first), int(last))


def of_series(batch: Batch, series: int) -> Batch:
    """Return the readings of one series from a batch by series and time, without copying."""
    part = span_of(batch, series)
    return Batch(batch.times[part], batch.series[part], batch.values[part], batch.quality[part])
