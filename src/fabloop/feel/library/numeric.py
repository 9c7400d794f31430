"""Built-in functions on numbers."""

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DecimalException,
)

from fabloop.feel.decimals import CONTEXT, DIGITS, Number, truncated, whole
from fabloop.feel.library.signature import Builtins, Undefined
from fabloop.feel.operators import TRANSCENDENTAL_STEPS
from fabloop.feel.run import Run
from fabloop.feel.temporal import Months, Span
from fabloop.feel.values import Value

NUMERIC = Builtins()
SCALE_MIN, SCALE_MAX = -6111, 6176
"""The scales that a decimal128 can have."""

_WIDE = Context(prec=13_000, Emin=-7000, Emax=7000)


def rounded(number: Number, scale: Number, rounding: str) -> Number:
    """Return a number with so many digits behind the point (before it, where negative)."""
    places = truncated(scale)
    if not SCALE_MIN <= places <= SCALE_MAX:
        raise Undefined(f"the scale {places} is not from {SCALE_MIN} to {SCALE_MAX}")
    value = Decimal(number)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= places:
        return number
    unit = Decimal((0, (1,), -places))
    result = CONTEXT.plus(value.quantize(unit, rounding=rounding, context=_WIDE))
    if places <= 0 and result.adjusted() < DIGITS:
        return int(result)
    return result


def _define_rounding(name: str, rounding: str, wanted: str) -> None:
    def body(_: Run, number: Number, scale: Number | None = 0) -> Number:
        if scale is None:
            raise Undefined("the scale is null")
        return rounded(number, scale, rounding)

    NUMERIC.define(name, wanted)(body)


_define_rounding("decimal", ROUND_HALF_EVEN, "n: number; scale: number")
_define_rounding("floor", ROUND_FLOOR, "n: number; scale?: number")
_define_rounding("ceiling", ROUND_CEILING, "n: number; scale?: number")
_define_rounding("round up", ROUND_UP, "n: number; scale: number")
_define_rounding("round down", ROUND_DOWN, "n: number; scale: number")
_define_rounding("round half up", ROUND_HALF_UP, "n: number; scale: number")
_define_rounding("round half down", ROUND_HALF_DOWN, "n: number; scale: number")
_define_rounding("round half even", ROUND_HALF_EVEN, "n: number; scale: number")


@NUMERIC.define("abs", "n: number or duration")
def _abs(_: Run, value: Number | Span | Months) -> Value:
    match value:
        case Span():
            return Span(abs(value.nanos))
        case Months():
            return Months(abs(value.months))
        case _:
            return abs(value)


@NUMERIC.define("modulo", "dividend: number; divisor: number")
def _modulo(_: Run, dividend: Number, divisor: Number) -> Number:
    if divisor == 0:
        raise Undefined("the divisor is zero")
    if type(dividend) is int and type(divisor) is int:
        return dividend % divisor
    try:
        left = CONTEXT.remainder(dividend, divisor)
    except DecimalException:
        raise Undefined("the quotient has too many digits") from None
    # FEEL takes the sign of the divisor (floored division), Decimal that of the dividend.
    return CONTEXT.add(left, divisor) if left and (left < 0) != (divisor < 0) else left


def _define_real(name: str, wanted: str) -> None:
    def body(run: Run, number: Number) -> Number:
        run.spend(TRANSCENDENTAL_STEPS)
        value = Decimal(number)
        try:
            if name == "sqrt":
                return CONTEXT.sqrt(value)
            return CONTEXT.exp(value) if name == "exp" else _logarithm(value)
        except DecimalException:
            raise Undefined(f"{name} of {number} is not a number in range") from None

    NUMERIC.define(name, wanted)(body)


def _logarithm(value: Decimal) -> Decimal:
    if value <= 0:
        raise Undefined(f"there is no logarithm of {value}")
    return CONTEXT.ln(value)


_define_real("sqrt", "number: number")
_define_real("exp", "number: number")
_define_real("log", "number: number")


@NUMERIC.define("even", "number: number")
def _even(_: Run, number: Number) -> bool:
    return _integer(number) % 2 == 0


@NUMERIC.define("odd", "number: number")
def _odd(_: Run, number: Number) -> bool:
    return _integer(number) % 2 != 0


def _integer(number: Number) -> int:
    found = whole(number)
    if found is None:
        raise Undefined(f"{number} is not a whole number")
    return found


@NUMERIC.define("not", "negand: boolean")
def _not(_: Run, negand: bool) -> bool:
    return not negand
