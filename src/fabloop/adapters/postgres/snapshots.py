"""Snapshots of one partition in the same database."""

from collections.abc import Iterable, Iterator

import psycopg

from fabloop.adapters.postgres.schema import connect
from fabloop.base.errors import Unavailable

_PARTS = "SELECT body FROM fabloop_snapshot WHERE partition = %s AND seq = %s AND number = %s"
_KNOWN = "SELECT DISTINCT seq FROM fabloop_snapshot WHERE partition = %s ORDER BY seq DESC"
_DROP = "DELETE FROM fabloop_snapshot WHERE partition = %s AND seq = %s"
_SAVE = "INSERT INTO fabloop_snapshot VALUES (%s, %s, %s, %s)"


class PostgresSnapshots:
    """The snapshots of one partition; each call has a session of its own."""

    def __init__(self, url: str, partition: int = 0) -> None:
        self._url = url
        self._partition = partition

    def save(self, seq: int, parts: Iterable[bytes]) -> None:
        """Write the parts in one transaction; raises Unavailable when the server does not."""
        try:
            with connect(self._url) as connection, connection.transaction():
                connection.execute(_DROP, (self._partition, seq))
                for number, part in enumerate(parts):
                    connection.execute(_SAVE, (self._partition, seq, number, part))
        except psycopg.Error as error:
            raise Unavailable(
                f"Expected snapshots of partition {self._partition} to be written, but {error}. "
                "The journal is whole without them."
            ) from error

    def known(self) -> tuple[int, ...]:
        """Return the numbers, newest first."""
        with connect(self._url) as connection:
            found = connection.execute(_KNOWN, (self._partition,)).fetchall()
        return tuple(int(str(seq)) for (seq,) in found)

    def parts(self, seq: int) -> Iterator[bytes]:
        """Yield the parts in order, one at a time."""
        number = 0
        with connect(self._url) as connection:
            while True:
                values = (self._partition, seq, number)
                found = connection.execute(_PARTS, values, binary=True).fetchone()
                if found is None:
                    return
                assert isinstance(found[0], bytes)
                yield found[0]
                number += 1

    def drop(self, seq: int) -> None:
        """Delete one."""
        with connect(self._url) as connection:
            connection.execute(_DROP, (self._partition, seq))

    def close(self) -> None:
        """Keep nothing; there is nothing to release."""
