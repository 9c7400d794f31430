"""The least that a product takes if it is ready by a tick, hours and their prices in the model.

Time is cut into slots. Per choice of each job and slot stands the least value of all that leads to
it and is done by then; nothing waits for another step of the order. Rounded towards less time it
is a bound for all plans that are ready by then; rounded towards more, its starts are plans wherever
no step waits for another one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from fabloop.model.ids import AreaId, SiteId
from fabloop.plan.statement.departures import Departures
from fabloop.plan.statement.hourly import Hourly, Slots, Starts
from fabloop.plan.statement.layout import Floats, Ints
from fabloop.plan.statement.problem import ABSENT, Job, Problem, Source
from fabloop.plan.statement.roads import Figures, Hop, Leg, Place, Weights
from fabloop.plan.statement.ways import WayBook
from fabloop.plan.timetable.schedule import Routing, Timetable
from fabloop.plan.tradeoffs.contended import Floor

SLOTS_MAX = 2_000
"""Slots that the time up to the limit is cut into."""

SLOT_TICKS_MIN = 60
"""Ticks of the shortest slots."""

Rows = Sequence[Sequence[int]]

ROUNDS_MAX = 8
"""Times that starts are sought anew because steps want one work unit at once."""

CELLS_MAX = 4_000_000
"""Slots of all choices together; of more, nothing is said."""


class Wanted(msgspec.Struct, frozen=True):
    """Choices and ways, and per job the tick before which it should not start."""

    routing: Routing
    starts: tuple[int, ...]


class Hours:
    """The least values of one problem under one measure, up to a tick."""

    def __init__(
        self,
        problem: Problem,
        weights: Weights,
        until: int,
        hourly: Hourly,
        starts: Sequence[Sequence[Starts]],
    ) -> None:
        self._problem = problem
        self._weights = weights
        self._until = until
        self._hourly = hourly
        self._slots = hourly.slots
        self._starts = starts

    def bound(self) -> float:
        """Return what all plans that are ready by then take at least; inf where there are none."""
        rows = _Pass(self._problem, self._weights, self._slots, self._starts, up=False).run()
        return min((float(row.done[-1]) for row in rows[-1]), default=np.inf)

    def wanted(self, by: int) -> Iterator[Wanted]:
        """Yield the best choices and starts if no step waits for another one; nothing if none are.

        The product is ready by a tick. Where steps want one work unit at once, those that have
        most to lose keep it, and the others are sought anew.
        """
        hours, fixed = self, set[int]()
        for _ in range(ROUNDS_MAX):
            wanted = hours._wanted(by)
            if wanted is None:
                return
            yield wanted
            lucky = self._lucky(wanted) - fixed
            if not lucky:
                return
            fixed |= lucky
            hours = hours._apart(wanted, fixed)

    def _lucky(self, wanted: Wanted) -> set[int]:
        """Return, of steps that are on one work unit at once, those that have most to lose."""
        rows: dict[str, list[tuple[float, int]]] = {}
        for job, pick in enumerate(wanted.routing.choice):
            if pick == ABSENT:
                continue
            value = self._weights.of(self._starts[job][pick].takes)
            loses = float(np.ptp(value)) if len(value) else 0.0
            unit = self._problem.jobs[job].candidates[pick].unit.id
            rows.setdefault(unit, []).append((-loses, job))
        found: set[int] = set()
        for row in rows.values():
            kept: list[int] = []
            for _, job in sorted(row):
                start = wanted.starts[job]
                spans = (self._span(wanted, each, job) for each in kept)
                end = start + self._ticks(wanted, job)
                if all(end <= a or b <= start for a, b in spans):
                    kept.append(job)
            if len(kept) < len(row):
                found |= set(kept)
        return found

    def _ticks(self, wanted: Wanted, job: int) -> int:
        return self._problem.jobs[job].candidates[wanted.routing.choice[job]].takes.ticks

    def _span(self, wanted: Wanted, job: int, other: int) -> tuple[int, int]:
        """Return when a job keeps its work unit from another one, set-ups between them included."""
        jobs, start = self._problem.jobs, wanted.starts[job]
        before = after = 0
        duties = self._problem.duties
        unit = jobs[job].candidates[wanted.routing.choice[job]].unit.id
        change = None if duties is None else duties.changeovers.get(unit)
        if change is not None:
            mine, other_family = (jobs[each].operation.setup_family for each in (job, other))
            before, after = change.gap(other_family, mine), change.gap(mine, other_family)
        return start - before, start + self._ticks(wanted, job) + after

    def _wanted(self, by: int) -> Wanted | None:
        found = _Pass(self._problem, self._weights, self._slots, self._starts, up=True)
        return _Trace(found, found.run()).run(by)

    def _apart(self, wanted: Wanted, fixed: set[int]) -> "Hours":
        """Return the same where some jobs are as they were wanted, and the others make room."""
        problem = self._problem
        holds: dict[str, list[int]] = {}
        for job in sorted(fixed):
            each = problem.jobs[job].candidates[wanted.routing.choice[job]]
            holds.setdefault(each.unit.id, []).append(job)

        def starts(number: int, pick: int) -> Starts:
            job = problem.jobs[number]
            each = job.candidates[pick]
            if number in fixed:
                return self._kept(wanted, number, pick)
            if each.unit.id not in holds:
                return self._starts[number][pick]
            taken = [self._span(wanted, it, number) for it in holds[each.unit.id]]
            return self._hourly.of(job, each, taken)

        rows = [
            [starts(number, pick) for pick in range(len(job.candidates))]
            for number, job in enumerate(problem.jobs)
        ]
        return Hours(problem, self._weights, self._until, self._hourly, rows)

    def _kept(self, wanted: Wanted, job: int, pick: int) -> Starts:
        """Return the one start that was wanted of a choice; none of others."""
        starts = self._starts[job][pick]
        here = (starts.tick == wanted.starts[job]) & (pick == wanted.routing.choice[job])
        return Starts(starts.tick[here], starts.takes.kept(here))

    def floor(self, heads: Rows, tails: Rows, placed: Callable[[Timetable], Timetable]) -> Floor:
        """Return what choices take at least between their heads and tails, whoever waits."""
        problem, weights = self._problem, self._weights
        rows: list[Floats] = []
        rates: dict[tuple[int, int], tuple[float, float] | None] = {}
        for number, job in enumerate(problem.jobs):
            row = np.full(len(job.candidates), np.inf)
            for pick, each in enumerate(job.candidates):
                head, tail = heads[number][pick], tails[number][pick]
                starts, ticks = self._starts[number][pick], each.takes.ticks
                within = (starts.tick >= head - ticks) & (starts.tick <= self._until - tail - ticks)
                if head < 0 or tail < 0 or not within.any():
                    continue
                least = float(weights.of(starts.takes)[within].min())
                row[pick] = max(0.0, least - weights.of(each.takes))
                rates[number, pick] = self._hourly.least_rates(each, starts.tick[within])
            rows.append(row)

        def more(job: int, pick: int, before: str) -> float:
            each, charges = problem.jobs[job], problem.charges
            assert charges is not None, "asked only where times matter"
            known = rates.get((job, pick))
            takes = charges.more(each.operation, each.candidates[pick], before, known)
            return max(0.0, weights.of(Figures(0, *takes)) - float(rows[job][pick]))

        return Floor(self._until, tuple(rows), more, placed)


def hours_of(problem: Problem, weights: Weights, until: int) -> Hours | None:
    """Return the hours of a problem; None where it is too large."""
    choices = sum(len(job.candidates) for job in problem.jobs)
    if not choices or choices * min(SLOTS_MAX, until // SLOT_TICKS_MIN + 1) > CELLS_MAX:
        return None
    ticks = max(SLOT_TICKS_MIN, -(-until // SLOTS_MAX))
    hourly = Hourly(problem, Slots(ticks, -(-until // ticks)))
    starts = [[hourly.of(job, each) for each in job.candidates] for job in problem.jobs]
    return Hours(problem, weights, until, hourly, starts)


class _Row(msgspec.Struct, frozen=True):
    """One choice of a job, by slot, shape (slots + 1,).

    Attributes
    ----------
    done : the least value of what is done by the end of the slot
    begun : the least value of what starts in the slot
    start : the tick at which that starts
    back : 1 where its inputs are there by the slot before, 0 by the end of the slot itself
    """

    done: Floats
    begun: Floats
    start: Ints
    back: Ints


class _Pass:
    """One pass over the jobs, inputs before takers; with `up` time is rounded up, else down."""

    def __init__(
        self,
        problem: Problem,
        weights: Weights,
        slots: Slots,
        starts: Sequence[Sequence[Starts]],
        *,
        up: bool,
    ) -> None:
        self.problem = problem
        self.weights = weights
        self.slots = slots
        self.up = up
        self._starts = starts

    def run(self) -> list[list[_Row]]:
        """Return the rows of all jobs."""
        rows: list[list[_Row]] = []
        for number, job in enumerate(self.problem.jobs):
            arrivals = [self._arrivals(job, source, rows) for source in job.sources]
            rows.append(
                [
                    self._row(
                        self._starts[number][pick],
                        each.takes.ticks,
                        [arrived[pick] for arrived in arrivals],
                    )
                    for pick, each in enumerate(job.candidates)
                ]
            )
        return rows

    def shift(self, ticks: int) -> int:
        """Return ticks in slots."""
        return -(-ticks // self.slots.ticks) if self.up else ticks // self.slots.ticks

    def none(self) -> Floats:
        """Return the values of what is never possible."""
        return np.full(self.slots.count + 1, np.inf)

    def later(self, row: Floats, ticks: int, value: float = 0.0) -> Floats:
        """Return a row after something that takes so long and so much."""
        found, count = self.none(), self.shift(ticks)
        if count < len(row):
            found[count:] = row[: len(row) - count] + value
        return found

    def _row(self, starts: Starts, ticks: int, arrivals: Sequence[Floats]) -> _Row:
        ready = np.zeros(self.slots.count + 1)
        for each in arrivals:
            ready = ready + each
        within, tick = self._least(starts)
        begun, back = within + ready, np.zeros(len(ready), dtype=np.int64)
        if self.up:
            before = np.concatenate(([np.inf], ready[:-1]))
            begun, back = within + before, back + 1
            ends = self.slots.ends()
            place = np.minimum(np.searchsorted(starts.tick, ends), max(0, len(starts.tick) - 1))
            if len(starts.tick):
                at_end = starts.tick[place] == ends
                value = np.where(at_end, self.weights.of(starts.takes)[place], np.inf) + ready
                better = value < begun
                begun, back = np.where(better, value, begun), np.where(better, 0, back)
                tick = np.where(better, ends, tick)
        done = self.later(np.minimum.accumulate(begun), ticks)
        return _Row(done, begun, tick, back)

    def _least(self, starts: Starts) -> tuple[Floats, Ints]:
        """Return the least of each slot, and the tick that takes it."""
        found, tick = self.none(), np.zeros(self.slots.count + 1, dtype=np.int64)
        value = self.weights.of(starts.takes)
        slot = -(-starts.tick // self.slots.ticks)
        order = np.lexsort((-value, slot))
        found[slot[order]] = value[order]  # the last one counts, which is the least
        tick[slot[order]] = starts.tick[order]
        return found, tick

    def _arrivals(self, job: Job, source: Source, rows: Sequence[Sequence[_Row]]) -> list[Floats]:
        """Return, per candidate of the job, the least value of an input that is there by then."""
        ends = [each.place for each in job.candidates]
        if source.place is not None:
            row = self.none()
            row[-(-source.ready // self.slots.ticks) :] = 0.0
            return self._carried([(source.place, row)], ends)
        starts = [
            (each.place, rows[maker][pick].done)
            for maker in source.jobs
            for pick, each in enumerate(self.problem.jobs[maker].candidates)
        ]
        return self._carried(starts, ends)

    def _carried(
        self, starts: Iterable[tuple[Place, Floats]], ends: Sequence[Place]
    ) -> list[Floats]:
        areas: dict[tuple[SiteId, AreaId], Floats] = {}
        units: dict[str, Floats] = {}
        loose: dict[tuple[SiteId, AreaId], Floats] = {}
        for place, row in starts:
            key = place.site, place.area
            areas[key] = np.minimum(row, areas.get(key, np.inf))
            if place.unit is None:
                loose[key] = np.minimum(row, loose.get(key, np.inf))
            else:
                units[place.unit] = np.minimum(row, units.get(place.unit, np.inf))
        gates = self._at_gates(areas)
        known = {
            key: np.minimum(self._at(key, areas, gates), loose.get(key, np.inf))
            for key in {(each.site, each.area) for each in ends}
        }
        return [
            np.minimum(known[each.site, each.area], units.get(each.unit or "", np.inf))
            for each in ends
        ]

    def _at_gates(self, areas: dict[tuple[SiteId, AreaId], Floats]) -> dict[SiteId, Floats]:
        """Return the values at the gates of what comes from other sites."""
        roads, leave = self.problem.roads, dict[SiteId, Floats]()
        for (site, area), row in areas.items():
            gate = roads.gates[site]
            out = row if area == gate else self._linked(row, (site, area, gate))
            leave[site] = np.minimum(out, leave.get(site, np.inf))
        arrive: dict[SiteId, Floats] = {}
        for (start, end), hops in roads.lanes.items():
            for hop in hops if start in leave else ():
                shipped = self._shipped(leave[start], hop)
                arrive[end] = np.minimum(shipped, arrive.get(end, np.inf))
        return arrive

    def _at(
        self,
        key: tuple[SiteId, AreaId],
        areas: dict[tuple[SiteId, AreaId], Floats],
        gates: dict[SiteId, Floats],
    ) -> Floats:
        site, area = key
        gate, found = self.problem.roads.gates[site], self.none()
        if site in gates:
            into = gates[site] if area == gate else self._linked(gates[site], (site, gate, area))
            found = np.minimum(found, into)
        for (other, origin), row in areas.items():
            if other == site:
                found = np.minimum(found, self._linked(row, (site, origin, area)))
        return found

    def _linked(self, row: Floats, key: tuple[SiteId, AreaId, AreaId]) -> Floats:
        found = self.none()
        for hop in self.problem.roads.links.get(key, ()):
            takes = hop.takes
            found = np.minimum(found, self.later(row, takes.ticks, self.weights.of(takes)))
        return found

    def _shipped(self, row: Floats, hop: Hop) -> Floats:
        """Return a row after a lane, which may leave at certain times only."""
        duties, takes = self.problem.duties, hop.takes
        departures = None if duties is None else duties.departures(hop.lane)
        if departures is None:
            return self.later(row, takes.ticks, self.weights.of(takes))
        latest = _latest(departures, self.slots.ends() - takes.ticks)
        size = self.slots.ticks
        slot = np.where(latest < 0, -1, latest // size if self.up else -(-latest // size))
        return np.where(slot < 0, np.inf, row[slot] + self.weights.of(takes))


def _latest(departures: Departures, by: Ints) -> Ints:
    """Return the last ticks to be in time for a departure at or before each tick; -1 is never."""
    starts = np.array(departures.until(int(by[-1])), dtype=np.int64)
    place = np.searchsorted(starts, by, side="right") - 1
    latest = np.array([departures.latest(each) for each in starts.tolist()] or [-1], dtype=np.int64)
    return np.where(place < 0, -1, latest[place])


class _Step(NamedTuple):
    """A job, its choice, and the slot by whose end it is done."""

    job: int
    pick: int
    slot: int


class _Trace:
    """Follows the least values of a pass from the product back to where they come from."""

    def __init__(self, found: _Pass, rows: Sequence[Sequence[_Row]]) -> None:
        self._pass = found
        self._problem = found.problem
        self._rows = rows
        self._book = WayBook(found.problem.roads)
        count = len(found.problem.jobs)
        self._choice = [ABSENT] * count
        self._starts = [0] * count
        self._legs: list[tuple[tuple[Leg, ...], ...]] = [()] * count

    def run(self, by: int) -> Wanted | None:
        """Return the choices with their starts, the product being ready by a tick."""
        slots = self._pass.slots
        last, slot = len(self._problem.jobs) - 1, min(slots.count, max(0, by // slots.ticks))
        values = [float(row.done[slot]) for row in self._rows[last]]
        if not np.isfinite(min(values, default=np.inf)):
            return None
        todo = [_Step(last, int(np.argmin(values)), slot)]
        while todo:
            todo += self._before(todo.pop())
        routing = Routing(tuple(self._choice), self._pass.weights, tuple(self._legs))
        return Wanted(routing, tuple(self._starts))

    def _before(self, step: _Step) -> Iterator[_Step]:
        """Settle a job; yield those that it takes from."""
        job, row = self._problem.jobs[step.job], self._rows[step.job][step.pick]
        target, legs = job.candidates[step.pick], []
        slot = int(np.argmin(row.begun[: step.slot - self._pass.shift(target.takes.ticks) + 1]))
        self._choice[step.job] = step.pick
        self._starts[step.job] = int(row.start[slot])
        by = slot - int(row.back[slot])
        for source in job.sources:
            maker, way = self._maker(source, target.place, by)
            legs.append(way)
            if maker is not None:
                yield maker
        self._legs[step.job] = tuple(legs)

    def _maker(
        self, source: Source, target: Place, slot: int
    ) -> tuple[_Step | None, tuple[Leg, ...]]:
        """Return who makes an input, and by when, with the way."""
        if source.place is not None:
            return None, min(self._ways(source.place, target), key=lambda way: way[0])[1]
        best: tuple[float, _Step, tuple[Leg, ...]] | None = None
        for maker in source.jobs:
            for pick, each in enumerate(self._problem.jobs[maker].candidates):
                for worth, legs in self._ways(each.place, target):
                    by = self._by(legs, slot)
                    if by < 0:
                        continue
                    value = float(self._rows[maker][pick].done[by]) + worth
                    if best is None or value < best[0]:
                        best = value, _Step(maker, pick, by), legs
        assert best is not None, "the values came from somewhere"
        return best[1], best[2]

    def _ways(self, origin: Place, target: Place) -> Iterator[tuple[float, tuple[Leg, ...]]]:
        for figures, legs in self._book.ways(origin, target):
            yield self._pass.weights.of(figures), legs

    def _by(self, legs: Sequence[Leg], slot: int) -> int:
        """Return the slot by whose end something is ready that arrives in time; < 0 is never."""
        tick, duties = slot * self._pass.slots.ticks, self._problem.duties
        if duties is not None:
            return duties.latest(legs, tick) // self._pass.slots.ticks
        return (tick - sum(leg.hop.takes.ticks for leg in legs)) // self._pass.slots.ticks
