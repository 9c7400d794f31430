"""SQLite and PostgreSQL as sources: what they declare, a sample, and rows by conditions."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fabloop.adapters.dataspace.access import TABLES_MAX, Rows, gone, scalar_of, silent
from fabloop.base.errors import Fault, Invalid, Refused
from fabloop.dataspace.query import Where
from fabloop.dataspace.schema import Raw
from fabloop.dataspace.target import number_of

if TYPE_CHECKING:
    import psycopg

COUNTED_MAX = 1_000_000
"""Rows of a table that are counted; more are only known to be more."""
STATEMENT_S_MAX = 30
"""How long a database may take for one answer."""
_TEXTS = ("char", "text", "name", "uuid", "citext")
_NUMBERS = ("int", "numeric", "real", "double", "serial", "decimal", "money")


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


class SqliteAccess:
    """An SQLite file, read only."""

    def __init__(self, source: str, file: Path) -> None:
        self._source = source
        self._file = file
        self._connection: sqlite3.Connection | None = None

    def begin(self) -> None:
        """Begin a read transaction: what is asked from now on is of one state."""
        self.close()

    def look(self, sample: int, only: frozenset[str] | None = None) -> tuple[Raw, ...]:
        """Return its tables and views."""
        listed = self._ask(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
            "AND name NOT LIKE 'sqlite_%' ORDER BY name LIMIT ?",
            [TABLES_MAX],
        )
        names = [str(name) for (name,) in listed]
        return tuple(self._table(each, sample) for each in names if only is None or each in only)

    def rows(self, table: str, columns: Sequence[str], where: Sequence[Where], limit: int) -> Rows:
        """Return rows of a table; conditions are the database's own work."""
        chosen = ", ".join(map(_quoted, columns)) or "1"
        conditions = [
            f"{_quoted(each.column)} IN ({','.join('?' * len(each.values))})" for each in where
        ]
        sql = f"SELECT {chosen} FROM {_quoted(table)}"  # noqa: S608  # names are quoted
        if conditions:
            sql += f" WHERE {' AND '.join(conditions)}"
        values = [value for each in where for value in each.values]
        found = self._ask(f"{sql} LIMIT {int(limit)}", values)
        return [tuple(map(scalar_of, row)) for row in found]

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _table(self, name: str, sample: int) -> Raw:
        info = self._ask(f"PRAGMA table_info({_quoted(name)})")
        columns = tuple(str(row[1]) for row in info)
        keys = [str(row[1]) for row in info if row[5]]
        refers = {
            str(row[3]): (str(row[2]), str(row[4] or ""))
            for row in self._ask(f"PRAGMA foreign_key_list({_quoted(name)})")
        }
        (counted,) = self._ask(
            f"SELECT count(*) FROM (SELECT 1 FROM {_quoted(name)} LIMIT {COUNTED_MAX})"  # noqa: S608
        )
        return Raw(
            name=name,
            columns=columns,
            rows=tuple(self.rows(name, columns, (), sample)),
            count=int(counted[0]),
            types={str(row[1]): str(row[2]) for row in info},
            keys=tuple(keys) if len(keys) == 1 else (),
            refers={
                column: (table, to or self._key_of(table)) for column, (table, to) in refers.items()
            },
        )

    def _key_of(self, table: str) -> str:
        """Return the primary key that a reference means which names none."""
        info = self._ask(f"PRAGMA table_info({_quoted(table)})")
        return next((str(row[1]) for row in info if row[5]), "rowid")

    def _ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            if self._connection is None:
                self._connection = self._opened()
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            if "no such table" in str(error) or "no such column" in str(error):
                raise gone(f"{self._source}: {error}") from error
            raise silent(self._source, error, "Check the file, then ask again.") from error

    def _opened(self) -> sqlite3.Connection:
        if not self._file.is_file():
            raise silent(self._source, f"'{self._file}' is not there", "Check the file's place.")
        uri = f"{self._file.resolve().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None,
                                     check_same_thread=False)  # fmt: skip
        connection.execute("BEGIN")
        return connection


