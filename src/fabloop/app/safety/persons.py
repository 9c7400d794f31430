"""How a person stands in the running shift, told to that person alone."""

from collections.abc import Iterator

import msgspec

from fabloop.app.shifts import worked_now
from fabloop.app.snapshot import Snapshot
from fabloop.base.errors import NotFound
from fabloop.base.names import did_you_mean
from fabloop.model.explanation import Explanation
from fabloop.model.ids import OperationId, PersonId, SkillId, WorkUnitId
from fabloop.model.site import Person, Site
from fabloop.model.skill import SkillVocabulary
from fabloop.services.assignment import Staff, standing_of
from fabloop.services.duties import Task, shares
from fabloop.services.matching import persons_with


class TaskStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A task that a person has, or could have by skill, and why it is given or not."""

    job: int
    operation: OperationId
    work_unit: WorkUnitId
    given: bool
    why: tuple[Explanation, ...]


class PersonStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How a person stands in the running shift, for that person alone.

    `used` is the share of each limit; `against` names the work that would not be given now;
    `tasks` are those at hand: given, or waiting although the person has the skill.
    """

    person: PersonId
    used: dict[str, float]
    against: dict[str, tuple[Explanation, ...]]
    tasks: tuple[TaskStanding, ...] = ()


def person_standing(snapshot: Snapshot, name: str) -> PersonStanding:
    """Return how a person stands now: computed from the jobs of the shift, and kept nowhere.

    Raises
    ------
    NotFound
        There is no such person.
    """
    network, now, duties = snapshot.knowledge.network, snapshot.now, snapshot.permissions().duties
    everybody = {each.id: each for site in network.sites.values() for each in site.persons}
    person = everybody.get(PersonId(name))
    if person is None:
        hint = did_you_mean(name, everybody)
        raise NotFound(f"Expected a person of the folder, but found '{name}'. {hint}")
    worked = worked_now(snapshot.knowledge, snapshot.jobs.values(), now)
    staff = Staff(worked=worked, duties=duties)
    site = network.sites[person.site]
    against = {}
    for strain in duties.strains:
        task = Task(work_unit=strain.work_unit, skill=next(iter(strain.only), ""), duration_ns=1)
        found = standing_of(person, task, site, staff, now)
        against[strain.work_unit] = tuple(each.because for each in found)
    used = shares(duties, worked.get(person.id, ()))
    return PersonStanding(
        person=person.id,
        used={key: round(share, 3) for key, share in used.items()},
        against={str(key): reasons for key, reasons in against.items() if reasons},
        tasks=tuple(_tasks(snapshot, person, staff)),
    )


def _tasks(snapshot: Snapshot, person: Person, staff: Staff) -> Iterator[TaskStanding]:
    """Yield the tasks at hand at the person's site; of waiting ones, what stands against them."""
    network, vocabulary = snapshot.knowledge.network, snapshot.knowledge.vocabulary
    site, units = network.sites[person.site], network.work_units()
    for job in snapshot.jobs.values():
        offered, bound = job.offered, job.bound
        unit = bound.work_unit if bound is not None else offered.work_unit
        if unit is None or units[unit].site != person.site:
            continue
        mine = job.is_running and bound is not None and bound.person == person.id
        if bound is not None and mine:
            why: tuple[Explanation, ...] = (bound.because,)
        elif job.is_waiting and _is_skilled(person, site, offered.person_skill, vocabulary):
            task = Task(work_unit=unit, skill=offered.skill, duration_ns=offered.duration_ns)
            found = standing_of(person, task, site, staff, snapshot.now)
            why = tuple(each.because for each in found)
        else:
            continue
        yield TaskStanding(
            job=offered.job, operation=offered.operation, work_unit=unit, given=mine, why=why
        )


def _is_skilled(
    person: Person, site: Site, skill: SkillId | None, vocabulary: SkillVocabulary
) -> bool:
    return skill is not None and person in persons_with(site, skill, vocabulary)
