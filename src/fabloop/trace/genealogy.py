"""Genealogy: the tree of lots below a product, and which products a doubtful lot reached."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.facts import JobBound
from fabloop.model.ids import LotId, OperationId, SiteId
from fabloop.model.kpi import KpiValue
from fabloop.model.lot import LotRecord
from fabloop.model.order import ProductionOrder


def record_of(
    order: ProductionOrder,
    done: JobBound,
    *,
    site: SiteId,
    ended_at: Instant,
    supplier_lot: str,
    condition: tuple[KpiValue, ...],
    lots: Mapping[OperationId, LotId],
    process: str,
) -> LotRecord:
    """Return what is known of the lot that a finished operation left.

    A supplied lot keeps the supplier's number; a made one is named after order and operation.
    `lots` are the lots of this order so far; `condition` holds the work unit's KPI values that
    were known when the work began.
    """
    operation = order.product.operation(done.operation)
    assert done.work_unit is not None, "an operation is carried out on a work unit"
    made = LotId(supplier_lot or f"{order.id}/{operation.id}")
    return LotRecord(
        lot=made,
        material=operation.output,
        order=order.id,
        operation=operation.id,
        consumed=tuple(lots[each] for each in operation.inputs),
        site=site,
        work_unit=done.work_unit,
        person=done.person,
        started_at=done.begun_at,
        ended_at=ended_at,
        kpis=condition,
        process=process,
    )


class LotNode(msgspec.Struct, frozen=True, kw_only=True):
    """A lot with all it was made of."""

    record: LotRecord
    parts: "tuple[LotNode, ...]"

    def lots(self) -> Iterator[LotRecord]:
        """Yield this lot's record and all below it, top first."""
        ahead = [self]
        while ahead:
            node = ahead.pop()
            yield node.record
            ahead += reversed(node.parts)


def tree_of(records: Iterable[LotRecord], lot: LotId) -> LotNode:
    """Return the genealogy of one lot.

    Raises
    ------
    KeyError
        The lot, or one that it was made of, has no record.
    """
    by_lot = by_number(records)
    nodes: dict[LotId, LotNode] = {}
    for record in reversed(tuple(lots_within(by_lot, lot))):
        nodes[record.lot] = LotNode(
            record=record, parts=tuple(nodes[part] for part in record.consumed)
        )
    return nodes[lot]


def by_number(records: Iterable[LotRecord]) -> dict[LotId, LotRecord]:
    """Return the records by lot; of a lot that is recorded twice the last one."""
    return {record.lot: record for record in records}


def lots_within(by_lot: Mapping[LotId, LotRecord], lot: LotId) -> Iterator[LotRecord]:
    """Yield the record of a lot and of every lot it was made of, each before its own parts.

    A lot that several others were made of comes once for each of them.

    Raises
    ------
    KeyError
        The lot, or one that it was made of, has no record.
    """
    ahead = [lot]
    while ahead:
        record = by_lot[ahead.pop()]
        yield record
        ahead += reversed(record.consumed)


def finished_products(records: Iterable[LotRecord]) -> tuple[LotRecord, ...]:
    """Return the records of lots that no other recorded lot was made of."""
    known = tuple(records)
    taken = {lot for record in known for lot in record.consumed}
    return tuple(record for record in known if record.lot not in taken)
