"""The store of readings: durable within a second, sealed by the hour, asked by columns."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from fabloop.adapters.historian.frames import make_folder
from fabloop.adapters.historian.holdings import Holdings
from fabloop.adapters.historian.hotlog import FreeBytes, HotLog
from fabloop.adapters.historian.intake import Intake
from fabloop.adapters.historian.layout import HOT, RAW, ROLLUP, SERIES_MAX, Options, Retention
from fabloop.adapters.historian.manifest import Manifest, lock_owner
from fabloop.adapters.historian.parquet import RawFiles
from fabloop.adapters.historian.query import Queries, TrendReader
from fabloop.adapters.historian.reader import set_aside
from fabloop.adapters.historian.retention import checked
from fabloop.adapters.historian.sealer import Sealer
from fabloop.adapters.historian.sealing import Classes
from fabloop.adapters.historian.sql import MEMORY_LIMIT, THREADS, Analyst
from fabloop.adapters.historian.stock import Stock
from fabloop.adapters.historian.tally import REFUSED, Tally
from fabloop.adapters.historian.trend import Trend
from fabloop.adapters.historian.upkeep import Upkeep
from fabloop.base.errors import Fault, Invalid, Unavailable
from fabloop.base.instant import Clock, Instant
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.sound import sound

DEFAULTS = Options()
SETTLE_S = 60.0
"""How long `Historian.settle` waits for the disk."""


class StoreHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the store is doing; counts are over all runs, unless told otherwise.

    Attributes
    ----------
    durable : number of the last batch that survives a crash
    pending : readings that wait for their commit now
    hot : readings that are durable, but not sealed yet
    sealed, parts : readings in Parquet files, and these files
    late : readings of this run that came behind a newer one of their series
    restated : readings that a later arrival of the same series and time replaced, as far as sealed
    refused : readings that were not taken, by reason
    dropped : readings of this run dropped for want of room (only with `Overflow.DROP`)
    corrected : readings that were NaN or infinite without being told to be bad
    damaged : what cannot be read any more, a sentence each
    trouble : why nothing can be stored now; empty: all is well
    """

    durable: int
    pending: int
    hot: int
    sealed: int
    parts: int
    late: int
    restated: int
    refused: dict[str, int]
    dropped: int
    corrected: int
    damaged: tuple[str, ...]
    trouble: str


