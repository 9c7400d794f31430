"""A time axis: from instants to pixels, with ticks at round local times."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from fabloop.base.instant import DAY, HOUR, MINUTE, SECOND, Instant

_STEPS = (
    MINUTE, 2 * MINUTE,
    5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR,
    12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 364 * DAY,
)  # fmt: skip


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """Maps `begin` to pixel `left` and `end` to pixel `right`."""

    begin: Instant
    end: Instant
    left: float
    right: float

    def x(self, at: Instant) -> float:
        """Return where an instant stands."""
        span = max(self.end - self.begin, 1)
        return self.left + (self.right - self.left) * (at - self.begin) / span

    def ticks(
        self, zone: str, pixels: float = 70.0, *, spare: float = 0.0
    ) -> list[tuple[Instant, str]]:
        """Return round local times at least so many pixels apart, with their text.

        The last `spare` pixels stay free.

        The first tick also tells the date; each that begins a day tells that, with the year where
        it is another one.
        """
        span = max(self.end - self.begin, 1)
        least = span * pixels / max(self.right - self.left, 1.0)
        step = next((each for each in _STEPS if each >= least), _STEPS[-1])
        found: list[tuple[Instant, str]] = []
        day, year = "", _local(self.begin, zone).year
        for at in self._rounds(zone, step):
            if self.x(at) > self.right - spare:
                break
            local = _local(at, zone)
            date = f"{local:%d %b}" if local.year == year else f"{local:%d %b %Y}"
            begins = date[:6] != day
            clock = "" if step >= DAY or (found and begins) else f"{local:%H:%M}"
            found.append((at, f"{date} {clock}".strip() if begins else clock))
            day, year = date[:6], local.year
        return found

    def _rounds(self, zone: str, step: int) -> Iterator[Instant]:
        """Yield the multiples of the step, counted from local midnight, from the axis' begin on.

        Clocks are put forward and back by less than a step of hours and days: those are counted
        on the wall, so that days begin at midnight all year. Shorter steps are counted as they
        pass: none is left out, and none has two lengths.
        """
        local = _local(self.begin, zone)
        if step <= HOUR:
            at = -(-(self.begin + _offset(local)) // step) * step - _offset(local)
            while True:
                yield Instant(at)
                at += step
        wall = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        last = Instant(self.begin - 1)
        while True:
            at = _instant(wall, zone)
            if at > last:
                yield at
                last = at
            wall += timedelta(seconds=step // SECOND)


def _offset(local: datetime) -> int:
    """Return by how much local time is ahead of UTC."""
    ahead = local.utcoffset()
    assert ahead is not None, "a local time knows its zone"
    return ahead // timedelta(seconds=1) * SECOND


def _instant(wall: datetime, zone: str) -> Instant:
    """Return when a clock on the wall shows this; the first time, where it does so twice."""
    moment = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return Instant((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) * SECOND)


def _local(at: Instant, zone: str) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC).astimezone(ZoneInfo(zone))


def clock_text(at: Instant, zone: str) -> str:
    """Return a local time with its date, for titles."""
    return f"{_local(at, zone):%Y-%m-%d %H:%M}"


def between(start: Instant, end: Instant, zone: str) -> str:
    """Return a span of local time to the minute (``2026-11-23 22:00 to 06:00``).

    The date of the end is told where it is another one.
    """
    begin, finish = clock_text(start, zone), clock_text(end, zone)
    return f"{begin} to {finish[11:] if begin[:10] == finish[:10] else finish}"
