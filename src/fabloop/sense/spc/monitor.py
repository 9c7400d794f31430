"""Watching thousands of characteristics at once, one pass over arrays for each sweep of points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fabloop.base.errors import Fault, Invalid
from fabloop.sense.spc.drifts import Cusum, Ewma
from fabloop.sense.spc.rules import NELSON, Rule, RuleStates
from fabloop.sense.spc.samples import Floats

EWMA = "ewma"
CUSUM = "cusum"


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """What one point of each of some characteristics signals.

    Attributes
    ----------
    names : of the rules, and of EWMA and CUSUM after them
    which : shape (n,), numbers of the characteristics
    signals : shape (names, n)
    """

    names: tuple[str, ...]
    which: NDArray[np.intp]
    signals: NDArray[np.bool_]

    def told(self) -> list[tuple[int, str]]:
        """Return characteristic and rule of each signal."""
        rules, places = np.nonzero(self.signals)
        return [
            (int(self.which[place]), self.names[rule])
            for rule, place in zip(rules.tolist(), places.tolist(), strict=True)
        ]


class Monitor:
    """Frozen centres and sigmas of many characteristics, and what their rules remember.

    Parameters
    ----------
    center, sigma : shape (n,), of the plotted statistic (a mean of five has sigma / sqrt 5)
    rules : rules for runs

    Raises
    ------
    Invalid
        A centre is not finite or a sigma not greater than 0.
    """

    def __init__(
        self, center: ArrayLike, sigma: ArrayLike, *, rules: Sequence[Rule] = NELSON
    ) -> None:
        self.center = np.array(center, dtype=np.float64, ndmin=1)
        self.sigma = np.array(sigma, dtype=np.float64, ndmin=1)
        _check(self.center, self.sigma)
        count = len(self.center)
        self.ewma = Ewma(count)
        self.cusum = Cusum(count)
        self.seen = np.zeros(count, dtype=np.int64)
        self.means = np.zeros(count)
        self._squares = np.zeros(count)
        self._rules = RuleStates(rules, count)
        self._names = (*(rule.name for rule in rules), EWMA, CUSUM)

    def __len__(self) -> int:
        return len(self.center)

    @property
    def deviations(self) -> Floats:
        """Standard deviation of all points seen, NaN below two; shape (n,)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            deviations: Floats = np.sqrt(self._squares / np.where(self.seen > 1, self.seen - 1, 0))
            return np.where(self.seen > 1, deviations, np.nan)

    def see(self, points: ArrayLike, which: NDArray[np.intp] | None = None) -> Sweep:
        """Take one point each of some characteristics (of all by default).

        Parameters
        ----------
        points : shape (n,); NaN was not measured: it ends runs and counts nowhere
        which : numbers of the characteristics, each at most once
        """
        values = np.asarray(points, dtype=np.float64)
        where: NDArray[np.intp] | slice = slice(None) if which is None else which
        distance = (values - self.center[where]) / self.sigma[where]
        self._count(values, where)
        signals = np.vstack(
            [
                self._rules.see(distance, where),
                self.ewma.see(distance, where),
                self.cusum.see(distance, where),
            ]
        )
        return Sweep(self._names, np.arange(len(self)) if which is None else which, signals)

    def freeze(self, which: NDArray[np.intp], center: ArrayLike, sigma: ArrayLike) -> None:
        """Put new limits into force for some characteristics; their runs begin anew."""
        middle = np.array(center, dtype=np.float64, ndmin=1)
        spread = np.array(sigma, dtype=np.float64, ndmin=1)
        _check(middle, spread)
        self.center[which], self.sigma[which] = middle, spread
        self.forget(which)

    def forget(self, which: NDArray[np.intp]) -> None:
        """Begin anew for some characteristics, as after an adjustment."""
        self._rules.forget(which)
        self.ewma.forget(which)
        self.cusum.forget(which)
        self.seen[which], self.means[which], self._squares[which] = 0, 0.0, 0.0

    def _count(self, values: Floats, where: NDArray[np.intp] | slice) -> None:
        """Carry mean and sum of squares on (B. P. Welford, Technometrics 4 (1962) 419)."""
        known = np.isfinite(values)
        self.seen[where] += known
        off = np.where(known, values - self.means[where], 0.0)
        self.means[where] += off / np.maximum(self.seen[where], 1)
        self._squares[where] += off * np.where(known, values - self.means[where], 0.0)


def _check(center: Floats, sigma: Floats) -> None:
    wrong = ~np.isfinite(center) | ~(sigma > 0) | np.isinf(sigma)
    faults = tuple(
        Fault(
            source="control limits",
            path=f"$[{number}]",
            expected="a finite centre and a sigma greater than 0",
            found=f"{center[number]:g} and {sigma[number]:g}",
            hint="Take samples of phase I that differ.",
        )
        for number in np.flatnonzero(wrong)[:10].tolist()
    )
    if faults:
        raise Invalid(faults)
