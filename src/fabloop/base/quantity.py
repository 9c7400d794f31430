"""Physical quantities: text with a unit in documents, SI floats inside.

The unit registry is pint's; only this file knows it. A unit text is looked up once and then
remembered as a scale, so reading many values of few units is cheap.
"""

import re
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec

_NUMBER_AND_UNIT = re.compile(r"\s*([+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)\s*(\S.*)?$", re.ASCII)


class Dimension(StrEnum):
    """What kind of quantity a value is; its SI unit is `Dimension.unit`."""

    LENGTH = "length"
    TIME = "time"
    MASS = "mass"
    ENERGY = "energy"
    POWER = "power"
    FORCE = "force"
    TEMPERATURE = "temperature"
    SPEED = "speed"
    TORQUE = "torque"
    FREQUENCY = "frequency"
    RATIO = "ratio"
    MASS_PER_ENERGY = "mass per energy"
    STIFFNESS = "stiffness"
    DAMPING = "damping"
    EXPANSION = "thermal expansion"
    ACCELERATION = "acceleration"
    PRESSURE = "pressure"
    CURRENT = "electric current"
    VOLTAGE = "voltage"
    VOLUME = "volume"
    FLOW = "volume flow"

    @property
    def unit(self) -> str:
        """The SI unit in which values of this dimension are held."""
        return _SI_UNIT[self]


_SI_UNIT = {
    Dimension.LENGTH: "m",
    Dimension.TIME: "s",
    Dimension.MASS: "kg",
    Dimension.ENERGY: "J",
    Dimension.POWER: "W",
    Dimension.FORCE: "N",
    Dimension.TEMPERATURE: "K",
    Dimension.SPEED: "m/s",
    Dimension.TORQUE: "N*m",
    Dimension.FREQUENCY: "1/s",
    Dimension.RATIO: "",
    Dimension.MASS_PER_ENERGY: "kg/J",
    Dimension.STIFFNESS: "N/m",
    Dimension.DAMPING: "N*s/m",
    Dimension.EXPANSION: "1/K",
    Dimension.ACCELERATION: "m/s**2",
    Dimension.PRESSURE: "Pa",
    Dimension.CURRENT: "A",
    Dimension.VOLTAGE: "V",
    Dimension.VOLUME: "m**3",
    Dimension.FLOW: "m**3/s",
}


_UNEVEN = {"month", "year", "common_year", "leap_year", "decade", "century", "millennium"}
"""Of which one is longer than another; pint takes their mean."""


class _Scale(msgspec.Struct, frozen=True):
    """SI value = factor * number + offset, for one unit text."""

    dimension: str
    factor: Decimal
    offset: Decimal


@cache
def _registry() -> Any:
    import pint  # noqa: PLC0415  # a quarter of a second that only readers of documents pay

    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True)


@cache
def _scale(unit: str) -> _Scale:
    """Return how numbers in `unit` become SI values.

    Raises
    ------
    ValueError
        Nobody knows the unit, or its dimension is none of `Dimension`.
    """
    if not unit.isprintable():
        raise ValueError(f"unknown unit {unit!r}")
    if unit == "%":
        return _Scale(Dimension.RATIO, Decimal("0.01"), Decimal(0))
    registry = _registry()
    try:
        units = registry.parse_units(unit.replace("°C", "degC").replace("µ", "micro"))
    except Exception as error:  # pint raises its own, tokenizer and attribute errors
        raise ValueError(f"unknown unit {unit!r}") from error
    if _UNEVEN & set(units._units):  # noqa: SLF001  # pint names the parts of a unit nowhere else
        raise ValueError("a unit of one length, such as 'd': months and years differ")
    for dimension, si in _SI_UNIT.items():
        target = registry.parse_units(si)
        if units.dimensionality == target.dimensionality and not _is_torque_for_energy(
            dimension, unit
        ):
            zero = registry.Quantity(0.0, units).to(target).magnitude
            one = registry.Quantity(1.0, units).to(target).magnitude
            return _Scale(dimension, _decimal(one - zero), _decimal(zero))
    raise ValueError(f"unit {unit!r} measures none of: {', '.join(_SI_UNIT)}")


def _decimal(value: float) -> Decimal:
    """Return the short decimal a factor was meant to be (1e-06, not 9.99999999999e-07)."""
    return Decimal(f"{value:.15g}")


