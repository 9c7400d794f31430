"""Statements of RDF to a skill vocabulary document; ontologies of others are read as far as told.

A capability is what is said to be a ``css:Capability`` or a SKOS concept, a class below
``css:Capability``, what somebody provides or requires as one, or a part of one; what it is a kind
of is told by ``skos:broader`` or ``rdfs:subClassOf``.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from fabloop.adapters.rdf import terms
from fabloop.adapters.rdf.terms import Iri, Text, Triple
from fabloop.base.errors import Fault
from fabloop.model.documents import context_iri
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.skill import Rule

PARTS = (terms.PART, terms.COMPOSED_OF)
NARROWER = f"{terms.SKOS}narrower"
OWN_LABELS = (terms.LABEL, f"{terms.RDFS}label")
IDENTIFIERS = (terms.IDENTIFIER, f"{terms.SKOS}notation")
LANGUAGES = ("", "en", "de")
"""Which label is taken where there are several languages; then the first of the rest."""

Entry = dict[str, Any]


class _Graph:
    """Statements by subject and predicate."""

    def __init__(self, triples: Iterable[Triple]) -> None:
        self.said: dict[str, dict[str, list[Iri | Text]]] = {}
        for each in triples:
            by_predicate = self.said.setdefault(each.subject.value, {})
            by_predicate.setdefault(each.predicate, []).append(each.object)

    def iris(self, subject: str, *predicates: str) -> list[str]:
        """Return the resources that are told of a subject, each once, sorted."""
        found = self.said.get(subject, {})
        objects = (o for predicate in predicates for o in found.get(predicate, ()))
        return sorted({each.value for each in objects if isinstance(each, Iri)})

    def texts(self, subject: str, *predicates: str) -> list[Text]:
        """Return the literals that are told of a subject; of the first predicates first."""
        found = self.said.get(subject, {})
        objects = (o for predicate in predicates for o in found.get(predicate, ()))
        return [each for each in objects if isinstance(each, Text)]

    def of_type(self, *types: str) -> set[str]:
        """Return the subjects that have one of the types."""
        return {s for s in self.said if not set(types).isdisjoint(self.iris(s, terms.TYPE))}


def vocabulary_document(source: str, triples: Iterable[Triple], version: str = "1") -> Entry:
    """Return a skill vocabulary document, whose words are not yet checked against each other.

    Ids are told by ``dcterms:identifier`` or ``skos:notation``, or else taken from the ends of
    IRIs; labels in a language without a tag, English or German go before others.

    Raises
    ------
    Invalid
        There is no capability, two would have one id, or something told of one has no place in a
        vocabulary: several broader capabilities, an unknown rule or kind of quantity.
    """
    graph = _Graph(triples)
    capabilities = _capabilities(graph)
    faults: list[Fault] = []
    sheet = Sheet(source, faults, "")
    if not capabilities:
        sheet.fault("capabilities (css:Capability or skos:Concept)", "none")
    ids = _ids(graph, sorted(capabilities), sheet)
    kpis = _ids(graph, sorted(graph.of_type(terms.KPI)), sheet)
    document = {
        "document": "skill-vocabulary",
        "version": version,
        "@context": context_iri("skill-vocabulary"),
        "skills": [_skill(graph, iri, ids, sheet) for iri in ids],
    }
    if kpis:
        document["kpis"] = [_kpi(graph, iri, kpis, sheet) for iri in kpis]
    raise_if_any(faults)
    return document


def _capabilities(graph: _Graph) -> set[str]:
    """Return what is a capability: by type, as a class or concept, by its use, as a part of one."""
    schemes = graph.of_type(terms.SCHEME)
    found = graph.of_type(*terms.CAPABILITIES, terms.CONCEPT)
    for each in graph.said:
        found.update(graph.iris(each, terms.PROVIDES, terms.REQUIRES))
        found |= {each} if graph.iris(each, terms.REALIZED_BY) else set()
    kinds = {each: graph.iris(each, terms.SUBCLASS) for each in graph.said}
    below = {*terms.CAPABILITIES} | found
    while more := {each for each, above in kinds.items() if not below.isdisjoint(above)} - below:
        below |= more
    classes = below - found
    capabilities = (below | graph.of_type(*classes)) - {*terms.CAPABILITIES} - schemes
    while parts := {p for c in capabilities for p in graph.iris(c, *PARTS)} - capabilities:
        capabilities |= parts
    return capabilities


def _ids(graph: _Graph, iris: Iterable[str], sheet: Sheet) -> dict[str, str]:
    """Return an id for each IRI, and note ids that two of them would have."""
    ids: dict[str, str] = {}
    first: dict[str, str] = {}
    for iri in iris:
        told = graph.texts(iri, *IDENTIFIERS)
        name = _slug(told[0].value if told else re.split(r"[#/:]", iri.rstrip("#/"))[-1])
        if name in first:
            _about(iri, sheet).fault(
                "an id of its own",
                f"{name!r}, as of <{first[name]}>",
                "Tell them apart with dcterms:identifier.",
            )
        first.setdefault(name, iri)
        ids[iri] = name
    return dict(sorted(ids.items(), key=lambda each: each[1]))


def _slug(text: str) -> str:
    """Return a text as an id: lower case, words joined by ``-``."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", text)
    return re.sub(r"[^a-z0-9_.]+", "-", words.lower()).strip("-_.") or "unnamed"


