"""Carry out one request: an aim within wishes, sum after sum, with what is proven of each."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from fabloop.plan.engine import (
    TREE,
    WAYS_MAX,
    Bound,
    Timed,
    fastest,
    least,
    left_of,
    timed,
)
from fabloop.plan.statement.problem import Objective, Problem
from fabloop.plan.terms.blend import Blend, Cap, Case, blend_of, case_of, table_sums
from fabloop.plan.terms.objectives import Aim, WeightedSum, aim_of
from fabloop.plan.timetable.alternatives import has_alternatives, narrowed
from fabloop.plan.timetable.bargain import bargained
from fabloop.plan.timetable.question import Before
from fabloop.plan.timetable.schedule import Routing, Timetable
from fabloop.plan.timetable.sequence import is_in_sequence
from fabloop.plan.timetable.solver import Heard
from fabloop.plan.tradeoffs.constrained import EXACT, Outcome, holds, latest, least_within
from fabloop.plan.tradeoffs.contended import Known, contended
from fabloop.plan.tradeoffs.gates import Standing
from fabloop.plan.tradeoffs.timely import Timely, timely

SCOPE = "plans within the wishes"

SEQUENCE_EFFORT = 5.0
"""Deterministic seconds for the choices and sequences of a sum; most are proven in a tenth."""


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


UNASKED = Answer(Standing.OPTIMAL, None)
"""What is known before anything was asked."""

Timer = Callable[[Problem, Routing], Timed]
"""How the choices of a sum that does not depend on time get their times."""


def carry_out(
    case: Case,
    aim: Aim,
    caps: Sequence[Cap],
    effort: float,
    heard: Heard | None = None,
    timer: Timer = timed,
    begun: Answer = UNASKED,
) -> Answer:
    """Minimise the sums of the aim, one after another; each result is kept by those after it.

    `heard` listens to the search for the first sum; `begun` is what is known of the first sums.
    """
    table, ranks, standing = begun.table, list(begun.ranks), begun.standing
    kept = [*caps, *(Cap(each.total.name, blend_of(each.total), each.value) for each in ranks)]
    for total in aim.ranks[len(ranks) :]:
        blend = blend_of(total)
        hears = heard if table is None else None
        found = best_within(case, blend, kept, effort, hears, timer, table)
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


def best_within(
    case: Case,
    goal: Blend,
    caps: Sequence[Cap],
    effort: float,
    heard: Heard | None = None,
    timer: Timer = timed,
    at_hand: Timetable | None = None,
) -> Timely:
    """Return the best timetable for one sum within the caps; one within them may be at hand."""
    goal = case.plain(goal)
    caps = [Cap(each.name, case.plain(each.blend), each.limit) for each in caps]
    if goal.is_timed or any(each.blend.is_timed for each in caps):
        found = timely(case, goal, caps)
        if found.standing is Standing.OPTIMAL or found.standing is Standing.IMPOSSIBLE:
            return found
        if at_hand is None:
            found = _hurried(case, goal, caps, found)
        else:
            found = _or_that(case, goal, at_hand, found)
        if found.table is not None and heard is not None and heard(found.table, found.bound):
            return found
        known = Known(found.table, found.value, found.bound)
        last = contended(case, goal, caps, known, effort, heard)
        return Timely(last.standing, last.table, last.value, last.bound, last.engine)
    choice = least_within(case, goal, caps, effort)
    if choice.routing is None:
        return Timely(choice.standing, None, choice.value, choice.bound, choice.engine)
    table = timer(case.problem, choice.routing).table
    if case.problem.charges is not None:
        found = _charged(case, goal, caps, choice, table)
        if found.standing is Standing.OPTIMAL or not is_in_sequence(case.problem):
            return found
        return in_sequence(case, goal, caps, found, effort, heard)
    return Timely(choice.standing, table, choice.value, choice.bound, choice.engine)


def in_sequence(  # as `contended`
    case: Case,
    goal: Blend,
    caps: Sequence[Cap],
    found: Timely,
    effort: float,
    heard: Heard | None = None,
    *,
    before: Before | None = None,
    ways_max: int = WAYS_MAX,
) -> Timely:
    """Return the best choices together with the sequence of their set-ups, as far as it is found.

    With a routing still open, the sequence is that of the routing found. `before` and `ways_max`
    are as in `contended`.
    """
    if has_alternatives(case.problem):
        if found.table is None:
            return found
        part = narrowed(case.problem, found.table.choice)
        mine = msgspec.structs.replace(
            case,
            problem=part.problem,
            changes=part.of(case.changes),
            strays=part.of(case.strays),
        )
        left = msgspec.structs.replace(found, table=part.narrow(found.table), bound=0.0)
        near = None if before is None else left_of(before, part)
        best = in_sequence(mine, goal, caps, left, effort, before=near, ways_max=ways_max)
        assert best.table is not None, "one is known"
        return _met(part.widened(best.table), best.value, found.bound, best.engine)
    known = Known(found.table, found.value, found.bound)
    last = contended(case, goal, caps, known, effort, heard, before=before, ways_max=ways_max)
    return Timely(last.standing, last.table, last.value, last.bound, last.engine)


def best_sequence(problem: Problem, lead: Objective, found: Timed) -> tuple[Timed, Bound]:
    """Return a timetable improved in its objective by other choices and sequences, and the bound.

    The objective is a sum; the bound is that of all plans.
    """
    case = case_of(problem)
    goal = case.plain(blend_of(aim_of(lead).ranks[0]))
    value, bound = table_sums(case, found.table).of(goal, 0), least(problem, lead)
    known = _met(found.table, value, bound, TREE)
    if known.standing is not Standing.OPTIMAL:
        known = in_sequence(case, goal, (), known, SEQUENCE_EFFORT)
    assert known.table is not None, "one is known"
    return Timed(known.table, found.bound, found.engine), Bound(known.bound, known.engine)


def _met(table: Timetable, value: float, bound: float, engine: str) -> Timely:
    met = bound >= value - EXACT * abs(value)
    standing = Standing.OPTIMAL if met else Standing.FEASIBLE
    return Timely(standing, table, value, min(bound, value), engine)


def _charged(
    case: Case, goal: Blend, caps: Sequence[Cap], choice: Outcome, table: Timetable
) -> Timely:
    """Return the timetable at what its times make of it; the choices' least is a bound only."""
    table = bargained(case.problem, table)
    sums = table_sums(case, table)
    if not all(holds(cap, sums, case.due) for cap in caps):
        return Timely(Standing.UNKNOWN, None, np.inf, choice.bound, choice.engine)
    return _met(table, sums.of(goal, case.due), choice.bound, choice.engine)


def _or_that(case: Case, goal: Blend, table: Timetable, found: Timely) -> Timely:
    """Return the better one of what was found and a timetable at hand."""
    value = table_sums(case, table).of(goal, case.due)
    if value >= found.value:
        return found
    return Timely(Standing.FEASIBLE, table, value, min(found.bound, value), found.engine)


def _hurried(case: Case, goal: Blend, caps: Sequence[Cap], found: Timely) -> Timely:
    """Return what is known when the fastest plan of all is known too."""
    best = fastest(case.problem)
    assert best is not None, "asked only where a plan exists"
    sums = table_sums(case, best.table)
    bound = max(found.bound, goal.finish * best.bound + goal.tardy * max(0, best.bound - case.due))
    value = sums.of(goal, case.due)
    if value < found.value and all(holds(cap, sums, case.due) for cap in caps):
        return Timely(Standing.FEASIBLE, best.table, value, min(bound, value), best.engine)
    if found.table is None and best.bound > min(latest(cap, case.due) for cap in caps):
        bound = np.inf
    return msgspec.structs.replace(found, bound=bound)
