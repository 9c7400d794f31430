"""Which person does a job: by skill, by shift, by what work may ask of a person, then by load."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from fabloop.base.instant import DAY, Instant
from fabloop.model.calendar import WorkCalendar, open_spans
from fabloop.model.duties import NO_DUTIES, Duties, Worked
from fabloop.model.explanation import DispatchCode, Evidence, Explanation
from fabloop.model.ids import PersonId, SkillId
from fabloop.model.site import Person, Site
from fabloop.model.skill import SkillVocabulary
from fabloop.services.duties import Objection, Task, objections
from fabloop.services.matching import persons_with

LOOK_AHEAD_NS = (3 * DAY, 30 * DAY, 400 * DAY)
"""How far a calendar is searched for the next working time: mostly the near days tell it."""


class Assigned(msgspec.Struct, frozen=True, kw_only=True):
    """A person on shift with the skill and the least to do, who may take the job."""

    person: Person
    because: Explanation


class NobodyNow(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody may take the job at present; `look_again_at` is when somebody may be there or rested.

    The reason counts persons and names none: what is told of one is for that person
    (`standing_of`).
    """

    because: Explanation
    look_again_at: Instant | None


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """How the persons stand at a moment: work given so far (ns), who is busy or away, the shift.

    `worked` holds the jobs of each person in the running shift, and no older ones.
    """

    load: Mapping[PersonId, int] = {}
    busy: frozenset[PersonId] = frozenset()
    worked: Mapping[PersonId, Sequence[Worked]] = {}
    duties: Duties = NO_DUTIES


def assign(
    site: Site,
    skill: SkillId,
    vocabulary: SkillVocabulary,
    load: Mapping[PersonId, int],
    busy: Iterable[PersonId],
    now: Instant,
) -> Assigned | NobodyNow:
    """Choose a person of a site for a job that asks for no more than a skill."""
    task = Task(work_unit=None, skill=skill, duration_ns=0)
    staff = Staff(load=load, busy=frozenset(busy))
    return assign_task(site, skill, task, vocabulary, staff, now)


def assign_task(
    site: Site,
    skill: SkillId,
    task: Task,
    vocabulary: SkillVocabulary,
    staff: Staff,
    now: Instant,
) -> Assigned | NobodyNow:
    """Choose a person of a site for a task.

    Of those who have the skill, are on shift, are not busy and whom nothing in the duties forbids
    it, the one with the least load (nanoseconds of work given so far) is taken; the id decides a
    tie, so that the same situation always gives the same person.
    """
    skilled = persons_with(site, skill, vocabulary)
    times = {each.id: site.working_time(each) for each in skilled}
    present = [each for each in skilled if on_shift(times[each.id], site.time_zone, now)]
    free = [person for person in present if person.id not in staff.busy]
    against = {each.id: standing_of(each, task, site, staff, now) for each in free}
    fit = [person for person in free if not against[person.id]]
    if fit:
        person = min(fit, key=lambda each: (staff.load.get(each.id, 0), each.id))
        return Assigned(person=person, because=_because(person, skill, len(fit)))
    absent = [each for each in skilled if each not in present]
    looks = [next_start(times[each.id], site.time_zone, now) for each in absent]
    looks += [_over_at(each) for each in against.values()]
    return NobodyNow(
        because=Explanation(
            code=_code(skilled, present, free, against),
            subject=site.id,
            details={"skill": skill, "site": site.label},
            evidence=(
                Evidence(subject=site.id, parameter="persons with the skill", value=len(skilled)),
                Evidence(subject=site.id, parameter="of them on shift", value=len(present)),
            ),
        ),
        look_again_at=min((each for each in looks if each is not None), default=None),
    )


def standing_of(
    person: Person, task: Task, site: Site, staff: Staff, now: Instant
) -> tuple[Objection, ...]:
    """Return what stands against giving a task to a person, for that person to read."""
    worked = staff.worked.get(person.id, ())
    return tuple(objections(person, task, staff.duties, worked, now, site.time_zone))


def _over_at(against: Sequence[Objection]) -> Instant | None:
    """Return when nothing stands against a person any more; None where that is not known."""
    ends = [each.until for each in against]
    known = [each for each in ends if each is not None]
    return max(known) if known and len(known) == len(ends) else None


def _code(
    skilled: Sequence[Person],
    present: Sequence[Person],
    free: Sequence[Person],
    against: Mapping[PersonId, Sequence[Objection]],
) -> DispatchCode:
    """Return why nobody may: the first of the steps of the choice that left nobody."""
    if not skilled:
        return DispatchCode.NOBODY_SKILLED
    if not present:
        return DispatchCode.NOBODY_ON_SHIFT
    if not free:
        return DispatchCode.ALL_PERSONS_BUSY
    passing = all(_over_at(each) is not None for each in against.values())
    return DispatchCode.ALL_PERSONS_REST if passing else DispatchCode.NOBODY_WITHIN_LIMITS


def _because(person: Person, skill: SkillId, choice: int) -> Explanation:
    return Explanation(
        code=DispatchCode.ASSIGNED,
        subject=person.id,
        details={"label": person.label, "skill": skill, "choice": str(choice)},
    )


def on_shift(calendar: WorkCalendar, time_zone: str, now: Instant) -> bool:
    """Tell whether somebody who works by this calendar is there now."""
    return bool(open_spans(calendar, time_zone, now, Instant(now + 1)))


def shift_began(calendar: WorkCalendar, time_zone: str, now: Instant) -> Instant | None:
    """Return when the shift that is on now began; None while none is."""
    spans = open_spans(calendar, time_zone, Instant(now - 2 * DAY), Instant(now + 1))
    return next((start for start, end in spans if start <= now < end), None)


def next_start(calendar: WorkCalendar, time_zone: str, now: Instant) -> Instant | None:
    """Return the next instant after `now` at which work begins; None: not within a year or so."""
    for ahead_ns in LOOK_AHEAD_NS:
        spans = open_spans(calendar, time_zone, now, Instant(now + ahead_ns))
        starts = (start for start, _ in spans if start > now)
        found = next(starts, None)
        if found is not None:
            return found
    return None
