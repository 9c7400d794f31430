"""Learn the course of a fleet's signals over life from units that ran to failure."""

import math
from collections.abc import Sequence

import numpy as np

from fabloop.sense.condition.life_course import FRACTIONS, SPREAD_MAX, Course, standing
from fabloop.sense.spc.samples import Floats

STEPS = 256
"""A life of median length has at most as many steps."""
PATHS_MAX = 3
EFFECTS_MAX = 5
BANDWIDTH = 0.05
"""Part of a life over which a unit's path is smoothed."""
SMOOTH_OVER = 15
"""Cycles whose moving average is taken off to see noise alone."""
SPREAD_MIN = 0.02
"""Lives of a fleet are never taken to be more alike than this (deviation of the logarithm)."""
NOISE_MIN = 1e-2
"""Directions with less than this part of the mean noise are taken to have it."""
SHRINKAGE = 10.0


def course_of(fleet: Sequence[Floats], cap: float) -> Course:
    """Return the course of units whose signals, each of shape (n, p), end with their failure.

    Every signal changes in some unit.
    """
    lengths = np.array([len(each) for each in fleet], dtype=np.float64)
    whole = np.vstack(fleet)
    whole = np.where(np.isfinite(whole), whole, np.nan)
    mean, scale = np.nanmean(whole, axis=0), np.nanstd(whole, axis=0)
    filled = [standing(each, mean, scale)[0] for each in fleet]
    weights = _weights(filled, cap)
    paths = [each @ weights for each in filled]
    smooth = np.array([_smooth(each) for each in paths])
    logs = np.log(lengths)
    log_life, spread = float(logs.mean()), float(np.clip(logs.std(), SPREAD_MIN, SPREAD_MAX))
    design = np.column_stack([np.ones(len(fleet)), (logs - log_life) / spread])
    flat = smooth.reshape(len(fleet), -1)
    lines = np.linalg.lstsq(design, flat, rcond=None)[0]
    _, sizes, ways = np.linalg.svd(flat - design @ lines, full_matrices=False)
    shape = len(FRACTIONS), weights.shape[1]
    apart = (ways * sizes[:, None] / math.sqrt(len(fleet))).reshape(-1, *shape).transpose(0, 2, 1)
    return Course(
        block=max(1, math.ceil(float(np.median(lengths)) / STEPS)),
        mean=mean,
        scale=scale,
        weights=weights,
        log_life=log_life,
        spread=spread,
        template=lines[0].reshape(shape).T,
        by_life=lines[1].reshape(shape).T,
        effects=apart[:EFFECTS_MAX],
        rest=(apart[EFFECTS_MAX:] ** 2).sum(axis=0),
        noise=_noise(paths, smooth),
    )


def _weights(filled: Sequence[Floats], cap: float) -> Floats:
    """Return what signals add to the paths, shape (p, c); noise of all paths is independent.

    The first path goes where cycles left are told best, the others where lives differ most.
    """
    calm = [_moving(each) for each in filled]
    noise = np.atleast_2d(
        np.cov(np.vstack([a - b for a, b in zip(filled, calm, strict=True)]), rowvar=False)
    )
    sizes, ways = np.linalg.eigh(noise)
    sizes = np.maximum(sizes, max(NOISE_MIN * float(sizes.mean()), np.finfo(float).tiny))
    white = ways @ np.diag(sizes**-0.5) @ ways.T
    table = np.vstack(filled) @ white
    left = np.concatenate([np.minimum(cap, np.arange(len(each), 0, -1) - 1.0) for each in filled])
    inner = table.T @ table + SHRINKAGE * np.eye(table.shape[1])
    first = np.linalg.solve(inner, table.T @ (left - left.mean()))
    first /= np.linalg.norm(first) or 1.0
    others = np.vstack(calm) @ white
    others = others - np.outer(others @ first, first)
    _, _, more = np.linalg.svd(others - others.mean(axis=0), full_matrices=False)
    count = min(PATHS_MAX, table.shape[1])
    chosen: Floats = white @ np.column_stack([first, *more[: count - 1]])
    return chosen


def _moving(rows: Floats) -> Floats:
    """Return centred moving averages of the columns; the ends go on as they are."""
    half = SMOOTH_OVER // 2
    sums = np.cumsum(np.pad(rows, ((half + 1, half), (0, 0)), mode="edge"), axis=0)
    means: Floats = (sums[SMOOTH_OVER:] - sums[:-SMOOTH_OVER]) / SMOOTH_OVER
    return means


def _smooth(path: Floats) -> Floats:
    """Return the path at `FRACTIONS` of its life by local straight lines, shape (f, c)."""
    count = len(path)
    away = np.arange(1, count + 1) / count - FRACTIONS[:, None]
    weight = np.exp(-0.5 * (away / max(BANDWIDTH, 1.5 / count)) ** 2)
    total, first = weight.sum(axis=1), (weight * away).sum(axis=1)
    second = (weight * away**2).sum(axis=1)
    level = second[:, None] * (weight @ path) - first[:, None] * ((weight * away) @ path)
    smooth: Floats = level / (total * second - first**2)[:, None]
    return smooth


def _noise(paths: Sequence[Floats], smooth: Floats) -> Floats:
    """Return the variance of a cycle about the smooth path, shape (c,)."""
    squares = np.zeros(smooth.shape[2])
    for path, calm in zip(paths, smooth, strict=True):
        at = np.arange(1, len(path) + 1) / len(path)
        for column in range(smooth.shape[2]):
            off = path[:, column] - np.interp(at, FRACTIONS, calm[:, column])
            squares[column] += float((off**2).sum())
    least = 1e-9 * float(smooth.var()) + np.finfo(float).tiny
    variance: Floats = np.maximum(squares / sum(map(len, paths)), least)
    return variance
