"""Dispatching: the process has reached a job; who does it, now?"""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.duties import Worked
from fabloop.model.explanation import DispatchCode, Evidence, Explanation, SafetyCode
from fabloop.model.facts import JobBound, JobOffered
from fabloop.model.ids import LaneId, OperationId, PersonId, SiteId, SkillId, WorkUnitId
from fabloop.model.plan import Plan
from fabloop.model.product import ConfiguredProduct
from fabloop.model.skill import Requirement
from fabloop.services.assignment import NobodyNow, Staff, assign_task
from fabloop.services.duties import Task
from fabloop.services.matching import KpiValues
from fabloop.services.registry import Binding, Registry, bind


class Nobody(msgspec.Struct, frozen=True, kw_only=True):
    """The job has to wait: why, and when to look again if a time is known."""

    reasons: tuple[Explanation, ...]
    look_again_at: Instant | None

    @property
    def only_time(self) -> bool:
        """Whether waiting is all that is needed: somebody fit is merely busy or not on shift."""
        return all(reason.code in _PASSING for reason in self.reasons)


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """The shop floor at a moment.

    Attributes
    ----------
    running : the jobs that hold persons now
    load : the work given to each person so far, in nanoseconds
    closed : lanes on which nothing leaves now
    absent : persons who are away now
    tools_out : names of tools that cannot be used now
    stops : when work units are kept free for maintenance
    waits : per operation and site, until when its material is not there
    worked : what each person did in the running shift, where duties ask for it
    """

    registry: Registry
    kpis: KpiValues
    load: Mapping[PersonId, int]
    running: tuple[JobBound, ...]
    now: Instant
    closed: frozenset[LaneId] = frozenset()
    absent: frozenset[PersonId] = frozenset()
    tools_out: frozenset[str] = frozenset()
    stops: Mapping[WorkUnitId, tuple[tuple[Instant, Instant], ...]] = {}
    waits: Mapping[OperationId, Mapping[SiteId, Instant]] = {}
    worked: Mapping[PersonId, Sequence[Worked]] = {}


_PASSING = frozenset(
    {
        DispatchCode.RESERVED,
        DispatchCode.NOBODY_ON_SHIFT,
        DispatchCode.ALL_PERSONS_BUSY,
        DispatchCode.ALL_PERSONS_REST,
        DispatchCode.NOBODY_WITHIN_LIMITS,
        DispatchCode.TURN_NOT_COME,
        DispatchCode.MATERIAL_AWAITED,
        DispatchCode.UNIT_STOPPED,
        *SafetyCode,
    }
)
"""A permissive that does not hold is a person's business, not another plan's."""


def dispatch(
    job: JobOffered,
    product: ConfiguredProduct,
    plan: Plan,
    begun: Collection[OperationId],
    floor: Floor,
) -> JobBound | Nobody:
    """Bind a job to a carrier, or to a work unit and, where one is needed, a person.

    The operation itself is matched with its whole requirement; a transport to it needs the skill
    alone. An operation waits for those that the plan puts before it on the same work unit, unless
    they are among `begun`.
    """
    if job.lane is not None:
        return _by_carrier(job, job.lane, floor)
    assert job.work_unit is not None, "a job prefers a work unit or a lane"
    held = _held(job, plan, begun, floor)
    if held is not None:
        return held
    operation = product.operation(job.operation)
    requirement = operation.requirement if job.main else Requirement(skill=SkillId(job.skill))
    found = bind(floor.registry, requirement, job.work_unit, floor.kpis, floor.now)
    if not isinstance(found, Binding):
        return Nobody(reasons=found, look_again_at=None)
    person, because = None, found.because
    if job.person_skill is not None:
        site = floor.registry.network.sites[SiteId(found.work_unit.site)]
        busy = [each.person for each in floor.running if each.person is not None]
        busy += floor.absent
        staff = Staff(
            load=floor.load,
            busy=frozenset(busy),
            worked=floor.worked,
            duties=floor.registry.permissions.duties,
        )
        task = Task(work_unit=found.work_unit.id, skill=job.skill, duration_ns=job.duration_ns)
        assigned = assign_task(
            site, job.person_skill, task, floor.registry.vocabulary, staff, floor.now
        )
        if isinstance(assigned, NobodyNow):
            return Nobody(reasons=(assigned.because,), look_again_at=assigned.look_again_at)
        person = assigned.person.id
        because = _both(found.because, assigned.because)
    return _bound(job, floor.now, because, work_unit=found.work_unit.id, person=person)


