"""What the documents define, for checking what they refer to."""

from collections.abc import Mapping

import msgspec

from fabloop.model.documents.collect import Sheet
from fabloop.model.ids import EquipmentTypeId, KpiId, ProductId, SiteId, SkillId, WorkUnitId
from fabloop.model.knowledge import EquipmentType, KpiDefinition
from fabloop.model.product import ProductFamily
from fabloop.model.site import Site, WorkUnit
from fabloop.model.skill import SkillVocabulary


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be referred to; None where the defining documents have faults.

    What refers to a None is not judged: the fault that matters has been noted already.
    """

    vocabulary: SkillVocabulary | None = None
    kpis: Mapping[KpiId, KpiDefinition] | None = None
    equipment_types: Mapping[EquipmentTypeId, EquipmentType] | None = None
    sites: Mapping[SiteId, Site] | None = None
    work_units: Mapping[WorkUnitId, WorkUnit] | None = None
    families: Mapping[ProductId, ProductFamily] | None = None
    offers_are_whole: bool = False
    """No offer had to be left out, so that what no offer rests on can be told."""

    def skill(self, name: str, sheet: Sheet) -> SkillId | None:
        """Return the skill with this id or synonym; None, and mostly a fault, where none is."""
        if self.vocabulary is None:
            return None
        found = self.vocabulary.named(name)
        if found is None:
            known = {
                word: None
                for each in self.vocabulary.skills.values()
                for word in (each.id, *each.synonyms)
            }
            sheet.known(name, known, "a skill of the vocabulary")
        return found
