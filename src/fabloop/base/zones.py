"""Wall-clock times of calendar days as instants, daylight saving time included."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fabloop.base.instant import SECOND, Instant


def wall_clock(instant: Instant, time_zone: str, days: int, since_midnight_ns: int) -> Instant:
    """Return when the clock shows a time on the local day of `instant`, moved by whole days.

    `since_midnight_ns` may pass 24 h: it then names a time of the next day. A time that the
    clock skips in spring is taken as if it had not been skipped; of a time shown twice in
    autumn the first is taken.
    """
    zone = ZoneInfo(time_zone)
    day = datetime.fromtimestamp(instant // SECOND, UTC).astimezone(zone).date()
    shown = datetime.combine(day, time()) + timedelta(
        days=days, seconds=since_midnight_ns // SECOND
    )
    return Instant(int(shown.replace(tzinfo=zone).timestamp()) * SECOND)
