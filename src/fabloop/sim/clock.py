"""Virtual time: waiting costs nothing, or a fraction of what it would really take."""

import time

from fabloop.base.instant import SECOND, Instant


class VirtualClock:
    """Shows the instant it was last waited for.

    With `times_real`, waiting for a virtual second takes 1/`times_real` real seconds, so that a
    person can watch.
    """

    def __init__(self, start: Instant, times_real: float | None = None) -> None:
        self._now = start
        self._times_real = times_real

    def now(self) -> Instant:
        """Return the virtual instant."""
        return self._now

    def wait_until(self, instant: Instant) -> None:
        """Move to an instant; never back."""
        if instant <= self._now:
            return
        if self._times_real:
            time.sleep((instant - self._now) / SECOND / self._times_real)
        self._now = instant
