"""Is a machine as it was: one distance over all its signals, and which of them pull.

The distance is the T² of a moving average of all signals together (MEWMA), its limit a quantile of
what was seen while the machine was in control.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.model.explanation import ConditionCode, Evidence, Explanation
from fabloop.sense.condition.standard import Scale, filled, scale_of
from fabloop.sense.spc.multivariate import Mewma, Normal, normal_of
from fabloop.sense.spc.samples import Floats

WEIGHT = 0.1
"""Weight of the newest observation in the moving average."""
RISK = 0.01
"""Share of the observations in control that is told wrongly, unless another is asked for."""
FOLDS = 5
"""Spans of phase I, each of which is judged by what the others say is normal."""
PULLING_MAX = 5
"""So many signals are named, those that pull most first."""


@dataclass(frozen=True, slots=True, eq=False)
class Normality:
    """How the signals of a machine are while it is in control.

    Attributes
    ----------
    normal : of the standardised signals; `covariance` is theirs
    limit : of T²; above it an observation is told
    risk : share of the observations of phase I beyond the limit
    """

    scale: Scale
    normal: Normal
    covariance: Floats
    weight: float
    limit: float
    risk: float


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What was found of observations, in their order.

    Attributes
    ----------
    distance : T², shape (m,); NaN where too few signals were known
    beyond : shape (m,), whether the distance is above the limit; unknown is not beyond
    average : shape (m, p), the moving average that each distance is of
    """

    distance: Floats
    beyond: NDArray[np.bool_]
    average: Floats


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """A signal that is not where it was.

    Attributes
    ----------
    share : of the T² that goes when the signal is left out, 0..1; shares need not add up to 1
    deviations : how far its moving average is from normal, in deviations of that average
    """

    signal: str
    share: float
    deviations: float


def normality_of(
    signals: Sequence[str],
    values: Floats,
    risk: float = RISK,
    weight: float = WEIGHT,
    source: str = "phase I",
) -> Normality:
    """Return what is normal, from observations of shape (m, p) in control and in their order.

    The limit is the quantile of the distances of phase I, each span of it judged by what the
    others say is normal (`FOLDS`): judged by itself, a signal that wanders slowly looks calm. It
    keeps the stated risk as long as the machine does what it did in phase I.

    Raises
    ------
    Invalid
        Signals never change, or the observations are too few for the risk: at least 1 / risk.
    """
    scale = scale_of(signals, values, source)
    standard = scale.standard(values)
    normal = normal_of(standard, source)
    covariance = _inverse(normal.precision)
    distances = np.sort(_held_out(scale, standard, weight, source))
    rank = math.ceil((len(distances) + 1) * (1 - risk))
    if not 0 < risk < 1 or rank > len(distances):
        raise Invalid(
            Fault(
                source=source,
                path="risk",
                expected=f"a risk between {1 / (len(distances) + 1):.3g} and 1",
                found=str(risk),
                hint="Observe longer, or take a greater risk of false alarms.",
            )
        )
    limit = float(distances[rank - 1])
    return Normality(scale, normal, covariance, weight, limit, risk)


def _inverse(matrix: Floats) -> Floats:
    inverse: Floats = np.linalg.inv(matrix).astype(np.float64)
    return inverse


def _held_out(scale: Scale, standard: Floats, weight: float, source: str) -> Floats:
    """Return the distances of standardised observations by what those of other spans say."""
    told = []
    for span in np.array_split(np.arange(len(standard)), FOLDS):
        normal = normal_of(np.delete(standard, span, axis=0), source)
        bare = Normality(scale, normal, _inverse(normal.precision), weight, math.inf, 0.0)
        told.append(Watch(bare).follow(standard[span]).distance)
    distances = np.concatenate(told)
    known: Floats = distances[np.isfinite(distances)]
    return known


class Watch:
    """Follows the signals of one machine.

    Parameters
    ----------
    normality : from phase I
    """

    def __init__(self, normality: Normality) -> None:
        self.normality = normality
        self._chart = Mewma(normality.normal, normality.weight)

    def see(self, values: Floats) -> Judged:
        """Take observations of shape (m, p), in order.

        A value that is not known is taken as what the known ones lead to expect; an observation
        of which more than half is not known changes nothing and has no distance.
        """
        return self.follow(self.normality.scale.standard(values))

    def follow(self, standard: Floats) -> Judged:
        """Take observations that are standardised already."""
        whole = filled(standard, self.normality.covariance)
        average, spread = self._chart.follow(whole)
        precision = self.normality.normal.precision
        distance: Floats = np.einsum("ij,jk,ik->i", average, precision, average) / spread
        with np.errstate(invalid="ignore"):
            beyond = distance > self.normality.limit
        return Judged(distance, beyond, average)

    def forget(self) -> None:
        """Begin the moving average anew, as after maintenance."""
        self._chart.forget()


def pulls(normality: Normality, average: Floats) -> tuple[Pull, ...]:
    """Return the signals by what they add to the T² of a moving average of shape (p,)."""
    normal = normality.normal
    shares = normal.shares(normal.mean + average)
    whole = float(average @ normal.precision @ average)
    spread = np.sqrt(np.diag(normality.covariance) * normality.weight / (2 - normality.weight))
    order = np.argsort(-shares, kind="stable")[:PULLING_MAX]
    return tuple(
        Pull(
            signal=normality.scale.signals[each],
            share=float(shares[each] / whole) if whole > 0 else 0.0,
            deviations=float(average[each] / spread[each]),
        )
        for each in order.tolist()
    )


def explained(
    normality: Normality, judged: Judged, number: int, subject: str, at: Instant
) -> Explanation:
    """Say why one of the observations judged is told, and which signals to look at first."""
    named = pulls(normality, judged.average[number])
    return Explanation(
        code=ConditionCode.ANOMALY,
        subject=subject,
        details={"signals": ", ".join(each.signal for each in named)},
        evidence=(
            Evidence(
                subject=subject,
                parameter="T²",
                relation="at most",
                value=float(judged.distance[number]),
                limit=normality.limit,
                at=at,
                source=f"MEWMA, weight {normality.weight:g}, false alarms {normality.risk:.2%}",
            ),
            *(
                Evidence(
                    subject=subject,
                    parameter=each.signal,
                    value=f"{each.deviations:+.1f} deviations, {each.share:.0%} of T²",
                    at=at,
                )
                for each in named
            ),
        ),
        consequence="look at the signals that pull, or maintain",
    )
