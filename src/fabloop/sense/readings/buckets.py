"""One series over time, down-sampled to a regular grid: what a chart or a report asks for."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import SECOND, Instant
from fabloop.sense.readings.batch import Batch, Times, Values
from fabloop.sense.readings.summary import Counts, Summaries, steps

BUCKETS_MAX = 1_000_000
"""Buckets of one answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """One series on a regular grid, columns of equal length; an empty bucket has count 0.

    Attributes
    ----------
    start : the first instant of each bucket
    width_ns : of every bucket
    count, bad : readings with a value, and without one
    least, greatest, last : of the readings within; NaN where there are none
    mean : over time, each value holding until the next reading; NaN where nothing is known
    covered_ns : how much of the bucket the mean knows
    average : of the readings, whatever time lies between them
    increase : what a counter counted within, from the last value before; NaN for other kinds
    resets : how often it began anew; `increase` is then a lower bound
    """

    start: Times
    width_ns: int
    count: Counts
    bad: Counts
    least: Values
    greatest: Values
    last: Values
    mean: Values
    covered_ns: Times
    average: Values
    increase: Values
    resets: Counts

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True)
class Before:
    """What held when the first bucket began.

    Attributes
    ----------
    held : value of the last reading before; NaN where that was bad, or there was none
    last : value of the last reading before that had one; NaN where there was none
    """

    held: float = math.nan
    last: float = math.nan


UNKNOWN_BEFORE: Final = Before()


def before_of(earlier: Batch) -> Before:
    """Return what holds after readings of one series by time."""
    known = earlier.values[~np.isnan(earlier.values)]
    return Before(
        held=float(earlier.values[-1]) if len(earlier) else math.nan,
        last=float(known[-1]) if len(known) else math.nan,
    )


@dataclass(frozen=True, slots=True)
class Grid:
    """Buckets from `start` to before `end`, each `width_ns` wide; the last may reach beyond.

    Raises
    ------
    Invalid
        The width is not positive, the end before the start, or the buckets too many.
    """

    start: Instant
    end: Instant
    width_ns: int

    def __post_init__(self) -> None:
        """Refuse what is no grid."""
        faults = []
        if self.width_ns <= 0:
            faults.append(_fault("width", f"{self.width_ns} ns", "more than 0", "Widen it."))
        if self.end < self.start:
            faults.append(_fault("end", f"{self.end}", f"{self.start} or later", "Swap the two."))
        if not faults and self.count > BUCKETS_MAX:
            faults.append(
                _fault("width", f"{self.count} buckets", f"at most {BUCKETS_MAX}", "Widen it.")
            )
        if faults:
            raise Invalid(faults)

    @property
    def count(self) -> int:
        """How many buckets there are."""
        return -((self.start - self.end) // self.width_ns)

    @property
    def starts(self) -> Times:
        """The first instant of each bucket."""
        return self.start + self.width_ns * np.arange(self.count, dtype=np.int64)


def on_grid(
    rows: Summaries, grid: Grid, before: Before = UNKNOWN_BEFORE, rollover: float = math.nan
) -> Buckets:
    """Lay rows of one series, of buckets of this grid, out on all of it.

    What held before goes on until the first reading, and each last value until the next bucket
    has one. The last bucket ends with the grid. What a counter counted from one bucket to the next
    stands in the later one.
    """
    starts = grid.starts
    ends = np.minimum(starts + grid.width_ns, grid.end)
    place = (rows.start - grid.start) // grid.width_ns
    held_in = _held_in(rows, place, grid.count, before)
    lead = ends - starts
    lead[place] = rows.first_time - starts[place]
    tail = ends[place] - rows.last_time
    tail[np.isnan(rows.held)] = 0
    lead[np.isnan(held_in)] = 0
    area = np.where(np.isnan(held_in), 0.0, held_in) * (lead / SECOND)
    held = np.where(np.isnan(rows.held), 0.0, rows.held)
    area[place] += rows.area + held * (tail / SECOND)
    covered = lead.copy()
    covered[place] += rows.covered_ns + tail
    total = _spread(rows.total, place, grid.count)
    count = _spread_counts(rows.count, place, grid.count)
    step, reset = _from_before(rows, before, rollover)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(covered > 0, area / (covered / SECOND), np.nan)
        average = np.where(count > 0, total / count, np.nan)
    return Buckets(
        start=starts,
        width_ns=grid.width_ns,
        count=count,
        bad=_spread_counts(rows.bad, place, grid.count),
        least=_spread(rows.least, place, grid.count),
        greatest=_spread(rows.greatest, place, grid.count),
        last=_spread(rows.last, place, grid.count),
        mean=mean,
        covered_ns=covered,
        average=average,
        increase=_spread(rows.increase + step, place, grid.count),
        resets=_spread_counts(rows.resets + reset, place, grid.count),
    )


def _from_before(rows: Summaries, before: Before, rollover: float) -> tuple[Values, Counts]:
    """Return what a counter counted from the last value of earlier rows to the first of each."""
    told = np.flatnonzero(rows.count > 0)
    earlier = np.append(before.last, rows.last[told][:-1])[: len(told)]
    step, reset = steps(earlier, rows.first[told], np.full(len(told), rollover))
    known = ~np.isnan(earlier)
    all_steps, all_resets = np.zeros(len(rows)), np.zeros(len(rows), np.int32)
    all_steps[told] = np.where(known, step, 0.0)
    all_resets[told] = (known & reset).astype(np.int32)
    return all_steps, all_resets


def _held_in(rows: Summaries, place: NDArray[np.int64], count: int, before: Before) -> Values:
    """Return the value that each bucket begins with."""
    newest = np.full(count + 1, -1, np.int64)
    newest[place + 1] = np.arange(len(place))
    newest = np.maximum.accumulate(newest)[:-1]
    held = np.append(rows.held, before.held)
    inherited: Values = held[newest]
    return inherited


def _spread(values: Values, place: NDArray[np.int64], count: int) -> Values:
    wide = np.full(count, np.nan)
    wide[place] = values
    return wide


def _spread_counts(values: Counts, place: NDArray[np.int64], count: int) -> Counts:
    wide = np.zeros(count, np.int32)
    wide[place] = values
    return wide


def _fault(path: str, found: str, expected: str, hint: str) -> Fault:
    return Fault(source="down-sampling", path=path, found=found, expected=expected, hint=hint)
