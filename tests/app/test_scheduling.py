"""Schedules within a time that is counted in CPU seconds."""

import threading

from fabloop.app.scheduling import solve_within
from fabloop.plan.shop.answer import Outcome
from fabloop.plan.shop.checker import violations
from fabloop.plan.shop.model import Arc, Job, Mode, Objective, Resource, Shop, Task, Use


def job_shop(jobs, machines):
    """Return a job shop with routes that cross, far too large to be proven at once."""
    tasks, arcs = [], []
    for job in range(jobs):
        for step in range(machines):
            machine = (job * 7 + step * (1 + job % 3)) % machines
            mode = Mode(ticks=1 + (job * 31 + step * 17) % 97, uses=(Use(machine),))
            if step:
                arcs.append(Arc(before=len(tasks) - 1, after=len(tasks)))
            tasks.append(Task(name=f"{job}.{step}", job=job, modes=(mode,)))
    return Shop(
        name="cross",
        tasks=tuple(tasks),
        resources=tuple(Resource(name=f"m{each}") for each in range(machines)),
        jobs=tuple(Job(name=f"{each}", due=300) for each in range(jobs)),
        arcs=tuple(arcs),
    )


def test_when_the_time_is_spent_the_best_schedule_and_its_gap_are_there():
    shop, heard, before = job_shop(20, 15), [], threading.active_count()
    timed = solve_within(shop, 1.0, (Objective.TARDINESS, Objective.MAKESPAN), told=heard.append)
    assert timed.answer.outcome is Outcome.FOUND
    assert violations(shop, timed.answer.schedule) == ()
    assert timed.answer.bounds[0] < timed.answer.values[0]
    assert heard
    assert timed.cpu_s < 10.0
    assert threading.active_count() == before


def test_what_is_proven_ends_before_its_time():
    timed = solve_within(job_shop(2, 3), 60.0)
    assert timed.answer.outcome is Outcome.PROVEN
    assert timed.cpu_s < 30.0
