"""Fast answers to "can it be made if ...": sets of work units as bit masks, moved over the roads.

Only possible or not counts here, so one step of the tree is a few operations on whole numbers;
what was asked before about the same set of work units is remembered.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import numpy as np

from fabloop.model.ids import WorkUnitId
from fabloop.plan.grid import Grid, grid_of
from fabloop.plan.problem import Job, Problem
from fabloop.plan.roads import Place, Roads


class Reach:
    """Which work units a work piece can get to; sets of them are bit masks.

    `number` gives the bit of each work unit, `all` is the mask of all of them.
    """

    def __init__(self, roads: Roads, units: Mapping[WorkUnitId, Place]) -> None:
        self.places = list(units.values())
        self.number = {unit: index for index, unit in enumerate(units)}
        self.all = (1 << len(self.places)) - 1
        self._grid = grid_of(roads, tuple(units))
        self._ways = _Ways(roads, self._grid)
        self._members: dict[tuple[int, int], int] = {}
        for index, place in enumerate(self.places):
            area = self._area(place)
            self._members[area] = self._members.get(area, 0) | 1 << index
        self._classes = self._classed()
        self._known: dict[int, int] = {0: 0}
        self._known_places: dict[Place, int] = {}

    def _area(self, place: Place) -> tuple[int, int]:
        return self._grid.site[place.site], self._grid.area[place.site, place.area]

    def _classed(self) -> list[tuple[int, int]]:
        """Return pairs (work units, where their pieces get to), each second part once.

        What lies alone in its area may count as reaching itself, which makes more rows equal.
        """
        alike: dict[int, int] = {}
        rows = self._rows(list(self._members))
        for mask, row in zip(self._members.values(), rows, strict=True):
            whole = row | mask if mask & (mask - 1) == 0 else row
            alike[whole] = alike.get(whole, 0) | mask
        return [(mask, row) for row, mask in alike.items()]

    def _rows(self, starts: Sequence[tuple[int, int]]) -> list[int]:
        """Return the work units to which anything leads, per area to start from."""
        ways = self._ways
        begin = np.array(starts, dtype=np.int64).reshape(-1, 2)
        ends = [self._area(each) for each in self.places]
        end = np.array(ends, dtype=np.int64).reshape(-1, 2)
        s, a = begin[:, 0][:, None], begin[:, 1][:, None]
        t, b = end[:, 0][None, :], end[:, 1][None, :]
        over = ways.out[s, a] & ways.lane[s, t] & ways.into[t, b]
        found = np.where(s == t, ways.link[s, a, b], over)
        packed = np.packbits(found, axis=1, bitorder="little")
        return [int.from_bytes(row.tobytes(), "little") for row in packed]

    def mask(self, units: Iterable[WorkUnitId]) -> int:
        """Return the work units as a mask."""
        mask = 0
        for each in units:
            mask |= 1 << self.number[each]
        return mask

    def of(self, units: int) -> int:
        """Return where work pieces get to from any of the units; each one reaches itself."""
        known = self._known.get(units)
        if known is None:
            known = units
            for mask, row in self._classes:
                if units & mask:
                    known |= row
            self._known[units] = known
        return known

    def from_place(self, place: Place) -> int:
        """Return where a work piece gets to that lies at the place."""
        known = self._known_places.get(place)
        if known is None:
            known = self._rows([self._area(place)])[0]
            if place.unit is None:
                known |= self._members.get(self._area(place), 0)
            elif place.unit in self.number:
                known |= 1 << self.number[place.unit]
            self._known_places[place] = known
        return known


class _Ways:
    """Where links and lanes lead, as truth values in the shapes of `Moves`."""

    def __init__(self, roads: Roads, grid: Grid) -> None:
        sites = len(grid.site)
        areas = max((len(each) for each in roads.areas.values()), default=0)
        self.link = np.zeros((sites, areas, areas), dtype=np.bool_)
        self.lane = np.zeros((sites, sites), dtype=np.bool_)
        for site, origin, destination in roads.links:
            here = grid.site[site]
            self.link[here, grid.area[site, origin], grid.area[site, destination]] = True
        for start, end in roads.lanes:
            self.lane[grid.site[start], grid.site[end]] = True
        self.out = np.zeros((sites, areas), dtype=np.bool_)
        self.into = np.zeros((sites, areas), dtype=np.bool_)
        for name, gate in roads.gates.items():
            s, g = grid.site[name], grid.area[name, gate]
            self.out[s], self.into[s] = self.link[s, :, g], self.link[s, g, :]
            self.out[s, g] = self.into[s, g] = True


class Feed(msgspec.Struct, frozen=True):
    """One input of a job: the jobs one of which makes it, or the mask that it reaches already.

    `free`: nobody can tell where it comes from or goes to, so no way is asked for.
    """

    makers: tuple[int, ...]
    reached: int = 0
    free: bool = False


class Frame:
    """The jobs with their inputs, and whether they can be done by given work units."""

    def __init__(self, problem: Problem, reach: Reach, blank: Sequence[bool]) -> None:
        self.reach = reach
        self.feeds = [_feeds(job, reach, blank, number) for number, job in enumerate(problem.jobs)]
        self.under = [self._below(number) for number in range(len(problem.jobs))]

    def _below(self, number: int) -> tuple[int, ...]:
        """Return the jobs that lead to this one, and itself, inputs first."""
        seen = {number}
        stack = [number]
        while stack:
            for feed in self.feeds[stack.pop()]:
                stack.extend(each for each in feed.makers if each not in seen)
                seen.update(feed.makers)
        return tuple(sorted(seen))

    def able(
        self,
        allowed: Callable[[int], int],
        is_free: Callable[[int, int], bool],
        jobs: Sequence[int],
    ) -> dict[int, int]:
        """Return, per job in order, who can do it with all its inputs; ends where nobody can."""
        found: dict[int, int] = {}
        reach = self.reach.of
        for number in jobs:
            units = allowed(number)
            for place, feed in enumerate(self.feeds[number]):
                if not feed.free and not is_free(number, place):
                    got = feed.reached
                    for maker in feed.makers:
                        got |= reach(found[maker])
                    units &= got
            found[number] = units
            if not units:
                break
        return found


def _feeds(job: Job, reach: Reach, blank: Sequence[bool], number: int) -> tuple[Feed, ...]:
    feeds = []
    for source in job.sources:
        if source.job is not None:
            free = blank[number] or blank[source.job]
            feeds.append(Feed((source.job,), free=free))
        else:
            assert source.place is not None, "an input is either open or somewhere"
            reached = 0 if blank[number] else reach.from_place(source.place)
            feeds.append(Feed((), reached=reached, free=blank[number]))
    return tuple(feeds)
