"""Friction curve of an axis."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.sense.friction import Friction, FrictionPoint, friction_of, friction_point
from fabloop.sense.program import friction_move, friction_speeds
from fabloop.sense.recording import AxisColumns
from fabloop.sense.regression import Estimate


def point(speed, force, offset=0.0):
    return FrictionPoint(
        speed=speed,
        force=Estimate(value=force, uncertainty=0.1),
        offset=Estimate(value=offset, uncertainty=0.1),
    )


def curve(coulomb, static, stribeck, viscous, offset=0.0, speeds=None):
    return [
        point(
            v,
            coulomb + (static - coulomb) * np.exp(-((v / stribeck) ** 2)) + viscous * v,
            offset,
        )
        for v in speeds or friction_speeds()
    ]


@settings(max_examples=10, deadline=None)
@given(st.floats(80.0, 500.0), st.floats(1.1, 1.5), st.floats(1e-3, 6e-3), st.floats(100.0, 800.0))
def test_an_exact_curve_is_found_again(coulomb, ratio, stribeck, viscous):
    found = friction_of(curve(coulomb, ratio * coulomb, stribeck, viscous, offset=-120.0))
    assert isinstance(found, Friction)
    assert found.coulomb.value == pytest.approx(coulomb, rel=1e-3)
    assert found.static.value == pytest.approx(ratio * coulomb, rel=2e-3)
    assert found.stribeck.value == pytest.approx(stribeck, rel=0.02)
    assert found.viscous.value == pytest.approx(viscous, rel=5e-3)
    assert found.offset.value == -120.0
    assert found.at(0.02) == pytest.approx(coulomb + 0.02 * viscous, rel=2e-3)


def test_order_of_the_speeds_does_not_matter():
    points = curve(200.0, 260.0, 3e-3, 400.0)
    assert friction_of(points[::-1]) == friction_of(points)


def test_a_force_sensor_that_is_dead_has_no_friction():
    assert "above zero" in friction_of([point(v, 0.0) for v in friction_speeds()])


def test_four_speeds_are_too_few_and_the_reason_says_so():
    assert friction_of(curve(200.0, 260.0, 3e-3, 400.0)[:4]) == (
        "4 friction speeds, at least 5 are needed"
    )


def test_friction_is_half_the_difference_and_offset_half_the_sum_of_both_directions():
    segment = friction_move(speed=0.05)
    time = np.arange(round(segment.duration_s / 0.002)) * 0.002
    turn = segment.phases[0].ramp_s + segment.phases[0].hold_s + segment.phases[1].ramp_s / 2.0
    speed = np.where(time < turn, 0.05, -0.05)
    place = np.cumsum(speed) * 0.002
    found = friction_point(
        segment,
        AxisColumns(
            step_s=0.002,
            motor_position=place,
            scale_position=place,
            velocity=speed,
            force=np.where(time < turn, 170.0, -130.0),
        ),
    )
    assert found.speed == 0.05
    assert found.force.value == pytest.approx(150.0)
    assert found.offset.value == pytest.approx(20.0)
