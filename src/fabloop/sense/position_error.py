"""Total position error of a machine: an explicit budget in which every term is shown.

Notes
-----
Definition ``tpe/1``, per axis::

    upper = E + w_rev B + w_q Q + F/k + alpha L |dT| + 2 sqrt(u_R^2 + u_cal^2 + u_th^2 + u_mc^2)
    value = E + w_rev B + w_q Q + F/k + alpha L |dT| + 2 u_R

E grows with the age of the calibration; B is the reverse play at rest that came since the
calibration where the test was run on its day too, else what the control does not compensate; with
the loop closed over the scale it is what the table itself still shows at rest; 1/k
is the drive's measured compliance and the structure's stated one; u_R = R/4 is the machine's own
scatter and so part of the value, the others are how well we know it (GUM, k = 2). u_mc holds how
much friction differs over the travel and from the start of the test to its end.
Axes combine as the root of the sum of squares; a position tolerance zone is a diameter, so the
diametral error is twice the radial one.
"""

import math
from enum import StrEnum

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.sense.calibration import AxisCalibration, Calibration
from fabloop.sense.characteristics import AxisCharacteristics, Characteristics, Reason, Rejected
from fabloop.sense.regression import Estimate

VERSION = "tpe/1"
COVERAGE = 2.0
"""GUM coverage factor for about 95 %."""
VALID_FOR_NS = 36 * HOUR
"""A daily measurement may be half a day late before it no longer counts."""


class SkillClass(StrEnum):
    """What the tool does while position matters."""

    POINT = "point positioning"
    CONTOUR = "contouring"


class Approach(StrEnum):
    """From where positions are approached."""

    BIDIRECTIONAL = "bidirectional"
    UNIDIRECTIONAL = "unidirectional"


class Zone(StrEnum):
    """What the error is compared with: the radius or the diameter of a tolerance zone."""

    RADIAL = "radial"
    DIAMETRAL = "diametral"


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """For which use the error is stated.

    Attributes
    ----------
    axes : those that take part in the position
    process_force_n : sideways force of the skill on each axis
    temperature_departure_k : from the temperature of the calibration
    """

    skill: SkillClass
    approach: Approach
    zone: Zone
    axes: tuple[str, ...]
    process_force_n: float
    temperature_departure_k: float


class TermName(StrEnum):
    """The terms of the budget, in the order in which they are shown."""

    CALIBRATION = "calibration"
    REVERSAL = "reversal"
    QUADRANT = "quadrant"
    PROCESS = "process force"
    THERMAL = "thermal"
    REPEATABILITY = "repeatability"
    UNCERTAINTY = "uncertainty"


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an axis' error, in metres."""

    axis: str
    name: TermName
    value_m: float


class Uncertainties(msgspec.Struct, frozen=True, kw_only=True):
    """Standard uncertainties (k = 1, metres) behind the expanded one."""

    repeatability_m: float
    calibration_m: float
    thermal_m: float
    characteristics_m: float


class AxisError(msgspec.Struct, frozen=True, kw_only=True):
    """The budget of one axis: `upper_m` is the sum of all terms, `value_m` leaves the last out."""

    axis: str
    value_m: float
    upper_m: float
    terms: tuple[Term, ...]
    uncertainties: Uncertainties


class Basis(StrEnum):
    """On what a stated error rests."""

    MEASURED = "measured"
    VENDOR = "vendor, widened"


class TotalPositionError(msgspec.Struct, frozen=True, kw_only=True):
    """How far a machine may be off, for one use, with everything it was computed from.

    Attributes
    ----------
    value_m, upper_m : best estimate, and upper 95 % bound, which matching compares
    axes : empty where the vendor's value is used
    calibration_age_ns : at the time of the measurement
    coherence : the worst of all axes; 0 where nothing was measured
    reasons : why no measurement is used
    """

    version: str
    requirement: Requirement
    value_m: float
    upper_m: float
    at: Instant
    valid_for_ns: int
    basis: Basis
    axes: tuple[AxisError, ...]
    calibration_reference: str
    calibration_age_ns: int
    program_version: str
    coherence: float
    reasons: tuple[Reason, ...]


def position_error(
    measured: Characteristics,
    calibration: Calibration,
    requirement: Requirement,
    *,
    valid_for_ns: int = VALID_FOR_NS,
) -> TotalPositionError:
    """Combine characteristics and calibration to the error of a machine for one use.

    Raises
    ------
    Invalid
        An axis of the requirement was not measured or not calibrated, the program has no circle
        but the skill needs one, or the calibration lies after the measurement.
    """
    _checked(measured, calibration, requirement)
    age_ns = measured.at - calibration.at
    axes = tuple(
        _axis_error(each, calibration.axes[each.axis], requirement, age_ns)
        for each in measured.axes
        if each.axis in requirement.axes
    )
    zone = zone_factor(requirement.zone)
    return TotalPositionError(
        version=VERSION,
        requirement=requirement,
        value_m=zone * math.hypot(*(each.value_m for each in axes)),
        upper_m=zone * math.hypot(*(each.upper_m for each in axes)),
        at=measured.at,
        valid_for_ns=valid_for_ns,
        basis=Basis.MEASURED,
        axes=axes,
        calibration_reference=calibration.reference,
        calibration_age_ns=age_ns,
        program_version=measured.program_version,
        coherence=measured.coherence,
        reasons=(),
    )


