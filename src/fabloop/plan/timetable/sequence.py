"""What each work unit did before each of its steps, where set-ups depend on that."""

from collections import defaultdict

from fabloop.model.ids import WorkUnitId
from fabloop.plan.statement.charges import is_sequenced
from fabloop.plan.statement.problem import ABSENT, Problem
from fabloop.plan.statement.setups import Mark
from fabloop.plan.timetable.schedule import Timetable


def is_in_sequence(problem: Problem) -> bool:
    """Tell whether what a plan takes depends on the sequence of its steps."""
    return problem.charges is not None and problem.charges.sequenced


def families_before(problem: Problem, table: Timetable) -> tuple[str | None, ...]:
    """Return, per job, the set-up family of what its work unit did before it.

    An empty text is nothing known, or a step without a family; None is where the set-up does not
    depend on it, or where the job takes no time.
    """
    found: list[str | None] = [None] * len(table.choice)
    if problem.duties is None or not is_in_sequence(problem):
        return tuple(found)
    changeovers = problem.duties.changeovers
    rows: dict[str, list[tuple[Mark, int]]] = defaultdict(list)
    for job, pick in enumerate(table.choice):
        if pick == ABSENT:
            continue
        operation, unit = problem.jobs[job].operation, problem.jobs[job].candidates[pick].unit
        start, end = table.starts[job], table.end(problem, job)
        if unit.id in changeovers and end > start:
            rows[unit.id].append((Mark(start, end, operation.setup_family), job))
            if is_sequenced(operation, unit):
                found[job] = ""
    for name, steps in rows.items():
        before = ""
        others = [(each, ABSENT) for each in changeovers[WorkUnitId(name)].marks]
        for mark, job in sorted([*steps, *others]):
            if job != ABSENT and found[job] is not None:
                found[job] = before
            before = mark.family
    return tuple(found)
