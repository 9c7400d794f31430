"""Files and folders as sources: CSV and Parquet where they lie, JSON as a whole."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from fabloop.adapters.dataspace.access import (
    BYTES_MAX,
    TABLES_MAX,
    Held,
    Rows,
    gone,
    held_raws,
    scalar_of,
    silent,
)
from fabloop.base.errors import Fault, Invalid
from fabloop.dataspace.query import Where
from fabloop.dataspace.schema import Raw
from fabloop.dataspace.shred import shred

_FORMATS = {".csv": "csv", ".tsv": "csv", ".json": "json", ".ndjson": "ndjson",
            ".jsonl": "ndjson", ".parquet": "parquet"}  # fmt: skip


def bytes_of(source: str, file: Path) -> bytes:
    """Return what is in a file.

    Raises
    ------
    Unavailable
        It is not there, or cannot be read.
    Invalid
        It is too large.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(BYTES_MAX + 1)
    except OSError as error:
        why = f"'{file}' cannot be read: {error.strerror or error}"
        raise silent(source, why, "Check the file's place and rights.") from error
    if len(data) > BYTES_MAX:
        raise fault(source, file.name, f"at most {BYTES_MAX} bytes", "more")
    return data


def fault(source: str, path: str, expected: str, found: str, hint: str = "") -> Invalid:
    """Return the error for a source that holds something else than it should."""
    return Invalid(Fault(source=source, path=path, expected=expected, found=found, hint=hint))


def json_of(source: str, name: str, data: bytes) -> Any:
    """Return what JSON says."""
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise fault(source, name, "JSON", str(error)) from error


def lines_of(source: str, name: str, data: bytes) -> list[Any]:
    """Return what each line of JSON says."""
    return [
        json_of(source, f"{name} line {number}", line)
        for number, line in enumerate(data.splitlines(), 1)
        if line.strip()
    ]


def tables_in(content: Any, name: str) -> dict[str, list[Any]]:
    """Return the tables that JSON holds: a list, an object of lists, or objects by their key."""
    match content:
        case list():
            return {name: content}
        case dict():
            lists = {
                key: each for key, each in content.items()
                if isinstance(each, list) and each and isinstance(each[0], dict)
            }  # fmt: skip
            if lists:
                return {str(key): each for key, each in lists.items()}
            if _are_alike(list(content.values())):
                return {name: [{"key": key, **each} for key, each in content.items()]}
            return {name: [content]}
        case _:
            return {name: [content]}


def _are_alike(values: list[Any]) -> bool:
    """Tell whether values are objects that mostly have the same properties."""
    if len(values) < 2 or not all(isinstance(each, dict) for each in values):
        return False
    every = set.intersection(*(set(each) for each in values))
    return len(every) * 2 >= max(len(each) for each in values)


