"""Evaluation of positioning tests: ISO 230-2 and VDI/DGQ 3441."""

import msgspec
import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.sense.recording import Floats


class Positioning(msgspec.Struct, frozen=True, kw_only=True):
    """Results of ISO 230-2, bidirectional, in the unit of the deviations.

    Attributes
    ----------
    accuracy : A
    systematic : E
    repeatability : R
    reversal : B
    mean_deviation : M
    """

    accuracy: float
    systematic: float
    repeatability: float
    reversal: float
    mean_deviation: float


class Vdi3441(msgspec.Struct, frozen=True, kw_only=True):
    """Results of VDI/DGQ 3441, in the unit of the deviations.

    Attributes
    ----------
    uncertainty : P
    scatter_max : largest Ps = 6 s
    reversal_max : largest U
    mean_deviation : Pa
    """

    uncertainty: float
    scatter_max: float
    reversal_max: float
    mean_deviation: float


def iso_230_2(deviations: Floats) -> Positioning:
    """Evaluate deviations of shape (targets, approaches, 2); the last axis is up and down.

    Raises
    ------
    Invalid
        Another shape, or fewer than two approaches.
    """
    mean, scatter = _moments(deviations)
    low, high = mean - 2.0 * scatter, mean + 2.0 * scatter
    reversal = mean[:, 0] - mean[:, 1]
    both = np.maximum(2.0 * scatter.sum(axis=1) + np.abs(reversal), 4.0 * scatter.max(axis=1))
    return Positioning(
        accuracy=float(high.max() - low.min()),
        systematic=float(np.ptp(mean)),
        repeatability=float(both.max()),
        reversal=float(np.abs(reversal).max()),
        mean_deviation=float(np.ptp(mean.mean(axis=1))),
    )


def vdi_3441(deviations: Floats) -> Vdi3441:
    """Evaluate deviations of shape (targets, approaches, 2); the last axis is up and down.

    Raises
    ------
    Invalid
        Another shape, or fewer than two approaches.
    """
    mean, scatter = _moments(deviations)
    centre = mean.mean(axis=1)
    reversal = np.abs(mean[:, 0] - mean[:, 1])
    spread = 6.0 * scatter.mean(axis=1)
    half = (reversal + spread) / 2.0
    return Vdi3441(
        uncertainty=float((centre + half).max() - (centre - half).min()),
        scatter_max=float(spread.max()),
        reversal_max=float(reversal.max()),
        mean_deviation=float(np.ptp(centre)),
    )


def _moments(deviations: Floats) -> tuple[Floats, Floats]:
    if deviations.ndim != 3 or deviations.shape[1] < 2 or deviations.shape[2] != 2:
        raise Invalid(
            Fault(
                source="positioning test",
                path="$",
                expected="deviations of shape (targets, at least 2 approaches, 2 directions)",
                found=str(deviations.shape),
            )
        )
    return deviations.mean(axis=1), deviations.std(axis=1, ddof=1)
