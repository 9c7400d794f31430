"""Skill vocabulary documents to the vocabulary and the KPIs it defines."""

from collections.abc import Sequence

from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.structs import (
    ParameterEntry,
    SkillEntry,
    SkillVocabularyDocument,
)
from fabloop.model.ids import KpiId, SkillId
from fabloop.model.knowledge import KpiDefinition
from fabloop.model.skill import ParameterDefinition, Rule, Skill, SkillVocabulary

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
    places = {entry.id: sheet.at("broader") for sheet, entry in reversed(entries)}
    sound = True
    for skill in skills.values():
        if skill.broader is not None:
            sound &= places[skill.id].known(skill.broader, skills, "a skill of the vocabulary")
    if sound:
        sound = not _note_cycles(skills, places)
    return SkillVocabulary(skills=skills) if sound else None


def _skill(sheet: Sheet, entry: SkillEntry) -> Skill:
    at = sheet.at("parameters")
    unique(((at.at(i, "name"), each.name) for i, each in enumerate(entry.parameters)), "parameter")
    for index, parameter in enumerate(entry.parameters):
        _note_rule(parameter, at.at(index))
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


def _note_cycles(skills: dict[SkillId, Skill], places: dict[str, Sheet]) -> bool:
    """Note each cycle of the hierarchy once; tell whether there is any."""
    cleared: set[SkillId] = set()
    any_cycle = False
    for start in skills:
        way: list[SkillId] = []
        each: SkillId | None = start
        while each is not None and each not in cleared and each not in way:
            way.append(each)
            each = skills[each].broader
        if each is not None and each in way:
            cycle = [*way[way.index(each) :], each]
            places[each].fault(
                "a hierarchy of skills without cycles",
                " → ".join(repr(str(skill)) for skill in cycle),
                "Let one of them have no broader skill.",
            )
            any_cycle = True
        cleared.update(way)
    return any_cycle


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
