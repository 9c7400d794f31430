"""Ways out of conflicts without those that others make needless.

Changes that are made together somewhere are one bundle. Of two bundles that resolve the same
conflicts, each by one change (or one conflict by whatever changes), the one that takes no less for
any of the conflicts is needless: a cover by it is no cheaper than one by the other.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from fabloop.plan.reasons.change import Change, Key

SPARES = 8
"""How many bundles that make a bundle needless may be ruled out before it is looked at."""

Changes: TypeAlias = tuple[Change, ...]
Ways: TypeAlias = Sequence[Changes]
Floors: TypeAlias = Mapping[Key, Mapping[float, float]]
"""The least price of each change at each amount or more."""


class _Bundle(NamedTuple):
    """Ways out, with the number of the conflict; `prices` tell the least for each conflict."""

    keys: frozenset[Key]
    prices: tuple[float, ...]
    ways: tuple[tuple[int, Changes], ...]


class Bundles:
    """The ways out of some conflicts, asked again as more changes are ruled out together."""

    def __init__(self, conflicts: Sequence[Ways]) -> None:
        self._count = len(conflicts)
        self._linked: list[_Bundle] = []
        self._alike: dict[tuple[int, ...], list[_Bundle]] = defaultdict(list)
        prices = floors(conflicts)
        for ways in together(conflicts):
            bundle = _bundle(ways, prices)
            resolves = tuple(sorted({number for number, _ in ways}))
            if len(bundle.keys) == 1 or len(resolves) == 1:
                self._alike[resolves].append(bundle)
            else:
                self._linked.append(bundle)
        self._near = {resolves: _needed(row, SPARES) for resolves, row in self._alike.items()}

    def kept(self, explicit: Collection[Key]) -> list[list[Changes]]:
        """Return the ways out of each conflict; what has one of these keys is there for certain."""
        rows = [self._linked]
        for resolves, every in self._alike.items():
            named = [each for each in every if not each.keys.isdisjoint(explicit)]
            near = self._near[resolves] if len(named) < SPARES else every
            rows.append(named)
            rows.append(_needed([each for each in near if each.keys.isdisjoint(explicit)], 1))
        kept: list[list[Changes]] = [[] for _ in range(self._count)]
        for bundle in (each for row in rows for each in row):
            for number, changes in bundle.ways:
                kept[number].append(changes)
        return kept


def floors(conflicts: Iterable[Ways]) -> Floors:
    """Return what a change takes at least, if so much of it or more is made."""
    prices: dict[Key, dict[float, float]] = defaultdict(dict)
    for each in (change for ways in conflicts for changes in ways for change in changes):
        known = prices[each.key].get(each.level, each.price)
        prices[each.key][each.level] = min(known, each.price)
    for levels in prices.values():
        least = float("inf")
        for level in sorted(levels, reverse=True):
            levels[level] = least = min(least, levels[level])
    return prices


def together(conflicts: Sequence[Ways]) -> list[list[tuple[int, Changes]]]:
    """Return the ways out in groups of which no two have a change in common."""
    leader: dict[Key, Key] = {}

    def first(key: Key) -> Key:
        while leader.setdefault(key, key) != key:
            leader[key] = leader[leader[key]]
            key = leader[key]
        return key

    for changes in (each for ways in conflicts for each in ways if len(each) > 1):
        for other in changes[1:]:
            leader[first(other.key)] = first(changes[0].key)
    groups: dict[Key, list[tuple[int, Changes]]] = defaultdict(list)
    for number, ways in enumerate(conflicts):
        for changes in ways:
            groups[first(changes[0].key)].append((number, changes))
    return list(groups.values())


def _bundle(ways: Sequence[tuple[int, Changes]], prices: Floors) -> _Bundle:
    least: dict[int, float] = {}
    for number, changes in ways:
        price = sum([prices[each.key][each.level] for each in changes])
        least[number] = min(price, least.get(number, price))
    keys = frozenset([each.key for _, changes in ways for each in changes])
    return _Bundle(keys, tuple(least[number] for number in sorted(least)), tuple(ways))


def _needed(bundles: Sequence[_Bundle], count: int) -> list[_Bundle]:
    """Return the bundles that less than so many others make needless."""
    ranked = sorted(bundles, key=lambda each: sum(each.prices))
    kept: list[_Bundle] = []
    prices = np.empty((len(ranked), len(ranked[0].prices) if ranked else 0))
    for each in ranked:
        rivals = prices[: len(kept)]
        if int((rivals <= each.prices).all(axis=1).sum()) < count:
            prices[len(kept)] = each.prices
            kept.append(each)
    return kept
