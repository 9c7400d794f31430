"""All sources of a data space: profiled together, and joined by DuckDB."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, assert_never

import duckdb
import msgspec
import pyarrow as pa

from fabloop.adapters.dataspace.access import Access, Held, Rows
from fabloop.adapters.dataspace.databases import PostgresAccess, SqliteAccess
from fabloop.adapters.dataspace.feed import Stream
from fabloop.adapters.dataspace.files import FilesAccess
from fabloop.adapters.dataspace.pivoted import PivotedAccess
from fabloop.adapters.dataspace.triples import rdf_tables
from fabloop.adapters.dataspace.web import http_tables, ngsi_tables
from fabloop.base.errors import Broken, Invalid, NotFound, Refused, Unavailable
from fabloop.base.names import did_you_mean
from fabloop.dataspace.describe import Source, Space
from fabloop.dataspace.links import linked
from fabloop.dataspace.mapping import ROW_NUMBER, Expression
from fabloop.dataspace.profile import EXACT_MAX, SAMPLE_ROWS_MAX, profile, text_of_value
from fabloop.dataspace.query import (
    Loaded,
    Where,
    compared,
    loading_order,
    narrowing,
    query_of,
    values_of,
)
from fabloop.dataspace.schema import Link, LinkKind, Place, Raw, Record, Scalar, Schema, Table
from fabloop.dataspace.words import Thesaurus
from fabloop.model.documents.data_structs import (
    FilesEntry,
    HttpEntry,
    NgsiEntry,
    PostgresEntry,
    RdfEntry,
    SqliteEntry,
    StreamEntry,
)

LOADED_ROWS_MAX = 1_000_000
"""Rows of one table that are loaded for one question."""
GLANCED_ROWS_MAX = 2_000
"""Rows of a table by which one sees whether it has changed."""
NARROWED_MAX = 1_000
"""Values of a join that are handed to the next source; beyond, it is asked for all rows."""


class Found(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Rows that an expression yields."""

    rows: tuple[Record, ...]


