"""Rows in PostgreSQL, copied in groups by one writer thread per partition."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

import psycopg

from fabloop.adapters.groups import GroupWriter, Value
from fabloop.adapters.postgres.reader import PostgresReader
from fabloop.adapters.postgres.schema import COLUMNS, connect, lock_partition, one
from fabloop.base.errors import Conflict
from fabloop.base.journal import Row

_COPY = f"COPY fabloop_journal ({COLUMNS}) FROM STDIN (FORMAT BINARY)".encode()
_TYPES = ("int8", "int4", "text", "text", "int4", "int8", "text", "text", "bytea")
_EPOCH = "SELECT epoch FROM fabloop_owner WHERE partition = %s FOR SHARE"


class PostgresJournal:
    """The journal of one partition in a database that holds many.

    Who opens it holds an advisory lock for as long as its session lives, and begins a new epoch.
    Every commit checks that epoch in its own transaction: a writer that lost its session and was
    replaced can never append again, whatever it still believes.

    Parameters
    ----------
    url : as libpq takes it, ``postgresql://host/database`` or ``host=... dbname=...``
    wait_s : how long to wait for an earlier writer to go

    Raises
    ------
    Conflict
        Another writer holds the partition.
    Unavailable
        There is no such server.
    """

    def __init__(self, url: str, partition: int = 0, *, wait_s: float = 0.0) -> None:
        self._partition = partition
        self._connection = connect(url)
        self._reader = PostgresReader(url, partition)
        try:
            self._epoch = lock_partition(self._connection, partition, wait_s)
            last = self._reader.last()
        except BaseException:
            self._connection.close()
            raise
        name = f"partition {partition} of {self._connection.info.dbname}"
        self._groups = GroupWriter(self._commit, last=last, partition=partition, name=name)

    def append(self, rows: Sequence[Row]) -> int:
        """Queue rows that are committed together; return the last sequence number."""
        return self._groups.append(rows)

    def wait(self, seq: int) -> None:
        """Return once everything up to `seq` is on the server's disk."""
        self._groups.wait(seq)

    def read(self, after: int = 0) -> Iterator[tuple[int, Row]]:
        """Yield the durable rows after a sequence number, over a connection of its own."""
        self._groups.wait(self._groups.last)
        return self._reader.read(after)

    def last(self) -> int:
        """Return the sequence number of the newest row on the server's disk."""
        return self._groups.durable

    def find(self, request: str) -> Row | None:
        """Return the row of a request."""
        return self._reader.find(request)

    def close(self) -> None:
        """Commit what is pending, and let others write the partition."""
        self._groups.close()
        with suppress(psycopg.Error):  # a session that is lost holds nothing
            self._connection.execute("SELECT pg_advisory_unlock_all()")  # closing alone takes time
        self._connection.close()

    def _commit(self, rows: Iterator[tuple[Value, ...]]) -> None:
        """Copy rows in one transaction; it returns when the server has synchronised its log."""
        with self._connection.transaction():
            epoch = one(self._connection, _EPOCH, (self._partition,))
            if epoch != self._epoch:
                raise Conflict(
                    f"Expected to be the writer of partition {self._partition} in epoch "
                    f"{self._epoch}, but another one took over in epoch {epoch}. End this process."
                )
            with self._connection.cursor() as cursor, cursor.copy(_COPY) as copy:
                copy.set_types(_TYPES)
                for row in rows:
                    copy.write_row(row)
