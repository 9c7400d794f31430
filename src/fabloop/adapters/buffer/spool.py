"""The spool: batches in one SQLite file, oldest first out, each commit safe before it returns.

One thread at a time uses it. A process kill and a power cut leave all commits that returned.
"""

from collections.abc import Sequence
from pathlib import Path

import apsw
import msgspec
import numpy as np

from fabloop.base.errors import Broken, Unavailable
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.series import Catalogue, Series

FORMAT = 1
BATCH_READINGS_MAX = 100_000
"""Readings of one row: a batch that is longer is divided, so that none is ever too large."""

_SCHEMA = """
CREATE TABLE series (number INTEGER PRIMARY KEY, description BLOB NOT NULL);
CREATE TABLE batches (
  number INTEGER PRIMARY KEY AUTOINCREMENT, readings INTEGER NOT NULL, body BLOB NOT NULL);
"""


class _Body(msgspec.Struct):
    times: bytes
    series: bytes
    values: bytes
    quality: bytes


class Spool:
    """Batches that wait to be forwarded, and the series they are of.

    Attributes
    ----------
    catalogue : the series by the numbers in the batches
    bytes, readings : what waits
    """

    def __init__(self, file: Path) -> None:
        try:
            self._db = apsw.Connection(str(file))
            self._open(file)
        except apsw.Error as error:
            raise _broken(file, error) from error
        self._decode = msgspec.msgpack.Decoder(_Body).decode

    def _open(self, file: Path) -> None:
        self._db.set_busy_timeout(0)
        self._db.pragma("locking_mode", "exclusive")
        self._db.pragma("journal_mode", "wal")
        self._db.pragma("synchronous", "full")
        version = self._db.pragma("user_version")
        if version not in (0, FORMAT):
            raise Broken(
                f"Expected a buffer of format {FORMAT} in '{file}', but found {version}. "
                "Use the program that wrote it, or move the file away."
            )
        if version == 0:
            with self._db:
                self._db.execute(_SCHEMA)
                self._db.pragma("user_version", FORMAT)
        rows = self._db.execute("SELECT description FROM series ORDER BY number")
        self._described = [_bytes(body) for (body,) in rows]
        self.catalogue = Catalogue(
            msgspec.json.decode(body, type=Series) for body in self._described
        )
        self._revision = self.catalogue.revision
        query = "SELECT coalesce(sum(length(body)), 0), coalesce(sum(readings), 0) FROM batches"
        ((size, readings),) = self._db.execute(query).fetchall()
        self.bytes, self.readings = _int(size), _int(readings)

    def append(self, batches: Sequence[Batch]) -> None:
        """Add batches; they are safe when this returns.

        Raises
        ------
        Unavailable
            The disk takes nothing more; nothing of it was added.
        """
        rows = [(len(part), _body(part)) for batch in batches for part in _parts(batch)]
        try:
            with self._db:
                self._describe()
                self._db.executemany("INSERT INTO batches (readings, body) VALUES (?, ?)", rows)
        except (apsw.FullError, apsw.IOError) as error:
            raise Unavailable(
                f"Expected room on the disk for buffered readings, but found: {error}. "
                "Free some; the source is held back meanwhile."
            ) from error
        self.bytes += sum(len(body) for _, body in rows)
        self.readings += sum(count for count, _ in rows)

    def _describe(self) -> None:
        """Write down series that are new or renewed."""
        if self.catalogue.revision == self._revision:
            return
        revision = self.catalogue.revision  # before, since the source may go on meanwhile
        described = [msgspec.json.encode(each) for each in self.catalogue]
        changed = [
            (number, body)
            for number, body in enumerate(described)
            if number >= len(self._described) or self._described[number] != body
        ]
        self._db.executemany("INSERT OR REPLACE INTO series VALUES (?, ?)", changed)
        self._described, self._revision = described, revision

    def after(self, number: int, most: int) -> list[tuple[int, Batch]]:
        """Return batches with a greater number, the oldest first, so many at most."""
        rows = self._db.execute(
            "SELECT number, body FROM batches WHERE number > ? ORDER BY number LIMIT ?",
            (number, most),
        )
        return [(_int(found), self._batch(_bytes(body))) for found, body in rows]

    def forget(self, number: int) -> None:
        """Remove all batches up to a number: they are safe elsewhere."""
        self._remove(0, number)

    def drop(self, after: int, size: int) -> int:
        """Remove the oldest batches behind a number, so many bytes; return how many readings."""
        freed, last = 0, after
        query = "SELECT number, length(body) FROM batches WHERE number > ? ORDER BY number"
        for number, length in self._db.execute(query, (after,)):
            freed, last = freed + _int(length), _int(number)
            if freed >= size:
                break
        return self._remove(after, last)

    def _remove(self, after: int, last: int) -> int:
        query = (
            "DELETE FROM batches WHERE number > ? AND number <= ? RETURNING readings, length(body)"
        )
        with self._db:
            removed = self._db.execute(query, (after, last)).fetchall()
        readings = sum(_int(count) for count, _ in removed)
        self.readings -= readings
        self.bytes -= sum(_int(length) for _, length in removed)
        return readings

    def close(self) -> None:
        """Let others open the file."""
        self._db.close()

    def _batch(self, body: bytes) -> Batch:
        found = self._decode(body)
        return Batch(
            np.frombuffer(found.times, np.int64), np.frombuffer(found.series, np.int32),
            np.frombuffer(found.values, np.float64), np.frombuffer(found.quality, np.uint8),
        )  # fmt: skip


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


def size_of(batch: Batch) -> int:
    """Return the bytes that a batch takes, about."""
    return 21 * len(batch) + 64


def _parts(batch: Batch) -> list[Batch]:
    if len(batch) <= BATCH_READINGS_MAX:
        return [batch]
    cuts = range(0, len(batch), BATCH_READINGS_MAX)
    return [batch.where(np.arange(at, min(at + BATCH_READINGS_MAX, len(batch)))) for at in cuts]


def _body(batch: Batch) -> bytes:
    return msgspec.msgpack.encode(
        _Body(
            batch.times.astype(np.int64).tobytes(), batch.series.astype(np.int32).tobytes(),
            batch.values.astype(np.float64).tobytes(), batch.quality.astype(np.uint8).tobytes(),
        )
    )  # fmt: skip


def _broken(file: Path, error: Exception) -> Broken:
    return Broken(
        f"Expected a buffer that can be opened in '{file}', but found: {error}. "
        "See whether another process has it open; move a damaged file away."
    )
