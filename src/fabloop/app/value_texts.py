"""Values as people read them: money, figures with units, ages, evidence against limits."""

import re

from fabloop.base.instant import MINUTE, SECOND, Instant, instant_of, iso_of, span_text
from fabloop.base.money import money_text as money_text
from fabloop.base.quantity import Dimension, quantity_text
from fabloop.model.explanation import Evidence


def instant_text(at: Instant, zone: str) -> str:
    """Return local date and time to the minute with its offset (``2026-11-23 14:01 +01:00``)."""
    local = iso_of(at, zone)
    offset = "UTC" if local.endswith("Z") else local[19:]
    return f"{local[:10]} {local[11:16]} {offset}"


_WRITTEN_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)")


def short_text(at: Instant, zone: str) -> str:
    """Return local date and time (``2026-11-23 14:01``), where the zone is named once for all."""
    return iso_of(at, zone)[:16].replace("T", " ")


def in_zone(words: str, zone: str) -> str:
    """Return words in which every instant is told in one zone, which is named elsewhere."""

    def local(found: re.Match[str]) -> str:
        try:
            return short_text(instant_of(found[0]), zone)
        except ValueError:  # only looks like one: the 31st of a month of 30 days
            return found[0]

    return _WRITTEN_INSTANT.sub(local, words)


def evidence_text(evidence: Evidence, now: Instant) -> str:
    """Return a value with its age and source against its limit.

    ``16.2 µm, measured 2 h ago by tpe/1, limit 15 µm``.
    """
    parts = [value_text(evidence.value, evidence.dimension)] if evidence.value is not None else []
    if evidence.at is not None:
        by = f" by {evidence.source}" if evidence.source else ""
        parts.append(f"measured {age_text(evidence.at, now)}{by}")
    elif evidence.source:
        parts.append(f"from the {evidence.source}" if parts else f"unknown, by {evidence.source}")
    if evidence.limit is not None:
        word = "must be" if evidence.relation == "is" else "limit"
        parts.append(f"{word} {value_text(evidence.limit, evidence.dimension)}")
    return ", ".join(parts)


def age_text(at: Instant, now: Instant) -> str:
    """Return how long ago that was (``2 h ago``), or how far ahead it lies."""
    return f"{span_text(now - at)} ago" if at <= now else f"{span_text(at - now)} ahead of now"


def value_text(value: float | str | None, dimension: Dimension | None) -> str:
    """Return a value for people; None is an en dash."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if dimension is None:
        return f"{value:g}"
    if dimension is Dimension.TIME and abs(value) * SECOND >= MINUTE:
        return span_text(round(value * SECOND))
    return quantity_text(value, dimension)


def name_text(parameter: str) -> str:
    """Return a parameter's name as words (``position error``)."""
    return parameter.replace("_", " ").replace("-", " ")
