"""Disturbances: what happens in sites and on the road that plans did not reckon with."""

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
    | UnitRepaired
    | MaterialLate
    | ShipmentLate
    | LaneClosed
    | PersonAbsent
    | ShiftCancelled
    | RushOrder
    | StepOverran
)
