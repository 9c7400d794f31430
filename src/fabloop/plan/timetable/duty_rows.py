"""Duties in a CP-SAT model: allowed starts, tools, crews, departures and set-ups in sequence."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import msgspec
from ortools.sat.python import cp_model

from fabloop.plan.statement.crews import Crew, Crowd
from fabloop.plan.statement.duties import Duties, Need
from fabloop.plan.statement.gaps import gaps_of
from fabloop.plan.statement.problem import Problem
from fabloop.plan.statement.roads import Hop
from fabloop.plan.statement.setups import Changeover, Mark
from fabloop.plan.timetable.keeping import Fit
from fabloop.plan.timetable.schedule import Timetable

SEQUENCE_MAX = 40
"""Steps that may be on one work unit with set-ups; of more, set-ups are left out of the model."""

Literal = cp_model.IntVar
Spans = Sequence[tuple[int, int]]


class Seat(msgspec.Struct, frozen=True):
    """A job at one of its choices in the model."""

    job: int
    pick: int
    start: cp_model.IntVar
    ticks: int
    literal: Literal


class _Pool(msgspec.Struct):
    """Alike tools, or a crew: so many at once; `blocked` are spans with how many are not there."""

    size: int
    blocked: list[tuple[int, int, int]]
    uses: list[tuple[cp_model.IntervalVar, int]]


class _Pick(msgspec.Struct, frozen=True):
    """One of several pools that a job may take from at a choice."""

    seat: Seat
    pool: str
    literal: Literal


class SetUpArc(msgspec.Struct, frozen=True):
    """That a seat's work unit did something of a family before; an empty one is nothing known."""

    seat: Seat
    before: str
    literal: Literal


class _Ring(msgspec.Struct, frozen=True):
    """A work unit's steps in a circuit: by number from 1 on, with the arcs between them."""

    nodes: tuple[Seat | Mark, ...]
    arcs: dict[tuple[int, int], Literal]


