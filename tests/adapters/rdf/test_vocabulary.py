"""Skill vocabularies as RDF: what is written is read again, ontologies of others are understood."""

import json
import sys
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.adapters.rdf import (
    RDF_FORMATS,
    format_of,
    parsed,
    vocabulary_document,
    vocabulary_triples,
    written,
)
from fabloop.adapters.rdf.graph import TRIPLES_MAX
from fabloop.adapters.rdf.terms import DIMENSION_OF_KIND, KIND_OF_DIMENSION
from fabloop.base.errors import Invalid, Refused
from fabloop.base.quantity import Dimension
from fabloop.model.documents import Words, resolve_words
from fabloop.model.knowledge import KpiDefinition
from fabloop.model.skill import ParameterDefinition, Rule, Skill, SkillVocabulary
from model.small_shop import put, small_shop
from model.small_shop import written as files

HEAD = """
@prefix css: <http://www.w3id.org/hsu-aut/css#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix quantitykind: <http://qudt.org/vocab/quantitykind/> .
@prefix fabloop: <urn:fabloop:ns:1#> .
@prefix : <http://example.org/plant#> .
"""


def words_of(turtle: str) -> Words:
    """Return what a Turtle text tells, checked as a document."""
    document = vocabulary_document("x.ttl", parsed("x.ttl", (HEAD + turtle).encode(), "turtle"))
    return resolve_words({"x.json": json.dumps(document).encode()})


def faults_of(turtle: str) -> list[str]:
    with pytest.raises(Invalid) as caught:
        words_of(turtle)
    return [f"{each.path} {each.expected}: {each.found}" for each in caught.value.faults]


def tidy(vocabulary: SkillVocabulary) -> dict[str, Skill]:
    """Return the skills with what has no order of meaning in one order."""
    return {
        each.id: msgspec.structs.replace(
            each,
            parts=tuple(sorted(each.parts)),
            synonyms=tuple(sorted(each.synonyms)),
            parameters=tuple(sorted(each.parameters, key=lambda one: one.name)),
        )
        for each in vocabulary.skills.values()
    }


LABELS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
NAMES = [f"skill-{number}" for number in range(6)]


@st.composite
def parameters(draw):
    among = draw(st.booleans())
    rule = Rule.AMONG if among else draw(st.sampled_from([e for e in Rule if e is not Rule.AMONG]))
    dimension = None if among else draw(st.sampled_from(Dimension))
    name = draw(LABELS)
    return ParameterDefinition(name=name, label=draw(LABELS), rule=rule, dimension=dimension)


@st.composite
def vocabularies(draw) -> SkillVocabulary:
    skills: dict[str, Skill] = {}
    synonyms = draw(
        st.lists(LABELS.filter(lambda each: each not in NAMES), unique=True, max_size=4)
    )
    for name in draw(st.permutations(NAMES))[: draw(st.integers(1, 6))]:
        before = sorted(skills)
        parts = draw(st.lists(st.sampled_from(before), unique=True)) if before else []
        skills[name] = Skill(
            id=name,
            label=draw(LABELS),
            broader=draw(st.sampled_from([None, *before])),
            parts=tuple(parts) if len(parts) > 1 else (),
            synonyms=(synonyms.pop(),) if synonyms else (),
            parameters=tuple(
                draw(st.lists(parameters(), max_size=3, unique_by=lambda each: each.name))
            ),
        )
    return SkillVocabulary(skills=skills)


def definitions(found: dict[str, Dimension]) -> dict[str, KpiDefinition]:
    return {n: KpiDefinition(id=n, label=n.title(), dimension=d) for n, d in found.items()}


KPIS = st.dictionaries(
    st.sampled_from(["tpe", "heat"]), st.sampled_from(Dimension), max_size=2
).map(definitions)


@pytest.mark.parametrize("form", RDF_FORMATS)
def test_what_is_written_is_read_again(form):
    @settings(max_examples=30, deadline=None)
    @given(vocabularies(), KPIS)
    def holds(vocabulary, kpis):
        data = written(vocabulary_triples(vocabulary, kpis), form)
        document = vocabulary_document("v", parsed("v", data, form))
        again = resolve_words({"v.json": json.dumps(document).encode()})
        assert tidy(again.vocabulary) == tidy(vocabulary)
        assert again.kpis == kpis

    holds()


