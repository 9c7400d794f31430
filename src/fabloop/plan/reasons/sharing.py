"""The cheapest changes for a few conflicts that share some, exactly, by sets of conflicts.

What is changed together is one bundle: a work unit, mostly. What each bundle takes at least is
known for every set of the conflicts; the cheapest way to divide the conflicts among bundles is
then a dynamic program over their sets. Conflicts that are resolved whenever another one is are
left out first.
"""

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from fabloop.plan.reasons.bundles import Changes, Ways, together
from fabloop.plan.reasons.change import Change, Key
from fabloop.plan.reasons.reach import packed
from fabloop.plan.statement.layout import Bools, Floats, Ints

CONFLICTS_MAX = 11
"""Conflicts that are told apart in one dynamic program; beyond, they are for a constraint model."""

TRIES_MAX = 256
"""Ways to do without what is ruled out, in search of the cheapest one."""

Bans: TypeAlias = frozenset[tuple[Key, float]]
"""Changes that may not be made, at these levels or more."""

Chosen: TypeAlias = dict[Key, Change]


class GaveUp(Exception):
    """There are too many conflicts, or too many ways to do without what is ruled out."""


class _Table(msgspec.Struct, frozen=True, eq=False):
    """What bundles need for conflicts: by bundle, change (its place in `keys`) and conflict.

    Attributes
    ----------
    keys : what the changes of each bundle are about
    levels, prices : float64, shape (bundles, changes, conflicts); -inf and 0 where none is needed
    helps : bool, shape (bundles, conflicts)
    """

    keys: list[dict[Key, int]]
    changes: list[dict[int, Changes]]
    levels: Floats
    prices: Floats
    helps: Bools


def contains(chosen: Mapping[Key, Change], changes: Iterable[Change]) -> bool:
    """Tell whether all changes are among those chosen, at their amounts or more."""
    found = ((chosen.get(each.key), each.level) for each in changes)
    return all(made is not None and made.level >= level for made, level in found)


def sharing_of(conflicts: Sequence[Ways]) -> "Sharing | None":
    """Return the conflicts ready to be solved; None where they are not of this kind."""
    table = _table_of(conflicts)
    if table is None or not _rises(table):
        return None
    return Sharing(table, conflicts, _needed(table))


def _table_of(conflicts: Sequence[Ways]) -> _Table | None:
    """Return what bundles need; None where one has several ways out of a conflict."""
    groups = sorted(together(conflicts), key=lambda group: min(c.key for _, w in group for c in w))
    keys: list[dict[Key, int]] = []
    changes: list[dict[int, Changes]] = []
    for group in groups:
        own = dict(group)
        if len(own) < len(group):
            return None
        names = dict.fromkeys(each.key for ways in own.values() for each in ways)
        keys.append({key: place for place, key in enumerate(names)})
        changes.append(own)
    width = max((len(each) for each in keys), default=0)
    shape = len(groups), width, len(conflicts)
    levels, prices = np.full(shape, -np.inf), np.zeros(shape)
    helps = np.zeros((len(groups), len(conflicts)), dtype=np.bool_)
    for row, (places, own) in enumerate(zip(keys, changes, strict=True)):
        for number, ways in own.items():
            helps[row, number] = True
            for each in ways:
                place = places[each.key]
                levels[row, place, number] = each.level
                prices[row, place, number] = each.price
    return _Table(keys, changes, levels, prices, helps)


def _rises(table: _Table) -> bool:
    """Tell whether more of a change never takes less."""
    order = np.argsort(table.levels, axis=2, kind="stable")
    levels = np.take_along_axis(table.levels, order, axis=2)
    prices = np.take_along_axis(table.prices, order, axis=2)
    falls = (np.diff(prices, axis=2) < 0) & np.isfinite(levels[:, :, :-1])
    return not falls.any()


def _needed(table: _Table) -> list[int]:
    """Return the conflicts that are not resolved whenever another one of them is."""
    helpers = packed(table.helps.T)
    kept = list(range(len(helpers)))
    for each in list(kept):
        apart = ~helpers[each]
        others = (other for other in kept if other != each and not helpers[other] & apart)
        if any(_implies(table, other, each) for other in others):
            kept.remove(each)
    return kept


def _implies(table: _Table, one: int, other: int) -> bool:
    """Tell whether whatever resolves one conflict resolves the other."""
    rows = table.helps[:, one]
    return bool((table.levels[rows, :, other] <= table.levels[rows, :, one]).all())


