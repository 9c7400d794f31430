"""CP-SAT: work units contend for time; the only file that knows OR-Tools.

One worker, a fixed seed and a deterministic time limit: the same input gives the same plan.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import msgspec
from ortools.sat.python import cp_model

from fabloop.model.plan import MovementKind
from fabloop.plan.statement.problem import Source
from fabloop.plan.statement.roads import Hop, Leg, Place
from fabloop.plan.statement.ways import contended_ways
from fabloop.plan.timetable.duty_rows import DutyRows, Seat
from fabloop.plan.timetable.question import Linear, Question, Solved, Stage
from fabloop.plan.timetable.schedule import Timetable, Transfer, placed_again
from fabloop.plan.timetable.sequence import is_in_sequence

SEED = 7

SHIFT_GAP = 0.02
"""How far the sum of shifts may stay from its bound: the last per cent takes longest."""


FAR = 2**30
"""Ticks beyond the horizon, for what is engaged without end."""


def _sum(terms: Iterable[cp_model.LinearExprT]) -> cp_model.LinearExpr:
    """Return the sum as an expression, also where there is nothing to add."""
    return cp_model.LinearExpr.sum(list(terms))


class _Way(msgspec.Struct, frozen=True):
    """A pair of choices at both ends of an input, with the legs between and its literal."""

    start: int | None
    end: int
    legs: tuple[Leg, ...]
    literal: cp_model.IntVar


class _Ride(NamedTuple):
    """A hop in one of three slots, as one of the pool that may carry out the same legs."""

    slot: int
    hop: Hop
    pool: frozenset[Hop]


class _Input(msgspec.Struct, frozen=True):
    """The variables of one input of one job: its ways, and when each of three legs starts."""

    source: Source
    ways: tuple[_Way, ...]
    slots: tuple[cp_model.IntVar, ...]
    rides: dict[_Ride, cp_model.IntVar]


SLOTS = 3
"""To the gate (or inside the site), the lane, from the gate."""


class _Model:
    """The constraint model of a question."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.problem = question.problem
        self.model = cp_model.CpModel()
        self.horizon = _horizon(question)
        self._open: dict[str, cp_model.IntVar] | None = None
        self._late: dict[int, cp_model.IntVar] = {}
        self.intervals: dict[str, list[cp_model.IntervalVar]] = {}
        dutiful = self.problem.duties is not None
        self.rows = DutyRows(self.model, self.problem, self.horizon) if dutiful else None
        jobs = range(len(self.problem.jobs))
        self.chosen = [self._choices(job) for job in jobs]
        self.starts = [self.model.new_int_var(0, self.horizon, f"s{job}") for job in jobs]
        self.inputs = [
            [self._input(job, number) for number in range(len(self.problem.jobs[job].sources))]
            for job in jobs
        ]
        for job in jobs:
            self._bound(job)
        if question.changes_max is not None:
            self.model.add(self.measure(Stage.CHANGES) <= question.changes_max)
        if self.rows is not None:
            self.rows.close()
        self._engagements()
        for resource in sorted(self.intervals):
            if len(self.intervals[resource]) > 1:
                self.model.add_no_overlap(self.intervals[resource])
        for cap in question.caps:
            self.model.add(self.total(cap) <= cap.limit)

    def _choices(self, job: int) -> dict[int, cp_model.IntVar]:
        literals = {
            pick: self.model.new_bool_var(f"x{job}_{pick}") for pick in self.question.options[job]
        }
        self.model.add_exactly_one(literals.values())
        return literals

    def end(self, job: int) -> cp_model.LinearExpr:
        """Return when the job ends."""
        candidates = self.problem.jobs[job].candidates
        ticks = (candidates[pick].takes.ticks * x for pick, x in self.chosen[job].items())
        return _sum([self.starts[job], *ticks])

    def _bound(self, job: int) -> None:
        """Keep the job on its work unit free of others, and between its head and its tail."""
        candidates, question = self.problem.jobs[job].candidates, self.question
        for pick, literal in self.chosen[job].items():
            ticks = candidates[pick].takes.ticks
            self._occupy(candidates[pick].unit.id, self.starts[job], ticks, literal)
            if self.rows is not None:
                self.rows.seat(Seat(job, pick, self.starts[job], ticks, literal))
        head = sum(
            (question.heads[job][pick] - candidates[pick].takes.ticks) * literal
            for pick, literal in self.chosen[job].items()
        )
        tail = sum(question.tails[job][pick] * x for pick, x in self.chosen[job].items())
        self.model.add(self.starts[job] >= head)
        self.model.add(self.end(job) + tail <= self.finish())

    def finish(self) -> cp_model.LinearExpr:
        """Return when the product is made."""
        return self.end(len(self.starts) - 1)

    def _occupy(
        self, resource: str, start: cp_model.IntVar, ticks: int, literal: cp_model.IntVar
    ) -> None:
        if ticks == 0:
            return
        interval = self.model.new_optional_fixed_size_interval_var(start, ticks, literal, "")
        self.intervals.setdefault(resource, []).append(interval)

    def _engagements(self) -> None:
        for resource, intervals in self.intervals.items():
            for start, until in self.problem.busy.get(resource, ()):
                end = min(until, 2 * self.horizon + FAR)  # of what is never free again
                if end > start and start < self.horizon:
                    intervals.append(self.model.new_fixed_size_interval_var(start, end - start, ""))

    def _input(self, job: int, number: int) -> _Input:
        source = self.problem.jobs[job].sources[number]
        ways = self._ways(job, number)
        slots = tuple(self.model.new_int_var(0, self.horizon, "") for _ in range(SLOTS))
        rides = self._rides(ways)
        begin = source.ready if source.job is None else self.end(source.job)
        for slot in range(SLOTS):
            self.model.add(slots[slot] >= begin)
            here = [(ride.hop, literal) for ride, literal in rides.items() if ride.slot == slot]
            for hop, literal in here if self.rows is not None else ():
                if self.rows is not None:
                    self.rows.ship(slots[slot], begin, hop, literal)
            begin = slots[slot] + sum(hop.takes.ticks * literal for hop, literal in here)
        self.model.add(self.starts[job] >= begin)
        for ride, literal in rides.items():
            if ride.hop.kind is MovementKind.TRANSPORT:
                self._occupy(ride.hop.by, slots[ride.slot], ride.hop.takes.ticks, literal)
        return _Input(source, ways, slots, rides)

    def _ways(self, job: int, number: int) -> tuple[_Way, ...]:
        """Make one literal per possible pair of choices; together they carry one work piece."""
        problem, ends = self.problem, self.chosen[job]
        source, legs_given = problem.jobs[job].sources[number], self.question.legs
        starts: Mapping[int | None, tuple[Place | None, cp_model.IntVar | int]]
        if source.job is None:
            starts = {None: (source.place, 1)}
        else:
            made = problem.jobs[source.job].candidates
            starts = {
                pick: (made[pick].place, literal)
                for pick, literal in self.chosen[source.job].items()
            }
        ways = []
        for start, (place, _) in starts.items():
            for end in ends:
                assert place is not None, "an input is either open or somewhere"
                target = problem.jobs[job].candidates[end].place
                known = None if legs_given is None else (legs_given[job][number],)
                ways += [
                    _Way(start, end, legs, self.model.new_bool_var(""))
                    for legs in known or self._between(place, target)
                ]
        for start, (_, literal) in starts.items():
            self.model.add(sum(way.literal for way in ways if way.start == start) == literal)
        for end, literal in ends.items():
            self.model.add(sum(way.literal for way in ways if way.end == end) == literal)
        return tuple(ways)

    def _between(self, origin: Place, destination: Place) -> tuple[tuple[Leg, ...], ...]:
        roads = self.problem.roads
        if self.question.weights is None:
            return contended_ways(roads, origin, destination)
        legs = roads.route(origin, destination, self.question.weights)
        return () if legs is None else (legs,)

    def _rides(self, ways: Sequence[_Way]) -> dict[_Ride, cp_model.IntVar]:
        """Join the ways that share a pool of hops, so that each of these needs one interval."""
        users: dict[tuple[int, frozenset[Hop]], list[cp_model.IntVar]] = {}
        order: dict[frozenset[Hop], tuple[Hop, ...]] = {}
        for way in ways:
            for slot, leg in slotted(way.legs):
                pool = frozenset(leg.pool)
                order.setdefault(pool, leg.pool)
                users.setdefault((slot, pool), []).append(way.literal)
        joined: dict[_Ride, cp_model.IntVar] = {}
        for (slot, pool), literals in users.items():
            rides = [_Ride(slot, hop, pool) for hop in order[pool]]
            joined |= {ride: self.model.new_bool_var("") for ride in rides}
            self.model.add(sum(literals) == _sum(joined[ride] for ride in rides))
        return joined

    def measure(self, stage: Stage) -> cp_model.LinearExpr:
        """Return what a stage minimises."""
        problem, before = self.problem, self.question.before
        match stage:
            case Stage.FINISH:
                return self.finish()
            case Stage.COST:
                return self._cost()
            case Stage.GOAL:
                assert self.question.goal is not None, "a goal is minimised where there is one"
                return self.total(self.question.goal)
            case Stage.CHANGES:
                assert before is not None, "changes are counted from an earlier plan"
                return _sum(
                    literal
                    for job in range(len(problem.jobs))
                    for pick, literal in self.chosen[job].items()
                    if pick != before.choice[job]
                )
            case Stage.SHIFT:
                assert before is not None, "shifts are measured from an earlier plan"
                return _sum(self._shift(job, before.starts[job]) for job in range(len(self.starts)))

    def _cost(self) -> cp_model.LinearExpr:
        made = _sum(
            self.problem.jobs[job].candidates[pick].takes.cost * literal
            for job in range(len(self.problem.jobs))
            for pick, literal in self.chosen[job].items()
        )
        moved = _sum(
            ride.hop.takes.cost * literal
            for job in self.inputs
            for each in job
            for ride, literal in each.rides.items()
        )
        return made + moved + _sum(self._set_ups(self._dearer))

    def _dearer(self, job: int, pick: int, before: str) -> int:
        """Return by how much money a choice exceeds its least after a set-up family."""
        charges, each = self.problem.charges, self.problem.jobs[job]
        assert charges is not None, "only where set-ups depend on the sequence"
        return charges.more(each.operation, each.candidates[pick], before)[0]

    def _set_ups(self, more: Callable[[int, int, str], int]) -> Iterator[cp_model.LinearExprT]:
        """Yield what set-ups take by the sequence, where that is in the model."""
        for arc in self.rows.arcs if self.rows is not None and is_in_sequence(self.problem) else ():
            weight = more(arc.seat.job, arc.seat.pick, arc.before)
            if weight:
                yield weight * arc.literal

    def total(self, linear: Linear) -> cp_model.LinearExpr:
        """Return the sum as an expression."""
        terms: list[cp_model.LinearExprT] = [
            row[pick] * literal
            for row, chosen in zip(linear.choices, self.chosen, strict=True)
            for pick, literal in chosen.items()
            if row[pick]
        ]
        terms += [
            linear.hop(ride.hop) * literal
            for job in self.inputs
            for each in job
            for ride, literal in each.rides.items()
            if linear.hop(ride.hop)
        ]
        if linear.setup is not None:
            terms += self._set_ups(linear.setup)
        if any(linear.sites.values()):
            terms += [linear.sites[site] * used for site, used in self._sites().items()]
        if linear.finish:
            terms.append(linear.finish * self.finish())
        if linear.tardy:
            terms.append(linear.tardy * self._lateness(linear.due))
        return _sum(terms)

    def _sites(self) -> dict[str, cp_model.IntVar]:
        """Return, per site, whether anything is done there."""
        if self._open is None:
            self._open = {}
            for job, chosen in zip(self.problem.jobs, self.chosen, strict=True):
                for pick, literal in chosen.items():
                    site = job.candidates[pick].place.site
                    if site not in self._open:
                        self._open[site] = self.model.new_bool_var(f"y{site}")
                    self.model.add_implication(literal, self._open[site])
        return self._open

    def _lateness(self, due: int) -> cp_model.IntVar:
        if due not in self._late:
            self._late[due] = self.model.new_int_var(0, self.horizon, "")
            self.model.add(self._late[due] >= self.finish() - due)
        return self._late[due]

    def _shift(self, job: int, start: int) -> cp_model.IntVar:
        shift = self.model.new_int_var(0, max(self.horizon, start), "")
        self.model.add(shift >= self.starts[job] - start)
        self.model.add(shift >= start - self.starts[job])
        return shift

    def hint(self, table: Timetable) -> None:
        """Give every variable of the model its value in `table`."""
        self.model.clear_hints()  # type: ignore[no-untyped-call]  # OR-Tools left it bare
        if self.rows is not None:
            self.rows.hint(table)
        for job, start in enumerate(table.starts):
            self.model.add_hint(self.starts[job], start)
            for pick, literal in self.chosen[job].items():
                self.model.add_hint(literal, pick == table.choice[job])
            for each, transfer in zip(self.inputs[job], table.transfers[job], strict=True):
                self._hint_input(each, transfer, table, job)

    def _hint_input(self, each: _Input, transfer: Transfer, table: Timetable, job: int) -> None:
        start = None if each.source.job is None else table.choice[each.source.job]
        ends = start, table.choice[job]
        taken = next((way for way in each.ways if _is_taken(way, ends, transfer.legs)), None)
        for way in each.ways:
            self.model.add_hint(way.literal, way is taken)
        both = [] if taken is None else zip(slotted(taken.legs), transfer.legs, strict=True)
        used = {_Ride(slot, moved.hop, frozenset(leg.pool)) for (slot, leg), moved in both}
        for ride, literal in each.rides.items():
            self.model.add_hint(literal, ride in used)
        made = each.source.job
        tick = each.source.ready if made is None else table.end(self.problem, made)
        begun = dict(
            zip((slot for slot, _ in slotted(transfer.legs)), transfer.starts, strict=True)
        )
        takes = {slot: leg.hop.takes.ticks for slot, leg in slotted(transfer.legs)}
        for slot, variable in enumerate(each.slots):
            tick = begun.get(slot, tick)
            self.model.add_hint(variable, tick)
            tick += takes.get(slot, 0)

    def read(self, solver: cp_model.CpSolver | cp_model.CpSolverSolutionCallback) -> Timetable:
        """Return the solver's answer."""
        choice = tuple(
            next(pick for pick, literal in each.items() if solver.boolean_value(literal))
            for each in self.chosen
        )
        starts = tuple(solver.value(each) for each in self.starts)
        transfers = tuple(
            tuple(_read_transfer(solver, each) for each in inputs) for inputs in self.inputs
        )
        table = Timetable(choice, starts, transfers)
        if self.rows is None:
            return table
        if not self.rows.exact:
            return placed_again(self.problem, table)
        fits = self.rows.fits(table, solver.boolean_value)
        return msgspec.structs.replace(table, fits=fits)


