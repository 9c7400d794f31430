"""Properties of a metric that a host heeds: its engineering unit and its quality."""

from typing import Any, Final

from fabloop.adapters.mqtt.sparkplug.datatypes import quality_of
from fabloop.sense.readings.quality import GOOD

UNITS: Final = frozenset({"engUnit", "EngUnit", "Engineering Units", "unit"})
QUALITY: Final = "Quality"


def told_of(metric: Any) -> tuple[str, int]:
    """Return unit ("": not told) and quality byte of a metric."""
    if not metric.HasField("properties"):
        return "", GOOD
    unit, quality = "", GOOD
    for key, value in zip(metric.properties.keys, metric.properties.values, strict=False):
        if key in UNITS:
            unit = value.string_value
        elif key == QUALITY:
            quality = quality_of(value.int_value or value.long_value)
    return unit, quality
