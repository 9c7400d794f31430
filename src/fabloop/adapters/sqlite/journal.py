"""Rows in SQLite (WAL, ``synchronous=FULL``), committed in groups by one writer thread."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import apsw

from fabloop.adapters.sqlite.reader import SqliteReader
from fabloop.adapters.sqlite.schema import COLUMNS, OWNER, ROWS, lock_owner, open_file
from fabloop.base.errors import Conflict, FabloopError, Unavailable
from fabloop.base.journal import Row, check_group

GROUP_ROWS_MAX = 4_096
"""Rows in one commit; more wait for the next, so that the first ones are not kept waiting."""

PENDING_ROWS_MAX = 200_000
"""Rows queued before `append` refuses: memory is bounded, the caller has to slow down."""

ROWS_PER_STATEMENT = 32
"""Rows in one statement: each is a chance to lose the interpreter to a thread that computes."""

Value = int | str | bytes | None

_ONE = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT = f"INSERT INTO journal ({COLUMNS}) VALUES {_ONE}"  # noqa: S608  # constants
_INSERT_MANY = _INSERT + f", {_ONE}" * (ROWS_PER_STATEMENT - 1)


class SqliteJournal:
    """The journal of one partition in one file, written by one process.

    `append` only queues; a writer thread commits whatever is pending, so the cost of reaching
    the disk is shared by all that wait. The fsync runs outside the interpreter lock. Who opens it
    holds a lock that ends with the process, and an epoch that every commit checks: a writer that
    was thought dead and was replaced can never append again.

    Raises
    ------
    Conflict
        Another process has the file open as its writer, or it holds another partition.
    Broken
        The file is no journal of ours, or is of a newer version.
    """

    def __init__(self, path: Path | str, partition: int = 0) -> None:
        self._path = str(path)
        self._partition = partition
        self._lock = lock_owner(self._path)
        try:
            self._connection = open_file(self._path, ROWS + OWNER)
        except BaseException:
            self._lock.close()
            raise
        try:
            self._epoch = _take_over(self._connection, self._path, partition)
        except BaseException:
            self._connection.close()
            self._lock.close()
            raise
        self._reader = SqliteReader(self._path)
        self._last = self._durable = self._reader.last()
        self._pending: list[tuple[int, Sequence[Row]]] = []
        self._pending_rows = 0
        self._failure: FabloopError | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._writer = threading.Thread(target=self._write, name="journal-writer", daemon=True)
        self._writer.start()

    def append(self, rows: Sequence[Row]) -> int:
        """Queue rows that are committed together; return the last sequence number."""
        check_group(rows, self._partition)
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
            if not self._pending:
                self._changed.notify_all()
            self._pending.append((first, tuple(rows)))
            return self._last

    def wait(self, seq: int) -> None:
        """Return once everything up to `seq` is on the disk."""
        if self._durable >= seq:
            return
        with self._changed:
            while self._durable < seq:
                self._check()
                self._changed.wait()

    def read(self, after: int = 0) -> Iterator[tuple[int, Row]]:
        """Yield the durable rows after a sequence number, over a connection of its own."""
        self.wait(self._last)
        return self._reader.read(after)

    def last(self) -> int:
        """Return the sequence number of the newest row on the disk."""
        return self._durable

    def find(self, request: str) -> Row | None:
        """Return the row of a request."""
        return self._reader.find(request)

    def close(self) -> None:
        """Commit what is pending, close the file and let others write it."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._writer.join()
        self._connection.close()
        self._lock.close()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

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
                self._commit(groups)
            except (apsw.Error, FabloopError) as error:
                with self._changed:
                    self._failure = self._failed(error)
                    self._changed.notify_all()
                return
            with self._changed:
                self._durable = groups[-1][0] + len(groups[-1][1]) - 1
                self._changed.notify_all()

    def _commit(self, groups: Sequence[tuple[int, Sequence[Row]]]) -> None:
        """Write groups in one transaction; it returns after its fsync."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            epoch = execute("SELECT epoch FROM owner WHERE partition = ?", (self._partition,)).get
            if epoch != self._epoch:
                raise Conflict(
                    f"Expected to be the writer of '{self._path}' in epoch {self._epoch}, but "
                    f"another one took over in epoch {epoch}. End this process."
                )
            values = (each for first, rows in groups for each in _values(first, rows))
            while chunk := list(islice(values, ROWS_PER_STATEMENT)):
                if len(chunk) == ROWS_PER_STATEMENT:
                    execute(_INSERT_MANY, [value for row in chunk for value in row])
                else:
                    self._connection.executemany(_INSERT, chunk)
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise

    def _failed(self, error: Exception) -> FabloopError:
        if isinstance(error, FabloopError):
            return error
        failure = Unavailable(
            f"Expected journal '{self._path}' to be writable, but {error}. Free the "
            "disk or repair the file, then start again: nothing acknowledged is lost."
        )
        failure.__cause__ = error
        return failure

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


def _take_over(connection: apsw.Connection, path: str, partition: int) -> int:
    """Begin a new epoch of writing a file, and return it."""
    with connection:
        held = connection.execute("SELECT partition FROM owner").get
        if held is not None and held != partition:
            raise Conflict(
                f"Expected '{path}' to hold partition {partition}, but it holds {held}. "
                "Keep each partition in a file of its own."
            )
        connection.execute("INSERT OR IGNORE INTO owner VALUES (?, 0)", (partition,))
        epoch = connection.execute("UPDATE owner SET epoch = epoch + 1 RETURNING epoch").get
    return int(epoch)


def _values(first: int, rows: Iterable[Row]) -> Iterator[tuple[Value, ...]]:
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
