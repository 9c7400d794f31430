"""Snapshots in an SQLite file beside the journal's: written without holding up its writer."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import apsw

from fabloop.adapters.sqlite.schema import open_file
from fabloop.base.errors import Broken, Unavailable

_SCHEMA = """
CREATE TABLE IF NOT EXISTS part (
  seq INTEGER NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (seq, number)) STRICT;
"""


class SqliteSnapshots:
    """The snapshots of one partition in one file.

    A file that is damaged is put aside (``.damaged``) and begun anew: the journal can do without.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        try:
            self._connection = open_file(self._path, _SCHEMA)
        except (Broken, apsw.CorruptError):
            Path(path).replace(f"{path}.damaged")
            self._connection = open_file(self._path, _SCHEMA)

    def save(self, seq: int, parts: Iterable[bytes]) -> None:
        """Write the parts in one transaction; raises Unavailable when the disk is full."""
        rows = ((seq, number, part) for number, part in enumerate(parts))
        try:
            with self._connection:
                self._connection.execute("DELETE FROM part WHERE seq = ?", (seq,))
                self._connection.executemany("INSERT INTO part VALUES (?, ?, ?)", rows)
        except apsw.Error as error:
            raise Unavailable(
                f"Expected snapshots '{self._path}' to be writable, but {error}. Free the disk: "
                "the journal is whole without them."
            ) from error

    def known(self) -> tuple[int, ...]:
        """Return the numbers, newest first."""
        found = self._connection.execute("SELECT DISTINCT seq FROM part ORDER BY seq DESC")
        return tuple(int(seq) for (seq,) in found)

    def parts(self, seq: int) -> Iterator[bytes]:
        """Yield the parts in order; raises Broken where the file cannot be read."""
        query = "SELECT body FROM part WHERE seq = ? ORDER BY number"
        try:
            for (body,) in self._connection.execute(query, (seq,)):
                yield body
        except apsw.Error as error:
            raise Broken(f"Expected '{self._path}' to be readable, but {error}.") from error

    def drop(self, seq: int) -> None:
        """Delete one."""
        with self._connection:
            self._connection.execute("DELETE FROM part WHERE seq = ?", (seq,))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
