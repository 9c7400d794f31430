"""How many cycles a unit of a fleet has left, within which bounds, and which signals say so.

Two kinds of predictors are mixed: the course of the fleet's signals over life, which looks at the
whole past of a unit, and trees on what its recent past looks like. The model is a plain file (see
`life_file`); nothing that trained it is needed to read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.model.explanation import ConditionCode, Evidence, Explanation
from fabloop.sense.condition.life_course import FACTS, Course, shares_of, told_by
from fabloop.sense.condition.trees import Trees
from fabloop.sense.condition.trend_features import features_of
from fabloop.sense.spc.samples import Floats

CYCLES_MIN = 5
"""A younger unit has no trend."""
CYCLES_MAX = 100_000
NAMED_MAX = 3


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a prediction may be off by, learnt from units that the predictor had not seen.

    Attributes
    ----------
    from_cycles : ascending; each band of predictions begins there
    low, high : in each band, what is added to the prediction
    """

    coverage: float
    from_cycles: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def around(self, predicted: float) -> tuple[float, float]:
        """Return the interval around a prediction."""
        band = max(0, int(np.searchsorted(self.from_cycles, predicted, side="right")) - 1)
        return predicted + self.low[band], predicted + self.high[band]


@dataclass(frozen=True, slots=True, eq=False)
class LifeModel:
    """What was learnt from a fleet.

    Attributes
    ----------
    signals : those that changed in any unit; others are not looked at
    cap : more cycles than these were not told apart
    units : how many of them ran to failure
    course : what lives of the fleet have in common
    committees : trees, each trained without some of the units; their mean counts
    share : of the trees in the prediction (0..1), the course has the rest
    """

    signals: tuple[str, ...]
    cap: float
    units: int
    course: Course
    committees: tuple[Trees, ...]
    share: float
    bounds: Bounds


class RemainingLife(msgspec.Struct, frozen=True, kw_only=True):
    """Cycles left, with the interval that covers `coverage` of units like those of the fleet.

    Attributes
    ----------
    high : None where it may be any number above the cap
    """

    unit: str
    cycles: float
    low: float
    high: float | None
    coverage: float
    at: Instant
    because: Explanation


def remaining_life(
    model: LifeModel, unit: str, signals: Sequence[str], values: Floats, at: Instant
) -> RemainingLife:
    """Return the cycles left of a unit, from its signals since its youth, shape (n, p).

    Raises
    ------
    Invalid
        The signals are not those of the model, or the unit is too young.
    """
    rows = _checked(model, unit, signals, values)
    facts = told_by(model.course, rows, model.cap)[-1]
    row = np.concatenate([features_of(rows)[-1], facts])
    told = [each.explain(row) for each in model.committees]
    by_trees = float(np.mean([each[0] for each in told]))
    share = 1.0 if np.isnan(facts[0]) else model.share
    cycles = float(np.clip(mixed(share, by_trees, facts[0]), 0.0, model.cap))
    moved = shares_of(model.course, rows, model.cap)
    parts = _by_signal(model, share, np.mean([each[2] for each in told], axis=0), moved)
    low, high = model.bounds.around(cycles)
    bounds = (max(0.0, low), None if high >= model.cap else max(high, cycles))
    return RemainingLife(
        unit=unit,
        cycles=cycles,
        low=min(bounds[0], cycles),
        high=bounds[1],
        coverage=model.bounds.coverage,
        at=at,
        because=_because(model, unit, (cycles, *bounds), parts, at),
    )


def mixed(share: float, by_trees: Floats | float, by_course: Floats | float) -> Floats | float:
    """Return cycles left from both kinds; where the course tells nothing, those of the trees."""
    told = np.where(np.isnan(by_course), by_trees, by_course)
    return share * by_trees + (1.0 - share) * told


def _checked(model: LifeModel, unit: str, signals: Sequence[str], values: Floats) -> Floats:
    faults = [
        Fault(source=f"unit {unit!r}", path=each, expected="a signal of the unit", found="none")
        for each in model.signals
        if each not in signals
    ]
    if not CYCLES_MIN <= len(values) <= CYCLES_MAX:
        expected = f"{CYCLES_MIN} to {CYCLES_MAX} cycles since its youth"
        found = str(len(values))
        faults.append(Fault(source=f"unit {unit!r}", path="$", expected=expected, found=found))
    if faults:
        raise Invalid(faults)
    return values[:, [list(signals).index(each) for each in model.signals]]


def _because(
    model: LifeModel,
    unit: str,
    cycles: tuple[float, float, float | None],
    by_signal: Mapping[str, float],
    at: Instant,
) -> Explanation:
    found, low, high = cycles
    named = sorted(by_signal, key=lambda each: -abs(by_signal[each]))[:NAMED_MAX]
    upper = f"more than {model.cap:.0f}" if high is None else f"{high:.0f}"
    details = {
        "cycles": f"{found:.0f}",
        "low": f"{low:.0f}",
        "high": upper,
        "coverage": f"{model.bounds.coverage:.0%}",
        "signals": ", ".join(named),
    }
    evidence = tuple(
        Evidence(subject=unit, parameter=each, value=f"{by_signal[each]:+.0f} cycles", at=at)
        for each in named
    )
    return Explanation(
        code=ConditionCode.REMAINING_LIFE, subject=unit, details=details, evidence=evidence
    )


def _by_signal(model: LifeModel, share: float, parts: Floats, moved: Floats) -> dict[str, float]:
    """Return what each signal adds to the prediction, and the age.

    What trees make of the course goes to the signals as they moved it.
    """
    columns = len(FACTS)
    each = parts[: -columns - 1].reshape(-1, len(model.signals)).sum(axis=0)
    total = np.abs(moved).sum()
    if total > 0.0:
        each = each + parts[-columns:].sum() * np.abs(moved) / total
    each = share * each + (1.0 - share) * moved
    age = share * float(parts[-columns - 1])
    return {**dict(zip(model.signals, each.tolist(), strict=True)), "age": age}
