"""The daily test foretells what a laser would measure (ISO 230-2)."""

import math

import msgspec
import numpy as np
import pytest

from fabloop.base.instant import HOUR, Instant
from fabloop.sense.calibration import Calibration
from fabloop.sense.characteristics import characteristics_of
from fabloop.sense.position_error import Zone, position_error
from fabloop.sense.positioning import iso_230_2
from fabloop.sense.program import daily_program
from fabloop.sim.axis.daily_test import run_test
from fabloop.sim.axis.machine import drive_data, reaming, reference_mill
from fabloop.sim.axis.parameters import Controller, Mismatch
from fabloop.sim.axis.population import random_axis
from fabloop.sim.axis.positioning import PositioningTest, positioning_test

SLOW = PositioningTest(targets=3, spacing_m=0.1, speed=0.01, ramp_s=0.1)
FAST = PositioningTest(targets=3, spacing_m=0.1, speed=0.2, ramp_s=0.1)
PROGRAM = daily_program()
AT = Instant(10**18)


def axis(seed):
    """A random horizontal axis with motor feedback."""
    return msgspec.structs.replace(
        random_axis(seed), gravity_n=0.0, controller=Controller(scale_feedback=False)
    )


def measured(axes):
    recording = run_test(axes, PROGRAM, 0, started_at=AT)
    return characteristics_of(recording, {name: drive_data(each) for name, each in axes.items()})


@pytest.mark.parametrize("machine", range(2))
def test_standing_play_of_the_daily_test_is_the_reversal_a_laser_finds(machine):
    axes = {name: axis(2 * machine + index) for index, name in enumerate("XY")}
    for found in measured(axes).axes:
        deviations = positioning_test(axes[found.axis], SLOW, mismatch=Mismatch())
        reversal = iso_230_2(np.repeat(deviations[:, None, :], 5, axis=1)).reversal
        assert found.standing_play.value == pytest.approx(reversal, rel=0.15)
        assert found.standing_play.value > reversal - 0.1e-6  # never promises too much


def test_a_hard_stop_lets_the_table_coast_through_its_gap():
    loose = msgspec.structs.replace(axis(0), gap_m=10e-6, coulomb_n=80.0, static_n=90.0)
    slow = positioning_test(loose, SLOW, mismatch=Mismatch())
    fast = positioning_test(loose, FAST, mismatch=Mismatch())
    assert abs(slow[0, 0] - slow[0, 1]) > 10e-6
    assert abs(fast[0, 0] - fast[0, 1]) < 8e-6


def test_the_upper_bound_covers_the_true_error_of_machines_and_is_not_far_above():
    dice = np.random.default_rng(5)
    covered, excess = [], []
    for machine in range(2):
        axes = {name: axis(20 + 2 * machine + index) for index, name in enumerate("XY")}
        found = measured(axes)
        calibration = loose_calibration(axes)
        bound = {
            each.axis: each.upper_m
            for each in position_error(
                found, calibration, msgspec.structs.replace(reaming(0.0, 0.0), zone=Zone.RADIAL)
            ).axes
        }
        for name, truth in axes.items():
            reversal = np.ptp(positioning_test(truth, SLOW, mismatch=Mismatch()), axis=1).max()
            known = calibration.axes[name]
            for _ in range(50):
                systematic = known.systematic_m + known.uncertainty_m * dice.standard_normal()
                warm = known.expansion_per_k * known.length_m * known.temperature_uncertainty_k
                drift = abs(warm * dice.standard_normal())
                scatter = known.repeatability_m / 4.0 * abs(dice.standard_normal())
                true = systematic + reversal + drift + scatter
                covered.append(true <= bound[name])
                excess.append(bound[name] / true)
    assert np.mean(covered) >= 0.95
    assert np.median(excess) <= 1.3


def loose_calibration(axes) -> Calibration:
    """The reference calibration for other axes, with no reversal compensated."""
    base = reference_mill(Instant(AT - HOUR)).calibration
    return msgspec.structs.replace(
        base,
        axes={
            name: msgspec.structs.replace(
                base.axes[name], compensated_reversal_m=0.0, drive=drive_data(each)
            )
            for name, each in axes.items()
        },
    )


def test_deviations_are_those_of_the_table_at_its_targets():
    stiff = msgspec.structs.replace(axis(1), gap_m=4e-6)
    deviations = positioning_test(stiff, SLOW, mismatch=Mismatch())
    assert deviations.shape == (3, 2)
    assert math.isclose(deviations[0, 0], -deviations[0, 1], rel_tol=0.05)
    assert np.abs(deviations).max() < 10e-6
