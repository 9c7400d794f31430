"""Units as data carries them: in texts, in the names of columns, in a column beside."""

import re
from functools import cache

from fabloop.base.quantity import Dimension, dimension_of, si_scale

_QUANTITY = re.compile(
    r"\s*([+-]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)(?:[eE][+-]?\d+)?)\s*(\D\S*(?:\s\S+)?)?\s*$"
)
_TRADE = {
    "gr": "g", "grs": "g", "gram": "g", "grams": "g", "gms": "g", "kgs": "kg", "kilo": "kg",
    "kilos": "kg", "mgs": "mg", "lt": "l", "ltr": "l", "liter": "l", "litre": "l", "liters": "l",
    "litres": "l", "cc": "ml", "sec": "s", "secs": "s", "seconds": "s", "mins": "min",
    "minutes": "min", "hr": "h", "hrs": "h", "hours": "h", "days": "d", "deg c": "degC",
    "celsius": "degC", "c": "degC", "f": "degF", "k": "K", "percent": "%", "pct": "%", "rpm": "rpm",
    "mm2": "mm**2", "pcs": "", "pc": "", "pieces": "", "piece": "", "pz": "", "ea": "", "each": "",
    "units": "", "unit": "", "nos": "", "x": "", "kg": "kg", "kw": "kW", "kwh": "kWh", "w": "W",
    "v": "V", "hz": "Hz", "bar": "bar", "pa": "Pa", "mbar": "mbar",
}  # fmt: skip
"""How the trade writes units. ``gr`` is gram here, as kitchens and papers mean it, never grain."""
_NAME_UNIT = re.compile(r"^(.*?)[\s_\-]*[\[(]([^\])]{1,15})[\])]\s*$")
_NAME_TAILS = {
    "g", "gr", "kg", "mg", "t", "l", "ml", "mm", "cm", "m", "km", "um", "nm", "s", "ms", "sec",
    "min", "h", "hr", "hrs", "hours", "minutes", "seconds", "days", "degc", "celsius", "kw", "kwh",
    "w", "wh", "j", "kj",
    "v", "a", "hz", "khz", "bar", "mbar", "pa", "kpa", "n", "pct", "percent", "rpm", "grams",
}  # fmt: skip
_TAIL_SPELLINGS = {
    "um": "µm", "wh": "Wh", "j": "J", "kj": "kJ", "a": "A", "khz": "kHz", "kpa": "kPa", "n": "N",
    "degc": "degC",
}  # fmt: skip


def known_unit(text: str) -> str | None:
    """Return the unit that a text means; empty for a count; None where it is no unit."""
    plain = text.strip().rstrip(".")
    trade = _TRADE.get(plain.lower())
    if trade is not None:
        return trade
    return plain if plain and _dimension(plain) is not None else None


def dimension_of_unit(unit: str) -> Dimension | None:
    """Return what a unit measures, None for a count or what is no unit."""
    return _dimension(unit) if unit else None


@cache
def _dimension(unit: str) -> Dimension | None:
    try:
        return dimension_of(unit)
    except ValueError:
        return None


def split_quantity(text: str) -> tuple[float, str] | None:
    """Return number and unit of a text such as ``75 gr``; None where it is none.

    A text that is only a number has the unit ``""``.
    """
    found = _QUANTITY.match(text)
    if found is None:
        return None
    number, rest = found[1], (found[2] or "").strip()
    unit = known_unit(rest) if rest else ""
    if unit is None:
        return None
    whole = number.replace(",", "") if re.search(r",\d{3}(?:\D|$)", number) else number
    return float(whole.replace(",", ".")), unit


def unit_in_name(name: str) -> tuple[str, str]:
    """Return a name without the unit that it ends with, and the unit: ``weight_kg``, ``t [s]``."""
    bracketed = _NAME_UNIT.match(name)
    if bracketed is not None:
        unit = known_unit(bracketed[2])
        if unit is not None:
            return bracketed[1], unit
    head, sign, tail = name.rpartition("_")
    if not sign:
        camel = re.match(r"^(.*[a-z])(Kg|Kwh|Mm|Cm|Celsius|Pct|Percent|Min|Sec|Hours)$", name)
        if camel is None:
            return name, ""
        head, tail = camel[1], camel[2]
    low = tail.lower()
    if not head or low not in _NAME_TAILS:
        return name, ""
    return head, _TAIL_SPELLINGS.get(low) or known_unit(low) or low


def converted(value: float, unit: str, wanted: str) -> float:
    """Return a value in another unit of the same dimension.

    Raises
    ------
    ValueError
        A unit is unknown, or they measure different things.
    """
    if unit == wanted:
        return value
    if dimension_of(unit) is not dimension_of(wanted):
        measured = f"{dimension_of(unit)}, not {dimension_of(wanted)}"
        raise ValueError(f"'{unit}' measures {measured}")
    factor, offset = si_scale(unit)
    factor_wanted, offset_wanted = si_scale(wanted)
    return float(f"{(value * factor + offset - offset_wanted) / factor_wanted:.12g}")
