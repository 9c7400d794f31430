"""A log of bytes in one SQLite file: numbered, oldest first out, safe when `append` returns."""

from collections.abc import Sequence
from pathlib import Path

import apsw

from fabloop.base.errors import Broken, Unavailable

FORMAT = 1

_SCHEMA = """
CREATE TABLE results (number INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
"""


class ResultLog:
    """What waits in a file, by number; numbers are never used twice, over all restarts.

    One thread at a time uses it. A process kill and a power cut leave all that was appended.

    Attributes
    ----------
    waiting, bytes : how much is in it
    last : the greatest number that was ever given
    """

    def __init__(self, file: Path) -> None:
        try:
            self._db = apsw.Connection(str(file))
            self._open(file)
        except apsw.Error as error:
            raise Broken(
                f"Expected results in '{file}', but it cannot be read ({error}). Move the file "
                "away: what was not forwarded is lost then."
            ) from error

    def append(self, bodies: Sequence[bytes]) -> None:
        """Add results; they are safe when this returns.

        Raises
        ------
        Unavailable
            The disk takes nothing more; nothing of it was added.
        """
        try:
            with self._db:
                self._db.executemany(
                    "INSERT INTO results (body) VALUES (?)", [(each,) for each in bodies]
                )
        except (apsw.FullError, apsw.IOError) as error:
            raise Unavailable(
                f"Expected room on the disk for results, but found: {error}. Free some; they wait "
                "in memory meanwhile."
            ) from error
        self.waiting += len(bodies)
        self.bytes += sum(map(len, bodies))
        self.last += len(bodies)

    def after(self, number: int, most: int) -> list[tuple[int, bytes]]:
        """Return results with a greater number, the oldest first, so many at most."""
        query = "SELECT number, body FROM results WHERE number > ? ORDER BY number LIMIT ?"
        rows = self._db.execute(query, (number, most)).fetchall()
        return [(_int(found), _bytes(body)) for found, body in rows]

    def forget(self, number: int) -> None:
        """Remove results up to a number: they are safe elsewhere."""
        self._remove(number)

    def drop(self, size: int) -> int:
        """Remove the oldest results, so many bytes at least; return how many results."""
        dropped, last = 0, 0
        for number, length in self._db.execute(
            "SELECT number, length(body) FROM results ORDER BY number"
        ):
            dropped, last = dropped + _int(length), _int(number)
            if dropped >= size:
                break
        return self._remove(last)

    def close(self) -> None:
        """Let others open the file."""
        self._db.close()

    def _open(self, file: Path) -> None:
        self._db.set_busy_timeout(0)
        self._db.pragma("locking_mode", "exclusive")
        self._db.pragma("journal_mode", "wal")
        self._db.pragma("synchronous", "full")
        version = self._db.pragma("user_version")
        if version not in (0, FORMAT):
            raise Broken(
                f"Expected results of format {FORMAT} in '{file}', but found {version}. Use the "
                "program that wrote them, or move the file away."
            )
        if version == 0:
            with self._db:
                self._db.execute(_SCHEMA)
                self._db.pragma("user_version", FORMAT)
        query = "SELECT count(*), coalesce(sum(length(body)), 0) FROM results"
        ((count, size),) = self._db.execute(query).fetchall()
        self.waiting, self.bytes = _int(count), _int(size)
        given = self._db.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = 'results'"
        ).fetchall()
        self.last = _int(given[0][0]) if given else 0

    def _remove(self, last: int) -> int:
        query = "SELECT count(*), coalesce(sum(length(body)), 0) FROM results WHERE number <= ?"
        ((count, size),) = self._db.execute(query, (last,)).fetchall()
        with self._db:
            self._db.execute("DELETE FROM results WHERE number <= ?", (last,))
        self.waiting -= _int(count)
        self.bytes -= _int(size)
        return _int(count)


def _int(value: object) -> int:
    assert isinstance(value, int), "the column holds integers"
    return value


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes), "the column holds blobs"
    return value
