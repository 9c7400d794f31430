"""Machines whose true error is known: calibrated, worn, tested, and measured by a laser again."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.sense.calibration import AxisCalibration, Calibration
from fabloop.sense.characteristics import Rejected, characteristics_of
from fabloop.sense.daily_test import measure
from fabloop.sense.position_error import (
    Approach,
    AxisError,
    Requirement,
    SkillClass,
    TotalPositionError,
    Zone,
)
from fabloop.sense.program import TestProgram
from fabloop.sense.recording import Floats, Recording
from fabloop.sim.axis.daily_test import run_tests
from fabloop.sim.axis.machine import drive_data
from fabloop.sim.axis.parameters import AxisParameters, Mismatch, WearModel, warmed, wear
from fabloop.sim.axis.population import random_axis
from fabloop.sim.axis.positioning import PositioningTest, positioning_tests

LASER = PositioningTest(targets=4, spacing_m=0.0973, speed=0.01, ramp_s=0.1)
"""Targets are no whole turns of the screw apart, as ISO 230-2 asks; deceleration is 0.2 m/s²."""
USE = Requirement(
    skill=SkillClass.POINT,
    approach=Approach.BIDIRECTIONAL,
    zone=Zone.RADIAL,
    axes=("X", "Y"),
    process_force_n=0.0,
    temperature_departure_k=0.0,
)
"""What a laser sees: each axis alone, no force on the tool."""
USES = 200
"""Positions approached per axis, each with its own scatter and warmth."""
_GEOMETRY_M = (1e-6, 4e-6)
_AGE_DAYS_MAX = 90.0


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which machines differ from what the estimators believe.

    Attributes
    ----------
    wear : how the machine changes from its calibration to its test
    hours_max : machines worked up to this long in between
    scale_feedback : the control closes its loop over the scale, so that it hides the gap
    """

    name: str
    mismatch: Mismatch = Mismatch()
    wear: WearModel = WearModel(gap_m_per_h=0.0, friction_per_h=0.0, stiffness_loss_per_h=0.0)
    hours_max: float = 0.0
    scale_feedback: bool = False


_WEAR = WearModel(gap_m_per_h=4e-9, friction_per_h=2e-4, stiffness_loss_per_h=1e-4)

KINDS = (
    Kind(name="as the estimators believe"),
    Kind(name="friction over position ±20 %", mismatch=Mismatch(wave_ratio=0.2)),
    Kind(name="friction per direction ±10 %", mismatch=Mismatch(asymmetry=0.1)),
    Kind(
        name="warming: friction -15 %, screw +2 µm",
        mismatch=Mismatch(warming_ratio=0.15, screw_growth_m_per_s=2.5e-8),
    ),
    Kind(name="screw uneven by ±2 µm a turn", mismatch=Mismatch(pitch_error_m=2e-6)),
    Kind(
        name="encoders: ±80 nm, noise x 3",
        mismatch=Mismatch(interpolation_m=8e-8, noise_factor=3.0),
    ),
    Kind(name="worn since the calibration", wear=_WEAR, hours_max=1_000.0),
    Kind(name="gap hidden by scale feedback", wear=_WEAR, hours_max=1_000.0, scale_feedback=True),
    Kind(
        name="all of these, halved",
        mismatch=Mismatch(
            asymmetry=0.05,
            wave_ratio=0.1,
            noise_factor=2.0,
            warming_ratio=0.08,
            screw_growth_m_per_s=1.2e-8,
            pitch_error_m=1e-6,
            interpolation_m=4e-8,
        ),
        wear=_WEAR,
        hours_max=500.0,
    ),
)
"""The mix over which bound and over-estimate are stated."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One axis: what the budget says, and what `USES` approaches truly come to (metres)."""

    stated: TotalPositionError
    axis: str
    upper_m: float
    true_m: Floats

    @property
    def held(self) -> float:
        """Ratio of the approaches that the bound holds."""
        return float((self.true_m <= self.upper_m).mean())

    @property
    def excess(self) -> float:
        """The bound, as a multiple of the true error that 95 % of the approaches keep."""
        return self.upper_m / float(np.quantile(self.true_m, 0.95))


