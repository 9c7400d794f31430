"""The earliest end of each job at each choice, if no job of the order ever waited for another.

Engagements, closed time, tools, persons, material and departures of lanes are waited for. To
arrive earlier is never worse, so these are bounds from below on all plans. Set-ups are left out:
another step in between may make them shorter.
"""

from collections.abc import Iterable, Sequence

import msgspec

from fabloop.model.ids import AreaId, SiteId
from fabloop.plan.statement.crews import NEVER
from fabloop.plan.statement.duties import Duties
from fabloop.plan.statement.gaps import Line
from fabloop.plan.statement.problem import Job, Problem, Source
from fabloop.plan.statement.roads import Hop, Place
from fabloop.plan.timetable.keeping import Keeper

Rows = tuple[tuple[int, ...], ...]


def earliest(problem: Problem, duties: Duties) -> Rows:
    """Return the earliest ends, per job and candidate; `NEVER` where it cannot be done."""
    lines: dict[str, Line] = {}

    def line(resource: str) -> Line:
        if resource not in lines:
            lines[resource] = Line(problem.busy.get(resource, ()))
        return lines[resource]

    keeper, roads = Keeper(line), _Arrivals(problem, duties)
    keeper.heed(msgspec.structs.replace(duties, changeovers={}))
    rows: list[tuple[int, ...]] = []
    for job in problem.jobs:
        ready = [0] * len(job.candidates)
        for source in job.sources:
            ready = list(map(max, ready, roads.of(source, job, rows)))
        row = []
        for candidate, tick in zip(job.candidates, ready, strict=True):
            if tick >= NEVER:
                row.append(NEVER)
                continue
            need, ticks = duties.need(job.operation, candidate), candidate.takes.ticks
            row.append(keeper.fit(line(candidate.unit.id), need, tick, ticks).start + ticks)
        rows.append(tuple(row))
    return tuple(rows)


class _Arrivals:
    """When inputs arrive at the candidates of a job at the earliest."""

    def __init__(self, problem: Problem, duties: Duties) -> None:
        self._problem = problem
        self._duties = duties
        self._links = {key: _least(hops) for key, hops in problem.roads.links.items()}

    def of(self, source: Source, job: Job, rows: Sequence[Sequence[int]]) -> list[int]:
        """Return when an input is at each candidate of the job."""
        if source.place is not None:
            starts = [(source.place, source.ready)]
        else:
            starts = [
                (candidate.place, end)
                for maker in source.jobs
                for candidate, end in zip(
                    self._problem.jobs[maker].candidates, rows[maker], strict=True
                )
                if end < NEVER
            ]
        places = [candidate.place for candidate in job.candidates]
        return self._carried(starts, places)

    def _carried(self, starts: Iterable[tuple[Place, int]], ends: Sequence[Place]) -> list[int]:
        units: dict[str, int] = {}
        areas: dict[tuple[SiteId, AreaId], int] = {}
        loose: dict[tuple[SiteId, AreaId], int] = {}
        for place, tick in starts:
            key = (place.site, place.area)
            areas[key] = min(tick, areas.get(key, NEVER))
            if place.unit is None:
                loose[key] = min(tick, loose.get(key, NEVER))
            else:
                units[place.unit] = min(tick, units.get(place.unit, NEVER))
        gates = self._at_gates(areas)
        known = {
            key: min(self._at(key, areas, gates), loose.get(key, NEVER))
            for key in {(place.site, place.area) for place in ends}
        }
        return [
            min(known[place.site, place.area], units.get(place.unit or "", NEVER)) for place in ends
        ]

    def _at_gates(self, areas: dict[tuple[SiteId, AreaId], int]) -> dict[SiteId, int]:
        """Return when something arrives at the gates from other sites."""
        roads = self._problem.roads
        leave: dict[SiteId, int] = {}
        for (site, area), tick in areas.items():
            gate = roads.gates[site]
            way = 0 if area == gate else self._links.get((site, area, gate), NEVER)
            leave[site] = min(leave.get(site, NEVER), tick + way)
        arrive: dict[SiteId, int] = {}
        for (start, end), hops in roads.lanes.items():
            ready = leave.get(start, NEVER)
            if ready < NEVER:
                found = (self._duties.leaves(it.lane, ready) + it.takes.ticks for it in hops)
                arrive[end] = min([arrive.get(end, NEVER), *found])
        return arrive

    def _at(
        self,
        key: tuple[SiteId, AreaId],
        areas: dict[tuple[SiteId, AreaId], int],
        gates: dict[SiteId, int],
    ) -> int:
        site, area = key
        gate = self._problem.roads.gates[site]
        into = 0 if area == gate else self._links.get((site, gate, area), NEVER)
        found = [gates.get(site, NEVER) + into]
        for (other, origin), tick in areas.items():
            if other == site:
                found.append(tick + self._links.get((site, origin, area), NEVER))
        return min(NEVER, *found)


def _least(hops: Iterable[Hop]) -> int:
    return min((hop.takes.ticks for hop in hops), default=NEVER)
