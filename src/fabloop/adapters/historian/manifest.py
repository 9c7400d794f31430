"""The manifest: which series there are, which files are sealed, and what was counted.

An SQLite file (WAL, ``synchronous=FULL``). A file of readings counts once its row is committed
here; files without a row are left over from a crash and are deleted.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import apsw
import msgspec
import numpy as np

from fabloop.adapters.historian.layout import MANIFEST, OWNER, STANDARD, Retention
from fabloop.base.errors import Broken, Conflict, NotFound, Unavailable
from fabloop.base.instant import Instant
from fabloop.sense.readings.latest import LatestValues
from fabloop.sense.readings.series import Catalogue, Series

SCHEMA_VERSION = 1
BUSY_MS_MAX = 10_000
"""How long a commit waits for another process that reads the manifest."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
  number INTEGER PRIMARY KEY, source TEXT NOT NULL, address TEXT NOT NULL,
  since INTEGER NOT NULL, present INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS parts (
  number INTEGER PRIMARY KEY, rank INTEGER NOT NULL, kind TEXT NOT NULL,
  class TEXT NOT NULL, chunk INTEGER NOT NULL,
  path TEXT NOT NULL, unit TEXT NOT NULL, readings INTEGER NOT NULL, bytes INTEGER NOT NULL,
  first_time INTEGER NOT NULL, last_time INTEGER NOT NULL,
  sealed_at INTEGER NOT NULL, made_of TEXT NOT NULL, replaced_at INTEGER) STRICT;
CREATE INDEX IF NOT EXISTS parts_chunk ON parts (class, chunk);
CREATE TABLE IF NOT EXISTS sealed (one INTEGER PRIMARY KEY CHECK (one = 0),
  segment INTEGER NOT NULL, part INTEGER NOT NULL, sequence INTEGER NOT NULL, latest BLOB) STRICT;