def test_equipment_types_realise_the_capabilities_that_they_offer():
    words = resolve_words(files(small_shop()))
    types = words.equipment_types.values()
    data = written(vocabulary_triples(words.vocabulary, words.kpis, types), "n-triples").decode()
    skill, type_ = "urn:fabloop:vocabulary:1:skill/ream", "urn:fabloop:vocabulary:1:equipment-type"
    css = "http://www.w3id.org/hsu-aut/css#"
    assert f"<{type_}/mill> <{css}providesCapability> <{skill}> ." in data
    assert f"<{skill}> <{css}isRealizedBy> <{type_}/mill/ream> ." in data
    document = vocabulary_document("v", parsed("v", data.encode(), "n-triples"))
    again = resolve_words({"v.json": json.dumps(document).encode()})
    assert tidy(again.vocabulary) == tidy(words.vocabulary)  # implementations are no skills


def test_a_class_of_capabilities_below_another_is_a_kind_of_it():
    found = words_of("""
        :Machining rdfs:subClassOf css:Capability ; rdfs:label "Zerspanen"@de, "Machining"@en .
        :DeepHoleDrilling rdfs:subClassOf :Machining .
        :drill_1 a :DeepHoleDrilling ; rdfs:label "Drilling at station 1" .
        :Robot a owl:Class .
    """).vocabulary
    assert {each.id: (each.broader, each.label) for each in found.skills.values()} == {
        "machining": (None, "Machining"),
        "deep-hole-drilling": ("machining", "deep-hole-drilling"),
        "drill_1": ("deep-hole-drilling", "Drilling at station 1"),
    }


def test_capabilities_are_known_by_their_use_and_as_parts_of_others():
    found = words_of("""
        @prefix cask: <http://www.w3id.org/hsu-aut/cask#> .
        @prefix vdi3682: <http://www.w3id.org/hsu-aut/VDI3682#> .
        :CompleteDrilling a cask:ProvidedCapability ; vdi3682:isComposedOf :Check, :Drilling .
        :Unit a css:Resource ; css:providesCapability :Drilling .
        :Milling css:isRealizedBy :MillingProgram .
        :MillingProgram a css:Skill .
    """).vocabulary
    assert set(found.skills) == {"complete-drilling", "check", "drilling", "milling"}
    assert found.skills["complete-drilling"].parts == ("check", "drilling")


def test_concepts_of_a_thesaurus_are_skills_with_synonyms_and_parts():
    found = words_of("""
        :scheme a skos:ConceptScheme .
        :1 a skos:Concept ; skos:notation "joining" ; skos:prefLabel "Joining" ; skos:narrower :2 .
        :2 a skos:Concept ; skos:notation "welding" ; skos:altLabel "Schweissen"@de, "weld" .
        :3 a skos:Concept ; skos:notation "build" ; dcterms:hasPart :1, :2 .
    """).vocabulary
    assert found.skills["welding"].broader == "joining"
    assert found.named("weld") == "welding"
    assert found.skills["build"].parts == ("joining", "welding")
    assert "scheme" not in found.skills


def test_a_property_has_the_dimension_of_its_kind_of_quantity():
    found = words_of("""
        :Drilling a css:Capability ; css:isSpecifiedBy :Bore, :Tool .
        :Bore qudt:hasQuantityKind quantitykind:Diameter ; rdfs:label "Bore" .
        :Tool rdfs:label "Tool material" .
    """).vocabulary
    bore, tool = found.skills["drilling"].parameters
    assert (bore.name, bore.rule, bore.dimension) == ("bore", Rule.WITHIN, Dimension.LENGTH)
    assert (tool.name, tool.rule, tool.dimension) == ("tool", Rule.AMONG, None)


