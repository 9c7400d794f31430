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
    "forbidden_sites": "that {} takes no part",
    "forbidden_units": "that {} takes no part",
    "pinned": "another work unit for {}",
    "disclosure": "that sites disclose more",
}
_RELIEF: Mapping[str, str] = {
    "cost_max_minor": "raise the budget",
    "energy_max_j": "raise the cap on energy",
    "co2_max_kg": "raise the cap on CO2",
    "deadline": "move the deadline",
    "sites_max": "raise the limit on sites",
    "forbidden_sites": "let {} take part",
    "forbidden_units": "let {} take part",
    "pinned": "let another work unit do {}",
}


def wish_name(name: str) -> str:
    """Return what a request demands by a wish (``a budget``, ``that Vienna takes no part``)."""
    field, _, member = name.partition(".")
    return _LIMITS.get(field) or _MEMBERS.get(field, field).format(member)


def wish_demand(name: str, limit: str) -> str:
    """Return what a request demands, with its limit; of a settled operation, who does it."""
    field, _, member = name.partition(".")
    if field == "pinned" and limit:
        return f"that {limit} does {member}"
    return wish_name(name) + (f" of {limit}" if limit else "")


def wish_relief(name: str, before: str, after: str) -> str:
    """Return what giving a wish up comes to, without a full stop."""
    field, _, member = name.partition(".")
    text = _RELIEF.get(field, f"give up {wish_name(name)}").format(member)
    if not after:
        return text
    return f"{text} from {before} to {after}" if before else f"{text} to {after}"


def wish_labelled(name: str, labels: Mapping[str, str]) -> str:
    """Return a wish's name with what it is about as people call that."""
    field, dot, member = name.partition(".")
    return f"{field}{dot}{labels.get(member, member)}" if field in _MEMBERS else name


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
