"""CP-SAT over orders on one floor: a choice and a start for each job, work units one at a time.

Vehicles that are not watched, persons, tools and set-ups are left out: what is ruled out is ruled
out with them, too; what is found is placed on the floor with them afterwards.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from ortools.sat.python import cp_model

from fabloop.plan.floors.legs import Ends, Fleet, Legs, add_capacity
from fabloop.plan.floors.loads import Windows

SEED = 7

Span = tuple[int, int]
_Chosen: TypeAlias = dict[int, cp_model.IntVar]
"""Whether a job makes each choice."""


class Scope(NamedTuple):
    """What is open of an order: choices within its windows, made within `low` to `finish`.

    `watched` are the vehicles that are not left out. Movements are told from both jobs where
    that is asked: one would do, but what does not fit is seen sooner.
    """

    windows: Windows
    low: int
    finish: int
    watched: frozenset[str] = frozenset()
    both: bool = False


class _Jobs(NamedTuple):
    """An order in the model: per job its open choices, start and end; and when it is made."""

    picks: list[list[int]]
    chosen: list[_Chosen]
    starts: list[cp_model.IntVar]
    ends: list[cp_model.LinearExpr]
    made: cp_model.IntVar


def _weighted(chosen: Iterable[cp_model.IntVar], ticks: Iterable[int]) -> cp_model.LinearExpr:
    return cp_model.LinearExpr.weighted_sum(list(chosen), list(ticks))


def _ends(scope: Scope, jobs: _Jobs, made: int, job: int) -> Ends:
    return Ends(
        (made, job),
        jobs.chosen[made],
        jobs.chosen[job],
        jobs.ends[made],
        jobs.starts[job],
        scope.finish,
    )


class Joint:
    """The constraint model; a job's choices go by number. Work units are `taken` at times.

    `pairs` counts the pairs of choices that were looked at, what building it takes in the main.
    """

    def __init__(self, scopes: Sequence[Scope], taken: Mapping[str, Sequence[Span]]) -> None:
        self.model = cp_model.CpModel()
        self.pairs = 0
        self._taken: dict[str, list[cp_model.IntervalVar]] = {}
        self._moving: dict[Fleet, list[cp_model.IntervalVar]] = {}
        self.orders = [self._order(each) for each in scopes]
        finish = max(each.finish for each in scopes)
        self._no_overlaps(taken, finish)
        add_capacity(self.model, self._moving, taken, finish)

    def _order(self, scope: Scope) -> _Jobs:
        windows, work = scope.windows, scope.windows.work
        alive = windows.alive(scope.finish)
        picks = [alive[job].nonzero()[0].tolist() for job in range(work.size)]
        jobs = _Jobs(picks, [], [], [], self.model.new_int_var(scope.low, scope.finish, ""))
        heads = [row.tolist() for row in windows.heads]
        tails = [row.tolist() for row in windows.tails]
        for job in range(work.size):
            self._job(scope, jobs, job, heads[job], tails[job])
        legs = Legs(self.model, work, scope.watched) if scope.watched else None
        for job in range(work.size):
            for made in work.tables.inputs[job]:
                self._edge(scope, jobs, (made, job), heads[made], tails[job])
                if legs is not None:
                    legs.add(_ends(scope, jobs, made, job))
        if legs is not None:
            for fleet, spans in legs.spans.items():
                self._moving.setdefault(fleet, []).extend(spans)
                if len(fleet) == 1:
                    self._taken.setdefault(fleet[0], []).extend(spans)
        return jobs

    def _job(
        self, scope: Scope, jobs: _Jobs, job: int, heads: list[float], tails: list[float]
    ) -> None:
        """Choose one work unit, within the windows."""
        work, picks = scope.windows.work, jobs.picks[job]
        ticks = work.ticks[job]
        chosen = {pick: self.model.new_bool_var("") for pick in picks}
        self.model.add_exactly_one(chosen.values())
        opens = [int(heads[pick]) - ticks[pick] for pick in picks]
        closes = [ticks[pick] + int(tails[pick]) for pick in picks]
        start = self.model.new_int_var(min(opens), scope.finish - min(closes), "")
        literals = chosen.values()
        end = start + _weighted(literals, [ticks[pick] for pick in picks])
        self.model.add(start >= _weighted(literals, opens))
        self.model.add(start + _weighted(literals, closes) <= jobs.made)
        for pick, x in chosen.items():
            if ticks[pick]:
                place = work.places[job][pick]
                interval = self.model.new_optional_fixed_size_interval_var(
                    start, ticks[pick], x, ""
                )
                self._taken.setdefault(place.unit or place.area, []).append(interval)
        jobs.chosen.append(chosen)
        jobs.starts.append(start)
        jobs.ends.append(end)

    def _edge(
        self,
        scope: Scope,
        jobs: _Jobs,
        edge: tuple[int, int],
        heads: list[float],
        tails: list[float],
    ) -> None:
        """Keep the movement between two jobs: its least for each origin, more where it is far."""
        made, job = edge
        before, after = scope.windows.work.ticks[made], scope.windows.work.ticks[job]
        ways = self._far(scope, jobs, edge)
        starts, ends = jobs.chosen[made], jobs.chosen[job]
        rest = {end: after[end] + int(tails[end]) for end in ends}
        there: dict[int, dict[int, int]] = {start: {} for start in starts}
        back: dict[int, dict[int, int]] = {end: {} for end in ends}
        for start, x in starts.items():
            here, latest = ways[start], scope.finish - int(heads[start])
            for end, y in ends.items():
                way = here.get(end)
                if way is None or way + rest[end] > latest:
                    self.model.add_bool_or([x.negated(), y.negated()])
                else:
                    there[start][end] = back[end][start] = before[start] + way
        moves = jobs.starts[made], jobs.starts[job]
        least = [min(each.values(), default=0) for each in there.values()]
        self.model.add(moves[1] >= moves[0] + _weighted(starts.values(), least))
        for start, x in starts.items():
            if len({*there[start].values()}) > 1:
                self._keep(moves, x, there[start], ends)
        for end, y in ends.items() if scope.both else ():
            self._keep(moves, y, back[end], starts)

    def _keep(
        self,
        moves: tuple[cp_model.IntVar, cp_model.IntVar],
        given: cp_model.IntVar,
        ticks: Mapping[int, int],
        others: _Chosen,
    ) -> None:
        """Keep the ticks between both starts, given one job's choice, by that of the other."""
        near = min(ticks.values(), default=0)
        more = {pick: way - near for pick, way in ticks.items() if way > near}
        late = _weighted([others[pick] for pick in more], more.values())
        self.model.add(moves[1] >= moves[0] + near + late).only_enforce_if(given)

    def _far(self, scope: Scope, jobs: _Jobs, edge: tuple[int, int]) -> dict[int, dict[int, int]]:
        """Return the ticks between each two choices, where there is a way."""
        work, (made, job) = scope.windows.work, edge
        self.pairs += len(jobs.picks[made]) * len(jobs.picks[job])
        far: dict[int, dict[int, int]] = {}
        for start in jobs.picks[made]:
            origin, spot = work.places[made][start], work.spots[made][start]
            row = far[start] = {}
            for end in jobs.picks[job]:
                key = spot, work.spots[job][end]
                way = work.floor.way(origin, work.places[job][end], key)
                if way is not None:
                    row[end] = way.ticks
        return far

    def _no_overlaps(self, taken: Mapping[str, Sequence[Span]], finish: int) -> None:
        for resource, spans in taken.items():
            for start, end in spans:
                if resource in self._taken and start < finish and end > start:
                    fixed = self.model.new_fixed_size_interval_var(start, end - start, "")
                    self._taken[resource].append(fixed)
        for resource in sorted(self._taken):
            if len(self._taken[resource]) > 1:
                self.model.add_no_overlap(self._taken[resource])

    def hint(self, order: int, choice: Sequence[int], starts: Sequence[int]) -> None:
        """Suggest a plan of an order, also where it does not quite fit."""
        jobs = self.orders[order]
        for job, start in enumerate(starts):
            self.model.add_hint(jobs.starts[job], start)
            for pick, x in jobs.chosen[job].items():
                self.model.add_hint(x, pick == choice[job])


def solver_of(effort: float) -> cp_model.CpSolver:
    """Return a solver for such models that stops after so many deterministic seconds."""
    solver = cp_model.CpSolver()
    solver.parameters.catch_sigint_signal = False  # it would swallow Ctrl-C
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = SEED
    solver.parameters.max_deterministic_time = effort
    solver.parameters.linearization_level = 0
    solver.parameters.cp_model_presolve = False  # it takes longer than the search, by far
    return solver


def solved(solver: cp_model.CpSolver, jobs: _Jobs) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the choices and starts of an order as solved."""
    choice = tuple(
        next(pick for pick, x in chosen.items() if solver.boolean_value(x))
        for chosen in jobs.chosen
    )
    return choice, tuple(solver.value(each) for each in jobs.starts)
