"""Fast answers to "can it be made if ...": sets of work units as bit masks, moved over the roads.

Only possible or not counts here, so one step of the tree is a few operations on whole numbers;
what was asked before about the same set of work units is remembered.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from math import isfinite
from typing import TypeAlias

import msgspec
import numpy as np

from fabloop.model.ids import AreaId, SiteId, SkillId, WorkUnitId
from fabloop.plan.reasons.minimal import bits_of
from fabloop.plan.statement.candidates import Candidate, Columns, Rejected
from fabloop.plan.statement.layout import Bools, Moves
from fabloop.plan.statement.problem import Job, Problem, Source
from fabloop.plan.statement.roads import Place, Roads, Weights

Rows = Sequence[Candidate] | Sequence[Rejected]


def units_of(problem: Problem) -> dict[WorkUnitId, Place]:
    """Return where the work units are that the problem speaks of, in a fixed order."""
    for job in problem.jobs:
        if isinstance(job.candidates, Columns):
            plant = job.candidates.plant
            ids = (unit.id for unit in plant.units)
            return dict(zip(ids, plant.places, strict=True))
    return {
        each.unit.id: each.place
        for job in problem.jobs
        for rows in (job.candidates, job.rejected)
        for each in rows
    }


Link: TypeAlias = tuple[SiteId, AreaId, AreaId]
Lane: TypeAlias = tuple[SiteId, SiteId]


class Reach:
    """Which work units a work piece can get to; sets of them are bit masks.

    `number` gives the bit of each work unit, `all` is the mask of all of them.
    """

    def __init__(self, roads: Roads, units: Mapping[WorkUnitId, Place]) -> None:
        self.places = list(units.values())
        self.units = list(units)
        self.number = {unit: index for index, unit in enumerate(units)}
        self.all = (1 << len(self.places)) - 1
        self._moves = roads.moves(Weights())
        self._site = {site: index for index, site in enumerate(roads.areas)}
        self._areas = {
            (site, area): index
            for site, areas in roads.areas.items()
            for index, area in enumerate(areas)
        }
        self._members: dict[tuple[int, int], int] = {}
        for index, place in enumerate(self.places):
            area = self._area(place)
            self._members[area] = self._members.get(area, 0) | 1 << index
        self._ends = np.array([self._area(each) for each in self.places], np.int64).reshape(-1, 2)
        self._gates = {
            self._site[site]: self._areas[site, gate] for site, gate in roads.gates.items()
        }
        self._sites: dict[SiteId, int] = {}
        self._skilled: dict[tuple[int, SkillId], int] = {}
        self._inside: dict[int, list[int]] = {}
        self._base: Reach | None = None
        self._wider: dict[int, int] = {}
        self._widened = 0
        self._over: dict[int, int] = {}
        self._known: dict[int, int] = {0: 0}
        self._known_places: dict[Place, int] = {}
        self._classes = self._classed()
        self._rows = [0] * len(self.places)
        for mask, row in self._classes:
            for bit in bits_of(mask):
                self._rows[bit.bit_length() - 1] = row

    def with_ways(self, links: Iterable[Link], lanes: Iterable[Lane]) -> "Reach":
        """Return the reach with more ways; links serve both directions."""
        new = copy(self)
        new.widen(self, links, lanes)
        return new

    def widen(self, base: "Reach", links: Iterable[Link], lanes: Iterable[Lane]) -> None:
        """Open ways, and tell anew where pieces get to from areas for which that matters.

        All else is as in the other reach, and what this one shares with it stays as it is.
        """
        self._base = base
        self._over, self._known, self._known_places = {}, {0: 0}, {}
        old = self._moves
        self._moves = Moves(old.link.copy(), old.out.copy(), old.into.copy(), old.lane.copy())
        self._inside = dict(self._inside)
        areas: set[tuple[int, int]] = set()
        senders: set[int] = set()
        for origin, destination in lanes:
            self._moves.lane[self._site[origin], self._site[destination]] = 0.0
            senders.add(self._site[origin])
        for site_id, one, other in links:
            site = self._site[site_id]
            a, b = self._areas[site_id, one], self._areas[site_id, other]
            self._moves.link[site, a, b] = self._moves.link[site, b, a] = 0.0
            if self._gates[site] in (a, b):
                self._moves.out[site, [a, b]] = self._moves.into[site, [a, b]] = 0.0
                senders.update(np.flatnonzero(np.isfinite(self._moves.lane[:, site])).tolist())
            areas.update(((site, a), (site, b)))
            self._inside.pop(site, None)
        for site in senders:
            leaving = np.flatnonzero(np.isfinite(self._moves.out[site])).tolist()
            areas.update((site, area) for area in leaving)
        self._wider = {}
        for area in areas:
            members = self._members.get(area, 0)
            row = self._row(area) if members else 0
            self._wider.update((bit, row) for bit in bits_of(members))
        self._widened = sum(self._wider)

    def _area(self, place: Place) -> tuple[int, int]:
        return self._site[place.site], self._areas[place.site, place.area]

    def _classed(self) -> list[tuple[int, int]]:
        """Return pairs (work units, where their pieces get to), each second part once.

        What lies alone in its area may count as reaching itself, which makes more rows equal.
        """
        alike: dict[int, int] = {}
        for area, mask in self._members.items():
            row = self._row(area)
            whole = row | mask if mask & (mask - 1) == 0 else row
            alike[whole] = alike.get(whole, 0) | mask
        return [(mask, row) for row, mask in alike.items()]

    def _row(self, start: tuple[int, int]) -> int:
        """Return the work units to which anything leads from an area."""
        site, area = start
        if site not in self._inside:
            there = np.flatnonzero(self._ends[:, 0] == site)
            ways = np.isfinite(self._moves.link[site][:, self._ends[there, 1]])
            flags = np.zeros((len(ways), len(self.places)), dtype=np.bool_)
            flags[:, there] = ways
            self._inside[site] = packed(flags)
        leaves = isfinite(self._moves.out[site, area])
        return self._inside[site][area] | (self._abroad(site) if leaves else 0)

    def _abroad(self, site: int) -> int:
        """Return the work units of other sites to which the site's gate leads."""
        if site not in self._over:
            open_ones = np.isfinite(self._moves.lane[site])
            open_ones[site] = False
            into = np.isfinite(self._moves.into[self._ends[:, 0], self._ends[:, 1]])
            self._over[site] = packed((open_ones[self._ends[:, 0]] & into)[None, :])[0]
        return self._over[site]

    def mask(self, rows: Rows) -> int:
        """Return the work units of candidates or rejected ones as a mask."""
        if isinstance(rows, Columns):
            flags = np.zeros((1, len(self.places)), dtype=np.bool_)
            flags[0, rows.units] = True
            return packed(flags)[0]
        mask = 0
        for each in rows:
            mask |= 1 << self.number[each.unit.id]
        return mask

    def skilled(self, job: Job) -> int:
        """Return the work units that have the skill of a job and may not do it, maybe others too.

        Columns tell at once who has a skill: those who may do the job are then among them.
        """
        if not isinstance(job.rejected, Columns) or not isinstance(job.candidates, Columns):
            return self.mask(job.rejected)
        plant, skill = job.rejected.plant, job.operation.requirement.skill
        key = id(plant), skill
        if key not in self._skilled:
            flags = np.zeros((1, len(self.places)), dtype=np.bool_)
            flags[0, plant.offers.skilled(skill)] = True
            self._skilled[key] = packed(flags)[0]
        return self._skilled[key]

    def of(self, units: int) -> int:
        """Return where work pieces get to from any of the units; each one reaches itself."""
        known = self._known.get(units)
        if known is None and self._base is not None:
            known = self._base.of(units)
            for bit in bits_of(units & self._widened):
                known |= self._wider[bit]
            self._known[units] = known
        elif known is None:
            known = units
            if units.bit_count() < len(self._classes):
                rest = units
                while rest:
                    low = rest & -rest
                    known |= self._rows[low.bit_length() - 1]
                    rest ^= low
            else:
                for mask, row in self._classes:
                    if units & mask:
                        known |= row
            self._known[units] = known
        return known

    def from_place(self, place: Place) -> int:
        """Return where a work piece gets to that lies at the place."""
        known = self._known_places.get(place)
        if known is None:
            known = self._row(self._area(place))
            if place.unit is None:
                known |= self._members.get(self._area(place), 0)
            elif place.unit in self.number:
                known |= 1 << self.number[place.unit]
            self._known_places[place] = known
        return known

    def sites_of(self, units: int) -> list[str]:
        """Return the sites of the work units of a mask, sorted."""
        return sorted(str(site) for site, mask in self._of_site().items() if mask & units)

    def at_site(self, site: SiteId) -> int:
        """Return the work units of a site."""
        return self._of_site().get(site, 0)

    def _of_site(self) -> dict[SiteId, int]:
        if not self._sites:
            for index, place in enumerate(self.places):
                self._sites[place.site] = self._sites.get(place.site, 0) | 1 << index
        return self._sites

    def places_of(self, units: int) -> Iterator[Place]:
        """Yield where the work units of a mask are."""
        while units:
            low = units & -units
            yield self.places[low.bit_length() - 1]
            units ^= low