class PostgresAccess:
    """One schema of a PostgreSQL database, read only."""

    def __init__(self, source: str, url: str, schema: str, password_from: str) -> None:
        self._source = source
        self._url = url
        self._schema = schema
        self._password_from = password_from
        self._connection: psycopg.Connection[Any] | None = None
        self._types: dict[tuple[str, str], str] = {}

    def begin(self) -> None:
        """Begin a transaction that sees one state."""
        if self._connection is None or self._connection.closed:
            return
        import psycopg  # noqa: PLC0415  # an optional extra, which is there with a connection

        try:
            self._connection.rollback()
        except psycopg.Error:  # it was cut meanwhile; the next question opens another one
            self.close()

    def look(self, sample: int, only: frozenset[str] | None = None) -> tuple[Raw, ...]:
        """Return the tables and views of the schema."""
        found = self._ask(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = %s ORDER BY table_name, ordinal_position",
            [self._schema],
        )
        tables: dict[str, dict[str, str]] = {}
        for table, column, kind in found:
            tables.setdefault(table, {})[column] = kind
            self._types[table, column] = kind
        keys, refers = self._declared()
        names = [each for each in list(tables)[:TABLES_MAX] if only is None or each in only]
        return tuple(
            self._table(each, tables[each], sample, keys.get(each, ()), refers.get(each, {}))
            for each in names
        )

    def rows(self, table: str, columns: Sequence[str], where: Sequence[Where], limit: int) -> Rows:
        """Return rows of a table; conditions are the database's own work."""
        if not self._types:
            self.look(1)
        chosen = ", ".join(map(_quoted, columns)) or "1"
        sql = f"SELECT {chosen} FROM {_quoted(self._schema)}.{_quoted(table)}"  # noqa: S608
        conditions, values = [], []
        for each in where:
            condition, value = self._condition(table, each)
            conditions.append(condition)
            values.append(value)
        if conditions:
            sql += f" WHERE {' AND '.join(conditions)}"
        found = self._ask(f"{sql} LIMIT {int(limit)}", values)
        return [tuple(map(scalar_of, row)) for row in found]

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _condition(self, table: str, where: Where) -> tuple[str, list[Any]]:
        """Return a condition in the type of its column, so that an index can serve it."""
        kind = self._types.get((table, where.column), "")
        column = _quoted(where.column)
        if any(word in kind for word in _NUMBERS):
            numbers = [each for each in map(number_of, where.values) if each is not None]
            return f"{column} = ANY(%s::numeric[])", numbers
        if any(word in kind for word in _TEXTS) and kind != "uuid":
            return f"{column} = ANY(%s)", list(where.values)
        return f"{column}::text = ANY(%s)", list(where.values)

    def _table(
        self,
        name: str,
        columns: dict[str, str],
        sample: int,
        keys: Sequence[str],
        refers: dict[str, tuple[str, str]],
    ) -> Raw:
        rows = self.rows(name, list(columns), (), sample)
        counted = len(rows)
        if counted == sample:
            place = f"{_quoted(self._schema)}.{_quoted(name)}"
            ((counted,),) = self._ask(
                f"SELECT count(*) FROM (SELECT 1 FROM {place} LIMIT {COUNTED_MAX}) AS some"  # noqa: S608
            )
        return Raw(
            name=name,
            columns=tuple(columns),
            rows=tuple(rows),
            count=counted,
            types=columns,
            keys=tuple(keys),
            refers=refers,
        )

    def _declared(self) -> tuple[dict[str, list[str]], dict[str, dict[str, tuple[str, str]]]]:
        """Return keys of one column, and references, by table."""
        found = self._ask(
            """
            SELECT c.contype::text, t.relname, a.attname, rt.relname, ra.attname
            FROM pg_constraint c
            JOIN pg_class t ON t.oid = c.conrelid
            JOIN pg_namespace n ON n.oid = t.relnamespace
            JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
            LEFT JOIN pg_class rt ON rt.oid = c.confrelid
            LEFT JOIN pg_attribute ra ON ra.attrelid = rt.oid AND ra.attnum = c.confkey[1]
            WHERE n.nspname = %s AND c.contype IN ('p', 'u', 'f')
              AND array_length(c.conkey, 1) = 1
            """,
            [self._schema],
        )
        keys: dict[str, list[str]] = {}
        refers: dict[str, dict[str, tuple[str, str]]] = {}
        for kind, table, column, to_table, to_column in found:
            if kind == "f":
                refers.setdefault(table, {})[column] = (to_table, to_column)
            else:
                keys.setdefault(table, []).append(column)
        return keys, refers

    def _ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            import psycopg  # noqa: PLC0415  # an optional extra
        except ModuleNotFoundError as error:
            raise Refused(
                "Expected the extra 'postgres' for PostgreSQL, but found that it is not installed. "
                "Run: pip install 'fabloop[postgres]'"
            ) from error
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._opened(psycopg)
            return self._connection.execute(sql.encode(), values).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            if self._connection is not None:
                self._connection.rollback()
            raise gone(f"{self._source}: {error.diag.message_primary}") from error
        except psycopg.Error as error:
            self.close()
            raise silent(self._source, error, "Check the database, then ask again.") from error

    def _opened(self, driver: Any) -> "psycopg.Connection[Any]":
        more = {}
        if self._password_from:
            password = os.environ.get(self._password_from)
            if password is None:
                raise Invalid(
                    Fault(source=self._source, path="password_from", found="nothing in it",
                          expected=f"the environment variable {self._password_from}",
                          hint="Set it to the password.")
                )  # fmt: skip
            more["password"] = password
        found: psycopg.Connection[Any] = driver.connect(
            self._url,
            connect_timeout=5,
            options=(
                f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_S_MAX}s "
                "-c default_transaction_isolation=repeatable\\ read"
            ),
            **more,
        )
        return found
