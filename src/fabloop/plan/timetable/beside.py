"""A problem beside timetables of others that are placed already: what these take is engaged."""

from collections.abc import Iterable

import msgspec

from fabloop.plan.statement.problem import ABSENT, Problem
from fabloop.plan.statement.setups import Mark
from fabloop.plan.timetable.schedule import Timetable


def beside(problem: Problem, others: Iterable[tuple[Problem, Timetable]]) -> Problem:
    """Return the problem where what the others take of all resources is engaged."""
    taken: dict[str, list[tuple[int, int]]] = {}
    crowd: dict[str, list[tuple[int, int]]] = {}
    marks: dict[str, list[Mark]] = {}
    for theirs, table in others:
        for resource, start, end in table.spans(theirs):
            taken.setdefault(resource, []).append((start, end))
        for job, pick in enumerate(table.choice):
            if pick == ABSENT:
                continue
            start, end, crew = table.starts[job], table.end(theirs, job), table.fit(job).crew
            if crew is not None:
                crowd.setdefault(crew.name, []).append((start, end))
            it = theirs.jobs[job]
            family = it.operation.setup_family
            marks.setdefault(it.candidates[pick].unit.id, []).append(Mark(start, end, family))
    busy = {
        each: tuple(sorted({*problem.busy.get(each, ()), *taken.get(each, ())}))
        for each in {**problem.busy, **taken}
    }
    duties = problem.duties
    if duties is not None:
        crowded = {
            each: (*duties.crowded.get(each, ()), *crowd.get(each, ()))
            for each in {**duties.crowded, **crowd}
        }
        changeovers = {
            unit: msgspec.structs.replace(
                each, marks=tuple(sorted([*each.marks, *marks.get(unit, ())]))
            )
            for unit, each in duties.changeovers.items()
        }
        duties = msgspec.structs.replace(
            duties, crowded=crowded, changeovers=changeovers, _needs={}
        )
    return msgspec.structs.replace(problem, busy=busy, duties=duties)
