"""What is known of a machine before its daily test: calibration, data sheet, vendor's promise."""

import msgspec

from fabloop.base.instant import Instant
from fabloop.sense.characteristics import DriveData


class AxisCalibration(msgspec.Struct, frozen=True, kw_only=True):
    """Last calibration of one axis (ISO 230-2) and what bends and expands with it.

    Attributes
    ----------
    systematic_m : systematic deviation E at the calibration
    growth_m_per_day : by how much it is assumed to grow since
    repeatability_m : R
    uncertainty_m : standard uncertainty of the calibration
    compensated_reversal_m : what the numerical control takes off at a reversal
    scale_feedback : the position loop is closed over the scale, not over the motor's encoder
    structure_n_per_m : stiffness of all that the drive's spring is not (column, spindle, tool)
    expansion_per_k, length_m : thermal expansion and the length on which it acts
    temperature_uncertainty_k : standard uncertainty of the temperature's departure
    reference_play_m : reverse play at rest that the test program found on the day of the
        calibration. With it only what came since is added to E, and what both tests have wrong in
        common falls out; without it, what the control does not compensate is
    """

    systematic_m: float
    growth_m_per_day: float
    repeatability_m: float
    uncertainty_m: float
    compensated_reversal_m: float
    scale_feedback: bool
    structure_n_per_m: float
    expansion_per_k: float
    length_m: float
    temperature_uncertainty_k: float
    drive: DriveData
    reference_play_m: float | None = None


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """A machine's last calibration.

    Attributes
    ----------
    reference : names the certificate
    vendor_radial_m : position error that the vendor states, as a radius
    vendor_widening : ratio (>= 1) by which it is widened when no measurement can be used
    """

    reference: str
    at: Instant
    axes: dict[str, AxisCalibration]
    vendor_radial_m: float
    vendor_widening: float
