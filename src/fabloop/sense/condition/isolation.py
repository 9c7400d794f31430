"""The other way to find anomalies: an isolation forest, for signals that are not normal at all.

F. T. Liu, K. M. Ting, Z. Zhou, ICDM 2008. It needs scikit-learn, and is trained where it is used.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fabloop.base.errors import Fault, Invalid
from fabloop.sense.condition.standard import Scale, scale_of
from fabloop.sense.spc.samples import Floats

TREES = 100


class _Forest(Protocol):
    def score_samples(self, values: Floats) -> Floats: ...


@dataclass(frozen=True, slots=True, eq=False)
class Isolation:
    """A trained forest; above `limit` an observation is told."""

    scale: Scale
    forest: _Forest
    limit: float
    risk: float

    def distances(self, values: Floats) -> Floats:
        """Return how alone each observation of shape (m, p) is, 0..1; a value lost makes NaN."""
        standard = self.scale.standard(values)
        told = np.full(len(standard), np.nan)
        whole = np.isfinite(standard).all(axis=1)
        if whole.any():
            told[whole] = -self.forest.score_samples(standard[whole])
        return told

    def beyond(self, values: Floats) -> NDArray[np.bool_]:
        """Tell which observations are above the limit; unknown is not above."""
        with np.errstate(invalid="ignore"):
            above: NDArray[np.bool_] = self.distances(values) > self.limit
        return above


def isolation_of(
    signals: Sequence[str], values: Floats, risk: float, seed: int, source: str = "phase I"
) -> Isolation:
    """Train a forest on observations of shape (m, p) in control; whole ones count.

    Raises
    ------
    Invalid
        scikit-learn is not there, signals never change, or the observations are too few.
    """
    ensemble = _ensemble()
    scale = scale_of(signals, values, source)
    standard = scale.standard(values)
    whole = standard[np.isfinite(standard).all(axis=1)]
    rank = math.ceil((len(whole) + 1) * (1 - risk))
    if not 0 < risk < 1 or rank > len(whole):
        raise Invalid(
            Fault(
                source=source,
                path="risk",
                expected=f"a risk between {1 / (len(whole) + 1):.3g} and 1",
                found=str(risk),
                hint="Observe longer, or take a greater risk of false alarms.",
            )
        )
    forest: _Forest = ensemble.IsolationForest(n_estimators=TREES, random_state=seed).fit(whole)
    limit = float(np.sort(-forest.score_samples(whole))[rank - 1])
    return Isolation(scale, forest, limit, risk)


def _ensemble() -> ModuleType:
    try:
        from sklearn import ensemble  # noqa: PLC0415 - an extra that few need
    except ImportError as missing:
        raise Invalid(
            Fault(
                source="isolation forest",
                path="scikit-learn",
                expected="the library to be installed",
                found="none",
                hint="Run: pip install 'fabloop[learning]'",
            )
        ) from missing
    module: ModuleType = ensemble
    return module
