"""Points and spans of time as integer nanoseconds; text only at the border."""

import re
from datetime import UTC, datetime
from typing import NewType, Protocol
from zoneinfo import ZoneInfo

Instant = NewType("Instant", int)
"""Nanoseconds since 1970-01-01T00:00:00Z."""

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_ISO_DURATION = re.compile(
    r"P(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?"
    r"(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d{1,9})?)S)?)?$"
)


class Clock(Protocol):
    """Tells the present instant; the core is handed instants and never holds one of these."""

    def now(self) -> Instant:
        """Return the present instant."""
        ...


def instant_of(text: str) -> Instant:
    """Read an ISO 8601 date-time with an offset.

    Raises
    ------
    ValueError
        The text is no date-time, or it has no offset (a naive time is ambiguous).
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"Expected an offset such as 'Z' or '+01:00' in {text!r}, but found none.")
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Instant((since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1_000)


def iso_of(instant: Instant, zone: str = "UTC") -> str:
    """Return ISO 8601 text to the second in the given IANA time zone (``Z`` for UTC)."""
    moment = datetime.fromtimestamp(instant // SECOND, UTC).astimezone(ZoneInfo(zone))
    return moment.isoformat().replace("+00:00", "Z")


def duration_of_iso(text: str) -> int:
    """Return the nanoseconds of an ISO 8601 duration without years and months (``PT1H30M``).

    Raises
    ------
    ValueError
        The text is no such duration, or it is empty (``P``, ``PT``).
    """
    found = _ISO_DURATION.match(text)
    if found is None or not any(found.groupdict().values()):
        raise ValueError(f"Expected an ISO 8601 duration such as 'PT15M', but found {text!r}.")
    weeks, days, hours, minutes = (int(found[part] or 0) for part in "wdhm")
    whole, _, fraction = (found["s"] or "0").partition(".")
    seconds = int(whole) * SECOND + int(fraction.ljust(9, "0") if fraction else 0)
    return (weeks * 7 + days) * DAY + hours * HOUR + minutes * MINUTE + seconds


def iso_of_duration(duration_ns: int) -> str:
    """Return the shortest ISO 8601 duration for a non-negative number of nanoseconds."""
    days, rest = divmod(duration_ns, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds, fraction = divmod(rest, SECOND)
    clock = f"{hours}H" if hours else ""
    clock += f"{minutes}M" if minutes else ""
    if seconds or fraction:
        tail = f".{fraction:09d}".rstrip("0") if fraction else ""
        clock += f"{seconds}{tail}S"
    day = f"{days}D" if days else ""
    return "P" + day + (f"T{clock}" if clock else "" if day else "T0S")


def span_text(duration_ns: int) -> str:
    """Return a span for people: its two largest units (``2 h 5 min``)."""
    sign, left = ("-", -duration_ns) if duration_ns < 0 else ("", duration_ns)
    parts: list[tuple[int, str]] = []
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s")):
        count, left = divmod(left, size)
        if count or (parts and len(parts) == 1):
            parts.append((count, unit))
        if len(parts) == 2:
            break
    words = [f"{count} {unit}" for count, unit in parts if count]
    return sign + (" ".join(words) or "0 s")
