"""What is declared, what holds now, and how a person stands: answers for people."""

from collections.abc import Iterator

import msgspec

from fabloop.app.shifts import worked_now
from fabloop.app.snapshot import Snapshot
from fabloop.base.errors import NotFound
from fabloop.base.instant import SECOND, Instant
from fabloop.base.names import did_you_mean
from fabloop.model.explanation import Explanation
from fabloop.model.ids import OperationId, PersonId, SkillId, WorkUnitId
from fabloop.model.safety import Permissive, SafetyRules, SafetyView, Stop
from fabloop.model.site import Person, Site
from fabloop.model.skill import SkillVocabulary
from fabloop.run.permissives import required_against
from fabloop.services.assignment import Staff, standing_of
from fabloop.services.duties import Task, shares
from fabloop.services.matching import persons_with


class Holds(msgspec.Struct, frozen=True, kw_only=True):
    """A permissive and what stands against it now; nothing: commands may leave."""

    of: str
    only: tuple[str, ...]
    reasons: tuple[Explanation, ...]


class SafetyStatus(msgspec.Struct, frozen=True, kw_only=True):
    """All that is declared as it stands at a moment."""

    at: Instant
    permissives: tuple[Holds, ...]
    stops: tuple[Stop, ...]
    troubles: dict[str, str] = {}

    @property
    def all_permitted(self) -> bool:
        """Whether nothing is withheld."""
        return not self.stops and not any(each.reasons for each in self.permissives)


def status_of(
    rules: SafetyRules, view: SafetyView, at: Instant, troubles: dict[str, str]
) -> SafetyStatus:
    """Return how every permissive stands."""
    return SafetyStatus(
        at=at,
        permissives=tuple(
            Holds(
                of=str(each.work_unit or each.service),
                only=each.only,
                reasons=tuple(required_against(each.requires, rules, view, at)),
            )
            for each in rules.permissives
        ),
        stops=tuple(view.stops.values()),
        troubles=troubles,
    )


def declared_lines(rules: SafetyRules) -> Iterator[str]:
    """Yield what is declared, a line each."""
    for controller in rules.controllers.values():
        beat = controller.heartbeat_ns / SECOND
        where = f"{controller.label} at {controller.url}"
        yield f"{controller.id}: {where}, heartbeat within {beat:g} s"
    for each in rules.permissives:
        yield f"{name_of(each)}: {_requires(each, rules)}"
    for limit in rules.duties.limits:
        yield f"limit {limit.kind}: {limit.label}, {limit.most:g} {limit.unit} ({limit.law})"
    for strain in rules.duties.strains:
        asks = [f"qualification {each}" for each in strain.qualifications]
        asks += [f"{each.kind} {each.level:g}" for each in strain.exposures]
        only = f" ({', '.join(strain.only)})" if strain.only else ""
        yield f"work at {strain.work_unit}{only} asks for {', '.join(asks) or 'nothing'}"


def name_of(each: Permissive) -> str:
    """Return what a permissive speaks of."""
    only = f" ({', '.join(each.only)})" if each.only else ""
    return f"{each.work_unit or each.service}{only}"


def _requires(each: Permissive, rules: SafetyRules) -> str:
    if not each.requires:
        return f"free, because {each.free_because}"
    return "requires " + ", ".join(
        f"{one.signal} ({rules.label(one.signal)}) {'true' if one.wanted else 'false'}, "
        f"no older than {one.fresh_ns / SECOND:g} s"
        for one in each.requires
    )


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
