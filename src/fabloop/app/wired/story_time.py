"""The time of a story that runs beside real time, so many times as fast, in several processes."""

import time

import msgspec

from fabloop.base.instant import SECOND, Instant


class StoryTime(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time of a story stands; the same in every process of one computer.

    Attributes
    ----------
    begins_at : instant of the story at `begun_ns` of the monotonic clock
    times_real : how much faster it passes than real time
    """

    begins_at: Instant
    begun_ns: int
    times_real: float

    def now(self) -> Instant:
        """Return the instant of the story."""
        passed = (time.monotonic_ns() - self.begun_ns) * self.times_real
        return Instant(self.begins_at + round(passed))

    def seconds_until(self, instant: Instant) -> float:
        """Return real seconds until an instant of the story; 0 for the past."""
        return max(0, instant - self.now()) / self.times_real / SECOND


class StoryClock:
    """Shows the instant that a story has come to, never before its time has come."""

    def __init__(self, story_time: StoryTime) -> None:
        self._time = story_time
        self._now = story_time.begins_at

    def now(self) -> Instant:
        """Return the instant that was last waited for."""
        return self._now

    def wait_until(self, instant: Instant) -> None:
        """Return when the time of the story has come to an instant."""
        time.sleep(self._time.seconds_until(instant))
        self._now = max(self._now, instant)


class WallClock:
    """The time of this computer, for certificates, sessions and readings."""

    def now(self) -> Instant:
        """Return the present instant."""
        return Instant(time.time_ns())  # noqa: TID251  # wires live in real time