def _is_taken(way: _Way, ends: tuple[int | None, int], legs: Sequence[Leg]) -> bool:
    """Tell whether the legs between two choices are those of the way, by any of its vehicles."""
    if (way.start, way.end) != ends or len(way.legs) != len(legs):
        return False
    return all(leg.hop in each.pool for each, leg in zip(way.legs, legs, strict=True))


def slotted(legs: Sequence[Leg]) -> list[tuple[int, Leg]]:
    """Return the legs with their slot: 0 up to the lane or inside a site, 1 lane, 2 after it."""
    slotted, slot = [], 0
    for leg in legs:
        if leg.hop.kind is MovementKind.SHIPPING:
            slotted.append((1, leg))
            slot = 2
        else:
            slotted.append((slot, leg))
    return slotted


def _read_transfer(
    solver: cp_model.CpSolver | cp_model.CpSolverSolutionCallback, each: _Input
) -> Transfer:
    way = next(way for way in each.ways if solver.boolean_value(way.literal))
    used = {
        (ride.slot, ride.pool): ride.hop
        for ride, x in each.rides.items()
        if solver.boolean_value(x)
    }
    legs = tuple(leg.by(used[slot, frozenset(leg.pool)]) for slot, leg in slotted(way.legs))
    starts = tuple(solver.value(each.slots[slot]) for slot, _ in slotted(way.legs))
    return Transfer(each.source.made_by, legs, starts, each.source.legs_done)


