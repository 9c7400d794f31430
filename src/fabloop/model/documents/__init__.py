"""Knowledge as documents: their form, their schemas, their faults, and what they say."""

from fabloop.model.documents.context import NAMESPACE, context_of
from fabloop.model.documents.measurements import resolve_kpi_values
from fabloop.model.documents.orders import resolve_order
from fabloop.model.documents.resolve import Words, check, resolve, resolve_words
from fabloop.model.documents.schema import (
    SCHEMA_NAMES,
    context_iri,
    schema_iri,
    schema_of,
)
from fabloop.model.documents.structs import Document
from fabloop.model.documents.structure import kind_of

__all__ = [
    "NAMESPACE",
    "SCHEMA_NAMES",
    "Document",
    "Words",
    "check",
    "context_iri",
    "context_of",
    "kind_of",
    "resolve",
    "resolve_kpi_values",
    "resolve_order",
    "resolve_words",
    "schema_iri",
    "schema_of",
]
