"""FEEL's dates, times and durations: small exact values with their ISO 8601 text."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
YEAR_MAX = 999_999_999
OFFSET_MAX_S = 18 * 3600
"""The widest offset from UTC that is taken for a time zone."""

_CYCLE_DAYS = 146_097
"""Days of 400 Gregorian years; weekdays and leap years repeat after them."""

_DATE = r"(?P<date>(?P<year>-?(?:\d{4}|[1-9]\d{4,8}))-(?P<month>\d\d)-(?P<day>\d\d))"
_TIME = (
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9})\d*)?"
    r"(?:(?P<utc>[zZ])|(?P<offset>[+-]\d\d:\d\d(?::\d\d)?)|@(?P<zone>[A-Za-z][\w+\-/]*))?"
)
_DATE_TEXT = re.compile(_DATE, re.ASCII)
_TIME_TEXT = re.compile("T?" + _TIME, re.ASCII)
_DATE_TIME_TEXT = re.compile(f"{_DATE}(?:T{_TIME})?", re.ASCII)
_MONTHS_TEXT = re.compile(r"(-?)P(?=\d)(?:(\d{1,12})Y)?(?:(\d{1,12})M)?", re.ASCII)
_SPAN_TEXT = re.compile(
    r"(-?)P(?=.)(?:(\d{1,15})D)?"
    r"(?:T(?=\d)(?:(\d{1,15})H)?(?:(\d{1,15})M)?(?:(\d{1,15})(?:\.(\d*))?S)?)?",
    re.ASCII,
)


class Date(msgspec.Struct, frozen=True):
    """A calendar date of the proleptic Gregorian calendar.

    Attributes
    ----------
    days : days since 1970-01-01
    """

    days: int


class Time(msgspec.Struct, frozen=True):
    """A time of day, local or with an offset or zone.

    Attributes
    ----------
    nanos : nanoseconds since midnight, by the clock on the wall
    offset : seconds east of UTC; none for a local time
    zone : IANA name, if it was given by name
    """

    nanos: int
    offset: int | None = None
    zone: str = ""


class DateTime(msgspec.Struct, frozen=True):
    """A date and a time of day; the fields are those of `Date` and `Time`."""

    days: int
    nanos: int
    offset: int | None = None
    zone: str = ""


class Span(msgspec.Struct, frozen=True):
    """A days and time duration, in nanoseconds."""

    nanos: int


class Months(msgspec.Struct, frozen=True):
    """A years and months duration, in months."""

    months: int


Temporal = Date | Time | DateTime | Span | Months


def days_of(year: int, month: int, day: int) -> int | None:
    """Return the days since 1970-01-01, or None where the calendar has no such date.

    Notes
    -----
    Source: H. Hinnant, "chrono-compatible low-level date algorithms", days_from_civil.
    """
    if not (1 <= month <= 12 and 1 <= day <= month_length(year, month) and abs(year) <= YEAR_MAX):
        return None
    shifted = year - (month <= 2)
    era, year_of_era = divmod(shifted, 400)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * _CYCLE_DAYS + day_of_era - 719_468


def calendar_of(days: int) -> tuple[int, int, int]:
    """Return year, month and day; the inverse of `days_of` (civil_from_days)."""
    era, day_of_era = divmod(days + 719_468, _CYCLE_DAYS)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + (3 if shifted < 10 else -9)
    return year_of_era + era * 400 + (month <= 2), month, day


def month_length(year: int, month: int) -> int:
    """Return the number of days of a month."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def within_calendar(days: int) -> bool:
    """Tell whether the year of a day has at most nine digits."""
    return abs(calendar_of(days)[0]) <= YEAR_MAX


def weekday_of(days: int) -> int:
    """Return 1 for Monday to 7 for Sunday (ISO 8601)."""
    return (days + 3) % 7 + 1


def later_by_months(days: int, months: int) -> int | None:
    """Return the day so many months later; the last day of the month where it has no such day."""
    year, month, day = calendar_of(days)
    year, month = divmod(year * 12 + month - 1 + months, 12)
    return days_of(year, month + 1, min(day, month_length(year, month + 1)))


