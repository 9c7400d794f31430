"""Whether the machine moved as its test program says, seen by both encoders."""

import math

import numpy as np

from fabloop.sense.program import ArcSegment, LineSegment
from fabloop.sense.recording import AxisColumns, Floats, hold

SPEED_TOLERANCE = 0.02
"""A movement whose speed is off by more than this ratio was not the movement of the program."""
CHORD_TOLERANCE = 0.02
"""The same for the distance between the ends of an arc."""
HOLD_MIN_S = 0.08
"""The speed of shorter parts is not looked at: the axis still vibrates."""


def line_departure(segment: LineSegment, columns: AxisColumns) -> str:
    """Return how an axis failed to make a straight movement, or nothing."""
    for index, phase in enumerate(segment.phases):
        if phase.hold_s < HOLD_MIN_S or phase.speed == 0.0:
            continue
        part = hold(segment, index, columns.step_s)
        for encoder, places in (
            ("motor encoder", columns.motor_position[part]),
            ("scale", columns.scale_position[part]),
        ):
            speed = (places[-1] - places[0]) / (columns.step_s * (len(places) - 1))
            if abs(speed - phase.speed) > SPEED_TOLERANCE * abs(phase.speed):
                return (
                    f"{encoder} saw {speed:.5f} m/s instead of {phase.speed:.5f} m/s:"
                    " was the override at 100 %?"
                )
    return ""


def arc_departure(segment: ArcSegment, first: Floats, second: Floats) -> str:
    """Return how two axes failed to make an arc (its evaluated part), or nothing."""
    if len(first) < 2:
        return "an arc without samples"
    found = float(np.hypot(first[-1] - first[0], second[-1] - second[0]))
    wanted = 2.0 * segment.radius_m * abs(math.sin(segment.sweep_rad / 2.0))
    if abs(found - wanted) > CHORD_TOLERANCE * wanted:
        return f"an arc of {found * 1e3:.3f} mm from end to end instead of {wanted * 1e3:.3f} mm"
    return ""
