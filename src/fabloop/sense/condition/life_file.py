"""The file of a model of remaining life: plain columns, checked before anything follows them."""

import math
from typing import Any

import msgspec
import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.sense.condition.life_course import FACTS, FRACTIONS, SPREAD_MAX, Course
from fabloop.sense.condition.remaining_life import Bounds, LifeModel
from fabloop.sense.condition.trees import Trees
from fabloop.sense.condition.trend_features import features_of

FORMAT = "fabloop-remaining-life/2"
MODEL_BYTES_MAX = 64 * 1024 * 1024
LOG_LIFE_MAX = math.log(1e6)


class _Columns(msgspec.Struct, frozen=True):
    """The trees of one committee as bytes of little-endian columns."""

    roots: bytes
    feature: bytes
    threshold: bytes
    left: bytes
    right: bytes
    lost_left: bytes
    value: bytes


class _Lives(msgspec.Struct, frozen=True):
    """The course: numbers, and columns of little-endian float64 in the order of `_shapes`."""

    block: int
    log_life: float
    spread: float
    effects: int
    columns: dict[str, bytes]


class _File(msgspec.Struct, frozen=True):
    """What stands in a model file (MessagePack)."""

    format: str
    signals: tuple[str, ...]
    cap: float
    units: int
    bounds: Bounds
    course: _Lives
    committees: tuple[_Columns, ...]
    share: float


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
    course = model.course
    lives = _Lives(
        course.block,
        course.log_life,
        course.spread,
        len(course.effects),
        {name: getattr(course, name).astype("<f8").tobytes() for name in _shapes(1, 1, 1)},
    )
    held = _File(
        format=FORMAT,
        signals=model.signals,
        cap=model.cap,
        units=model.units,
        bounds=model.bounds,
        course=lives,
        committees=committees,
        share=model.share,
    )
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
        course = _course(held.course, len(held.signals))
        whole = _sound(held) and _runs(course)
        if not wrong and not (whole and all(_leads(e, len(held.signals)) for e in trees)):
            wrong = "a course, trees or bounds that lead nowhere"
    except (msgspec.DecodeError, ValueError) as broken:
        raise _unfit(source, wrong or str(broken)) from broken
    if wrong:
        raise _unfit(source, wrong)
    return LifeModel(
        signals=held.signals,
        cap=held.cap,
        units=held.units,
        course=course,
        committees=trees,
        share=held.share,
        bounds=held.bounds,
    )


def _unfit(source: str, found: str) -> Invalid:
    expected = f"a model of the form {FORMAT}, at most {MODEL_BYTES_MAX >> 20} MiB"
    return Invalid(Fault(source=source, path="$", expected=expected, found=found, hint="Train it."))


def _read(columns: _Columns) -> Trees:
    return Trees(
        **{name: np.frombuffer(getattr(columns, name), kind) for name, kind in _KINDS.items()}
    )


def _shapes(signals: int, paths: int, effects: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each column of the course."""
    parts = len(FRACTIONS)
    return {
        "mean": (signals,),
        "scale": (signals,),
        "weights": (signals, paths),
        "template": (paths, parts),
        "by_life": (paths, parts),
        "effects": (effects, paths, parts),
        "rest": (paths, parts),
        "noise": (paths,),
    }


def _course(lives: _Lives, signals: int) -> Course:
    """Return the course; ValueError where a column is missing or does not fit."""
    missing = _shapes(1, 1, 1).keys() - lives.columns.keys()
    if missing:
        raise ValueError(f"no column {min(missing)!r}")
    paths = len(lives.columns["noise"]) // 8
    columns: dict[str, Any] = {
        name: np.frombuffer(lives.columns[name], "<f8").reshape(shape)
        for name, shape in _shapes(signals, paths, lives.effects).items()
    }
    return Course(block=lives.block, log_life=lives.log_life, spread=lives.spread, **columns)


def _runs(course: Course) -> bool:
    """Tell whether any past can be compared with the course."""
    columns = [getattr(course, name) for name in _shapes(1, 1, 1)]
    return (
        course.block >= 1
        and course.noise.size > 0
        and all(np.isfinite(each).all() for each in columns)
        and abs(course.log_life) <= LOG_LIFE_MAX
        and 0.0 < course.spread <= SPREAD_MAX
        and bool((course.scale > 0).all() and (course.noise > 0).all() and (course.rest >= 0).all())
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
        and 0.0 <= held.share <= 1.0
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
    width = len(features_of(np.zeros((1, signals)))[0]) + len(FACTS)
    rooted = trees.roots.min() >= 0 and trees.roots.max() < count
    return bool(
        within and rooted and trees.feature.max() < width and np.isfinite(trees.value).all()
    )
