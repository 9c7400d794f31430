"""A vocabulary to statements of RDF: skills are capabilities of the CSS model and SKOS concepts."""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from fabloop.adapters.rdf import terms
from fabloop.adapters.rdf.terms import Iri, Text, Triple
from fabloop.base.quantity import Dimension
from fabloop.model.ids import KpiId
from fabloop.model.knowledge import EquipmentType, KpiDefinition
from fabloop.model.skill import ParameterDefinition, Skill, SkillVocabulary

BASE = "urn:fabloop:vocabulary:1:"
"""Where the names of our skills, KPIs and types of equipment stand."""


def vocabulary_triples(
    vocabulary: SkillVocabulary,
    kpis: Mapping[KpiId, KpiDefinition],
    types: Iterable[EquipmentType] = (),
    base: str = BASE,
) -> Iterator[Triple]:
    """Yield what a vocabulary says, and which types of equipment realise its skills.

    A type of equipment provides the capabilities it offers; each offer is an implementation
    (``css:Skill``) by which a capability is realised.
    """
    scheme = Iri(f"{base}vocabulary")
    yield Triple(scheme, terms.TYPE, Iri(terms.SCHEME))
    for skill in vocabulary.skills.values():
        yield from _skill(skill, scheme, base)
    for kpi in kpis.values():
        named = Iri(f"{base}kpi/{quote(kpi.id)}")
        yield Triple(named, terms.TYPE, Iri(terms.KPI))
        yield from _named(named, kpi.id, kpi.label)
        yield from _kind(named, kpi.dimension)
    for each in types:
        machine = Iri(f"{base}equipment-type/{quote(each.id)}")
        yield from _named(machine, each.id, each.label)
        if each.broader is not None:
            above = Iri(f"{base}equipment-type/{quote(each.broader)}")
            yield Triple(machine, terms.SUBCLASS, above)
        for offer in each.offers:
            capability = _of_skill(offer.skill, base)
            implementation = Iri(f"{machine.value}/{quote(offer.skill)}")
            yield Triple(machine, terms.PROVIDES, capability)
            yield Triple(machine, terms.PROVIDES_SKILL, implementation)
            yield Triple(implementation, terms.TYPE, Iri(terms.IMPLEMENTATION))
            yield Triple(capability, terms.REALIZED_BY, implementation)


def _skill(skill: Skill, scheme: Iri, base: str) -> Iterator[Triple]:
    named = _of_skill(skill.id, base)
    yield Triple(named, terms.TYPE, Iri(terms.CAPABILITY))
    yield Triple(named, terms.TYPE, Iri(terms.CONCEPT))
    yield Triple(named, terms.IN_SCHEME, scheme)
    yield from _named(named, skill.id, skill.label)
    for synonym in skill.synonyms:
        yield Triple(named, terms.SYNONYM, Text(synonym))
    if skill.broader is not None:
        yield Triple(named, terms.BROADER, _of_skill(skill.broader, base))
    for part in skill.parts:
        yield Triple(named, terms.PART, _of_skill(part, base))
    places = [Iri(f"{named.value}/{quote(each.name, safe='')}") for each in skill.parameters]
    for place in places:
        yield Triple(named, terms.SPECIFIED_BY, place)
    for place, parameter in zip(places, skill.parameters, strict=True):
        yield from _parameter(parameter, place)


def _parameter(parameter: ParameterDefinition, named: Iri) -> Iterator[Triple]:
    yield Triple(named, terms.TYPE, Iri(terms.PROPERTY))
    yield from _named(named, parameter.name, parameter.label)
    yield Triple(named, terms.RULE, Text(parameter.rule.value))
    if parameter.dimension is not None:
        yield from _kind(named, parameter.dimension)


def _kind(named: Iri, dimension: Dimension) -> Iterator[Triple]:
    yield Triple(named, terms.QUANTITY_KIND, Iri(terms.KIND_OF_DIMENSION[dimension]))


def _named(named: Iri, identifier: str, label: str) -> Iterator[Triple]:
    yield Triple(named, terms.IDENTIFIER, Text(identifier))
    yield Triple(named, terms.LABEL, Text(label))


def _of_skill(skill: str, base: str) -> Iri:
    return Iri(f"{base}skill/{quote(skill)}")
