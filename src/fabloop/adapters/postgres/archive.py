"""Moves rows of one partition to the archive table of the same database."""

from collections.abc import Iterable

from fabloop.adapters.postgres.schema import COLUMNS, connect
from fabloop.base.instant import Instant

_QUIET = """
SELECT stream FROM (
  SELECT DISTINCT ON (stream) stream, seq, at FROM fabloop_journal
  WHERE partition = %s ORDER BY stream, seq DESC) AS newest
WHERE seq <= %s AND at < %s ORDER BY seq
"""
_MOVE = f"""
WITH moved AS (
  DELETE FROM fabloop_journal WHERE partition = %(partition)s AND stream = %(stream)s
  AND seq <= %(upto)s AND at < %(before)s
  AND seq < (SELECT max(seq) FROM fabloop_journal WHERE partition = %(partition)s)
  RETURNING {COLUMNS})
INSERT INTO fabloop_archive ({COLUMNS}) SELECT {COLUMNS} FROM moved
"""  # noqa: S608  # constants


class PostgresArchive:
    """The archive of a partition. A stream's rows are moved in one transaction."""

    def __init__(self, url: str, partition: int = 0) -> None:
        self._partition = partition
        self._connection = connect(url)

    def quiet(self, upto: int, before: Instant) -> tuple[str, ...]:
        """Return the streams whose last row is neither after `upto` nor as late as `before`."""
        found = self._connection.execute(_QUIET, (self._partition, upto, before))
        return tuple(str(stream) for (stream,) in found)

    def move(self, streams: Iterable[str], upto: int, before: Instant) -> int:
        """Move rows stream by stream."""
        moved = 0
        for stream in streams:
            values = {
                "partition": self._partition,
                "stream": stream,
                "upto": upto,
                "before": before,
            }
            moved += self._connection.execute(_MOVE.encode(), values).rowcount
        return moved

    def close(self) -> None:
        """End the session."""
        self._connection.close()
