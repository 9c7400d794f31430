"""The cheapest plan of an order where time on work units has prices: a tree recursion over time.

Per job, choice and end it keeps the least price of all plans that come so far by then; inputs move
by the quickest way. Time goes by cells, all rounded so that no plan seems dearer than it is: what
all orders pay at least is then a bound, whatever the prices are. Sources: Lagrangian relaxation of
capacity (Fisher 1973; Möhring et al. 2003 with fixed work units), here exact on in-trees.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fabloop.plan.floors.loads import Windows
from fabloop.plan.statement.layout import Floats, Ints, ways_to

CELLS_MAX = 3000
"""Cells that time is divided into, at most."""

BUCKETS = 80
"""About so many prices has a work unit, one for each bucket of cells."""


class Grid(NamedTuple):
    """How time is divided: ticks of a cell, cells of a bucket; and which work units have prices.

    `free` are the ticks of each bucket in which a work unit is not engaged, shape (units, buckets).
    """

    width: int
    bucket: int
    units: dict[str, int]
    free: Floats

    @property
    def span(self) -> int:
        """Ticks of a bucket."""
        return self.width * self.bucket

    def free_until(self, finish: int) -> Floats:
        """Return the free ticks before the end of a cell, at most."""
        left = (finish // self.width + 1) * self.width - np.arange(self.free.shape[1]) * self.span
        until: Floats = np.minimum(self.free, np.maximum(left, 0))
        return until

    def summed(self, prices: Floats) -> Floats:
        """Return what time costs up to the begin of each cell, shape (units, cells + 1)."""
        cells = np.repeat(prices * self.width, self.bucket, axis=1)
        sums = np.zeros((len(cells), cells.shape[1] + 1))
        np.cumsum(cells, axis=1, out=sums[:, 1:])
        return sums


class Column(NamedTuple):
    """A plan of an order: picks and starts, and what it takes of the grid.

    `taken` are numbers of unit and bucket in one (flat), `ticks` how much of each.
    """

    picks: tuple[int, ...]
    starts: tuple[int, ...]
    taken: Ints
    ticks: Floats


def grid_of(orders: Sequence[Windows], finish: int) -> Grid:
    """Return the grid up to a finish, over the work units that some plan by then may use."""
    width = -(-(finish + 1) // CELLS_MAX)
    cells = finish // width + 1
    bucket = -(-cells // BUCKETS)
    busy: dict[str, tuple[tuple[int, int], ...]] = {}
    names: set[str] = set()
    for each in orders:
        busy.update(each.work.problem.busy)
        for job, alive in each.alive(finish).items():
            places = each.work.places[job]
            names.update(places[pick].unit or places[pick].area for pick in np.flatnonzero(alive))
    units = {name: number for number, name in enumerate(sorted(names))}
    edges = np.arange(-(-cells // bucket) + 1) * bucket * width
    free = np.full((len(units), len(edges) - 1), float(bucket * width))
    for name in units.keys() & busy.keys():
        for start, end in busy[name]:
            taken = np.minimum(end, edges[1:]) - np.maximum(start, edges[:-1])
            free[units[name]] -= np.maximum(taken, 0)
    return Grid(width, bucket, units, np.maximum(free, 0.0))


class Buyer:
    """An order that buys time on work units, to be made by a finish at the least price.

    `pairs` counts pairs of choices with a way between them, what a recursion takes in the main.
    """

    def __init__(self, windows: Windows, grid: Grid, finish: int) -> None:
        work = windows.work
        self.grid, self.cells = grid, finish // grid.width + 1
        self.picks = [np.flatnonzero(alive).tolist() for alive in windows.alive(finish).values()]
        self.ticks: list[list[int]] = []
        self.units: list[list[int]] = []
        self.opens: list[list[int]] = []
        for job, picks in enumerate(self.picks):
            places = [work.places[job][pick] for pick in picks]
            self.ticks.append([work.ticks[job][pick] for pick in picks])
            self.units.append([grid.units[place.unit or place.area] for place in places])
            self.opens.append([int(windows.heads[job][pick]) // grid.width for pick in picks])
        self.edges = [
            [(made, self._pairs(windows, made, job, finish)) for made in work.tables.inputs[job]]
            for job in range(work.size)
        ]
        edges = [pairs for row in self.edges for _, pairs in row]
        self.pairs = sum(len(row) for pairs in edges for row in pairs)

    def _pairs(
        self, windows: Windows, made: int, job: int, finish: int
    ) -> list[list[tuple[int, int]]]:
        """Return, per choice of a job, those of an input with the cells between both ends."""
        tables = windows.work.tables
        heads = windows.heads[made][self.picks[made]]
        found = []
        for pick, ticks in zip(self.picks[job], self.ticks[job], strict=True):
            ways = ways_to(pick, tables.spots[made], tables.spots[job], tables.moves)
            between = ways[self.picks[made]] + ticks
            meets = heads + between + windows.tails[job][pick] <= finish
            cells = between[meets].astype(np.int64) // self.grid.width
            found.append(list(zip(np.flatnonzero(meets).tolist(), cells.tolist(), strict=True)))
        return found

    def buys(self, sums: Floats, late: Floats | None = None) -> tuple[float, Column]:
        """Return the least price of a plan by the finish, and the plan.

        `late` is what it costs besides to end in each cell.
        """
        best: list[Floats] = []
        for job, lows in enumerate(self.opens):
            total = self._arrived(best, job)
            for row, low, unit, ticks in zip(
                total, lows, self.units[job], self.ticks[job], strict=True
            ):
                row[:low] = np.inf
                if ticks and sums[unit, -1]:
                    np.add(row, self._own(sums[unit], ticks), out=row)
            best.append(np.minimum.accumulate(total, axis=1, out=total))
        last = best[-1].min(axis=0) if late is None else best[-1].min(axis=0) + late
        cell = self.cells - 1 if late is None else int(last.argmin())
        return float(last[cell]), self._column(best, cell)

    def _arrived(self, best: list[Floats], job: int) -> Floats:
        """Return what inputs cost at least so that a choice of the job ends in each cell."""
        cells = self.cells
        total = np.zeros((len(self.picks[job]), cells))
        for made, pairs in self.edges[job]:
            rows, lows = list(best[made]), self.opens[made]
            arrived = np.full(total.shape, np.inf)
            for out, these in zip(arrived, pairs, strict=True):
                for at, between in these:
                    low = lows[at]
                    later = out[low + between :]
                    np.minimum(later, rows[at][low : max(low, cells - between)], out=later)
            total += arrived
        return total

    def _own(self, sums: Floats, ticks: int) -> Floats:
        """Return what so many ticks cost at least that end in each cell."""
        cells, (back, rest) = self.cells, divmod(ticks, self.grid.width)
        begun = np.zeros(cells + 1)
        begun[back:] = sums[: max(0, cells + 1 - back)]
        if self.grid.width == 1:
            return np.asarray((sums[: cells + 1] - begun)[:-1])
        # What ends within a cell costs least where it begins or ends at the edge of one.
        share, until = rest / self.grid.width, sums[: cells + 1]
        before = np.concatenate(([0.0], begun[:-1]))
        at_edge = until - begun + share * (begun - before)
        inside = until[:-1] + share * np.diff(until) - begun[:-1]
        return np.minimum(np.minimum(at_edge[:-1], at_edge[1:]), inside)

    def _column(self, best: list[Floats], cell: int) -> Column:
        """Return a plan of the least price by a cell, each job as early as it allows."""
        size, width = len(best), self.grid.width
        chosen, ends = [0] * size, [cell] * size
        chosen[-1] = int(best[-1][:, cell].argmin())
        for job in range(size - 1, -1, -1):
            row = best[job][chosen[job]][: ends[job] + 1]
            ends[job] = int((row <= row[-1]).argmax())
            for made, pairs in self.edges[job]:
                _, chosen[made], ends[made] = min(
                    (float(best[made][at, ends[job] - between]), at, ends[job] - between)
                    for at, between in pairs[chosen[job]]
                    if ends[job] - between >= self.opens[made][at]
                )
        starts: list[int] = []
        for job, (end, at) in enumerate(zip(ends, chosen, strict=True)):
            inputs = (starts[made] for made, _ in self.edges[job])
            starts.append(max(0, end * width - self.ticks[job][at], *inputs))
        picks = [row[at] for row, at in zip(self.picks, chosen, strict=True)]
        return Column(tuple(picks), tuple(starts), *self._taken(chosen, starts))

    def _taken(self, chosen: Sequence[int], starts: Sequence[int]) -> tuple[Ints, Floats]:
        span, buckets = self.grid.span, self.grid.free.shape[1]
        taken: dict[int, float] = {}
        for job, (at, start) in enumerate(zip(chosen, starts, strict=True)):
            end, unit = start + self.ticks[job][at], self.units[job][at]
            for number in range(start // span, -(-end // span)):
                key = unit * buckets + min(number, buckets - 1)
                within = min(end, (number + 1) * span) - max(start, number * span)
                taken[key] = taken.get(key, 0.0) + within
        return np.array([*taken], dtype=np.int64), np.array([*taken.values()])
