"""Material lots: what was made of what, where, when, by whom, and in which condition."""

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import (
    LotId,
    MaterialId,
    OperationId,
    OrderId,
    PersonId,
    SiteId,
    WorkUnitId,
)
from fabloop.model.kpi import KpiValue


class LotRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One operation's result: the lot it made and everything a recall may ask about.

    `kpis` are the work unit's KPI values as they were known when the operation started;
    `process` is the process definition and version under which it was carried out.
    """

    lot: LotId
    material: MaterialId
    order: OrderId
    operation: OperationId
    consumed: tuple[LotId, ...]
    site: SiteId
    work_unit: WorkUnitId
    person: PersonId | None
    started_at: Instant
    ended_at: Instant
    kpis: tuple[KpiValue, ...]
    process: str