INSERT OR IGNORE INTO sealed VALUES (0, 0, 0, 0, NULL);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS retention (place INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
"""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One sealed file.

    Attributes
    ----------
    number : given once
    rank : readings of a part of a greater rank came later; they restate those of lesser ranks
    kind : ``raw`` or ``rollup_1m``
    chunk : its hour, counted from 1970
    path : below the folder of the historian
    unit : of its times: ms, us or ns
    made_of : numbers of the raw parts that a rollup condenses
    replaced_at : since then it is only there for whoever still reads it; None: it counts
    """

    number: int
    rank: int
    kind: str
    class_: str
    chunk: int
    path: str
    unit: str
    readings: int
    bytes: int
    first_time: Instant
    last_time: Instant
    sealed_at: Instant
    made_of: tuple[int, ...] = ()
    replaced_at: Instant | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sealed:
    """The last segment that was sealed, the last batch in it, and the latest values then."""

    segment: int
    sequence: int
    latest: LatestValues


_COLUMNS = (
    "number, rank, kind, class, chunk, path, unit, readings, bytes, first_time, last_time, "
    "sealed_at, made_of, replaced_at"
)


class Manifest:
    """Reads and writes the manifest; `write=False` for a process that only reads.

    Raises
    ------
    NotFound
        There is none, and it is only to be read.
    Broken
        It is no SQLite file, or one of a newer version.
    """

    def __init__(self, folder: Path, *, write: bool) -> None:
        path = folder / MANIFEST
        if not write and not path.is_file():
            raise NotFound(
                f"Expected readings in '{folder}', but found no {MANIFEST}. Name the folder of a "
                "historian."
            )
        self._connection = _opened(path, write=write)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def catalogue(self) -> Catalogue:
        """Return all series with their numbers."""
        found = self._rows("SELECT body, present FROM series ORDER BY number")
        series = [msgspec.json.decode(_blob(body), type=Series) for body, _ in found]
        catalogue = Catalogue(series)
        if len(catalogue) != len(series):
            raise Broken("Expected each series once in the manifest, but some are there twice.")
        for each, (_, present) in zip(series, found, strict=True):
            if present:
                catalogue.number(each)
        return catalogue

    def save_series(self, catalogue: Catalogue, at: Instant) -> None:
        """Make what is known of the series durable."""
        present = set(catalogue.numbers().values())
        rows = [
            (n, each.source, each.address, at, int(n in present), msgspec.json.encode(each))
            for n, each in enumerate(catalogue)
        ]
        with self._connection:
            self._connection.executemany(
                "INSERT INTO series VALUES (?,?,?,?,?,?) ON CONFLICT (number) DO UPDATE SET "
                "present = excluded.present, body = excluded.body "
                "WHERE present <> excluded.present OR body <> excluded.body",
                rows,
            )

    def since(self) -> dict[int, Instant]:
        """Return since when each series has its present meaning."""
        found = self._rows("SELECT number, since FROM series")
        return {_integer(number): Instant(_integer(since)) for number, since in found}

    def parts(self) -> tuple[Part, ...]:
        """Return the parts that count, by their ranks."""
        return self._parts("replaced_at IS NULL")

    def replaced(self, before: Instant) -> tuple[Part, ...]:
        """Return the parts that nobody should read any more."""
        return self._parts("replaced_at <= ?", before)

    def paths(self) -> set[str]:
        """Return the files that are known, those that were replaced among them."""
        return {str(path) for (path,) in self._connection.execute("SELECT path FROM parts")}

    def sealed(self) -> Sealed:
        """Return how far readings are sealed."""
        segment, sequence, latest = self._rows("SELECT segment, sequence, latest FROM sealed")[0]
        return Sealed(_integer(segment), _integer(sequence), _latest_of(latest))

    def next_part(self) -> int:
        """Return the number that the next part gets; numbers are never given twice."""
        highest, given = self._rows(
            "SELECT (SELECT coalesce(max(number), 0) FROM parts), part FROM sealed"
        )[0]
        return max(_integer(highest), _integer(given)) + 1

    def seal(self, done: Sealed, parts: Sequence[Part], counts: Mapping[str, int]) -> None:
        """Note that a segment stands in parts, in one transaction."""
        with self._connection:
            self._insert(parts)
            self._connection.execute(
                "UPDATE sealed SET segment = ?, sequence = max(sequence, ?), latest = ?",
                (done.segment, done.sequence, _blob_of(done.latest)),
            )
            self._add(counts)

    def replace(
        self, old: Iterable[Part], new: Sequence[Part], at: Instant, counts: Mapping[str, int]
    ) -> None:
        """Note that parts take the place of others, in one transaction."""
        with self._connection:
            self._connection.executemany(
                "UPDATE parts SET replaced_at = ? WHERE number = ?",
                [(at, each.number) for each in old],
            )
            self._insert(new)
            self._add(counts)

    def forget(self, parts: Iterable[Part]) -> None:
        """Drop the rows of parts whose files are gone; their numbers are not given again."""
        numbers = [(each.number,) for each in parts]
        with self._connection:
            self._connection.execute(
                "UPDATE sealed SET part = (SELECT coalesce(max(number), part) FROM parts)"
            )
            self._connection.executemany("DELETE FROM parts WHERE number = ?", numbers)

    def counts(self) -> dict[str, int]:
        """Return what was counted over all runs, by name."""
        found = self._rows("SELECT name, count FROM counts")
        return {str(name): _integer(count) for name, count in found}

    def add(self, counts: Mapping[str, int]) -> None:
        """Add to what was counted."""
        with self._connection:
            self._add(counts)

    def retention(self) -> tuple[Retention, ...]:
        """Return the classes in the order in which they are tried; the last one holds the rest."""
        found = self._rows("SELECT body FROM retention ORDER BY place")
        rules = tuple(msgspec.json.decode(_blob(body), type=Retention) for (body,) in found)
        return rules or (STANDARD,)

    def set_retention(self, rules: Sequence[Retention]) -> None:
        """Replace the classes."""
        with self._connection:
            self._connection.execute("DELETE FROM retention")
            self._connection.executemany(
                "INSERT INTO retention VALUES (?,?)",
                [(place, msgspec.json.encode(rule)) for place, rule in enumerate(rules)],
            )

    def _rows(self, statement: str) -> list[tuple[object, ...]]:
        return self._connection.execute(statement).fetchall()

    def _parts(self, condition: str, *values: int) -> tuple[Part, ...]:
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM parts WHERE {condition} ORDER BY rank",  # noqa: S608  # ours
            values,
        )
        return tuple(_part_of(row) for row in rows)

    def _insert(self, parts: Sequence[Part]) -> None:
        self._connection.executemany(
            f"INSERT INTO parts ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",  # noqa: S608  # ours
            [
                (
                    each.number, each.rank, each.kind, each.class_, each.chunk, each.path,
                    each.unit, each.readings, each.bytes, each.first_time, each.last_time,
                    each.sealed_at,
                    " ".join(map(str, each.made_of)), each.replaced_at,
                )
                for each in parts
            ],
        )  # fmt: skip

    def _add(self, counts: Mapping[str, int]) -> None:
        self._connection.executemany(
            "INSERT INTO counts VALUES (?,?) ON CONFLICT (name) DO UPDATE SET "
            "count = count + excluded.count",
            [(name, count) for name, count in counts.items() if count],
        )


