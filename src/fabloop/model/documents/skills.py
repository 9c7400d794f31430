"""Skill vocabulary documents to the vocabulary and the KPIs it defines."""

from collections.abc import Mapping, Sequence

from fabloop.model.documents.bills import cycles
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.structs import (
    ParameterEntry,
    SkillEntry,
    SkillVocabularyDocument,
)
from fabloop.model.ids import KpiId, SkillId
from fabloop.model.knowledge import KpiDefinition
from fabloop.model.skill import ParameterDefinition, Rule, Skill, SkillVocabulary

COMPOSITION_DEPTH_MAX = 8

Found = Sequence[tuple[Sheet, SkillVocabularyDocument]]


def vocabulary_of(found: Found) -> SkillVocabulary | None:
    """Return the skills of all documents, or None where their hierarchy has faults."""
    entries = [
        (sheet.at("skills", index), entry)
        for sheet, document in found
        for index, entry in enumerate(document.skills)
    ]
    unique(((sheet.at("id"), entry.id) for sheet, entry in entries), "skill")
    skills = {SkillId(entry.id): _skill(sheet, entry) for sheet, entry in entries}
    places = {SkillId(entry.id): sheet for sheet, entry in reversed(entries)}
    sound = True
    for skill in skills.values():
        at = places[skill.id]
        if skill.broader is not None:
            sound &= at.at("broader").known(skill.broader, skills, "a skill of the vocabulary")
        for index, part in enumerate(skill.parts):
            sound &= at.at("parts", index).known(part, skills, "a skill of the vocabulary")
    _note_synonyms(entries, skills)
    sound = sound and not _note_cycles(skills, places)
    if sound:
        _note_depth(skills, places)
    return SkillVocabulary(skills=skills) if sound else None


def _note_synonyms(
    entries: Sequence[tuple[Sheet, SkillEntry]], skills: Mapping[SkillId, Skill]
) -> None:
    """Note other names that mean two skills."""
    places = [
        (sheet.at("synonyms", index), name)
        for sheet, entry in entries
        for index, name in enumerate(entry.synonyms)
    ]
    unique(places, "synonym")
    for sheet, name in places:
        if name in skills:
            sheet.fault("a name that is no id of a skill", repr(name))


def _skill(sheet: Sheet, entry: SkillEntry) -> Skill:
    at = sheet.at("parameters")
    unique(((at.at(i, "name"), each.name) for i, each in enumerate(entry.parameters)), "parameter")
    for index, parameter in enumerate(entry.parameters):
        _note_rule(parameter, at.at(index))
    parts = sheet.at("parts")
    unique(((parts.at(i), each) for i, each in enumerate(entry.parts)), "part")
    if len(entry.parts) == 1:
        parts.fault("two parts or more", "one", "Say 'broader' for a kind of another skill.")
    return Skill(
        id=SkillId(entry.id),
        label=entry.label,
        broader=None if entry.broader is None else SkillId(entry.broader),
        parameters=tuple(
            ParameterDefinition(
                name=each.name, label=each.label, rule=each.rule, dimension=each.dimension
            )
            for each in entry.parameters
        ),
        parts=tuple(SkillId(each) for each in entry.parts),
        synonyms=entry.synonyms,
    )


def _note_rule(parameter: ParameterEntry, sheet: Sheet) -> None:
    if parameter.rule is Rule.AMONG and parameter.dimension is not None:
        sheet.at("dimension").fault(
            "no dimension with the rule 'among', which compares texts",
            repr(str(parameter.dimension)),
        )
    if parameter.rule is not Rule.AMONG and parameter.dimension is None:
        sheet.fault(
            f"a dimension with the rule '{parameter.rule}', such as 'length'", "no dimension"
        )


def _note_cycles(skills: Mapping[SkillId, Skill], places: Mapping[SkillId, Sheet]) -> bool:
    """Note skills that are a kind or a part of themselves; tell whether there are any."""
    edges = {
        each.id: (each.parts if each.broader is None else (each.broader, *each.parts))
        for each in skills.values()
    }
    found = cycles(edges)
    for cycle in found:
        inside = skills[cycle[0]].broader == cycle[1]
        places[cycle[0]].at("broader" if inside else "parts").fault(
            "a hierarchy of skills without cycles",
            " → ".join(repr(str(skill)) for skill in cycle),
            "Let one of them have no broader skill." if inside else "No skill is made of itself.",
        )
    return bool(found)


def _note_depth(skills: Mapping[SkillId, Skill], places: Mapping[SkillId, Sheet]) -> None:
    """Note skills whose parts have parts, and so on, too many times over."""
    depth = dict.fromkeys(skills, 0)
    for _ in range(COMPOSITION_DEPTH_MAX + 1):
        depth = {
            each.id: 1 + max(depth[part] for part in each.parts) if each.parts else 0
            for each in skills.values()
        }
    for each, levels in depth.items():
        if levels > COMPOSITION_DEPTH_MAX:
            places[each].at("parts").fault(
                f"parts within parts at most {COMPOSITION_DEPTH_MAX} times over",
                f"more for {each!r}",
            )


def kpi_definitions_of(found: Found) -> dict[KpiId, KpiDefinition]:
    """Return the KPIs that all documents define."""
    entries = [
        (sheet.at("kpis", index, "id"), entry)
        for sheet, document in found
        for index, entry in enumerate(document.kpis)
    ]
    unique(((sheet, entry.id) for sheet, entry in entries), "KPI")
    return {
        KpiId(entry.id): KpiDefinition(
            id=KpiId(entry.id), label=entry.label, dimension=entry.dimension
        )
        for _, entry in entries
    }
