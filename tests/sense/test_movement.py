"""Whether the machine moved as it was told."""

import msgspec
import numpy as np
import pytest

from fabloop.sense.movement import arc_departure, line_departure
from fabloop.sense.program import circle, friction_move, hard_reversals
from fabloop.sense.recording import AxisColumns

SEGMENT = friction_move(speed=0.05)


def columns(override=1.0):
    time = np.arange(round(SEGMENT.duration_s / 0.002)) * 0.002
    turn = SEGMENT.phases[0].ramp_s + SEGMENT.phases[0].hold_s + SEGMENT.phases[1].ramp_s / 2.0
    place = np.cumsum(np.where(time < turn, 0.05, -0.05)) * override * 0.002
    return AxisColumns(
        step_s=0.002,
        motor_position=place,
        scale_position=place + 1e-6,
        velocity=place,
        force=place,
    )


def test_the_movement_of_the_program_is_accepted():
    assert line_departure(SEGMENT, columns()) == ""
    assert line_departure(SEGMENT, columns(override=1.015)) == ""


@pytest.mark.parametrize("override", [0.0, 0.5, 0.97, 1.03, -1.0])
def test_another_speed_is_noticed(override):
    assert "override" in line_departure(SEGMENT, columns(override))


def test_a_scale_that_stands_still_is_noticed():
    still = msgspec.structs.replace(columns(), scale_position=np.zeros_like(columns().force))
    assert line_departure(SEGMENT, still).startswith("scale saw 0.00000 m/s")


def test_short_parts_are_not_looked_at():
    assert line_departure(hard_reversals(speed=0.1, acceleration=3.0, count=3), columns()) == ""


def test_an_arc_is_known_by_its_chord_wherever_its_centre_lies():
    arc = circle(radius_m=0.05, feed_m_per_s=0.02, arcs=8)[3]
    angle = arc.start_rad + np.linspace(0.0, arc.sweep_rad, 100)
    x, y = 3.0 + 0.05 * np.cos(angle), 0.05 * np.sin(angle) - 7.0
    assert arc_departure(arc, x, y) == ""
    assert "instead of 38.268 mm" in arc_departure(arc, 0.9 * x, 0.9 * y)
    assert arc_departure(arc, x[:1], y[:1]) == "an arc without samples"
