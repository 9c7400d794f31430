"""A data space from a folder of documents, with its book of mappings in a file."""

from collections.abc import Callable
from pathlib import Path

from fabloop.adapters.documents import documents_in
from fabloop.adapters.sqlite import SqliteJournal
from fabloop.app.dataspace.space import DataSpace
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.dataspace.describe import Space, space_of
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.documents.data_structs import DataSourcesDocument
from fabloop.model.documents.structure import decode, kind_in

BOOK = "mappings.db"
"""File of the book beside the documents, unless another one is named."""


def read_space(folder: Path) -> Space:
    """Return the data space that the documents of a folder describe.

    Raises
    ------
    Invalid
        Every fault of the documents about data sources, or there is none.
    """
    faults: list[Fault] = []
    strange: list[Fault] = []
    found: list[tuple[Sheet, DataSourcesDocument]] = []
    for source, data in documents_in(folder).items():
        kind = kind_in(data)
        if kind is None:  # data that lie beside; or the document, and damaged
            decode(source, data, strange)
        document = decode(source, data, faults) if kind == "data-sources" else None
        if isinstance(document, DataSourcesDocument):
            found.append((Sheet(source, faults), document))
    space = space_of(found)
    raise_if_any(faults)
    if not found:
        none = Fault(
            source=str(folder), path="", expected="a document of the kind 'data-sources'",
            found="none", hint="Write one: fabloop schema data-sources.",
        )  # fmt: skip
        raise Invalid([*strange, none])
    return space


def open_data_space(
    folder: Path, clock: Callable[[], Instant], book: Path | None = None
) -> DataSpace:
    """Open the data space of a folder; files of sources are looked for from there on.

    Raises
    ------
    Invalid
        Every fault of the documents.
    Conflict
        Another process has the book open.
    """
    from fabloop.adapters.dataspace import Sources  # noqa: PLC0415  # DuckDB is slow to import

    sources = Sources(read_space(folder), folder)
    return DataSpace(sources, SqliteJournal(book or folder / BOOK), clock)
