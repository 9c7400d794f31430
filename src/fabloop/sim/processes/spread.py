"""Random spans of time by their names: ``normal(90s, 10s)``, ``PT5M``, ``exponential(2min)``."""

import re
from collections.abc import Callable
from math import isfinite, log, sqrt
from random import Random
from typing import Final

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import DAY, HOUR, MINUTE, SECOND, duration_of_iso
from fabloop.base.names import did_you_mean

SPAN_NS_MAX = 3_660 * DAY

Draw = Callable[[Random], int]
"""Gives a span in nanoseconds, never negative."""

_UNITS: Final = {
    "ms": SECOND // 1_000,
    "s": SECOND,
    "min": MINUTE,
    "h": HOUR,
    "d": DAY,
}
_SPAN = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|min|h|d)$")
_CALL = re.compile(r"(?P<name>[a-z]+)\s*\((?P<rest>[^()]*)\)$")
_PARTS: Final = {
    "uniform": ("shortest", "longest"),
    "normal": ("mean", "deviation"),
    "triangular": ("shortest", "likeliest", "longest"),
    "exponential": ("mean",),
    "lognormal": ("mean", "deviation"),
}


def draw_of(text: str, source: str) -> Draw:
    """Return what draws spans of a distribution; a plain span is always the same.

    Raises
    ------
    Invalid
        The text names no distribution of positive spans.
    """
    text = text.strip()
    call = _CALL.match(text)
    if call is None:
        span_ns = _span_ns(text, source)
        return lambda _: span_ns
    name = call["name"]
    if name not in _PARTS:
        raise _fault(source, "a distribution of spans", f"'{name}'", did_you_mean(name, _PARTS))
    parts = [part for part in call["rest"].split(",") if part.strip()]
    if len(parts) != len(_PARTS[name]):
        expected = f"{name}({', '.join(_PARTS[name])})"
        raise _fault(source, expected, f"'{text}'")
    return _drawing(name, [_span_ns(part.strip(), source) for part in parts], source)


def _drawing(name: str, ns: list[int], source: str) -> Draw:
    if name in ("uniform", "triangular") and sorted(ns) != ns:
        raise _fault(source, f"{name}({', '.join(_PARTS[name])}) in this order", f"{ns} ns")
    if name in ("exponential", "lognormal") and ns[0] == 0:
        raise _fault(source, f"a positive mean of {name}", "0")
    match name:
        case "uniform":
            return lambda chance: _whole(chance.uniform(ns[0], ns[1]))
        case "normal":
            return lambda chance: _whole(chance.gauss(ns[0], ns[1]))
        case "triangular":
            return lambda chance: _whole(chance.triangular(ns[0], ns[2], ns[1]))
        case "exponential":
            return lambda chance: _whole(chance.expovariate(1 / ns[0]))
        case _:
            return _lognormal(ns[0], ns[1])


def _lognormal(mean_ns: int, deviation_ns: int) -> Draw:
    """Return a log-normal distribution by the mean and standard deviation of the spans."""
    variance = log(1 + (deviation_ns / mean_ns) ** 2)
    mu, sigma = log(mean_ns) - variance / 2, sqrt(variance)
    return lambda chance: _whole(chance.lognormvariate(mu, sigma))


def _whole(ns: float) -> int:
    return min(SPAN_NS_MAX, max(0, round(ns))) if isfinite(ns) else SPAN_NS_MAX


def _span_ns(text: str, source: str) -> int:
    found = _SPAN.match(text)
    if found is not None:
        return _whole(float(found["number"]) * _UNITS[found["unit"]])
    try:
        return _whole(duration_of_iso(text))
    except ValueError as error:
        expected = "a span such as 90s, 5min or PT1H30M, or a distribution of such"
        raise _fault(source, expected, f"'{text}'") from error


def _fault(source: str, expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source=source, path="", expected=expected, found=found, hint=hint))