class Sharing:
    """A few conflicts whose ways out have changes in common; `needed` are those that count."""

    def __init__(self, table: _Table, ways: Sequence[Ways], conflicts: Sequence[int]) -> None:
        self._table = table
        self._conflicts = list(conflicts)
        self.needed = [ways[each] for each in conflicts]
        self._levels = table.levels[:, :, self._conflicts]
        self._prices = table.prices[:, :, self._conflicts]
        self._helps = table.helps[:, self._conflicts]
        self._row = {key: row for row, keys in enumerate(table.keys) for key in keys}
        self._alike: dict[bytes, list[int]] = {}
        for row, (prices, helps) in enumerate(zip(self._prices, self._helps, strict=True)):
            self._alike.setdefault(prices.tobytes() + helps.tobytes(), []).append(row)

    def cheapest(self, ruled_out: Sequence[Changes]) -> Chosen | None:
        """Return the cheapest changes that contain none of the sets; None where there are none.

        Raises
        ------
        GaveUp
            There are too many conflicts, or too many ways to do without the sets.
        """
        if len(self._conflicts) > CONFLICTS_MAX:
            raise GaveUp
        seen: set[Bans] = set()
        queue: list[tuple[float, int, Bans, Chosen]] = []

        def push(bans: Bans) -> None:
            if bans in seen:
                return
            seen.add(bans)
            found = self._solved(bans)
            if found is not None:
                price = sum(each.price for each in found.values())
                heapq.heappush(queue, (price, len(seen), bans, found))

        push(frozenset())
        while queue:
            _, _, bans, found = heapq.heappop(queue)
            kept = next((each for each in ruled_out if contains(found, each)), None)
            if kept is None:
                return found
            if len(seen) > TRIES_MAX:
                raise GaveUp
            for each in kept:
                push(bans | {(each.key, each.level)})
        return None

    def _solved(self, bans: Bans) -> Chosen | None:
        """Return the cheapest changes without what is banned."""
        helps = self._helps.copy()
        touched: set[int] = set()
        for key, level in bans:
            row = self._row.get(key)
            if row is not None:
                touched.add(row)
                helps[row] &= self._levels[row, self._table.keys[row][key]] < level
        rows = self._distinct(touched)
        takes, by = self._of_sets(rows, helps)
        return self._read(takes, rows[by])

    def _distinct(self, touched: Collection[int]) -> Ints:
        """Return the bundles that differ; of those that are alike the first will do."""
        firsts = (
            next((r for r in rows if r not in touched), None) for rows in self._alike.values()
        )
        return np.array(sorted({*touched, *(r for r in firsts if r is not None)}), dtype=np.int64)

    def _of_sets(self, rows: Ints, helps: Bools) -> tuple[Floats, Ints]:
        """Return what each set of conflicts takes at least in one bundle, and in which."""
        prices = self._prices[rows]
        count = len(self._conflicts)
        takes = np.zeros((*prices.shape[:2], 1 << count))
        able = np.ones((len(rows), 1 << count), dtype=np.bool_)
        for number in range(count):
            half, whole = slice(1 << number), slice(1 << number, 2 << number)
            np.maximum(takes[:, :, half], prices[:, :, number, None], out=takes[:, :, whole])
            able[:, whole] = able[:, half] & helps[rows, number, None]
        total = np.where(able, takes.sum(axis=1), np.inf)
        by = total.argmin(axis=0)
        return total[by, np.arange(1 << count)], by

    def _read(self, takes: Floats, rows: Ints) -> Chosen | None:
        """Return the changes of the cheapest division into sets."""
        every = len(takes) - 1
        least, part = _divided(takes)
        if not np.isfinite(least[every]):
            return None
        chosen: Chosen = {}
        while every:
            own = int(part[every])
            for place, conflict in enumerate(self._conflicts):
                if own >> place & 1:
                    for change in self._table.changes[int(rows[own])][conflict]:
                        known = chosen.get(change.key)
                        if known is None or change.level > known.level:
                            chosen[change.key] = change
            every ^= own
        return chosen


def _divided(takes: Floats) -> tuple[Floats, Ints]:
    """Return what each set takes at least if it is divided, and the part with its lowest member."""
    least = np.zeros(len(takes))
    part = np.zeros(len(takes), dtype=np.int64)
    for every in range(1, len(takes)):
        low = every & -every
        owns = _subsets(every ^ low) | low
        sums = takes[owns] + least[every ^ owns]
        best = int(sums.argmin())
        least[every], part[every] = sums[best], owns[best]
    return least, part


@lru_cache(maxsize=1 << CONFLICTS_MAX)
def _subsets(every: int) -> npt.NDArray[np.int64]:
    """Return all subsets of a set, the empty one first."""
    if not every:
        return np.zeros(1, dtype=np.int64)
    low = every & -every
    rest = _subsets(every ^ low)
    return np.concatenate((rest, rest | low))
