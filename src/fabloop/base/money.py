"""Money as whole minor units of a currency; text only at the border."""

from collections.abc import Mapping
from types import MappingProxyType

MINOR_DIGITS = 2
"""Decimal places of a currency unless it is one of the exceptions."""

MINOR_DIGITS_OF: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    )
    | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)
    | dict.fromkeys(("CLF", "UYW"), 4)
)
"""The exceptions of ISO 4217 (list one, minor units)."""


def minor_digits(currency: str) -> int:
    """Return how many decimal places amounts of the currency have."""
    return MINOR_DIGITS_OF.get(currency, MINOR_DIGITS)


def minor_per_unit(currency: str) -> int:
    """Return how many minor units one unit of the currency has."""
    return int(10 ** minor_digits(currency))


def money_text(minor: int, currency: str) -> str:
    """Return minor units as money (``108.96 EUR``, ``1250 JPY``, ``1.250 KWD``)."""
    digits, unit = minor_digits(currency), minor_per_unit(currency)
    sign, whole = ("-", -minor) if minor < 0 else ("", minor)
    cents = f".{whole % unit:0{digits}d}" if digits else ""
    return f"{sign}{whole // unit}{cents} {currency}".strip()
