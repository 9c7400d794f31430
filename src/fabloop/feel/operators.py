"""FEEL's operators at run time: arithmetic, order, equality and three-valued logic."""

import operator
from collections.abc import Callable
from decimal import Decimal, DecimalException
from typing import Any

from fabloop.feel.decimals import CONTEXT, WHOLE_MAX, Number, settled
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
    instant_of,
    later_by_months,
    within_calendar,
)
from fabloop.feel.values import Function, Range, Value, described

NUMBERS = (int, Decimal)
Operation = Callable[[Any, Any], Value]
_SPAN_MAX = 10**30
TRANSCENDENTAL_STEPS = 20
"""What a power, a root or a logarithm costs: about as long as so many rounds of a loop."""


def add(run: Run, a: Value, b: Value, at: int) -> Value:
    """Return ``a + b``."""
    if type(a) is int and type(b) is int:
        total = a + b
        return total if -WHOLE_MAX < total < WHOLE_MAX else settled(total)
    if type(a) is str and type(b) is str:
        return run.string(a + b)
    return _operate(run, "+", a, b, at)


def subtract(run: Run, a: Value, b: Value, at: int) -> Value:
    """Return ``a - b``."""
    if type(a) is int and type(b) is int:
        return settled(a - b)
    return _operate(run, "-", a, b, at)


def multiply(run: Run, a: Value, b: Value, at: int) -> Value:
    """Return ``a * b``."""
    if type(a) is int and type(b) is int:
        return settled(a * b)
    return _operate(run, "*", a, b, at)


def divide(run: Run, a: Value, b: Value, at: int) -> Value:
    """Return ``a / b``; null for a division by zero."""
    return _operate(run, "/", a, b, at)


def power(run: Run, a: Value, b: Value, at: int) -> Value:
    """Return ``a ** b``."""
    run.spend(TRANSCENDENTAL_STEPS)
    return _operate(run, "**", a, b, at)


def negate(run: Run, value: Value, at: int) -> Value:
    """Return ``-value``."""
    match value:
        case int() if type(value) is int:
            return -value
        case Decimal():
            return CONTEXT.minus(value)
        case Span():
            return Span(-value.nanos)
        case Months():
            return Months(-value.months)
        case _:
            run.null(at, f"Expected a number or duration behind '-', not {described(value)}.")
            return None


def _operate(run: Run, op: str, a: Value, b: Value, at: int) -> Value:
    operation = _OPERATIONS.get((op, type(a), type(b)))
    if operation is None:
        found = f"{described(a)} and {described(b)}"
        run.null(at, f"Expected operands that '{op}' can work on, but found {found}.")
        return None
    try:
        result = operation(a, b)
    except (DecimalException, OverflowError) as problem:
        run.null(at, f"Expected a result in range, but {_reason(problem)}.")
        return None
    if result is None or (type(result) is Decimal and not result.is_finite()):
        found = f"{described(a)} and {described(b)}"
        result = None
        run.null(at, f"Expected '{op}' to have a result, but {found} give none.")
    return result


def _reason(problem: Exception) -> str:
    names = [kind.__name__ for kind in (problem.args[0] if problem.args else ()) or ()]
    if "DivisionByZero" in names or "DivisionUndefined" in names:
        return "the divisor is zero"
    return "it is too large or undefined"


def _shift_date(date: Date, span: Span) -> Date | None:
    days = date.days + span.nanos // DAY
    return Date(days) if within_calendar(days) else None


def _shift_moment(moment: DateTime, span: Span) -> DateTime | None:
    return at_instant(instant_of(moment) + span.nanos, moment.offset, moment.zone)


def _shift_time(time: Time, span: Span) -> Time:
    return Time((time.nanos + span.nanos) % DAY, time.offset, time.zone)


def _months_later(value: Date | DateTime, months: int) -> Date | DateTime | None:
    days = later_by_months(value.days, months)
    if days is None:
        return None
    if isinstance(value, Date):
        return Date(days)
    return DateTime(days, value.nanos, value.offset, value.zone)


def _between_moments(a: DateTime, b: DateTime) -> Span | None:
    if (a.offset is None) != (b.offset is None):
        return None
    return Span(instant_of(a) - instant_of(b))


def _between_times(a: Time, b: Time) -> Span | None:
    if (a.offset is None) != (b.offset is None):
        return None
    return Span(a.nanos - b.nanos - ((a.offset or 0) - (b.offset or 0)) * SECOND)


