"""The face of the daily test: from a recording to the total position error."""

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import SECOND, Instant
from fabloop.sense.calibration import Calibration
from fabloop.sense.characteristics import (
    COHERENCE_MIN,
    Rejected,
    characteristics_of,
)
from fabloop.sense.position_error import (
    VALID_FOR_NS,
    Requirement,
    TotalPositionError,
    as_of,
    position_error,
    vendor_error,
)
from fabloop.sense.recording import Recording


def measure(
    recording: Recording,
    calibration: Calibration,
    requirement: Requirement,
    at: Instant,
    *,
    coherence_min: float = COHERENCE_MIN,
    valid_for_ns: int = VALID_FOR_NS,
) -> TotalPositionError:
    """Return the error that counts at the instant: measured, or the vendor's value widened.

    A recording that is rejected or too old at `at` never yields a measured error.

    Raises
    ------
    Invalid
        The recording lies after `at`, or requirement, calibration and program do not fit.
    """
    drives = {axis: each.drive for axis, each in calibration.axes.items()}
    found = characteristics_of(recording, drives, coherence_min=coherence_min)
    if isinstance(found, Rejected):
        now = msgspec.structs.replace(found, at=at)
        return vendor_error(now, calibration, requirement, valid_for_ns=valid_for_ns)
    if found.at > at:
        fault = Fault(
            source="daily test",
            path="$.at",
            expected="a recording that ended not after the instant of its evaluation",
            found=f"one that ended {(found.at - at) / SECOND:.3f} s later",
        )
        raise Invalid(fault)
    error = position_error(found, calibration, requirement, valid_for_ns=valid_for_ns)
    return as_of(error, calibration, at)