def _label(graph: _Graph, iri: str, otherwise: str) -> str:
    texts = graph.texts(iri, *OWN_LABELS)
    for language in LANGUAGES:
        found = next((each.value for each in texts if each.language == language), None)
        if found is not None:
            return found
    return texts[0].value if texts else otherwise


def _skill(graph: _Graph, iri: str, ids: Mapping[str, str], sheet: Sheet) -> Entry:
    entry: Entry = {"id": ids[iri], "label": _label(graph, iri, ids[iri])}
    broader = {each for each in graph.iris(iri, terms.BROADER, terms.SUBCLASS) if each in ids}
    broader |= {each for each in graph.iris(iri, terms.TYPE) if each in ids}
    broader |= {each for each in ids if iri in graph.iris(each, NARROWER)}
    if len(broader) > 1:
        names = ", ".join(sorted(repr(ids[each]) for each in broader))
        _about(iri, sheet).fault("one capability that this is a kind of", names)
    elif broader:
        entry["broader"] = ids[broader.pop()]
    parts = [ids[each] for each in graph.iris(iri, *PARTS) if each in ids]
    if parts:
        entry["parts"] = sorted(parts)
    synonyms = sorted({each.value for each in graph.texts(iri, terms.SYNONYM)})
    if synonyms:
        entry["synonyms"] = synonyms
    parameters = [_parameter(graph, each, sheet) for each in graph.iris(iri, terms.SPECIFIED_BY)]
    if parameters:
        entry["parameters"] = sorted(parameters, key=lambda each: str(each["name"]))
    return entry


def _parameter(graph: _Graph, iri: str, sheet: Sheet) -> Entry:
    told = graph.texts(iri, *IDENTIFIERS)
    name = told[0].value if told else _slug(re.split(r"[#/:]", iri.rstrip("#/"))[-1])
    entry: Entry = {"name": name, "label": _label(graph, iri, name)}
    dimension = _dimension(graph, iri, sheet)
    rules = [each.value for each in graph.texts(iri, terms.RULE)]
    known = [each.value for each in Rule]
    for each in rules:
        _about(iri, sheet).known(each, known, "a rule")
    entry["rule"] = rules[0] if rules else Rule.AMONG if dimension is None else Rule.WITHIN
    if dimension is not None:
        entry["dimension"] = dimension
    return entry


def _kpi(graph: _Graph, iri: str, ids: Mapping[str, str], sheet: Sheet) -> Entry:
    dimension = _dimension(graph, iri, sheet)
    if dimension is None:
        _about(iri, sheet).fault("a kind of quantity (qudt:hasQuantityKind)", "none")
    return {"id": ids[iri], "label": _label(graph, iri, ids[iri]), "dimension": dimension}


def _dimension(graph: _Graph, iri: str, sheet: Sheet) -> str | None:
    kinds = graph.iris(iri, terms.QUANTITY_KIND)
    for each in kinds:
        _about(iri, sheet).known(each, terms.DIMENSION_OF_KIND, "a known kind of quantity")
    known = [terms.DIMENSION_OF_KIND[each] for each in kinds if each in terms.DIMENSION_OF_KIND]
    return known[0].value if known else None


def _about(iri: str, sheet: Sheet) -> Sheet:
    """Return the sheet at what is told of one resource."""
    return Sheet(sheet.source, sheet.faults, f"<{iri}>")
