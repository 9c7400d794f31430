"""What the terms of a request are called, and how their limits read."""

from collections.abc import Mapping

from fabloop.app.value_texts import instant_text
from fabloop.base.instant import Instant
from fabloop.base.money import money_text
from fabloop.base.quantity import Dimension, quantity_text

_LIMITS: Mapping[str, str] = {
    "cost_max_minor": "a budget",
    "energy_max_j": "a cap on energy",
    "co2_max_kg": "a cap on CO2",
    "deadline": "a deadline",
    "sites_max": "a limit on sites",
}
_MEMBERS: Mapping[str, str] = {
    "forbidden_sites": "no part for site {}",
    "forbidden_units": "no part for work unit {}",
    "pinned": "a settled work unit for operation {}",
}


def wish_name(name: str, labels: Mapping[str, str]) -> str:
    """Return what a wish is called (``a budget``, ``no part for site Vienna``)."""
    field, _, member = name.partition(".")
    if field in _MEMBERS:
        return _MEMBERS[field].format(labels.get(member, member))
    return _LIMITS.get(field, field)


def wish_value(name: str, value: float | str | None, currency: str, zone: str = "UTC") -> str:
    """Return the limit of a wish for people, instants in a time zone; empty where it has none."""
    if value is None or isinstance(value, str):
        return value or ""
    match name:
        case "cost_max_minor":
            return money_text(round(value), currency)
        case "energy_max_j":
            return quantity_text(value, Dimension.ENERGY)
        case "co2_max_kg":
            return quantity_text(value, Dimension.MASS)
        case "deadline":
            return instant_text(Instant(round(value)), zone)
        case _:
            return f"{value:g}"
