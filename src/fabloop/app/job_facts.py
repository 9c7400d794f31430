"""What becomes of a job, as the facts tell it: offered, given, kept waiting, done or not."""

from collections.abc import Iterable, MutableMapping
from typing import assert_never

from fabloop.app.states import JobState, OrderState, note_done
from fabloop.base.instant import Instant
from fabloop.model.facts import (
    JobAnswered,
    JobBound,
    JobFailed,
    JobKeptWaiting,
    JobOffered,
    JobWithdrawn,
)
from fabloop.model.ids import OrderId
from fabloop.model.kpi import KpiValue

JobFact = JobOffered | JobBound | JobKeptWaiting | JobWithdrawn | JobAnswered | JobFailed
Orders = MutableMapping[OrderId, OrderState]


def tell_job(
    jobs: dict[int, JobState], orders: Orders, kpis: Iterable[KpiValue], fact: JobFact, at: Instant
) -> None:
    """Note what becomes of a job; `kpis` are those known now, of all work units."""
    match fact:
        case JobOffered():
            jobs.setdefault(fact.job, JobState(offered=fact)).failed = False
        case JobBound():
            job = jobs[fact.job]
            job.bound, job.kept = fact, None
            job.condition = tuple(each for each in kpis if each.work_unit == fact.work_unit)
        case JobKeptWaiting():
            jobs[fact.job].kept = fact
        case JobWithdrawn():
            job = jobs[fact.job]
            job.ended_at, job.withdrawn = at, True
        case JobFailed():
            job = jobs[fact.job]
            job.bound, job.failed = None, True
        case JobAnswered():
            job = jobs[fact.job]
            job.ended_at = fact.at
            assert job.bound is not None, "only bound jobs are answered"
            state = orders[job.bound.order]
            state.rejected = state.rejected or fact.results.get("passed") is False
            if job.bound.main:
                note_done(state, job.bound, fact.at)
        case _:
            assert_never(fact)