def judged(
    kind: Kind, seeds: Sequence[int], program: TestProgram, calibrated_at: Instant
) -> list[Judged]:
    """Calibrate random machines, wear and test them, and measure by laser what is true then.

    A machine whose test is rejected is left out. An axis' true error at an approach: the
    systematic deviation E that a laser finds on the worn machine with the compensation of its
    calibration (so the worst target from its worst side), and scatter and expansion drawn from
    what the calibration states of them.
    """
    dice = np.random.default_rng((1_000, *seeds))
    new = [
        {name: _axis(2 * seed + index, kind) for index, name in enumerate(USE.axes)}
        for seed in seeds
    ]
    hours = [dice.uniform(0.0, kind.hours_max) for _ in seeds]
    old = [
        {name: wear(axis, age, kind.wear) for name, axis in machine.items()}
        for machine, age in zip(new, hours, strict=True)
    ]
    started = Instant(calibrated_at + int(dice.uniform(0.0, _AGE_DAYS_MAX) * DAY))
    recordings = run_tests(
        [*new, *old],
        program,
        [*(500 + seed for seed in seeds), *seeds],
        started_at=started,
        mismatch=kind.mismatch,
    )
    cooled = [
        {
            name: warmed(axis, dice.uniform(0.0, kind.mismatch.warming_ratio))
            for name, axis in m.items()
        }
        for m in old
    ]
    first, last = _lasers(new, kind), _lasers(cooled, kind)
    shape = np.linspace(-0.5, 0.5, LASER.targets)[:, None]
    found = []
    for number in range(len(seeds)):
        geometry = {name: shape * dice.uniform(*_GEOMETRY_M) for name in USE.axes}
        was, now = (
            {name: each[number][name] + geometry[name] for name in USE.axes}
            for each in (first, last)
        )
        calibration = _calibration(new[number], was, dice, calibrated_at)
        calibration = _with_reference(calibration, recordings[number])
        test = recordings[len(seeds) + number]
        stated = measure(test, calibration, USE, Instant(started + HOUR))
        found += [_judged(each, stated, now, calibration, dice) for each in stated.axes]
    return found


def _judged(
    error: AxisError,
    stated: TotalPositionError,
    now: Mapping[str, Floats],
    calibration: Calibration,
    dice: np.random.Generator,
) -> Judged:
    known = calibration.axes[error.axis]
    warm = known.expansion_per_k * known.length_m * known.temperature_uncertainty_k
    true = (
        _systematic(now[error.axis], known.compensated_reversal_m)
        + warm * dice.standard_normal(USES)
        + known.repeatability_m / 4.0 * dice.standard_normal(USES)
    )
    return Judged(stated=stated, axis=error.axis, upper_m=error.upper_m, true_m=true)


def _lasers(
    machines: Sequence[Mapping[str, AxisParameters]], kind: Kind
) -> list[dict[str, Floats]]:
    """Return the deviations of every axis of every machine."""
    axes = [axis for machine in machines for axis in machine.values()]
    found = iter(positioning_tests(axes, LASER, mismatch=kind.mismatch))
    return [{name: next(found) for name in machine} for machine in machines]


def _axis(seed: int, kind: Kind) -> AxisParameters:
    """Return a horizontal axis: a load that exceeds friction belongs to another estimator."""
    axis = msgspec.structs.replace(random_axis(seed), gravity_n=0.0)
    loop = msgspec.structs.replace(axis.controller, scale_feedback=kind.scale_feedback)
    return msgspec.structs.replace(axis, controller=loop)


def _systematic(deviations: Floats, compensated_m: float) -> float:
    """Return E of ISO 230-2 where the control takes a constant off at each reversal."""
    return float(np.ptp(deviations + np.array([0.5, -0.5]) * _sign(deviations) * compensated_m))


def _sign(deviations: Floats) -> float:
    """Return -1 where the table comes to rest too low on its way up, as a gap makes it."""
    return float(np.sign((deviations[:, 1] - deviations[:, 0]).mean()))


def _calibration(
    axes: Mapping[str, AxisParameters],
    laser: Mapping[str, Floats],
    dice: np.random.Generator,
    at: Instant,
) -> Calibration:
    return Calibration(
        reference="laser",
        at=at,
        axes={name: _calibrated(axis, laser[name], dice) for name, axis in axes.items()},
        vendor_radial_m=20e-6,
        vendor_widening=1.25,
    )


def _with_reference(calibration: Calibration, first: Recording) -> Calibration:
    """Return the calibration with the reverse play that the test finds on its day."""
    drives = {axis: each.drive for axis, each in calibration.axes.items()}
    found = characteristics_of(first, drives)
    if isinstance(found, Rejected):
        return calibration
    axes = {
        each.axis: msgspec.structs.replace(
            calibration.axes[each.axis], reference_play_m=each.standing_play.value
        )
        for each in found.axes
    }
    return msgspec.structs.replace(calibration, axes=axes)


def _calibrated(axis: AxisParameters, laser: Floats, dice: np.random.Generator) -> AxisCalibration:
    """Return what a laser of 0.25 µm standard uncertainty makes of an axis on its first day."""
    uncertainty_m = 0.25e-6
    compensated_m = float(np.abs(np.diff(laser, axis=1).mean()))
    read = _systematic(laser, compensated_m) + uncertainty_m * dice.standard_normal()
    return AxisCalibration(
        systematic_m=max(0.0, float(read)),
        growth_m_per_day=3e-9,
        repeatability_m=1.2e-6,
        uncertainty_m=uncertainty_m,
        compensated_reversal_m=compensated_m,
        scale_feedback=axis.controller.scale_feedback,
        structure_n_per_m=60e6,
        expansion_per_k=11e-6,
        length_m=0.1,
        temperature_uncertainty_k=0.15,
        drive=drive_data(axis),
    )