def _held(
    job: JobOffered, plan: Plan, begun: Collection[OperationId], floor: Floor
) -> Nobody | None:
    """Return what an operation waits for, apart from the work unit and a person."""
    stopped = _stopped(job, floor)
    if stopped is not None or not job.main:
        return stopped
    ahead, step = _ahead(job, plan, begun), plan.step(job.operation)
    if ahead is not None:
        return Nobody(reasons=(ahead,), look_again_at=None)
    until = floor.waits.get(job.operation, {}).get(step.site)
    if until is not None and until > floor.now:
        evidence = Evidence(subject=step.site, parameter="material", at=until)
        awaited = _waiting(DispatchCode.MATERIAL_AWAITED, job.operation, evidence)
        return Nobody(reasons=(awaited,), look_again_at=until)
    for tool in floor.tools_out.intersection(step.tools):
        out = Explanation(code=DispatchCode.TOOL_OUT, subject=job.operation, details={"tool": tool})
        return Nobody(reasons=(out,), look_again_at=None)
    return None


def _stopped(job: JobOffered, floor: Floor) -> Nobody | None:
    """Return until when the planned work unit is kept free, if the job would run into that."""
    assert job.work_unit is not None, "asked of jobs for work units"
    ends = floor.now + job.duration_ns
    for since, until in floor.stops.get(job.work_unit, ()):
        if floor.now < until and ends > since:
            evidence = Evidence(subject=job.work_unit, parameter="closed until", at=until)
            reason = _waiting(DispatchCode.UNIT_STOPPED, job.work_unit, evidence)
            return Nobody(reasons=(reason,), look_again_at=until)
    return None


def _waiting(code: DispatchCode, subject: str, evidence: Evidence) -> Explanation:
    return Explanation(code=code, subject=subject, evidence=(evidence,))


def _ahead(job: JobOffered, plan: Plan, begun: Collection[OperationId]) -> Explanation | None:
    """Return which operation has its turn before this one on the planned work unit."""
    mine = plan.step(job.operation)
    before = [
        each
        for each in plan.steps
        if each.work_unit == mine.work_unit
        and (each.start, each.operation) < (mine.start, mine.operation)
        and each.operation not in begun
    ]
    if not before:
        return None
    first = min(before, key=lambda each: each.start)
    return Explanation(
        code=DispatchCode.TURN_NOT_COME,
        subject=mine.work_unit,
        details={"operation": job.operation, "before": first.operation},
        evidence=(Evidence(subject=first.operation, parameter="planned start", at=first.start),),
    )


def _by_carrier(job: JobOffered, lane: LaneId, floor: Floor) -> JobBound | Nobody:
    """Give a shipment to the carrier of its lane, while there is such a lane."""
    known = next((each for each in floor.registry.network.lanes if each.id == lane), None)
    if known is None:
        return Nobody(
            reasons=(Explanation(code=DispatchCode.NO_LANE, subject=lane),), look_again_at=None
        )
    if lane in floor.closed:
        shut = Explanation(code=DispatchCode.LANE_SHUT, subject=lane)
        return Nobody(reasons=(shut,), look_again_at=None)
    because = Explanation(
        code=DispatchCode.CARRIED,
        subject=lane,
        details={"carrier": known.carrier},
        evidence=(Evidence(subject=lane, parameter="lane", value=known.carrier),),
    )
    return _bound(job, floor.now, because, lane=lane)


def _bound(
    job: JobOffered,
    now: Instant,
    because: Explanation,
    *,
    work_unit: WorkUnitId | None = None,
    lane: LaneId | None = None,
    person: PersonId | None = None,
) -> JobBound:
    return JobBound(
        order=job.order,
        job=job.job,
        step=job.step,
        skill=job.skill,
        operation=job.operation,
        work_unit=work_unit,
        lane=lane,
        person=person,
        main=job.main,
        begun_at=now,
        duration_ns=job.duration_ns,
        because=because,
    )


def _both(machine: Explanation, person: Explanation) -> Explanation:
    """Join the reason for the work unit with that for the person."""
    return Explanation(
        code=DispatchCode.BOUND_AND_ASSIGNED,
        subject=machine.subject,
        details={**machine.details, "person": person.details["label"], **_only(person)},
        evidence=machine.evidence + person.evidence,
    )


def _only(person: Explanation) -> dict[str, str]:
    return {key: person.details[key] for key in ("skill", "choice")}
