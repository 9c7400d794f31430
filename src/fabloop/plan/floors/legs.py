"""Vehicles in a constraint model: only those that were found in the way of a plan.

Between two jobs a work piece may use a vehicle at some pairs of choices. Then its leg is an
interval of its own, after what comes before it on the way and before what comes after it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from ortools.sat.python import cp_model

from fabloop.model.plan import MovementKind
from fabloop.plan.floors.floor import Booking, Way, Work
from fabloop.plan.statement.roads import Leg

Fleet: TypeAlias = tuple[str, ...]
"""The vehicles of which any one may carry out a leg, in order."""


class Ends(NamedTuple):
    """Two jobs of a model, the first one making an input of the second: choices and times."""

    edge: tuple[int, int]
    starts: dict[int, cp_model.IntVar]
    ends: dict[int, cp_model.IntVar]
    leaves: cp_model.LinearExpr
    arrives: cp_model.IntVar
    horizon: int


class Legs:
    """The legs of a model that watched vehicles carry out."""

    def __init__(self, model: cp_model.CpModel, work: Work, watched: Collection[str]) -> None:
        self.model = model
        self.work = work
        self.spans: dict[Fleet, list[cp_model.IntervalVar]] = {}
        links = work.problem.roads.links.items()
        # where a vehicle that is not watched could do it, the others are no bound
        self.links = {key for key, hops in links if all(hop.by in watched for hop in hops)}
        self.near = {(site, area) for site, *both in self.links for area in both}

    def add(self, each: Ends) -> None:
        """Let watched vehicles carry out their legs between pairs of choices."""
        used: dict[tuple[Fleet, int, int], tuple[cp_model.IntVar, cp_model.IntVar]] = {}
        for start, end, way in self._ways(each):
            both = each.starts[start], each.ends[end]
            tick: cp_model.LinearExprT = each.leaves
            for number, leg in enumerate(way.legs):
                ticks = leg.ticks_least
                if ticks and self._is_watched(leg):
                    fleet = tuple(sorted(hop.by for hop in leg.pool))
                    key = fleet, min(number, 1), ticks
                    if key not in used:
                        used[key] = self._span(fleet, ticks, each.horizon)
                    begun, literal = used[key]
                    self.model.add_bool_or([both[0].negated(), both[1].negated(), literal])
                    self.model.add(begun >= tick).only_enforce_if(*both)
                    tick = begun
                tick = tick + ticks
            self.model.add(each.arrives >= tick).only_enforce_if(*both)

    def _ways(self, each: Ends) -> Iterator[tuple[int, int, Way]]:
        """Yield the pairs of choices between which a watched vehicle is used."""
        work, (made, job) = self.work, each.edge
        for start in each.starts:
            origin, one = work.places[made][start], work.spots[made][start]
            for end in each.ends:
                other = work.spots[job][end]
                if one[:2] not in self.near and other[:2] not in self.near:
                    continue
                way = work.floor.way(origin, work.places[job][end], (one, other))
                if way is not None and any(map(self._is_watched, way.legs)):
                    yield start, end, way

    def _is_watched(self, leg: Leg) -> bool:
        origin, target = leg.origin, leg.destination
        return (origin.site, origin.area, target.area) in self.links

    def _span(
        self, fleet: Fleet, ticks: int, horizon: int
    ) -> tuple[cp_model.IntVar, cp_model.IntVar]:
        begun, literal = self.model.new_int_var(0, horizon, ""), self.model.new_bool_var("")
        span = self.model.new_optional_fixed_size_interval_var(begun, ticks, literal, "")
        self.spans.setdefault(fleet, []).append(span)
        return begun, literal


def add_capacity(
    model: cp_model.CpModel,
    spans: Mapping[Fleet, Sequence[cp_model.IntervalVar]],
    taken: Mapping[str, Sequence[tuple[int, int]]],
    horizon: int,
) -> None:
    """Let each fleet of several do no more at once than it has vehicles that are free then.

    What smaller fleets within it do counts, too. Who of the fleet does what is left open.
    """
    for fleet in sorted(spans):
        if len(fleet) == 1:
            continue
        within = [each for other in spans if set(other) <= set(fleet) for each in spans[other]]
        closed = [
            model.new_fixed_size_interval_var(start, end - start, "")
            for vehicle in fleet
            for start, end in taken.get(vehicle, ())
            if start < horizon and end > start
        ]
        every = [*within, *closed]
        model.add_cumulative(every, [1] * len(every), len(fleet))


def waited_for(work: Work) -> set[str]:
    """Return the vehicles that a work piece waits for, as everything is placed."""
    found: set[str] = set()
    for job in range(work.size):
        found.update(_waited(work, job, work.at(job)))
    return found


def _waited(work: Work, job: int, booking: Booking) -> Iterator[str]:
    sources = work.problem.jobs[job].sources
    for source, way, moved in zip(sources, booking.ways, booking.moved, strict=True):
        tick = source.ready if source.job is None else work.at(source.job).end
        for leg, begun in zip(way.legs, moved, strict=True):
            if leg.hop.kind is MovementKind.TRANSPORT and begun > tick:
                yield from (hop.by for hop in leg.pool)
            tick = begun + leg.hop.takes.ticks
