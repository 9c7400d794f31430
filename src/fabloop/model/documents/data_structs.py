"""Data sources as they are written: where data lives and what its columns mean."""

from typing import Annotated, Literal

import msgspec

from fabloop.model.documents.connection_structs import UnitText
from fabloop.model.documents.entries import Entries, Entry, Header
from fabloop.model.documents.texts import ID_MAX, TEXT_MAX, DurationText, Id, Label, Remark, Word

SYNONYMS_MAX = 50
LATEST_MAX = 1_000_000

PathText = Annotated[
    str,
    msgspec.Meta(
        title="a file or folder, from the folder of the document on",
        min_length=1,
        max_length=TEXT_MAX,
        examples=["recipes.json"],
    ),
]
WebText = Annotated[
    str,
    msgspec.Meta(
        title="a URL of http or https",
        max_length=TEXT_MAX,
        examples=["http://127.0.0.1:8080/couriers"],
        extra_json_schema={"pattern": r"^https?://"},
    ),
]
PostgresText = Annotated[
    str,
    msgspec.Meta(
        title="a URL of postgresql, without a password",
        max_length=TEXT_MAX,
        examples=["postgresql://orders@db.plant/orders"],
        extra_json_schema={"pattern": r"^postgres(ql)?://"},
    ),
]
Variable = Annotated[
    str,
    msgspec.Meta(title="an environment variable", max_length=ID_MAX, examples=["ORDERS_PASSWORD"]),
]


class SqliteEntry(Entry, frozen=True, kw_only=True, tag_field="kind", tag="sqlite"):
    """The tables and views of an SQLite file."""

    file: PathText


class PostgresEntry(Entry, frozen=True, kw_only=True, tag_field="kind", tag="postgres"):
    """The tables and views of one schema of a PostgreSQL database."""

    url: PostgresText
    schema: Word = "public"
    password_from: Variable = ""


class FilesEntry(Entry, frozen=True, kw_only=True, tag_field="kind", tag="files"):
    """A file, or the files of a folder, each one table: CSV, JSON, lines of JSON, or Parquet."""

    path: PathText
    format: Literal["csv", "json", "ndjson", "parquet"] | None = None


class HttpEntry(Entry, frozen=True, kw_only=True, tag_field="kind", tag="http"):
    """What an HTTP API answers to GET, as JSON.

    Attributes
    ----------
    rows : JSON pointer to the list of rows in the answer; empty is the answer itself
    token_from : environment variable with a bearer token
    """

    url: WebText
    table: Word = "rows"
    rows: Annotated[str, msgspec.Meta(max_length=TEXT_MAX, examples=["/data/items"])] = ""
    token_from: Variable = ""
    timeout: DurationText = "5 s"


class StreamEntry(Entry, frozen=True, kw_only=True, tag_field="kind", tag="stream"):
    """What is told as it happens: readings, KPIs, events, handed in as batches of rows.

    The `latest` rows are kept. With `file`, lines of JSON that somebody appends are read instead.
    Of rows that agree in the columns `latest_by` only the last one counts.
    """

    table: Word = "events"
    latest: Annotated[int, msgspec.Meta(ge=1, le=LATEST_MAX)] = 10_000
    latest_by: Annotated[tuple[Word, ...], msgspec.Meta(max_length=10)] = ()
    file: PathText | None = None


class NgsiEntry(Entry, frozen=True, kw_only=True, tag_field="kind", tag="ngsi-ld"):
    """Entities of an NGSI-LD context broker, or of a file: each type is a table."""

    url: WebText | None = None
    file: PathText | None = None
    token_from: Variable = ""
    timeout: DurationText = "5 s"


class RdfEntry(Entry, frozen=True, kw_only=True, tag_field="kind", tag="rdf"):
    """Statements of an RDF file: each class is a table."""

    file: PathText


AccessEntry = (
    SqliteEntry | PostgresEntry | FilesEntry | HttpEntry | StreamEntry | NgsiEntry | RdfEntry
)


class ColumnNoteEntry(Entry, frozen=True, kw_only=True):
    """What cannot be seen in a column: its unit, and what it means in other words."""

    unit: UnitText = ""
    unit_from: Annotated[str, msgspec.Meta(max_length=ID_MAX)] = ""
    means: Annotated[str, msgspec.Meta(max_length=ID_MAX)] = ""


class SourceEntry(Entry, frozen=True, kw_only=True):
    """One source of data and how it is accessed; `columns` is keyed by ``table.column``."""

    id: Id
    label: Label | None = None
    access: AccessEntry
    columns: dict[str, ColumnNoteEntry] = msgspec.field(default_factory=dict)
    description: Remark = ""


Synonyms = Annotated[tuple[Word, ...], msgspec.Meta(min_length=2, max_length=SYNONYMS_MAX)]


class DataSourcesDocument(
    Header, frozen=True, kw_only=True, tag_field="document", tag="data-sources"
):
    """A data space: its sources, and words that mean the same in them."""

    sources: Annotated[tuple[SourceEntry, ...], Entries]
    synonyms: Annotated[tuple[Synonyms, ...], Entries] = ()
