"""Documents about data sources to the sources they describe, with every fault."""

from collections.abc import Sequence

import msgspec

from fabloop.base.quantity import Dimension
from fabloop.dataspace.units import known_unit
from fabloop.model.documents.collect import Sheet, unique
from fabloop.model.documents.data_structs import (
    AccessEntry,
    ColumnNoteEntry,
    DataSourcesDocument,
    HttpEntry,
    NgsiEntry,
    SourceEntry,
)
from fabloop.model.documents.values import duration_ns
from fabloop.model.ids import SourceId

SOURCES_MAX = 500


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A source of data: how it is accessed, and what its columns mean.

    `timeout_ns` is how long an answer over the network may take.
    """

    id: SourceId
    label: str
    access: AccessEntry
    notes: dict[str, ColumnNoteEntry] = {}
    timeout_ns: int = 5 * 10**9


class Space(msgspec.Struct, frozen=True, kw_only=True):
    """All sources of a data space, and words that mean the same in them."""

    sources: tuple[Source, ...]
    synonyms: tuple[tuple[str, ...], ...] = ()


def space_of(documents: Sequence[tuple[Sheet, DataSourcesDocument]]) -> Space:
    """Return the data space that documents describe; faults are noted on their sheets."""
    sources = []
    places = [
        (sheet.at("sources", n, "id"), each.id)
        for sheet, document in documents
        for n, each in enumerate(document.sources)
    ]
    unique(places, "source")
    if len(places) > SOURCES_MAX:
        places[0][0].fault(f"at most {SOURCES_MAX} sources", str(len(places)))
    for sheet, document in documents:
        for number, entry in enumerate(document.sources):
            sources.append(_source(entry, sheet.at("sources", number)))
    synonyms = tuple(group for _, document in documents for group in document.synonyms)
    return Space(sources=tuple(sources), synonyms=synonyms)


def _source(entry: SourceEntry, sheet: Sheet) -> Source:
    if "." in entry.id:
        hint = "Tables are called SOURCE.TABLE."
        sheet.at("id").fault("an id without '.'", repr(entry.id), hint)
    for name, note in entry.columns.items():
        at = sheet.at("columns", name)
        if note.unit and known_unit(note.unit) is None:
            examples = ", ".join(each.unit for each in (Dimension.MASS, Dimension.TIME))
            at.at("unit").fault("a known unit", repr(note.unit), f"Such as {examples}.")
        if note.unit and note.unit_from:
            at.fault("one of 'unit' and 'unit_from'", "both", "Leave one of them out.")
    timeout_ns = 5 * 10**9
    match entry.access:
        case NgsiEntry(url=url, file=file):
            if (url is None) == (file is None):
                found = "neither" if url is None else "both"
                sheet.at("access").fault("one of 'url' and 'file'", found)
            timeout_ns = duration_ns(entry.access.timeout, sheet.at("access", "timeout"))
        case HttpEntry():
            if entry.access.rows and not entry.access.rows.startswith("/"):
                sheet.at("access", "rows").fault(
                    "a JSON pointer, such as '/data/items'", repr(entry.access.rows)
                )
            timeout_ns = duration_ns(entry.access.timeout, sheet.at("access", "timeout"))
        case _:
            pass
    return Source(
        id=SourceId(entry.id),
        label=entry.label or entry.id,
        access=entry.access,
        notes=dict(entry.columns),
        timeout_ns=timeout_ns,
    )
