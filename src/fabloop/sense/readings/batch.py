"""A batch of readings: columns of equal length, never an object for each reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.sense.readings.quality import GOOD, Qualities

Times = NDArray[np.int64]
SeriesNumbers = NDArray[np.int32]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Readings in the order in which they came; times need not ascend.

    Attributes
    ----------
    times : shape (n,), int64, ns since 1970 in UTC, by the clock of the source
    series : shape (n,), int32, number of the series in its `Catalogue`
    values : shape (n,), float64; NaN where the quality is bad
    quality : shape (n,), uint8, see `quality`
    """

    times: Times
    series: SeriesNumbers
    values: Values
    quality: Qualities

    def __len__(self) -> int:
        return len(self.times)

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Batch":
        """Return the chosen readings, by mask, by position or, without copying, by slice."""
        return Batch(
            self.times[chosen], self.series[chosen], self.values[chosen], self.quality[chosen]
        )

    def by_time(self) -> "Batch":
        """Return the readings by time; those of equal time stay in the order in which they came."""
        return self.where(np.argsort(self.times, kind="stable"))


def batch_of(
    times: ArrayLike, series: ArrayLike, values: ArrayLike, quality: ArrayLike = GOOD
) -> Batch:
    """Return a batch from whatever numpy takes; a single series, value or quality stands for all.

    Raises
    ------
    Invalid
        The columns differ in length.
    """
    instants = np.atleast_1d(np.asarray(times, dtype=np.int64))
    count = len(instants)
    numbers = np.asarray(series, dtype=np.int32)
    measured = np.asarray(values, dtype=np.float64)
    trust = np.asarray(quality, dtype=np.uint8)
    columns: dict[str, NDArray[Any]] = {"series": numbers, "values": measured, "quality": trust}
    faults = tuple(
        Fault(
            source="batch of readings",
            path=name,
            found=str(column.size),
            expected=f"{count} of them, as many as there are times",
            hint="Hand over columns of equal length.",
        )
        for name, column in columns.items()
        if column.ndim and column.size != count
    )
    if faults:
        raise Invalid(faults)
    return Batch(
        instants,
        np.broadcast_to(numbers, count),
        np.broadcast_to(measured, count),
        np.broadcast_to(trust, count),
    )


def empty() -> Batch:
    """Return a batch without readings."""
    return batch_of([], [], [], [])


def joined(batches: Sequence[Batch]) -> Batch:
    """Return the readings of several batches, one after the other."""
    if len(batches) == 1:
        return batches[0]
    if not batches:
        return empty()
    return Batch(
        np.concatenate([each.times for each in batches]),
        np.concatenate([each.series for each in batches]),
        np.concatenate([each.values for each in batches]),
        np.concatenate([each.quality for each in batches]),
    )


def copied(batch: Batch) -> Batch:
    """Return the readings in columns of their own, which nobody else writes to."""
    return Batch(batch.times.copy(), batch.series.copy(), batch.values.copy(), batch.quality.copy())


def between(batch: Batch, start: Instant, end: Instant) -> Batch:
    """Return the readings of `start <= time < end`."""
    return batch.where((batch.times >= start) & (batch.times < end))
