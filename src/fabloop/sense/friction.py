"""Friction of an axis over speed: Coulomb, static, Stribeck speed, viscous, and offset."""

from collections.abc import Sequence

import msgspec
import numpy as np

from fabloop.sense.program import LineSegment
from fabloop.sense.recording import AxisColumns, Floats, hold
from fabloop.sense.regression import Estimate, Fit, fit_robust, mean_of

SPEEDS_MIN = 5
"""Four coefficients and one Stribeck speed need more points than this; nine are usual."""
POINT_FLOOR = 5e-4
"""No point of the curve is believed better than this ratio of its value."""
_GRID = 120


class FrictionPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Friction force and offset at one speed (m/s, N)."""

    speed: float
    force: Estimate
    offset: Estimate


class Friction(msgspec.Struct, frozen=True, kw_only=True):
    """Fc + (Fs - Fc) exp(-(v/vs)^2) + kv v, of the whole axis with its motor.

    Attributes
    ----------
    coulomb, static : N
    stribeck : m/s
    viscous : N s/m
    offset : N, the force that does not change with direction (gravity, counterbalance)
    curve : the measured points, slowest first
    """

    coulomb: Estimate
    static: Estimate
    stribeck: Estimate
    viscous: Estimate
    offset: Estimate
    curve: tuple[FrictionPoint, ...]

    def at(self, speed: float) -> float:
        """Return the friction force at a speed above zero, in newtons."""
        excess = self.static.value - self.coulomb.value
        falling = excess * float(np.exp(-((speed / self.stribeck.value) ** 2)))
        return self.coulomb.value + falling + self.viscous.value * speed


def friction_point(segment: LineSegment, columns: AxisColumns) -> FrictionPoint:
    """Return the point of the curve that a movement out and back gives."""
    ahead, back = (hold(segment, phase, columns.step_s) for phase in (0, 1))
    forward, backward = mean_of(columns.force[ahead]), mean_of(columns.force[back])
    spread = float(np.hypot(forward.uncertainty, backward.uncertainty)) / 2.0
    return FrictionPoint(
        speed=segment.phases[0].speed,
        force=Estimate(value=(forward.value - backward.value) / 2.0, uncertainty=spread),
        offset=Estimate(value=(forward.value + backward.value) / 2.0, uncertainty=spread),
    )


def friction_of(points: Sequence[FrictionPoint]) -> Friction | str:
    """Fit the friction curve.

    Notes
    -----
    The model is linear but for the Stribeck speed, so that one is searched (logarithmic grid,
    then a parabola) and the others are solved for at each step.
    """
    if len(points) < SPEEDS_MIN:
        return f"{len(points)} friction speeds, at least {SPEEDS_MIN} are needed"
    curve = tuple(sorted(points, key=lambda point: point.speed))
    speed = np.array([point.speed for point in curve])
    force = np.array([point.force.value for point in curve])
    if force.min() <= 0.0:
        return f"a friction force of {force.min():.3f} N, which has to be above zero"
    weight = 1.0 / np.array(
        [max(point.force.uncertainty, POINT_FLOOR * point.force.value) for point in curve]
    )
    grid = np.geomspace(speed[0] / 2.0, speed[-1] / 4.0, _GRID)
    costs = np.array([_cost(_solve(speed, force, weight, vs)) for vs in grid])
    stribeck = _refined(grid, costs)
    fit = _solve(speed, force, weight, stribeck.value)
    spread = max(1.0, _cost(fit) / (len(curve) - 4)) ** 0.5
    coulomb, excess, viscous = (fit.estimate(index) for index in range(3))
    joint = float(np.sqrt(max(0.0, fit.covariance[:2, :2].sum())))
    offset = float(np.median([point.offset.value for point in curve]))
    scatter = float(np.std([point.offset.value for point in curve], ddof=1))
    return Friction(
        coulomb=coulomb,
        static=Estimate(value=coulomb.value + excess.value, uncertainty=joint),
        stribeck=msgspec.structs.replace(stribeck, uncertainty=stribeck.uncertainty * spread),
        viscous=viscous,
        offset=Estimate(value=offset, uncertainty=scatter / len(curve) ** 0.5),
        curve=curve,
    )


def _solve(speed: Floats, force: Floats, weight: Floats, stribeck: float) -> Fit:
    falling = np.exp(-((speed / stribeck) ** 2))
    design = np.column_stack([np.ones_like(speed), falling, speed])
    return fit_robust(design * weight[:, None], force * weight)


def _cost(fit: Fit) -> float:
    return float(fit.residuals @ fit.residuals)


def _refined(grid: Floats, costs: Floats) -> Estimate:
    """Return the lowest point between grid points; the uncertainty is where the cost rises by 1."""
    best = int(np.clip(np.argmin(costs), 1, len(grid) - 2))
    log_step = float(np.log(grid[1] / grid[0]))
    left, middle, right = (float(costs[best + shift]) for shift in (-1, 0, 1))
    curvature = left - 2.0 * middle + right
    shift = 0.5 * (left - right) / curvature if curvature > 0.0 else 0.0
    value = float(grid[best]) * float(np.exp(np.clip(shift, -1.0, 1.0) * log_step))
    steps = (2.0 / curvature) ** 0.5 if curvature > 0.0 else float(len(grid))
    return Estimate(value=value, uncertainty=value * min(1.0, steps * log_step))
