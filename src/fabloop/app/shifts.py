"""What persons did in the shift that is on: read off the jobs whenever it is asked."""

from collections.abc import Iterable

from fabloop.app.states import JobState
from fabloop.base.instant import Instant
from fabloop.model.duties import NO_DUTIES, Worked
from fabloop.model.ids import PersonId
from fabloop.model.knowledge import Knowledge
from fabloop.services.assignment import shift_began


def worked_now(
    knowledge: Knowledge, jobs: Iterable[JobState], now: Instant
) -> dict[PersonId, tuple[Worked, ...]]:
    """Return the jobs of each person who is on shift, since that shift began.

    One that has not ended counts as long as it was planned, or has taken by now. Nobody is looked
    at where no duties are declared.
    """
    if knowledge.safety is None or knowledge.safety.duties == NO_DUTIES:
        return {}
    began = {
        person.id: shift_began(site.working_time(person), site.time_zone, now)
        for site in knowledge.network.sites.values()
        for person in site.persons
    }
    found: dict[PersonId, list[Worked]] = {}
    for job in jobs:
        bound = job.bound
        if bound is None or bound.person is None or job.withdrawn:
            continue
        since = began.get(bound.person)
        planned = Instant(bound.begun_at + bound.duration_ns)
        end = job.ended_at if job.ended_at is not None else max(now, planned)
        if since is None or end <= since:
            continue
        worked = Worked(
            work_unit=bound.work_unit,
            skill=bound.skill,
            start=max(since, bound.begun_at),
            end=end,
        )
        found.setdefault(bound.person, []).append(worked)
    return {person: tuple(each) for person, each in found.items()}
