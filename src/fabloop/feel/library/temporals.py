"""Built-in functions on dates, times and durations, and the properties of such values."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fabloop.feel.decimals import CONTEXT, Number, whole
from fabloop.feel.library.signature import Builtins, Undefined
from fabloop.feel.run import Run
from fabloop.feel.temporal import (
    DAY,
    SECOND,
    Date,
    DateTime,
    Months,
    Span,
    Time,
    at_instant,
    calendar_of,
    date_of_text,
    date_time_of_text,
    days_of,
    duration_of_text,
    months_between,
    time_at,
    time_of_text,
    weekday_of,
)
from fabloop.feel.values import Range, Value

TEMPORALS = Builtins()

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _int(number: Number) -> int:
    found = whole(number)
    if found is None:
        raise Undefined(f"{number} is not a whole number")
    return found


@TEMPORALS.define("date", "from: string, date or date and time")
def _date(_: Run, source: str | Date | DateTime) -> Date:
    if not isinstance(source, str):
        return Date(source.days)
    found = date_of_text(source)
    if found is None:
        raise Undefined(f'"{source[:40]}" is no date such as "2026-11-21"')
    return found


@TEMPORALS.define("date", "year: number; month: number; day: number")
def _date_of(_: Run, year: Number, month: Number, day: Number) -> Date:
    days = days_of(_int(year), _int(month), _int(day))
    if days is None:
        raise Undefined(f"the calendar has no day {year}-{month}-{day}")
    return Date(days)


@TEMPORALS.define("time", "from: string, time, date or date and time")
def _time(_: Run, source: str | Time | Date | DateTime) -> Time:
    match source:
        case Time():
            return source
        case DateTime():
            return Time(source.nanos, source.offset, source.zone)
        case Date():
            return Time(0, 0)
        case str():
            pass
    found = time_of_text(source)
    if found is None:
        raise Undefined(f'"{source[:40]}" is no time such as "10:30:00"')
    return found


@TEMPORALS.define(
    "time", "hour: number; minute: number; second: number; offset?: days and time duration"
)
def _time_at(
    _: Run, hour: Number, minute: Number, second: Number, offset: Span | None = None
) -> Time:
    found = time_at(_int(hour), _int(minute), Decimal(second), offset)
    if found is None:
        raise Undefined(f"there is no time {hour}:{minute}:{second} with such an offset")
    return found


@TEMPORALS.define("date and time", "from: string, date or date and time")
def _date_time(_: Run, source: str | Date | DateTime) -> DateTime:
    match source:
        case DateTime():
            return source
        case Date():
            return DateTime(source.days, 0)
        case str():
            pass
    found = date_time_of_text(source)
    if found is None:
        raise Undefined(f'"{source[:40]}" is no date and time such as "2026-11-21T10:30:00"')
    return found


@TEMPORALS.define("date and time", "date: date or date and time; time: time")
def _date_with_time(_: Run, day: Date | DateTime, time: Time) -> DateTime:
    return DateTime(day.days, time.nanos, time.offset, time.zone)


@TEMPORALS.define("date and time", "date: date and time; timezone: string")
def _date_in_zone(_: Run, moment: DateTime, timezone: str) -> DateTime:
    sample = date_time_of_text(f"1970-01-01T00:00:00@{timezone}")
    if moment.offset is None or sample is None:
        raise Undefined("the date and time is local, or there is no such time zone")
    nanos = moment.days * DAY + moment.nanos - moment.offset * SECOND
    found = at_instant(nanos, sample.offset, timezone)
    if found is None:
        raise Undefined("it lies beyond the calendar")
    return found


@TEMPORALS.define("duration", "from: string")
def _duration(_: Run, source: str) -> Span | Months:
    found = duration_of_text(source)
    if found is None:
        raise Undefined(f'"{source[:40]}" is no duration such as "P1DT2H" or "P1Y2M"')
    return found


@TEMPORALS.define(
    "years and months duration", "from: date or date and time; to: date or date and time"
)
def _months(_: Run, start: Date | DateTime, end: Date | DateTime) -> Months:
    return Months(months_between(start.days, end.days))


@TEMPORALS.define("day of year", "date: date or date and time")
def _day_of_year(_: Run, day: Date | DateTime) -> int:
    first = days_of(calendar_of(day.days)[0], 1, 1)
    assert first is not None, "every year has a first day"
    return day.days - first + 1


@TEMPORALS.define("day of week", "date: date or date and time")
def _day_of_week(_: Run, day: Date | DateTime) -> str:
    return _WEEKDAYS[weekday_of(day.days) - 1]


@TEMPORALS.define("month of year", "date: date or date and time")
def _month_of_year(_: Run, day: Date | DateTime) -> str:
    return _MONTHS[calendar_of(day.days)[1] - 1]


@TEMPORALS.define("week of year", "date: date or date and time")
def _week_of_year(_: Run, day: Date | DateTime) -> int:
    # ISO 8601: a week belongs to the year of its Thursday.
    thursday = day.days - weekday_of(day.days) + 4
    first = days_of(calendar_of(thursday)[0], 1, 1)
    assert first is not None, "every year has a first day"
    return (thursday - first) // 7 + 1


@TEMPORALS.define("now", "")
def _now(run: Run) -> DateTime:
    found = at_instant(int(run.now), 0, "") if run.now is not None else None
    if found is None:
        raise Undefined("the evaluation was given no instant")
    return found


@TEMPORALS.define("today", "")
def _today(run: Run) -> Date:
    return Date(_now(run).days)


def _offset(value: Time | DateTime) -> Span | None:
    return Span(value.offset * SECOND) if value.offset is not None else None


def _second(value: Time | DateTime) -> Number:
    seconds, fraction = divmod(value.nanos, SECOND)
    if fraction:
        return CONTEXT.divide(value.nanos - seconds // 60 * 60 * SECOND, SECOND)
    return seconds % 60


def _part(size: int, unit: int, wrap: int) -> Callable[[Any], int]:
    def part(value: Span) -> int:
        found = abs(value.nanos) // (size * unit) % wrap
        return -found if value.nanos < 0 else found

    return part


def _signed(value: int, divisor: int, *, rest: bool) -> int:
    found = abs(value) % divisor if rest else abs(value) // divisor
    return -found if value < 0 else found


def _span_seconds(value: Span) -> Number:
    rest = abs(value.nanos) % (60 * SECOND)
    found: Number = rest // SECOND if rest % SECOND == 0 else CONTEXT.divide(rest, SECOND)
    return -found if value.nanos < 0 else found


def _calendar_part(place: int) -> Callable[[Any], int]:
    return lambda value: calendar_of(value.days)[place]


def _properties() -> dict[tuple[type, str], Callable[[Any], Value]]:
    table: dict[tuple[type, str], Callable[[Any], Value]] = {
        (Months, "years"): lambda v: _signed(v.months, 12, rest=False),
        (Months, "months"): lambda v: _signed(v.months, 12, rest=True),
        (Span, "days"): _part(86_400, SECOND, 10**30),
        (Span, "hours"): _part(3600, SECOND, 24),
        (Span, "minutes"): _part(60, SECOND, 60),
        (Span, "seconds"): _span_seconds,
        (Range, "start"): lambda v: v.low,
        (Range, "end"): lambda v: v.high,
        (Range, "start included"): lambda v: v.low_included,
        (Range, "end included"): lambda v: v.high_included,
    }
    for kind in (Date, DateTime):
        for place, name in enumerate(("year", "month", "day")):
            table[kind, name] = _calendar_part(place)
        table[kind, "weekday"] = lambda v: weekday_of(v.days)
    for clock in (Time, DateTime):
        table[clock, "hour"] = lambda v: v.nanos // (3600 * SECOND)
        table[clock, "minute"] = lambda v: v.nanos // (60 * SECOND) % 60
        table[clock, "second"] = _second
        table[clock, "time offset"] = _offset
        table[clock, "timezone"] = lambda v: v.zone or None
    return table


PROPERTIES = _properties()
