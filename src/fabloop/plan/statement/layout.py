"""Places grouped by site and area, so that moving from many to many is a few array operations.

Movements depend on areas and gates only. A layout is made once for all places that have a skill;
what lies between two layouts is looked up once per measure and kept.
"""

from typing import TypeAlias
from weakref import WeakKeyDictionary

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

BETWEEN_MAX = 4_000_000
"""Cells of a table between two layouts that is kept; larger ones are made anew for each use."""


class Layout:
    """Places by number of site, area and work unit (-1: none), grouped.

    Cells are a table of sites by areas, as wide as the site with most areas. `slot` is where a
    place stands in grouped order, `cell` in which cell of the flattened table.
    """

    def __init__(self, site: Ints, area: Ints, unit: Ints) -> None:
        order = np.lexsort((area, site))
        self.count = len(order)
        self.unit = unit
        self.slot = np.empty(self.count, dtype=np.int64)
        self.slot[order] = np.arange(self.count)
        by_site, by_area = site[order], area[order]
        new = np.ones(self.count, dtype=np.bool_)
        new[1:] = (by_site[1:] != by_site[:-1]) | (by_area[1:] != by_area[:-1])
        begin = np.flatnonzero(new)
        self.starts = np.concatenate((begin, [self.count]))
        self.sites, row = np.unique(by_site[begin], return_inverse=True)
        first = np.searchsorted(row, np.arange(len(self.sites)))
        column = np.arange(len(begin)) - first[row]
        self.shape = (len(self.sites), int(column.max(initial=-1)) + 1)
        self.groups = np.full(self.shape, len(begin), dtype=np.int64)
        self.groups[row, column] = np.arange(len(begin))
        self.areas = np.zeros(self.shape, dtype=np.int64)
        self.areas[row, column] = by_area[begin]
        group = np.empty(self.count, dtype=np.int64)
        group[order] = np.cumsum(new) - 1
        self.cell = (row * self.shape[1] + column)[group]
        self._same: WeakKeyDictionary[Layout, Ints | None] = WeakKeyDictionary()

    def same_units(self, end: "Layout") -> Ints | None:
        """Return the slots here of the other layout's work units, whatever moving takes."""
        if end not in self._same:
            self._same[end] = _same_units(self, end)
        return self._same[end]


class Spots(msgspec.Struct, frozen=True):
    """Places as arrays of site, area and work unit numbers, shape (n,).

    `slot` and `cell` say where each of them is in the layout.
    """

    site: Ints
    area: Ints
    unit: Ints
    layout: Layout
    slot: Ints
    cell: Ints

    @classmethod
    def of(cls, site: Ints, area: Ints, unit: Ints) -> "Spots":
        """Return the places with a layout of their own."""
        layout = Layout(site, area, unit)
        return cls(site, area, unit, layout, layout.slot, layout.cell)


class Between(msgspec.Struct, frozen=True):
    """What moving between two layouts takes; inf is impossible.

    Attributes
    ----------
    here, there : int64, shape (common sites,), rows of the first and second layout
    link : float64, shape (common sites, areas of the first, areas of the second)
    out : float64, shape of the first layout, to the gate
    lane : float64, shape (sites of the first, sites of the second)
    into : float64, shape of the second layout, from the gate
    mate : per row of the second layout, the common site that it is, -1 if none
    same : int64, shape (places of the second,), the slot of the same work unit in the first, or
        one beyond its last; None where they have none in common
    """

    here: Ints
    there: Ints
    link: Floats
    out: Floats
    lane: Floats
    into: Floats
    mate: Ints
    same: Ints | None


