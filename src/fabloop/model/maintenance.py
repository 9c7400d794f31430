"""Maintenance job orders: when to stop a machine, what waiting costs, what was found and left."""

from collections.abc import Iterable

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.calendar import Spans
from fabloop.model.disturbance import UnitBroken
from fabloop.model.explanation import Explanation
from fabloop.model.ids import KpiId, WorkUnitId


class MaintenanceRule(msgspec.Struct, frozen=True, kw_only=True):
    """The job that restores a KPI of a work unit, and what it costs to do it now or too late.

    Attributes
    ----------
    takes_ns : how long the work unit stands still for the planned job
    window_ns : how far ahead stops are looked for
    rate_minor_per_day : what each day of waiting saves (long-run cost of the part a day)
    """

    work_unit: WorkUnitId
    kpi: KpiId
    job: str
    takes_ns: int
    planned_minor: int
    failure_minor: int
    downtime_ns: int
    downtime_minor_per_hour: int
    rate_minor_per_day: int
    currency: str
    window_ns: int


class PossibleStop(msgspec.Struct, frozen=True, kw_only=True):
    """A span in which the job could be done, and what production that displaces is worth."""

    start: Instant
    end: Instant
    lost_minor: int = 0


class WaitingCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a job is expected to cost if it is begun then.

    Attributes
    ----------
    risk : probability that the machine fails before
    cost_minor : failure or planned stop as likely as they are, less what waiting saves
    """

    start: Instant
    risk: float
    cost_minor: int


class MaintenanceProposed(msgspec.Struct, frozen=True, kw_only=True):
    """A machine should be stopped for a job; planning sees it closed from `start` to `end`.

    Attributes
    ----------
    window : from the first to the last stop that was looked at
    waiting : what it costs at each of them, by time; the last one is not to do it in the window
    """

    job: str
    work_unit: WorkUnitId
    start: Instant
    end: Instant
    window: tuple[Instant, Instant]
    waiting: tuple[WaitingCost, ...]
    currency: str
    because: Explanation


class MaintenanceDone(msgspec.Struct, frozen=True, kw_only=True):
    """A job was done.

    Attributes
    ----------
    installed_at : since when the part that was taken out had been in
    as_found, as_left : the characteristic before and after; None is not measured
    failed : the part had failed, or would have had to be replaced at once
    replaced : the part is another one; else it was adjusted
    """

    job: str
    work_unit: WorkUnitId
    at: Instant
    installed_at: Instant
    failed: bool
    replaced: bool
    as_found: float | None = None
    as_left: float | None = None

    @property
    def changed_something(self) -> bool:
        """Whether what was measured before tells nothing of what comes."""
        return self.replaced or self.as_left != self.as_found


def closings(jobs: Iterable[MaintenanceProposed]) -> dict[WorkUnitId, Spans]:
    """Return when work units are closed for jobs, as planning takes it (``busy``)."""
    found: dict[WorkUnitId, list[tuple[Instant, Instant]]] = {}
    for job in jobs:
        found.setdefault(job.work_unit, []).append((job.start, job.end))
    return {unit: tuple(sorted(spans)) for unit, spans in found.items()}


def closing(job: MaintenanceProposed) -> UnitBroken:
    """Return the job as the disturbance that plans are weighed by."""
    return UnitBroken(work_unit=job.work_unit, since=job.start, until=job.end)
