"""Closed hours condensed to five minutes, side by side for each series: what charts are made of.

An SQLite file beside the manifest, made from sealed readings and made again where it is lost: it
is never the only place of anything.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import apsw

from fabloop.adapters.historian.layout import CHUNK_NS, TREND
from fabloop.adapters.historian.trend_bodies import bodies_of, rows_of
from fabloop.sense.readings.summary import Summaries

VERSION: Final = 1
BUSY_MS_MAX = 10_000
"""How long a question waits for the thread that condenses hours."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS hours (chunk INTEGER PRIMARY KEY, made_of TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS trend (
  series INTEGER NOT NULL, chunk INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (series, chunk)) STRICT, WITHOUT ROWID;
"""


class Trend:
    """Reads and writes condensed hours; one writes, and each thread has one of its own."""

    def __init__(self, folder: Path, *, write: bool) -> None:
        path = folder / TREND
        self._connection = _opened(path) if write else _read_only(path)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()

    def hours(self) -> dict[int, frozenset[int]]:
        """Return the hours that are condensed, and the parts that they are made of."""
        if self._connection is None:
            return {}
        found = self._connection.execute("SELECT chunk, made_of FROM hours").fetchall()
        return {
            int(str(chunk)): frozenset(int(each) for each in str(made_of).split())
            for chunk, made_of in found
        }

    def put(self, chunk: int, made_of: Iterable[int], rows: Iterable[Summaries]) -> None:
        """Condense an hour anew, in one transaction; rows stand by series and start."""
        assert self._connection is not None
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO trend VALUES (?,?,?)",
                (
                    (series, chunk, body)
                    for each in rows
                    for series, body in bodies_of(each, chunk * CHUNK_NS)
                ),
            )
            self._connection.execute(
                "INSERT OR REPLACE INTO hours VALUES (?,?)",
                (chunk, " ".join(map(str, sorted(made_of)))),
            )

    def drop(self, before: int) -> None:
        """Delete the hours before one."""
        assert self._connection is not None
        with self._connection:
            self._connection.execute("DELETE FROM trend WHERE chunk < ?", (before,))
            self._connection.execute("DELETE FROM hours WHERE chunk < ?", (before,))

    def rows(self, series: int, first: int, last: int) -> list[tuple[int, Summaries]]:
        """Return the hours of a series, from the first to the last one, under number 0."""
        if self._connection is None:
            return []
        found = self._connection.execute(
            "SELECT chunk, body FROM trend WHERE series = ? AND chunk BETWEEN ? AND ? "
            "ORDER BY chunk",
            (series, first, last),
        )
        return [
            (int(str(chunk)), rows_of(int(str(chunk)) * CHUNK_NS, _blob(body)))
            for chunk, body in found
        ]


def _opened(path: Path) -> apsw.Connection:
    """Open the file; one that is damaged, or of another version, is made anew."""
    try:
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(BUSY_MS_MAX)
        if connection.pragma("user_version") not in (0, VERSION):
            raise apsw.NotADBError("of another version")
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", 1)  # what is lost is made again
        with connection:
            connection.execute(_SCHEMA)
            connection.pragma("user_version", VERSION)
    except (apsw.NotADBError, apsw.CorruptError):
        for end in ("", "-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        return _opened(path)
    return connection


def _read_only(path: Path) -> apsw.Connection | None:
    """Open the file as it is; None where there is none of this version."""
    try:
        connection = apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_timeout(BUSY_MS_MAX)
        return connection if connection.pragma("user_version") == VERSION else None
    except (apsw.CantOpenError, apsw.NotADBError, apsw.CorruptError):
        return None


def _blob(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value