def lock_owner(folder: Path) -> apsw.Connection:
    """Return a connection that holds the right to write here, until it is closed or dies.

    Raises
    ------
    Conflict
        Another process holds it.
    """
    try:
        connection = apsw.Connection(str(folder / OWNER))
    except apsw.CantOpenError as error:
        raise Unavailable(
            f"Expected to write in '{folder}', but {error}. Make it writable."
        ) from error
    try:
        connection.pragma("locking_mode", "exclusive")
        connection.execute("BEGIN EXCLUSIVE")
    except apsw.BusyError as error:
        connection.close()
        raise Conflict(
            f"Expected to be the only process writing readings to '{folder}', but another one has "
            "it open. End that process first."
        ) from error
    return connection


def _opened(path: Path, *, write: bool) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if write else 0)
    try:
        connection = apsw.Connection(str(path), flags)
    except apsw.CantOpenError as error:
        raise Unavailable(
            f"Expected to open '{path}', but {error}. Make the folder readable and writable."
        ) from error
    try:
        connection.set_busy_timeout(BUSY_MS_MAX)
        found = connection.pragma("user_version")
        if found > SCHEMA_VERSION:
            raise Broken(
                f"Expected '{path}' in version {SCHEMA_VERSION} at most, but found version "
                f"{found}. Open it with the newer fabloop that wrote it."
            )
        if write:
            connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", 2)  # FULL: a commit returns after its fsync
            with connection:
                connection.execute(_SCHEMA)
                connection.pragma("user_version", SCHEMA_VERSION)
    except apsw.NotADBError as error:
        connection.close()
        raise Broken(
            f"Expected '{path}' to be an SQLite file, but it is none. Name another folder."
        ) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _part_of(row: tuple[object, ...]) -> Part:
    (
        number,
        rank,
        kind,
        class_,
        chunk,
        path,
        unit,
        readings,
        size,
        first,
        last,
        sealed,
        made_of,
        replaced,
    ) = row
    return Part(
        number=_integer(number),
        rank=_integer(rank),
        kind=str(kind),
        class_=str(class_),
        chunk=_integer(chunk),
        path=str(path),
        unit=str(unit),
        readings=_integer(readings),
        bytes=_integer(size),
        first_time=Instant(_integer(first)),
        last_time=Instant(_integer(last)),
        sealed_at=Instant(_integer(sealed)),
        made_of=tuple(int(each) for each in str(made_of).split()),
        replaced_at=None if replaced is None else Instant(_integer(replaced)),
    )


def _integer(value: object) -> int:
    assert isinstance(value, int)
    return value


def _blob(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


def _blob_of(latest: LatestValues) -> bytes:
    size = len(latest.times).to_bytes(8, "little")
    columns = (latest.times, latest.values, latest.quality)
    return zlib.compress(size + b"".join(each.tobytes() for each in columns), 1)


def _latest_of(value: object) -> LatestValues:
    latest = LatestValues()
    if value is None:
        return latest
    data = zlib.decompress(_blob(value))
    size = int.from_bytes(data[:8], "little")
    latest.times = np.frombuffer(data, "<i8", size, 8).copy()
    latest.values = np.frombuffer(data, "<f8", size, 8 + 8 * size).copy()
    latest.quality = np.frombuffer(data, np.uint8, size, 8 + 16 * size).copy()
    return latest
