"""JSON-LD contexts: what the words of each kind of document mean, as IRIs."""

from copy import deepcopy
from functools import cache
from typing import Any

from fabloop.model.documents.schema import named_kind, schema_of

NAMESPACE = "urn:fabloop:ns:1#"
"""Our words; a word without an IRI of its own below means the word in this namespace."""

PREFIXES = {
    "fabloop": NAMESPACE,
    "css": "http://www.w3id.org/hsu-aut/css#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dcterms": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "isa95": "urn:fabloop:ns:1:iec-62264#",
}
"""IEC 62264 has no namespace of its own for RDF, so its class names stand in one of ours."""

_REFERENCES = {
    "area", "broader", "by", "destination", "equipment_type", "fits", "gate", "inputs", "kpi",
    "made_of", "material", "monitors", "origin", "output", "part", "parts", "person_skill",
    "product", "shift", "skill", "work_unit",
}  # fmt: skip
"""Properties whose text names another entry."""

_MEANINGS: dict[str, Any] = {
    "label": "rdfs:label",
    "description": "dcterms:description",
    "broader": "skos:broader",
    "version": "dcterms:hasVersion",
    "measured_at": "prov:generatedAtTime",
    "received_at": "dcterms:dateSubmitted",
    "skills": "css:Skill",
    "offers": "css:providesCapability",
    "skill": "css:requiresCapability",
    "equipment_types": "isa95:EquipmentClass",
    "work_units": "isa95:Equipment",
    "areas": "isa95:Area",
    "persons": "isa95:Person",
    "materials": "isa95:MaterialDefinition",
    "operations": "isa95:OperationsSegment",
    "made_of": "isa95:AssemblyDefinitionID",
    "shifts": "isa95:WorkCalendarDefinitionEntry",
    "transport": "isa95:ResourceNetworkConnection",
    "lanes": "isa95:ResourceNetworkConnection",
    "parts": "dcterms:hasPart",
    "synonyms": "skos:altLabel",
    "calendar": "isa95:WorkCalendar",
    "tools": "isa95:PhysicalAsset",
    "stock": "isa95:MaterialSubLot",
    "quantity": "isa95:Quantity",
    "alternatives": "isa95:SegmentDependency",
}

_CLASSES = {
    "skill-vocabulary": "skos:ConceptScheme",
    "equipment-types": "fabloop:EquipmentTypes",
    "site": "isa95:Site",
    "shipping": "isa95:ResourceRelationshipNetwork",
    "product": "isa95:OperationsDefinition",
    "kpi-values": "fabloop:KpiValues",
    "order": "isa95:OperationsRequest",
    "monitoring": "isa95:OperationsDefinition",
    "simulation": "fabloop:Simulation",
    "safety": "fabloop:Safety",
}
"""What the property `document` says a document is."""

_INSTANTS = {"measured_at", "received_at", "due_at"}


def context_of(name: str) -> dict[str, Any]:
    """Return the JSON-LD 1.1 context of a kind of document, free to be changed by the caller.

    Raises
    ------
    NotFound
        There is no such kind; the message names the near ones.
    """
    return deepcopy(_context(named_kind(name)))


@cache
def _context(name: str) -> dict[str, Any]:
    terms: dict[str, Any] = {}
    for word in sorted(_words(schema_of(name))):
        terms[word] = _term(word)
    return {
        "@context": {
            "@version": 1.1,
            "@vocab": NAMESPACE,
            **PREFIXES,
            "id": "@id",
            "document": "@type",
            **{kind: iri for kind, iri in _CLASSES.items() if kind == name},
            "$schema": None,
            **terms,
        }
    }


def _words(schema: dict[str, Any]) -> set[str]:
    """Return every property that a schema knows, without JSON-LD's own and those above."""
    nodes = [schema, *schema["$defs"].values()]
    words = {word for node in nodes for word in node.get("properties", {})}
    return words - {"@context", "$schema", "id", "document"}


def _term(word: str) -> Any:
    iri = _MEANINGS.get(word, f"fabloop:{word}")
    if word in _INSTANTS:
        return {"@id": iri, "@type": "xsd:dateTime"}
    if word in _REFERENCES:
        return {"@id": iri, "@type": "@id"}
    return {"@id": iri}
