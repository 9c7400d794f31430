"""How far a reading can be trusted: the quality byte of OPC Data Access, `QQSSSSLL`.

Two bits of status, four of sub-status, two of limits (OPC DA 3.0, 6.8). Other protocols
(status codes of OPC UA, quality of Sparkplug B) are mapped onto it by their adapters.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

GOOD: Final = 0xC0
LOCAL_OVERRIDE: Final = 0xD8
"""Good, but set by hand."""
UNCERTAIN: Final = 0x40
LAST_USABLE: Final = 0x44
"""Whatever wrote the value has stopped doing so."""
SENSOR_NOT_ACCURATE: Final = 0x50
RANGE_EXCEEDED: Final = 0x54
"""Outside of the limits of its unit or sensor."""
BAD: Final = 0x00
CONFIGURATION_ERROR: Final = 0x04
NOT_CONNECTED: Final = 0x08
DEVICE_FAILURE: Final = 0x0C
SENSOR_FAILURE: Final = 0x10
COMMUNICATION_FAILURE: Final = 0x18
OUT_OF_SERVICE: Final = 0x1C

STATUS_MASK: Final = 0xC0

Qualities = NDArray[np.uint8]


def is_good(quality: Qualities) -> NDArray[np.bool_]:
    """Return which readings may be computed with as they are."""
    good: NDArray[np.bool_] = (quality & STATUS_MASK) == GOOD
    return good


def is_bad(quality: Qualities) -> NDArray[np.bool_]:
    """Return which readings tell no value at all; their value is NaN."""
    bad: NDArray[np.bool_] = (quality & STATUS_MASK) == BAD
    return bad


_STATUS_WORDS: Final = {GOOD: "good", UNCERTAIN: "uncertain", BAD: "bad"}
_WORDS: Final = {
    LOCAL_OVERRIDE: "good, set by hand",
    LAST_USABLE: "uncertain, last usable value",
    SENSOR_NOT_ACCURATE: "uncertain, sensor not accurate",
    RANGE_EXCEEDED: "uncertain, beyond the limits of its sensor",
    CONFIGURATION_ERROR: "bad, wrongly configured",
    NOT_CONNECTED: "bad, not connected",
    DEVICE_FAILURE: "bad, device failed",
    SENSOR_FAILURE: "bad, sensor failed",
    COMMUNICATION_FAILURE: "bad, communication failed",
    OUT_OF_SERVICE: "bad, out of service",
}
_LIMIT_WORDS: Final = ("", ", at its lower limit", ", at its upper limit", ", constant")
_LIMITS: Final = 0x03


def words(quality: int) -> str:
    """Return a quality in words."""
    status = _STATUS_WORDS.get(quality & STATUS_MASK, "unknown")
    said = _WORDS.get(quality & ~_LIMITS, status)
    return said + _LIMIT_WORDS[quality & _LIMITS]
