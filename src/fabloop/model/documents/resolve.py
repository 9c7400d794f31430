"""All documents together: read each, check what they say of each other, give the knowledge."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.base.names import did_you_mean
from fabloop.model.documents.across import (
    note_families_of_setups,
    note_future_values,
    note_materials_in_stock,
)
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.documents.equipment import equipment_types_of
from fabloop.model.documents.goal_structs import GoalsDocument
from fabloop.model.documents.goals import goals_of
from fabloop.model.documents.lanes import lanes_of
from fabloop.model.documents.measurements import kpi_values_of
from fabloop.model.documents.names import Names
from fabloop.model.documents.orders import order_of
from fabloop.model.documents.policy import plan_policy_of
from fabloop.model.documents.policy_structs import AdaptationPolicyDocument
from fabloop.model.documents.product_structs import ProductDocument
from fabloop.model.documents.products import families_of
from fabloop.model.documents.safety import safety_of
from fabloop.model.documents.safety_structs import SafetyDocument
from fabloop.model.documents.schema import context_iri
from fabloop.model.documents.site_structs import ShippingDocument, SiteDocument
from fabloop.model.documents.sites import sites_of
from fabloop.model.documents.skills import kpi_definitions_of, vocabulary_of
from fabloop.model.documents.structs import (
    KINDS,
    Document,
    EquipmentTypesDocument,
    KpiValuesDocument,
    OrderDocument,
    SkillVocabularyDocument,
)
from fabloop.model.documents.structure import decode, kind_in, kind_of
from fabloop.model.documents.texts import DOCUMENTS_MAX
from fabloop.model.documents.values import Purse
from fabloop.model.ids import EquipmentTypeId, KpiId
from fabloop.model.knowledge import EquipmentType, Knowledge, KpiDefinition
from fabloop.model.site import Network
from fabloop.model.skill import SkillVocabulary

Kind = TypeVar("Kind", bound=Document)
INDISPENSABLE = {
    "skill-vocabulary": "a skill vocabulary",
    "equipment-types": "an equipment types document",
    "site": "a site: without a factory nothing can be made",
}


class Desk:
    """The documents that could be read, their common faults, and the kinds that are in doubt."""

    def __init__(self, documents: Mapping[str, bytes]) -> None:
        self.faults: list[Fault] = []
        self.read: list[tuple[Sheet, Document]] = []
        self.in_doubt: set[str] = set()
        for source, data in documents.items():
            document = decode(source, data, self.faults)
            if document is not None:
                self.read.append((Sheet(source, self.faults), document))
                continue
            kind = kind_in(data)
            self.in_doubt |= {kind} if kind is not None else set(KINDS)

    def of(self, kind: type[Kind]) -> list[tuple[Sheet, Kind]]:
        """Return the documents of one kind."""
        return [(sheet, document) for sheet, document in self.read if isinstance(document, kind)]

    def sure(self, *kinds: str) -> bool:
        """Tell whether every document of these kinds could be read."""
        return self.in_doubt.isdisjoint(kinds)


def resolve(documents: Mapping[str, bytes], *, now: Instant | None = None) -> Knowledge:
    """Return the knowledge in documents (name as the user knows it to bytes).

    No KPI value may have been measured after `now`, or without it after the last order among the
    documents was received.

    Raises
    ------
    Invalid
        Every fault of every document: syntax, form, then what they say and refer to. What refers
        to a document that could not be read is not judged.
    """
    if len(documents) > DOCUMENTS_MAX:
        raise Invalid(
            Fault(
                source="documents",
                path="",
                expected=f"at most {DOCUMENTS_MAX} documents",
                found=str(len(documents)),
                hint="The limit is DOCUMENTS_MAX.",
            )
        )
    desk = Desk(documents)
    _note_contexts(desk)
    _note_missing(desk, documents)
    knowledge = _knowledge(desk, now)
    raise_if_any(desk.faults)
    return knowledge


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What skill vocabularies and equipment types say, without a factory."""

    vocabulary: SkillVocabulary
    kpis: dict[KpiId, KpiDefinition]
    equipment_types: dict[EquipmentTypeId, EquipmentType]


