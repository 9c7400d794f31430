"""Quadrant errors, circularity and hysteresis of a circle of two axes."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from fabloop.sense.recording import Floats
from fabloop.sense.regression import Estimate

SPIKE_RANGE_RAD = math.radians(20.0)
"""How far behind a change of quadrant its spike is looked for."""
ANGLES = 720
"""Both senses are compared at this many angles."""


class CirclePath(msgspec.Struct, frozen=True, kw_only=True):
    """Measured places of one sense of the circle, in the order of travel: float64, shape (n,)."""

    first: Floats
    second: Floats


class Circularity(msgspec.Struct, frozen=True, kw_only=True):
    """How round the machine goes (metres).

    Attributes
    ----------
    quadrants : largest spike of each axis, in the order of the axes: an axis changes direction
        where it is farthest out
    deviation : G of ISO 230-4, the larger of both senses
    hysteresis : H of ISO 230-4
    """

    quadrants: tuple[Estimate, Estimate]
    deviation: float
    hysteresis: float


def circularity_of(counter_clockwise: CirclePath, clockwise: CirclePath) -> Circularity:
    """Return the errors of both senses about one common least-squares centre."""
    paths = (counter_clockwise, clockwise)
    centre = _centre(paths)
    polar = [_polar(path, centre) for path in paths]
    spikes = [
        _spikes(angle, radius, sense) for (angle, radius), sense in zip(polar, (1, -1), strict=True)
    ]
    noise = max(_noise(radius) for _, radius in polar)
    even = np.linspace(-math.pi, math.pi, ANGLES, endpoint=False)
    both = [
        np.interp(even, *_sorted(angle, radius), period=2.0 * math.pi) for angle, radius in polar
    ]
    quadrants = [
        Estimate(
            value=max(spike[q] for spike in spikes for q in (axis, axis + 2)), uncertainty=noise
        )
        for axis in (0, 1)
    ]
    return Circularity(
        quadrants=(quadrants[0], quadrants[1]),
        deviation=max(float(np.ptp(radius)) for _, radius in polar),
        hysteresis=float(np.abs(both[0] - both[1]).max()),
    )


def _centre(paths: Sequence[CirclePath]) -> tuple[float, float]:
    """Return the centre of the circle that fits best (Kasa's linear form, for whole circles)."""
    x = np.concatenate([path.first for path in paths])
    y = np.concatenate([path.second for path in paths])
    design = np.column_stack([x, y, np.ones_like(x)])
    found = np.linalg.lstsq(design, x**2 + y**2, rcond=None)[0]
    return float(found[0]) / 2.0, float(found[1]) / 2.0


def _polar(path: CirclePath, centre: tuple[float, float]) -> tuple[Floats, Floats]:
    x, y = path.first - centre[0], path.second - centre[1]
    return np.arctan2(y, x), np.hypot(x, y)


def _sorted(angle: Floats, radius: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(angle)
    return angle[order], radius[order]


def _spikes(angle: Floats, radius: Floats, sense: int) -> tuple[float, ...]:
    """Return the spike behind 0, 90, 180 and 270 degrees against the median around it."""
    heights = []
    for quadrant in range(4):
        behind = sense * _wrapped(angle - quadrant * math.pi / 2.0)
        near = radius[np.abs(behind) <= SPIKE_RANGE_RAD]
        after = radius[(behind >= 0.0) & (behind <= SPIKE_RANGE_RAD)]
        heights.append(float(np.abs(after - np.median(near)).max()))
    return tuple(heights)


def _wrapped(angle: Floats) -> Floats:
    wrapped: Floats = (angle + math.pi) % (2.0 * math.pi) - math.pi
    return wrapped


def _noise(radius: Floats) -> float:
    """Return the standard deviation of the samples' noise, from second differences."""
    return float(np.std(np.diff(radius, 2)) / math.sqrt(6.0))
