"""CP-SAT on the general scheduling problem: the best found, and a bound, while it runs."""

from collections.abc import Callable

import msgspec
from ortools.sat.python import cp_model

from fabloop.plan.shop.answer import Outcome
from fabloop.plan.shop.cpsat.model import Model, Search
from fabloop.plan.shop.model import Schedule, Shop

__all__ = ["Found", "Search", "is_small_enough", "search", "search_relaxed"]

SEED = 7


SEQUENCE_PAIRS_MAX = 300_000
"""Pairs of tasks in set-up orders and batches of one model; beyond, there is no search."""


def is_small_enough(shop: Shop) -> bool:
    """Return whether a model of the problem can be built in reasonable time."""
    held = [0] * len(shop.resources)
    for task in shop.tasks:
        for mode in task.modes:
            for use in mode.uses:
                held[use.resource] += 1
    pairs = sum(
        count * count
        for count, resource in zip(held, shop.resources, strict=True)
        if resource.setups or resource.batch_max > 1
    )
    return pairs <= SEQUENCE_PAIRS_MAX


class Found(msgspec.Struct, frozen=True):
    """What was found, and a value that no schedule is below."""

    outcome: Outcome
    schedule: Schedule | None
    bound: int


Told = Callable[[Schedule | None, int], None]
Stop = Callable[[], None]


class _Listener(cp_model.CpSolverSolutionCallback):
    """Passes on each better schedule."""

    def __init__(self, built: Model, told: Told) -> None:
        super().__init__()
        self.built, self.told = built, told

    def on_solution_callback(self) -> None:
        """Pass a schedule on."""
        self.told(self.built.read(self.value), _up(self.best_objective_bound))


def _up(bound: float) -> int:
    """Return the least whole number that is no less than a bound, roundings aside."""
    return int(-(-(bound - 1e-6) // 1))


def search(wanted: Search, told: Told, hand_over: Callable[[Stop | None], None]) -> Found:
    """Search for a better schedule than the hint.

    `told` hears each schedule and bound; `hand_over` gets what stops the search, and None when it
    is over.
    """
    built = Model(wanted)
    measure = built.measure(wanted.objective)
    built.model.add(measure >= wanted.bound)
    for objective, most in wanted.kept:
        built.model.add(built.measure(objective) <= most)
    built.model.minimize(measure)
    if wanted.hint is not None:
        built.hint(wanted.hint)
    solver = _solver(wanted)
    solver.best_bound_callback = lambda bound: told(None, _up(bound))
    hand_over(solver.stop_search)
    try:
        status = solver.solve(built.model, _Listener(built, told))
    finally:
        hand_over(None)
    return _found(solver, status, built, wanted)


def search_relaxed(wanted: Search, hand_over: Callable[[Stop | None], None]) -> Found:
    """Return a bound from a problem in which holdings may overlap.

    Its schedule is none of the problem itself, yet its modes spread the load well.
    """
    built = Model(msgspec.structs.replace(wanted, relaxed=True))
    measure = built.measure(wanted.objective)
    built.model.add(measure >= wanted.bound)
    built.model.minimize(measure)
    if wanted.hint is not None:
        built.hint(wanted.hint)
    solver = _solver(wanted)
    hand_over(solver.stop_search)
    try:
        status = solver.solve(built.model)
    finally:
        hand_over(None)
    return _found(solver, status, built, wanted)


def _solver(wanted: Search) -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.catch_sigint_signal = False  # it would swallow Ctrl-C
    solver.parameters.num_workers = wanted.workers
    solver.parameters.random_seed = SEED
    if wanted.effort is not None:
        solver.parameters.max_deterministic_time = wanted.effort
    return solver


def _found(
    solver: cp_model.CpSolver, status: cp_model.CpSolverStatus, built: Model, wanted: Search
) -> Found:
    if status == cp_model.INFEASIBLE:
        return Found(Outcome.IMPOSSIBLE, None, wanted.bound)
    bound = max(wanted.bound, _up(solver.best_objective_bound))
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        proven = status == cp_model.OPTIMAL
        schedule = built.read(solver.value)
        return Found(Outcome.PROVEN if proven else Outcome.FOUND, schedule, bound)
    assert status == cp_model.UNKNOWN, f"the model is sound: {solver.status_name(status)}"
    return Found(Outcome.UNDECIDED, wanted.hint, wanted.bound)
