"""The thread that seals segments and looks after sealed files."""

import threading
from collections.abc import Callable

import apsw
import pyarrow as pa

from fabloop.adapters.historian.holdings import Frozen
from fabloop.adapters.historian.layout import Retention, put_away, segment_path
from fabloop.adapters.historian.manifest import Sealed
from fabloop.adapters.historian.sealing import Classes, seal
from fabloop.adapters.historian.stock import Stock
from fabloop.adapters.historian.upkeep import Upkeep
from fabloop.base.instant import SECOND


class Sealer:
    """Seals what is frozen, one segment after the other.

    Attributes
    ----------
    trouble : why sealing does not go on, as a sentence; empty: all is well
    """

    def __init__(self, stock: Stock, upkeep: Upkeep, crowd: Callable[[bool], None]) -> None:
        self.trouble = ""
        self._stock = stock
        self._upkeep = upkeep
        self._crowd = crowd
        self._rounded = -stock.options.upkeep_ns
        self._closing = False
        self._frozen = threading.Condition()
        self._busy = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="historian-seal", daemon=True)

    def start(self) -> None:
        """Begin to seal."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to seal."""
        with self._frozen:
            self._crowd(len(self._stock.holdings.frozen) >= self._stock.options.frozen_max)
            self._frozen.notify_all()

    def seal_all(self) -> None:
        """Seal all that is frozen, now.

        Raises
        ------
        OSError
            The disk takes nothing; all of it stays in the hot log.
        """
        with self._busy:
            self._seal_frozen()
            self.trouble = ""

    def look_after(self, *, at_once: bool = False) -> None:
        """Look after the sealed files.

        Raises
        ------
        OSError
            The disk takes nothing; all stays as it is.
        """
        with self._busy:
            self._upkeep.round(self._stock.clock.now(), self._seal_frozen, at_once=at_once)
            self._rounded = self._stock.clock.now()

    def retention(self) -> tuple[Retention, ...]:
        """Return the retention classes."""
        with self._busy:
            return self._stock.classes.rules

    def set_retention(self, rules: tuple[Retention, ...]) -> None:
        """Replace the retention classes."""
        with self._busy:
            self._stock.manifest.set_retention(rules)
            self._stock.classes = Classes(rules, self._stock.catalogue)

    def close(self) -> None:
        """End after the segment that is sealed now; others are sealed after the next start."""
        with self._frozen:
            self._closing = True
            self._frozen.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._stock.manifest.add(self._stock.tally.take())
        self._stock.manifest.close()
        self._upkeep.close()

    def _run(self) -> None:
        while not self._closing:
            try:
                self.seal_all()
                if abs(self._stock.clock.now() - self._rounded) >= self._stock.options.upkeep_ns:
                    self.look_after()
            except (OSError, apsw.Error, pa.ArrowException) as error:
                self.trouble = (
                    f"Expected to seal readings, but found: {error}. Free room on the disk or "
                    "repair it; what was acknowledged is safe in the hot log, and sealing goes on "
                    "by itself."
                )
            with self._frozen:
                if not self._closing:
                    self._frozen.wait(self._stock.options.upkeep_ns / SECOND)

    def _seal_frozen(self) -> None:
        for each in self._stock.holdings.frozen:
            self._seal(each)
        self._crowd(len(self._stock.holdings.frozen) >= self._stock.options.frozen_max)

    def _seal(self, frozen: Frozen) -> None:
        """Write a segment to parts, note them, and only then delete it."""
        segment = frozen.segment
        parts, counts = seal(
            self._stock.folder,
            [each.batch for each in segment.batches],
            self._stock.classes,
            self._stock.manifest.next_part(),
            self._stock.clock.now(),
        )
        self._stock.tally.add(counts)
        done = Sealed(segment.number, segment.sequence, frozen.latest)
        self._stock.manifest.seal(done, parts, self._stock.tally.take())
        self._stock.holdings.swap(self._stock.manifest.parts(), segment.number)
        put_away(segment_path(self._stock.folder, segment.number), damaged=segment.damaged)
