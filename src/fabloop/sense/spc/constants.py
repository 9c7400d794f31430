"""Constants of samples from a normal distribution, by integration (ISO 7870-2 names the integrals).

Tables of handbooks round d2 to three decimals; limits then differ in the fifth digit. Which one was
used is told by the `SigmaEstimator`.
"""

from functools import cache
from math import exp, lgamma, sqrt
from typing import Final

import numpy as np
from scipy.special import ndtr

SIZE_MAX: Final = 1_000
"""Greatest subgroup: beyond it a range says nothing, and s is as good as the overall one."""
_REACH = 9.0
_NODES = 240


def checked_size(size: int) -> int:
    """Return a subgroup size; ValueError where a constant has no value for it."""
    if not 2 <= size <= SIZE_MAX:
        raise ValueError(f"Expected a subgroup size of 2 to {SIZE_MAX}, but found {size}.")
    return size


@cache
def c4(size: int) -> float:
    """Return E[s] / sigma for samples of `size` values."""
    checked_size(min(size, SIZE_MAX))
    half = size / 2
    return sqrt(2 / (size - 1)) * exp(lgamma(half) - lgamma(half - 0.5))


@cache
def d2(size: int) -> float:
    """Return E[range] / sigma for samples of `size` values."""
    checked_size(size)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    below = ndtr(nodes * _REACH)
    return float(_REACH * weights @ (1 - below**size - (1 - below) ** size))


@cache
def d3(size: int) -> float:
    """Return the standard deviation of the range over sigma, for samples of `size` values."""
    checked_size(size)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    low = nodes * _REACH
    # The upper end of the range runs from the lower one to the end of the axis.
    half = (_REACH - low) / 2
    high = low[:, None] + half[:, None] * (nodes[None, :] + 1)
    p, q = ndtr(low)[:, None], ndtr(high)
    inner = (1 - q**size - (1 - p) ** size + (q - p) ** size) @ weights * half
    square = 2 * _REACH * float(weights @ inner)
    return sqrt(square - d2(size) ** 2)
