"""Skill vocabularies as RDF: Turtle, N-Triples, RDF/XML and JSON-LD, in and out.

It needs pyoxigraph: ``pip install 'fabloop[rdf]'``.
"""

from fabloop.adapters.rdf.graph import RDF_FORMATS, format_of, parsed, written
from fabloop.adapters.rdf.read import vocabulary_document
from fabloop.adapters.rdf.write import vocabulary_triples

__all__ = [
    "RDF_FORMATS",
    "format_of",
    "parsed",
    "vocabulary_document",
    "vocabulary_triples",
    "written",
]
