"""Data types of Sparkplug B (its table 6.4.16) to numbers."""

import math
from typing import Any, Final

from fabloop.sense.readings.quality import BAD, GOOD, LAST_USABLE, UNCERTAIN

TEXTS: Final = frozenset({12, 14})
"""String and Text: readings where the mapping lists states for them."""
DATE_TIME: Final = 13
BOOLEAN: Final = 11

_SIGNED_BITS: Final = {1: 8, 2: 16, 3: 32, 4: 64}
_NUMERIC: Final = frozenset(range(1, 12)) | {DATE_TIME}

_NAMES: Final = (
    "Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float",
    "Double", "Boolean", "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File",
    "Template", "PropertySet", "PropertySetList", "Int8Array", "Int16Array", "Int32Array",
    "Int64Array", "UInt8Array", "UInt16Array", "UInt32Array", "UInt64Array", "FloatArray",
    "DoubleArray", "BooleanArray", "StringArray", "DateTimeArray",
)  # fmt: skip


def name_of(datatype: int) -> str:
    """Return what a data type is called."""
    return _NAMES[datatype] if datatype < len(_NAMES) else f"data type {datatype}"


def is_number(datatype: int) -> bool:
    """Return whether values of a data type are numbers."""
    return datatype in _NUMERIC


def number_of(metric: Any, datatype: int) -> float:
    """Return the value of a metric of a numeric type; NaN: it has none, or a text.

    Whichever field is set counts: senders differ in the field of a UInt32, and in whether they
    extend the sign of a small integer. A DateTime is in seconds since 1970.
    """
    field = metric.WhichOneof("value")
    if field is None or field == "string_value":
        return math.nan
    value = getattr(metric, field)
    bits = _SIGNED_BITS.get(datatype)
    if bits is not None:
        value &= (1 << bits) - 1
        if value >> (bits - 1):
            value -= 1 << bits
    elif datatype == DATE_TIME:
        value /= 1_000
    return float(value)


def quality_of(code: int) -> int:
    """Return the quality byte for the property ``Quality`` of a metric (0, 192 or 500)."""
    if code == 500:
        return LAST_USABLE  # "stale"
    if code == 192:
        return GOOD
    return BAD if code == 0 else UNCERTAIN
