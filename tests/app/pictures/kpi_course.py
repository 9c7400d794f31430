"""A total position error that climbs over its limit, and a small genealogy: material for tests."""

from fabloop.base.instant import DAY, HOUR, MINUTE, Instant, instant_of
from fabloop.base.quantity import Dimension
from fabloop.model.ids import (
    LotId,
    MaterialId,
    OperationId,
    OrderId,
    PersonId,
    SiteId,
    WorkUnitId,
)
from fabloop.model.kpi import TOTAL_POSITION_ERROR, KpiTerm, KpiValue
from fabloop.model.lot import LotRecord

BEGIN = instant_of("2026-10-20T05:00:00Z")
LIMIT_M = 15e-6


def course(count: int = 34, *, gap_at: int | None = None) -> list[KpiValue]:
    values, at = [], BEGIN
    for number in range(count):
        value = 9e-6 + 0.2e-6 * number + (0.3e-6 if number % 3 else 0.0)
        values.append(
            KpiValue(
                work_unit=WorkUnitId("u630"), kpi=TOTAL_POSITION_ERROR,
                value=value, upper=value + 0.8e-6, dimension=Dimension.LENGTH, at=at,
                valid_for_ns=2 * DAY, source="tpe/1, daily test program 3",
                terms=(
                    KpiTerm(name="backlash", value=4.1e-6, dimension=Dimension.LENGTH, axis="X"),
                    KpiTerm(name="backlash", value=3.2e-6, dimension=Dimension.LENGTH, axis="Y"),
                    KpiTerm(name="circularity", value=5.0e-6, dimension=Dimension.LENGTH),
                    KpiTerm(name="friction", value=31.0, dimension=Dimension.FORCE, axis="X"),
                ),
            )
        )  # fmt: skip
        at = Instant(at + (5 * DAY if number == gap_at else DAY))
    return values


def lots() -> list[LotRecord]:
    def lot(name, material, operation, unit, consumed, hours, person=None):
        start = Instant(BEGIN + hours * HOUR)
        return LotRecord(
            lot=LotId(name), material=MaterialId(material), order=OrderId("order-1042"),
            operation=OperationId(operation), consumed=tuple(LotId(each) for each in consumed),
            site=SiteId("graz"), work_unit=WorkUnitId(unit),
            person=PersonId(person) if person else None, started_at=start,
            ended_at=Instant(start + 30 * MINUTE), kpis=(), process="wave-gear/1",
        )  # fmt: skip

    return [
        lot("L-1", "base", "mill-base", "nlx", ("bar-77",), 0),
        lot("L-2", "blank", "mill-generator", "nlx", ("bar-78",), 1),
        lot("L-3", "drilled", "drill-generator", "u630", ("L-2",), 2),
        lot("L-4", "reamed", "ream-generator", "u630", ("L-3",), 3),
        lot("L-5", "assembled gear", "assemble", "bench", ("L-1", "L-4"), 4, "fitter-3"),
        lot("L-6", "wave gear", "inspect", "bench", ("L-5",), 5, "inspector-1"),
    ]
