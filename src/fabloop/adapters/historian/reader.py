"""Reads the folder of a historian that another process may be writing."""

from pathlib import Path

from fabloop.adapters.historian.frames import Damage, read_segment
from fabloop.adapters.historian.holdings import Holdings
from fabloop.adapters.historian.layout import DAMAGED, HOT, RAW, Retention
from fabloop.adapters.historian.manifest import Manifest, Part
from fabloop.adapters.historian.parquet import RawFiles
from fabloop.adapters.historian.query import Queries, TrendReader
from fabloop.adapters.historian.rollups import read_rollup
from fabloop.adapters.historian.sql import MEMORY_LIMIT, THREADS, Analyst
from fabloop.adapters.historian.trend import Trend
from fabloop.base.errors import Unavailable
from fabloop.base.instant import Instant

ATTEMPTS_MAX = 20
"""How often a folder is read anew because it changed while it was read."""


class HistorianReader:
    """What was durable when it was opened; `query` asks it.

    Attributes
    ----------
    catalogue : the series by number
    query : questions to the readings

    Raises
    ------
    NotFound
        There are no readings in the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for _ in range(ATTEMPTS_MAX):
            if self._read():
                break
        else:
            raise Unavailable(
                f"Expected '{folder}' to rest for a moment, but it did not. Try again."
            )
        self._trend = Trend(folder, write=False)
        hours = self._trend.hours()
        self._files = RawFiles(folder)
        self.query = Queries(
            self.catalogue,
            self._holdings.seen,
            self._holdings.latest,
            self._files,
            TrendReader(self._trend, lambda: hours),
            is_live=False,
        )

    def _read(self) -> bool:
        """Take up what is there; return whether nothing was sealed meanwhile."""
        manifest = Manifest(self._folder, write=False)
        try:
            self.catalogue = manifest.catalogue()
            self.since = manifest.since()
            self.counts = manifest.counts()
            self.retention: tuple[Retention, ...] = manifest.retention()
            sealed = manifest.sealed()
            self._holdings = Holdings(manifest.parts(), sealed.latest)
            self._damages: list[Damage] = []
            for path in sorted((self._folder / HOT).glob("*.log")):
                if int(path.stem) > sealed.segment:
                    self._take(path)
            return manifest.sealed().segment == sealed.segment
        except FileNotFoundError:
            return False
        finally:
            manifest.close()

    def _take(self, path: Path) -> None:
        frames, damages = read_segment(path)
        self._damages += [each for each in damages if not each.torn]  # a commit may be in progress
        self._holdings.begin(int(path.stem), Instant(0))
        for frame in frames:
            self._holdings.take(frame.batch, frame.sequence)
        self._holdings.freeze()

    @property
    def parts(self) -> tuple[Part, ...]:
        """The sealed files that count."""
        return self._holdings.seen().shelf.parts

    @property
    def hot(self) -> int:
        """How many readings are not sealed yet."""
        return self._holdings.readings

    def analyst(self, *, memory_limit: str = MEMORY_LIMIT, threads: int = THREADS) -> Analyst:
        """Return SQL over the readings of this moment."""
        seen = self._holdings.seen()
        return Analyst(
            self._folder, seen, self.catalogue, memory_limit=memory_limit, threads=threads
        )

    def check(self) -> tuple[int, tuple[str, ...]]:
        """Read everything; return how many readings could be read, and what is damaged."""
        found = self.hot
        problems = list(set_aside(self._folder)) + [each.sentence() for each in self._damages]
        for part in self.parts:
            try:
                count = self._count(part)
            except FileNotFoundError:
                problems.append(f"{part.path}: is in the manifest, but there is no such file.")
                continue
            found += count if part.kind == RAW else 0
            if count != part.readings and not self._damage_of(part.path):
                problems.append(f"{part.path}: expected {part.readings} rows, but found {count}.")
        return found, (*problems, *self._files.damages.values())

    def _count(self, part: Part) -> int:
        """Return how many rows of a file can be read."""
        if part.kind == RAW:
            return self._files.check(part.path)
        return len(read_rollup(self._files, part.path))

    def close(self) -> None:
        """Close the files."""
        self._trend.close()

    def _damage_of(self, path: str) -> bool:
        return any(path == damaged for damaged, _ in self._files.damages)


def set_aside(folder: Path) -> tuple[str, ...]:
    """Return a sentence for each segment of the hot log that was damaged."""
    return tuple(
        f"{path.name}: parts of it were damaged; what could be read is stored, and it is kept."
        for path in sorted((folder / HOT).glob(f"*{DAMAGED}"))
    )
