"""Status codes of OPC UA against the library's own table and the bits of the specification."""

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from fabloop.adapters.opcua.status import (
    _BY_CODE,
    WAITING_FOR_INITIAL_DATA,
    meaning_changed,
    overflowed,
    quality_of,
)
from fabloop.sense.readings.quality import (
    BAD,
    GOOD,
    LAST_USABLE,
    SENSOR_FAILURE,
    STATUS_MASK,
    UNCERTAIN,
)

CODES = ua.StatusCodes


@pytest.mark.parametrize(
    ("name", "quality"),
    [
        ("Good", GOOD), ("GoodLocalOverride", 0xD8), ("GoodClamped", GOOD),
        ("Uncertain", UNCERTAIN), ("UncertainLastUsableValue", LAST_USABLE),
        ("UncertainEngineeringUnitsExceeded", 0x54), ("UncertainSensorNotAccurate", 0x50),
        ("Bad", BAD), ("BadSensorFailure", SENSOR_FAILURE), ("BadDeviceFailure", 0x0C),
        ("BadNotConnected", 0x08), ("BadNoCommunication", 0x18), ("BadOutOfService", 0x1C),
        ("BadConfigurationError", 0x04), ("BadTypeMismatch", BAD),
    ],
)  # fmt: skip
def test_a_code_has_the_quality_of_opc_da(name, quality):
    assert quality_of(getattr(CODES, name)) == quality


def test_every_code_of_the_table_is_one_of_opc_ua():
    known = {value for name, value in vars(CODES).items() if not name.startswith("_")}
    assert set(_BY_CODE) <= known
    assert CODES.BadWaitingForInitialData == WAITING_FOR_INITIAL_DATA


@given(st.integers(0, 2**32 - 1))
def test_the_severity_of_a_code_is_that_of_its_quality(status):
    kind = {0: GOOD, 1: UNCERTAIN}.get(status >> 30, BAD)
    assert quality_of(status) & STATUS_MASK == kind


def test_the_last_bits_tell_limits_overflow_and_a_change_of_meaning():
    assert [quality_of(0x400 | limit << 8) for limit in range(4)] == [0xC0, 0xC1, 0xC2, 0xC3]
    assert quality_of(0x300) == GOOD
    assert overflowed(0x480)
    assert not overflowed(0x080)
    assert not overflowed(0x400)
    assert meaning_changed(0x4000)
    assert not meaning_changed(0)