Heard: TypeAlias = Callable[[Timetable, float], bool]
"""Hears a timetable as it is found, with the bound so far; True ends the search."""


class _Ear(cp_model.CpSolverSolutionCallback):
    """Passes on what CP-SAT finds while it searches."""

    def __init__(self, built: _Model, heard: Heard) -> None:
        super().__init__()
        self._built = built
        self._heard = heard

    def on_solution_callback(self) -> None:
        """Hear of a solution."""
        if self._heard(self._built.read(self), self.best_objective_bound):
            self.stop_search()


def solve(question: Question, heard: Heard | None = None) -> Solved:
    """Minimise stage after stage, from the hint on; the bound is that of the first stage.

    `heard` listens to it.
    """
    built = _Model(question)
    table, bound, proven = question.hint, 0, False
    for stage in question.stages:
        measure = built.measure(stage)
        built.model.minimize(measure)
        if table is not None:
            built.hint(table)
        solver = _solver(question.effort)
        if question.conflicts_max is not None:
            solver.parameters.max_number_of_conflicts = question.conflicts_max
        if stage is Stage.GOAL and built.rows is not None and built.rows.arcs:
            solver.parameters.linearization_level = 2  # circuits are what bounds the goal
        if stage is Stage.SHIFT:
            solver.parameters.relative_gap_limit = SHIFT_GAP
        first = stage is question.stages[0]
        ear = _Ear(built, heard) if heard is not None and first else None
        status = solver.solve(built.model, ear)
        optimal = status == cp_model.OPTIMAL
        if optimal or status == cp_model.FEASIBLE:
            table = built.read(solver)
            built.model.add(measure <= round(solver.objective_value))
        else:
            impossible = status == cp_model.INFEASIBLE and table is None
            return Solved(table, bound, proven, impossible)
        if first:
            bound, proven = round(solver.best_objective_bound), optimal
    return Solved(table, bound, proven)


def _horizon(question: Question) -> int:
    if question.horizon is not None:
        return question.horizon
    assert question.hint is not None, "without a horizon there is a plan that ends"
    return question.hint.finish(question.problem)


def _solver(effort: float) -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.catch_sigint_signal = False  # it would swallow Ctrl-C
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = SEED
    solver.parameters.max_deterministic_time = effort
    return solver
