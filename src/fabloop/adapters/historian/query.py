"""What is asked of stored readings, answered with columns: latest, range, down-sample, as of."""

import math
import threading
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from fabloop.adapters.historian.holdings import Seen
from fabloop.adapters.historian.layout import CHUNK_NS, ROLLUP_NS, TREND_NS
from fabloop.adapters.historian.parquet import RawFiles
from fabloop.adapters.historian.rollups import read_rollup
from fabloop.adapters.historian.trend import Trend
from fabloop.base.errors import Fault, Invalid, NotFound, Unavailable
from fabloop.base.instant import DAY, Instant, iso_of
from fabloop.sense.readings.asof import as_of
from fabloop.sense.readings.batch import Batch, Times, Values, empty, joined
from fabloop.sense.readings.buckets import UNKNOWN_BEFORE, Before, Buckets, Grid, before_of, on_grid
from fabloop.sense.readings.series import Catalogue, Kind, Series
from fabloop.sense.readings.settle import settled
from fabloop.sense.readings.states import TimeInState, time_in_state
from fabloop.sense.readings.summary import Counters, Summaries, chained, summarise, widened

Answer = TypeVar("Answer")

LOOK_BACK_NS = 7 * DAY
"""How long before an instant the reading that still holds then is looked for."""
ANSWER_READINGS_MAX = 50_000_000
"""Readings of one answer: they are all in memory."""
ATTEMPTS_MAX = 5
"""How often a question is asked anew because a file was replaced meanwhile."""


