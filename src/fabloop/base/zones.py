"""Wall-clock times of calendar days as instants, daylight saving time included."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fabloop.base.instant import SECOND, Instant


def local_day(instant: Instant, time_zone: str) -> date:
    """Return the calendar day that the clock of the time zone shows."""
    return datetime.fromtimestamp(instant // SECOND, UTC).astimezone(ZoneInfo(time_zone)).date()


def at_clock(day: date, since_midnight_ns: int, time_zone: str) -> Instant:
    """Return when the clock shows a time of a calendar day.

    `since_midnight_ns` may pass 24 h: it then names a time of a later day. A time that the
    clock skips in spring is taken as if it had not been skipped; of a time shown twice in
    autumn the first is taken.
    """
    seconds, rest_ns = divmod(since_midnight_ns, SECOND)
    shown = datetime.combine(day, time()) + timedelta(seconds=seconds)
    return Instant(int(shown.replace(tzinfo=ZoneInfo(time_zone)).timestamp()) * SECOND + rest_ns)


def wall_clock(instant: Instant, time_zone: str, days: int, since_midnight_ns: int) -> Instant:
    """Return when the clock shows a time on the local day of `instant`, moved by whole days.

    Times beyond 24 h, skipped and shown twice are taken as by `at_clock`.
    """
    day = local_day(instant, time_zone) + timedelta(days=days)
    return at_clock(day, since_midnight_ns, time_zone)
