"""JSON Schema (2020-12) of each kind of document, generated from its struct."""

from copy import deepcopy
from functools import cache
from typing import Any

import msgspec

from fabloop.base.errors import NotFound
from fabloop.base.names import did_you_mean
from fabloop.model.documents.structs import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_NAMES = tuple(KINDS)
"""The kinds of document that have a schema and a context."""


def schema_iri(name: str) -> str:
    """Return the name under which the schema of this kind of document is published."""
    return f"urn:fabloop:schema:1:{name}"


def context_iri(name: str) -> str:
    """Return the name under which the JSON-LD context of this kind is published."""
    return f"urn:fabloop:context:1:{name}"


def named_kind(name: str) -> str:
    """Return `name`, which is a kind of document.

    Raises
    ------
    NotFound
        There is no such kind; the message names the near ones.
    """
    if name not in KINDS:
        hint = did_you_mean(name, SCHEMA_NAMES)
        raise NotFound(f"Expected a kind of document, but found {name!r}. {hint}")
    return name


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind of document, free to be changed by the caller.

    Raises
    ------
    NotFound
        There is no such kind; the message names the near ones.
    """
    return deepcopy(_schema(named_kind(name)))


@cache
def _schema(name: str) -> dict[str, Any]:
    generated = msgspec.json.schema(KINDS[name])
    definitions: dict[str, Any] = generated["$defs"]
    root: dict[str, Any] = definitions.pop(KINDS[name].__name__)
    return {
        "$schema": DIALECT,
        "$id": schema_iri(name),
        **root,
        "title": f"fabloop document: {name}",
        "$defs": definitions,
    }
