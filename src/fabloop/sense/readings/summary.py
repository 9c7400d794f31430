"""Readings condensed to a row for each series and bucket of time, such that rows can be joined.

A row keeps what is needed to join it with the next one without loss: when it was told first and
last, and what holds from then on. Minutes joined to an hour give what the readings of the hour
give.
"""

from dataclasses import dataclass, fields
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from fabloop.base.instant import SECOND
from fabloop.sense.readings.batch import Batch, SeriesNumbers, Times, Values

Counts = NDArray[np.int32]
Masks = NDArray[np.bool_]
Positions = NDArray[np.intp]
Kind = TypeVar("Kind", bound=np.generic)

ROLLED_OVER_AT: Final = 0.5
"""A counter that falls rolled over if it stood in the upper part of its range and now stands in
the lower part, by this share; otherwise it was reset."""


@dataclass(frozen=True, slots=True, eq=False)
class Summaries:
    """Rows by series and start; columns of equal length.

    Attributes
    ----------
    series, start : whose, and the first instant of the bucket
    count, bad : readings with a value, and readings without one
    least, greatest, total : of the values; NaN, NaN and 0 where there is none
    first, last : the first and last value, NaN where there is none
    first_time, last_time : of the first and last reading, be it good or bad
    held : what holds after the last reading; NaN where it was bad
    area : integral of what holds from reading to reading over time, value times s
    covered_ns : how long something held between the first and the last reading
    increase : what a counter counted between its first and last value; NaN for other kinds
    resets : how often it began anew, so that `increase` is a lower bound
    """

    series: SeriesNumbers
    start: Times
    count: Counts
    bad: Counts
    least: Values
    greatest: Values
    total: Values
    first: Values
    last: Values
    first_time: Times
    last_time: Times
    held: Values
    area: Values
    covered_ns: Times
    increase: Values
    resets: Counts

    def __len__(self) -> int:
        return len(self.series)

    def where(self, chosen: Masks | Positions | slice) -> "Summaries":
        """Return the chosen rows."""
        return Summaries(*(getattr(self, name)[chosen] for name in NAMES))


NAMES: Final = tuple(field.name for field in fields(Summaries))


@dataclass(frozen=True, slots=True, eq=False)
class Counters:
    """Which series count, and where they roll over.

    Attributes
    ----------
    is_counter : by number of the series
    rollover : by number of the series; NaN: never
    """

    is_counter: Masks
    rollover: Values

    def of(self, series: SeriesNumbers) -> tuple[Masks, Values]:
        """Return both for each of these series; a number beyond the end is no counter."""
        inside = series < len(self.is_counter)
        place = np.where(inside, series, 0)
        if not len(self.is_counter):
            return inside, np.full(len(series), np.nan)
        return inside & self.is_counter[place], self.rollover[place]


NO_COUNTERS: Final = Counters(np.zeros(0, np.bool_), np.zeros(0))


def none() -> Summaries:
    """Return no rows."""
    return summarise(
        Batch(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.uint8)), 1
    )


def chained(parts: list[Summaries]) -> Summaries:
    """Return the rows of several, one after the other."""
    if not parts:
        return none()
    if len(parts) == 1:
        return parts[0]
    return Summaries(*(np.concatenate([getattr(each, name) for each in parts]) for name in NAMES))


def summarise(
    batch: Batch, width_ns: int, origin: int = 0, counters: Counters = NO_COUNTERS
) -> Summaries:
    """Condense readings by series and time, each instant once (see `settled`).

    Buckets are `width_ns` wide and begin at `origin` or a multiple of the width from it.
    """
    count = len(batch)
    bucket = (batch.times - origin) // width_ns
    begins = _begins(batch.series, bucket)
    ends = np.append(begins[1:], count)[: len(begins)] - 1
    known = ~np.isnan(batch.values)
    inner = np.ones(count, np.bool_)
    inner[ends] = False
    lasting = np.zeros(count, np.int64)
    lasting[:-1] = np.diff(batch.times)
    lasting[~(inner & known)] = 0
    plain = np.where(known, batch.values, 0.0)
    increase, resets = _counted(batch, known, begins, counters)
    known_count = _added(known.astype(np.int32), begins)
    return Summaries(
        series=batch.series[begins],
        start=bucket[begins] * width_ns + origin,
        count=known_count,
        bad=(ends - begins + 1 - known_count).astype(np.int32),
        least=_extreme(np.fmin, batch.values, begins),
        greatest=_extreme(np.fmax, batch.values, begins),
        total=_added(plain, begins),
        first=_end_value(batch.values, known, begins, ends, last=False),
        last=_end_value(batch.values, known, begins, ends, last=True),
        first_time=batch.times[begins],
        last_time=batch.times[ends],
        held=batch.values[ends],
        area=_added(plain * (lasting / SECOND), begins),
        covered_ns=_added(lasting, begins),
        increase=increase,
        resets=resets,
    )


