"""Moving mass of an axis, and the coherence that says whether its recording can be believed."""

import msgspec
import numpy as np

from fabloop.sense.recording import AxisColumns, Floats
from fabloop.sense.regression import SMOOTHING_WINDOW, Estimate, fit_robust, smooth

STANDSTILL_M_PER_S = 2e-3
"""Below this speed the sign of friction is not certain, and samples are left out."""
SAMPLES_MIN = 100
MASS_CERTAINTY = 3.0
"""A mass below this many of its standard uncertainties is none."""


class Inertia(msgspec.Struct, frozen=True, kw_only=True):
    """What explains the motor force while the axis accelerates.

    Attributes
    ----------
    mass : kg, motor and table
    coherence : 1 - variance of what the model leaves over / variance of the force
    """

    mass: Estimate
    coherence: float


def inertia_of(columns: AxisColumns) -> Inertia | str:
    """Fit F = m a + Fc sgn v + kv v + F0 to accelerated movements.

    All columns pass the same smoothing, so that it cancels out of the model's coefficients.
    """
    speed = smooth(columns.motor_position, 1, columns.step_s)
    acceleration = smooth(columns.motor_position, 2, columns.step_s)
    force = smooth(columns.force)
    moving = clear_of_standstill(speed)
    if np.count_nonzero(moving) < SAMPLES_MIN:
        return f"{np.count_nonzero(moving)} samples in motion, at least {SAMPLES_MIN} are needed"
    design = np.column_stack([acceleration, np.sign(speed), speed, np.ones_like(speed)])[moving]
    fit = fit_robust(design, force[moving], samples_per_independent=SMOOTHING_WINDOW)
    mass = fit.estimate(0)
    if mass.value <= MASS_CERTAINTY * mass.uncertainty:
        return "force does not follow acceleration"
    coherence = 1.0 - float(fit.residuals.var() / max(force[moving].var(), 1e-300))
    return Inertia(mass=mass, coherence=coherence)


def clear_of_standstill(speed: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which smoothed samples have no standstill within their smoothing window."""
    slow = (np.abs(speed) < STANDSTILL_M_PER_S).astype(np.float64)
    near = np.convolve(slow, np.ones(SMOOTHING_WINDOW), mode="same") > 0.5
    return ~near
