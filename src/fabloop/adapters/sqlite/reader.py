"""Reads the rows of a journal file, those that were archived among them."""

from collections.abc import Iterator
from pathlib import Path

import apsw

from fabloop.adapters.sqlite.schema import BUSY_MS_MAX, COLUMNS, archive_of
from fabloop.base.errors import Broken, NotFound
from fabloop.base.instant import Instant
from fabloop.base.journal import Row

_LIVE = f"SELECT {COLUMNS} FROM main.journal WHERE seq > :after"  # noqa: S608  # constants
_ARCHIVED = f"SELECT {COLUMNS} FROM archive.journal WHERE seq > :after"  # noqa: S608  # constants
_FOUND = f"SELECT {COLUMNS} FROM %s.journal WHERE request = :request"  # noqa: S608  # constants


class SqliteReader:
    """Reads a journal file that another process may be writing.

    Raises
    ------
    NotFound
        There is no such file.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        if not Path(path).is_file():
            raise NotFound(f"Expected a journal at '{path}', but found none. Name its folder.")

    def read(self, after: int = 0) -> Iterator[tuple[int, Row]]:
        """Yield the durable rows after a sequence number, over a connection of its own."""
        looked_again = False
        while True:
            connection, archived = self._open()
            try:
                for seq, *columns in _rows(connection, archived, after):
                    if seq > after + 1:
                        break
                    if seq == after + 1:  # else it is in both: about to be dropped from one
                        after = seq
                        yield seq, _row(*columns)
                else:
                    return
            finally:
                connection.close()
            if archived or looked_again:
                raise Broken(
                    f"Expected row {after + 1} of journal '{self._path}', but it is missing. "
                    f"Bring back its archive '{archive_of(self._path)}'."
                )
            looked_again = True  # an archive may have been begun while this was read

    def last(self) -> int:
        """Return the sequence number of the newest row."""
        connection, _ = self._open()
        try:
            return int(connection.execute("SELECT coalesce(max(seq), 0) FROM journal").get)
        finally:
            connection.close()

    def find(self, request: str) -> Row | None:
        """Return the row of a request, archived or not."""
        connection, archived = self._open()
        try:
            for name in ("main", "archive") if archived else ("main",):
                for _, *columns in connection.execute(_FOUND % name, {"request": request}):
                    return _row(*columns)
        finally:
            connection.close()
        return None

    def _open(self) -> tuple[apsw.Connection, bool]:
        """Return a connection and whether there is an archive beside it."""
        connection = _open_to_read(self._path)
        connection.set_busy_timeout(BUSY_MS_MAX)
        if not Path(archive_of(self._path)).is_file():
            return connection, False
        connection.execute("ATTACH ? AS archive", (archive_of(self._path),))
        begun = connection.execute("SELECT 1 FROM archive.sqlite_schema WHERE name = 'journal'").get
        return connection, begun is not None


def _open_to_read(path: str) -> apsw.Connection:
    """Open a file that is only read: writing is refused, but mending what a killed writer left.

    SQLite can recover a log only over a connection that may write; files that may not be written
    are opened as they are.
    """
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
    connection.pragma("query_only", True)  # noqa: FBT003  # the value of the pragma
    return connection


def _rows(connection: apsw.Connection, archived: bool, after: int) -> apsw.Cursor:
    query = f"{_LIVE} UNION ALL {_ARCHIVED}" if archived else _LIVE
    return connection.execute(f"{query} ORDER BY seq", {"after": after})


def _row(
    partition: int, stream: str, kind: str, version: int, at: int,
    actor: str, request: str | None, body: bytes,
) -> Row:  # fmt: skip
    return Row(
        partition=partition,
        stream=stream,
        kind=kind,
        version=version,
        at=Instant(at),
        actor=actor,
        request=request or "",
        body=body,
    )
