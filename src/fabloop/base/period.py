"""Spans of the calendar (ISO 8601, ``P1M``, ``P1DT12H``), and dates that they lead to in a zone."""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from fabloop.base.instant import SECOND, Instant, duration_of_iso, instant_of

_CALENDAR = re.compile(
    r"P(?:(?P<y>\d{1,4})Y)?(?:(?P<m>\d{1,5})M)?(?:(?P<w>\d{1,5})W)?(?:(?P<d>\d{1,6})D)?"
    r"(?P<clock>T.+)?$"
)
_YEAR_MAX = 9_000


class Period(msgspec.Struct, frozen=True):
    """Months and days, which are as long as the calendar says, and nanoseconds."""

    months: int = 0
    days: int = 0
    duration_ns: int = 0


def period_of_iso(text: str) -> Period:
    """Read an ISO 8601 duration; years, months, weeks and days are those of the calendar.

    Raises
    ------
    ValueError
        The text is no such duration, or it is empty or zero.
    """
    found = _CALENDAR.match(text)
    clock = found["clock"] if found else None
    if found is None or not any(found.groupdict().values()):
        raise ValueError(f"Expected an ISO 8601 duration such as 'P1DT12H', but found {text!r}.")
    years, months, weeks, days = (int(found[part] or 0) for part in "ymwd")
    period = Period(
        12 * years + months, 7 * weeks + days, duration_of_iso("P" + clock) if clock else 0
    )
    if period == Period():
        raise ValueError(f"Expected a duration above zero, but found {text!r}.")
    return period


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; raises ValueError for others."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"Expected a time zone such as 'Europe/Vienna', but {error}.") from error


def moment_of(text: str) -> Instant:
    """Read a date-time with an offset, or with the name of a zone behind ``@``, as FEEL writes it.

    Raises
    ------
    ValueError
        It is no date-time, it has neither, or the zone is not known.
    """
    local, _, zone = text.partition("@")
    if not zone:
        return instant_of(text)
    return instant_in(datetime.fromisoformat(local).replace(tzinfo=None), zone_of(zone))


def local_in(instant: Instant, zone: ZoneInfo) -> datetime:
    """Return what clocks of a zone show, to the microsecond."""
    since = timedelta(microseconds=instant // 1_000)
    return (datetime(1970, 1, 1, tzinfo=UTC) + since).astimezone(zone).replace(tzinfo=None, fold=0)


def instant_in(local: datetime, zone: ZoneInfo) -> Instant:
    """Return the instant at which clocks of a zone show a time.

    A time that they show twice is the first one; one that they skip is the instant at which they
    are put forward.
    """
    placed = local.replace(tzinfo=zone)
    there = placed.astimezone(UTC)
    if there.astimezone(zone).replace(tzinfo=None, fold=0) == local:
        return _instant(there)
    return _instant(_change(there - timedelta(days=1), there, zone))


def _change(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """Return when the offset of a zone changes between two moments, to the second."""
    offset = early.astimezone(zone).utcoffset()
    low, high = 0, int((late - early).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        same = (early + timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset
        low, high = (middle, high) if same else (low, middle)
    return (early + timedelta(seconds=high)).replace(microsecond=0)


def _instant(moment: datetime) -> Instant:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Instant((since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1_000)


def added(instant: Instant, period: Period, zone: ZoneInfo, times: int = 1) -> Instant:
    """Return the instant that lies a number of periods later.

    Months and days keep the time that clocks show; a day that a month does not have is its last
    one. Always counted from the same instant, a series does not drift.

    Raises
    ------
    ValueError
        It lies beyond the calendar.
    """
    rest = period.duration_ns * times
    if not period.months and not period.days:
        return Instant(instant + rest)
    local = local_in(instant, zone)
    months = local.year * 12 + local.month - 1 + period.months * times
    year, month = divmod(months, 12)
    if year > _YEAR_MAX or period.days * times > _YEAR_MAX * 365:
        raise ValueError(f"Expected a date before the year {_YEAR_MAX}, but found a later one.")
    day = min(local.day, monthrange(year, month + 1)[1])
    moved = local.replace(year=year, month=month + 1, day=day) + timedelta(days=period.days * times)
    below = instant % 1_000
    return Instant(instant_in(moved, zone) + below + rest)
