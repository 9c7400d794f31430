"""What FEEL computes with, and the border to plain Python values."""

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from fabloop.feel.decimals import DIGITS, WHOLE_MAX, Number, decimal_or_none, plain_text, settled
from fabloop.feel.limits import DATA_DEPTH_MAX, NUMBER_OUT_MAX, exceeded
from fabloop.feel.temporal import (
    Date,
    DateTime,
    Months,
    Span,
    Time,
    date_of_text,
    date_time_of_text,
    text_of,
    time_of_text,
)

Value = Any
"""None, bool, int, Decimal, str, list, dict, `Range`, `Function` or a temporal value."""

TEMPORAL = (Date, Time, DateTime, Span, Months)


class Range(msgspec.Struct, frozen=True):
    """All values between two ends; `op` where it was given by one comparison (``(< 10)``)."""

    low: Value
    high: Value
    low_included: bool = True
    high_included: bool = True
    op: str = ""


class Function(msgspec.Struct, frozen=True):
    """A function made by the expression, or a built-in one used as a value.

    Attributes
    ----------
    parameters : their names; none for a built-in function, which checks its arguments itself
    types : the types of the parameters where some are declared, else empty
    weight : what a call costs in steps
    """

    parameters: tuple[str, ...] | None
    body: Callable[..., Value]
    types: tuple[Any, ...] = ()
    weight: int = 1


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    Decimal: "number",
    str: "string",
    list: "list",
    dict: "context",
    Range: "range",
    Function: "function",
    Date: "date",
    Time: "time",
    DateTime: "date and time",
    Span: "days and time duration",
    Months: "years and months duration",
}


_WORDS = {None: "null", True: "true", False: "false"}


def kind_of(value: Value) -> str:
    """Return the FEEL name of a value's type."""
    return _KINDS.get(type(value), "function")


def described(value: Value) -> str:
    """Return a short text of a value for messages: its type, and itself where it is small."""
    kind = kind_of(value)
    match value:
        case None:
            return "null"
        case str():
            return f'string "{value[:30]}{"..." if len(value) > 30 else ""}"'
        case bool():
            return f"boolean {str(value).lower()}"
        case int() | Decimal():
            return f"number {value}"
        case list() | dict():
            return f"a {kind} of {len(value)}"
        case Date() | Time() | DateTime() | Span() | Months():
            return f"{kind} {text_of(value)}"
        case _:
            return f"a {kind}"


def to_feel(value: Any) -> Value:
    """Return a plain Python value as FEEL computes with it.

    Floats become numbers by their shortest text; tuples become lists; `datetime` objects
    become temporal values. What FEEL has no type for becomes null.

    Raises
    ------
    Refused
        Lists and contexts are nested deeper than `DATA_DEPTH_MAX`.
    """
    return _converted(value, 0)


def _converted(value: Any, depth: int) -> Value:
    kind = type(value)
    if kind in (int, str, bool, type(None)):
        return settled(value) if kind is int else value
    if kind is float:
        return number_of_float(value)
    if depth > DATA_DEPTH_MAX:
        raise exceeded("levels of lists and contexts", DATA_DEPTH_MAX, "Hand over flatter data.")
    if isinstance(value, Mapping):
        return {str(key): _converted(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_converted(item, depth + 1) for item in value]
    return _converted_scalar(value)


def _converted_scalar(value: Any) -> Value:
    match value:
        case Decimal():
            return decimal_or_none(value)
        case Range() | Function() | Date() | Time() | DateTime() | Span() | Months():
            return value
        case date() | time() | timedelta():
            return _temporal(value)
        case bool() | int() | str() | float():
            # A subclass (an enumeration, say) is its plain value.
            base = next(kind for kind in (bool, int, str, float) if isinstance(value, kind))
            return _converted(base(value), 0)
        case _:
            return None


def _temporal(value: date | time | timedelta) -> Value:
    if isinstance(value, timedelta):
        return Span((value.days * 86_400 + value.seconds) * 10**9 + value.microseconds * 1000)
    text = value.isoformat()
    if isinstance(value, time):
        return time_of_text(text)
    return date_time_of_text(text) if isinstance(value, datetime) else date_of_text(text)


def number_of_float(value: float) -> Number | None:
    """Return a float as a number; None for what is no number.

    A whole float is taken exactly, any other as the decimal of its shortest text.
    """
    if value.is_integer() and abs(value) < WHOLE_MAX:
        return int(value)
    return decimal_or_none(repr(value))


def weigh(value: Value, spend: Callable[[int], None]) -> None:
    """Pay for every item inside a value, so that shared parts cannot grow without end.

    Raises
    ------
    Refused
        The budget behind `spend` is used up.
    """
    if type(value) is list or type(value) is dict:
        spend(len(value) + 1)
        for item in value.values() if isinstance(value, dict) else value:
            weigh(item, spend)


def from_feel(value: Value) -> Any:
    """Return a FEEL value as a plain Python value.

    Whole numbers of up to 34 digits become ints, others floats; temporal values and ranges
    become text; functions become None.

    Raises
    ------
    Refused
        Lists and contexts are nested deeper than `DATA_DEPTH_MAX`, or a number is larger than
        `NUMBER_OUT_MAX`.
    """
    return _plain(value, 0)


def _plain(value: Value, depth: int) -> Any:
    kind = type(value)
    if kind in (int, str, bool, type(None)):
        return value
    if kind is Decimal:
        return plain_number(value)
    if depth > DATA_DEPTH_MAX:
        raise exceeded("levels of lists and contexts", DATA_DEPTH_MAX, "Make the result flatter.")
    match value:
        case list():
            return [_plain(item, depth + 1) for item in value]
        case dict():
            return {key: _plain(item, depth + 1) for key, item in value.items()}
        case Range():
            return text(value)
        case Date() | Time() | DateTime() | Span() | Months():
            return text_of(value)
        case _:
            return None


def plain_number(value: Decimal) -> int | float:
    """Return a decimal as an int where it is whole, else as a float; see `from_feel`."""
    if value.adjusted() < DIGITS and value == value.to_integral_value():
        return int(value)
    near = float(value)
    if not math.isfinite(near):
        raise exceeded("as a number handed out", NUMBER_OUT_MAX, "Scale the result down.")
    return near


def text(value: Value, *, quoted: bool = False) -> str:
    """Return what ``string(value)`` gives; `quoted` puts strings in quotes, as inside lists."""
    if value is None or type(value) is bool:
        return _WORDS[value]
    match value:
        case str():
            return f'"{value}"' if quoted else value
        case int() | Decimal():
            return plain_text(value)
        case list():
            return f"[{', '.join(text(item, quoted=True) for item in value)}]"
        case dict():
            inside = (f"{key}: {text(item, quoted=True)}" for key, item in value.items())
            return f"{{{', '.join(inside)}}}"
        case Range():
            return _range_text(value)
        case Date() | Time() | DateTime() | Span() | Months():
            return text_of(value)
        case _:
            return "function"


def _range_text(value: Range) -> str:
    if value.op:
        bound = value.low if value.high is None else value.high
        return f"({value.op} {text(bound, quoted=True)})"
    first, last = "[" if value.low_included else "(", "]" if value.high_included else ")"
    return f"{first}{text(value.low, quoted=True)}..{text(value.high, quoted=True)}{last}"
