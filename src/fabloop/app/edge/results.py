"""Results on their way to the centre: kept in order until the centre has said that it has them."""

import threading
from collections import deque

import msgspec

from fabloop.app.edge.health import ResultsHealth
from fabloop.app.edge.link import FactTold
from fabloop.base.instant import Instant

RESULTS_MAX = 100_000


class Readings(msgspec.Struct, frozen=True, array_like=True, tag="readings"):
    """Readings of one instant: values (float64) and qualities (uint8) as they lie in memory."""

    app: str
    machine: str
    names: tuple[str, ...]
    at: int
    values: bytes
    qualities: bytes


AnyResult = Readings | FactTold


class Numbered(msgspec.Struct, frozen=True, array_like=True):
    """A result with its place in the order."""

    number: int
    result: AnyResult


class Results:
    """Results in order; the oldest are dropped, and counted, where too many wait."""

    def __init__(self) -> None:
        self._waiting: deque[Numbered] = deque()
        self._kept = 0
        self._dropped = 0
        self._changed = threading.Condition()

    def keep(self, result: AnyResult) -> None:
        """Take a result."""
        with self._changed:
            self._kept += 1
            self._waiting.append(Numbered(self._kept, result))
            if len(self._waiting) > RESULTS_MAX:
                self._waiting.popleft()
                self._dropped += 1
            self._changed.notify_all()

    def after(self, number: int, limit: int, timeout_s: float) -> tuple[Numbered, ...]:
        """Return results beyond a number as soon as there are some; none when time is over."""
        with self._changed:
            self._changed.wait_for(
                lambda: bool(self._waiting) and self._waiting[-1].number > number, timeout_s
            )
            found = [each for each in self._waiting if each.number > number]
        return tuple(found[:limit])

    def acknowledge(self, number: int) -> None:
        """Forget results up to a number: the centre has them."""
        with self._changed:
            while self._waiting and self._waiting[0].number <= number:
                self._waiting.popleft()

    def health(self) -> ResultsHealth:
        """Return how many wait, and since when."""
        with self._changed:
            oldest = Instant(self._waiting[0].result.at) if self._waiting else None
            return ResultsHealth(
                kept=self._kept,
                waiting=len(self._waiting),
                oldest_waiting=oldest,
                dropped=self._dropped,
            )