class Historian:
    """Keeps readings in a folder; the only process that writes there. `query` asks them.

    Attributes
    ----------
    catalogue : the series by number; sources enter theirs here
    query : questions to what is durable

    Raises
    ------
    Conflict
        Another process writes there.
    Broken
        The folder is of a newer version, or its manifest is none.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        options: Options = DEFAULTS,
        free_bytes: FreeBytes = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._options = options
        make_folder(folder / HOT)
        self._owner = lock_owner(folder)
        try:
            self._open(free_bytes)
        except BaseException:
            self._owner.close()
            raise
        self._intake.start()
        self._sealer.start()

    def _open(self, free_bytes: FreeBytes) -> None:
        """Take up what is there: sealed parts, and the hot log behind them."""
        folder, clock, options = self._folder, self._clock, self._options
        manifest = Manifest(folder, write=True)
        self.catalogue = manifest.catalogue()
        self._tally = Tally(manifest.counts())
        self._files = RawFiles(folder)
        _delete_unknown(folder, manifest.paths())
        sealed = manifest.sealed()
        self._holdings = Holdings(manifest.parts(), sealed.latest)
        self._log = HotLog(folder, clock, options, self._holdings, self.catalogue, free_bytes)
        self._intake = Intake(
            self._log.commit,
            self._turn_over,
            commit_ns=options.commit_ns,
            pending_max=options.pending_max,
            overflow=options.overflow,
            sequence=self._log.replay(sealed),
        )
        classes = Classes(manifest.retention(), self.catalogue)
        stock = Stock(
            folder, clock, options, manifest, self._holdings, self._files, self.catalogue,
            classes, self._tally,
        )  # fmt: skip
        upkeep = Upkeep(stock)
        self._sealer = Sealer(stock, upkeep, self._intake.crowd)
        self._trend = Trend(folder, write=False)
        self.query = Queries(
            self.catalogue,
            self._holdings.seen,
            self._holdings.latest,
            self._files,
            TrendReader(self._trend, lambda: upkeep.hours),
            is_live=True,
        )

    def keep(self, batch: Batch) -> int:
        """Take a batch and return its number; it survives a crash once `durable` reaches it.

        Readings that no right clock can have told are refused and counted, the others are taken.
        The columns are not to be written to until the batch is durable.

        Raises
        ------
        Invalid
            A series number is not in the catalogue.
        Unavailable
            There is no room, or the disk takes nothing: bring it again later.
        """
        self._check(batch)
        latest = Instant(self._clock.now() + self._options.ahead_ns)
        done = sound(batch, self._options.earliest, latest)
        number = self._intake.put(done.batch)
        if done.not_finite or done.too_early or done.too_late:
            self._tally.add(
                {
                    "not-finite": done.not_finite,
                    f"{REFUSED}before-all-clocks": done.too_early,
                    f"{REFUSED}ahead-of-clock": done.too_late,
                }
            )
        return number

    def durable(self) -> int:
        """Return the greatest number that survives `kill -9` and a power cut."""
        return self._intake.durable

    def wait(self, number: int, timeout_s: float | None = None) -> bool:
        """Return whether everything up to a batch is durable, as soon as it is, or in time."""
        return self._intake.wait(number, timeout_s)

    def hasten(self, number: int) -> None:
        """Make a batch durable as soon as the disk can, together with all that waits then."""
        self._intake.hasten(number)

    def on_durable(self, hear: Callable[[], None]) -> Callable[[], None]:
        """Call a function, in another thread, whenever more is durable; return what ends that."""
        return self._intake.on_durable(hear)

    def settle(self) -> None:
        """Seal all that was kept, and join and condense hours that are over, before returning.

        Raises
        ------
        Unavailable
            What was kept does not become durable: the disk takes nothing.
        """
        if not self._intake.wait(self._intake.last, SETTLE_S):
            raise Unavailable(self._intake.trouble or "Expected a faster disk. Try again later.")
        self._intake.between_commits(lambda: self._log.turn_over(now=True))
        self._sealer.seal_all()
        self._sealer.look_after(at_once=True)

    def analyst(self, *, memory_limit: str = MEMORY_LIMIT, threads: int = THREADS) -> Analyst:
        """Return SQL over the readings of this moment."""
        seen = self._holdings.seen()
        return Analyst(
            self._folder, seen, self.catalogue, memory_limit=memory_limit, threads=threads
        )

    def retention(self) -> tuple[Retention, ...]:
        """Return the retention classes in the order in which they are tried."""
        return self._sealer.retention()

    def set_retention(self, rules: Sequence[Retention]) -> None:
        """Replace the retention classes; files keep the class under which they were sealed.

        Raises
        ------
        Invalid
            A class cannot be one.
        """
        self._sealer.set_retention(checked(rules))

    def health(self) -> StoreHealth:
        """Return how the store is doing now."""
        raw = [part for part in self._holdings.seen().shelf.parts if part.kind == RAW]
        counts = self._tally.all()
        damages = [each.sentence() for each in self._log.damages]
        return StoreHealth(
            durable=self._intake.durable,
            pending=self._intake.pending,
            hot=self._holdings.readings,
            sealed=sum(part.readings for part in raw),
            parts=len(raw),
            late=self._holdings.late,
            restated=counts["restated"],
            refused=self._tally.refused(),
            dropped=self._intake.dropped,
            corrected=counts["not-finite"],
            damaged=(*damages, *set_aside(self._folder), *self._files.damages.values()),
            trouble=self._intake.trouble or self._sealer.trouble,
        )

    def close(self) -> None:
        """Make durable what waits, and let others write; what is not sealed is so next time."""
        self._intake.close()
        self._sealer.close()
        self._log.close()
        self._trend.close()
        self._owner.close()

    def _turn_over(self) -> None:
        """After each commit: a segment that is full is handed to the sealer."""
        if self._log.turn_over():
            self._sealer.wake()

    def _check(self, batch: Batch) -> None:
        if not len(batch):
            return
        least, greatest = int(batch.series.min()), int(batch.series.max())
        beyond = min(len(self.catalogue), SERIES_MAX)
        if least < 0 or greatest >= beyond:
            unknown = (batch.series < 0) | (batch.series >= beyond)
            raise Invalid(
                Fault(
                    source="batch of readings",
                    path="series",
                    found=", ".join(map(str, np.unique(batch.series[unknown])[:10])),
                    expected=f"numbers of the catalogue, which are below {beyond}",
                    hint="Enter the series into the catalogue of the historian first.",
                )
            )


def _delete_unknown(folder: Path, known: set[str]) -> None:
    """Delete files that a crash left behind before they were noted."""
    for kind in (RAW, ROLLUP):
        for path in (folder / kind).rglob("*"):
            if path.is_file() and path.relative_to(folder).as_posix() not in known:
                path.unlink()
