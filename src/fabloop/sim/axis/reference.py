"""Set points of a movement, from the program's segments, in closed form."""

import math

import msgspec
import numpy as np

from fabloop.sense.program import ArcSegment, LineSegment
from fabloop.sense.recording import Floats


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """Set position, speed and acceleration: float64, shape (steps,) or (steps, lanes)."""

    position: Floats
    speed: Floats
    acceleration: Floats


def line_reference(segment: LineSegment, steps: int, step_s: float) -> Reference:
    """Return the set points of a straight movement; after its end the axis stands still."""
    time: Floats = np.arange(steps, dtype=np.float64) * step_s
    position, speed, acceleration = np.zeros(steps), np.zeros(steps), np.zeros(steps)
    start, place, level = 0.0, 0.0, 0.0
    for phase in segment.phases:
        change = phase.speed - level
        ramp = _span(time, start, start + phase.ramp_s)
        part = (time[ramp] - start) / phase.ramp_s
        turn = 2.0 * math.pi * part
        acceleration[ramp] = change / phase.ramp_s * (1.0 - np.cos(turn))
        speed[ramp] = level + change * (part - np.sin(turn) / (2.0 * math.pi))
        lag = part**2 / 2.0 + (np.cos(turn) - 1.0) / (4.0 * math.pi**2)
        position[ramp] = place + phase.ramp_s * (level * part + change * lag)
        place += phase.ramp_s * (level + change / 2.0)
        start, level = start + phase.ramp_s, phase.speed
        flat = _span(time, start, start + phase.hold_s)
        speed[flat] = level
        position[flat] = place + level * (time[flat] - start)
        place, start = place + level * phase.hold_s, start + phase.hold_s
    position[_span(time, start, math.inf)] = place
    return Reference(position=position, speed=speed, acceleration=acceleration)


def arc_reference(segment: ArcSegment, axis: int, steps: int, step_s: float) -> Reference:
    """Return the set points of the circle's first (cosine) or second (sine) axis."""
    sense = math.copysign(1.0, segment.sweep_rad)
    rate = sense * segment.feed_m_per_s / segment.radius_m
    time = np.arange(steps) * step_s
    angle = segment.start_rad - sense * segment.run_in_rad + rate * time
    angle -= axis * math.pi / 2.0  # sin(a) = cos(a - 90 degrees)
    return Reference(
        position=segment.radius_m * np.cos(angle),
        speed=-segment.radius_m * rate * np.sin(angle),
        acceleration=-segment.radius_m * rate**2 * np.cos(angle),
    )


def _span(time: Floats, start: float, end: float) -> slice:
    first, last = np.searchsorted(time, (start - 1e-12, end - 1e-12))
    return slice(int(first), int(last))
