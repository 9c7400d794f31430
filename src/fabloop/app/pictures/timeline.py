"""A time axis: from instants to pixels, with ticks at round local times."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from fabloop.base.instant import DAY, HOUR, MINUTE, SECOND, Instant

_STEPS = (
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

        The first tick and each that begins a day also tell the date.
        """
        span = max(self.end - self.begin, 1)
        least = span * pixels / max(self.right - self.left, 1.0)
        step = next((each for each in _STEPS if each >= least), _STEPS[-1])
        found: list[tuple[Instant, str]] = []
        at, day = self._first(zone, step), ""
        while self.x(at) <= self.right - spare:
            local = _local(at, zone)
            date = f"{local:%d %b}"
            clock = "" if step >= DAY else f"{local:%H:%M}"
            found.append((at, f"{date} {clock}".strip() if date != day else clock))
            at, day = Instant(at + step), date
        return found

    def _first(self, zone: str, step: int) -> Instant:
        """Return the first multiple of the step, counted from local midnight, in the axis."""
        local = _local(self.begin, zone)
        since = timedelta(
            hours=local.hour, minutes=local.minute, seconds=local.second
        ) // timedelta(seconds=1)
        midnight = self.begin - since * SECOND - self.begin % SECOND
        return Instant(midnight + -(-(self.begin - midnight) // step) * step)


def _local(at: Instant, zone: str) -> datetime:
    return datetime.fromtimestamp(at // SECOND, UTC).astimezone(ZoneInfo(zone))


def clock_text(at: Instant, zone: str) -> str:
    """Return a local time with its date, for titles."""
    return f"{_local(at, zone):%Y-%m-%d %H:%M}"
