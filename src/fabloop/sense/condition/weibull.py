"""How long parts last, learnt from few failures: Weibull with a weak prior on its shape.

Given the shape the scale follows a gamma distribution exactly, so the posterior is a sum over a
grid of shapes: nothing is sampled, and the same lives always give the same figures.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from scipy.special import gammaincc

from fabloop.base.errors import Fault, Invalid
from fabloop.sense.spc.samples import Floats

SHAPE_MEDIAN = 2.0
SHAPE_SPREAD = 0.35
"""Of the logarithm of the shape, before any failure was seen: 1.0 to 4.0 is likely (95 %)."""
LIVES_MAX = 100_000
GRID = 400
STEPS = 2_000
HALVINGS = 80


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """How long a part has lived, in a unit that is the same for all; censored if not `failed`."""

    lived: float
    failed: bool


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A value with the interval that holds it with the probability asked for."""

    value: float
    low: float
    high: float


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """When to replace a part before it fails.

    Attributes
    ----------
    age : None where replacing it before it fails never pays
    cost_rate : cost a unit of life with that rule; `cost_rate_to_failure` without it
    """

    age: float | None
    cost_rate: float
    cost_rate_to_failure: float


@dataclass(frozen=True, slots=True, eq=False)
class Lifetime:
    """What is known of the lives of parts.

    Attributes
    ----------
    shapes, weights : grid of the shape, shape (g,), and how likely each is
    sums : sum of all lives, in `unit`, to the power of each shape
    failures : how many lives ended
    unit : lives are counted in it inside, so that powers stay finite
    """

    shapes: Floats
    weights: Floats
    sums: Floats
    failures: int
    unit: float

    def reliability(self, age: float) -> float:
        """Return the probability that a new part reaches an age; all that is unsure counts."""
        power = (max(0.0, age) / self.unit) ** self.shapes
        return float(self.weights @ (self.sums / (self.sums + power)) ** self.failures)

    def risk(self, age: float, ahead: float) -> float:
        """Return the probability that a part of an age fails within the next span of life."""
        alive = self.reliability(age)
        return 1.0 - self.reliability(age + ahead) / alive if alive > 0 else 1.0

    def shape(self, coverage: float = 0.9) -> Estimate:
        """Return the shape: below 1 parts fail young, above 1 they wear out."""
        heap = np.cumsum(self.weights) - self.weights / 2
        ends = ((1 - coverage) / 2, 0.5, (1 + coverage) / 2)
        low, value, high = (float(np.interp(each, heap, self.shapes)) for each in ends)
        return Estimate(value=value, low=low, high=high)

    def life(self, failed: float = 0.1, coverage: float = 0.9) -> Estimate:
        """Return the life that a share of the parts does not reach; 0.1 gives B10."""
        ends = ((1 - coverage) / 2, 0.5, (1 + coverage) / 2)
        low, value, high = (self._life(failed, each) for each in ends)
        return Estimate(value=value, low=low, high=high)

    def _life(self, failed: float, probability: float) -> float:
        """Return below which life the share stays with a probability, by halving."""
        reach = -math.log1p(-failed)
        low, high = -60.0, 60.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            # the share is reached before x if the rate is at least reach / x ** shape
            rate = reach * np.exp(-middle * self.shapes)
            before = float(self.weights @ gammaincc(self.failures, self.sums * rate))
            low, high = (middle, high) if before < probability else (low, middle)
        return self.unit * math.exp((low + high) / 2)

    def replacement(self, planned_cost: float, failure_cost: float) -> Replacement:
        """Return the age at which replacing a part costs least a unit of life.

        Notes
        -----
        R. E. Barlow, L. Hunter, Operations Research 8 (1960) 90: least expected cost of a cycle by
        its expected length. Above 0 is required of both costs.
        """
        if not (0 < planned_cost < math.inf and 0 < failure_cost < math.inf):
            raise ValueError("Expected costs above 0 that are finite.")
        end = self.life(0.999).value
        ages = np.linspace(0.0, end, STEPS + 1)[1:]
        alive = np.array([self.reliability(each) for each in ages.tolist()])
        before = np.concatenate([[1.0], alive[:-1]])
        length = np.cumsum((alive + before) / 2) * (end / STEPS)
        rate = (planned_cost * alive + failure_cost * (1 - alive)) / length
        best, last = int(np.argmin(rate)), float(failure_cost / length[-1])
        if rate[best] >= last or best == STEPS - 1:
            return Replacement(age=None, cost_rate=last, cost_rate_to_failure=last)
        return Replacement(
            age=float(ages[best]), cost_rate=float(rate[best]), cost_rate_to_failure=last
        )


def lifetime_of(
    lives: Sequence[Life], median: float = SHAPE_MEDIAN, spread: float = SHAPE_SPREAD
) -> Lifetime:
    """Return what the lives teach, with a lognormal prior on the shape.

    Raises
    ------
    Invalid
        A life is not above 0, none ended, or there are too many; every fault is told.
    """
    faults = [
        Fault(source="lives", path=f"$[{number}].lived", expected="above 0", found=str(each.lived))
        for number, each in enumerate(lives[:LIVES_MAX])
        if not 0 < each.lived < math.inf
    ]
    failures = sum(each.failed for each in lives)
    if not failures or len(lives) > LIVES_MAX:
        faults.append(
            Fault(
                source="lives",
                path="$",
                expected=f"at most {LIVES_MAX} lives, of which at least one ended",
                found=f"{len(lives)} lives, {failures} ended",
                hint="Without a failure, only the age reached so far is known.",
            )
        )
    if faults:
        raise Invalid(faults)
    logs = np.log(np.array([each.lived for each in lives]))
    unit = float(logs.max())
    ended = float(sum(logs[n] - unit for n, each in enumerate(lives) if each.failed))
    shapes = np.exp(np.linspace(-5 * spread, 5 * spread, GRID)) * median
    sums = np.array([np.exp((logs - unit) * each).sum() for each in shapes])
    told = (
        -0.5 * (np.log(shapes / median) / spread) ** 2  # the grid is even in the logarithm
        + (failures - 1) * np.log(shapes)
        + shapes * ended
        - failures * np.log(sums)
    )
    weights = np.exp(told - told.max())
    return Lifetime(shapes, weights / weights.sum(), sums, failures, math.exp(unit))
