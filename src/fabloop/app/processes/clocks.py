"""Time for a host: that of the wall, or one that moves when it is told to."""

import time
from typing import Protocol

from fabloop.base.instant import SECOND, Clock, Instant


class HostClock(Clock, Protocol):
    """Tells the time, and how long to wait for a later one."""

    def seconds_until(self, instant: Instant) -> float | None:
        """Return real seconds to wait, 0 for the past; None where time stands still by itself."""
        ...


class WallClock:
    """The time of this machine."""

    def now(self) -> Instant:
        """Return the present instant."""
        return Instant(time.time_ns())  # noqa: TID251  # the one place that reads it

    def seconds_until(self, instant: Instant) -> float | None:
        """Return how long it takes until then."""
        return max(0, instant - self.now()) / SECOND


class SteppedClock:
    """Virtual time: it stands still until it is set; tell the host with `Host.advance`."""

    def __init__(self, start: Instant) -> None:
        self._now = start

    def now(self) -> Instant:
        """Return the instant it was last set to."""
        return self._now

    def seconds_until(self, instant: Instant) -> float | None:
        """Return 0 for what is past, and None for what it will only reach when it is set."""
        return 0.0 if instant <= self._now else None

    def set(self, instant: Instant) -> None:
        """Move to an instant; never back."""
        self._now = max(self._now, instant)