def widened(
    rows: Summaries, width_ns: int, origin: int = 0, counters: Counters = NO_COUNTERS
) -> Summaries:
    """Join rows by series and start, of buckets that do not overlap, to buckets of a greater width.

    What holds between two rows of one bucket is added.
    """
    count = len(rows)
    bucket = (rows.start - origin) // width_ns
    begins = _begins(rows.series, bucket)
    ends = np.append(begins[1:], count)[: len(begins)] - 1
    known = rows.count > 0
    inner = np.ones(count, np.bool_)
    inner[ends] = False
    between = np.zeros(count, np.int64)
    between[:-1] = rows.first_time[1:] - rows.last_time[:-1]
    between[~(inner & ~np.isnan(rows.held))] = 0
    held = np.where(np.isnan(rows.held), 0.0, rows.held)
    increase, resets = _joined_counts(rows, begins, counters)
    return Summaries(
        series=rows.series[begins],
        start=bucket[begins] * width_ns + origin,
        count=_added(rows.count, begins),
        bad=_added(rows.bad, begins),
        least=_extreme(np.fmin, rows.least, begins),
        greatest=_extreme(np.fmax, rows.greatest, begins),
        total=_added(rows.total, begins),
        first=_end_value(rows.first, known, begins, ends, last=False),
        last=_end_value(rows.last, known, begins, ends, last=True),
        first_time=rows.first_time[begins],
        last_time=rows.last_time[ends],
        held=rows.held[ends],
        area=_added(rows.area + held * (between / SECOND), begins),
        covered_ns=_added(rows.covered_ns + between, begins),
        increase=increase,
        resets=resets,
    )


def steps(before: Values, after: Values, rollover: Values) -> tuple[Values, NDArray[np.bool_]]:
    """Return what a counter counted from one value to the next, and whether it was reset between.

    A counter that was reset counted at least what it shows now.
    """
    fell = after < before
    around = (
        fell
        & (before >= ROLLED_OVER_AT * rollover)
        & (after < ROLLED_OVER_AT * rollover)
        & (before < rollover)
    )
    reset = fell & ~around
    step = np.where(reset, after, after - before + np.where(around, rollover, 0.0))
    return step, reset


def _counted(
    batch: Batch, known: Masks, begins: Positions, counters: Counters
) -> tuple[Values, Counts]:
    """Return what was counted in each bucket, from value to value, and the resets."""
    counts, rollover = counters.of(batch.series[begins])
    increase = np.where(counts, 0.0, np.nan)
    resets = np.zeros(len(begins), np.int32)
    if not bool(counts.any()):
        return increase, resets
    group = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(batch)))
    told = np.flatnonzero(known & counts[group])
    _add_steps(increase, resets, batch.values[told], batch.values[told], group[told], rollover)
    return increase, resets


def _joined_counts(rows: Summaries, begins: Positions, counters: Counters) -> tuple[Values, Counts]:
    counts, rollover = counters.of(rows.series[begins])
    within = _added(np.where(np.isnan(rows.increase), 0.0, rows.increase), begins)
    increase = np.where(counts, within, np.nan)
    resets = _added(rows.resets, begins)
    if not bool(counts.any()):
        return increase, resets
    group = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(rows)))
    told = np.flatnonzero((rows.count > 0) & counts[group])
    _add_steps(increase, resets, rows.first[told], rows.last[told], group[told], rollover)
    return increase, resets


def _add_steps(
    increase: Values, resets: Counts, first: Values, last: Values, group: Positions,
    rollover: Values,
) -> None:  # fmt: skip
    """Add the steps from the last value of each row to the first of the next in its group."""
    pairs = np.flatnonzero(np.diff(group) == 0)
    step, reset = steps(last[pairs], first[pairs + 1], rollover[group[pairs]])
    np.add.at(increase, group[pairs], step)
    np.add.at(resets, group[pairs], reset.astype(np.int32))


def _begins(series: SeriesNumbers, bucket: Times) -> Positions:
    """Return where a new series or bucket begins."""
    if not len(series):
        return np.zeros(0, np.intp)
    new = np.empty(len(series), np.bool_)
    new[0] = True
    new[1:] = (np.diff(series) != 0) | (np.diff(bucket) != 0)
    return np.flatnonzero(new)


def _added(values: NDArray[Kind], begins: Positions) -> NDArray[Kind]:
    """Return the sum of each group, in the type of its values."""
    if not len(begins):
        return values[:0]
    added: NDArray[Kind] = np.add.reduceat(values, begins, dtype=values.dtype)
    return added


def _extreme(pick: np.ufunc, values: Values, begins: Positions) -> Values:
    """Return the least or greatest value of each group; NaN where all are."""
    if not len(begins):
        return values[:0]
    found: Values = pick.reduceat(values, begins)
    return found


def _end_value(
    values: Values, known: Masks, begins: Positions, ends: Positions, *, last: bool
) -> Values:
    """Return the first or last known value of each group; NaN where there is none."""
    if not len(begins):
        return values[:0]
    place = np.arange(len(values))
    if last:
        at = np.maximum.reduceat(np.where(known, place, -1), begins)
        return np.where(at >= begins, values[np.maximum(at, 0)], np.nan)
    at = np.minimum.reduceat(np.where(known, place, len(values)), begins)
    return np.where(at <= ends, values[np.minimum(at, len(values) - 1)], np.nan)
