"""Improve many orders by plans near theirs: CP-SAT chooses work units and starts for all at once.

Each job may go to any work unit of the site where it is now; those of a few orders, late ones
among them, to any site. All orders are open in each look, so that one may make way for another.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import assert_never

from ortools.sat.python import cp_model

from fabloop.plan.floors.joint import Joint, Scope, solved, solver_of
from fabloop.plan.floors.loads import windows_of
from fabloop.plan.floors.orders_search import (
    LOOKS_PER_SECOND,
    OrdersObjective,
    Placed,
    Search,
    adopted,
    booked,
    restore,
)

SECONDS = 45
"""About how many seconds of a core one deterministic second of the solver takes here."""

LOOK_MAX = 6.0
"""Effort of one look, about seconds."""

LOOKS_PER_PAIR = 4
"""Candidates that could be looked at while a pair of choices is put into the model."""

FREED = 2
"""Orders that may leave their sites once nothing else helps; as many others join the late ones."""

SPOILED_MAX = 4
"""Plans in a row that vehicles, persons and set-ups spoil: then it is given up."""

WORSE = 0.005
"""Share by which a plan may be worse than the best, once placed, to go on from it."""

LATE = 4
"""Power of the lateness of an order by which it is among those that may leave their sites."""

ROOM = 0.05
"""Share by which orders may end later than the last one does now, where lateness is asked for."""


class End(Enum):
    """How a look ended."""

    PLACED = "placed"
    BEST = "best"
    """Placed, and nothing near is better."""
    NONE = "none"
    """Nothing near is better."""
    OPEN = "open"
    SPOILED = "spoiled"
    """What seemed better is worse, once it is placed."""


def nearby(search: Search, target: float, better: Callable[[float], None]) -> None:
    """Search until the target is met or the effort is spent, or what is found cannot be placed.

    `better` hears of each better value; the best is kept.
    """
    best, kept = search.score(), booked(search.orders)
    freed = spoiled = 0
    while best[0] > target and search.spent.looks < search.budget and spoiled < SPOILED_MAX:
        end = _look(search, _freed(search, freed, target), target, best[0] * (1 + WORSE))
        freed = _next(freed, end, len(search.orders))
        score = search.score()
        spoiled = spoiled + 1 if end is End.SPOILED else 0
        if score < best:
            if score[0] < best[0]:
                better(score[0])
            best, kept = score, booked(search.orders)
    restore(search.orders, kept)


def _next(freed: int, end: End, most: int) -> int:
    """Return how many late orders may leave their sites in the next look."""
    match end:
        case End.PLACED:
            return freed
        case End.BEST | End.SPOILED:
            return max(freed, FREED)
        case End.NONE:
            return min(max(FREED, freed + 1), most)
        case End.OPEN:
            return max(1, freed - 1)
        case _:
            assert_never(end)


def _freed(search: Search, count: int, target: float) -> frozenset[int]:
    """Return late orders, the later the likelier, and as many others."""
    if not count:
        return frozenset()
    orders, roll = search.orders, search.roll
    late = [_lateness(search, each, target) ** LATE + 1e-12 for each in orders]
    whole = sum(late)
    share = [each / whole for each in late]
    first = roll.choice(len(orders), size=min(count, len(orders)), replace=False, p=share)
    others = roll.permutation(len(orders))[:count]
    return frozenset((*first.tolist(), *others.tolist()))


def _lateness(search: Search, each: Placed, target: float) -> float:
    if search.objective is OrdersObjective.TARDINESS:
        return each.late / max(1.0, search.score()[0])
    return max(0.0, each.work.finish - target) / max(1.0, target)


def _look(search: Search, freed: AbstractSet[int], target: float, worst: float) -> End:
    """Look for the best plan near the one at hand, and place it unless it is above the worst."""
    scopes = _scopes(search, freed)
    if scopes is None:
        return End.NONE
    joint = Joint(scopes, search.orders[0].work.problem.busy)
    _aim(search, joint, target)
    for number, each in enumerate(search.orders):
        bookings = [each.work.at(job) for job in range(each.work.size)]
        choice, starts = [it.pick for it in bookings], [it.start for it in bookings]
        joint.hint(number, choice, starts)
    left = (search.budget - search.spent.looks) / LOOKS_PER_SECOND
    solver = solver_of(min(LOOK_MAX, left) / SECONDS)
    status = solver.solve(joint.model)
    took = SECONDS * float(solver.response_proto.deterministic_time)
    search.spent.looks += round(took * LOOKS_PER_SECOND) + joint.pairs * LOOKS_PER_PAIR
    if status == cp_model.INFEASIBLE:
        return End.NONE
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return End.OPEN
    if solver.objective_value >= search.score()[0]:
        return End.NONE if status == cp_model.OPTIMAL else End.OPEN
    plans = [solved(solver, jobs) for jobs in joint.orders]
    if not adopted(search, plans, worst):
        return End.SPOILED
    return End.BEST if status == cp_model.OPTIMAL else End.PLACED


def _scopes(search: Search, freed: AbstractSet[int]) -> list[Scope] | None:
    """Return what is open of each order; None where one could not be made in time at all.

    One that could not at its sites may leave them.
    """
    scopes = []
    for number, each in enumerate(search.orders):
        work, finish = each.work, _latest(search, each)
        search.spent.looks += 20 * work.size
        tight = None
        if number not in freed:
            here = {
                job: work.site[job] == work.site[job][work.at(job).pick] for job in range(work.size)
            }
            tight = windows_of(work, here).tightened(finish)
        if tight is None:
            tight = windows_of(work).tightened(finish)
        if tight is None:
            return None
        scopes.append(Scope(tight, 0, finish))
    return scopes


def _latest(search: Search, each: Placed) -> int:
    """Return the last finish of an order with which all are no worse than now."""
    bar = round(search.score()[0])
    if search.objective is not OrdersObjective.TARDINESS:
        return bar
    last = max(it.work.finish for it in search.orders)
    return min(each.due + bar // each.weight, round(last * (1 + ROOM)))


def _aim(search: Search, joint: Joint, target: float) -> None:
    """Ask for the least value; the plan at hand is among those allowed, to begin with."""
    bar = round(search.score()[0])
    value = joint.model.new_int_var(min(round(target), bar), bar, "")
    if search.objective is OrdersObjective.TARDINESS:
        late = []
        for each, jobs in zip(search.orders, joint.orders, strict=True):
            late.append(joint.model.new_int_var(0, bar // each.weight, ""))
            joint.model.add(late[-1] >= jobs.made - each.due)
        weights = [each.weight for each in search.orders]
        joint.model.add(value >= cp_model.LinearExpr.weighted_sum(late, weights))
    else:
        for jobs in joint.orders:
            joint.model.add(value >= jobs.made)
    joint.model.minimize(value)
