"""When a lane is left, in ticks: its departures, each with the last tick to be in time for it."""

from bisect import bisect_left, bisect_right

import numpy as np

from fabloop.base.instant import Instant
from fabloop.model.site import ShippingLane
from fabloop.model.timetable import departure_after
from fabloop.plan.statement.crews import NEVER
from fabloop.plan.statement.layout import Ints
from fabloop.plan.statement.opening import CALENDAR_AHEAD_MAX
from fabloop.plan.statement.roads import TICK

READ_MAX = 2 * CALENDAR_AHEAD_MAX // TICK
"""The last tick for which departures are read."""


class Departures:
    """The departures of one lane, read as far as anybody asks."""

    def __init__(self, lane: ShippingLane, time_zone: str, origin: Instant) -> None:
        self._lane = lane
        self._zone = time_zone
        self._origin = origin
        self._next = origin
        self._latest: list[int] = []
        self._starts: list[int] = []

    def first(self, ready: int, ticks: int = 0) -> int:
        """Return the first departure for what is at the gate at `ready`, however long it takes."""
        del ticks
        if ready > READ_MAX:
            return NEVER
        self._read(ready)
        return self._starts[bisect_left(self._latest, ready)]

    def firsts(self, ready: Ints) -> Ints:
        """Return the first departure for each of the ticks."""
        near = np.minimum(ready, READ_MAX)
        self._read(int(near.max(initial=0)))
        starts = np.array(self._starts, dtype=np.int64)
        found = starts[np.searchsorted(np.array(self._latest), near, side="left")]
        return np.where(ready > READ_MAX, NEVER, found)

    def latest(self, by: int) -> int:
        """Return the last tick to be in time for a departure at or before `by`; -1 is never."""
        self._read(min(by, READ_MAX))
        at = bisect_right(self._starts, by)
        return self._latest[at - 1] if at else -1

    def until(self, last: int) -> list[int]:
        """Return all departures up to a tick."""
        self._read(min(last, READ_MAX))
        return self._starts[: bisect_right(self._starts, last)]

    @property
    def before(self) -> int:
        """How many ticks before a departure goods have to be there, rounded up."""
        self._read(0)
        return max(a - b for a, b in zip(self._starts, self._latest, strict=True))

    def book(self, start: int, ticks: int) -> None:
        """Take nothing: carriers do not contend."""

    def free(self, start: int, ticks: int) -> None:
        """Give nothing back."""

    def _read(self, ready: int) -> None:
        while not self._latest or self._latest[-1] < ready:
            leaves = departure_after(self._lane, self._zone, self._next)
            latest = leaves - self._lane.cut_off_ns
            self._next = Instant(latest + 1)
            self._starts.append(-(-(leaves - self._origin) // TICK))
            self._latest.append((latest - self._origin) // TICK)
