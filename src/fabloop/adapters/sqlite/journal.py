"""Rows in SQLite (WAL, ``synchronous=FULL``), committed in groups by one writer thread."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw

from fabloop.base.errors import Broken, Conflict, Unavailable
from fabloop.base.instant import Instant
from fabloop.base.journal import Row

SCHEMA_VERSION = 1
GROUP_ROWS_MAX = 4_096
"""Rows in one commit; more wait for the next, so that the first ones are not kept waiting."""

PENDING_ROWS_MAX = 200_000
"""Rows queued before `append` refuses: memory is bounded, the caller has to slow down."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (
  seq INTEGER PRIMARY KEY, partition INTEGER NOT NULL, stream TEXT NOT NULL, kind TEXT NOT NULL,
  version INTEGER NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, request TEXT,
  body BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS journal_request ON journal (partition, request)
  WHERE request IS NOT NULL;
CREATE INDEX IF NOT EXISTS journal_stream ON journal (stream, seq);
"""
_INSERT = (
    "INSERT INTO journal (seq, partition, stream, kind, version, at, actor, request, body) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SELECT = (
    "SELECT seq, partition, stream, kind, version, at, actor, request, body "
    "FROM journal WHERE seq > ? ORDER BY seq"
)


class SqliteJournal:
    """A journal in one file, owned by one process.

    `append` only queues; a writer thread commits whatever is pending, so the cost of reaching
    the disk is shared by all that wait. The fsync runs outside the interpreter lock.

    Raises
    ------
    Conflict
        Another process has the file open as its writer.
    Broken
        The file is no journal of ours, or is of a newer version.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        self._connection = _open(self._path)
        last = self._connection.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()
        assert last is not None
        self._last: int = last[0]
        self._durable = self._last
        self._pending: list[tuple[int, Sequence[Row]]] = []
        self._pending_rows = 0
        self._failure: Exception | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._writer = threading.Thread(target=self._write, name="journal-writer", daemon=True)
        self._writer.start()

    def append(self, rows: Sequence[Row]) -> int:
        """Queue rows that are committed together; return the last sequence number."""
        with self._changed:
            self._check()
            if self._pending_rows + len(rows) > PENDING_ROWS_MAX:
                raise Unavailable(
                    f"Expected at most {PENDING_ROWS_MAX} rows waiting for the disk, but found "
                    f"{self._pending_rows}. Wait for earlier rows before appending more."
                )
            first = self._last + 1
            self._last += len(rows)
            self._pending_rows += len(rows)
            self._pending.append((first, tuple(rows)))
            self._changed.notify_all()
            return self._last

    def wait(self, seq: int) -> None:
        """Return once everything up to `seq` is on the disk."""
        with self._changed:
            while self._durable < seq:
                self._check()
                self._changed.wait()

    def read(self, after: int = 0) -> Iterator[tuple[int, Row]]:
        """Yield the durable rows after a sequence number, over a connection of its own."""
        self.wait(self._last)
        reader = apsw.Connection(self._path, flags=apsw.SQLITE_OPEN_READONLY)
        try:
            for seq, partition, stream, kind, version, at, actor, request, body in reader.execute(
                _SELECT, (after,)
            ):
                yield (
                    seq,
                    Row(
                        partition=partition,
                        stream=stream,
                        kind=kind,
                        version=version,
                        at=Instant(at),
                        actor=actor,
                        request=request or "",
                        body=body,
                    ),
                )
        finally:
            reader.close()

    def close(self) -> None:
        """Commit what is pending and close the file."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._writer.join()
        self._connection.close()

    def _check(self) -> None:
        if self._failure is not None:
            raise Unavailable(
                f"Expected journal '{self._path}' to be writable, but {self._failure}. Free the "
                "disk or repair the file, then start again: nothing acknowledged is lost."
            ) from self._failure

    def _write(self) -> None:
        """Commit pending groups until closed; runs in the writer thread."""
        while True:
            with self._changed:
                while not self._pending and not self._closing:
                    self._changed.wait()
                if not self._pending:
                    return
                groups = self._take()
            try:
                with self._connection:  # one transaction: BEGIN here, COMMIT with its fsync at exit
                    for first, rows in groups:
                        self._connection.executemany(_INSERT, _values(first, rows))
            except apsw.Error as error:
                with self._changed:
                    self._failure = error
                    self._changed.notify_all()
                return
            with self._changed:
                self._durable = groups[-1][0] + len(groups[-1][1]) - 1
                self._changed.notify_all()

    def _take(self) -> list[tuple[int, Sequence[Row]]]:
        """Take groups up to `GROUP_ROWS_MAX` rows, at least one; the lock is held."""
        count = taken = 0
        for _, rows in self._pending:
            taken += len(rows)
            count += 1
            if taken >= GROUP_ROWS_MAX:
                break
        groups, self._pending = self._pending[:count], self._pending[count:]
        self._pending_rows -= taken
        return groups


def _values(first: int, rows: Sequence[Row]) -> Iterator[tuple[int | str | bytes | None, ...]]:
    for seq, row in enumerate(rows, start=first):
        yield (
            seq,
            row.partition,
            row.stream,
            row.kind,
            row.version,
            row.at,
            row.actor,
            row.request or None,
            row.body,
        )


def _open(path: str) -> apsw.Connection:
    """Open for writing by this process alone and bring the schema up to date."""
    connection = apsw.Connection(path)
    try:
        connection.set_busy_timeout(1_000)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", 2)  # FULL: a commit returns after its fsync
        found = connection.pragma("user_version")
        if found > SCHEMA_VERSION:
            raise Broken(
                f"Expected journal '{path}' of version {SCHEMA_VERSION} at most, but found version "
                f"{found}. Open it with the newer fabloop that wrote it."
            )
        with connection:
            connection.execute(_SCHEMA)
            connection.pragma("user_version", SCHEMA_VERSION)
    except apsw.NotADBError as error:
        connection.close()
        raise Broken(
            f"Expected '{path}' to be an SQLite file, but it is none. Name another folder."
        ) from error
    except apsw.BusyError as error:
        connection.close()
        raise Conflict(
            f"Expected to be the only process writing '{path}', but another one has it open. "
            "End that process first."
        ) from error
    except BaseException:
        connection.close()
        raise
    return connection
