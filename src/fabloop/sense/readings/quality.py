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
