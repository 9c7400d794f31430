"""Several characteristics that move together: Hotelling's T² and MEWMA.

C. A. Lowry et al., Technometrics 34 (1992) 46; N. D. Tracy et al., J. Quality Technology 24 (1992)
88 for the limits of single observations.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, fdtri

from fabloop.base.errors import Fault, Invalid
from fabloop.sense.spc.samples import Floats

RIDGE = 1e-9
"""Share of each variance added to it, so that two equal characteristics do no harm."""


@dataclass(frozen=True, slots=True, eq=False)
class Normal:
    """Where several characteristics are while in control, from `count` observations.

    Attributes
    ----------
    mean : shape (p,)
    precision : shape (p, p), inverse of the covariance
    """

    mean: Floats
    precision: Floats
    count: int

    def distances(self, values: Floats) -> Floats:
        """Return T² of observations of shape (m, p); NaN where one of the values is not known."""
        off = values - self.mean
        squares: Floats = np.einsum("ij,jk,ik->i", off, self.precision, off)
        return squares

    def shares(self, value: Floats) -> Floats:
        """Return what each characteristic adds to the T² of one observation, shape (p,).

        The share is the T² less the T² without that characteristic (R. L. Mason et al., 1995),
        so it tells which one is to be looked at first; shares need not add up to the whole.
        """
        off = value - self.mean
        pull = self.precision @ off
        shares: Floats = pull**2 / np.diag(self.precision)
        return shares


def normal_of(values: Floats, source: str = "observations") -> Normal:
    """Return mean and precision of observations of phase I, shape (m, p).

    Rows with a value that is not known are left out.

    Raises
    ------
    Invalid
        There are fewer than p + 2 whole observations, or a characteristic never changes.
    """
    whole = values[np.isfinite(values).all(axis=1)]
    count, width = whole.shape
    if count < width + 2:
        raise Invalid(
            Fault(
                source=source,
                path="$",
                expected=f"at least {width + 2} whole observations of {width} characteristics",
                found=str(count),
                hint="Observe longer, or watch fewer of them together.",
            )
        )
    covariance = np.atleast_2d(np.cov(whole, rowvar=False))
    flat = np.flatnonzero(~(np.diag(covariance) > 0)).tolist()
    if flat:
        raise Invalid(
            tuple(
                Fault(
                    source=source,
                    path=f"$[*][{column}]",
                    expected="a characteristic that changes",
                    found="the same value always",
                    hint="Leave it out.",
                )
                for column in flat
            )
        )
    covariance[np.diag_indices(width)] *= 1 + RIDGE
    precision: Floats = np.linalg.inv(covariance.astype(np.float64))
    return Normal(whole.mean(axis=0), precision, count)


def phase_one_limit(normal: Normal, risk: float) -> float:
    """Return the upper limit of T² for the observations that it was made of (beta distribution)."""
    m, p = normal.count, len(normal.mean)
    return float((m - 1) ** 2 / m * betaincinv(p / 2, (m - p - 1) / 2, 1 - risk))


def phase_two_limit(normal: Normal, risk: float) -> float:
    """Return the upper limit of T² for observations to come (F distribution)."""
    m, p = normal.count, len(normal.mean)
    return float(p * (m + 1) * (m - 1) / (m * (m - p)) * fdtri(p, m - p, 1 - risk))


class Mewma:
    """A moving average of all characteristics together; its T² finds small shifts sooner.

    Parameters
    ----------
    normal : from phase I
    weight : of the newest observation
    """

    def __init__(self, normal: Normal, weight: float = 0.1) -> None:
        if not 0 < weight <= 1:
            raise ValueError(f"Expected a weight above 0 and at most 1, but found {weight}.")
        self.normal = normal
        self.weight = weight
        self.average = np.zeros(len(normal.mean))
        self._faded = 1.0

    def see(self, values: Floats) -> Floats:
        """Take observations of shape (m, p), in order; return their T², shape (m,).

        One with a value that is not known leaves the average as it is, and its T² is NaN.
        """
        averages, spreads = self.follow(values)
        squares: Floats = np.einsum("ij,jk,ik->i", averages, self.normal.precision, averages)
        told: Floats = squares / spreads
        return told

    def follow(self, values: Floats) -> tuple[Floats, Floats]:
        """Take observations of shape (m, p), in order; return the moving averages.

        With them comes by what their covariance is narrower than that of single observations,
        shape (m,): NaN for an observation with a value that is not known.
        """
        averages = np.empty_like(values, dtype=np.float64)
        whole: NDArray[np.bool_] = np.all(np.isfinite(values), axis=1)
        keep = 1 - self.weight
        for number, (off, taken) in enumerate(
            zip(values - self.normal.mean, whole.tolist(), strict=True)
        ):
            if taken:
                self.average = self.weight * off + keep * self.average
            averages[number] = self.average
        faded = self._faded * keep ** (2.0 * np.cumsum(whole))
        self._faded = float(faded[-1]) if len(faded) else self._faded
        spreads = np.where(whole, self.weight / (2 - self.weight) * (1 - faded), np.nan)
        return averages, spreads

    def forget(self) -> None:
        """Begin anew, as after an adjustment."""
        self.average = np.zeros(len(self.normal.mean))
        self._faded = 1.0