def resolve_words(documents: Mapping[str, bytes]) -> Words:
    """Return the skills, KPIs and equipment types in documents; others are left aside.

    Raises
    ------
    Invalid
        Every fault of these documents, or there is no skill vocabulary among them.
    """
    kinds = ("skill-vocabulary", "equipment-types")
    desk = Desk({name: data for name, data in documents.items() if kind_in(data) in kinds})
    _note_contexts(desk)
    found = desk.of(SkillVocabularyDocument)
    vocabulary, kpis = vocabulary_of(found), kpi_definitions_of(found)
    if not found and desk.sure("skill-vocabulary"):
        _note_none("skill-vocabulary", len(documents), desk)
    told = bool(found) and desk.sure("skill-vocabulary")
    names = Names(vocabulary=vocabulary if told else None, kpis=kpis if told else None)
    _, types = _with_equipment(desk, names)
    raise_if_any(desk.faults)
    assert vocabulary is not None, "a hierarchy with faults has been told"
    return Words(vocabulary=vocabulary, kpis=kpis, equipment_types=types)


def check(documents: Mapping[str, bytes]) -> tuple[Fault, ...]:
    """Return every fault of the documents, none where `resolve` would give knowledge."""
    try:
        resolve(documents)
    except Invalid as error:
        return error.faults
    return ()


def _note_contexts(desk: Desk) -> None:
    for sheet, document in desk.read:
        wanted = context_iri(kind_of(document))
        if document.context != wanted:
            sheet.at("@context").fault(
                f"the published context {wanted!r}",
                repr(document.context),
                did_you_mean(document.context, (wanted,)),
            )


def _note_missing(desk: Desk, documents: Mapping[str, bytes]) -> None:
    present = {kind_of(document) for _, document in desk.read}
    for kind in INDISPENSABLE:
        if kind not in present and desk.sure(kind):
            _note_none(kind, len(documents), desk)


def _note_none(kind: str, count: int, desk: Desk) -> None:
    desk.faults.append(
        Fault(
            source="documents",
            path="",
            expected=f"at least one document that describes {INDISPENSABLE[kind]}",
            found=f"none among {count} documents",
            hint=f'Add a document with "document": "{kind}".',
        )
    )


def _knowledge(desk: Desk, now: Instant | None) -> Knowledge:
    """Return everything resolved; it is only fit for use where no fault was noted."""
    purse = Purse()
    vocabularies = desk.of(SkillVocabularyDocument)
    vocabulary = vocabulary_of(vocabularies)
    kpis = kpi_definitions_of(vocabularies)
    told = bool(vocabularies) and desk.sure("skill-vocabulary")
    names = Names(vocabulary=vocabulary if told else None, kpis=kpis if told else None)
    names, types = _with_equipment(desk, names)
    listed = sites_of(desk.of(SiteDocument), names, purse)
    sites = {site.id: site for site in listed}
    if sites and desk.sure("site"):
        units = {unit.id: unit for site in listed for unit in site.work_units}
        names = replace(names, sites=sites, work_units=units)
    network = Network(sites=sites, lanes=lanes_of(desk.of(ShippingDocument), names, purse))
    families = families_of(desk.of(ProductDocument), names, purse)
    names = replace(names, families=families if desk.sure("product") else None)
    values = kpi_values_of(desk.of(KpiValuesDocument), names)
    before = len(desk.faults)
    orders = [order_of(order, sheet, names) for sheet, order in desk.of(OrderDocument)]
    if families and desk.sure("product"):
        note_families_of_setups(desk.of(SiteDocument), families.values())
        note_materials_in_stock(desk.of(SiteDocument), families.values())
    if len(desk.faults) == before:
        note_future_values(desk.of(KpiValuesDocument), values, orders, now)
    return Knowledge(
        currency=purse.currency,
        vocabulary=vocabulary or SkillVocabulary(skills={}),
        kpi_definitions=kpis,
        equipment_types=types,
        network=network,
        families=families,
        kpis=values,
        safety=safety_of(desk.of(SafetyDocument), names.work_units),
        policy=plan_policy_of(desk.of(AdaptationPolicyDocument)),
        goals=tuple(goals_of(each, sheet) for sheet, each in desk.of(GoalsDocument)),
    )


def _with_equipment(desk: Desk, names: Names) -> tuple[Names, dict[EquipmentTypeId, EquipmentType]]:
    """Return the names with the equipment types, and those types."""
    before = len(desk.faults)
    types = equipment_types_of(desk.of(EquipmentTypesDocument), names)
    sure = desk.sure("equipment-types")
    whole = sure and names.vocabulary is not None and len(desk.faults) == before
    return replace(names, equipment_types=types if sure else None, offers_are_whole=whole), types