def vendor_error(
    rejected: Rejected,
    calibration: Calibration,
    requirement: Requirement,
    *,
    valid_for_ns: int = VALID_FOR_NS,
) -> TotalPositionError:
    """Return the vendor's value, widened: what counts while no measurement can be used."""
    zone = zone_factor(requirement.zone)
    return TotalPositionError(
        version=VERSION,
        requirement=requirement,
        value_m=zone * calibration.vendor_radial_m,
        upper_m=zone * calibration.vendor_radial_m * calibration.vendor_widening,
        at=rejected.at,
        valid_for_ns=valid_for_ns,
        basis=Basis.VENDOR,
        axes=(),
        calibration_reference=calibration.reference,
        calibration_age_ns=max(0, rejected.at - calibration.at),
        program_version="",
        coherence=0.0,
        reasons=rejected.reasons,
    )


def as_of(error: TotalPositionError, calibration: Calibration, at: Instant) -> TotalPositionError:
    """Return the error if it still counts at the instant, else the vendor's widened value."""
    age_ns = at - error.at
    if age_ns <= error.valid_for_ns:
        return error
    text = f"measurement is {age_ns / HOUR:.1f} h old, {error.valid_for_ns / HOUR:.1f} h count"
    stale = Rejected(at=at, reasons=(Reason(axis="", characteristic="", text=text),))
    return vendor_error(stale, calibration, error.requirement, valid_for_ns=error.valid_for_ns)


def zone_factor(zone: Zone) -> float:
    """Return what a radius is multiplied with."""
    return 2.0 if zone is Zone.DIAMETRAL else 1.0


def _axis_error(
    measured: AxisCharacteristics,
    calibrated: AxisCalibration,
    requirement: Requirement,
    age_ns: int,
) -> AxisError:
    reversing = requirement.approach is Approach.BIDIRECTIONAL or not calibrated.scale_feedback
    weight_reversal = 1.0 if reversing else 0.0
    weight_quadrant = 1.0 if requirement.skill is SkillClass.CONTOUR else 0.0
    quadrant = measured.quadrant or Estimate(value=0.0, uncertainty=0.0)
    drive = measured.stiffness.stiffness
    compliance = 1.0 / drive.value + 1.0 / calibrated.structure_n_per_m
    expansion = calibrated.expansion_per_k * calibrated.length_m
    play = _play(measured, calibrated)
    known = Uncertainties(
        repeatability_m=calibrated.repeatability_m / 4.0,
        calibration_m=calibrated.uncertainty_m,
        thermal_m=expansion * calibrated.temperature_uncertainty_k,
        characteristics_m=math.hypot(
            weight_reversal * play.uncertainty,
            weight_quadrant * quadrant.uncertainty,
            requirement.process_force_n * drive.uncertainty / drive.value**2,
        ),
    )
    own = COVERAGE * known.repeatability_m
    whole = COVERAGE * math.hypot(*msgspec.structs.astuple(known))
    parts = {
        TermName.CALIBRATION: calibrated.systematic_m + calibrated.growth_m_per_day * age_ns / DAY,
        TermName.REVERSAL: weight_reversal * play.value,
        TermName.QUADRANT: weight_quadrant * quadrant.value,
        TermName.PROCESS: requirement.process_force_n * compliance,
        TermName.THERMAL: expansion * abs(requirement.temperature_departure_k),
        TermName.REPEATABILITY: own,
        TermName.UNCERTAINTY: whole - own,
    }
    upper = sum(parts.values())
    return AxisError(
        axis=measured.axis,
        value_m=upper - parts[TermName.UNCERTAINTY],
        upper_m=upper,
        terms=tuple(
            Term(axis=measured.axis, name=name, value_m=value) for name, value in parts.items()
        ),
        uncertainties=known,
    )


def _play(measured: AxisCharacteristics, calibrated: AxisCalibration) -> Estimate:
    """Return the reverse play at rest that counts besides the calibration.

    Where the control closes its loop over the scale it takes off what motor and scale differ by:
    what the table still shows at rest counts in full, and play between motor and table does not.
    """
    if calibrated.scale_feedback and measured.table_reversal is not None:
        shown = measured.table_reversal
        return msgspec.structs.replace(shown, value=abs(shown.value))
    reference = calibrated.reference_play_m
    contained = calibrated.compensated_reversal_m if reference is None else reference
    play = measured.standing_play
    return msgspec.structs.replace(play, value=max(0.0, play.value - contained))


def _checked(measured: Characteristics, calibration: Calibration, requirement: Requirement) -> None:
    faults = []
    for index, axis in enumerate(requirement.axes):
        path = f"$.axes[{index}]"
        found = measured.axis(axis)
        if found is None:
            faults.append(_fault(path, "an axis of the test program", repr(axis)))
        elif requirement.skill is SkillClass.CONTOUR and found.quadrant is None:
            faults.append(_fault(path, "a circle in the test program", f"none for {axis!r}"))
        if axis not in calibration.axes:
            faults.append(_fault(path, "a calibrated axis", repr(axis)))
    if not requirement.axes:
        faults.append(_fault("$.axes", "at least one axis", "none"))
    if calibration.at > measured.at:
        faults.append(_fault("$.at", "a calibration before the measurement", "a later one"))
    if faults:
        raise Invalid(faults)


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(source="position error", path=path, expected=expected, found=found)
