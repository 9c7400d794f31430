"""FEEL's numbers: decimals of 34 digits (IEEE 754-2008 decimal128), ints where they are whole."""

from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)

Number = int | Decimal

DIGITS = 34
NUMBERS_OF = (int, Decimal)
"""What the type of a number may be; booleans are none."""

WHOLE_MAX = 10**DIGITS
"""Ints stay below this; larger numbers are rounded decimals."""

CONTEXT = Context(
    prec=DIGITS,
    rounding=ROUND_HALF_EVEN,
    Emin=-6143,
    Emax=6144,
    traps=[DivisionByZero, InvalidOperation, Overflow],
)


def decimal_or_none(source: str | Decimal) -> Decimal | None:
    """Return a decimal rounded to 34 digits; None where it is too large or no number."""
    try:
        found = CONTEXT.create_decimal(source)
    except DecimalException:
        return None
    return found if found.is_finite() else None


def settled(number: int) -> Number:
    """Return an int as it is, or rounded to 34 digits where it is too long."""
    if -WHOLE_MAX < number < WHOLE_MAX:
        return number
    return CONTEXT.plus(Decimal(number))


def whole(number: Number) -> int | None:
    """Return a number as an int if it has no fraction and is not larger than `WHOLE_MAX`."""
    if type(number) is int:
        return number
    if abs(number) >= WHOLE_MAX or number != int(number):
        return None
    return int(number)


def truncated(number: Number) -> int:
    """Return a number without its fraction; beyond `WHOLE_MAX` that limit with its sign."""
    return int(max(-WHOLE_MAX, min(number, WHOLE_MAX)))


def plain_text(number: Number) -> str:
    """Return a number in digits, without exponent and without zeros at its end."""
    if type(number) is int:
        return str(number)
    assert isinstance(number, Decimal)
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