class TrendReader:
    """Condensed hours, as far as they hold what is seen."""

    def __init__(self, trend: Trend, hours: Callable[[], dict[int, frozenset[int]]]) -> None:
        self._trend = trend
        self._hours = hours
        self._lock = threading.Lock()

    def rows(self, seen: Seen, series: int, start: Instant, end: Instant) -> dict[int, Summaries]:
        """Return the rows that begin at `start` or later and end at `end` or before, by hour.

        An hour that the range ends in is left out, unless it ends with it. Rows have number 0.
        """
        hours = self._hours()
        first, last = start // CHUNK_NS, (end - 1) // CHUNK_NS
        if end % CHUNK_NS:
            last -= 1
        condensed = self.hours(start, end)
        if not condensed:
            return {}
        with self._lock:
            found = self._trend.rows(series, first, last)
        begin, beyond = Instant(min(condensed) * CHUNK_NS), Instant((max(condensed) + 1) * CHUNK_NS)
        hot = [each for each in seen.hot(series, begin, beyond) if len(each)]
        fresh = {int(hour) for each in hot for hour in np.unique(each.times // CHUNK_NS)}
        ready = {}
        for hour, rows in found:
            live = {part.number for part in seen.shelf.raw_in(hour)}
            if hour not in fresh and live <= hours.get(hour, frozenset()):
                ready[hour] = rows.where(rows.start >= start) if hour == first else rows
        return ready

    def hours(self, start: Instant, end: Instant) -> set[int]:
        """Return the hours of `start <= time < end` that are condensed."""
        hours = self._hours()
        first, last = start // CHUNK_NS, (end - 1) // CHUNK_NS
        if last - first < len(hours):
            return {hour for hour in range(first, last + 1) if hour in hours}
        return {hour for hour in hours if first <= hour <= last}


class Queries:
    """Questions to the readings of one historian; any thread may ask.

    A series is named by its number in the catalogue. What is asked for is what is durable.
    `is_live`: `seen` follows what happens, so that a file which it still names, but which is not
    there, is lost.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        seen: Callable[[], Seen],
        latest: Callable[[ArrayLike | None], Batch],
        files: RawFiles,
        trend: TrendReader,
        *,
        is_live: bool,
    ) -> None:
        self._catalogue = catalogue
        self._seen = seen
        self._latest = latest
        self._files = files
        self._trend = trend
        self._is_live = is_live

    def series(self, key: tuple[str, str]) -> int:
        """Return the present number of a series by source and address.

        Raises
        ------
        NotFound
            There is none.
        """
        number = self._catalogue.numbers().get(key)
        if number is None:
            raise NotFound(
                f"Expected a series at address '{key[1]}' of source '{key[0]}', but found none. "
                "List them with `fabloop readings list`."
            )
        return number

    def latest(self, series: ArrayLike | None = None) -> Batch:
        """Return the latest reading of each chosen series that told any; None: of all."""
        return self._latest(series)

    def range(self, series: int, start: Instant, end: Instant) -> Batch:
        """Return the readings of `start <= time < end` by time, each instant once."""
        self._known(series)
        return self._stable(lambda seen: self._raw(seen, series, start, end))

    def downsample(self, series: int, start: Instant, end: Instant, width_ns: int) -> Buckets:
        """Return a series on a regular grid: least, greatest, mean over time, last, increase."""
        known = self._known(series)
        grid = Grid(start, end, width_ns)
        step = next(
            (each for each in (TREND_NS, ROLLUP_NS) if width_ns % each == start % each == 0),
            width_ns,
        )

        def answer(seen: Seen) -> Buckets:
            counters = _counters(known)
            rows = self._rows(seen, series, start, end, step, counters)
            if step != width_ns:
                rows = widened(rows, width_ns, start, counters)
            return on_grid(rows, grid, self._before(seen, series, start), _rollover(known))

        return self._stable(answer)

    def time_in_state(
        self, series: int, start: Instant, end: Instant, width_ns: int
    ) -> TimeInState:
        """Return how long a series was in which of its states, by bucket."""
        known = self._known(series)
        grid = Grid(start, end, width_ns)

        def answer(seen: Seen) -> TimeInState:
            batch = self._raw(seen, series, start, end)
            return time_in_state(batch, grid, len(known.states), self._before(seen, series, start))

        return self._stable(answer)

    def as_of(self, series: int, times: ArrayLike, *, oldest_ns: int = LOOK_BACK_NS) -> Batch:
        """Return the latest reading at or before each instant, unknown where it is too old."""
        self._known(series)
        instants = np.atleast_1d(np.asarray(times, np.int64))
        if not len(instants):
            return empty()

        def answer(seen: Seen) -> Batch:
            return settled(joined(list(self._around(seen, series, instants, oldest_ns)))).batch

        return as_of(self._stable(answer), instants, oldest_ns=oldest_ns)

    def _around(self, seen: Seen, series: int, instants: Times, oldest_ns: int) -> Iterator[Batch]:
        """Yield the readings of the hours of some instants, and what held when an hour began."""
        for hour in np.unique(instants // CHUNK_NS).tolist():
            begin, beyond = Instant(hour * CHUNK_NS), Instant((hour + 1) * CHUNK_NS)
            found = self._raw(seen, series, begin, beyond)
            yield found
            first = instants[instants >= begin].min()
            if not len(found) or found.times[0] > first:
                earlier = next(self._backwards(seen, series, begin, oldest_ns), empty())
                yield earlier.where(slice(-1, None))

    def _known(self, series: int) -> Series:
        if not 0 <= series < len(self._catalogue):
            raise NotFound(
                f"Expected a series number below {len(self._catalogue)}, but found {series}. "
                "List them with `fabloop readings list`."
            )
        return self._catalogue[series]

    def _stable(self, answer: Callable[[Seen], Answer]) -> Answer:
        """Answer; where a file was replaced and deleted meanwhile, answer anew."""
        for _ in range(ATTEMPTS_MAX):
            try:
                return answer(self._seen())
            except FileNotFoundError as error:
                if self._is_live:
                    self._files.lose(error, self._seen().shelf.parts)
        raise Unavailable(
            "Expected the files that were there at first, but they were joined meanwhile. Open the "
            "store anew and ask again."
        )

    def _rows(
        self, seen: Seen, series: int, start: Instant, end: Instant, step: int, counters: Counters
    ) -> Summaries:
        """Return readings condensed to steps from `start` on, under series number 0.

        What is condensed already is taken from there, as far as it holds what is seen.
        """
        ready = self._from_rollups(seen, series, start, end, step)
        if step == TREND_NS:
            ready |= self._trend.rows(seen, series, start, end)
        parts: list[Summaries] = []
        at = start
        for hour in [*sorted(ready), None]:
            begin = end if hour is None else max(start, Instant(hour * CHUNK_NS))
            if at < begin:
                batch = self._raw(seen, series, at, begin)
                parts.append(summarise(_as_first(batch), step, start, counters))
            if hour is not None:
                parts.append(ready[hour])
                at = Instant((hour + 1) * CHUNK_NS)
        return chained(parts)

    def _from_rollups(
        self, seen: Seen, series: int, start: Instant, end: Instant, step: int
    ) -> dict[int, Summaries]:
        """Return the hours of which only minutes are left, condensed to steps."""
        if step not in (TREND_NS, ROLLUP_NS):
            return {}
        ready: dict[int, Summaries] = {}
        for part in seen.shelf.rollups_only(start // CHUNK_NS, (end - 1) // CHUNK_NS):
            rows = read_rollup(self._files, part.path, series)
            rows = rows.where((rows.start >= start) & (rows.start + ROLLUP_NS <= end))
            if step == TREND_NS:
                rows = widened(rows, step, start, _counters(self._catalogue[series]))
            if len(rows):
                ready[part.chunk] = rows
        return ready

    def _raw(self, seen: Seen, series: int, start: Instant, end: Instant) -> Batch:
        parts = (
            part
            for chunk in seen.shelf.chunks(start, end)
            for part in seen.shelf.raw_in(chunk)
            if part.first_time < end and part.last_time >= start
        )
        several: list[Batch] = []
        count = 0
        for found in chain(
            (self._files.of_series(part.path, series, start, end) for part in parts),
            seen.hot(series, start, end),
        ):
            count += len(found)
            if count > ANSWER_READINGS_MAX:
                raise _too_many(series, start, end)
            if len(found):
                several.append(found)
        if len(several) == 1 and bool((np.diff(several[0].times) > 0).all()):
            return several[0]
        return settled(joined(several)).batch

    def _before(self, seen: Seen, series: int, start: Instant) -> Before:
        """Return what held at an instant, and the last value before."""
        held: float | None = None
        for hour, begin, end in self._hours_before(seen, series, start, LOOK_BACK_NS):
            ready = self._trend.rows(seen, series, begin, end).get(hour)
            if ready is not None and len(ready):
                here = Before(float(ready.held[-1]), _last_known(ready.last))
            else:
                batch = self._raw(seen, series, begin, end)
                if not len(batch):
                    continue
                here = before_of(batch)
            held = here.held if held is None else held
            if not math.isnan(here.last):
                return Before(held, here.last)
        return UNKNOWN_BEFORE if held is None else Before(held)

    def _backwards(self, seen: Seen, series: int, end: Instant, back_ns: int) -> Iterator[Batch]:
        """Yield the readings before an instant, hour by hour, the newest hour first."""
        for _, begin, beyond in self._hours_before(seen, series, end, back_ns):
            found = self._raw(seen, series, begin, beyond)
            if len(found):
                yield found

    def _hours_before(
        self, seen: Seen, series: int, end: Instant, back_ns: int
    ) -> Iterator[tuple[int, Instant, Instant]]:
        """Yield the hours before an instant that may hold readings of a series, newest first."""
        oldest = Instant(end - back_ns)
        hours = set(seen.shelf.chunks(oldest, end)) | self._trend.hours(oldest, end)
        for batch in seen.hot(series, oldest, end):
            hours |= set(np.unique(batch.times // CHUNK_NS).tolist())
        for hour in sorted(hours, reverse=True):
            begin, beyond = Instant(hour * CHUNK_NS), Instant((hour + 1) * CHUNK_NS)
            yield hour, max(begin, oldest), min(beyond, end)


def _too_many(series: int, start: Instant, end: Instant) -> Invalid:
    return Invalid(
        Fault(
            source="readings",
            path=f"series {series}",
            expected=f"at most {ANSWER_READINGS_MAX} readings at once",
            found=f"more between {iso_of(start)} and {iso_of(end)}",
            hint="Ask for less time, or down-sample to steps of five minutes.",
        )
    )


def _last_known(values: Values) -> float:
    known = values[~np.isnan(values)]
    return float(known[-1]) if len(known) else math.nan


def _as_first(batch: Batch) -> Batch:
    """Return readings of one series under number 0."""
    return Batch(batch.times, np.zeros(len(batch), np.int32), batch.values, batch.quality)


def _counters(series: Series) -> Counters:
    """Return the counters where this series has number 0."""
    return Counters(np.array([series.kind is Kind.COUNTER]), np.array([_rollover(series)]))


def _rollover(series: Series) -> float:
    return math.nan if series.rollover is None else series.rollover
