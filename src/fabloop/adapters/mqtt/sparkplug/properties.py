"""Properties of a metric that a host heeds: its engineering unit and its quality."""

from typing import Any, Final

from fabloop.adapters.mqtt.sparkplug.datatypes import quality_of
from fabloop.sense.readings.quality import GOOD

UNITS: Final = frozenset({"engUnit", "EngUnit", "Engineering Units", "unit"})
QUALITY: Final = "Quality"
DEPTH_MAX: Final = 4
"""Sets of properties within each other that are looked into."""


def told_of(metric: Any) -> tuple[str, int]:
    """Return unit ("": not told) and quality byte of a metric."""
    if not metric.HasField("properties"):
        return "", GOOD
    return _in_set(metric.properties, DEPTH_MAX)


def _in_set(properties: Any, depth: int) -> tuple[str, int]:
    """Return what a set tells, or a set within it; what stands further out counts."""
    unit, quality, inner = "", GOOD, []
    for key, value in zip(properties.keys, properties.values, strict=False):
        field = value.WhichOneof("value")
        if field == "propertyset_value":
            inner.append(value.propertyset_value)
        elif field == "propertysets_value":
            inner += value.propertysets_value.propertyset
        elif key in UNITS:
            unit = value.string_value
        elif key == QUALITY:
            quality = quality_of(value.int_value or value.long_value)
    for each in inner if depth else ():
        inner_unit, inner_quality = _in_set(each, depth - 1)
        unit, quality = unit or inner_unit, quality if quality != GOOD else inner_quality
    return unit, quality
