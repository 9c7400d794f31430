"""SQL over readings, sealed and hot together, by DuckDB: it reads, and is never where they are.

It sees the readings of the moment at which it was opened, and no file outside of their folder.
"""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabloop.adapters.historian.holdings import Seen, Shelf
from fabloop.adapters.historian.layout import CHUNK_NS
from fabloop.adapters.historian.manifest import Part
from fabloop.adapters.historian.templates import (
    HOT,
    MINUTES,
    NAMED,
    READING,
    ROLLED_UP,
    SETTLED,
    TEMPLATES,
)
from fabloop.base.errors import Fault, Invalid, Unavailable
from fabloop.sense.readings.series import Catalogue

Columns = dict[str, NDArray[Any]]

MEMORY_LIMIT = "1GB"
"""Memory that one analyst may use, unless told otherwise."""
THREADS = 2
"""Threads that one analyst may use, unless told otherwise."""

ANSWER_ROWS_MAX = 5_000_000
"""Rows of one answer: they are all in memory, beside what DuckDB may use."""

_NO_READINGS = (
    "SELECT NULL::INTEGER AS series, NULL::BIGINT AS ns, NULL::DOUBLE AS value, "
    "NULL::UTINYINT AS quality, NULL::DATE AS date WHERE false"
)
_NO_MINUTES = (
    "SELECT NULL::INTEGER AS series, NULL::BIGINT AS start_ns, NULL::INTEGER AS count, "
    "NULL::INTEGER AS bad, NULL::DOUBLE AS least, NULL::DOUBLE AS greatest, NULL::DOUBLE AS total, "
    "NULL::DOUBLE AS first, NULL::DOUBLE AS last WHERE false"
)


