"""Rows in SQLite (WAL, ``synchronous=FULL``), committed in groups by one writer thread."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import apsw

from fabloop.adapters.groups import GroupWriter, Value
from fabloop.adapters.sqlite.reader import SqliteReader
from fabloop.adapters.sqlite.schema import COLUMNS, OWNER, ROWS, lock_owner, open_file
from fabloop.base.errors import Conflict
from fabloop.base.journal import Row

ROWS_PER_STATEMENT = (256, 64, 16, 4, 1)
"""Rows in one statement. Few statements: each is a chance to lose the interpreter to a thread that
computes, and to get it back some milliseconds later."""

_ONE = "(?,?,?,?,?,?,?,?,?)"
_INSERTS = {
    size: f"INSERT INTO journal ({COLUMNS}) VALUES {','.join([_ONE] * size)}"  # noqa: S608  # constants
    for size in ROWS_PER_STATEMENT
}


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
        self._groups = GroupWriter(
            self._commit, last=self._reader.last(), partition=partition, name=self._path
        )

    def append(self, rows: Sequence[Row]) -> int:
        """Queue rows that are committed together; return the last sequence number."""
        return self._groups.append(rows)

    def wait(self, seq: int) -> None:
        """Return once everything up to `seq` is on the disk."""
        self._groups.wait(seq)

    def read(self, after: int = 0) -> Iterator[tuple[int, Row]]:
        """Yield the durable rows after a sequence number, over a connection of its own."""
        self._groups.wait(self._groups.last)
        return self._reader.read(after)

    def last(self) -> int:
        """Return the sequence number of the newest row on the disk."""
        return self._groups.durable

    def find(self, request: str) -> Row | None:
        """Return the row of a request."""
        return self._reader.find(request)

    def close(self) -> None:
        """Commit what is pending, close the file and let others write it."""
        self._groups.close()
        self._connection.close()
        self._lock.close()

    def _commit(self, rows: Iterator[tuple[Value, ...]]) -> None:
        """Write rows in one transaction; it returns after its fsync."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            epoch = execute("SELECT epoch FROM owner WHERE partition = ?", (self._partition,)).get
            if epoch != self._epoch:
                raise Conflict(
                    f"Expected to be the writer of '{self._path}' in epoch {self._epoch}, but "
                    f"another one took over in epoch {epoch}. End this process."
                )
            left = list(rows)
            for size in ROWS_PER_STATEMENT:
                while len(left) >= size:
                    execute(_INSERTS[size], list(chain.from_iterable(left[:size])))
                    del left[:size]
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise


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
