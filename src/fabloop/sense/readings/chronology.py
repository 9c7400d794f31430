"""Whether times go on: a reading far behind the newest of its series is late, or a clock went back.

Both are told apart by what follows: late readings end, a clock that went back goes on from there.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from fabloop.base.instant import SECOND, Instant
from fabloop.sense.readings.batch import SeriesNumbers, Times

BEHIND_MAX_S: Final = 60.0
"""How far a reading may lie behind the newest of its series and pass as in time."""
BACK_AFTER: Final = 5
"""Deliveries of a series in a row, all far behind, that make it a clock that went back ..."""
BACK_AFTER_S: Final = 30.0
"""... if they took at least so long: what was kept back meanwhile comes faster."""

_NEVER: Final = np.iinfo(np.int64).min // 2


@dataclass(frozen=True, slots=True)
class Backwards:
    """What lay behind in a delivery.

    Attributes
    ----------
    behind : readings far behind the newest of their series
    furthest_ns : how far the worst of them
    back : series whose clock went back, as it is known by now; each is told once for each jump
    """

    behind: int
    furthest_ns: int
    back: tuple[int, ...]


IN_TIME: Final = Backwards(0, 0, ())


class Chronology:
    """The newest time of each series of one source."""

    def __init__(self, *, behind_max_s: float = BEHIND_MAX_S) -> None:
        self._newest: Times = np.zeros(0, np.int64)
        self._behind_ns = round(behind_max_s * SECOND)
        self._runs: dict[int, tuple[int, Instant]] = {}

    def judged(self, times: Times, series: SeriesNumbers, now: Instant) -> Backwards:
        """Take times as they came; return what lies behind."""
        if not len(times):
            return IN_TIME
        highest = int(series.max())
        if highest >= len(self._newest):
            grown = np.full(2 * highest + 64, _NEVER, np.int64)
            grown[: len(self._newest)] = self._newest
            self._newest = grown
        newest = self._newest[series]
        behind = times < newest - self._behind_ns
        self._newest[series] = np.maximum(times, newest)
        late = bool(behind.any())
        if not late and not self._runs:
            return IN_TIME
        for number in set(series[~behind].tolist()) & self._runs.keys():
            del self._runs[number]
        if not late:
            return IN_TIME
        back = self._gone_back(times[behind], series[behind], now)
        furthest = int((newest[behind] - times[behind]).max())
        return Backwards(int(behind.sum()), furthest, back)

    def _gone_back(self, times: Times, series: SeriesNumbers, now: Instant) -> tuple[int, ...]:
        """Count the deliveries that lie behind; return the series that go on from there."""
        back = []
        for number in np.unique(series).tolist():
            count, since = self._runs.get(number, (0, now))
            self._runs[number] = count + 1, since
            if count + 1 >= BACK_AFTER and now - since >= BACK_AFTER_S * SECOND:
                del self._runs[number]
                self._newest[number] = int(times[series == number].max())
                back.append(number)
        return tuple(back)


def late_sentence(judged: Backwards) -> str:
    """Return what was behind, as a sentence."""
    return (
        f"Expected times that go on, but found one {judged.furthest_ns / SECOND:.0f} s behind the "
        "newest of its series: it is kept at its time. If this goes on, set the clock of the "
        "sender."
    )


def back_sentence(judged: Backwards, address: str) -> str:
    """Return that a clock went back, as a sentence."""
    more = f" and {len(judged.back) - 1} more series" if len(judged.back) > 1 else ""
    return (
        f"Expected the times of {address} to go on, but found that the clock of its sender went "
        f"back by at least {judged.furthest_ns / SECOND:.0f} s{more}: readings are kept at the "
        "times that it tells. Set the clock of the sender."
    )
