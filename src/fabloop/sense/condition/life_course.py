"""How the signals of a fleet run from youth to failure, and which length of life fits a past.

Notes
-----
Each unit goes through the course of the fleet in its own time: at age t of a life T its signals
are ``m(t/T) + m'(t/T) log T + sum_k b_k u_k(t/T) + noise``, with its own b_k (standard normal). For
each T of a grid the likelihood of all that was seen so far is found step by step (a Kalman filter
of the b_k, which do not move); with the spread of lives in the fleet as prior, that is the
posterior of T. It compares with whole lives as trajectory matching does (T. Wang, PHM 2008), but
keeps no library of them.
"""

from dataclasses import dataclass

import numpy as np

from fabloop.sense.condition.trend_features import YOUTH
from fabloop.sense.spc.samples import Floats, Integers

FRACTIONS = np.linspace(0.0, 1.0, 41)
"""Parts of a life at which the course is known."""
LIVES = 96
"""Lengths of life that are compared."""
SHORTER, LONGER = 3.0, 4.0
"""How many deviations of the fleet's (logarithm) they reach down and up."""
SPREAD_MAX = 0.75
"""Deviation of the logarithm of lives that is believed: then twenty medians are the longest life.
Fleets whose lives differ more have no course that they share."""
HOLDS = 5.0
"""Steps for which what no effect of a unit explains stays as it is."""
KNOWN_MIN = 0.5
"""A step of which less is known says nothing."""
WEIGHED_MAX = 32
"""Signals whose share is told; others changed least."""
FACTS = ("cycles left by its course", "spread by its course", "life by its course")


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What lives of a fleet have in common: of p signals c paths, at f parts of a life.

    Attributes
    ----------
    block : cycles that are one step
    mean, scale : of each signal, shape (p,)
    weights : what each signal adds to the paths, shape (p, c); noise of paths is independent
    log_life, spread : mean and deviation of the logarithm of lives, in cycles
    template, by_life : shape (c, f)
    effects : in what units differ, in deviations, shape (k, c, f)
    rest : variance that effects leave over, shape (c, f)
    noise : variance of a cycle, shape (c,)
    """

    block: int
    mean: Floats
    scale: Floats
    weights: Floats
    log_life: float
    spread: float
    template: Floats
    by_life: Floats
    effects: Floats
    rest: Floats
    noise: Floats

    @property
    def lives(self) -> Floats:
        """Lengths of life that are compared, in cycles, ascending."""
        ends = -SHORTER, LONGER
        return np.exp(self.log_life + self.spread * np.linspace(*ends, LIVES, dtype=np.float64))


def told_by(course: Course, values: Floats, cap: float) -> Floats:
    """Return what the course tells after each cycle of one unit, shape (n, 3), as in `FACTS`.

    Each row looks at its own and earlier cycles only. A unit older than any life of the grid has
    unknown values (NaN).

    Parameters
    ----------
    values : shape (n, p); an unknown value (NaN) is taken as it was last, and weighs less
    """
    filled, known = standing(values, course.mean, course.scale)
    found = np.full((len(values), len(FACTS)), np.nan)
    ages = np.arange(1, min(len(values), int(course.lives[-1])) + 1)
    found[: len(ages)] = _posterior(course, (filled @ course.weights)[None], known, cap, ages)[0]
    return found


def shares_of(course: Course, values: Floats, cap: float) -> Floats:
    """Return how many cycles it changes that each signal is no longer as in youth, shape (p,).

    Only the `WEIGHED_MAX` signals that moved the paths most are looked at; 0 for the others, and
    for a unit older than any life of the grid.
    """
    shares = np.zeros(values.shape[1])
    if len(values) > course.lives[-1]:
        return shares
    filled, known = standing(values, course.mean, course.scale)
    gone = filled - filled[:YOUTH].mean(axis=0)
    moved = np.abs(gone[-YOUTH:].mean(axis=0)) * np.abs(course.weights).sum(axis=1)
    asked = np.argsort(-moved, kind="stable")[:WEIGHED_MAX]
    paths = filled @ course.weights
    stayed = [paths - np.outer(gone[:, each], course.weights[each]) for each in asked]
    whole = np.array([len(values)])
    left = _posterior(course, np.array([paths, *stayed]), known, cap, whole)[:, 0, 0]
    shares[asked] = left[0] - left[1:]
    return shares


def standing(values: Floats, mean: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Return standardised values, unknown ones as they were last (at first: the mean); and 1, 0."""
    known = np.isfinite(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values))[:, None], -1), axis=0)
    held = np.take_along_axis(np.where(known, values, 0.0), np.maximum(last, 0), axis=0)
    return np.where(last >= 0, (held - mean) / scale, 0.0), known.astype(np.float64)


