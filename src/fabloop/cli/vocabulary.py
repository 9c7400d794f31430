"""``fabloop vocabulary``: skill vocabularies from and to RDF."""

import sys
from pathlib import Path

from fabloop.adapters.documents import documents_in
from fabloop.adapters.rdf import (
    format_of,
    parsed,
    vocabulary_document,
    vocabulary_triples,
    written,
)
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.model.documents import resolve_words
from fabloop.model.documents.texts import FILE_BYTES_MAX


def export(folder: Path, form: str | None, out: Path | None) -> ExitCode:
    """Write the vocabulary of a folder as RDF, with the equipment types that realise it."""
    named = "turtle" if form is None and out is None else format_of(str(out or ""), form)
    words = resolve_words(documents_in(folder))
    triples = vocabulary_triples(words.vocabulary, words.kpis, words.equipment_types.values())
    _put(written(triples, named), out)
    return ExitCode.FINE


def bring_in(file: Path, form: str | None, out: Path | None) -> ExitCode:
    """Write the skill vocabulary document that an RDF file tells, once it has been checked."""
    named = format_of(file.name, form)
    try:
        with file.open("rb") as stream:
            data = stream.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        fault = Fault(source=str(file), path="", expected="a file that can be read", found=reason)
        raise Invalid(fault) from error
    document = vocabulary_document(file.name, parsed(file.name, data, named))
    content = to_json_pretty(document)
    resolve_words({file.name: content})
    _put(content, out)
    return ExitCode.FINE


def _put(content: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(content.decode())
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        fault = Fault(source=str(out), path="", expected="a file to write to", found=reason)
        raise Invalid(fault) from error
