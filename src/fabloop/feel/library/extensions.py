"""Functions beyond DMN that models drawn for other engines use (as in feel-scala)."""

from typing import Any

from fabloop.feel.decimals import Number, truncated
from fabloop.feel.library.lists import distinct, same
from fabloop.feel.library.signature import Builtins, Undefined
from fabloop.feel.run import Run
from fabloop.feel.temporal import Date, DateTime, Span, calendar_of, days_of, month_length, text_of
from fabloop.feel.values import Value

EXTENSIONS = Builtins()


@EXTENSIONS.define("is defined", "value: any")
def _is_defined(_: Run, value: Value) -> bool:
    return value is not None


@EXTENSIONS.define("get or else", "value: any; default: any")
def _get_or_else(_: Run, value: Value, default: Value) -> Value:
    return default if value is None else value


@EXTENSIONS.define("is empty", "list: list or string")
def _is_empty(_: Run, value: list[Value] | str) -> bool:
    return not value


@EXTENSIONS.define("is blank", "string: string")
def _is_blank(_: Run, string: str) -> bool:
    return not string.strip()


@EXTENSIONS.define("duplicate values", "list: list")
def _duplicates(run: Run, items: list[Value]) -> list[Value]:
    out: list[Value] = []
    for item in distinct(run, items):
        run.spend(len(items))
        if sum(same(run, item, other) for other in items) > 1:
            out.append(item)
    return out


@EXTENSIONS.define("partition", "list: list; size: number")
def _partition(run: Run, items: list[Value], size: Number) -> list[Value]:
    count = truncated(size)
    if count < 1:
        raise Undefined(f"the size {count} is not at least 1")
    run.spend(len(items))
    return [items[start : start + count] for start in range(0, len(items), count)]


@EXTENSIONS.define("last day of month", "date: date or date and time")
def _last_day(_: Run, day: Date | DateTime) -> Date:
    year, month, _day = calendar_of(day.days)
    days = days_of(year, month, month_length(year, month))
    assert days is not None, "every month has a last day"
    return Date(days)


@EXTENSIONS.define("cycle", "interval: days and time duration")
def _cycle(_: Run, interval: Span) -> str:
    return f"R/{text_of(interval)}"


@EXTENSIONS.define("cycle", "repetitions!: number; interval: days and time duration")
def _cycle_counted(_: Run, repetitions: Any, interval: Span) -> str:
    count = "" if repetitions is None else str(truncated(repetitions))
    return f"R{count}/{text_of(interval)}"