def _posterior(course: Course, paths: Floats, known: Floats, cap: float, ages: Integers) -> Floats:
    """Return `FACTS` at ascending ages within the grid: (v, ages, 3); paths: shape (v, n, c)."""
    lives, weight = course.lives, course.weights**2
    share = known @ (weight / weight.sum(axis=0))
    steps = int(ages[-1]) // course.block
    after = np.unique(ages // course.block)
    fitted = _fit(
        course,
        _blocks(paths, steps, course.block),
        _blocks(share[None], steps, course.block)[0],
        after,
    )
    prior = -0.5 * np.linspace(-SHORTER, LONGER, LIVES) ** 2
    logs = prior + fitted[:, np.searchsorted(after, ages // course.block)]
    left = lives - ages[:, None]
    logs = np.where(left >= 0.0, logs, -np.inf)
    mass = np.exp(logs - logs.max(axis=2, keepdims=True))
    mass /= mass.sum(axis=2, keepdims=True)
    left = np.clip(left, 0.0, cap)
    cycles = (mass * left).sum(axis=2)
    spread = np.sqrt((mass * (left - cycles[:, :, None]) ** 2).sum(axis=2))
    return np.stack([cycles, spread, (mass * lives).sum(axis=2)], axis=2)


def _blocks(rows: Floats, steps: int, block: int) -> Floats:
    """Return the means of blocks of cycles, shape (v, steps, c)."""
    means: Floats = rows[:, : steps * block].reshape(len(rows), steps, block, -1).mean(axis=2)
    return means


def _fit(course: Course, steps: Floats, share: Floats, after: Integers) -> Floats:
    """Return the log likelihood of each life after so many steps, ascending: (v, after, lives)."""
    lives, table = course.lives, _table(course)
    longer = np.linspace(-SHORTER, LONGER, LIVES)
    count = len(course.effects)
    beliefs = np.zeros((len(steps), len(lives), count))
    doubt = np.tile(np.eye(count), (len(lives), 1, 1))
    found = np.zeros((len(steps), len(after), len(lives)))
    so_far = np.zeros((len(steps), len(lives)))
    for number in range(steps.shape[1]):
        age = number * course.block + (course.block + 1) / 2
        at = np.minimum(age / lives, 1.0) * (len(FRACTIONS) - 1)
        low = np.minimum(at.astype(np.int64), len(FRACTIONS) - 2)
        part = (at - low)[:, None, None]
        there = table[low] * (1.0 - part) + table[low + 1] * part
        for path in np.flatnonzero(share[number] >= KNOWN_MIN).tolist():
            level = there[:, path, 0] + there[:, path, 1] * longer
            effects = there[:, path, 3:]
            carried = np.einsum("gkl,gl->gk", doubt, effects)
            variance = (effects * carried).sum(axis=1) + there[:, path, 2] / share[number, path]
            off = steps[:, number, path, None] - level - (beliefs * effects).sum(axis=2)
            so_far = so_far - 0.5 * (off**2 / variance + np.log(variance))
            gain = carried / variance[:, None]
            beliefs = beliefs + off[:, :, None] * gain
            doubt = doubt - gain[:, :, None] * carried[:, None, :]
        found[:, after == number + 1] = so_far[:, None]
    return found


def _table(course: Course) -> Floats:
    """Return template, by life, variance of a step, and effects: shape (f, c, 3 + k)."""
    variance = course.noise[:, None] / course.block + HOLDS * course.rest
    rows = [course.template, course.by_life, variance, *course.effects]
    return np.ascontiguousarray(np.stack(rows, axis=-1).transpose(1, 0, 2))
