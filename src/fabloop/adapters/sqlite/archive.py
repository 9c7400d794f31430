"""Moves rows from a journal file to an archive file beside it, while the journal is written."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from fabloop.adapters.sqlite.reader import SqliteReader
from fabloop.adapters.sqlite.schema import COLUMNS, ROWS, archive_of, open_file
from fabloop.base.instant import Instant

ROWS_PER_MOVE_MAX = 1_000
"""Rows moved in one step: the writer of the journal waits for no more than these."""

_QUIET = """
SELECT stream FROM (SELECT stream, max(seq) AS newest, at FROM journal GROUP BY stream)
WHERE newest <= ? AND at < ?
"""
_CHOSEN = """
SELECT seq FROM journal WHERE stream IN (SELECT stream FROM temp.chosen) AND seq <= ? AND at < ?
AND seq < (SELECT max(seq) FROM journal)
"""
"""One walk through the journal for all streams: an index by stream would cost each commit."""


class SqliteArchive:
    """The archive of a journal file. A row is copied, made durable, and only then deleted."""

    def __init__(self, path: Path | str) -> None:
        SqliteReader(path)  # there is a journal
        self._path = str(path)
        self._live = open_file(self._path, ROWS)
        self._archive = open_file(archive_of(self._path), ROWS)
        self._archive.execute("ATTACH ? AS live", (self._path,))

    def quiet(self, upto: int, before: Instant) -> tuple[str, ...]:
        """Return the streams whose last row is neither after `upto` nor as late as `before`."""
        return tuple(str(stream) for (stream,) in self._live.execute(_QUIET, (upto, before)))

    def move(self, streams: Iterable[str], upto: int, before: Instant) -> int:
        """Move rows in steps, each of them first copied, then deleted."""
        self._choose(streams)
        found = self._live.execute(_CHOSEN, (upto, before)).fetchall()
        numbers = (int(str(seq)) for (seq,) in found)
        moved = 0
        while chunk := list(islice(numbers, ROWS_PER_MOVE_MAX)):
            self._copy(chunk)
            self._delete(chunk)
            moved += len(chunk)
        return moved

    def _choose(self, streams: Iterable[str]) -> None:
        """Note the streams whose rows are moved, for this connection alone."""
        self._live.execute("CREATE TEMP TABLE IF NOT EXISTS chosen (stream TEXT PRIMARY KEY)")
        self._live.execute("DELETE FROM temp.chosen")
        names = ((stream,) for stream in streams)
        self._live.executemany("INSERT OR IGNORE INTO temp.chosen VALUES (?)", names)

    def _copy(self, numbers: list[int]) -> None:
        marks = ",".join("?" * len(numbers))
        with self._archive:
            self._archive.execute(
                f"INSERT OR IGNORE INTO main.journal ({COLUMNS}) "  # noqa: S608  # constants
                f"SELECT {COLUMNS} FROM live.journal WHERE seq IN ({marks})",
                numbers,
            )

    def _delete(self, numbers: list[int]) -> None:
        marks = ",".join("?" * len(numbers))
        with self._live:
            self._live.execute(
                f"DELETE FROM main.journal WHERE seq IN ({marks})",  # noqa: S608  # marks only
                numbers,
            )

    def close(self) -> None:
        """Close both files."""
        self._archive.close()
        self._live.close()
