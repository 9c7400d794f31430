"""Equability of a traverse: how evenly an axis runs over its travel."""

import msgspec
import numpy as np

from fabloop.sense.program import LineSegment
from fabloop.sense.recording import AxisColumns, hold


class Equability(msgspec.Struct, frozen=True, kw_only=True):
    """Force over position in one direction, ramps left out.

    Attributes
    ----------
    mean_n : mean force, with the sign of the direction
    peak_n, deviation_n : largest and root mean square departure from the straight line
    slow_n : the same root mean square of what lasts longer than a turn of the screw
    trend_n_per_m : slope of the straight line
    pitch_n, ball_n : amplitude of the force at one period per screw pitch, and at the order at
        which balls pass
    """

    mean_n: float
    peak_n: float
    deviation_n: float
    slow_n: float
    trend_n_per_m: float
    pitch_n: float
    ball_n: float


def equability_of(
    segment: LineSegment, columns: AxisColumns, *, pitch_m: float, ball_order: float
) -> Equability:
    """Return how the force of one traverse departs from a straight line."""
    part = hold(segment, 0, columns.step_s, skip_ratio=0.02)
    place, force = columns.motor_position[part], columns.force[part]
    trend, level = np.polyfit(place - place.mean(), force, 1)
    rest = force - level - trend * (place - place.mean())
    turn = max(1, round(pitch_m / max(float(np.abs(np.diff(place)).mean()), 1e-12)))
    slow = np.convolve(rest, np.full(turn, 1.0 / turn), mode="valid") if turn < len(rest) else rest
    return Equability(
        mean_n=float(level),
        peak_n=float(np.abs(rest).max()),
        deviation_n=float(rest.std()),
        slow_n=float(slow.std()),
        trend_n_per_m=float(trend),
        pitch_n=_amplitude(place, rest, pitch_m),
        ball_n=_amplitude(place, rest, pitch_m / ball_order),
    )


def _amplitude(
    place: np.ndarray[tuple[int], np.dtype[np.float64]],
    force: np.ndarray[tuple[int], np.dtype[np.float64]],
    period_m: float,
) -> float:
    """Return the amplitude at one spatial period: the Fourier sum at the places themselves."""
    window = np.hanning(len(place))
    turn = np.exp(-2j * np.pi * place / period_m)
    return float(2.0 * np.abs((window * force) @ turn) / window.sum())
