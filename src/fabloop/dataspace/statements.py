"""Statements (subject, predicate, object) as tables: one for each class of subjects."""

from collections.abc import Sequence
from typing import Any

import msgspec

from fabloop.dataspace.schema import Raw, Scalar
from fabloop.dataspace.shred import DEPTH_MAX, VALUE, raws_of, shred

TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
UNTYPED = "Thing"
_SUBJECTS = {"subject", "entity", "s"}
_PREDICATES = {"predicate", "property", "attribute", "relation", "p"}
_OBJECTS = {"object", "value", "o"}


class Node(msgspec.Struct, frozen=True):
    """Something with statements of its own, by its IRI or name, or as ``_:b1``."""

    name: str


Statements = dict[str, dict[str, list[Any]]]
"""By subject and predicate: the objects, values or nodes."""


def are_statements(columns: Sequence[str]) -> bool:
    """Tell whether a table has the form of statements: subject, predicate, object."""
    words = [each.lower() for each in columns]
    return (
        len(words) == 3
        and words[0] in _SUBJECTS
        and words[1] in _PREDICATES
        and words[2] in _OBJECTS
    )


def statements_in(rows: Sequence[Sequence[Scalar]]) -> Statements:
    """Return the statements of such a table; an object that is a subject too is a node."""
    subjects = {str(row[0]) for row in rows}
    found: Statements = {}
    for subject, predicate, told in rows:
        if subject is None or predicate is None or told is None:
            continue
        objects = found.setdefault(str(subject), {}).setdefault(str(predicate), [])
        objects.append(Node(str(told)) if str(told) in subjects else told)
    return found


def tables_of(source: str, statements: Statements) -> tuple[Raw, ...]:
    """Return subjects as tables by their classes, with what has no name of its own within them.

    Where no class is told, subjects are of the class by which predicate others refer to them.
    """
    led_to = _led_to(statements)
    classes: dict[str, list[str]] = {}
    for subject, told in statements.items():
        if not subject.startswith("_:") or TYPE in told:
            kinds = [each.name for each in told.get(TYPE, ()) if isinstance(each, Node)]
            name = local_name(kinds[0]) if kinds else led_to.get(subject, UNTYPED)
            classes.setdefault(name, []).append(subject)
    tables = {name: _rows(subjects, statements) for name, subjects in classes.items()}
    of = {subject: name for name, subjects in classes.items() for subject in subjects}
    return tuple(_referring(each, of) for each in raws_of(shred(source, tables)))


def _led_to(statements: Statements) -> dict[str, str]:
    """Return for each subject the predicate by which others refer to it, where it is one."""
    found: dict[str, set[str]] = {}
    for told in statements.values():
        for predicate, objects in told.items():
            for each in objects:
                if isinstance(each, Node) and predicate != TYPE:
                    found.setdefault(each.name, set()).add(local_name(predicate))
    return {subject: next(iter(names)) for subject, names in found.items() if len(names) == 1}


def local_name(iri: str) -> str:
    """Return the last part of an IRI."""
    for sign in ("#", "/", ":"):
        head, found, tail = iri.rpartition(sign)
        if found and tail:
            return tail
        iri = head if found and not tail else iri
    return iri


def _rows(subjects: list[str], statements: Statements) -> list[dict[str, Any]]:
    """Return subjects as rows; what one of them has several times is a list for all."""
    several = {
        predicate
        for subject in subjects
        for predicate, objects in statements[subject].items()
        if len(objects) > 1
    }
    return [_row(subject, statements, several, 0) for subject in subjects]


def _row(subject: str, statements: Statements, several: set[str], depth: int) -> dict[str, Any]:
    row: dict[str, Any] = {} if subject.startswith("_:") else {"id": subject}
    for predicate, objects in statements[subject].items():
        if predicate == TYPE or depth > DEPTH_MAX:
            continue
        values = [_value(each, statements, depth) for each in objects]
        nested = any(isinstance(each, dict) for each in values)
        is_list = predicate in several or nested or len(values) > 1
        row[local_name(predicate)] = values if is_list else values[0]
    return row


def _value(told: Any, statements: Statements, depth: int) -> Any:
    if not isinstance(told, Node):
        return told
    own = statements.get(told.name)
    if told.name.startswith("_:") and own is not None and TYPE not in own:
        return _row(told.name, statements, set(), depth + 1)
    return told.name


def _referring(raw: Raw, of: dict[str, str]) -> Raw:
    """Return a table that says which of its columns name subjects of one class."""
    refers = dict(raw.refers)
    for at, column in enumerate(raw.columns):
        kinds = {of.get(str(row[at])) for row in raw.rows if row[at] is not None}
        target = next(iter(kinds)) if len(kinds) == 1 else None
        if column != "id" and target is not None and (target != raw.name or column == VALUE):
            refers[column] = (target, "id")
    return Raw(
        name=raw.name,
        columns=raw.columns,
        rows=raw.rows,
        count=raw.count,
        keys=(*raw.keys, *(["id"] if "id" in raw.columns and not raw.parent else [])),
        refers=refers,
        parent=raw.parent,
    )
