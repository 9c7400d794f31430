"""Cron lines of six fields, seconds first, and the dates that they mean in a time zone.

A date matches when every field does (unlike Unix, where one of the two day fields is enough).
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from fabloop.base.instant import Instant
from fabloop.base.period import instant_in, local_in, zone_of

YEARS_AHEAD_MAX = 100
"""How far ahead a date of a cron line is looked for: longer than 29 February on a given weekday."""

_MACROS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FIELDS = 6
_NEAREST = re.compile(r"(\d{1,2})W$")
_BEFORE_LAST = re.compile(r"L-(\d{1,2})$")
_LAST_WEEKDAY = re.compile(r"([0-7]|[A-Z]{3})L$")
_NTH_WEEKDAY = re.compile(r"([0-7]|[A-Z]{3})#([1-5])$")


class Cron(msgspec.Struct, frozen=True, kw_only=True):
    """A cron line that was read; weekdays count from Sunday, 0.

    Attributes
    ----------
    days : days of the month; `last_days` count from its last one (0), `near_days` are those whose
        nearest working day is meant (0: the last working day)
    last_weekdays, nth_weekdays : weekdays that are the last, or the n-th, of the month
    hourly : the hours are all, or by steps: then it follows real time when clocks are changed
    """

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    last_days: frozenset[int]
    near_days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    last_weekdays: frozenset[int]
    nth_weekdays: frozenset[tuple[int, int]]
    hourly: bool
    zone: str


@lru_cache(maxsize=1_000)
def read_cron(text: str) -> Cron:
    """Read a cron line, with the name of a time zone behind ``@`` where it is not UTC.

    Raises
    ------
    ValueError
        It is none; the text says what was expected.
    """
    parts = text.strip().split()
    zone = "UTC"
    if len(parts) > 1 and parts[-1].startswith("@"):
        zone = parts.pop().removeprefix("@")
        zone_of(zone)
    if len(parts) == 1 and parts[0] in _MACROS:
        parts = _MACROS[parts[0]].split()
    if len(parts) != _FIELDS:
        raise ValueError(
            f"Expected six fields, seconds first, in a cron line, but found {len(parts)}: {text!r}."
        )
    seconds, minutes, hours, days, months, weekdays = (part.upper() for part in parts)
    month_days, last_days, near_days = _month_days(days)
    week, last_weekdays, nth_weekdays = _weekdays(weekdays)
    return Cron(
        seconds=tuple(sorted(_numbers(seconds, 0, 59))),
        minutes=tuple(sorted(_numbers(minutes, 0, 59))),
        hours=tuple(sorted(_numbers(hours, 0, 23))),
        days=month_days,
        last_days=last_days,
        near_days=near_days,
        months=frozenset(_numbers(months, 1, 12, _MONTHS, 1)),
        weekdays=week,
        last_weekdays=last_weekdays,
        nth_weekdays=nth_weekdays,
        hourly=hours.startswith("*"),
        zone=zone,
    )


def _numbers(
    text: str, low: int, high: int, names: list[str] | None = None, first: int = 0
) -> set[int]:
    """Return the numbers of one field: ``*``, ``3``, ``1-5``, ``*/15``, ``10/5``, and lists."""
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        begin, dash, end = span.partition("-")
        if span in ("*", "?"):
            start, stop = low, high
        else:
            start = _number(begin, low, high, names, first)
            stop = _number(end, low, high, names, first) if dash else high if slash else start
        stride = _number(step, 1, high + 1) if slash else 1
        if start > stop:
            raise ValueError(f"Expected a range that goes upwards, but found {part!r}.")
        found.update(range(start, stop + 1, stride))
    return found


def _number(text: str, low: int, high: int, names: list[str] | None = None, first: int = 0) -> int:
    if names and text in names:
        return names.index(text) + first
    if not text.isdecimal() or not low <= int(text) <= high:
        named = f" or {names[0]} to {names[-1]}" if names else ""
        raise ValueError(f"Expected {low} to {high}{named} in a cron line, but found {text!r}.")
    return int(text)


def _month_days(text: str) -> tuple[frozenset[int], frozenset[int], frozenset[int]]:
    plain, last, near = set[int](), set[int](), set[int]()
    for part in text.split(","):
        if part == "L":
            last.add(0)
        elif part in ("LW", "WL"):
            near.add(0)
        elif found := _BEFORE_LAST.match(part):
            last.add(_number(found[1], 1, 30))
        elif found := _NEAREST.match(part):
            near.add(_number(found[1], 1, 31))
        else:
            plain |= _numbers(part, 1, 31)
    return frozenset(plain), frozenset(last), frozenset(near)


def _weekdays(
    text: str,
) -> tuple[frozenset[int], frozenset[int], frozenset[tuple[int, int]]]:
    plain, last, nth = set[int](), set[int](), set[tuple[int, int]]()
    for part in text.split(","):
        if found := _LAST_WEEKDAY.match(part):
            last.add(_number(found[1], 0, 7, _WEEKDAYS) % 7)
        elif found := _NTH_WEEKDAY.match(part):
            nth.add((_number(found[1], 0, 7, _WEEKDAYS) % 7, int(found[2])))
        else:
            high = 6 if part[:1] in "*?" else 7
            plain |= {each % 7 for each in _numbers(part, 0, high, _WEEKDAYS)}
    return frozenset(plain), frozenset(last), frozenset(nth)


def next_date(cron: Cron, after: Instant) -> Instant | None:
    """Return the first date after an instant; None where there is none in a hundred years.

    Where clocks are put forward, what they skip happens at that instant, once. Where they are put
    back, what they show twice happens the first time. A line whose hours begin with ``*`` follows
    real time instead: it goes on at its pace through both.
    """
    zone = zone_of(cron.zone)
    local = local_in(after, zone)
    limit = local.year + YEARS_AHEAD_MAX
    for candidate in _matching(cron, local.replace(microsecond=0), limit):
        if cron.hourly and (found := _in_real_time(cron, after, local, candidate, zone)):
            return found
        instant = instant_in(candidate, zone)
        if instant > after:
            return instant
    return None


def _in_real_time(
    cron: Cron, after: Instant, local: datetime, candidate: datetime, zone: ZoneInfo
) -> Instant | None:
    """Return the next date of a line that follows real time; None where it is days ahead."""
    if candidate - local > timedelta(days=1):
        return None
    whole = Instant(after - after % 1_000)
    straight = Instant(whole + _nanoseconds(candidate - local))
    if local_in(straight, zone) == candidate:
        return straight
    # clocks change in between: go on from the first time that they show then
    change = _first_after_change(after, straight, zone)
    shown = local_in(change, zone)
    before = shown - timedelta(seconds=1)
    for again in _matching(cron, before, shown.year + 1):
        return Instant(change + _nanoseconds(again - shown))
    return None


def _nanoseconds(span: timedelta) -> int:
    return (span.days * 86_400 + span.seconds) * 1_000_000_000 + span.microseconds * 1_000


def _first_after_change(after: Instant, late: Instant, zone: ZoneInfo) -> Instant:
    second = 1_000_000_000
    shift = _nanoseconds(local_in(after, zone) - local_in(after, _UTC))
    low, high = after // second, -(-late // second)
    while high - low > 1:
        middle = (low + high) // 2
        moment = Instant(middle * second)
        same = _nanoseconds(local_in(moment, zone) - local_in(moment, _UTC)) == shift
        low, high = (middle, high) if same else (low, middle)
    return Instant(high * second)


_UTC = ZoneInfo("UTC")


def _matching(cron: Cron, after: datetime, last_year: int) -> Iterator[datetime]:
    """Yield the times that clocks could show, after one of them, as long as they are wanted."""
    day = after.date()
    while day.year <= last_year:
        if day.month not in cron.months:
            day = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
            continue
        if _is_day(cron, day):
            for hour in cron.hours:
                if day == after.date() and hour < after.hour:
                    continue
                yield from _in_hour(cron, datetime.combine(day, time(hour)), after)
        day += timedelta(days=1)


def _in_hour(cron: Cron, hour: datetime, after: datetime) -> Iterator[datetime]:
    for minute in cron.minutes:
        if hour.replace(minute=minute, second=59) <= after:
            continue
        for second in cron.seconds:
            found = hour.replace(minute=minute, second=second)
            if found > after:
                yield found


def _is_day(cron: Cron, day: date) -> bool:
    last = monthrange(day.year, day.month)[1]
    weekday = day.isoweekday() % 7
    in_month = (
        day.day in cron.days
        or last - day.day in cron.last_days
        or any(_working_day(day, near, last) == day.day for near in cron.near_days)
    )
    return in_month and (
        weekday in cron.weekdays
        or (weekday in cron.last_weekdays and day.day + 7 > last)
        or (weekday, (day.day + 6) // 7) in cron.nth_weekdays
    )


def _working_day(month: date, near: int, last: int) -> int:
    """Return the Monday to Friday nearest to a day, within the month (0: before its end)."""
    if near > last:
        return 0
    wanted = near or last
    weekday = month.replace(day=wanted).weekday()
    if weekday == 5:  # Saturday
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == 6:  # Sunday
        return wanted + 1 if wanted < last and near else wanted - 2
    return wanted
