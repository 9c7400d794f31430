"""Robust least squares, smoothing derivatives and honest uncertainties of means."""

from functools import cache

import msgspec
import numpy as np

from fabloop.sense.recording import Floats

HUBER_ROUNDS = 8
HUBER_TUNING = 1.345
"""Residuals beyond this many robust standard deviations lose weight (95 % efficiency)."""
SMOOTHING_WINDOW = 15
"""Samples of a Savitzky-Golay fit; 30 ms at 2 ms."""
SMOOTHING_DEGREE = 3
BLOCKS = 6
"""Parts of a window whose means are taken as independent of each other."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A value with its standard uncertainty (GUM, k = 1), in the unit of the quantity."""

    value: float
    uncertainty: float


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """Coefficients (p,), their covariance (p, p), and residuals (n,) of a linear model."""

    coefficients: Floats
    covariance: Floats
    residuals: Floats

    def estimate(self, index: int) -> Estimate:
        """Return one coefficient with its standard uncertainty."""
        return Estimate(
            value=float(self.coefficients[index]),
            uncertainty=float(np.sqrt(max(0.0, self.covariance[index, index]))),
        )


def fit_robust(design: Floats, target: Floats, *, samples_per_independent: float = 1.0) -> Fit:
    """Return Huber's M-estimate of `target = design @ coefficients` by reweighting.

    Parameters
    ----------
    samples_per_independent : neighbouring residuals of smoothed signals are correlated; the
        covariance is widened by this factor
    """
    scale = np.maximum(np.abs(design).max(axis=0), 1e-300)  # columns differ by many decades
    scaled = design / scale
    weight = np.ones(len(target))
    coefficients = np.zeros(design.shape[1])
    for _ in range(HUBER_ROUNDS):
        root = np.sqrt(weight)
        coefficients = np.linalg.lstsq(scaled * root[:, None], target * root, rcond=None)[0]
        residual = target - scaled @ coefficients
        spread = 1.4826 * float(np.median(np.abs(residual - np.median(residual))))
        if spread == 0.0:
            break
        weight = np.minimum(1.0, HUBER_TUNING * spread / np.maximum(np.abs(residual), 1e-300))
    residual = target - scaled @ coefficients
    free = max(1, len(target) - design.shape[1])
    variance = float(weight @ residual**2) / free * samples_per_independent
    normal = scaled.T @ (scaled * weight[:, None])
    covariance = variance * np.linalg.pinv(normal) / np.outer(scale, scale)
    return Fit(coefficients=coefficients / scale, covariance=covariance, residuals=residual)


def smooth(column: Floats, derivative: int = 0, step_s: float = 1.0) -> Floats:
    """Return the smoothed value or a derivative of it; `SMOOTHING_WINDOW` - 1 samples shorter.

    Notes
    -----
    One filter S serves all derivatives, so that a linear relation between columns keeps its
    coefficients: S is the second sum of the Savitzky-Golay kernel for the second derivative, which
    therefore is that kernel itself. The usual kernels differ in S and bias a mass by 0.5 %.
    """
    return np.convolve(column, _kernel(derivative), mode="valid") / step_s**derivative


@cache
def _kernel(derivative: int) -> Floats:
    half = SMOOTHING_WINDOW // 2
    powers = np.vander(
        np.arange(-half, half + 1, dtype=np.float64), SMOOTHING_DEGREE + 1, increasing=True
    )
    second = 2.0 * np.linalg.pinv(powers)[2]
    value = np.cumsum(np.cumsum(second))[:-2]
    match derivative:
        case 0:
            return np.pad(value, 1)
        case 1:
            return np.convolve(value, (0.5, 0.0, -0.5))
        case _:
            return np.convolve(value, (1.0, -2.0, 1.0))


def mean_of(column: Floats) -> Estimate:
    """Return the mean; its uncertainty comes from block means, so slow ripple counts fully."""
    blocks = [float(part.mean()) for part in np.array_split(column, BLOCKS)]
    return Estimate(
        value=float(column.mean()), uncertainty=float(np.std(blocks, ddof=1) / np.sqrt(BLOCKS))
    )


def median_of(column: Floats) -> Estimate:
    """Return the median with an uncertainty from the medians of blocks."""
    blocks = [float(np.median(part)) for part in np.array_split(column, BLOCKS)]
    return Estimate(
        value=float(np.median(column)),
        uncertainty=float(np.std(blocks, ddof=1) / np.sqrt(BLOCKS)),
    )
