"""RDF files as sources: each class is a table, what has no name of its own stands within it."""

from pathlib import Path
from typing import Any

import msgspec

from fabloop.adapters.dataspace.access import Held, held_raws
from fabloop.adapters.dataspace.files import bytes_of, fault
from fabloop.base.errors import Refused
from fabloop.dataspace.schema import Raw
from fabloop.dataspace.shred import DEPTH_MAX, VALUE, shred

TRIPLES_MAX = 500_000
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
UNTYPED = "Thing"
_FORMS = {".ttl": "TURTLE", ".nt": "N_TRIPLES", ".rdf": "RDF_XML", ".jsonld": "JSON_LD",
          ".nq": "N_QUADS", ".trig": "TRIG"}  # fmt: skip
_NUMBERS = ("integer", "int", "long", "short", "decimal", "double", "float",
            "nonNegativeInteger", "positiveInteger")  # fmt: skip

Statements = dict[str, dict[str, list[Any]]]


class _Node(msgspec.Struct, frozen=True):
    """Something with statements of its own, by its IRI or as ``_:b1``."""

    name: str


class RdfAccess(Held):
    """The statements of a file."""

    def __init__(self, source: str, file: Path) -> None:
        super().__init__()
        self._source = source
        self._file = file

    def read(self) -> tuple[Raw, ...]:
        """Return the subjects by their classes."""
        statements = self._statements()
        classes: dict[str, list[str]] = {}
        for subject, told in statements.items():
            if not subject.startswith("_:") or TYPE in told:
                kinds = [each.name for each in told.get(TYPE, ()) if isinstance(each, _Node)]
                name = local_name(kinds[0]) if kinds else UNTYPED
                classes.setdefault(name, []).append(subject)
        tables = {name: _rows(subjects, statements) for name, subjects in classes.items()}
        of = {subject: name for name, subjects in classes.items() for subject in subjects}
        return tuple(_referring(each, of) for each in held_raws(shred(self._source, tables)))

    def _statements(self) -> Statements:
        oxigraph = _oxigraph()
        form = _FORMS.get(self._file.suffix.lower())
        if form is None:
            ends = ", ".join(_FORMS)
            raise fault(
                self._source, self._file.name, f"a name that ends in one of {ends}", "another"
            )
        data = bytes_of(self._source, self._file)
        found: Statements = {}
        count = 0
        try:
            for quad in oxigraph.parse(
                data, format=getattr(oxigraph.RdfFormat, form), base_iri="urn:fabloop:file"
            ):
                count += 1
                if count > TRIPLES_MAX:
                    raise fault(self._source, self._file.name,
                                f"at most {TRIPLES_MAX} statements", "more")  # fmt: skip
                told = found.setdefault(_name(quad.subject), {})
                told.setdefault(quad.predicate.value, []).append(_object(quad.object))
        except (SyntaxError, ValueError) as error:
            raise fault(self._source, self._file.name, f"RDF ({form})", str(error)) from error
        return found


def _oxigraph() -> Any:
    try:
        import pyoxigraph  # noqa: PLC0415  # an optional extra
    except ModuleNotFoundError as error:
        raise Refused(
            "Expected the extra 'rdf' for RDF files, but found that it is not installed. "
            "Run: pip install 'fabloop[rdf]'"
        ) from error
    return pyoxigraph


def _name(node: Any) -> str:
    return str(node.value) if type(node).__name__ == "NamedNode" else f"_:{node.value}"


def _object(node: Any) -> Any:
    if not hasattr(node, "datatype"):
        return _Node(_name(node))
    kind = local_name(node.datatype.value)
    if kind == "boolean":
        return node.value in ("true", "1")
    if kind in _NUMBERS:
        try:
            number = float(node.value)
        except ValueError:
            return str(node.value)
        is_whole = number.is_integer() and kind not in ("double", "float", "decimal")
        return int(node.value) if is_whole else number
    return str(node.value)


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
    if not isinstance(told, _Node):
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
