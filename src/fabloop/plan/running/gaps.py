"""When jobs can end at the earliest beside what others take: each work unit by itself, exact."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from fabloop.plan.statement.candidates import Candidate, Columns
from fabloop.plan.statement.layout import Floats, Ints
from fabloop.plan.statement.problem import Problem

Ends = Callable[[int, Floats, Floats], Floats]
"""From job, arrivals (k, n) and durations (n,) to ends (k, n)."""


class _Taken(msgspec.Struct, frozen=True, eq=False):
    """When one candidate's work unit is taken: disjoint spans, ascending."""

    pick: int
    starts: Ints
    ends: Ints


def ends_beside(problem: Problem) -> Ends | None:
    """Return how ends follow from arrivals where work units are taken at times; None: never.

    A job starts in the first gap that it fits. Later arrivals never end earlier, so that a tree
    which adds up such ends bounds every timetable.
    """
    taken = [_taken(job.candidates, problem) for job in problem.jobs]
    if not any(taken):
        return None

    def ends(job: int, arrival: Floats, takes: Floats) -> Floats:
        found = arrival + takes
        for each in taken[job]:
            found[:, each.pick] = _first_ends(arrival[:, each.pick], takes[each.pick], each)
        return found

    return ends


def _taken(candidates: Sequence[Candidate], problem: Problem) -> list[_Taken]:
    if isinstance(candidates, Columns):
        units = candidates.plant.units
        names = [units[number].id for number in candidates.units]
    else:
        names = [each.unit.id for each in candidates]
    found = []
    for pick, name in enumerate(names):
        spans = problem.busy.get(name)
        if spans:
            rows = np.array(sorted(spans), dtype=np.int64).T
            found.append(_Taken(pick, rows[0], rows[1]))
    return found


def _first_ends(arrival: Floats, ticks: float, taken: _Taken) -> Floats:
    start = arrival.copy()
    if not ticks > 0:
        return start + ticks
    for _ in range(len(taken.ends)):
        following = np.searchsorted(taken.ends, start, side="right")
        inside = np.minimum(following, len(taken.ends) - 1)
        meets = (following < len(taken.ends)) & (taken.starts[inside] < start + ticks)
        if not meets.any():
            break
        start = np.where(meets, taken.ends[inside], start)
    return start + ticks
