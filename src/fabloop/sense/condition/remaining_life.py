"""How many cycles a unit of a fleet has left, within which bounds, and which signals say so.

The model is a plain file; nothing that trained it is needed to read it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.model.explanation import ConditionCode, Evidence, Explanation
from fabloop.sense.condition.trees import Trees
from fabloop.sense.condition.trend_features import features_of
from fabloop.sense.spc.samples import Floats

FORMAT = "fabloop-remaining-life/1"
CYCLES_MIN = 5
"""A younger unit has no trend."""
CYCLES_MAX = 100_000
MODEL_BYTES_MAX = 64 * 1024 * 1024
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
    cap : more cycles than these were not told apart
    committees : predictors, each trained without some of the units; their mean counts
    units : how many of them ran to failure
    """

    signals: tuple[str, ...]
    cap: float
    units: int
    committees: tuple[Trees, ...]
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
    row = features_of(rows)[-1]
    told = [each.explain(row) for each in model.committees]
    parts = np.mean([each[2] for each in told], axis=0)
    cycles = float(np.clip(np.mean([each[0] for each in told]), 0.0, model.cap))
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
    parts: Floats,
    at: Instant,
) -> Explanation:
    found, low, high = cycles
    by_signal = _by_signal(model, parts)
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


def _by_signal(model: LifeModel, parts: Floats) -> Mapping[str, float]:
    """Return what each signal adds to the prediction; the last feature is the age."""
    each = parts[:-1].reshape(-1, len(model.signals)).sum(axis=0)
    return {**dict(zip(model.signals, each.tolist(), strict=True)), "age": float(parts[-1])}


class _Columns(msgspec.Struct, frozen=True):
    """The trees of one committee as bytes of little-endian columns."""

    roots: bytes
    feature: bytes
    threshold: bytes
    left: bytes
    right: bytes
    lost_left: bytes
    value: bytes


class _File(msgspec.Struct, frozen=True):
    """What stands in a model file (MessagePack)."""

    format: str
    signals: tuple[str, ...]
    cap: float
    units: int
    bounds: Bounds
    committees: tuple[_Columns, ...]


_KINDS = {
    "roots": "<i4",
    "feature": "<i4",
    "threshold": "<f8",
    "left": "<i4",
    "right": "<i4",
    "lost_left": "?",
    "value": "<f8",
}


def to_file(model: LifeModel) -> bytes:
    """Return the model as the content of a file."""
    committees = tuple(
        _Columns(
            **{name: getattr(each, name).astype(kind).tobytes() for name, kind in _KINDS.items()}
        )
        for each in model.committees
    )
    held = _File(FORMAT, model.signals, model.cap, model.units, model.bounds, committees)
    return msgspec.msgpack.encode(held)


def from_file(content: bytes, source: str) -> LifeModel:
    """Return the model that a file holds.

    Raises
    ------
    Invalid
        It is too large, no such file, or its trees lead nowhere.
    """
    wrong = ""
    try:
        if len(content) > MODEL_BYTES_MAX:
            wrong = f"{len(content)} bytes"
        held = msgspec.msgpack.decode(content if not wrong else b"\xc0", type=_File)
        trees = tuple(_read(each) for each in held.committees)
        wrong = "" if held.format == FORMAT else repr(held.format)
        if not wrong and not (_sound(held) and all(_leads(e, len(held.signals)) for e in trees)):
            wrong = "trees or bounds that lead nowhere"
    except (msgspec.DecodeError, ValueError) as broken:
        raise _unfit(source, wrong or str(broken)) from broken
    if wrong:
        raise _unfit(source, wrong)
    return LifeModel(held.signals, held.cap, held.units, trees, held.bounds)


def _unfit(source: str, found: str) -> Invalid:
    expected = f"a model of the form {FORMAT}, at most {MODEL_BYTES_MAX >> 20} MiB"
    return Invalid(Fault(source=source, path="$", expected=expected, found=found, hint="Train it."))


def _read(columns: _Columns) -> Trees:
    return Trees(
        **{name: np.frombuffer(getattr(columns, name), kind) for name, kind in _KINDS.items()}
    )


def _sound(held: _File) -> bool:
    """Tell whether there are trees, and bounds for each band around any prediction."""
    bounds = held.bounds
    bands = len(bounds.from_cycles)
    figures = (held.cap, bounds.coverage, *bounds.from_cycles, *bounds.low, *bounds.high)
    return (
        bool(held.committees and held.signals and bands)
        and len(bounds.low) == len(bounds.high) == bands
        and all(map(math.isfinite, figures))
        and held.cap > 0
        and len(set(held.signals)) == len(held.signals)
    )


def _leads(trees: Trees, signals: int) -> bool:
    """Tell whether every node leads on to a later one of its own, or is a leaf."""
    count = len(trees.feature)
    columns = (trees.threshold, trees.left, trees.right, trees.lost_left, trees.value)
    if not count or not len(trees.roots) or any(len(each) != count for each in columns):
        return False
    inner = trees.feature >= 0
    numbers = np.arange(count)[inner]
    within = all(
        (each[inner] > numbers).all() and (each[inner] < count).all()
        for each in (trees.left, trees.right)
    )
    width = len(features_of(np.zeros((1, signals)))[0])
    rooted = trees.roots.min() >= 0 and trees.roots.max() < count
    return bool(
        within and rooted and trees.feature.max() < width and np.isfinite(trees.value).all()
    )