def _is_torque_for_energy(dimension: Dimension, unit: str) -> bool:
    """Tell newton metres of torque from joules: both are kg m²/s², the text decides."""
    written_as_torque = "N" in unit and "m" in unit
    return (dimension is Dimension.ENERGY) == written_as_torque and dimension in (
        Dimension.ENERGY,
        Dimension.TORQUE,
    )


def quantity_of(text: str, dimension: Dimension) -> float:
    """Read ``"15 µm"`` as an SI value of the given dimension.

    Raises
    ------
    ValueError
        No number, no or an unknown unit, or a unit of another dimension; the message says which.
    """
    found = _NUMBER_AND_UNIT.match(text)
    if found is None:
        raise ValueError(f"a number and a unit of {dimension}, such as {example(dimension)!r}")
    number, unit = Decimal(found[1].replace(",", ".")), (found[2] or "").strip()
    if dimension is Dimension.RATIO and unit == "":
        return float(number)
    if unit == "":
        raise ValueError(f"a unit of {dimension} after the number, such as {example(dimension)!r}")
    scale = _scale(unit)
    if scale.dimension != dimension:
        raise ValueError(f"a unit of {dimension}, not of {scale.dimension}")
    return float(number * scale.factor + scale.offset)


def dimension_of(unit: str) -> Dimension:
    """Return what a unit measures.

    Raises
    ------
    ValueError
        Nobody knows the unit, or it measures none of `Dimension`.
    """
    return Dimension(_scale(unit).dimension)


def si_scale(unit: str) -> tuple[float, float]:
    """Return factor and offset: SI value = number in `unit` * factor + offset.

    Raises
    ------
    ValueError
        Nobody knows the unit, or it measures none of `Dimension`.
    """
    scale = _scale(unit)
    return float(scale.factor), float(scale.offset)


def example(dimension: Dimension) -> str:
    """Return a text that would be read as this dimension, for error messages and schemas."""
    return _EXAMPLE[dimension]


_EXAMPLE = {
    Dimension.LENGTH: "15 µm",
    Dimension.TIME: "12 min",
    Dimension.MASS: "2.4 kg",
    Dimension.ENERGY: "0.8 kWh",
    Dimension.POWER: "7.5 kW",
    Dimension.FORCE: "120 N",
    Dimension.TEMPERATURE: "180 °C",
    Dimension.SPEED: "20 m/min",
    Dimension.TORQUE: "4 N*m",
    Dimension.FREQUENCY: "50 Hz",
    Dimension.RATIO: "95 %",
    Dimension.MASS_PER_ENERGY: "120 g/kWh",
    Dimension.STIFFNESS: "150 N/µm",
    Dimension.DAMPING: "20 kN*s/m",
    Dimension.EXPANSION: "11 µm/(m*K)",
    Dimension.ACCELERATION: "2.5 m/s**2",
    Dimension.PRESSURE: "6 bar",
    Dimension.CURRENT: "12 A",
    Dimension.VOLTAGE: "400 V",
    Dimension.VOLUME: "20 l",
    Dimension.FLOW: "8 l/min",
}

_DISPLAY = {
    Dimension.LENGTH: ((1.0, "m"), (1e-3, "mm"), (1e-6, "µm"), (1e-9, "nm")),
    Dimension.TIME: ((3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms")),
    Dimension.MASS: ((1.0, "kg"), (1e-3, "g")),
    Dimension.ENERGY: ((3.6e6, "kWh"), (3.6e3, "Wh"), (1.0, "J")),
    Dimension.POWER: ((1e3, "kW"), (1.0, "W")),
    Dimension.FORCE: ((1e3, "kN"), (1.0, "N")),
    Dimension.SPEED: ((1.0, "m/s"), (1e-3, "mm/s")),
    Dimension.STIFFNESS: ((1e6, "N/µm"), (1.0, "N/m")),
}


def quantity_text(value: float, dimension: Dimension, digits: int = 3) -> str:
    """Return an SI value for people, in the largest unit that keeps the number at 1 or above."""
    if dimension is Dimension.RATIO:
        return f"{value:.{digits}g}"
    if dimension is Dimension.TEMPERATURE:
        return f"{value - 273.15:.{digits}g} °C"
    steps = _DISPLAY.get(dimension, ((1.0, dimension.unit),))
    size, unit = next((step for step in steps if abs(value) >= step[0]), steps[-1])
    if value == 0.0:
        size, unit = (1e-6, "µm") if dimension is Dimension.LENGTH else steps[0]
    shown = round(value / size, max(0, digits - len(str(int(abs(value / size))))))
    return f"{shown:g} {unit}"