@pytest.mark.parametrize(
    ("turtle", "told"),
    [
        (":Robot a owl:Class .", " capabilities (css:Capability or skos:Concept): none"),
        (
            ":a a css:Capability ; skos:broader :b, :c . :b a skos:Concept . :c a skos:Concept .",
            "<http://example.org/plant#a> one capability that this is a kind of: 'b', 'c'",
        ),
        (
            ':a a css:Capability . :b a css:Capability ; dcterms:identifier "a" .',
            "<http://example.org/plant#b> an id of its own: 'a', as of <http://example.org/plant#a>",
        ),
        (
            ':a a css:Capability ; css:isSpecifiedBy :p . :p fabloop:rule "about" .',
            "<http://example.org/plant#p> a rule: 'about'",
        ),
        (
            ":a a css:Capability ; css:isSpecifiedBy :p . :p qudt:hasQuantityKind <urn:Mas> .",
            "<http://example.org/plant#p> a known kind of quantity: 'urn:Mas'",
        ),
        (
            ":k a fabloop:Kpi . :a a css:Capability .",
            "<http://example.org/plant#k> a kind of quantity (qudt:hasQuantityKind): none",
        ),
        (
            ":a a css:Capability ; skos:broader :b . :b a css:Capability ; skos:broader :a .",
            "$.skills[0].broader a hierarchy of skills without cycles: 'a' → 'b' → 'a'",
        ),
    ],
)
def test_what_has_no_place_in_a_vocabulary_is_told_with_its_resource(turtle, told):
    assert faults_of(turtle)[0] == told


def test_every_dimension_has_a_kind_of_quantity_of_its_own():
    assert set(KIND_OF_DIMENSION) == set(Dimension)
    assert all(DIMENSION_OF_KIND[iri] is each for each, iri in KIND_OF_DIMENSION.items())


@pytest.mark.parametrize("form", RDF_FORMATS)
def test_bytes_that_are_not_of_the_format_are_refused(form):
    with pytest.raises(Invalid, match=f"Expected RDF in the format {form}"):
        parsed("x", b"{ not at all <", form)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(sorted(RDF_FORMATS)))
def test_damaged_files_yield_a_document_or_faults_and_nothing_else(data, form):
    words = resolve_words(files(small_shop()))
    content = written(vocabulary_triples(words.vocabulary, words.kpis), form)
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 20)))
    damaged = content[:start] + data.draw(st.binary(max_size=6)) + content[end:]
    with suppress(Invalid):
        document = vocabulary_document("v", parsed("v", damaged, form))
        resolve_words({"v.json": json.dumps(document).encode()})


def test_too_many_statements_are_refused():
    data = b"\n".join(b"<urn:a> <urn:p> <urn:%d> ." % each for each in range(TRIPLES_MAX + 1))
    with pytest.raises(Invalid, match=f"at most {TRIPLES_MAX} statements"):
        parsed("x.nt", data, "n-triples")


def test_a_context_elsewhere_is_not_fetched():
    data = b'{"@context": "http://example.org/context", "@id": "urn:a"}'
    with pytest.raises(Invalid, match="Expected RDF in the format json-ld"):
        parsed("x.jsonld", data, "json-ld")


def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyoxigraph", None)
    with pytest.raises(Refused, match=r"pip install 'fabloop\[rdf\]'"):
        parsed("x.nt", b"", "n-triples")


def test_the_format_is_told_or_follows_from_the_name():
    assert format_of("skills.ttl", None) == "turtle"
    assert format_of("skills.txt", "json-ld") == "json-ld"
    with pytest.raises(Invalid, match=r"ends in one of \.ttl, \.nt, \.rdf, \.jsonld"):
        format_of("skills.txt", None)
    with pytest.raises(Invalid, match="Did you mean 'turtle'"):
        format_of("skills.txt", "turle")


def test_a_folder_without_a_vocabulary_is_told():
    with pytest.raises(Invalid, match="describes a skill vocabulary"):
        resolve_words({"a.json": json.dumps(small_shop()["graz.json"]).encode()})
    broken = put(small_shop(), "skills.json/skills/2/broader", "bor")
    with pytest.raises(Invalid, match="Did you mean 'bore'"):
        resolve_words(files(broken))
