"""CP-SAT within a window: a plan of one order that finishes by a given tick, or that none does.

All choices and only those that can finish by then are in the model, so that its verdict holds for
all plans. Vehicles are left out: what is ruled out is ruled out with them, too; what is found is
placed on the floor with them afterwards.
"""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from ortools.sat.python import cp_model

from fabloop.plan.floors.loads import Windows
from fabloop.plan.timetable.schedule import Timetable

SEED = 7

NEAR = 0.05
"""A plan that finishes later than the window by a greater share leads the search astray."""


class Verdict(Enum):
    """What is known after the effort."""

    FOUND = "found"
    RULED_OUT = "ruled out"
    OPEN = "open"


class Seen(NamedTuple):
    """The answer; `bound` holds for all plans of the windows, `starts` and `choice` if found."""

    verdict: Verdict
    bound: int
    effort: float
    choice: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()


def _sum(terms: Iterable[cp_model.LinearExprT]) -> cp_model.LinearExpr:
    return cp_model.LinearExpr.sum(list(terms))


class _Model:
    """The constraint model; a job's choices go by number."""

    def __init__(self, windows: Windows, low: int, finish: int) -> None:
        self.windows = windows
        self.work = windows.work
        self.finish = finish
        self.model = cp_model.CpModel()
        self.made = self.model.new_int_var(low, finish, "made")
        alive = windows.alive(finish)
        self.picks = [alive[job].nonzero()[0].tolist() for job in range(self.work.size)]
        self.heads = [row.tolist() for row in windows.heads]
        self.tails = [row.tolist() for row in windows.tails]
        self.chosen: list[dict[int, cp_model.IntVar]] = []
        self.starts: list[cp_model.IntVar] = []
        self.ends: list[cp_model.LinearExpr] = []
        self.taken: dict[str, list[cp_model.IntervalVar]] = {}
        for job in range(self.work.size):
            self._job(job)
        for job in range(self.work.size):
            for made in self.work.tables.inputs[job]:
                self._edge(made, job)
        self._no_overlaps()
        self.model.minimize(self.made)

    def _job(self, job: int) -> None:
        """Choose one work unit, within the windows."""
        picks, ticks = self.picks[job], self.work.ticks[job]
        heads, tails = self.heads[job], self.tails[job]
        chosen = {pick: self.model.new_bool_var("") for pick in picks}
        self.model.add_exactly_one(chosen.values())
        opens = {pick: int(heads[pick]) - ticks[pick] for pick in picks}
        latest = max(self.finish - int(tails[pick]) - ticks[pick] for pick in picks)
        start = self.model.new_int_var(min(opens.values()), latest, "")
        end = _sum([start, *(ticks[pick] * x for pick, x in chosen.items())])
        self.model.add(start >= sum(opens[pick] * x for pick, x in chosen.items()))
        rest = sum(int(tails[pick]) * x for pick, x in chosen.items())
        self.model.add(end + rest <= self.made)
        for pick, x in chosen.items():
            if ticks[pick]:
                place = self.work.places[job][pick]
                interval = self.model.new_optional_fixed_size_interval_var(
                    start, ticks[pick], x, ""
                )
                self.taken.setdefault(place.unit or place.area, []).append(interval)
        self.chosen.append(chosen)
        self.starts.append(start)
        self.ends.append(end)

    def _edge(self, made: int, job: int) -> None:
        """Keep the movement between two jobs: its least for each origin, more where it is far."""
        far, ticks = self._far(made, job), self.work.ticks[job]
        ends, chosen = self.picks[job], self.chosen[job]
        after = [ticks[end] + int(self.tails[job][end]) for end in ends]
        least: list[cp_model.LinearExprT] = []
        for start in self.picks[made]:
            here, x = far[start], self.chosen[made][start]
            near = min(here.values(), default=0)
            least.append(near * x)
            latest = self.finish - int(self.heads[made][start])
            farther: list[cp_model.LinearExprT] = []
            for end, rest in zip(ends, after, strict=True):
                way = here.get(end)
                if way is None or way + rest > latest:
                    self.model.add_bool_or([x.negated(), chosen[end].negated()])
                elif way > near:
                    farther.append((way - near) * chosen[end])
            if farther:
                arrives = _sum([self.ends[made], near, *farther])
                self.model.add(self.starts[job] >= arrives).only_enforce_if(x)
        self.model.add(self.starts[job] >= self.ends[made] + _sum(least))

    def _far(self, made: int, job: int) -> dict[int, dict[int, int]]:
        """Return the ticks between each two choices, where there is a way."""
        work = self.work
        far: dict[int, dict[int, int]] = {}
        for start in self.picks[made]:
            origin, spot = work.places[made][start], work.spots[made][start]
            row = far[start] = {}
            for end in self.picks[job]:
                key = spot, work.spots[job][end]
                way = work.floor.way(origin, work.places[job][end], key)
                if way is not None:
                    row[end] = way.ticks
        return far

    def _no_overlaps(self) -> None:
        for resource, spans in self.work.problem.busy.items():
            for start, end in spans:
                if resource in self.taken and start < self.finish and end > start:
                    fixed = self.model.new_fixed_size_interval_var(start, end - start, "")
                    self.taken[resource].append(fixed)
        for resource in sorted(self.taken):
            if len(self.taken[resource]) > 1:
                self.model.add_no_overlap(self.taken[resource])

    def hint(self, table: Timetable) -> None:
        """Suggest a plan, also where it does not quite fit."""
        for job, start in enumerate(table.starts):
            self.model.add_hint(self.starts[job], start)
            for pick, x in self.chosen[job].items():
                self.model.add_hint(x, pick == table.choice[job])


class Window(NamedTuple):
    """What to look for: a finish within `low` to `high`, the first that is seen or the `best`."""

    low: int
    high: int
    best: bool


def look(windows: Windows, window: Window, hint: Timetable, effort: float) -> Seen:
    """Look for a plan that finishes within the window."""
    low, finish, best = window
    tight = windows.tightened(finish)
    if tight is None:
        return Seen(Verdict.RULED_OUT, finish + 1, 0.0)
    built = _Model(tight, low, finish)
    if hint.finish(windows.work.problem) <= finish * (1 + NEAR):
        built.hint(hint)
    solver = cp_model.CpSolver()
    solver.parameters.catch_sigint_signal = False  # it would swallow Ctrl-C
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = SEED
    solver.parameters.max_deterministic_time = effort
    solver.parameters.linearization_level = 0
    solver.parameters.cp_model_presolve = False  # it takes longer than the search, by far
    solver.parameters.stop_after_first_solution = not best
    status = solver.solve(built.model)
    spent = float(solver.response_proto.deterministic_time)
    if status == cp_model.INFEASIBLE:
        return Seen(Verdict.RULED_OUT, finish + 1, spent)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return Seen(Verdict.OPEN, low, spent)
    choice = tuple(
        next(pick for pick, x in chosen.items() if solver.boolean_value(x))
        for chosen in built.chosen
    )
    starts = tuple(solver.value(each) for each in built.starts)
    bound = max(low, round(solver.best_objective_bound))
    return Seen(Verdict.FOUND, bound, spent, choice, starts)
