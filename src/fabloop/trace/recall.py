"""Recall: which products does a doubtful lot, or a machine in doubtful condition, reach?"""

from collections.abc import Iterable

import msgspec

from fabloop.model.ids import KpiId, LotId, OperationId, OrderId, SkillId, WorkUnitId
from fabloop.model.lot import LotRecord
from fabloop.model.skill import SkillVocabulary
from fabloop.trace.genealogy import by_number, finished_products, lots_within


class ContainsLot(msgspec.Struct, frozen=True, kw_only=True, tag="contains-lot"):
    """Products with this lot anywhere in them."""

    lot: LotId


class MadeWhile(msgspec.Struct, frozen=True, kw_only=True, tag="made-while"):
    """Products with an operation of this skill done on a work unit whose KPI was above a limit.

    `above` is SI and compared with the upper bound of the value known when the work began. A
    record without a value of the KPI is returned too: unknown is not fine.
    """

    skill: SkillId
    work_unit: WorkUnitId
    kpi: KpiId
    above: float


RecallQuery = ContainsLot | MadeWhile


class RecallHit(msgspec.Struct, frozen=True, kw_only=True):
    """A product concerned, and the lots within it that make it so."""

    product: LotId
    order: OrderId
    because: tuple[LotId, ...]


class RecallAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The products concerned out of those looked at."""

    query: RecallQuery
    hits: tuple[RecallHit, ...]
    products_searched: int


def recall(
    query: RecallQuery,
    records: Iterable[LotRecord],
    skills: dict[tuple[OrderId, OperationId], SkillId],
    vocabulary: SkillVocabulary,
) -> RecallAnswer:
    """Return the finished products that the query concerns.

    `skills` says which skill each recorded operation required.
    """
    known = tuple(records)
    by_lot, products = by_number(known), finished_products(known)
    hits = []
    for product in products:
        lots = {each.lot: each for each in lots_within(by_lot, product.lot)}
        because = tuple(
            lot for lot, each in lots.items() if _concerns(query, each, skills, vocabulary)
        )
        if because:
            hits.append(RecallHit(product=product.lot, order=product.order, because=because))
    return RecallAnswer(query=query, hits=tuple(hits), products_searched=len(products))


def _concerns(
    query: RecallQuery,
    record: LotRecord,
    skills: dict[tuple[OrderId, OperationId], SkillId],
    vocabulary: SkillVocabulary,
) -> bool:
    match query:
        case ContainsLot(lot=lot):
            return record.lot == lot
        case MadeWhile():
            skill = skills[record.order, record.operation]
            if record.work_unit != query.work_unit or not vocabulary.is_a(skill, query.skill):
                return False
            values = [value for value in record.kpis if value.kpi == query.kpi]
            return not values or any(value.upper > query.above for value in values)
