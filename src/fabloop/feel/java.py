"""Functions of Java's own library that models name (``external {java: ...}``), run natively.

Only pure functions of ``java.lang`` stand here; other classes belong to a program that is not
there and are refused. Arguments are converted and checked as Java's types ask.
"""

import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from fabloop.feel.run import Run
from fabloop.feel.values import Value, described

TEXT = "java.lang.String"
SEVERAL = "[Ljava.lang.Object;"
_WHOLE = {"byte": 7, "short": 15, "int": 31, "long": 63}
_BROKEN = ("float", "double")
_WRAPPERS = {
    "Byte": "byte",
    "Short": "short",
    "Integer": "int",
    "Long": "long",
    "Float": "float",
    "Double": "double",
}

Method = tuple[tuple[str, ...], str, Callable[..., Any]]
"""Types of the parameters, type of the result, and what computes it."""


class _Mismatch(ValueError):
    """An argument is none of the type that a parameter has."""


def _catalogue() -> dict[tuple[str, tuple[str, ...]], Method]:
    """Return the methods by full name and parameter types."""
    found: dict[tuple[str, tuple[str, ...]], Method] = {}

    def define(name: str, types: tuple[str, ...], result: str, body: Callable[..., Any]) -> None:
        found[name, types] = (types, result, body)

    for name, body in _MATH.items():
        define(f"java.lang.Math.{name}", ("double",), "double", body)
    for name, two in _MATH_OF_TWO.items():
        define(f"java.lang.Math.{name}", ("double", "double"), "double", two)
    for kind in ("int", "long", *_BROKEN):
        define("java.lang.Math.abs", (kind,), kind, abs)
        define("java.lang.Math.max", (kind, kind), kind, max)
        define("java.lang.Math.min", (kind, kind), kind, min)
    for kind in ("int", "long"):
        define("java.lang.Math.floorDiv", (kind, kind), kind, lambda a, b: a // b)
        define("java.lang.Math.floorMod", (kind, kind), kind, lambda a, b: a % b)
    define("java.lang.Math.round", ("double",), "long", lambda x: math.floor(x + 0.5))
    define("java.lang.Math.round", ("float",), "int", lambda x: math.floor(x + 0.5))
    for wrapper, kind in _WRAPPERS.items():
        parsed = f"parse{'Int' if wrapper == 'Integer' else wrapper}"
        define(f"java.lang.{wrapper}.valueOf", (kind,), kind, lambda x: x)
        define(f"java.lang.{wrapper}.valueOf", (TEXT,), kind, _reader(kind))
        define(f"java.lang.{wrapper}.{parsed}", (TEXT,), kind, _reader(kind))
    for name in ("valueOf", "parseBoolean"):
        define(f"java.lang.Boolean.{name}", (TEXT,), "boolean", lambda x: x.lower() == "true")
    for kind in ("char", "int", "long"):
        define("java.lang.String.valueOf", (kind,), TEXT, str)
    define("java.lang.String.valueOf", ("boolean",), TEXT, lambda x: "true" if x else "false")
    define("java.lang.String.format", (TEXT, SEVERAL), TEXT, _formatted)
    return found


def _reader(kind: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if kind in _BROKEN:
            return _broken(kind, Decimal(text.strip()))
        if not re.fullmatch(r"[+-]?\d+", text):
            raise _Mismatch(f"'{text:.40}' is no whole number")
        return _whole(kind, int(text))

    return read


_MATH: dict[str, Callable[[float], float]] = {
    "ceil": lambda x: float(math.ceil(x)),
    "floor": lambda x: float(math.floor(x)),
    "rint": lambda x: float(round(x)),
    "sqrt": math.sqrt,
    "cbrt": math.cbrt,
    "exp": math.exp,
    "expm1": math.expm1,
    "log": math.log,
    "log10": math.log10,
    "log1p": math.log1p,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "signum": lambda x: math.copysign(1.0, x) if x else 0.0,
    "toDegrees": math.degrees,
    "toRadians": math.radians,
}
_MATH_OF_TWO: dict[str, Callable[[float, float], float]] = {
    "pow": math.pow,
    "atan2": math.atan2,
    "hypot": math.hypot,
    "copySign": math.copysign,
    "IEEEremainder": math.remainder,
}

_CONVERSION = re.compile(r"%(?P<flags>[-+0, ]*)(?P<width>\d{0,3})(?P<digits>\.\d{1,2})?(?P<kind>.)")


def _formatted(pattern: str, values: Sequence[Value]) -> str:
    """Format as ``java.util.Formatter`` does: s, d, f, e, x, b, c, n and a percent sign."""
    rest = iter(values)

    def one(found: re.Match[str]) -> str:
        kind = found["kind"]
        if kind in "n%":
            return "\n" if kind == "n" else "%"
        try:
            return _converted(found, next(rest))
        except StopIteration:
            raise _Mismatch(f"'{found[0]}' has no argument") from None

    return _CONVERSION.sub(one, pattern)


def _converted(found: re.Match[str], value: Value) -> str:
    flags, width, digits = found["flags"], found["width"], found["digits"] or ""
    shape = "<" if "-" in flags else ""
    shape += "".join(each for each in "+ " if each in flags)
    shape += "0" if "0" in flags and not shape.startswith("<") else ""
    shape += width + ("," if "," in flags else "")
    match found["kind"]:
        case "s":
            text = value if isinstance(value, str) else "null" if value is None else str(value)
            made = text[: int(digits[1:])] if digits else text
            return format(made, f"{'<' if '-' in flags else '>'}{width}")
        case "b":
            return "true" if value else "false"
        case "d" | "x" as kind if isinstance(value, int | Decimal) and value == int(value):
            return format(int(value), shape + kind)
        case "f" | "e" as kind if isinstance(value, int | Decimal):
            return format(Decimal(value), f"{shape}{digits or '.6'}{kind}")
        case "c" if isinstance(value, str) and len(value) == 1:
            return value
        case kind:
            raise _Mismatch(f"'%{kind}' does not take {described(value)}")


def _whole(kind: str, number: int) -> int:
    if not -(1 << _WHOLE[kind]) <= number < 1 << _WHOLE[kind]:
        raise _Mismatch(f"{number} is not in the range of {kind}")
    return number


def _broken(kind: str, number: Decimal | float) -> float:
    if kind == "double":
        return float(number)
    try:
        narrow: float = struct.unpack("<f", struct.pack("<f", float(number)))[0]
    except OverflowError:
        raise _Mismatch(f"{number} is not in the range of float") from None
    return narrow


def _argument(kind: str, value: Value) -> Any:
    """Return a FEEL value as what a parameter of a Java type takes."""
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if kind in _WHOLE and number and value == int(value):
        return _whole(kind, int(value))
    if kind in _BROKEN and number:
        return _broken(kind, value)
    if kind == TEXT and isinstance(value, str):
        return value
    if kind == "char" and isinstance(value, str) and len(value) == 1:
        return value
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind == SEVERAL:
        return value if isinstance(value, list) else [value]
    raise _Mismatch(f"{kind} does not take {described(value)}")


def _result(kind: str, value: Any) -> Value:
    """Return what a method gave as a FEEL value: numbers as Java would write them."""
    if kind == "double":
        return _decimal(repr(value))
    if kind == "float":
        texts = (f"{value:.{digits}g}" for digits in range(6, 10))
        return _decimal(next(text for text in texts if _broken("float", Decimal(text)) == value))
    return value


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise _Mismatch(f"the result is {text}")
    return number


JAVA: Mapping[tuple[str, tuple[str, ...]], Method] = _catalogue()
_SIGNATURE = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*")


def java_method(owner: str, signature: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the key of a method from its class and ``name(types)``; None where it is unknown."""
    found = _SIGNATURE.fullmatch(signature)
    if found is None:
        return None
    types = tuple(each.strip() for each in found[2].split(",") if each.strip())
    key = (f"{owner.strip()}.{found[1]}", types)
    return key if key in JAVA else None


def call_java(run: Run, key: tuple[str, tuple[str, ...]], given: Sequence[Value], at: int) -> Value:
    """Run a method; null with a warning where it does not take these arguments."""
    types, result, body = JAVA[key]
    run.spend(1 + sum(len(each) >> 6 for each in given if isinstance(each, str)))
    try:
        taken = [_argument(kind, value) for kind, value in zip(types, given, strict=True)]
        made = _result(result, body(*taken))
    except (ArithmeticError, ValueError, OverflowError) as error:
        run.null(at, f"Expected arguments that {key[0]} takes, but {error}.")
        return None
    return run.string(made) if isinstance(made, str) else made