class FilesAccess:
    """A file, or the files of a folder: each is a table, JSON may hold several."""

    def __init__(self, source: str, path: Path, form: str | None) -> None:
        self._source = source
        self._path = path
        self._form = form
        self._json: Held | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None

    def begin(self) -> None:
        """Forget what was read."""
        self._json = None

    def look(self, sample: int, only: frozenset[str] | None = None) -> tuple[Raw, ...]:
        """Return the tables of all files."""
        files = self._files()
        flat = [
            self._table(each, form, sample)
            for each, form in files
            if form in ("csv", "parquet") and (only is None or each.stem in only)
        ]
        return (*flat, *self._held(files).look(sample, only))

    def rows(self, table: str, columns: Sequence[str], where: Sequence[Where], limit: int) -> Rows:
        """Return rows; of CSV and Parquet only what fits is read into memory."""
        files = self._files()
        for file, form in files:
            if file.stem == table and form in ("csv", "parquet"):
                return self._select(file, form, columns, where, limit)
        return self._held(files).rows(table, columns, where, limit)

    def _held(self, files: Sequence[tuple[Path, str]]) -> Held:
        if self._json is None:
            held = [(each, form) for each, form in files if form in ("json", "ndjson")]
            self._json = Held(partial(_json_tables, self._source, held))
        return self._json

    def close(self) -> None:
        """Close the engine."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _files(self) -> list[tuple[Path, str]]:
        if not self._path.exists():
            why = f"'{self._path}' is not there"
            raise silent(self._source, why, "Check the place of the file or folder.")
        several = sorted(self._path.iterdir()) if self._path.is_dir() else [self._path]
        known = [
            (each, self._form or _FORMATS.get(each.suffix.lower(), ""))
            for each in several
            if each.is_file()
        ]
        found = [(each, form) for each, form in known if form]
        if self._form and self._path.is_dir():
            found = [(f, form) for f, form in found if _FORMATS.get(f.suffix.lower()) == form]
        if not found:
            raise fault(self._source, str(self._path), "files of CSV, JSON or Parquet", "none")
        twice = [name for name, n in Counter(each.stem for each, _ in found).items() if n > 1]
        if twice:
            told = ", ".join(f"'{each}'" for each in twice)
            hint = "Rename one of them, or name the files in sources of their own."
            raise fault(self._source, str(self._path), "each name of a file once", told, hint)
        if len(found) > TABLES_MAX:
            raise fault(
                self._source, str(self._path), f"at most {TABLES_MAX} files", str(len(found))
            )
        return found

    def _table(self, file: Path, form: str, sample: int) -> Raw:
        sql = f"DESCRIBE SELECT * FROM {_reader(form)}"  # noqa: S608  # constants
        described = self._ask(sql, [str(file)], file)
        columns = [str(row[0]) for row in described]
        rows = self._select(file, form, columns, (), sample)
        counted = len(rows)
        if counted == sample:
            ((counted,),) = self._ask(f"SELECT count(*) FROM {_reader(form)}", [str(file)], file)  # noqa: S608
        return Raw(
            name=file.stem,
            columns=tuple(columns),
            rows=tuple(rows),
            count=counted,
            types={str(row[0]): str(row[1]) for row in described} if form == "parquet" else {},
        )

    def _select(
        self, file: Path, form: str, columns: Sequence[str], where: Sequence[Where], limit: int
    ) -> Rows:
        chosen = ", ".join(map(_quoted, columns)) or "1"
        conditions = [
            f"trim(CAST({_quoted(each.column)} AS VARCHAR)) IN ({','.join('?' * len(each.values))})"
            for each in where
        ]
        sql = f"SELECT {chosen} FROM {_reader(form)}"  # noqa: S608  # names are quoted
        if conditions:
            sql += f" WHERE {' AND '.join(conditions)}"
        values = [str(file), *(value for each in where for value in each.values)]
        found = self._ask(f"{sql} LIMIT {int(limit)}", values, file)
        return [tuple(map(scalar_of, row)) for row in found]

    def _ask(self, sql: str, values: Sequence[Any], file: Path) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = duckdb.connect(
                config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
            )
        try:
            return self._connection.execute(sql, values).fetchall()
        except duckdb.BinderException as error:
            raise gone(f"{self._source}: {str(error).splitlines()[0]}") from error
        except duckdb.IOException as error:
            why = f"'{file}' cannot be read"
            raise silent(self._source, why, "Check the file's place and rights.") from error
        except duckdb.Error as error:
            first = str(error).splitlines()[0][:200]
            raise fault(self._source, file.name, "a table that can be read", first) from error


def _json_tables(source: str, files: Sequence[tuple[Path, str]]) -> tuple[Raw, ...]:
    """Return the tables of JSON files, each with its form."""
    tables: dict[str, list[Any]] = {}
    for file, form in files:
        data = bytes_of(source, file)
        if form == "ndjson":
            tables.setdefault(file.stem, []).extend(lines_of(source, file.name, data))
            continue
        content = json_of(source, file.name, data)
        for name, rows in tables_in(content, file.stem).items():
            tables.setdefault(name, []).extend(rows)
    return held_raws(shred(source, tables))


def _reader(form: str) -> str:
    """Return the table function for a file; all of CSV is text: '007' stays what it is."""
    if form == "csv":
        return "read_csv(?, all_varchar = true, header = true)"
    return "read_parquet(?)"


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