class Moves(msgspec.Struct, frozen=True, eq=False):
    """What moving takes under one measure; inf is impossible.

    Attributes
    ----------
    link : float64, shape (sites, areas, areas), from the first area to the second
    out, into : float64, shape (sites, areas), to and from the gate; 0 at the gate
    lane : float64, shape (sites, sites)
    """

    link: Floats
    out: Floats
    into: Floats
    lane: Floats
    _known: "dict[tuple[Layout, Layout], Between]" = {}
    _back: "list[Moves]" = []
    _like: "Moves | None" = None

    def with_lanes(self, lane: Floats) -> "Moves":
        """Return the same movements with other lanes."""
        return Moves(self.link, self.out, self.into, lane, _like=self)

    def reversed(self) -> "Moves":
        """Return the same movements from destination to origin."""
        if not self._back:
            back = Moves(self.link.transpose(0, 2, 1), self.into, self.out, self.lane.T)
            self._back.append(back)
        return self._back[0]

    def between(self, start: Layout, end: Layout) -> Between:
        """Return what lies between two layouts."""
        found = self._known.get((start, end))
        if found is None:
            found = self._between(start, end)
            if found.link.size + found.lane.size <= BETWEEN_MAX:
                self._known[start, end] = found
        return found

    def _between(self, start: Layout, end: Layout) -> Between:
        if self._like is not None:
            lane = self.lane[np.ix_(start.sites, end.sites)]
            return msgspec.structs.replace(self._like.between(start, end), lane=lane)
        here, there = _matched(start.sites, end.sites)
        common = start.sites[here]
        link = self.link[
            common[:, None, None], start.areas[here][:, :, None], end.areas[there][:, None, :]
        ]
        mate = np.full(len(end.sites), -1, dtype=np.int64)
        mate[there] = np.arange(len(there))
        return Between(
            here=here,
            there=there,
            link=link,
            out=self.out[start.sites[:, None], start.areas],
            lane=self.lane[np.ix_(start.sites, end.sites)],
            into=self.into[end.sites[:, None], end.areas],
            mate=mate,
            same=start.same_units(end),
        )


def _matched(some: Ints, others: Ints) -> tuple[Ints, Ints]:
    """Return where ascending numbers stand that both have; quicker than numpy's for few."""
    if not len(others):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    place = np.minimum(np.searchsorted(others, some), len(others) - 1)
    both = others[place] == some
    return np.flatnonzero(both), place[both]


def _same_units(start: Layout, end: Layout) -> Ints | None:
    slots = dict(zip(start.unit.tolist(), start.slot.tolist(), strict=True))
    slots.pop(-1, None)
    same = [slots.get(unit, start.count) for unit in end.unit.tolist()]
    if all(each == start.count for each in same):
        return None
    by_slot = np.empty(end.count, dtype=np.int64)
    by_slot[end.slot] = same
    return by_slot


def message(value: Floats, start: Spots, end: Spots, moves: Moves) -> Floats:
    """Return ``min over starts of value + movement`` for each end, shape (len(end),)."""
    between = moves.between(start.layout, end.layout)
    full = np.full(start.layout.count + 1, np.inf)
    full[start.slot] = value
    cells = np.minimum.reduceat(full, start.layout.starts)[start.layout.groups]
    gate = (cells + between.out).min(axis=1, initial=np.inf)
    arrive = (gate[:, None] + between.lane).min(axis=0, initial=np.inf)
    reach = arrive[:, None] + between.into
    if len(between.here):
        inside = (cells[between.here][:, :, None] + between.link).min(axis=1)
        reach[between.there] = np.minimum(reach[between.there], inside)
    found: Floats = reach.ravel()[end.cell]
    if between.same is not None:
        np.minimum(found, full[between.same[end.slot]], out=found)
    return found


def ways_to(chosen: int, start: Spots, end: Spots, moves: Moves) -> Floats:
    """Return what moving from each start to one of the ends takes, shape (len(start),)."""
    between = moves.between(start.layout, end.layout)
    row, column = divmod(int(end.cell[chosen]), end.layout.shape[1])
    cells = between.out + (between.lane[:, row] + between.into[row, column])[:, None]
    common = between.mate[row]
    if common >= 0:
        here = between.here[common]
        cells[here] = np.minimum(cells[here], between.link[common, :, column])
    found: Floats = cells.ravel()[start.cell]
    if between.same is not None:
        found[start.slot == between.same[end.slot[chosen]]] = 0.0
    return found
