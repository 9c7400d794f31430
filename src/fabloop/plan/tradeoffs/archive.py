"""Plans that no other one beats: what a Pareto front is made of, and what is proven of each."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec

from fabloop.plan.terms.blend import Blend, Sums
from fabloop.plan.timetable.schedule import Timetable
from fabloop.plan.tradeoffs.tradeoff import Tradeoff

DIGITS = 9
"""Significant digits of joules and kilograms; what differs beyond them is float noise."""

EXACT = 1e-9
"""Relative difference below which a bound meets a value."""

Figures4: TypeAlias = tuple[float, float, float, float]
"""Cost, finish (ticks), energy, CO2."""


class Entry(msgspec.Struct, frozen=True):
    """A timetable with its figures."""

    key: Figures4
    sums: Sums
    table: Timetable


def key_of(sums: Sums) -> Figures4:
    """Return the figures that plans are compared by."""
    return (
        sums.cost + sums.opening,
        float(sums.finish),
        rounded(sums.energy),
        rounded(sums.co2),
    )


def rounded(value: float) -> float:
    """Return the value without float noise."""
    return float(f"{value:.{DIGITS}g}")


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Tell whether the first is nowhere worse and somewhere better."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


class Archive:
    """Grows by one timetable at a time; what is beaten leaves it."""

    def __init__(self) -> None:
        self._entries: dict[Figures4, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries[key] for key in sorted(self._entries))

    def __contains__(self, key: Figures4) -> bool:
        return key in self._entries

    def offer(self, sums: Sums, table: Timetable) -> bool:
        """Take the timetable unless one here is as good in everything; tell whether it did."""
        key = key_of(sums)
        if key in self._entries or any(dominates(each, key) for each in self._entries):
            return False
        self._entries = {k: e for k, e in self._entries.items() if not dominates(key, k)}
        self._entries[key] = Entry(key, sums, table)
        return True


def gap_of(sums: Sums, known: Sequence[Tradeoff]) -> float:
    """Return by what part of a weighted sum any plan that beats this one could be better.

    0 means that no plan beats it. The certificate is the least value of each sum by that finish,
    waiting left out; its weights are all positive, so that a plan which beats this one in any
    figure is better in the sum too, or finishes earlier at the same value.
    """
    best = 1.0
    for each in known:
        value = sums.of(each.blend, 0)
        bound = each.front.at(sums.finish)
        gap = max(0.0, (value - bound) / value) if value > 0.0 else 0.0
        if gap <= EXACT and each.front.at(sums.finish - 1) > value * (1.0 + EXACT):
            return 0.0
        best = min(best, max(gap, EXACT))
    return best


def spread_out(entries: Sequence[Entry], most: int) -> list[Entry]:
    """Return at most so many: the best in each figure, then the farthest from those chosen."""
    if len(entries) <= most:
        return list(entries)
    low = [min(each.key[axis] for each in entries) for axis in range(4)]
    high = [max(each.key[axis] for each in entries) for axis in range(4)]
    scale = [1.0 / (b - a) if b > a else 0.0 for a, b in zip(low, high, strict=True)]
    points = [[(v - a) * s for v, a, s in zip(e.key, low, scale, strict=True)] for e in entries]
    chosen = list(
        dict.fromkeys(
            min(range(len(entries)), key=lambda i: (points[i][axis], sum(points[i])))
            for axis in range(4)
        )
    )[:most]
    far = [min(_distance(point, points[k]) for k in chosen) for point in points]
    while len(chosen) < most:
        pick = max(range(len(entries)), key=lambda i: (far[i], -i))
        chosen.append(pick)
        far = [min(f, _distance(point, points[pick])) for f, point in zip(far, points, strict=True)]
    return [entries[index] for index in sorted(chosen)]


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def lattice(scales: Figures4, parts: int) -> list[Blend]:
    """Return all positive weightings of cost, energy and CO2 in so many parts.

    `scales` are typical figures: a weight of one part of each means about the same.
    """
    cost, _, energy, co2 = scales
    found = []
    for first in range(parts + 1):
        for second in range(parts + 1 - first):
            rest = parts - first - second
            shares = [(share + LEAST_SHARE) / parts for share in (first, second, rest)]
            found.append(
                Blend(
                    cost=shares[0] / cost,
                    opening=shares[0] / cost,
                    energy=shares[1] / energy,
                    co2=shares[2] / co2,
                )
            )
    return found


LEAST_SHARE = 1e-4
"""Weight of a figure that has no part: it tells apart plans that are equal in the others."""
