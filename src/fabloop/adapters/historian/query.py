"""What is asked of stored readings, answered with columns: latest, range, down-sample, as of."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from fabloop.adapters.historian.holdings import Seen
from fabloop.adapters.historian.layout import CHUNK_NS, RAW
from fabloop.adapters.historian.parquet import RawFiles
from fabloop.base.errors import NotFound, Unavailable
from fabloop.base.instant import DAY, Instant
from fabloop.sense.readings.asof import as_of
from fabloop.sense.readings.batch import Batch, between, empty, joined
from fabloop.sense.readings.buckets import Before, Buckets, Grid, before_of, on_grid
from fabloop.sense.readings.series import Catalogue, Kind, Series
from fabloop.sense.readings.settle import settled
from fabloop.sense.readings.states import TimeInState, time_in_state
from fabloop.sense.readings.summary import Counters, summarise

Answer = TypeVar("Answer")

LOOK_BACK_NS = 7 * DAY
"""How long before an instant the reading that still holds then is looked for."""
ATTEMPTS_MAX = 5
"""How often a question is asked anew because a file was replaced meanwhile."""


class Queries:
    """Questions to the readings of one historian; any thread may ask.

    A series is named by its number in the catalogue. What is asked for is what is durable.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        seen: Callable[[], Seen],
        latest: Callable[[ArrayLike | None], Batch],
        files: RawFiles,
    ) -> None:
        self._catalogue = catalogue
        self._seen = seen
        self._latest = latest
        self._files = files

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
        counters = _counters(known)

        def answer(seen: Seen) -> Buckets:
            batch = self._raw(seen, series, start, end)
            rows = summarise(_as_first(batch), width_ns, start, counters)
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
        start, end = Instant(int(instants.min())), Instant(int(instants.max()) + 1)

        def answer(seen: Seen) -> Batch:
            earlier = next(self._backwards(seen, series, start, oldest_ns), empty())
            return joined([earlier, self._raw(seen, series, start, end)])

        return as_of(self._stable(answer), instants, oldest_ns=oldest_ns)

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
            except FileNotFoundError:
                continue
        raise Unavailable("Expected sealed files to stay for a while, but they vanish. Ask again.")

    def _raw(self, seen: Seen, series: int, start: Instant, end: Instant) -> Batch:
        found = [
            self._files.of_series(part.path, series, start, end)
            for part in seen.parts
            if part.kind == RAW and part.first_time < end and part.last_time >= start
        ]
        found += hot_of(seen.batches, series, start, end)
        several = [each for each in found if len(each)]
        if len(several) == 1 and bool((np.diff(several[0].times) > 0).all()):
            return several[0]
        return settled(joined(several)).batch

    def _before(self, seen: Seen, series: int, start: Instant) -> Before:
        """Return what held at an instant, and the last value before."""
        held: float | None = None
        for found in self._backwards(seen, series, start, LOOK_BACK_NS):
            here = before_of(found)
            held = here.held if held is None else held
            if not math.isnan(here.last):
                return Before(held, here.last)
        return Before() if held is None else Before(held)

    def _backwards(self, seen: Seen, series: int, end: Instant, back_ns: int) -> Iterator[Batch]:
        """Yield the readings before an instant, hour by hour, the newest hour first."""
        hours = {
            chunk
            for part in seen.parts
            if part.kind == RAW and part.first_time < end
            for chunk in range(part.first_time // CHUNK_NS, part.last_time // CHUNK_NS + 1)
        }
        hot = joined(hot_of(seen.batches, series, Instant(end - back_ns), end))
        hours |= set(np.unique(hot.times // CHUNK_NS).tolist())
        for hour in sorted(hours, reverse=True):
            first, beyond = hour * CHUNK_NS, (hour + 1) * CHUNK_NS
            if first < end and beyond > end - back_ns:
                begin = max(Instant(first), Instant(end - back_ns))
                found = self._raw(seen, series, begin, min(Instant(beyond), end))
                if len(found):
                    yield found


def hot_of(batches: Sequence[Batch], series: int, start: Instant, end: Instant) -> list[Batch]:
    """Return the readings of one series from batches in the order of their arrival."""
    return [
        between(batch.where(batch.series == series), start, end) for batch in batches if len(batch)
    ]


def _as_first(batch: Batch) -> Batch:
    """Return readings of one series under number 0."""
    return Batch(batch.times, np.zeros(len(batch), np.int32), batch.values, batch.quality)


def _counters(series: Series) -> Counters:
    """Return the counters where this series has number 0."""
    return Counters(np.array([series.kind is Kind.COUNTER]), np.array([_rollover(series)]))


def _rollover(series: Series) -> float:
    return math.nan if series.rollover is None else series.rollover
