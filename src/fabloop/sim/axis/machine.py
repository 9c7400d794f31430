"""A milling machine whose two axes are simulated, with all that its daily test needs."""

from collections.abc import Mapping

import msgspec

from fabloop.base.instant import Instant
from fabloop.sense.calibration import AxisCalibration, Calibration
from fabloop.sense.characteristics import DriveData
from fabloop.sense.position_error import Approach, Requirement, SkillClass, Zone
from fabloop.sim.axis.parameters import AxisParameters, WearModel, wear


class Mill(msgspec.Struct, frozen=True, kw_only=True):
    """A machine as it was at its last calibration, and how it wears."""

    axes: dict[str, AxisParameters]
    calibration: Calibration
    wear: WearModel


def worn(mill: Mill, hours: float) -> Mapping[str, AxisParameters]:
    """Return the axes after some hours of machining since the calibration."""
    return {axis: wear(each, hours, mill.wear) for axis, each in mill.axes.items()}


def drive_data(parameters: AxisParameters, ball_order: float = 5.3) -> DriveData:
    """Return what the data sheet of a simulated axis would say."""
    return DriveData(
        motor_mass_kg=parameters.motor_mass_kg,
        motor_coulomb_n=parameters.motor_coulomb_n,
        pitch_m=parameters.pitch_m,
        ball_order=ball_order,
    )


def reaming(process_force_n: float = 40.0, temperature_departure_k: float = 0.5) -> Requirement:
    """Return the use for which a precision bore is compared: the diameter of its zone in X/Y."""
    return Requirement(
        skill=SkillClass.POINT,
        approach=Approach.BIDIRECTIONAL,
        zone=Zone.DIAMETRAL,
        axes=("X", "Y"),
        process_force_n=process_force_n,
        temperature_departure_k=temperature_departure_k,
    )


def reference_mill(calibrated_at: Instant) -> Mill:
    """Return a mill that holds a 15 µm zone when calibrated and no longer after 900 h of work.

    The control compensates the reverse play of the day of calibration but for half a micrometre.
    """
    x = AxisParameters(
        motor_mass_kg=180.0,
        table_mass_kg=320.0,
        stiffness_n_per_m=120e6,
        gap_m=0.4e-6,
        coulomb_n=150.0,
        static_n=195.0,
        stribeck_m_per_s=3e-3,
        viscous_ns_per_m=400.0,
        ripple_n=4.0,
    )
    y = msgspec.structs.replace(
        x, table_mass_kg=420.0, stiffness_n_per_m=135e6, coulomb_n=180.0, static_n=230.0
    )
    return Mill(
        axes={"X": x, "Y": y},
        calibration=Calibration(
            reference="calibration-1",
            at=calibrated_at,
            axes={
                "X": _calibrated(x, systematic_m=2.1e-6, compensated_reversal_m=3.3e-6),
                "Y": _calibrated(y, systematic_m=2.0e-6, compensated_reversal_m=3.4e-6),
            },
            vendor_radial_m=7.5e-6,
            vendor_widening=1.25,
        ),
        wear=WearModel(gap_m_per_h=0.6e-9, friction_per_h=8e-5, stiffness_loss_per_h=3e-5),
    )


def _calibrated(
    parameters: AxisParameters, *, systematic_m: float, compensated_reversal_m: float
) -> AxisCalibration:
    return AxisCalibration(
        systematic_m=systematic_m,
        growth_m_per_day=3e-9,
        repeatability_m=1.2e-6,
        uncertainty_m=0.25e-6,
        compensated_reversal_m=compensated_reversal_m,
        scale_feedback=parameters.controller.scale_feedback,
        structure_n_per_m=60e6,
        expansion_per_k=11e-6,
        length_m=0.1,
        temperature_uncertainty_k=0.15,
        drive=drive_data(parameters),
    )
