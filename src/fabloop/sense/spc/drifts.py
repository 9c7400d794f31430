"""Charts with a memory, for small lasting shifts: EWMA and the two-sided CUSUM.

S. W. Roberts (1959), E. S. Page (1954); ISO 7870-4 and -6.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fabloop.sense.spc.samples import Floats

WEIGHT: Final = 0.2
"""Weight of the newest point in an EWMA."""
REFERENCE: Final = 0.5
"""Slack k of a CUSUM in sigma: half of the shift that is to be found soonest."""
DECISION: Final = 4.0
"""Decision interval h of a CUSUM in sigma."""


class Ewma:
    """Exponentially weighted moving averages of many characteristics, in sigma from the centre.

    Parameters
    ----------
    characteristics : how many
    weight : of the newest point, above 0 and at most 1
    width : of the limits in standard deviations of the average
    """

    def __init__(self, characteristics: int, *, weight: float = WEIGHT, width: float = 3.0) -> None:
        if not 0 < weight <= 1:
            raise ValueError(f"Expected a weight above 0 and at most 1, but found {weight}.")
        self.weight = weight
        self.width = width
        self.values = np.zeros(characteristics)
        self._faded = np.ones(characteristics)

    def see(
        self, distance: Floats, where: NDArray[np.intp] | slice = slice(None)
    ) -> NDArray[np.bool_]:
        """Take one more point of some characteristics; return which averages left their limits.

        A point that was not measured (NaN) changes nothing.
        """
        known = np.isfinite(distance)
        old = self.values[where]
        self.values[where] = np.where(known, old + self.weight * (distance - old), old)
        faded = self._faded[where]
        self._faded[where] = np.where(known, faded * (1 - self.weight) ** 2, faded)
        out: NDArray[np.bool_] = known & (np.abs(self.values[where]) > self.limits(where))
        return out

    def limits(self, where: NDArray[np.intp] | slice = slice(None)) -> Floats:
        """Return the distance of the limits from the centre now; at first it widens."""
        share = self.weight / (2 - self.weight) * (1 - self._faded[where])
        limits: Floats = self.width * np.sqrt(share)
        return limits

    def forget(self, where: NDArray[np.intp] | slice) -> None:
        """Begin anew for some characteristics."""
        self.values[where] = 0.0
        self._faded[where] = 1.0


class Cusum:
    """Two-sided cumulative sums of many characteristics, in sigma from the centre.

    Parameters
    ----------
    characteristics : how many
    reference : k, slack taken off each distance
    decision : h, sums beyond it signal
    """

    def __init__(
        self, characteristics: int, *, reference: float = REFERENCE, decision: float = DECISION
    ) -> None:
        self.reference = reference
        self.decision = decision
        self.above = np.zeros(characteristics)
        self.below = np.zeros(characteristics)

    def see(
        self, distance: Floats, where: NDArray[np.intp] | slice = slice(None)
    ) -> NDArray[np.bool_]:
        """Take one more point of some characteristics; return which sums passed the decision.

        The sums go on after a signal: whoever found the cause lets them begin anew (`forget`).
        """
        step = np.where(np.isfinite(distance), distance, 0.0)
        slack = np.where(np.isfinite(distance), self.reference, 0.0)
        self.above[where] = np.maximum(0.0, self.above[where] + step - slack)
        self.below[where] = np.maximum(0.0, self.below[where] - step - slack)
        high: NDArray[np.bool_] = np.maximum(self.above[where], self.below[where]) > self.decision
        return high

    def forget(self, where: NDArray[np.intp] | slice) -> None:
        """Begin anew for some characteristics."""
        self.above[where] = 0.0
        self.below[where] = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A chart with a memory over time, each array of shape (m,); in sigma from the centre.

    For a CUSUM `values` is the sum above and `below` the one below; an EWMA has no second one.
    """

    values: Floats
    below: Floats
    limits: Floats
    signals: NDArray[np.bool_]


def ewma_course(distances: Floats, *, weight: float = WEIGHT, width: float = 3.0) -> Course:
    """Return the EWMA of points in sigma from the centre."""
    chart = Ewma(1, weight=weight, width=width)
    values, limits, signals = (np.empty(len(distances)) for _ in range(3))
    for number in range(len(distances)):
        signals[number] = chart.see(distances[number : number + 1])[0]
        values[number], limits[number] = chart.values[0], chart.limits()[0]
    return Course(values, np.full(len(distances), np.nan), limits, signals.astype(np.bool_))


def cusum_course(
    distances: Floats, *, reference: float = REFERENCE, decision: float = DECISION
) -> Course:
    """Return the two sums of points in sigma from the centre."""
    chart = Cusum(1, reference=reference, decision=decision)
    above, below, signals = (np.empty(len(distances)) for _ in range(3))
    for number in range(len(distances)):
        signals[number] = chart.see(distances[number : number + 1])[0]
        above[number], below[number] = chart.above[0], chart.below[0]
    return Course(above, below, np.full(len(distances), decision), signals.astype(np.bool_))
