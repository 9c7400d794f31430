"""Times for a plan that is being changed: at once by shifting, then better as effort allows."""

from collections.abc import Sequence

from fabloop.plan.engine import TREE, Timed, head_and_tail, left_of, timed
from fabloop.plan.running.gaps import ends_beside
from fabloop.plan.running.stay import Stay, best_staying
from fabloop.plan.statement.problem import ABSENT, MEASURE, Objective, Problem
from fabloop.plan.timetable.alternatives import has_alternatives, narrowed
from fabloop.plan.timetable.question import Before, Question, Stage
from fabloop.plan.timetable.schedule import (
    Routing,
    Timetable,
    list_schedule,
    routing_of,
    uncontended_finish,
)
from fabloop.plan.timetable.solver import solve
from fabloop.plan.tree import tables_of

EFFORT = 0.05
"""Deterministic seconds (about CPU seconds) for one stage of a change."""

CONFLICTS_MAX = 100
"""Dead ends of the search in one stage of a change."""

NEAR_FIT, NEAR_UNFIT = 3, 12
"""Candidates looked at beside the best ones, for a job that may stay and for one that may not."""


def shift(table: Timetable, before: Before) -> int:
    """Return how far starts lie from where they were, in all."""
    rows = zip(table.choice, table.starts, before.starts, strict=True)
    return sum(abs(new - old) for pick, new, old in rows if pick != ABSENT)


def changes(choice: Sequence[int], before: Before) -> int:
    """Return how many jobs have another candidate."""
    return sum(new not in (old, ABSENT) for new, old in zip(choice, before.choice, strict=True))


def _rank(problem: Problem, table: Timetable, before: Before) -> tuple[int, int, int]:
    return table.finish(problem), changes(table.choice, before), shift(table, before)


def first_times(problem: Problem, routing: Routing, before: Before) -> Timetable:
    """Return times at once: the old ones, later where they must be, or all as early as can be.

    The earlier finish decides, then the smaller shift.
    """
    if ABSENT in routing.choice:
        part = narrowed(problem, routing.choice)
        found = first_times(part.problem, part.routing(routing), left_of(before, part))
        return part.widened(found)
    tables = (
        list_schedule(problem, routing, before.starts),
        list_schedule(problem, routing),
    )
    return min(tables, key=lambda each: _rank(problem, each, before))


def steady_times(problem: Problem, routing: Routing, before: Before) -> Timed:
    """Return times for given choices that finish early and then move starts little.

    The bound speaks about these choices only.
    """
    if ABSENT in routing.choice:
        part = narrowed(problem, routing.choice)
        found = steady_times(part.problem, part.routing(routing), left_of(before, part))
        return Timed(part.widened(found.table), found.bound, found.engine)
    first = first_times(problem, routing, before)
    bound = uncontended_finish(problem, routing)
    if first.finish(problem) > problem.read:
        return Timed(first, bound, TREE)
    if not problem.jobs or (first.finish(problem) == bound and not shift(first, before)):
        return Timed(first, bound, "list schedule")
    found = timed(problem, routing, before, EFFORT, CONFLICTS_MAX)
    best = min((first, found.table), key=lambda each: _rank(problem, each, before))
    return Timed(best, max(bound, found.bound), found.engine)


def fastest_staying(
    problem: Problem, before: Before, changes_max: int, known: Sequence[int]
) -> tuple[Timed, Stay]:
    """Return the plan with at most so many changes that finishes first, then changes least.

    `known` is a choice within that number. The bound holds for all plans that keep to it.
    """
    weights = MEASURE[Objective.MAKESPAN]
    tables = tables_of(problem, weights, adds=False)
    stay = best_staying(tables, before.choice, changes_max, ends_beside(problem))
    assert stay is not None, "a choice within the number is known"
    if has_alternatives(problem):
        return _fastest_way(problem, before, changes_max, stay), stay
    bound = round(stay.value)
    starts = [
        first_times(problem, routing_of(problem, choice, weights), before)
        for choice in dict.fromkeys((tuple(known), stay.choice))
    ]
    best = min(starts, key=lambda each: _rank(problem, each, before))
    if best.finish(problem) > problem.read:
        return Timed(best, bound, TREE), stay
    if best.finish(problem) == bound:
        return steady_times(problem, routing_of(problem, best.choice, weights), before), stay
    head, tail = head_and_tail(tables, problem)
    question = Question(
        problem=problem,
        options=_near(before, [each.choice for each in starts], (head, tail)),
        weights=None if problem.has_timed_lanes else weights,
        heads=head,
        tails=tail,
        hint=best,
        stages=(Stage.FINISH, Stage.CHANGES, Stage.SHIFT),
        effort=EFFORT,
        before=before,
        conflicts_max=CONFLICTS_MAX,
        changes_max=changes_max,
    )
    solved = solve(question)
    assert solved.timetable is not None, "the hint is an answer"
    return Timed(solved.timetable, bound, TREE), stay


def _fastest_way(problem: Problem, before: Before, changes_max: int, stay: Stay) -> Timed:
    """Return the best timetable of the way through the alternatives that the tree takes."""
    part = narrowed(problem, stay.choice)
    left, known = left_of(before, part), part.of(stay.choice)
    found, _ = fastest_staying(part.problem, left, changes_max, known)
    return Timed(part.widened(found.table), round(stay.value), TREE)


def _near(
    before: Before,
    known: Sequence[Sequence[int]],
    ways: tuple[Sequence[Sequence[int]], Sequence[Sequence[int]]],
) -> tuple[tuple[int, ...], ...]:
    """Return for each job the old candidate, the known ones, and those on the shortest ways."""
    options = []
    for number, was in enumerate(before.choice):
        through = sorted(
            (up + down, pick)
            for pick, (up, down) in enumerate(zip(ways[0][number], ways[1][number], strict=True))
            if up >= 0 and down >= 0
        )
        count = NEAR_UNFIT if was is None else NEAR_FIT
        near = {pick for _, pick in through[:count]} | {each[number] for each in known}
        options.append(tuple(sorted(near if was is None else near | {was})))
    return tuple(options)