def months_between(start: int, end: int) -> int:
    """Return the whole months from one day to another, towards zero."""
    (y1, m1, d1), (y2, m2, d2) = calendar_of(start), calendar_of(end)
    months = (y2 - y1) * 12 + m2 - m1
    if months > 0 and d2 < d1:
        return months - 1
    if months < 0 and d2 > d1:
        return months + 1
    return months


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def zone_offset(name: str, days: int, nanos: int) -> int | None:
    """Return a zone's offset in seconds at a local date and time, or None for no such zone.

    Beyond the years 1 to 9999 the rules of the nearest year with the same calendar hold.
    """
    zone = _zone(name)
    if zone is None:
        return None
    first, last = -719_162 + 2, 2_932_896 - 2
    while days > last:
        days -= (days - last + _CYCLE_DAYS - 1) // _CYCLE_DAYS * _CYCLE_DAYS
    local = datetime(1970, 1, 1) + timedelta(days=max(days, first), seconds=nanos // SECOND)  # noqa: DTZ001 - a wall clock reading
    shift = local.replace(tzinfo=zone).utcoffset()
    return int(shift.total_seconds()) if shift is not None else None


def at_instant(nanos: int, offset: int | None, zone: str) -> DateTime | None:
    """Return the local reading of an instant (nanoseconds UTC since 1970), keeping the zone."""
    days, rest = divmod(nanos, DAY)
    if not within_calendar(days):
        return None
    known = _zone(zone) if zone else None
    if known is not None and -719_160 < days < 2_932_894:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days, seconds=rest // SECOND)
        shift = moment.astimezone(known).utcoffset()
        offset = int(shift.total_seconds()) if shift is not None else offset
    days, rest = divmod(nanos + (offset or 0) * SECOND, DAY)
    return DateTime(days, rest, offset, zone) if within_calendar(days) else None


def instant_of(value: DateTime) -> int:
    """Return nanoseconds since 1970; of a local value those that its clock shows."""
    return value.days * DAY + value.nanos - (value.offset or 0) * SECOND


def _clock_of(found: re.Match[str], days: int) -> tuple[int, int, int | None, str] | None:
    """Return days (24:00:00 is the next day), nanoseconds, offset and zone of a matched time."""
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"])
    fraction = int((found["fraction"] or "0").ljust(9, "0"))
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second or fraction)):
        return None
    days, hour = (days + 1, 0) if hour == 24 else (days, hour)
    nanos = (hour * 3600 + minute * 60 + second) * SECOND + fraction
    zone = found["zone"] or ""
    if zone:
        offset = zone_offset(zone, days, nanos)
        return (days, nanos, offset, zone) if offset is not None else None
    if found["utc"]:
        return days, nanos, 0, ""
    offset = _offset_of(found["offset"]) if found["offset"] else None
    return None if found["offset"] and offset is None else (days, nanos, offset, "")


def _offset_of(text: str) -> int | None:
    hours, minutes, *seconds = (int(part) for part in text[1:].split(":"))
    total = hours * 3600 + minutes * 60 + (seconds[0] if seconds else 0)
    if minutes > 59 or total > OFFSET_MAX_S:
        return None
    return -total if text[0] == "-" else total


def date_of_text(text: str) -> Date | None:
    """Read ``2026-11-21``; None where the text is no date."""
    found = _DATE_TEXT.fullmatch(text)
    days = days_of(*(int(found[part]) for part in ("year", "month", "day"))) if found else None
    return Date(days) if days is not None else None


def time_of_text(text: str) -> Time | None:
    """Read ``10:30:00``, with ``Z``, an offset or ``@Europe/Vienna``; None for no time.

    The offset of a zone is the one of 1970-01-01: a time alone has no day.
    """
    found = _TIME_TEXT.fullmatch(text)
    clock = _clock_of(found, 0) if found else None
    return Time(*clock[1:]) if clock is not None else None


