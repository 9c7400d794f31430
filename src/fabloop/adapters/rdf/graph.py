"""Bytes of RDF to statements and back; the only place that knows pyoxigraph."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from fabloop.adapters.rdf.terms import PREFIXES, Iri, Text, Triple
from fabloop.base.errors import Fault, Invalid, Refused
from fabloop.base.names import did_you_mean
from fabloop.model.documents.texts import FILE_BYTES_MAX

if TYPE_CHECKING:
    import pyoxigraph

TRIPLES_MAX = 500_000
"""Statements of one file."""

RDF_FORMATS = {
    "turtle": ("TURTLE", ".ttl"),
    "n-triples": ("N_TRIPLES", ".nt"),
    "rdf-xml": ("RDF_XML", ".rdf"),
    "json-ld": ("JSON_LD", ".jsonld"),
}
"""Name of a format to what pyoxigraph calls it, and the end of its file names."""


def _oxigraph() -> Any:
    try:
        import pyoxigraph  # noqa: PLC0415  # an optional extra
    except ModuleNotFoundError as error:
        raise Refused(
            "Expected the extra 'rdf' for RDF files, but found that it is not installed. "
            "Run: pip install 'fabloop[rdf]'"
        ) from error
    return pyoxigraph


def format_of(name: str, given: str | None) -> str:
    """Return the format that was `given`, or the one that the end of a file's name tells.

    Raises
    ------
    Invalid
        No such format is known, or none can be told.
    """
    if given is not None:
        if given in RDF_FORMATS:
            return given
        expected, found, hint = "a format of RDF", repr(given), did_you_mean(given, RDF_FORMATS)
        raise Invalid(Fault(source="--format", path="", expected=expected, found=found, hint=hint))
    for known, (_, end) in RDF_FORMATS.items():
        if name.endswith(end):
            return known
    ends = ", ".join(end for _, end in RDF_FORMATS.values())
    raise Invalid(
        Fault(
            source=name,
            path="",
            expected=f"a name that ends in one of {ends}",
            found=repr(name),
            hint="Tell the format with --format.",
        )
    )


def parsed(source: str, data: bytes, form: str) -> tuple[Triple, ...]:
    """Return the statements of a file; no other file is fetched for it.

    Raises
    ------
    Invalid
        The bytes are too many, are not of the format, or hold too many statements.
    Refused
        The extra is not installed.
    """
    oxigraph = _oxigraph()
    if len(data) > FILE_BYTES_MAX:
        raise _fault(source, f"a file of at most {FILE_BYTES_MAX} bytes", str(len(data)))
    found: list[Triple] = []
    try:
        for quad in oxigraph.parse(data, format=_form(oxigraph, form), base_iri="urn:fabloop:file"):
            if len(found) >= TRIPLES_MAX:
                raise _fault(source, f"at most {TRIPLES_MAX} statements", "more")
            triple = _triple(quad)
            if triple is not None:
                found.append(triple)
    except (SyntaxError, ValueError) as error:
        raise _fault(source, f"RDF in the format {form}", str(error)) from error
    return tuple(found)


def written(triples: Iterable[Triple], form: str) -> bytes:
    """Return the statements as bytes of a format."""
    oxigraph = _oxigraph()
    data: bytes = oxigraph.serialize(
        _native(oxigraph, triples), format=_form(oxigraph, form), prefixes=PREFIXES
    )
    return data


def _form(oxigraph: Any, form: str) -> "pyoxigraph.RdfFormat":
    native: pyoxigraph.RdfFormat = getattr(oxigraph.RdfFormat, RDF_FORMATS[form][0])
    return native


def _native(oxigraph: Any, triples: Iterable[Triple]) -> "Iterator[pyoxigraph.Triple]":
    for each in triples:
        subject = oxigraph.NamedNode(each.subject.value)
        predicate = oxigraph.NamedNode(each.predicate)
        yield oxigraph.Triple(subject, predicate, _native_object(oxigraph, each.object))


def _native_object(oxigraph: Any, told: Iri | Text) -> Any:
    match told:
        case Iri():
            return oxigraph.NamedNode(told.value)
        case Text():
            return oxigraph.Literal(told.value, language=told.language or None)


def _triple(quad: Any) -> Triple | None:
    """Return a statement in our terms, or None for one about a statement."""
    if not hasattr(quad.object, "value") or not hasattr(quad.subject, "value"):
        return None
    last: Iri | Text
    if hasattr(quad.object, "datatype"):
        last = Text(quad.object.value, quad.object.language or "")
    else:
        last = _node(quad.object)
    return Triple(_node(quad.subject), quad.predicate.value, last)


def _node(node: Any) -> Iri:
    named = type(node).__name__ == "NamedNode"
    return Iri(node.value if named else f"_:{node.value}")


def _fault(source: str, expected: str, found: str) -> Invalid:
    return Invalid(Fault(source=source, path="", expected=expected, found=found))
