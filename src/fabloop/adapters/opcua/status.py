"""Status codes of OPC UA to the quality byte of OPC DA, and what else they tell."""

from typing import Final

from fabloop.sense.readings.quality import (
    BAD,
    COMMUNICATION_FAILURE,
    CONFIGURATION_ERROR,
    DEVICE_FAILURE,
    GOOD,
    LAST_USABLE,
    LOCAL_OVERRIDE,
    NOT_CONNECTED,
    OUT_OF_SERVICE,
    RANGE_EXCEEDED,
    SENSOR_FAILURE,
    SENSOR_NOT_ACCURATE,
    UNCERTAIN,
)

GOOD_SEVERITY: Final = 0
UNCERTAIN_SEVERITY: Final = 1
WAITING_FOR_INITIAL_DATA: Final = 0x8032_0000
_DATA_VALUE: Final = 0x0400
_OVERFLOW: Final = 0x0080
_SEMANTICS_CHANGED: Final = 0x4000
_LIMITS_SHIFT: Final = 8

_BY_CODE: Final = {
    0x0096_0000: LOCAL_OVERRIDE,        # GoodLocalOverride
    0x4090_0000: LAST_USABLE,           # UncertainLastUsableValue
    0x408F_0000: LAST_USABLE,           # UncertainNoCommunicationLastUsableValue
    0x4093_0000: SENSOR_NOT_ACCURATE,   # UncertainSensorNotAccurate
    0x4094_0000: RANGE_EXCEEDED,        # UncertainEngineeringUnitsExceeded
    0x4095_0000: 0x58,                  # UncertainSubNormal
    0x8089_0000: CONFIGURATION_ERROR,   # BadConfigurationError
    0x808A_0000: NOT_CONNECTED,         # BadNotConnected
    0x808B_0000: DEVICE_FAILURE,        # BadDeviceFailure
    0x808C_0000: SENSOR_FAILURE,        # BadSensorFailure
    0x808D_0000: OUT_OF_SERVICE,        # BadOutOfService
    0x8031_0000: COMMUNICATION_FAILURE, # BadNoCommunication
    0x8005_0000: COMMUNICATION_FAILURE, # BadCommunicationError
    0x800A_0000: COMMUNICATION_FAILURE, # BadTimeout
    0x80AC_0000: COMMUNICATION_FAILURE, # BadConnectionClosed
    0x8034_0000: CONFIGURATION_ERROR,   # BadNodeIdUnknown
}  # fmt: skip


def quality_of(status: int) -> int:
    """Return the quality byte of a status code; limits of the value go along in the last bits.

    Notes
    -----
    Source: OPC 10000-4, 7.39 (bits of a status code); OPC 10000-8, annex A (the mapping between
    quality codes of COM DA and OPC UA).
    """
    limits = status >> _LIMITS_SHIFT & 3 if status & _DATA_VALUE else 0
    found = _BY_CODE.get(status & 0xFFFF_0000)
    if found is None:
        severity = status >> 30
        if severity == GOOD_SEVERITY:
            found = GOOD
        else:
            found = UNCERTAIN if severity == UNCERTAIN_SEVERITY else BAD
    return found | limits


def overflowed(status: int) -> bool:
    """Tell whether the queue of the machine ran over before this value: older ones are lost."""
    return bool(status & _DATA_VALUE) and bool(status & _OVERFLOW)


def meaning_changed(status: int) -> bool:
    """Tell whether unit, range or states of the variable have changed."""
    return bool(status & _SEMANTICS_CHANGED)
