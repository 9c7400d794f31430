"""By when some plan of each sequence is done: what a search for sums has to look at in time."""

from fabloop.plan.statement.opening import AFTER_ALL
from fabloop.plan.statement.problem import Problem
from fabloop.plan.statement.roads import TICK

WEEK = 8 * 86_400
"""Ticks within which a lane that leaves at certain times is left again."""

LEGS = 3
"""Legs of a way between two sites."""


def by_then(problem: Problem) -> int:
    """Return a tick by which any sequence of the jobs can be carried out, one after the other.

    Where there are calendars, it is how far they are read.
    """
    if problem.read < AFTER_ALL // TICK:
        return problem.read
    duties, way = problem.duties, LEGS * problem.roads.ticks_max
    ends = [end for spans in problem.busy.values() for _, end in spans]
    longest = 0
    if duties is not None:
        way += WEEK if duties.lanes else 0
        ends += [tick for row in duties.releases.values() for tick in row.values()]
        ends += [end for spans in duties.crowded.values() for _, end in spans]
        for change in duties.changeovers.values():
            ends += [each.end for each in change.marks]
            longest = max([longest, change.plain, *change.between.values()])
    ends += [source.ready for job in problem.jobs for source in job.sources]
    return max(ends, default=0) + sum(
        max((each.takes.ticks for each in job.candidates), default=0)
        + longest
        + way * len(job.sources)
        for job in problem.jobs
    )
