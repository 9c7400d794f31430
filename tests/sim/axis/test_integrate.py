"""The axis in motion obeys the physics that was put in."""

import msgspec
import numpy as np
import pytest

from fabloop.sense.program import LineSegment, Phase, Purpose, TestProgram, circle, friction_move
from fabloop.sim.axis.integrate import integrate
from fabloop.sim.axis.parameters import AxisParameters, Controller, Mismatch
from fabloop.sim.axis.reference import Reference, arc_reference, line_reference

AXIS = AxisParameters(
    motor_mass_kg=180.0,
    table_mass_kg=320.0,
    stiffness_n_per_m=120e6,
    gap_m=3e-6,
    coulomb_n=150.0,
    static_n=200.0,
    stribeck_m_per_s=3e-3,
    viscous_ns_per_m=400.0,
    gravity_n=60.0,
)
STEP = 0.25e-3


def moved(axis, *phases, step_s=STEP, mismatch=None):
    segment = LineSegment(purpose=Purpose.FRICTION, phases=phases)
    lane = line_reference(segment, round(segment.duration_s / step_s), step_s)
    wide = Reference(
        position=lane.position[:, None],
        speed=lane.speed[:, None],
        acceleration=lane.acceleration[:, None],
    )
    return integrate([axis], wide, step_s=step_s, every=1, mismatch=mismatch or Mismatch())


@pytest.mark.parametrize("speed", [0.002, 0.02, -0.02, 0.1, 0.33, -0.33])
def test_at_constant_speed_the_motor_carries_friction_and_load(speed):
    trace = moved(AXIS, Phase(ramp_s=0.1 + abs(speed), speed=speed, hold_s=0.8))
    fast = abs(speed)
    stribeck = 50.0 * np.exp(-((fast / 3e-3) ** 2))
    friction = 150.0 + stribeck + 400.0 * fast + AXIS.motor_coulomb_n
    force = trace.force[-400:].mean()
    assert force == pytest.approx(np.sign(speed) * friction + 60.0, abs=0.5)
    assert trace.motor_speed[-400:].mean() == pytest.approx(speed, rel=1e-3)


@pytest.mark.parametrize("scale_feedback", [False, True])
def test_the_encoder_of_the_position_loop_is_where_it_should_be(scale_feedback):
    axis = msgspec.structs.replace(AXIS, controller=Controller(scale_feedback=scale_feedback))
    trace = moved(axis, Phase(ramp_s=0.2, speed=0.05, hold_s=0.8))
    wanted = 0.05 * (0.1 + 0.8 - STEP)
    motor, table = trace.motor_position[-1, 0], trace.scale_position[-1, 0]
    assert (table if scale_feedback else motor) == pytest.approx(wanted, abs=2e-7)
    wind_up = (150.0 + 400.0 * 0.05 + 60.0) / 120e6 + 1.5e-6
    assert motor - table == pytest.approx(wind_up, abs=1e-8)


def test_at_rest_nothing_moves():
    trace = moved(AXIS, Phase(ramp_s=0.5, speed=0.0, hold_s=0.5))
    assert np.ptp(trace.scale_position) < 1e-9
    assert np.abs(trace.motor_speed).max() < 1e-6


def test_below_static_friction_the_table_creeps_only_within_its_bristles():
    stiff = msgspec.structs.replace(AXIS, gravity_n=0.0, gap_m=0.0)
    trace = moved(
        stiff,
        Phase(ramp_s=0.05, speed=2e-5, hold_s=0.02),
        Phase(ramp_s=0.05, speed=0.0, hold_s=0.2),
    )
    travelled = 2e-5 * (0.025 + 0.02 + 0.025)
    assert 0.0 < trace.scale_position[-1, 0] < travelled
    assert abs(trace.force[-1, 0]) < 200.0 + AXIS.motor_coulomb_n


@pytest.mark.parametrize("step_s", [0.5e-3, 0.25e-3, 0.1e-3])
def test_no_step_is_too_large_for_fast_movements_of_a_stiff_light_axis(step_s):
    nervous = msgspec.structs.replace(
        AXIS, motor_mass_kg=80.0, table_mass_kg=150.0, stiffness_n_per_m=300e6, gap_m=15e-6
    )
    trace = moved(
        nervous,
        Phase(ramp_s=0.1, speed=0.33, hold_s=0.2),
        Phase(ramp_s=0.2, speed=-0.33, hold_s=0.2),
        step_s=step_s,
    )
    assert np.abs(trace.motor_speed).max() < 0.5
    assert trace.motor_speed[-1, 0] == pytest.approx(-0.33, rel=0.02)


def test_the_usual_step_gives_what_a_five_times_smaller_one_gives():
    phases = (
        Phase(ramp_s=0.1, speed=0.1, hold_s=0.05),
        Phase(ramp_s=0.15, speed=-0.1, hold_s=0.1),
    )
    coarse = moved(AXIS, *phases)
    fine = moved(AXIS, *phases, step_s=STEP / 5.0)
    table = fine.scale_position[::5][: len(coarse.scale_position)]
    assert np.abs(coarse.scale_position[: len(table)] - table).max() < 1e-6
    assert coarse.force[-100:].mean() == pytest.approx(fine.force[-500:].mean(), abs=1.0)


def test_asymmetric_friction_shows_in_the_mean_of_both_directions():
    uneven = Mismatch(asymmetry=0.1)
    ahead = moved(AXIS, Phase(ramp_s=0.1, speed=0.05, hold_s=0.5), mismatch=uneven)
    back = moved(AXIS, Phase(ramp_s=0.1, speed=-0.05, hold_s=0.5), mismatch=uneven)
    middle = (ahead.force[-200:].mean() + back.force[-200:].mean()) / 2.0
    assert middle == pytest.approx(60.0 + 0.1 * 150.0, abs=0.5)


def test_set_points_are_the_integral_of_their_speed_and_that_of_acceleration():
    segment = friction_move(speed=0.1)
    step = 1e-4
    lane = line_reference(segment, round(segment.duration_s / step), step)
    assert np.gradient(lane.position, step)[1:-1] == pytest.approx(lane.speed[1:-1], abs=1e-4)
    assert np.gradient(lane.speed, step)[1:-1] == pytest.approx(lane.acceleration[1:-1], abs=2e-2)


def test_arcs_join_to_a_circle():
    arcs = circle(radius_m=0.05, feed_m_per_s=0.02, arcs=8)
    program = TestProgram(version="c", axes=("X", "Y"), segments=arcs)
    for sense in (program.segments[:8], program.segments[8:]):
        ends = []
        for arc in sense:
            steps = round(arc.duration_s / 1e-3) + 1
            x, y = (arc_reference(arc, axis, steps, 1e-3).position for axis in (0, 1))
            assert np.hypot(x, y) == pytest.approx(np.full(steps, 0.05))
            begin = round(arc.run_in_s / 1e-3)
            ends.append((x[begin], y[begin], x[-1], y[-1]))
        for before, after in zip(ends, ends[1:] + ends[:1], strict=True):
            assert after[:2] == pytest.approx(before[2:], abs=5e-5)
