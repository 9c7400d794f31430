"""Learn from a fleet how long its units last; needs ``pip install 'fabloop[learning]'``."""

import math
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol

import msgspec
import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.sense.condition.course_training import course_of
from fabloop.sense.condition.life_course import told_by
from fabloop.sense.condition.remaining_life import CYCLES_MIN, Bounds, LifeModel, mixed
from fabloop.sense.condition.trees import Trees, trees_of
from fabloop.sense.condition.trend_features import features_of
from fabloop.sense.spc.samples import Floats, Integers

UNITS_MIN = 20
"""With fewer failures a Weibull distribution with a prior says more."""
BANDS = 8
ROWS_MAX = 10_000
"""Of more cycles every second, third ... teaches the trees: neighbours say nearly the same."""


class _Booster(Protocol):
    def dump_model(self) -> dict[str, Any]: ...

    def predict(self, rows: Floats, *, num_threads: int) -> Floats: ...


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is learnt.

    Attributes
    ----------
    cap : cycles above which units are all as good as new (F. O. Heimes, PHM 2008)
    folds : committees; each leaves out as many units, which then tell how far off it is
    """

    cap: float = 125.0
    coverage: float = 0.9
    folds: int = 10
    trees: int = 250
    leaves: int = 31
    rate: float = 0.025
    seed: int = 1


def train(
    signals: Sequence[str], fleet: Mapping[str, Floats], training: Training | None = None
) -> LifeModel:
    """Return what the fleet teaches: of each unit its signals from youth to failure, (n, p).

    Raises
    ------
    Invalid
        LightGBM is not there, the units are fewer than `UNITS_MIN`, too short, their signals do
        not fit the names, or none of them changes.
    """
    training = training or Training()
    boosting = _lightgbm()
    units = sorted(fleet)
    _check(signals, fleet)
    used = _changing(signals, fleet)
    values = [fleet[each][:, used] for each in units]
    lives = [np.minimum(training.cap, np.arange(len(each), 0, -1) - 1.0) for each in values]
    fold_of = np.random.default_rng(training.seed).permutation(len(units)) % training.folds
    facts = _unseen(values, fold_of, training.cap)
    rows = [np.hstack([features_of(a), b]) for a, b in zip(values, facts, strict=True)]
    committees: list[Trees] = []
    by_trees: dict[int, Floats] = {}
    for fold in range(training.folds):
        kept, left = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        booster = _boosted(boosting, rows, lives, kept.tolist(), training)
        committees.append(trees_of(booster.dump_model()))
        by_trees |= {each: booster.predict(rows[each], num_threads=1) for each in left.tolist()}
    told = [(by_trees[each], facts[each][:, 0], lives[each]) for each in range(len(units))]
    share = _share(told, training.cap)
    found = [
        (np.clip(mixed(share, trees, course), 0.0, training.cap), truth)
        for trees, course, truth in told
    ]
    return LifeModel(
        signals=tuple(signals[each] for each in used),
        cap=training.cap,
        units=len(units),
        course=course_of(values, training.cap),
        committees=tuple(committees),
        share=share,
        bounds=_bounds(found, training.coverage, math.ceil(training.cap)),
    )


def _changing(signals: Sequence[str], fleet: Mapping[str, Floats]) -> list[int]:
    """Return the numbers of the signals that are not the same all along in all units."""
    whole = np.vstack(list(fleet.values()))
    whole = np.where(np.isfinite(whole), whole, np.nan)
    known = np.isfinite(whole).any(axis=0)
    least, most = (edge(whole[:, known], axis=0) for edge in (np.nanmin, np.nanmax))
    used: list[int] = np.flatnonzero(known)[least < most].tolist()
    if not used:
        raise Invalid(
            Fault(
                source="fleet",
                path="$",
                expected=f"signals that change, of {', '.join(signals)}",
                found="none",
                hint="Give signals in which wear shows.",
            )
        )
    return used


def _unseen(values: Sequence[Floats], fold_of: Integers, cap: float) -> list[Floats]:
    """Return what the course tells of each unit, learnt from the units of the other folds."""
    told: dict[int, Floats] = {}
    for fold in np.unique(fold_of).tolist():
        course = course_of([values[each] for each in np.flatnonzero(fold_of != fold).tolist()], cap)
        for each in np.flatnonzero(fold_of == fold).tolist():
            told[each] = told_by(course, values[each], cap)
    return [told[each] for each in range(len(values))]


def _share(told: Sequence[tuple[Floats, Floats, Floats]], cap: float) -> float:
    """Return which share of the trees is best for units they had not seen, near their end."""
    trees, course, truth = (np.concatenate(each) for each in zip(*told, strict=True))
    use = (truth < cap) & np.isfinite(course)
    apart = trees[use] - course[use]
    size = float(apart @ apart)
    return float(np.clip(apart @ (truth[use] - course[use]) / size, 0.0, 1.0)) if size else 0.0


def _boosted(
    boosting: ModuleType,
    rows: Sequence[Floats],
    lives: Sequence[Floats],
    kept: Sequence[int],
    training: Training,
) -> _Booster:
    every = math.ceil(sum(len(rows[each]) for each in kept) / ROWS_MAX)
    table = np.vstack([rows[each][::-every] for each in kept])
    truth = np.concatenate([lives[each][::-every] for each in kept])
    settings = {
        "objective": "l2",
        "num_leaves": training.leaves,
        "learning_rate": training.rate,
        "min_data_in_leaf": max(5, min(100, len(table) // 150)),
        "feature_fraction": 0.3,
        "bagging_fraction": 0.5,
        "bagging_freq": 1,
        "lambda_l2": 10.0,
        "max_bin": 63,
        "seed": training.seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,
        "verbose": -1,
    }
    data = boosting.Dataset(table, truth)
    booster: _Booster = boosting.train(settings, data, training.trees)
    return booster


def _bounds(found: Sequence[tuple[Floats, Floats]], coverage: float, near: int) -> Bounds:
    """Return by what the truth is off, in bands of equally many predictions (conformal).

    The lower bound is that of units in their last `near` cycles, the upper one that of all: so
    the interval holds for a fleet near its end as well as for a young one, whose many cycles with
    more left than the cap are easy to tell and would hide late predictions.
    """
    predicted = np.concatenate([each[0] for each in found])
    off = np.concatenate([each[1] - each[0] for each in found])
    last = np.concatenate([np.arange(len(each[0]), 0, -1) <= near for each in found])
    edges = np.unique(np.quantile(predicted[last], np.linspace(0, 1, BANDS + 1)[:-1]))
    band = np.maximum(np.searchsorted(edges, predicted, side="right") - 1, 0)
    reach = (1 - coverage) / 2
    low, high = [], []
    for number in range(len(edges)):
        within = band == number
        below, above = np.sort(off[within & last]), np.sort(off[within])
        low.append(float(below[max(0, math.floor((len(below) + 1) * reach) - 1)]))
        rank = math.ceil((len(above) + 1) * (1 - reach))
        high.append(float(above[min(len(above), rank) - 1]))
    return Bounds(
        coverage=coverage, from_cycles=tuple(edges.tolist()), low=tuple(low), high=tuple(high)
    )


def _check(signals: Sequence[str], fleet: Mapping[str, Floats]) -> None:
    faults = [
        Fault(
            source=f"unit {name!r}",
            path="$",
            expected=f"at least {CYCLES_MIN} cycles of {len(signals)} signals",
            found=f"an array of shape {values.shape}",
        )
        for name, values in fleet.items()
        if values.ndim != 2 or values.shape[1] != len(signals) or len(values) < CYCLES_MIN
    ]
    if len(fleet) < UNITS_MIN:
        faults.append(
            Fault(
                source="fleet",
                path="$",
                expected=f"at least {UNITS_MIN} units that ran to failure",
                found=str(len(fleet)),
                hint="Use a Weibull distribution with a prior.",
            )
        )
    if faults:
        raise Invalid(faults)


def _lightgbm() -> ModuleType:
    try:
        import lightgbm  # noqa: PLC0415 - an extra that few need
    except ImportError as missing:
        raise Invalid(
            Fault(
                source="remaining life",
                path="lightgbm",
                expected="the library to be installed",
                found="none",
                hint="Run: pip install 'fabloop[learning]'",
            )
        ) from missing
    module: ModuleType = lightgbm
    return module
