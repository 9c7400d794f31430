"""The clock of a story: it stands while something is done, and is moved to what comes next."""

import time

from fabloop.base.instant import SECOND, Instant

FOREVER = Instant(2**62)


class StoryClock:
    """Virtual time for a host and those around it.

    With `times_real`, moving takes 1/`times_real` of the time that passes, so that a person can
    watch.
    """

    def __init__(self, start: Instant, times_real: float | None = None) -> None:
        self._now = start
        self._times_real = times_real

    def now(self) -> Instant:
        """Return the instant it was last moved to."""
        return self._now

    def seconds_until(self, instant: Instant) -> float | None:
        """Return 0 for what is past, and None for what it will only reach when it is moved."""
        return 0.0 if instant <= self._now else None

    def after(self, seconds: float) -> Instant:
        """Return where it is after so many real seconds; far ahead where it does not wait."""
        if not self._times_real:
            return FOREVER
        return Instant(self._now + max(1, round(seconds * SECOND * self._times_real)))

    def move_to(self, instant: Instant) -> None:
        """Move to an instant; never back."""
        if instant <= self._now:
            return
        if self._times_real:
            time.sleep((instant - self._now) / SECOND / self._times_real)
        self._now = instant
