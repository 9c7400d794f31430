"""Carry out one request: an aim within wishes, sum after sum, with what is proven of each."""

from collections.abc import Sequence

import msgspec
import numpy as np

from fabloop.plan.blend import Blend, Cap, Case, blend_of, table_sums
from fabloop.plan.constrained import EXACT, holds, least_within
from fabloop.plan.engine import fastest, timed
from fabloop.plan.gates import Standing
from fabloop.plan.objectives import Aim, WeightedSum
from fabloop.plan.schedule import Timetable
from fabloop.plan.timely import Timely, latest, timely

SCOPE = "plans within the wishes"

CPSAT = "CP-SAT"


class Rank(msgspec.Struct, frozen=True):
    """One sum of an aim with its value and the bound on all plans within the caps before it."""

    total: WeightedSum
    value: float
    bound: float
    engine: str


class Answer(msgspec.Struct, frozen=True):
    """The best timetable for an aim within caps; without one, whether that is proven."""

    standing: Standing
    table: Timetable | None
    ranks: tuple[Rank, ...] = ()


def carry_out(case: Case, aim: Aim, caps: Sequence[Cap], effort: float) -> Answer:
    """Minimise the sums of the aim, one after another; each result is kept by those after it."""
    table: Timetable | None = None
    ranks: list[Rank] = []
    kept = list(caps)
    standing = Standing.OPTIMAL
    for total in aim.ranks:
        blend = blend_of(total)
        found = best_within(case, blend, kept, effort)
        if found.table is None:
            if table is None:
                return Answer(found.standing, None)
            found = _stay(case, blend, table, found)
        table = found.table
        standing = Standing.FEASIBLE if found.standing is not Standing.OPTIMAL else standing
        ranks.append(Rank(total, found.value, found.bound, found.engine))
        kept.append(Cap(total.name, blend, found.value))
    return Answer(standing, table, tuple(ranks))


def _stay(case: Case, blend: Blend, table: Timetable, found: Timely) -> Timely:
    """Return what the timetable of the earlier sums is worth, where no better one was found."""
    value = table_sums(case, table).of(blend, case.due)
    bound = found.bound if np.isfinite(found.bound) else value
    met = bound >= value - EXACT * abs(value)
    standing = Standing.OPTIMAL if met else Standing.FEASIBLE
    return Timely(standing, table, value, min(bound, value), found.engine)


def best_within(case: Case, goal: Blend, caps: Sequence[Cap], effort: float) -> Timely:
    """Return the best timetable for one sum within the caps."""
    goal = case.plain(goal)
    caps = [Cap(each.name, case.plain(each.blend), each.limit) for each in caps]
    if goal.is_timed or any(each.blend.is_timed for each in caps):
        return _hurried(case, goal, caps, timely(case, goal, caps))
    found = least_within(case, goal, caps, effort)
    if found.routing is None:
        return Timely(found.standing, None, found.value, found.bound, found.engine)
    table = timed(case.problem, found.routing).table
    return Timely(found.standing, table, found.value, found.bound, found.engine)


def _hurried(case: Case, goal: Blend, caps: Sequence[Cap], found: Timely) -> Timely:
    """Take out waits with CP-SAT where only the finish counts and it is not proven yet."""
    if found.standing is Standing.OPTIMAL or found.standing is Standing.IMPOSSIBLE:
        return found
    best = fastest(case.problem)
    if best is None:
        return found
    sums = table_sums(case, best.table)
    pure = not goal.adds and not goal.counts_sites
    value = sums.of(goal, case.due)
    bound = found.bound
    if pure:
        quick = goal.finish * best.bound + goal.tardy * max(0, best.bound - case.due)
        bound = max(bound, quick)
    table, least = found.table, found.value
    if value < least and all(holds(cap, sums, case.due) for cap in caps):
        table, least = best.table, value
    if table is None and best.bound > _latest_of(caps, case.due):
        return Timely(Standing.IMPOSSIBLE, None, np.inf, np.inf, best.engine)
    if table is None:
        return msgspec.structs.replace(found, bound=bound)
    met = bound >= least - EXACT * abs(least)
    standing = Standing.OPTIMAL if met else Standing.FEASIBLE
    return Timely(standing, table, least, min(bound, least), best.engine)


def _latest_of(caps: Sequence[Cap], due: int) -> float:
    return min((latest(each, due) for each in caps), default=np.inf)
