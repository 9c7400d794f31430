"""Dispatching: the process has reached a job; who does it, now?"""

from collections.abc import Collection, Mapping

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.explanation import DispatchCode, Evidence, Explanation
from fabloop.model.facts import JobBound, JobOffered
from fabloop.model.ids import LaneId, OperationId, PersonId, SiteId, SkillId, WorkUnitId
from fabloop.model.plan import Plan
from fabloop.model.product import ConfiguredProduct
from fabloop.model.skill import Requirement
from fabloop.services.assignment import NobodyNow, assign
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

    `running` are the jobs that hold persons now; `load` is the work given to each so far, in
    nanoseconds.
    """

    registry: Registry
    kpis: KpiValues
    load: Mapping[PersonId, int]
    running: tuple[JobBound, ...]
    now: Instant


_PASSING = frozenset(
    {
        DispatchCode.RESERVED,
        DispatchCode.NOBODY_ON_SHIFT,
        DispatchCode.ALL_PERSONS_BUSY,
        DispatchCode.TURN_NOT_COME,
    }
)


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
    ahead = _ahead(job, plan, begun)
    if ahead is not None:
        return Nobody(reasons=(ahead,), look_again_at=None)
    operation = product.operation(job.operation)
    requirement = operation.requirement if job.main else Requirement(skill=SkillId(job.skill))
    found = bind(floor.registry, requirement, job.work_unit, floor.kpis, floor.now)
    if not isinstance(found, Binding):
        return Nobody(reasons=found, look_again_at=None)
    person, because = None, found.because
    if job.person_skill is not None:
        site = floor.registry.network.sites[SiteId(found.work_unit.site)]
        busy = [each.person for each in floor.running if each.person is not None]
        assigned = assign(
            site, job.person_skill, floor.registry.vocabulary, floor.load, busy, floor.now
        )
        if isinstance(assigned, NobodyNow):
            return Nobody(reasons=(assigned.because,), look_again_at=assigned.look_again_at)
        person = assigned.person.id
        because = _both(found.because, assigned.because)
    return _bound(job, floor.now, because, work_unit=found.work_unit.id, person=person)


def _ahead(job: JobOffered, plan: Plan, begun: Collection[OperationId]) -> Explanation | None:
    """Return which operation has its turn before this one on the planned work unit."""
    if not job.main:
        return None
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
