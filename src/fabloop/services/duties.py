"""May a person take a job: qualified today, within the limits of the shift, and rested?

Doses are computed from the jobs of the running shift whenever somebody asks, and are kept nowhere.
"""

from collections.abc import Iterator, Sequence

import msgspec

from fabloop.base.instant import HOUR, Instant
from fabloop.base.zones import local_day
from fabloop.model.duties import DoseLaw, Duties, ExposureLimit, Worked
from fabloop.model.explanation import DispatchCode, Evidence, Explanation
from fabloop.model.ids import WorkUnitId
from fabloop.model.site import Person

REFERENCE_NS = 8 * HOUR
"""The working day to which levels of vibration and noise are related."""
SLACK = 1e-9
"""A dose may meet its limit; this much above it is rounding."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Work that somebody is sought for."""

    work_unit: WorkUnitId | None
    skill: str
    duration_ns: int


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """Why a person does not get a job now; `until` is when that is over, where it is known."""

    because: Explanation
    until: Instant | None = None


def dose_share(limit: ExposureLimit, level: float, duration_ns: int) -> float:
    """Return which share of the shift's limit a time at a level uses up; shares add up."""
    match limit.law:
        case DoseLaw.ENERGY:
            return (level / limit.most) ** 2 * (duration_ns / REFERENCE_NS)
        case DoseLaw.DECIBEL:
            return float(10.0 ** ((level - limit.most) / 10.0) * (duration_ns / REFERENCE_NS))
        case DoseLaw.SUM:
            return level * (duration_ns / HOUR) / limit.most


def shares(duties: Duties, worked: Sequence[Worked]) -> dict[str, float]:
    """Return the share of each limit that jobs use up."""
    found = {each.kind: 0.0 for each in duties.limits}
    limits = {each.kind: each for each in duties.limits}
    for job in worked:
        for strain in duties.strains:
            if not strain.speaks_of(job.work_unit, job.skill):
                continue
            for each in strain.exposures:
                limit = limits[each.kind]
                found[each.kind] += dose_share(limit, each.level, job.end - job.start)
    return found


def objections(
    person: Person,
    task: Task,
    duties: Duties,
    worked: Sequence[Worked],
    now: Instant,
    time_zone: str,
) -> Iterator[Objection]:
    """Yield everything that stands against giving a job to a person, as the person may read it."""
    today = local_day(now, time_zone).isoformat()
    yield from _unqualified(person, task, duties, today)
    yield from _overexposed(person, task, duties, worked, now)
    rested = _unrested(person, task, duties, worked, now)
    if rested is not None:
        yield rested


def _unqualified(person: Person, task: Task, duties: Duties, today: str) -> Iterator[Objection]:
    needed = (
        name
        for strain in duties.strains
        if strain.speaks_of(task.work_unit, task.skill)
        for name in strain.qualifications
    )
    held = {each.name: each.valid_until for each in person.qualifications}
    for name in dict.fromkeys(needed):
        details = {"qualification": name}
        until = held.get(name)
        if name not in held:
            code = DispatchCode.QUALIFICATION_MISSING
            yield Objection(because=Explanation(code=code, subject=person.label, details=details))
        elif until is not None and until < today:
            shown = Evidence(
                subject=person.id, parameter="valid until", relation="at least", value=until,
                limit=today,
            )  # fmt: skip
            code = DispatchCode.QUALIFICATION_EXPIRED
            yield Objection(
                because=Explanation(
                    code=code, subject=person.label, details=details, evidence=(shown,)
                )
            )


def _overexposed(
    person: Person, task: Task, duties: Duties, worked: Sequence[Worked], now: Instant
) -> Iterator[Objection]:
    new = Worked(
        work_unit=task.work_unit, skill=task.skill, start=now, end=Instant(now + task.duration_ns)
    )
    added = shares(duties, (new,))
    after = shares(duties, (*worked, new))
    for limit in duties.limits:
        if added[limit.kind] <= 0.0 or after[limit.kind] <= 1.0 + SLACK:
            continue
        shown = Evidence(
            subject=person.id, parameter="share of the limit", relation="at most",
            value=round(after[limit.kind], 3), limit=1.0,
        )  # fmt: skip
        yield Objection(
            because=Explanation(
                code=DispatchCode.EXPOSURE_REACHED,
                subject=person.label,
                details={"exposure": limit.label},
                evidence=(shown,),
            )
        )


def _unrested(
    person: Person, task: Task, duties: Duties, worked: Sequence[Worked], now: Instant
) -> Objection | None:
    """Return that a rest is due; a job after a rest is never refused, however long it is."""
    rule = duties.rest
    if rule is None:
        return None
    stretch_ns, last_end = _stretch(worked, rule.rest_ns, now)
    if not stretch_ns or stretch_ns + task.duration_ns <= rule.longest_work_ns:
        return None
    until = Instant(last_end + rule.rest_ns)
    shown = Evidence(subject=person.id, parameter="until", at=until)
    because = Explanation(code=DispatchCode.REST_NEEDED, subject=person.label, evidence=(shown,))
    return Objection(because=because, until=until)


def _stretch(worked: Sequence[Worked], rest_ns: int, now: Instant) -> tuple[int, Instant]:
    """Return how long a person has worked since the last rest, and when the last work ended."""
    total, end = 0, None
    for job in sorted(worked, key=lambda each: (each.start, each.end)):
        if end is None or job.start - end >= rest_ns:
            total, end = 0, job.start
        total += max(0, job.end - max(job.start, end))
        end = max(end, job.end)
    if end is None or now - end >= rest_ns:
        return 0, now
    return total, end
