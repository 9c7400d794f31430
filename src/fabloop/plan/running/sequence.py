"""The sequence of what is left of a plan, where set-ups depend on it: as cheap as is found."""

from collections.abc import Sequence

import msgspec
import numpy as np

from fabloop.plan.engine import TREE, Bound, Timed
from fabloop.plan.running.stay import CHANGES_MAX
from fabloop.plan.statement.layout import Bools
from fabloop.plan.statement.problem import Objective, Problem
from fabloop.plan.terms.blend import Blend, Cap, Case, blend_of, case_of, table_sums
from fabloop.plan.terms.objectives import aim_of
from fabloop.plan.timetable.question import Before
from fabloop.plan.timetable.schedule import Timetable, list_schedule, routing_of_table
from fabloop.plan.tradeoffs.constrained import EXACT
from fabloop.plan.tradeoffs.gates import Standing
from fabloop.plan.tradeoffs.request import in_sequence
from fabloop.plan.tradeoffs.timely import Timely

EFFORT = 0.5
"""Deterministic seconds for each stage of choosing a sequence anew."""

WAYS_MAX = 3_000
"""Pairs of choices that are looked at, besides those of the tree."""


class Wish(msgspec.Struct, frozen=True):
    """What counts: a sum, with a price on each change, and at most so many of them."""

    lead: Objective
    price: float
    most: int
    bound: float
    """What the sum and the prices come to at least, by the tree."""
    least: float
    """What the sum alone comes to at least."""


def sequenced(
    problem: Problem, before: Before, changed: Sequence[Bools], found: Timed, wish: Wish
) -> tuple[Timed, Bound]:
    """Return a timetable that takes less by other choices and sequences, and the bound of the sum.

    The bound holds for all plans with at most so many changes. Of equally good ones, the one that
    finishes first and then moves starts least is taken, as far as the effort allows.
    """
    case = case_of(problem, changes=[each.astype(np.float64) for each in changed])
    goal = case.plain(blend_of(aim_of(wish.lead).ranks[0]))
    goal = msgspec.structs.replace(goal, changes=wish.price)
    known = _known(case, goal, [found.table, _as_before(problem, before, found.table)], wish.bound)
    if known.standing is not Standing.OPTIMAL:
        known = in_sequence(
            case, goal, _caps(wish), known, EFFORT, before=before, ways_max=WAYS_MAX
        )
    assert known.table is not None, "one is known"
    alone = _alone(case, goal, known, wish)
    return Timed(known.table, found.bound, found.engine), alone


def _alone(case: Case, goal: Blend, known: Timely, wish: Wish) -> Bound:
    """Return what the sum comes to at least without the prices, for all plans in question."""
    assert known.table is not None, "one is known"
    most = min(wish.most, len(case.problem.jobs))
    by_prices = Bound(known.bound - wish.price * most, known.engine)
    only = msgspec.structs.replace(goal, changes=0.0)
    left = _known(case, only, [known.table], max(wish.least, by_prices.value))
    if left.standing is not Standing.OPTIMAL:
        left = in_sequence(case, only, _caps(wish), left, EFFORT, ways_max=WAYS_MAX)
    return max(by_prices, Bound(left.bound, left.engine), key=lambda each: each.value)


def _caps(wish: Wish) -> tuple[Cap, ...]:
    return (Cap("changes", Blend(changes=1.0), wish.most),) if wish.most <= CHANGES_MAX else ()


def _as_before(problem: Problem, before: Before, table: Timetable) -> Timetable:
    """Return the choices in the sequence that they had."""
    return list_schedule(problem, routing_of_table(table), before.starts)


def _known(case: Case, goal: Blend, tables: Sequence[Timetable], bound: float) -> Timely:
    """Return the best of the timetables that are there, and whether none can be better."""
    finishes = (each.finish(case.problem) for each in tables)
    values = (table_sums(case, each).of(goal, 0) for each in tables)
    value, _, at = min(zip(values, finishes, range(len(tables)), strict=True))
    met = bound >= value - EXACT * abs(value)
    standing = Standing.OPTIMAL if met else Standing.FEASIBLE
    return Timely(standing, tables[at], value, min(bound, value), TREE)