def midnight(date: Date) -> DateTime:
    """Return the start of a date in UTC, which is how FEEL sets it against date and time."""
    return DateTime(date.days, 0, 0)


def _scaled(count: int, factor: Number) -> int:
    product = CONTEXT.multiply(Decimal(count), factor)
    if abs(product) > _SPAN_MAX:
        raise OverflowError
    return int(product)


def _shared(count: int, divisor: Number) -> int:
    quotient = CONTEXT.divide(Decimal(count), divisor)
    if abs(quotient) > _SPAN_MAX:
        raise OverflowError
    return int(quotient)


def _quotient(a: int, b: int) -> Number:
    return CONTEXT.divide(a, b)


def _swapped(shift: Operation) -> Operation:
    return lambda a, b: shift(b, a)


def _backwards(shift: Operation) -> Operation:
    return lambda a, b: shift(a, negate(_SCRATCH, b, 0))


def _table() -> dict[tuple[str, type, type], Operation]:
    table: dict[tuple[str, type, type], Operation] = {
        ("+", Span, Span): lambda a, b: Span(a.nanos + b.nanos),
        ("-", Span, Span): lambda a, b: Span(a.nanos - b.nanos),
        ("/", Span, Span): lambda a, b: _quotient(a.nanos, b.nanos),
        ("+", Months, Months): lambda a, b: Months(a.months + b.months),
        ("-", Months, Months): lambda a, b: Months(a.months - b.months),
        ("/", Months, Months): lambda a, b: _quotient(a.months, b.months),
        ("-", Date, Date): lambda a, b: Span((a.days - b.days) * DAY),
        ("-", DateTime, DateTime): _between_moments,
        ("-", DateTime, Date): lambda a, b: _between_moments(a, midnight(b)),
        ("-", Date, DateTime): lambda a, b: _between_moments(midnight(a), b),
        ("-", Time, Time): _between_times,
    }
    shifts: tuple[tuple[type, type, Operation], ...] = (
        (Date, Span, _shift_date),
        (DateTime, Span, _shift_moment),
        (Time, Span, _shift_time),
        (Date, Months, lambda a, b: _months_later(a, b.months)),
        (DateTime, Months, lambda a, b: _months_later(a, b.months)),
    )
    for kind, step, shift in shifts:
        table["+", kind, step] = shift
        table["+", step, kind] = _swapped(shift)
        table["-", kind, step] = _backwards(shift)
    for one in NUMBERS:
        for other in NUMBERS:
            table["+", one, other] = CONTEXT.add
            table["-", one, other] = CONTEXT.subtract
            table["*", one, other] = CONTEXT.multiply
            table["/", one, other] = CONTEXT.divide
            table["**", one, other] = CONTEXT.power
        table["*", Span, one] = lambda a, b: Span(_scaled(a.nanos, b))
        table["*", one, Span] = lambda a, b: Span(_scaled(b.nanos, a))
        table["/", Span, one] = lambda a, b: Span(_shared(a.nanos, b))
        table["*", Months, one] = lambda a, b: Months(_scaled(a.months, b))
        table["*", one, Months] = lambda a, b: Months(_scaled(b.months, a))
        table["/", Months, one] = lambda a, b: Months(_shared(a.months, b))
    return table


_SCRATCH = Run("", None)
_OPERATIONS = _table()


# -- order and equality -------------------------------------------------------------------------


def order(a: Value, b: Value) -> int | None:
    """Return -1, 0 or 1 as `a` is before, at or after `b`; None where they have no order."""
    kind, other = type(a), type(b)
    if kind in NUMBERS and other in NUMBERS:
        return int(a > b) - int(a < b)
    if kind is not other:
        return None
    match a:
        case str():
            return int(a > b) - int(a < b)
        case Date():
            gap = a.days - b.days
        case Span():
            gap = a.nanos - b.nanos
        case Months():
            gap = a.months - b.months
        case DateTime() | Time():
            span = _between_moments(a, b) if isinstance(a, DateTime) else _between_times(a, b)
            if span is None:
                return None
            gap = span.nanos
        case _:
            return None
    return int(gap > 0) - int(gap < 0)