class NothingAt(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """No row: the first table in which nothing fits, or the join at which nothing is left."""

    at: str


class Over(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """More rows than may be: of the answer, or of a table that had to be loaded."""

    what: str
    limit: int


class Sources:
    """The sources of a data space, opened one by one when they are needed; one thread at a time."""

    def __init__(self, space: Space, folder: Path) -> None:
        self._space = space
        self._folder = folder
        self._open: dict[str, Access] = {}
        self._streams: dict[str, Stream] = {}
        self.thesaurus = Thesaurus(space.synonyms)

    @property
    def described(self) -> tuple[Source, ...]:
        """The sources as they are described."""
        return self._space.sources

    def take(self, source: str, rows: Sequence[dict[str, Any]]) -> None:
        """Hand rows to a stream.

        Raises
        ------
        NotFound
            There is no stream of that name.
        """
        self._access(source)
        if source not in self._streams:
            raise NotFound(f"Expected '{source}' to be a stream, but it is another kind of source.")
        self._streams[source].take(rows)

    def schema(self, only: frozenset[str] | None = None) -> Schema:
        """Look at all sources, or `only` some, and return their tables and links.

        A source that does not answer or cannot be read is left out, and told as silent.
        """
        tables: list[Table] = []
        links: list[Link] = []
        silent: dict[str, str] = {}
        for source in self._space.sources:
            if only is not None and source.id not in only:
                continue
            raws, why = self._looked_at(source, SAMPLE_ROWS_MAX, None)
            silent |= why
            tables += [profile(source.id, each, source.notes) for each in raws]
            links += [link for each in raws for link in _declared(source, each)]
        return linked(tables, links, self.thesaurus, silent)

    def glance(self, tables: Iterable[str]) -> Schema:
        """Look at some tables only, at few rows, without links: enough to see what has changed."""
        by_source: dict[str, set[str]] = {}
        for each in tables:
            source, _, name = each.partition(".")
            by_source.setdefault(source, set()).add(name)
        found: dict[str, Table] = {}
        silent: dict[str, str] = {}
        for known in self._space.sources:
            only = frozenset(by_source.get(str(known.id), ()))
            if only:
                raws, why = self._looked_at(known, GLANCED_ROWS_MAX, only)
                silent |= why
                seen = [profile(known.id, each, known.notes) for each in raws]
                found |= {each.name: each for each in seen}
        return Schema(tables=found, silent=silent)

    def locate(
        self, schema: Schema, given: Mapping[str, Sequence[Scalar]]
    ) -> dict[str, dict[Place, bool]]:
        """Look up given values in columns of which only a sample is known."""
        found: dict[str, dict[Place, bool]] = {}
        for name, values in given.items():
            texts = tuple(text for text in map(text_of_value, values) if text)
            for table in schema.tables.values():
                for column in table.columns:
                    known = texts and not column.whole and not set(texts) & set(column.values)
                    if known and self.thesaurus.alike(name, column.name) > 0.3:
                        place = Place(table=table.name, column=column.name)
                        where = (Where(column=column.name, values=texts),)
                        rows = self._rows(table.name, (column.name,), where, 1)
                        found.setdefault(name, {})[place] = bool(rows)
        return found

    def run(
        self, expression: Expression, given: Mapping[str, Sequence[Scalar]], limit: int
    ) -> Found | NothingAt | Over:
        """Return what an expression yields for given values, at most `limit` rows.

        Each source is asked for the rows that can matter only: those that fit what was given,
        and what was loaded before.

        Raises
        ------
        Unavailable
            A source does not answer, or does so no more in the middle: there is no half answer.
        NotFound
            A table or column is gone.
        """
        for use in expression.uses:
            self._access(use.table.partition(".")[0]).begin()
        connection = duckdb.connect(
            config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        )
        try:
            return self._joined(connection, expression, given, limit)
        except duckdb.Error as error:
            raise Broken(f"Expected DuckDB to carry out a mapping, but {error}.") from error
        finally:
            connection.close()

    def close(self) -> None:
        """Close all sources."""
        for access in self._open.values():
            access.close()
        self._open.clear()

    def _joined(
        self,
        connection: duckdb.DuckDBPyConnection,
        expression: Expression,
        given: Mapping[str, Sequence[Scalar]],
        limit: int,
    ) -> Found | NothingAt | Over:
        columns = expression.columns()
        before: dict[str, tuple[tuple[str, ...], Rows]] = {}
        for name in loading_order(expression):
            table = next(use.table for use in expression.uses if use.name == name)
            where = _conditions(expression, name, given, before)
            names = tuple(sorted(columns[table]))
            if not all(each.values for each in where):
                return NothingAt(at=table)
            rows = self._rows(table, names, where, LOADED_ROWS_MAX + 1)
            if len(rows) > LOADED_ROWS_MAX:
                return Over(what=table, limit=LOADED_ROWS_MAX)
            if not rows:
                return NothingAt(at=table)
            before[name] = names, rows
            texts = compared(expression, name)
            connection.register(f"loaded_{name}", _arrow(names, rows, texts))
        loaded = {
            name: Loaded(name=f"loaded_{name}", columns=names)
            for name, (names, _) in before.items()
        }
        query = query_of(expression, loaded, given, limit)
        found = connection.execute(query.sql, query.parameters).fetchall()
        if len(found) > limit:
            return Over(what="answer", limit=limit)
        if not found:
            return NothingAt(at=" with ".join(dict.fromkeys(u.table for u in expression.uses)))
        return Found(rows=tuple(dict(zip(query.names, row, strict=True)) for row in found))

    def _rows(self, table: str, columns: Sequence[str], where: Sequence[Where], limit: int) -> Rows:
        source, _, name = table.partition(".")
        return self._access(source).rows(name, columns, where, limit)

    def _looked_at(
        self, source: Source, sample: int, only: frozenset[str] | None
    ) -> tuple[tuple[Raw, ...], dict[str, str]]:
        """Return the tables of a source, or why it is silent."""
        try:
            access = self._access(source.id)
            access.begin()
            return access.look(sample, only), {}
        except (Unavailable, Invalid, Refused) as error:
            return (), {str(source.id): str(error)}

    def _access(self, source: str) -> Access:
        if source not in self._open:
            known = {str(each.id): each for each in self._space.sources}
            if source not in known:
                hint = did_you_mean(source, known)
                raise NotFound(f"Expected a source of the data space, but found '{source}'. {hint}")
            access = opened(known[source], self._folder, self._streams)
            self._open[source] = PivotedAccess(source, access)
        return self._open[source]


def opened(source: Source, folder: Path, streams: dict[str, Stream]) -> Access:
    """Return the access to a source; files are looked for from `folder` on.

    A stream is put into `streams`, so that rows can be handed to it.
    """
    name = str(source.id)
    match source.access:
        case SqliteEntry() as told:
            return SqliteAccess(name, folder / told.file)
        case PostgresEntry() as told:
            return PostgresAccess(name, told.url, told.schema, told.password_from)
        case FilesEntry() as told:
            return FilesAccess(name, folder / told.path, told.format)
        case HttpEntry() as told:
            asked = partial(http_tables, name, told.url, table=told.table, pointer=told.rows)
            return Held(partial(asked, token_from=told.token_from, timeout_ns=source.timeout_ns))
        case StreamEntry() as told:
            file = None if told.file is None else folder / told.file
            streams[name] = Stream(name, table=told.table, latest=told.latest,
                                   latest_by=told.latest_by, file=file)  # fmt: skip
            return Held(streams[name].read)
        case NgsiEntry() as told:
            file = None if told.file is None else folder / told.file
            asked = partial(ngsi_tables, name, url=told.url, file=file)
            return Held(partial(asked, token_from=told.token_from, timeout_ns=source.timeout_ns))
        case RdfEntry() as told:
            return Held(partial(rdf_tables, name, folder / told.file))
        case _:
            assert_never(source.access)


def _declared(source: Source, raw: Raw) -> list[Link]:
    """Return what a table says about the tables that it refers to."""
    return [
        Link(
            many=Place(table=f"{source.id}.{raw.name}", column=column),
            one=Place(table=f"{source.id}.{table}", column=to),
            kind=LinkKind.NESTED if table == raw.parent else LinkKind.DECLARED,
            confidence=1.0,
        )
        for column, (table, to) in raw.refers.items()
    ]


def _conditions(
    expression: Expression,
    name: str,
    given: Mapping[str, Sequence[Scalar]],
    before: Mapping[str, tuple[tuple[str, ...], Rows]],
) -> list[Where]:
    """Return what rows of a table have to fit: what was given, and what is loaded already."""
    found = [
        Where(column=each.spot.column, values=values_of(each.term, given))
        for each in expression.filters
        if each.spot.use == name
    ]
    for column, spot in narrowing(expression, name, list(before)):
        names, rows = before[spot.use]
        at = names.index(spot.column)
        values = {text_of_value(row[at]) for row in rows} - {""}
        if len(values) <= NARROWED_MAX:
            found.append(Where(column=column, values=tuple(sorted(values))))
    return found


def _arrow(names: Sequence[str], rows: Rows, texts: frozenset[str]) -> pa.Table:
    """Return rows as columns ``c0`` ..., with their numbers; a column of several kinds is text.

    Those of `texts` are there as texts as well, ``k0`` ..., as values are compared.
    """
    arrays: dict[str, Any] = {ROW_NUMBER: pa.array(range(len(rows)), pa.int64())}
    for at, name in enumerate(names):
        arrays[f"c{at}"] = _array([row[at] for row in rows])
        if name in texts:
            told = [text_of_value(row[at]) or None for row in rows]
            arrays[f"k{at}"] = pa.array(told, pa.string())
    return pa.table(arrays)


def _array(values: list[Scalar]) -> Any:
    kinds = {type(each) for each in values if each is not None}
    if kinds <= {int, float} and kinds:
        if kinds == {int} and all(abs(each) < 2**63 for each in values if isinstance(each, int)):
            return pa.array(values, pa.int64())
        if float in kinds and all(abs(v) <= EXACT_MAX for v in values if isinstance(v, int)):
            return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    return pa.array([None if v is None else text_of_value(v) for v in values], pa.string())