class DutyRows:
    """The duties of a problem as rows of a model.

    `exact` is False where set-ups had to be left out: then answers have to be placed again.
    """

    def __init__(self, model: cp_model.CpModel, problem: Problem, horizon: int) -> None:
        assert problem.duties is not None, "made only where there are duties"
        self.model = model
        self.problem = problem
        self.duties: Duties = problem.duties
        self.horizon = horizon
        self.exact = True
        self.arcs: list[SetUpArc] = []
        self._seats: list[Seat] = []
        self._pools: dict[str, _Pool] = {}
        self._picks: list[_Pick] = []
        self._kind_of: dict[str, str] = {}
        self._rings: list[_Ring] = []

    def need(self, seat: Seat) -> Need:
        """Return what a job needs at a choice."""
        job = self.problem.jobs[seat.job]
        return self.duties.need(job.operation, job.candidates[seat.pick])

    def seat(self, seat: Seat) -> None:
        """Take note of a job at a choice, and keep it to its allowed starts."""
        self._seats.append(seat)
        need = self.need(seat)
        job = self.problem.jobs[seat.job]
        own = self.duties.shut(job.operation, job.candidates[seat.pick])
        shut = [*self.problem.busy.get(need.unit, ()), *own]
        allowed = _allowed(shut, seat.ticks, self.horizon)
        if need.release and not seat.ticks:
            allowed = [(need.release, self.horizon)]
        if allowed is not None:
            domain = cp_model.Domain.FromIntervals([list(each) for each in allowed])
            rows = self.model.add_linear_expression_in_domain(seat.start, domain)
            rows.only_enforce_if(seat.literal)

    def ship(
        self, slot: cp_model.IntVar, ready: cp_model.LinearExprT, hop: Hop, literal: Literal
    ) -> None:
        """Keep a shipment to the departures of its lane, and in time for them."""
        departures = self.duties.departures(hop.lane)
        if departures is None:
            return
        starts = departures.until(self.horizon)
        if not starts:
            self.model.add(literal == 0)
            return
        domain = cp_model.Domain.FromValues(starts)
        self.model.add_linear_expression_in_domain(slot, domain).only_enforce_if(literal)
        self.model.add(slot >= ready + departures.before).only_enforce_if(literal)

    def close(self) -> None:
        """Add what all jobs share, when all are noted."""
        kinds = self._kind_of = self._kinds()
        for seat in self._seats:
            need = self.need(seat)
            for names, count in Counter(need.tools).items():
                pools = list(dict.fromkeys(kinds[each] for each in names))
                self._take(seat, pools, count)
            if need.crews:
                for crew in need.crews:
                    self._crew(crew)
                self._take(seat, [each.name for each in need.crews], 1)
        for name in sorted(self._pools):
            self._limit(self._pools[name])
        for unit in sorted(self.duties.changeovers):
            seats = [each for each in self._seats if self.need(each).unit == unit and each.ticks]
            self._sequence(self.duties.changeovers[unit], seats)

    def _kinds(self) -> dict[str, str]:
        """Return the pool of each tool: those that fit alike and are engaged alike are one."""
        asks = dict.fromkeys(names for seat in self._seats for names in self.need(seat).tools)
        alike: dict[tuple[object, ...], list[str]] = {}
        for name in dict.fromkeys(each for names in asks for each in names):
            fits = tuple(number for number, names in enumerate(asks) if name in names)
            alike.setdefault((fits, self.problem.busy.get(name, ())), []).append(name)
        found: dict[str, str] = {}
        for (_, busy), names in alike.items():
            spans = busy if isinstance(busy, tuple) else ()
            blocked = [(start, end, len(names)) for start, end in spans]
            self._pools[names[0]] = _Pool(len(names), blocked, [])
            found |= dict.fromkeys(names, names[0])
        return found

    def _crew(self, crew: Crew) -> None:
        if crew.name in self._pools:
            return
        free = Crowd(crew.there, self.duties.crowded.get(crew.name, ())).profile()
        size = max((count for _, count in free), default=0)
        ends = [tick for tick, _ in free[1:]] + [self.horizon]
        blocked = [
            (tick, end, size - max(0, count))
            for (tick, count), end in zip(free, ends, strict=True)
            if count < size
        ]
        self._pools[crew.name] = _Pool(max(size, 0), blocked, [])

    def _take(self, seat: Seat, pools: Sequence[str], count: int) -> None:
        """Take so many from one pool, or as many from several together."""
        if not seat.ticks:
            return
        if len(pools) == 1:
            self._use(self._pools[pools[0]], seat, seat.literal, count)
            return
        literals = []
        for name in pools:
            for _ in range(min(count, self._pools[name].size)):
                literal = self.model.new_bool_var("")
                literals.append(literal)
                self._picks.append(_Pick(seat, name, literal))
                self._use(self._pools[name], seat, literal, 1)
        self.model.add(sum(literals) == count * seat.literal)

    def _use(self, pool: _Pool, seat: Seat, literal: Literal, count: int) -> None:
        interval = self.model.new_optional_fixed_size_interval_var(
            seat.start, seat.ticks, literal, ""
        )
        pool.uses.append((interval, count))

    def _limit(self, pool: _Pool) -> None:
        if not pool.uses:
            return
        intervals = [each for each, _ in pool.uses]
        demands = [count for _, count in pool.uses]
        for begin, end, count in pool.blocked:
            start, last = max(0, begin), min(end, self.horizon + 1)
            if start < last and count:
                intervals.append(self.model.new_fixed_size_interval_var(start, last - start, ""))
                demands.append(count)
        self.model.add_cumulative(intervals, demands, pool.size)

    def _sequence(self, change: Changeover, seats: Sequence[Seat]) -> None:
        """Put the steps of a work unit in a circuit, each after the set-up from the one before."""
        if not seats or not (any(self.need(each).family for each in seats) or change.marks):
            return
        nodes: list[Seat | Mark] = [*seats, *change.near(self.horizon)]
        if len(nodes) > SEQUENCE_MAX:
            self.exact = False
            return
        ends: list[tuple[cp_model.LinearExprT, cp_model.LinearExprT, str]] = [
            (each.start, each.start + each.ticks, self.need(each).family)
            if isinstance(each, Seat)
            else (each.start, each.end, each.family)
            for each in nodes
        ]
        arcs = {
            (start, end): self.model.new_bool_var("")
            for start in range(len(nodes) + 1)
            for end in range(len(nodes) + 1)
            if start != end or not start
        }
        loops: list[tuple[int, int, cp_model.LiteralT]] = []
        for number, each in enumerate(nodes, 1):
            begin, _, family = ends[number - 1]
            if isinstance(each, Seat):
                loops.append((number, number, each.literal.negated()))
                row = self.model.add(begin >= change.gap(None, family))
                row.only_enforce_if(arcs[0, number])
                if family:
                    self.arcs.append(SetUpArc(each, "", arcs[0, number]))
            for other, node in enumerate(nodes, 1):
                if other == number:
                    continue
                if isinstance(each, Mark) and isinstance(node, Mark):
                    if (node, other) > (each, number):  # of others nothing is left to be decided
                        self.model.add(arcs[other, number] == 0)
                    continue
                _, done, before = ends[other - 1]
                row = self.model.add(begin >= done + change.gap(before, family))
                row.only_enforce_if(arcs[other, number])
                if family and isinstance(each, Seat):
                    self.arcs.append(SetUpArc(each, before, arcs[other, number]))
        self.model.add_circuit([*((*key, each) for key, each in arcs.items()), *loops])
        self._rings.append(_Ring(tuple(nodes), arcs))

    def hint(self, table: Timetable) -> None:
        """Suggest which pools are taken from."""
        for each in self._picks:
            chosen = table.choice[each.seat.job] == each.seat.pick
            fit = table.fit(each.seat.job)
            names = {*fit.tools, *(() if fit.crew is None else (fit.crew.name,))}
            self.model.add_hint(each.literal, chosen and each.pool in names)
        for ring in self._rings:
            order = sorted(
                (table.starts[each.job] if isinstance(each, Seat) else each.start, number)
                for number, each in enumerate(ring.nodes, 1)
                if not isinstance(each, Seat) or table.choice[each.job] == each.pick
            )
            stops = [0, *(number for _, number in order), 0]
            used = set(pairwise(stops))
            for key, literal in ring.arcs.items():
                self.model.add_hint(literal, key in used)

    def fits(self, table: Timetable, value: Callable[[Literal], bool]) -> tuple[Fit, ...]:
        """Return what each job of an answer holds."""
        taken: dict[tuple[int, str], int] = {}
        for each in self._picks:
            if table.choice[each.seat.job] == each.seat.pick:
                key = (each.seat.job, each.pool)
                taken[key] = taken.get(key, 0) + value(each.literal)
        free: dict[str, int] = {}
        found = [Fit(each) for each in table.starts]
        chosen = {each.job: each for each in self._seats if table.choice[each.job] == each.pick}
        for job in sorted(chosen, key=lambda it: (table.starts[it], it)):
            tools = self._held(chosen[job], table.starts[job], free, taken)
            crews = [
                each for each in self.need(chosen[job]).crews if taken.get((job, each.name), 1)
            ]
            found[job] = Fit(table.starts[job], tools, crews[0] if crews else None)
        return tuple(found)

    def _held(
        self,
        seat: Seat,
        start: int,
        free: dict[str, int],
        taken: Mapping[tuple[int, str], int],
    ) -> tuple[str, ...]:
        """Return the tools of a job: of each pool those that are free again."""
        held: list[str] = []
        for names in self.need(seat).tools:
            for name in names:
                pool = self._kind_of[name]
                left = taken.get((seat.job, pool), len(names))
                used = sum(self._kind_of[each] == pool for each in held)
                is_free = not seat.ticks or free.get(name, 0) <= start
                if name not in held and used < left and is_free:
                    held.append(name)
                    break
        for name in held if seat.ticks else ():
            free[name] = max(free.get(name, 0), start + seat.ticks)
        return tuple(held)


def _allowed(shut: Spans, ticks: int, horizon: int) -> list[tuple[int, int]] | None:
    """Return the starts at which something so long avoids the spans; None is any."""
    gaps = gaps_of(shut, ticks)
    if gaps is None:
        return None
    first = [0, *gaps.until.tolist()]
    last = [*gaps.after.tolist(), horizon]
    pairs = ((max(0, a), min(b, horizon)) for a, b in zip(first, last, strict=True))
    return [(a, b) for a, b in pairs if a <= b]
