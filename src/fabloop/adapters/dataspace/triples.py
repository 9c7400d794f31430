"""RDF files as sources: each class is a table, what has no name of its own stands within it."""

from pathlib import Path
from typing import Any

from fabloop.adapters.dataspace.access import within_limit
from fabloop.adapters.dataspace.files import bytes_of, fault
from fabloop.base.errors import Refused
from fabloop.dataspace.schema import Raw
from fabloop.dataspace.statements import Node, Statements, local_name, tables_of

TRIPLES_MAX = 500_000
_FORMS = {".ttl": "TURTLE", ".nt": "N_TRIPLES", ".rdf": "RDF_XML", ".jsonld": "JSON_LD",
          ".nq": "N_QUADS", ".trig": "TRIG"}  # fmt: skip
_NUMBERS = ("integer", "int", "long", "short", "decimal", "double", "float",
            "nonNegativeInteger", "positiveInteger")  # fmt: skip


def rdf_tables(source: str, file: Path) -> tuple[Raw, ...]:
    """Return the subjects of a file's statements by their classes."""
    return within_limit(tables_of(source, _statements(source, file)))


def _statements(source: str, file: Path) -> Statements:
    oxigraph = _oxigraph()
    form = _FORMS.get(file.suffix.lower())
    if form is None:
        ends = ", ".join(_FORMS)
        raise fault(source, file.name, f"a name that ends in one of {ends}", "another")
    data = bytes_of(source, file)
    found: Statements = {}
    count = 0
    try:
        for quad in oxigraph.parse(
            data, format=getattr(oxigraph.RdfFormat, form), base_iri="urn:fabloop:file"
        ):
            count += 1
            if count > TRIPLES_MAX:
                raise fault(source, file.name, f"at most {TRIPLES_MAX} statements", "more")
            told = found.setdefault(_name(quad.subject), {})
            told.setdefault(quad.predicate.value, []).append(_object(quad.object))
    except (SyntaxError, ValueError) as error:
        raise fault(source, file.name, f"RDF ({form})", str(error)) from error
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
        return Node(_name(node))
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
