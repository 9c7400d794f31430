"""CP-SAT within a window: a plan of one order that finishes by a given tick, or that none does.

All choices and only those that can finish by then are in the model, so that its verdict holds for
all plans. Where these are too many for the effort, the nearest ones are; then what is found holds.
"""

from enum import Enum
from typing import NamedTuple

import numpy as np
from ortools.sat.python import cp_model

from fabloop.plan.floors.joint import Joint, Scope, solved, solver_of
from fabloop.plan.floors.loads import Windows, windows_of
from fabloop.plan.timetable.schedule import Timetable

NEAR = 0.01
"""A plan that finishes later than the window by a greater share leads the search astray."""

BUILT_PER_SECOND = 60_000
"""Constraints made, and read by CP-SAT, in about one second of a core."""

SECONDS = 10
"""Seconds of a core that one of CP-SAT's deterministic seconds takes, about."""


WAYS_PER_SECOND = 50_000
"""Pairs of choices in a model, for each second of effort; beyond it the farthest are left out."""

LEAST = 0.05
"""Effort of choosing what is left out, where nothing is left then."""


class Verdict(Enum):
    """What is known after the effort."""

    FOUND = "found"
    RULED_OUT = "ruled out"
    OPEN = "open"


class Seen(NamedTuple):
    """The answer; `bound` holds for all plans of the windows, the rest is what was found.

    `effort` is what it took, in about seconds of a core.
    """

    verdict: Verdict
    bound: int
    effort: float
    choice: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()
    finish: int = 0


class Window(NamedTuple):
    """What to look for: a finish within `low` to `high`, the first that is seen or the `best`.

    `watched` are the vehicles that are not left out. `presolved` is another search, which
    finds where the first one does not.
    """

    low: int
    high: int
    best: bool
    watched: frozenset[str] = frozenset()
    presolved: bool = False


def look(windows: Windows, window: Window, hint: Timetable, effort: float) -> Seen:
    """Look for a plan that finishes within the window, for about so many seconds of a core."""
    low, finish, best, watched, presolved = window
    tight = windows.tightened(finish)
    if tight is None:
        return Seen(Verdict.RULED_OUT, finish + 1, 0.0)
    most = round(effort * WAYS_PER_SECOND)
    whole = tight.ways(finish) <= most
    if not whole:
        tight = _nearest(tight, finish, most)
        if tight is None:
            return Seen(Verdict.OPEN, low, LEAST)
    scope = Scope(tight, low, finish, watched, both=True)
    built = Joint([scope], windows.work.problem.busy)
    jobs = built.orders[0]
    built.model.minimize(jobs.made)
    if hint.finish(windows.work.problem) <= finish * (1 + NEAR):
        built.hint(0, hint.choice, hint.starts)
    taken = len(built.model.proto.constraints) / BUILT_PER_SECOND
    solver = solver_of(max(0.0, effort - taken) / SECONDS)
    solver.parameters.stop_after_first_solution = not best
    solver.parameters.cp_model_presolve = presolved
    solver.parameters.max_presolve_iterations = 1  # all of it takes longer than the search
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.symmetry_level = 0
    status = solver.solve(built.model)
    spent = taken + SECONDS * float(solver.response_proto.deterministic_time)
    if status == cp_model.INFEASIBLE and whole:
        return Seen(Verdict.RULED_OUT, finish + 1, spent)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return Seen(Verdict.OPEN, low, spent)
    bound = max(low, round(solver.best_objective_bound)) if whole else low
    choice, starts = solved(solver, jobs)
    return Seen(Verdict.FOUND, bound, spent, choice, starts, solver.value(jobs.made))


def _nearest(windows: Windows, finish: int, most: int) -> Windows | None:
    """Return the windows with as many choices of each job as may be, those in the shortest plans.

    None where no plan is left.
    """
    ranks = [
        np.argsort(np.argsort(up + down, kind="stable"))
        for up, down in zip(windows.heads, windows.tails, strict=True)
    ]
    alive = windows.alive(finish)
    width = max(int(mask.sum()) for mask in alive.values())
    while width > 1:
        width = width * 2 // 3
        some = {job: mask & (ranks[job] < width) for job, mask in alive.items()}
        narrow = windows_of(windows.work, some).tightened(finish)
        if narrow is None or narrow.ways(finish) <= most:
            return narrow
    return None
