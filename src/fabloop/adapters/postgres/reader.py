"""Reads the rows of one partition, those that were archived among them."""

from collections.abc import Iterator

from fabloop.adapters.postgres.schema import COLUMNS, Connection, connect, one
from fabloop.base.errors import Broken
from fabloop.base.instant import Instant
from fabloop.base.journal import Row

ROWS_PER_FETCH = 5_000

_WHERE = "WHERE partition = %(partition)s AND seq > %(after)s"
_READ = (
    f"SELECT {COLUMNS} FROM fabloop_journal {_WHERE} UNION ALL "  # noqa: S608  # constants
    f"SELECT {COLUMNS} FROM fabloop_archive {_WHERE} ORDER BY seq"
)
_LAST = "SELECT coalesce(max(seq), 0) FROM fabloop_journal WHERE partition = %s"
_FIND = f"SELECT {COLUMNS} FROM %s WHERE partition = %%s AND request = %%s"  # noqa: S608  # constants


class PostgresReader:
    """Reads a partition that another process may be writing."""

    def __init__(self, url: str, partition: int = 0) -> None:
        self._url = url
        self._partition = partition

    def read(self, after: int = 0) -> Iterator[tuple[int, Row]]:
        """Yield the durable rows after a sequence number, over a connection of its own."""
        with connect(self._url) as connection, connection.transaction():
            yield from self._read(connection, after)

    def _read(self, connection: Connection, after: int) -> Iterator[tuple[int, Row]]:
        expected = after + 1
        with connection.cursor(name="rows", binary=True) as cursor:
            cursor.itersize = ROWS_PER_FETCH
            values = {"partition": self._partition, "after": after}
            for seq, *columns in cursor.execute(_READ.encode(), values):
                if seq != expected:
                    raise Broken(
                        f"Expected row {expected} of partition {self._partition}, but the next is "
                        f"{seq}. Bring back what was taken from the archive."
                    )
                expected += 1
                yield seq, _row(*columns)

    def last(self) -> int:
        """Return the sequence number of the newest row."""
        with connect(self._url) as connection:
            found = one(connection, _LAST, (self._partition,))
        assert isinstance(found, int)
        return found

    def find(self, request: str) -> Row | None:
        """Return the row of a request, archived or not."""
        with connect(self._url) as connection:
            for table in ("fabloop_journal", "fabloop_archive"):
                query = (_FIND % table).encode()
                found = connection.execute(query, (self._partition, request), binary=True)
                for _, *columns in found:
                    return _row(*columns)
        return None


def _row(*columns: object) -> Row:
    partition, stream, kind, version, at, actor, request, body = columns
    assert isinstance(partition, int)
    assert isinstance(version, int)
    assert isinstance(at, int)
    return Row(
        partition=partition,
        stream=str(stream),
        kind=str(kind),
        version=version,
        at=Instant(at),
        actor=str(actor),
        request=str(request or ""),
        body=bytes(body),  # type: ignore[call-overload]  # bytea comes as bytes
    )
