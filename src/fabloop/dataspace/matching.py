"""Which columns of two tables mean the same: names, values, distributions and kinds together."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from fabloop.dataspace.schema import Column, ColumnKind
from fabloop.dataspace.units import unit_in_name
from fabloop.dataspace.words import Thesaurus, words_of

Matrix = NDArray[np.float64]

GRAMS = 4096
"""Buckets of a profile of letters: three neighbouring characters fall into one by hash."""
VALUES_COMPARED_MAX = 400
"""Values of a column whose letters are looked at."""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Two columns and how likely they mean the same.

    `is_best` tells whether they are each other's partners where each column has one at most.
    """

    left: str
    right: str
    score: float
    is_best: bool


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """How alike columns of two tables are, 0..1, each of shape (left columns, right columns)."""

    name: Matrix
    overlap: Matrix
    letters: Matrix
    spread: Matrix
    form: Matrix
    kind: Matrix


def match(
    left: Sequence[Column], right: Sequence[Column], thesaurus: Thesaurus
) -> tuple[Match, ...]:
    """Return all pairs of columns of two tables: partners, the likeliest first, then the others."""
    if not left or not right:
        return ()
    scores = score(features(left, right, thesaurus))
    rows, columns = linear_sum_assignment(scores, maximize=True)
    best = set(zip(rows.tolist(), columns.tolist(), strict=True))
    found = [
        Match(left=one.name, right=other.name, score=round(float(scores[i, j]), 4),
              is_best=(i, j) in best)
        for i, one in enumerate(left)
        for j, other in enumerate(right)
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda each: (not each.is_best, -each.score)))


def features(left: Sequence[Column], right: Sequence[Column], thesaurus: Thesaurus) -> Features:
    """Return how alike columns are in each respect."""
    return Features(
        name=_names(left, right, thesaurus),
        overlap=_overlaps(left, right),
        letters=_letters(left, right),
        spread=_spreads(left, right),
        form=_forms(left, right),
        kind=_kinds(left, right),
    )


def _names(left: Sequence[Column], right: Sequence[Column], thesaurus: Thesaurus) -> Matrix:
    ours, theirs = _own_names(left), _own_names(right)
    return np.array([[thesaurus.alike(a, b) for b in theirs] for a in ours])


def _own_names(columns: Sequence[Column]) -> list[str]:
    """Return names without their unit, and without words with which all of them begin."""
    names = [unit_in_name(each.name)[0] for each in columns]
    words = [words_of(each) for each in names]
    common = 0
    if len(words) > 2:
        while all(len(w) > common + 1 and w[common] == words[0][common] for w in words):
            common += 1
    return ["_".join(w[common:]) for w in words] if common else names


def _overlaps(left: Sequence[Column], right: Sequence[Column]) -> Matrix:
    """Return the share of values in common; a value that few columns have counts for more."""
    sets = [{each.casefold() for each in column.values} for column in (*left, *right)]
    having = Counter(value for values in sets for value in values)
    weights = [sum(1 / having[value] for value in values) for values in sets]
    found = np.zeros((len(left), len(right)))
    for i in range(len(left)):
        for j in range(len(right)):
            k = len(left) + j
            common = sets[i] & sets[k]
            if common:
                shared = 2 * sum(1 / having[value] for value in common)
                least = min(weights[i], weights[k])
                together = weights[i] + weights[k] - shared / 2
                found[i, j] = 0.5 * shared / 2 / least + 0.5 * shared / 2 / together
    return found


def _letters(left: Sequence[Column], right: Sequence[Column]) -> Matrix:
    """Return how alike the letters of the values are, which typing errors change little."""
    every = [*left, *right]
    profiles = np.stack([_profile(each.values[:VALUES_COMPARED_MAX]) for each in every])
    having = (profiles > 0).sum(axis=0)
    rare = np.log((1 + len(every)) / (1 + having)) + 1
    weighted = profiles * rare
    lengths = np.linalg.norm(weighted, axis=1, keepdims=True)
    unit = weighted / np.where(lengths > 0, lengths, 1)
    found: Matrix = unit[: len(left)] @ unit[len(left) :].T
    return found


@lru_cache(maxsize=2_000)
def _profile(values: tuple[str, ...]) -> NDArray[np.float64]:
    counts = np.zeros(GRAMS)
    for value in values:
        padded = f"^{value.casefold()[:80]}$"
        for at in range(max(1, len(padded) - 2)):
            counts[crc32(padded[at : at + 3].encode()) % GRAMS] += 1
    return np.sqrt(counts)


def _spreads(left: Sequence[Column], right: Sequence[Column]) -> Matrix:
    """Return how alike numbers are spread: the distance of their quantiles."""
    found = np.zeros((len(left), len(right)))
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            if one.quantiles and other.quantiles:
                a, b = np.array(one.quantiles), np.array(other.quantiles)
                inner = max(a[8] - a[2], b[8] - b[2], 1e-12)
                scale = max(inner, 0.05 * max(abs(a).max(), abs(b).max()))
                far = np.abs(a[1:10] - b[1:10]).mean() / scale
                found[i, j] = np.exp(-2 * far)
    return found


def _forms(left: Sequence[Column], right: Sequence[Column]) -> Matrix:
    """Return how alike columns are in what is filled, how many values differ and how long."""
    found = np.zeros((len(left), len(right)))
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            found[i, j] = (
                (1 - abs(one.filled - other.filled))
                * _near(one.distinct, other.distinct)
                * _near(one.length, other.length)
            ) ** (1 / 3)
    return found


def _near(one: float, other: float) -> float:
    least, most = min(one, other), max(one, other)
    return (least + 1) / (most + 1)


_FAMILY = {
    ColumnKind.INTEGER: 0, ColumnKind.NUMBER: 0, ColumnKind.QUANTITY: 0, ColumnKind.TEXT: 1,
    ColumnKind.INSTANT: 2, ColumnKind.BOOLEAN: 3,
}  # fmt: skip


def _kinds(left: Sequence[Column], right: Sequence[Column]) -> Matrix:
    found = np.zeros((len(left), len(right)))
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            same_family = _FAMILY[one.kind] == _FAMILY[other.kind]
            found[i, j] = 1.0 if one.kind is other.kind else 0.7 if same_family else 0.0
            if not one.distinct or not other.distinct:
                found[i, j] = 0.5
    return found


NAME, BEST, EACH, FORM, KIND = 0.5, 0.125, 0.0625, 0.1, 0.05
"""What counts how much: the name, the best of three looks at the values, each of them, the form of
the column, its kind. Names decide, values where names say little."""


def score(found: Features) -> Matrix:
    """Return how likely columns mean the same, from 0 to 1."""
    looks = np.stack([found.overlap, found.letters, found.spread])
    values = BEST * looks.max(axis=0) + EACH * looks.sum(axis=0)
    whole: Matrix = NAME * found.name + values + FORM * found.form + KIND * found.kind
    return np.clip(whole / (NAME + BEST + 3 * EACH + FORM + KIND), 0, 1)
