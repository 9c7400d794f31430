"""A floor shared by several orders: calendars of its resources, and jobs placed into their gaps."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from fabloop.model.plan import MovementKind
from fabloop.plan.statement.candidates import Columns
from fabloop.plan.statement.duties import Duties, Need
from fabloop.plan.statement.gaps import Line
from fabloop.plan.statement.layout import Floats, Ints
from fabloop.plan.statement.problem import MEASURE, Job, Objective, Problem
from fabloop.plan.statement.roads import Hop, Leg, Place, Roads, Weights
from fabloop.plan.timetable.earliest import earliest
from fabloop.plan.timetable.keeping import Calendar, Fit, Keeper
from fabloop.plan.timetable.schedule import Timetable, Transfer
from fabloop.plan.tree import heads, tables_of, tails

Spot: TypeAlias = tuple[str, str, str | None]
"""Site, area and work unit of a place; quicker to look up than the place itself."""


Held: TypeAlias = tuple[Calendar | None, int]
"""The calendar of what carries out a leg, and the ticks that it takes."""


class Way(NamedTuple):
    """How a work piece gets from one place to another.

    `held` are the calendars of vehicles, and of lanes that leave at certain times. Where several
    vehicles may carry out a leg, `pools` hold, per leg, the calendars of all of them.
    """

    legs: tuple[Leg, ...]
    held: tuple[Held, ...]
    ticks: int
    pools: tuple[tuple[Held, ...], ...] = ()

    def arrival(self, ready: int) -> int:
        """Return when a work piece that is ready then arrives, vehicles being as they are."""
        for pool in self.pools:
            ready = min(
                (ready if line is None else line.first(ready, ticks)) + ticks
                for line, ticks in pool
            )
        if self.pools:
            return ready
        for line, ticks in self.held:
            ready = (ready if line is None else line.first(ready, ticks)) + ticks
        return ready

    @property
    def hauled(self) -> int:
        """Return how long vehicles are used."""
        lanes = (leg.hop.takes.ticks for leg in self.legs if leg.hop.lane is not None)
        return self.ticks - sum(lanes) if self.legs else 0

    def carried(self, ready: int) -> "Way":
        """Return the way by the vehicles that arrive first, the cheaper one of equals."""
        if not self.pools:
            return self
        legs, held = [], []
        for leg, pool in zip(self.legs, self.pools, strict=True):
            ends = [
                ((ready if line is None else line.first(ready, ticks)) + ticks, hop.takes.cost)
                for (line, ticks), hop in zip(pool, leg.pool, strict=True)
            ]
            first = ends.index(min(ends))
            ready = ends[first][0]
            legs.append(leg.by(leg.pool[first]))
            held.append(pool[first])
        return Way(tuple(legs), tuple(held), self.ticks)


class Floor:
    """The calendars of all work units and vehicles, and the best ways under `weights`."""

    def __init__(
        self,
        roads: Roads,
        busy: Mapping[str, Sequence[tuple[int, int]]],
        weights: Weights = MEASURE[Objective.MAKESPAN],
    ) -> None:
        self._roads = roads
        self._busy = busy
        self._lines: dict[str, Line] = {}
        self._ways: dict[tuple[Spot, Spot], Way | None] = {}
        self._weights = weights
        self._keeper: Keeper | None = None
        self._duties: Duties | None = None

    def keeper(self, duties: Duties | None) -> Keeper | None:
        """Return what keeps to duties besides work units; None where an order has none.

        Of several orders on the floor either all have duties or none has.
        """
        if duties is None:
            return None
        self._duties = duties
        if self._keeper is None:
            self._keeper = Keeper(self.line)
        self._keeper.heed(duties)
        return self._keeper

    @property
    def is_sound(self) -> bool:
        """Whether set-ups fit between all that is placed."""
        return self._keeper is None or self._keeper.is_sound()

    def line(self, resource: str) -> Line:
        """Return the calendar of a resource."""
        if resource not in self._lines:
            self._lines[resource] = Line(self._busy.get(resource, ()))
        return self._lines[resource]

    def way(self, start: Place, end: Place, key: tuple[Spot, Spot]) -> Way | None:
        """Return the best way between two places, None where there is none."""
        if key not in self._ways:
            legs = self._roads.route(start, end, self._weights)
            self._ways[key] = None if legs is None else self._way(legs)
        return self._ways[key]

    def _way(self, legs: tuple[Leg, ...]) -> Way:
        held = tuple((self._held(leg.hop), leg.hop.takes.ticks) for leg in legs)
        ticks = sum(leg.ticks_least for leg in legs)
        if not any(leg.others for leg in legs):
            return Way(legs, held, ticks)
        pools = tuple(tuple((self._held(hop), hop.takes.ticks) for hop in leg.pool) for leg in legs)
        return Way(legs, held, ticks, pools)

    def _held(self, hop: Hop) -> Calendar | None:
        if hop.kind is MovementKind.TRANSPORT:
            return self.line(hop.by)
        return None if self._duties is None else self._duties.departures(hop.lane)


class Booking(NamedTuple):
    """Where and when a job is placed; `moved` are the starts of each input's legs.

    Where there are duties `fit` tells what it holds, else its work unit is among the `spans`.
    """

    pick: int
    start: int
    end: int
    ways: tuple[Way, ...]
    moved: tuple[tuple[int, ...], ...]
    spans: tuple[tuple[Calendar, int, int], ...]
    fit: Fit | None = None


class Work:
    """A problem in arrays on a floor, and the bookings of its jobs.

    `heads` and `tails` are those of `tree`: ticks up to and with a job, and from its end on, if
    nothing ever waited.
    """

    def __init__(self, problem: Problem, floor: Floor) -> None:
        self.problem = problem
        self.floor = floor
        self.keeper = floor.keeper(problem.duties)
        self.tables = tables_of(problem, MEASURE[Objective.MAKESPAN], adds=False)
        self.heads = heads(self.tables)[0]
        self.tails = tails(self.tables)
        self.size = len(problem.jobs)
        self.ticks = [node.astype(np.int64).tolist() for node in self.tables.nodes]
        self.site: list[Ints] = [spots.site for spots in self.tables.spots]
        self.places = [_places(job) for job in problem.jobs]
        self.spots: list[list[Spot]] = [[_spot(place) for place in row] for row in self.places]
        self.lines = [
            [floor.line(place.unit or place.area) for place in row] for row in self.places
        ]
        self.taker = [-1] * self.size
        for job, inputs in enumerate(self.tables.inputs):
            for made in inputs:
                self.taker[made] = job
        self.back = self.tables.moves.reversed()
        self.booked: list[Booking | None] = [None] * self.size
        self._least: int | None = None

    @property
    def least(self) -> int:
        """The least finish if none of its jobs ever waited for another."""
        if not self.size:
            return 0
        if self._least is None:
            duties, bare = self.problem.duties, round(float(self.heads[-1].min()))
            ends = [bare] if duties is None else [min(earliest(self.problem, duties)[-1]), bare]
            self._least = max(ends)
        return self._least

    @property
    def finish(self) -> int:
        """When the product is made, as booked."""
        return self.at(self.size - 1).end if self.size else 0

    def at(self, job: int) -> Booking:
        """Return the booking of a placed job."""
        booking = self.booked[job]
        assert booking is not None, "asked only of placed jobs"
        return booking

    def through(self, job: int) -> Floats:
        """Return the least finish of any plan that makes each choice of the job."""
        return self.heads[job] + self.tails[job]

    def book(self, job: int, booking: Booking) -> None:
        """Place a job whose spans are not taken yet."""
        for line, start, ticks in booking.spans:
            line.book(start, ticks)
        if self.keeper is not None and booking.fit is not None:
            line, need, ticks = self._held(job, booking.pick)
            self.keeper.book(line, need, booking.fit, ticks)
        self.booked[job] = booking

    def release(self, job: int) -> Booking | None:
        """Take a job's booking back, if it has one, and return it."""
        booking, self.booked[job] = self.booked[job], None
        if booking is not None:
            for line, start, ticks in booking.spans:
                line.free(start, ticks)
            if self.keeper is not None and booking.fit is not None:
                held, need, takes = self._held(job, booking.pick)
                self.keeper.free(held, need, booking.fit, takes)
        return booking

    def _held(self, job: int, pick: int) -> tuple[Line, Need, int]:
        return self.lines[job][pick], self.need(job, pick), self.ticks[job][pick]

    def need(self, job: int, pick: int) -> Need:
        """Return what a choice needs beside its work unit."""
        duties, noun = self.problem.duties, self.problem.jobs[job]
        assert duties is not None, "asked only where there are duties"
        return duties.need(noun.operation, noun.candidates[pick])

    def first(self, job: int, pick: int, ready: int) -> int:
        """Return when a choice may start at or after a tick."""
        if self.keeper is None:
            return self.lines[job][pick].first(ready, self.ticks[job][pick])
        return self.fit(job, pick, ready).start

    def fit(self, job: int, pick: int, ready: int) -> Fit:
        """Return when a choice may start at or after a tick, and what it holds then."""
        assert self.keeper is not None, "asked only where there are duties"
        line, need, ticks = self._held(job, pick)
        return self.keeper.fit(line, need, ready, ticks)

    def ways(self, job: int, pick: int) -> list[tuple[int, Way]] | None:
        """Return, per input of a job, when it is ready and its way; None where one has none.

        All inputs have to be placed.
        """
        found = []
        for source in self.problem.jobs[job].sources:
            if source.job is None:
                assert source.place is not None, "an input is either open or somewhere"
                start, spot, ready = source.place, _spot(source.place), source.ready
            else:
                made = self.at(source.job)
                start, ready = self.places[source.job][made.pick], made.end
                spot = self.spots[source.job][made.pick]
            way = self.floor.way(start, self.places[job][pick], (spot, self.spots[job][pick]))
            if way is None:
                return None
            found.append((ready, way))
        return found

    def timetable(self) -> Timetable:
        """Return what is booked; all jobs have to be placed."""
        bookings = [self.at(job) for job in range(self.size)]
        transfers = []
        for job, booking in zip(self.problem.jobs, bookings, strict=True):
            moved = zip(job.sources, booking.ways, booking.moved, strict=True)
            transfers.append(
                tuple(
                    Transfer(source.made_by, way.legs, starts, source.legs_done)
                    for source, way, starts in moved
                )
            )
        return Timetable(
            tuple(each.pick for each in bookings),
            tuple(each.start for each in bookings),
            tuple(transfers),
            () if self.keeper is None else tuple(each.fit or Fit(each.start) for each in bookings),
        )


def _places(job: Job) -> list[Place]:
    """Return where the candidates are, without making nouns of them."""
    candidates = job.candidates
    if isinstance(candidates, Columns):
        return [candidates.plant.places[unit] for unit in candidates.units.tolist()]
    return [each.place for each in candidates]


def _spot(place: Place) -> Spot:
    return place.site, place.area, place.unit
