"""Time against any additive measure, exactly, as long as nothing waits for a work unit.

Each choice of each job keeps the pairs (finish, value) that no other pair beats: labels, as in
bicriteria shortest paths, here over an in-tree. Inputs of one job share their start, so their
values add up at each start. What comes out bounds all plans from below; its routings are plans
wherever the list schedule finds no waiting.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from fabloop.model.ids import AreaId, LaneId, SiteId
from fabloop.plan.statement.departures import Departures
from fabloop.plan.statement.duties import Duties
from fabloop.plan.statement.gaps import Gaps, gaps_of
from fabloop.plan.statement.layout import Floats, Ints
from fabloop.plan.statement.problem import ABSENT, Candidate, Job, Problem, Source
from fabloop.plan.statement.roads import Figures, Hop, Leg, Place, Roads, Weights
from fabloop.plan.statement.ways import WayBook
from fabloop.plan.terms.blend import Blend, Case
from fabloop.plan.timetable.schedule import Routing

LABELS_MAX = 600
"""Labels of one choice; more are joined into fewer, which loosens the bound."""

NOISE = 1e-12
"""Relative difference of two values that is float noise."""

Options: TypeAlias = tuple[tuple[int, float], ...]
"""Ticks and value of each hop between two places that none beats."""


class Labels(msgspec.Struct, frozen=True):
    """Pairs that none beats: times ascend, values descend.

    Attributes
    ----------
    time : int64, shape (n,), ticks
    value : float64, shape (n,)
    """

    time: Ints
    value: Floats

    def at(self, time: int) -> float:
        """Return the least value by a time; inf where there is none."""
        place = int(np.searchsorted(self.time, time, side="right")) - 1
        return float(self.value[place]) if place >= 0 else np.inf


NONE = Labels(np.zeros(0, dtype=np.int64), np.zeros(0))


class Tradeoff(msgspec.Struct, frozen=True):
    """The labels of every choice; `front` are those of the product.

    `exact` is False where labels had to be joined: then values are bounds and may not be met.
    """

    case: Case
    blend: Blend
    book: WayBook
    rows: tuple[tuple[Labels, ...], ...]
    values: tuple[Floats, ...]
    front: Labels
    exact: bool

    def routing(self, finish: int) -> Routing:
        """Return choices and legs of the least value that finish by then if nothing waits."""
        return _Trace(self).run(finish)


class _Hops:
    """The hops of the roads under a blend; of each pair of places only those that none beats.

    `leaving` are lanes that leave at certain times only: with these, ticks and value.
    """

    def __init__(self, roads: Roads, weights: Weights, duties: Duties | None) -> None:
        self.gates = roads.gates
        self.links = {key: _options(hops, weights) for key, hops in roads.links.items()}
        timed = frozenset[LaneId]() if duties is None else frozenset(duties.lanes)
        self.lanes = {
            key: _options([hop for hop in hops if hop.lane not in timed], weights)
            for key, hops in roads.lanes.items()
        }
        self.leaving: dict[tuple[SiteId, SiteId], list[tuple[Departures, int, float]]] = {}
        for key, hops in roads.lanes.items() if duties is not None else ():
            for hop in hops:
                departures = None if duties is None else duties.departures(hop.lane)
                if departures is not None:
                    row = self.leaving.setdefault(key, [])
                    row.append((departures, hop.takes.ticks, weights.of(hop.takes)))

    def shipped(self, labels: Labels, key: tuple[SiteId, SiteId]) -> list[Labels]:
        """Return the labels after each of the lanes between two gates."""
        found = shifted(labels, self.lanes.get(key, ()))
        for departures, ticks, value in self.leaving.get(key, ()) if len(labels.time) else ():
            found.append(_latest(departures.firsts(labels.time) + ticks, labels.value + value))
        return found


def _latest(time: Ints, value: Floats) -> Labels:
    """Return labels whose times may be equal: of these the last one, which is the best."""
    last = np.append(time[1:] != time[:-1], True)[: len(time)]
    return Labels(time[last], value[last])


def _options(hops: Sequence[Hop], weights: Weights) -> Options:
    pairs = sorted({(hop.takes.ticks, weights.of(hop.takes)) for hop in hops})
    kept: list[tuple[int, float]] = []
    for ticks, value in pairs:
        if not kept or value < kept[-1][1]:
            kept.append((ticks, value))
    return tuple(kept)


def tradeoff(case: Case, blend: Blend, book: WayBook | None = None) -> Tradeoff:
    """Return the trade-off between the finish and the additive part of the blend.

    `book` keeps what several trade-offs over the same roads can share.
    """
    return _Build(case, blend, book or WayBook(case.problem.roads)).run()


class _Gapped:
    """When operations may start on their work units, looked up once each."""

    def __init__(self, problem: Problem) -> None:
        self._busy = problem.busy
        self._duties = problem.duties
        self._known: dict[tuple[str, int, str], Gaps | None] = {}

    def of(self, job: Job, candidate: Candidate) -> Gaps | None:
        """Return when the candidate may start; None is always."""
        spans = self._busy.get(candidate.unit.id, ())
        if self._duties is None and not spans:
            return None
        own = "" if self._duties is None else job.operation.id
        key = (candidate.unit.id, candidate.takes.ticks, own)
        if key not in self._known:
            shut = () if self._duties is None else self._duties.shut(job.operation, candidate)
            self._known[key] = gaps_of((*spans, *shut), candidate.takes.ticks)
        return self._known[key]


class _Build:
    """One pass over the jobs, inputs before takers."""

    def __init__(self, case: Case, blend: Blend, book: WayBook) -> None:
        self.case = case
        self.blend = blend
        self.book = book
        self.roads = case.problem.roads
        self.hops = _Hops(self.roads, blend.weights, case.problem.duties)
        self.exact = True
        self.gaps = _Gapped(case.problem)

    def run(self) -> Tradeoff:
        """Return the trade-off."""
        jobs, weights = self.case.problem.jobs, self.blend.weights
        rows: list[tuple[Labels, ...]] = []
        values = []
        for job, extra in zip(jobs, self.case.added(self.blend), strict=True):
            node = np.array([weights.of(each.takes) for each in job.candidates]) + extra
            arrivals = [self._arrivals(job, source, rows) for source in job.sources]
            rows.append(
                tuple(
                    self._node(job, each, node[pick], [row[pick] for row in arrivals])
                    for pick, each in enumerate(job.candidates)
                )
            )
            values.append(node)
        front = merged(rows[-1]) if rows else Labels(np.zeros(1, dtype=np.int64), np.zeros(1))
        return Tradeoff(
            self.case, self.blend, self.book, tuple(rows), tuple(values), front, self.exact
        )

    def _node(
        self, job: Job, candidate: Candidate, value: float, arrivals: Sequence[Labels]
    ) -> Labels:
        if candidate.place.site in self.case.shut:
            return NONE
        ready = joined(arrivals)
        gaps = self.gaps.of(job, candidate)
        time = ready.time if gaps is None else gaps.first(ready.time)
        return _latest(time + candidate.takes.ticks, ready.value + value)

    def _arrivals(
        self, job: Job, source: Source, rows: Sequence[tuple[Labels, ...]]
    ) -> list[Labels]:
        """Return when and at what value the input is at each candidate of the job."""
        ends = [each.place for each in job.candidates]
        if source.job is None:
            assert source.place is not None, "an input is either open or somewhere"
            return [self._settled(source.place, source.ready, end) for end in ends]
        jobs = self.case.problem.jobs
        carried = [
            self._carried([each.place for each in jobs[maker].candidates], rows[maker], ends)
            for maker in source.jobs
        ]
        return [merged(each) for each in zip(*carried, strict=True)]

    def _settled(self, place: Place, ready: int, end: Place) -> Labels:
        weights, duties = self.blend.weights, self.case.problem.duties
        found = []
        for takes, legs in self.book.ways(place, end):
            there = ready + takes.ticks if duties is None else duties.arrival(legs, ready)
            found.append(Labels(np.array([there]), np.array([weights.of(takes)])))
        return merged(found)

    def _carried(
        self, starts: Sequence[Place], labels: Sequence[Labels], ends: Sequence[Place]
    ) -> list[Labels]:
        """Carry labels from the makers to the takers, by areas and gates."""
        pools: dict[tuple[SiteId, AreaId], list[Labels]] = {}
        for place, each in zip(starts, labels, strict=True):
            pools.setdefault((place.site, place.area), []).append(each)
        areas = {key: self._thin(merged(each)) for key, each in pools.items()}
        gates = self._at_gates(areas, {place.site for place in ends})
        there = {
            key: self._at_area(key, areas, gates)
            for key in dict.fromkeys((place.site, place.area) for place in ends)
        }
        own = {place.unit: each for place, each in zip(starts, labels, strict=True)}
        return [
            self._thin(merged([there[place.site, place.area], own.get(place.unit, NONE)]))
            for place in ends
        ]

    def _at_gates(
        self, areas: Mapping[tuple[SiteId, AreaId], Labels], wanted: set[SiteId]
    ) -> dict[SiteId, Labels]:
        """Return what arrives at the gates of the wanted sites from other sites."""
        leaving: dict[SiteId, list[Labels]] = {}
        for (site, area), labels in areas.items():
            leaving.setdefault(site, []).extend(self._to_gate(labels, site, area, leaves=True))
        gone = {site: merged(each) for site, each in leaving.items()}
        return {
            end: self._thin(
                merged(
                    [
                        moved
                        for start, labels in gone.items()
                        for moved in self.hops.shipped(labels, (start, end))
                    ]
                )
            )
            for end in wanted
        }

    def _to_gate(self, labels: Labels, site: SiteId, area: AreaId, *, leaves: bool) -> list[Labels]:
        gate = self.hops.gates[site]
        if area == gate:
            return [labels]
        key = (site, area, gate) if leaves else (site, gate, area)
        return shifted(labels, self.hops.links.get(key, ()))

    def _at_area(
        self,
        key: tuple[SiteId, AreaId],
        areas: Mapping[tuple[SiteId, AreaId], Labels],
        gates: Mapping[SiteId, Labels],
    ) -> Labels:
        site, area = key
        found = self._to_gate(gates[site], site, area, leaves=False)
        for (other, origin), labels in areas.items():
            if other == site:
                hops = self.hops.links.get((site, origin, area), ())
                found = [*found, *shifted(labels, hops)]
        return merged(found)

    def _thin(self, labels: Labels) -> Labels:
        """Join neighbours where there are too many: the earliest time with the least value."""
        count = len(labels.time)
        if count <= LABELS_MAX:
            return labels
        self.exact = False
        edges = np.linspace(0, count, LABELS_MAX + 1).astype(np.int64)
        return Labels(labels.time[edges[:-1]], labels.value[edges[1:] - 1])


def shifted(labels: Labels, options: Options) -> list[Labels]:
    """Return the labels after each of the hops."""
    if not len(labels.time):
        return []
    return [Labels(labels.time + ticks, labels.value + value) for ticks, value in options]


def merged(parts: Sequence[Labels]) -> Labels:
    """Return the labels that none of all parts beats."""
    parts = [each for each in parts if len(each.time)]
    if len(parts) <= 1:
        return parts[0] if parts else NONE
    time = np.concatenate([each.time for each in parts])
    value = np.concatenate([each.value for each in parts])
    order = np.lexsort((value, time))
    return _falling(time[order], value[order])


def _falling(time: Ints, value: Floats) -> Labels:
    """Return the labels, in order of time, that are better than all before them."""
    least = np.minimum.accumulate(value)
    keep = np.ones(len(value), dtype=np.bool_)
    keep[1:] = value[1:] < least[:-1] - NOISE * np.abs(least[:-1])
    return Labels(time[keep], value[keep])


def joined(parts: Sequence[Labels]) -> Labels:
    """Return the labels of a start for which all parts are there: values add up."""
    if not parts:
        return Labels(np.zeros(1, dtype=np.int64), np.zeros(1))
    if any(not len(each.time) for each in parts):
        return NONE
    if len(parts) == 1:
        return parts[0]
    first = max(int(each.time[0]) for each in parts)
    time = np.unique(np.concatenate([each.time for each in parts]))
    time = time[time >= first]
    value = np.zeros(len(time))
    for each in parts:
        value += each.value[np.searchsorted(each.time, time, side="right") - 1]
    return _falling(time, value)


_Way: TypeAlias = tuple[float, int, int, int, tuple[Leg, ...]]


class _Trace:
    """Finds the choices behind a label: each input is met as cheaply as its time allows."""

    def __init__(self, found: Tradeoff) -> None:
        self.found = found
        self.jobs = found.case.problem.jobs
        self.book = found.book
        self.gaps = _Gapped(found.case.problem)
        self.duties = found.case.problem.duties
        self.weights = found.blend.weights
        self.choice = [ABSENT] * len(self.jobs)
        self.legs: list[tuple[tuple[Leg, ...], ...]] = [()] * len(self.jobs)

    def run(self, finish: int) -> Routing:
        """Return the routing that finishes by then at the least value."""
        if self.jobs:
            last = self.found.rows[-1]
            pick = min(range(len(last)), key=lambda each: last[each].at(finish))
            stack = [(len(self.jobs) - 1, pick, finish)]
            while stack:
                stack.extend(self._place(*stack.pop()))
        return Routing(tuple(self.choice), Weights(), tuple(self.legs))

    def _place(self, number: int, pick: int, finish: int) -> list[tuple[int, int, int]]:
        """Choose a job's candidate; return its inputs with their choices and latest ends."""
        job = self.jobs[number]
        self.choice[number] = pick
        end = job.candidates[pick].place
        start = finish - job.candidates[pick].takes.ticks
        gaps = self.gaps.of(job, job.candidates[pick])
        start = start if gaps is None else gaps.last(start)
        below, legs = [], []
        for source in job.sources:
            if source.job is None:
                legs.append(self._from_place(source, end, start))
                continue
            found = (self._from_job(maker, end, start) for maker in source.jobs)
            best = min((each for each in found if each is not None), key=lambda each: each[0])
            _, by, maker, child, way = best
            below.append((maker, child, by))
            legs.append(way)
        self.legs[number] = tuple(legs)
        return below

    def _from_place(self, source: Source, end: Place, start: int) -> tuple[Leg, ...]:
        assert source.place is not None, "an input is either open or somewhere"
        found = self.book.ways(source.place, end)
        timely = [each for each in found if source.ready <= self._by(*each, start)]
        return min(timely or found, key=lambda each: (self.weights.of(each[0]), each[0].ticks))[1]

    def _from_job(self, child: int, end: Place, start: int) -> _Way | None:
        """Return value, when to leave, maker, its choice and legs of the least value by then."""
        best: tuple[float, int, int, int, tuple[Leg, ...]] | None = None
        for pick, each in enumerate(self.jobs[child].candidates):
            labels = self.found.rows[child][pick]
            if not len(labels.time):
                continue
            for takes, legs in self.book.ways(each.place, end):
                by = self._by(takes, legs, start)
                value = labels.at(by) + self.weights.of(takes)
                key = (value, takes.ticks, pick)
                if best is None or key < best[:3]:
                    best = (*key, by, legs)
        return None if best is None else (best[0], best[3], child, best[2], best[4])

    def _by(self, takes: Figures, legs: Sequence[Leg], start: int) -> int:
        """Return the last tick by which to leave to be there at the start."""
        return start - takes.ticks if self.duties is None else self.duties.latest(legs, start)