def date_time_of_text(text: str) -> DateTime | None:
    """Read ``2026-11-21T10:30:00`` as for `time_of_text`; a date alone is its midnight."""
    found = _DATE_TIME_TEXT.fullmatch(text)
    days = days_of(*(int(found[part]) for part in ("year", "month", "day"))) if found else None
    if found is None or days is None:
        return None
    if found["hour"] is None:
        return DateTime(days, 0)
    clock = _clock_of(found, days)
    return DateTime(*clock) if clock is not None and within_calendar(clock[0]) else None


def duration_of_text(text: str) -> Span | Months | None:
    """Read ``P1DT2H`` or ``P1Y2M``; None where the text is neither."""
    found = _MONTHS_TEXT.fullmatch(text)
    if found:
        months = int(found[2] or 0) * 12 + int(found[3] or 0)
        return Months(-months if found[1] else months)
    found = _SPAN_TEXT.fullmatch(text)
    if not found:
        return None
    days, hours, minutes, seconds = (int(found[part] or 0) for part in (2, 3, 4, 5))
    nanos = days * DAY + (hours * 3600 + minutes * 60 + seconds) * SECOND
    nanos += int((found[6] or "")[:9].ljust(9, "0"))
    return Span(-nanos if found[1] else nanos)


def temporal_of_text(text: str) -> Temporal | None:
    """Read the text of an ``@"..."`` literal."""
    for read in (duration_of_text, date_of_text, time_of_text, date_time_of_text):
        found = read(text)
        if found is not None:
            return found
    return None


def time_at(hour: int, minute: int, second: Decimal, offset: Span | None) -> Time | None:
    """Return a time of day from its parts; None where one is out of its range."""
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return None
    nanos = (hour * 3600 + minute * 60) * SECOND + int(second * SECOND)
    if offset is None:
        return Time(nanos)
    seconds = abs(offset.nanos) // SECOND * (-1 if offset.nanos < 0 else 1)
    return Time(nanos, seconds) if abs(seconds) <= OFFSET_MAX_S else None


def _date_text(days: int) -> str:
    year, month, day = calendar_of(days)
    return f"{'-' if year < 0 else ''}{abs(year):04d}-{month:02d}-{day:02d}"


def _clock_text(nanos: int, offset: int | None, zone: str) -> str:
    seconds, fraction = divmod(nanos, SECOND)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    text += f".{fraction:09d}".rstrip("0") if fraction else ""
    if zone:
        return f"{text}@{zone}"
    if offset is None:
        return text
    if offset == 0:
        return f"{text}Z"
    size = abs(offset)
    text += f"{'-' if offset < 0 else '+'}{size // 3600:02d}:{size // 60 % 60:02d}"
    return text + (f":{size % 60:02d}" if size % 60 else "")


def _span_text(nanos: int) -> str:
    days, rest = divmod(abs(nanos), DAY)
    seconds, fraction = divmod(rest, SECOND)
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    tail = f".{fraction:09d}".rstrip("0") if fraction else ""
    clock = f"{hours}H" if hours else ""
    clock += f"{minutes}M" if minutes else ""
    clock += f"{seconds}{tail}S" if seconds or fraction else ""
    text = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return ("-P" if nanos < 0 else "P") + (text or "T0S")


def _months_text(months: int) -> str:
    years, rest = divmod(abs(months), 12)
    text = (f"{years}Y" if years else "") + (f"{rest}M" if rest else "")
    return ("-P" if months < 0 else "P") + (text or "0M")


def text_of(value: Temporal) -> str:
    """Return the ISO 8601 text of a temporal value, with ``@zone`` where it has one."""
    match value:
        case Date():
            return _date_text(value.days)
        case Time():
            return _clock_text(value.nanos, value.offset, value.zone)
        case DateTime():
            clock = _clock_text(value.nanos, value.offset, value.zone)
            return f"{_date_text(value.days)}T{clock}"
        case Span():
            return _span_text(value.nanos)
        case Months():
            return _months_text(value.months)