def compare(run: Run, op: str, a: Value, b: Value, at: int) -> bool | None:
    """Return ``a op b`` for ``< <= > >=``; null where the two have no order."""
    if type(a) in NUMBERS and type(b) in NUMBERS:
        return _COMPARED[op](a, b)
    found = order(a, b)
    if found is None:
        values = f"{described(a)} and {described(b)}"
        run.null(at, f"Expected two values of one ordered type around '{op}', but found {values}.")
        return None
    return _holds(op, found)


_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _holds(op: str, found: int) -> bool:
    if op == "<":
        return found < 0
    if op == "<=":
        return found <= 0
    return found > 0 if op == ">" else found >= 0


def equals(run: Run, a: Value, b: Value, at: int) -> bool | None:
    """Return ``a = b``; null where the types differ and neither is null."""
    kind, other = type(a), type(b)
    if a is None or b is None:
        return a is b
    if kind in NUMBERS and other in NUMBERS:
        return bool(a == b)
    if kind is not other:
        found = f"{described(a)} and {described(b)}"
        run.null(at, f"Expected two values of one type, but found {found}.")
        return None
    structural = _STRUCTURAL.get(kind)
    if structural is not None:
        return structural(run, a, b, at)
    if kind is str:
        run.spend(len(a) >> 8)
    if kind in (bool, str, Function):
        return bool(a is b or (kind is not Function and a == b))
    # A local time is at no instant, so it never equals one that has an offset.
    return order(a, b) == 0


def unequal(run: Run, a: Value, b: Value, at: int) -> bool | None:
    """Return ``a != b``."""
    found = equals(run, a, b, at)
    return None if found is None else not found


def _equal_lists(run: Run, a: list[Value], b: list[Value], at: int) -> bool | None:
    if len(a) != len(b):
        return False
    run.spend(len(a))
    result: bool | None = True
    for x, y in zip(a, b, strict=True):
        found = equals(run, x, y, at)
        if found is False:
            return False
        result = None if found is None else result
    return result


def _equal_contexts(run: Run, a: dict[str, Value], b: dict[str, Value], at: int) -> bool | None:
    if a.keys() != b.keys():
        return False
    return _equal_lists(run, list(a.values()), [b[key] for key in a], at)


def _equal_ranges(run: Run, a: Range, b: Range, at: int) -> bool | None:
    signs = (a.low_included, a.high_included, a.op), (b.low_included, b.high_included, b.op)
    if signs[0] != signs[1]:
        return False
    return _equal_lists(run, [a.low, a.high], [b.low, b.high], at)


_STRUCTURAL: dict[type, Callable[[Run, Any, Any, int], bool | None]] = {
    list: _equal_lists,
    dict: _equal_contexts,
    Range: _equal_ranges,
}


# -- logic --------------------------------------------------------------------------------------


def both(run: Run, a: Value, b: Value, at: int) -> bool | None:
    """Return ``a and b`` in three-valued logic; what is no boolean counts as null."""
    if a is False or b is False:
        return False
    if a is True and b is True:
        return True
    _not_boolean(run, "and", a if a is not True else b, at)
    return None


def either(run: Run, a: Value, b: Value, at: int) -> bool | None:
    """Return ``a or b`` in three-valued logic; what is no boolean counts as null."""
    if a is True or b is True:
        return True
    if a is False and b is False:
        return False
    _not_boolean(run, "or", a if a is not False else b, at)
    return None


def _not_boolean(run: Run, op: str, value: Value, at: int) -> None:
    if value is not None:
        run.null(at, f"Expected booleans around '{op}', but found {described(value)}.")


def between(run: Run, value: Value, low: Value, high: Value, at: int) -> bool | None:
    """Return ``value between low and high``."""
    return both(run, compare(run, ">=", value, low, at), compare(run, "<=", value, high, at), at)


def within(run: Run, value: Value, span: Range, at: int) -> bool | None:
    """Tell whether a value lies in a range; null where it cannot be compared with an end."""
    if span.op in ("=", "!="):
        found = equals(run, value, span.low, at)
        return found if span.op == "=" or found is None else not found
    if span.op:
        bound = span.high if span.op in ("<", "<=") else span.low
        return compare(run, span.op, value, bound, at)
    above = compare(run, ">=" if span.low_included else ">", value, span.low, at)
    below = compare(run, "<=" if span.high_included else "<", value, span.high, at)
    return both(run, above, below, at)
