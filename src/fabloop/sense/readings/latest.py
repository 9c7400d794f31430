"""The latest reading of every series, held in columns by the number of the series."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fabloop.sense.readings.batch import Batch, Times, Values
from fabloop.sense.readings.quality import BAD, Qualities

NEVER: Final = np.iinfo(np.int64).min
"""The time of a series that has told nothing yet."""

FIRST_SIZE = 1_024


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What became of a batch.

    Attributes
    ----------
    late : older than the latest of their series before the batch
    restated : of the same series and time as that; the later arrival counts
    """

    late: int
    restated: int


class LatestValues:
    """The newest reading by the clock of the source; one that comes late changes nothing.

    Attributes
    ----------
    times : int64 by series, `NEVER` where nothing was told yet
    values : float64 by series; NaN where unknown
    quality : uint8 by series; bad where nothing was told yet
    """

    def __init__(self, size: int = 0) -> None:
        self.times: Times = np.full(size, NEVER, np.int64)
        self.values: Values = np.full(size, np.nan)
        self.quality: Qualities = np.full(size, BAD, np.uint8)

    def take(self, batch: Batch) -> Taken:
        """Take readings in any order; of those of equal time the last one counts."""
        if not len(batch):
            return Taken(0, 0)
        self._grow(int(batch.series.max()) + 1)
        ordered = batch if bool((np.diff(batch.times) >= 0).all()) else batch.by_time()
        before = self.times[ordered.series]
        late = int((ordered.times < before).sum())
        restated = int((ordered.times == before).sum())
        news = ordered.where(ordered.times >= before) if late else ordered
        # Of repeated numbers the last assignment stays: the newest, since the times ascend.
        self.times[news.series] = news.times
        self.values[news.series] = news.values
        self.quality[news.series] = news.quality
        return Taken(late, restated)

    def of(self, series: ArrayLike | None = None) -> Batch:
        """Return the latest readings of the chosen series that have told any; None: of all."""
        if series is None:
            chosen: NDArray[np.intp] = np.flatnonzero(self.times != NEVER)
        else:
            asked = np.atleast_1d(np.asarray(series, dtype=np.intp))
            known = asked[asked < len(self.times)]
            chosen = known[self.times[known] != NEVER]
        return Batch(
            self.times[chosen],
            chosen.astype(np.int32),
            self.values[chosen],
            self.quality[chosen],
        )

    def copy(self) -> "LatestValues":
        """Return a copy that further readings do not change."""
        other = LatestValues()
        other.times = self.times.copy()
        other.values = self.values.copy()
        other.quality = self.quality.copy()
        return other

    def _grow(self, size: int) -> None:
        if size <= len(self.times):
            return
        more = max(size, 2 * len(self.times), FIRST_SIZE) - len(self.times)
        self.times = np.concatenate([self.times, np.full(more, NEVER, np.int64)])
        self.values = np.concatenate([self.values, np.full(more, np.nan)])
        self.quality = np.concatenate([self.quality, np.full(more, BAD, np.uint8)])
