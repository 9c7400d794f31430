"""Units as OPC UA names them: common codes of UNECE Recommendation 20, and the texts we read."""

from typing import Final

UNECE_NAMESPACE: Final = "http://www.opcfoundation.org/UA/units/un/cefact"
"""`NamespaceUri` of an `EUInformation` whose `UnitId` is a common code."""

_UNIT_BY_CODE: Final = {
    "C62": "", "P1": "%", "CEL": "°C", "KEL": "K",
    "WTT": "W", "KWT": "kW", "MAW": "MW", "JOU": "J", "KJO": "kJ", "3B": "MJ", "WHR": "Wh",
    "KWH": "kWh", "MWH": "MWh",
    "MTR": "m", "CMT": "cm", "MMT": "mm", "4H": "µm", "C45": "nm",
    "SEC": "s", "C26": "ms", "B98": "µs", "MIN": "min", "HUR": "h", "DAY": "d",
    "KGM": "kg", "GRM": "g", "MC": "µg", "TNE": "t",
    "NEW": "N", "B47": "kN", "NU": "N*m", "4P": "N/m",
    "MTS": "m/s", "C16": "mm/s", "2X": "m/min", "MSK": "m/s**2",
    "HTZ": "Hz", "KHZ": "kHz", "C97": "1/s", "C94": "1/min", "RPM": "1/min",
    "AMP": "A", "4K": "mA", "VLT": "V", "2Z": "mV", "KVA": "kVA",
    "BAR": "bar", "PAL": "Pa", "KPA": "kPa", "MPA": "MPa",
    "L2": "l/min", "LTR": "l", "MTQ": "m**3", "MQH": "m**3/h",
}  # fmt: skip
_CODE_BY_UNIT: Final = {unit: code for code, unit in reversed(_UNIT_BY_CODE.items())}


def unit_of_code(code: str) -> str | None:
    """Return the unit of a common code as we write it; None for codes that are not known."""
    return _UNIT_BY_CODE.get(code)


def code_of_unit(unit: str) -> str | None:
    """Return the common code of a unit that we write so; None where there is none."""
    return _CODE_BY_UNIT.get(unit)


def unit_id(code: str) -> int:
    """Return the `UnitId` of a common code: its characters as the bytes of a number.

    Notes
    -----
    Source: OPC 10000-8, 5.6.3 (mapping of UNECE common codes).
    """
    return int.from_bytes(code.encode("ascii"), "big")


def code_of_unit_id(number: int) -> str:
    """Return the common code of a `UnitId`; empty where it is none."""
    if number <= 0:
        return ""
    text = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return text.decode("ascii") if text.isascii() and text.isalnum() else ""
