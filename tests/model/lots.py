"""Lot records for tests: trees of lots over machines, with or without a measured condition."""

from random import Random

from fabloop.base.instant import DAY, Instant
from fabloop.base.quantity import Dimension
from fabloop.model.ids import (
    KpiId,
    LotId,
    MaterialId,
    OperationId,
    OrderId,
    SiteId,
    SkillId,
    WorkUnitId,
)
from fabloop.model.kpi import TOTAL_POSITION_ERROR, KpiValue
from fabloop.model.lot import LotRecord
from fabloop.model.skill import Skill, SkillVocabulary

MACHINE, MILL, REAM = SkillId("machine"), SkillId("mill"), SkillId("ream")
WORDS = SkillVocabulary(
    skills={
        MACHINE: Skill(id=MACHINE, label="Machine"),
        MILL: Skill(id=MILL, label="Mill", broader=MACHINE),
        REAM: Skill(id=REAM, label="Ream", broader=MACHINE),
    }
)


def error(upper: float, *, unit: str = "m1", kpi: str = TOTAL_POSITION_ERROR) -> KpiValue:
    return KpiValue(
        work_unit=WorkUnitId(unit),
        kpi=KpiId(kpi),
        value=upper - 1e-6,
        upper=upper,
        dimension=Dimension.LENGTH,
        at=Instant(0),
        valid_for_ns=DAY,
        source="test",
    )


def lot(
    name: str, *consumed: str, operation: str = "mill", order: str = "o", unit: str = "m1", kpis=()
):
    return LotRecord(
        lot=LotId(name),
        material=MaterialId("thing"),
        order=OrderId(order),
        operation=OperationId(operation),
        consumed=tuple(LotId(each) for each in consumed),
        site=SiteId("graz"),
        work_unit=WorkUnitId(unit),
        person=None,
        started_at=Instant(1),
        ended_at=Instant(2),
        kpis=tuple(kpis),
        process="p v1",
    )


def skills(*records: LotRecord):
    return {(each.order, each.operation): SkillId(each.operation) for each in records}


def forest(seed: int, orders: int = 3, lots: int = 8) -> list[LotRecord]:
    """Return random trees, one per order, in the order in which the lots were made."""
    roll = Random(seed)
    found = []
    for order in range(orders):
        free: list[str] = []
        count = roll.randint(1, lots)
        for number in range(count):
            last = number == count - 1
            taken = len(free) if last else roll.randint(0, len(free))
            parts = [free.pop() for _ in range(taken)]
            name = f"{order}/{number}"
            condition = [error(roll.choice([9e-6, 15e-6, 18e-6]))] if roll.random() < 0.7 else []
            found.append(
                lot(
                    name,
                    *parts,
                    operation=roll.choice(["mill", "ream"]),
                    order=f"o{order}",
                    unit=roll.choice(["m1", "m2"]),
                    kpis=condition,
                )
            )
            free.append(name)
    return found