def packed(rows: Bools) -> list[int]:
    """Return each row of truth values as a mask."""
    packed = np.packbits(rows, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


Edge: TypeAlias = tuple[int, int]
"""An input of a job: its number, and the place among its inputs."""


class Feed(msgspec.Struct, frozen=True):
    """One input of a job: the jobs one of which makes it, or the place where it is.

    `free`: nobody can tell where it comes from or goes to, so no way is asked for.
    """

    makers: tuple[int, ...]
    place: Place | None = None
    free: bool = False


class Frame:
    """The jobs with their inputs, and whether they can be done by given work units."""

    def __init__(self, problem: Problem, reach: Reach, blank: Sequence[bool]) -> None:
        self.reach = reach
        self.feeds = [
            tuple(_feed(source, number, blank) for source in job.sources)
            for number, job in enumerate(problem.jobs)
        ]
        self.needed = self._needed()
        self.takers: list[tuple[int, ...]] = [() for _ in self.feeds]
        for number, feeds in enumerate(self.feeds):
            for maker in dict.fromkeys(each for feed in feeds for each in feed.makers):
                self.takers[maker] += (number,)

    def _needed(self) -> frozenset[int]:
        """Return the jobs that no choice of alternatives leaves out."""
        last = len(self.feeds) - 1
        needed, stack = {last} - {-1}, [last] if last >= 0 else []
        while stack:
            for feed in self.feeds[stack.pop()]:
                if len(feed.makers) == 1 and feed.makers[0] not in needed:
                    needed.add(feed.makers[0])
                    stack.append(feed.makers[0])
        return frozenset(needed)

    def under(self, number: int) -> tuple[int, ...]:
        """Return the jobs that lead to this one, and itself, inputs first."""
        seen, stack = {number}, [number]
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
        reach: Reach | None = None,
    ) -> dict[int, int]:
        """Return, per job, who can do it with all its inputs; ends at a needed one for nobody.

        `is_free` tells by job and place among its inputs where no way is asked for.
        """
        found: dict[int, int] = {}
        over = reach or self.reach
        for number in jobs:
            units = allowed(number)
            for place, feed in enumerate(self.feeds[number]):
                if feed.free or is_free(number, place):
                    if feed.makers and not any(found[maker] for maker in feed.makers):
                        units = 0
                    continue
                got = 0 if feed.place is None else over.from_place(feed.place)
                for maker in feed.makers:
                    got |= over.of(found[maker])
                units &= got
            found[number] = units
            if not units and number in self.needed:
                break
        return found

    def broken(self, able: Mapping[int, int]) -> int | None:
        """Return the first needed job that nobody can do, None where all goes well."""
        return next(
            (each for each, units in able.items() if not units and each in self.needed), None
        )


def _feed(source: Source, number: int, blank: Sequence[bool]) -> Feed:
    makers = source.jobs
    free = blank[number] or any(blank[each] for each in makers)
    assert makers or source.place is not None, "an input is either open or somewhere"
    return Feed(makers, None if makers else source.place, free)


def is_blank(job: Job) -> bool:
    """Tell whether no work unit has the skill at all."""
    return not len(job.candidates) and not len(job.rejected)
