"""Which person does a job: by skill, by shift, and then by load."""

from collections.abc import Iterable, Mapping

import msgspec

from fabloop.base.instant import DAY, Instant
from fabloop.model.calendar import WorkCalendar, open_spans
from fabloop.model.explanation import DispatchCode, Evidence, Explanation
from fabloop.model.ids import PersonId, SkillId
from fabloop.model.site import Person, Site
from fabloop.model.skill import SkillVocabulary
from fabloop.services.matching import persons_with

LOOK_AHEAD_NS = (3 * DAY, 30 * DAY, 400 * DAY)
"""How far a calendar is searched for the next working time: mostly the near days tell it."""


class Assigned(msgspec.Struct, frozen=True, kw_only=True):
    """A person on shift with the skill and the least to do."""

    person: Person
    because: Explanation


class NobodyNow(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody may take the job at present; `look_again_at` is when a shift brings somebody else."""

    because: Explanation
    look_again_at: Instant | None


def assign(
    site: Site,
    skill: SkillId,
    vocabulary: SkillVocabulary,
    load: Mapping[PersonId, int],
    busy: Iterable[PersonId],
    now: Instant,
) -> Assigned | NobodyNow:
    """Choose a person of a site for a job.

    Of those who have the skill, are on shift and are not `busy`, the one with the least `load`
    (nanoseconds of work given so far) is taken; the id decides a tie, so that the same situation
    always gives the same person.
    """
    occupied = set(busy)
    skilled = persons_with(site, skill, vocabulary)
    times = {each.id: site.working_time(each) for each in skilled}
    present = [each for each in skilled if on_shift(times[each.id], site.time_zone, now)]
    free = [person for person in present if person.id not in occupied]
    if free:
        person = min(free, key=lambda each: (load.get(each.id, 0), each.id))
        return Assigned(person=person, because=_because(person, skill, len(free)))
    absent = [each for each in skilled if each not in present]
    starts = [next_start(times[each.id], site.time_zone, now) for each in absent]
    code = DispatchCode.NOBODY_ON_SHIFT
    if present:
        code = DispatchCode.ALL_PERSONS_BUSY
    elif not skilled:
        code = DispatchCode.NOBODY_SKILLED
    return NobodyNow(
        because=Explanation(
            code=code,
            subject=site.id,
            details={"skill": skill, "site": site.label},
            evidence=(
                Evidence(subject=site.id, parameter="persons with the skill", value=len(skilled)),
                Evidence(subject=site.id, parameter="of them on shift", value=len(present)),
            ),
        ),
        look_again_at=min((each for each in starts if each is not None), default=None),
    )


def _because(person: Person, skill: SkillId, choice: int) -> Explanation:
    return Explanation(
        code=DispatchCode.ASSIGNED,
        subject=person.id,
        details={"label": person.label, "skill": skill, "choice": str(choice)},
    )


def on_shift(calendar: WorkCalendar, time_zone: str, now: Instant) -> bool:
    """Tell whether somebody who works by this calendar is there now."""
    return bool(open_spans(calendar, time_zone, now, Instant(now + 1)))


def next_start(calendar: WorkCalendar, time_zone: str, now: Instant) -> Instant | None:
    """Return the next instant after `now` at which work begins; None: not within a year or so."""
    for ahead_ns in LOOK_AHEAD_NS:
        spans = open_spans(calendar, time_zone, now, Instant(now + ahead_ns))
        starts = (start for start, _ in spans if start > now)
        found = next(starts, None)
        if found is not None:
            return found
    return None
