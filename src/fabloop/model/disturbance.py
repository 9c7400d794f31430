"""Disturbances: what happens in sites and on the road that plans did not reckon with."""

from typing import assert_never

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import (
    KpiId,
    LaneId,
    MaterialId,
    OperationId,
    OrderId,
    PersonId,
    SiteId,
    WorkUnitId,
)
from fabloop.model.kpi import KpiValue
from fabloop.model.plan import Plan


class _Disturbance(msgspec.Struct, frozen=True, kw_only=True, tag_field="disturbance", tag=True):
    """Base of all disturbances: one tagged union, told apart by the class name."""


class KpiMoved(_Disturbance, frozen=True, kw_only=True):
    """A KPI of a work unit has another value."""

    value: KpiValue


class KpiExpired(_Disturbance, frozen=True, kw_only=True):
    """The value of a KPI became too old, and there is no newer one."""

    work_unit: WorkUnitId
    kpi: KpiId


class UnitBroken(_Disturbance, frozen=True, kw_only=True):
    """A work unit cannot work from `since` on; `until` is when it is expected back, if known."""

    work_unit: WorkUnitId
    since: Instant
    until: Instant | None = None


class UnitClosed(_Disturbance, frozen=True, kw_only=True):
    """A work unit is kept free for a time, for maintenance `job`; nothing runs on into it."""

    work_unit: WorkUnitId
    since: Instant
    until: Instant
    job: str = ""


class UnitRepaired(_Disturbance, frozen=True, kw_only=True):
    """A work unit can work again; that endangers nothing, but orders that are stuck may go on."""

    work_unit: WorkUnitId
    since: Instant


class MaterialLate(_Disturbance, frozen=True, kw_only=True):
    """A material is only there at `available_at`; without a site, that holds for all sites."""

    material: MaterialId
    available_at: Instant
    site: SiteId | None = None


class ShipmentLate(_Disturbance, frozen=True, kw_only=True):
    """A movement of a plan, on its way or still to leave, ends later than planned."""

    order: OrderId
    made_by: OperationId
    taken_by: OperationId
    leg: int
    arrives_at: Instant


class LaneClosed(_Disturbance, frozen=True, kw_only=True):
    """No shipment leaves on a lane from `since` on; `until` is when it opens, if known."""

    lane: LaneId
    since: Instant
    until: Instant | None = None


class PersonAbsent(_Disturbance, frozen=True, kw_only=True):
    """A person is away for a time."""

    person: PersonId
    since: Instant
    until: Instant


class ShiftCancelled(_Disturbance, frozen=True, kw_only=True):
    """Nobody of a shift of a site comes to work for a time."""

    site: SiteId
    shift: str
    since: Instant
    until: Instant


class RushOrder(_Disturbance, frozen=True, kw_only=True):
    """An order that goes before all others is planned; its plan takes what it takes."""

    plan: Plan


class ToolBroken(_Disturbance, frozen=True, kw_only=True):
    """A tool cannot be used from `since` on; `tool` is its name as plans hold it."""

    tool: str
    since: Instant
    until: Instant | None = None


class DueMoved(_Disturbance, frozen=True, kw_only=True):
    """An order is wanted at another time than was agreed."""

    order: OrderId
    due_at: Instant


class StepOverran(_Disturbance, frozen=True, kw_only=True):
    """A running step ends at `ends_at`, later than planned."""

    order: OrderId
    operation: OperationId
    work_unit: WorkUnitId
    planned_end: Instant
    ends_at: Instant


Disturbance = (
    KpiMoved
    | KpiExpired
    | UnitBroken
    | UnitClosed
    | UnitRepaired
    | MaterialLate
    | ShipmentLate
    | LaneClosed
    | PersonAbsent
    | ShiftCancelled
    | RushOrder
    | StepOverran
    | ToolBroken
    | DueMoved
)


Reported = (
    MaterialLate
    | ShipmentLate
    | LaneClosed
    | PersonAbsent
    | ShiftCancelled
    | StepOverran
    | ToolBroken
    | DueMoved
    | UnitClosed
)
"""What somebody has to tell; for the other disturbances there are facts of their own."""


def subject_of(disturbance: Reported) -> tuple[str, ...]:
    """Return what the disturbance speaks of: of two with one subject the later one counts."""
    found: tuple[str, ...]
    match disturbance:
        case MaterialLate():
            found = ("material", disturbance.material, disturbance.site or "")
        case ShipmentLate():
            way = (disturbance.made_by, disturbance.taken_by, str(disturbance.leg))
            found = ("shipment", disturbance.order, *way)
        case LaneClosed():
            found = ("lane", disturbance.lane)
        case PersonAbsent():
            found = ("person", disturbance.person)
        case ShiftCancelled():
            found = ("shift", disturbance.site, disturbance.shift)
        case StepOverran():
            found = ("step", disturbance.order, disturbance.operation)
        case ToolBroken():
            found = ("tool", disturbance.tool)
        case DueMoved():
            found = ("due", disturbance.order)
        case UnitClosed():
            found = ("closed", disturbance.work_unit, disturbance.job)
        case _:
            assert_never(disturbance)
    return found


def over_at(disturbance: Reported) -> Instant | None:
    """Return when it will be over by itself; None where nobody knows."""
    match disturbance:
        case MaterialLate():
            return disturbance.available_at
        case ShipmentLate():
            return disturbance.arrives_at
        case StepOverran():
            return disturbance.ends_at
        case DueMoved():
            return disturbance.due_at
        case LaneClosed() | PersonAbsent() | ShiftCancelled() | ToolBroken() | UnitClosed():
            return disturbance.until
        case _:
            assert_never(disturbance)