class Analyst:
    """Views `readings`, `rollup_1m` and `series`; used by one thread at a time.

    Raises
    ------
    Invalid
        The SQL cannot be carried out, or a named question lacks a value.
    Unavailable
        It takes more memory than it may.
    """

    def __init__(
        self,
        folder: Path,
        seen: Seen,
        catalogue: Catalogue,
        *,
        memory_limit: str = MEMORY_LIMIT,
        threads: int = THREADS,
    ) -> None:
        self._connection = duckdb.connect(
            config={
                "memory_limit": memory_limit,
                "threads": threads,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET parquet_metadata_cache = true")  # sealed files never change
        self._connection.register("described", _described(catalogue))
        self._connection.register("hot", _hot_table(seen))
        views = {
            "series": NAMED,
            "readings": _readings(folder, seen),
            "rollup_1m": _rollups(folder, seen.shelf),
        }
        for name, statement in views.items():
            self._connection.execute(f"CREATE VIEW {name} AS {statement}")
        self._connection.execute(f"SET allowed_directories = [{_quoted(f'{folder}/')}]")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def ask(self, name: str, **values: object) -> Columns:
        """Answer a question that has a name: ``latest``, ``range``, ``downsample``, ``as_of``."""
        if name not in TEMPLATES:
            raise Invalid(_fault("name", f"one of {', '.join(TEMPLATES)}", f"'{name}'"))
        return self.sql(TEMPLATES[name], values)

    def sql(self, statement: str, values: dict[str, object] | None = None) -> Columns:
        """Answer a statement with columns; what is unknown is NaN in columns of floats."""
        try:
            found = self._connection.execute(_bounded(statement), values or {})
            columns = found.fetchnumpy()
        except duckdb.OutOfMemoryException as error:
            raise Unavailable(
                f"Expected the answer to fit into the memory that DuckDB may use, but {error}. "
                "Ask for less at once, or allow more memory."
            ) from error
        except duckdb.IOException as error:
            raise Unavailable(
                f"Expected the files of the readings, but {error}. Files are joined now and then: "
                "open another analyst and ask again."
            ) from error
        except duckdb.Error as error:
            raise Invalid(_fault("statement", "SQL that DuckDB carries out", str(error))) from error
        if any(len(column) > ANSWER_ROWS_MAX for column in columns.values()):
            raise Invalid(_fault("answer", f"at most {ANSWER_ROWS_MAX} rows", "more"))
        return {name: _filled(column) for name, column in columns.items()}

    def close(self) -> None:
        """Let go of files and memory."""
        self._connection.close()


def _bounded(statement: str) -> str:
    """Return a question that ends one row behind the limit; other statements as they are."""
    text = statement.strip().rstrip(";")
    asks = text.lstrip("( ").upper().startswith(("SELECT", "WITH", "FROM"))
    return f"SELECT * FROM (\n{text}\n) LIMIT {ANSWER_ROWS_MAX + 1}" if asks else statement  # noqa: S608


def _filled(column: Any) -> NDArray[Any]:
    """Return a column as an array; unknown floats are NaN."""
    if isinstance(column, np.ma.MaskedArray):
        if column.dtype.kind == "f":
            return np.asarray(np.ma.filled(column, np.nan))
        plain = np.ma.getdata(column)
        mask = np.ma.getmaskarray(column)
        if not mask.any():
            return plain
        objects = plain.astype(object)
        objects[mask] = None
        return objects
    return np.asarray(column)


def _readings(folder: Path, seen: Seen) -> str:
    """Return the view of all readings: whole hours as they are, others one by one."""
    fresh = {
        hour
        for each in seen.batches
        for hour in range(each.first // CHUNK_NS, each.last // CHUNK_NS + 1)
    }
    plain: dict[str, list[str]] = {}
    mixed: list[Part] = []
    for hour, parts in seen.shelf.raw.items():
        if len(parts) == 1 and hour not in fresh:
            plain.setdefault(parts[0].unit, []).append(parts[0].path)
        else:
            mixed += parts
    views = [READING.format(paths=_list_of(folder, paths), more="") for paths in plain.values()]
    if mixed or fresh:
        rows = [
            READING.format(
                paths=_list_of(folder, [part.path]), more=f", {part.rank} AS rank, 0 AS arrival"
            )
            for part in mixed
        ]
        behind = max((part.rank for part in mixed), default=0) + 1
        rows.append(HOT.format(rank=behind))
        views.append(SETTLED.format(rows=" UNION ALL ".join(rows)))
    return " UNION ALL ".join(views) if views else _NO_READINGS


def _rollups(folder: Path, shelf: Shelf) -> str:
    """Return the view of minutes: from files as far as they are right, else from readings."""
    right: list[Part] = []
    for hour, parts in shelf.rollups.items():
        live = {part.number for part in shelf.raw_in(hour)}
        covered = {number for part in parts for number in part.made_of}
        if live <= covered:
            right += parts
    hours = {part.chunk for part in right}
    view = (
        [ROLLED_UP.format(paths=_list_of(folder, [part.path for part in right]))] if right else []
    )
    listed = ", ".join(str(hour) for hour in sorted(hours))
    where = f"WHERE ns // {CHUNK_NS} NOT IN ({listed})" if hours else ""
    return " UNION ALL ".join([*view, MINUTES.format(where=where)])


def _hot_table(seen: Seen) -> pa.Table:
    columns = [each.batch for each in seen.batches]
    count = sum(len(each) for each in columns)

    def column(name: str, kind: pa.DataType) -> pa.ChunkedArray:
        return pa.chunked_array([pa.array(getattr(each, name)) for each in columns], type=kind)

    return pa.table(
        {
            "series": column("series", pa.int32()),
            "ns": column("times", pa.int64()),
            "value": column("values", pa.float64()),
            "quality": column("quality", pa.uint8()),
            "arrival": pa.array(np.arange(count)),
        }
    )


def _described(catalogue: Catalogue) -> pa.Table:
    every = list(catalogue)
    dimension = [each.dimension for each in every]
    return pa.table(
        {
            "number": pa.array(np.arange(len(every), dtype=np.int32)),
            **{
                name: pa.array([str(getattr(each, name)) for each in every], pa.string())
                for name in ("source", "address", "name", "work_unit", "kind", "unit")
            },
            "dimension": pa.array([None if d is None else str(d) for d in dimension], pa.string()),
            "si_unit": pa.array([None if d is None else d.unit for d in dimension], pa.string()),
        }
    )


def _list_of(folder: Path, paths: list[str]) -> str:
    return "[" + ", ".join(_quoted(str(folder / path)) for path in paths) + "]"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(
        source="SQL over readings",
        path=path,
        expected=expected,
        found=found,
        hint="The views are readings, rollup_1m and series.",
    )
