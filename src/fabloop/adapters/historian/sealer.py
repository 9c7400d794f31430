"""The thread that seals segments and looks after sealed files."""

import threading
from collections.abc import Callable
from pathlib import Path

import apsw
import pyarrow as pa

from fabloop.adapters.historian.holdings import Frozen, Holdings
from fabloop.adapters.historian.layout import Options, put_away, segment_path
from fabloop.adapters.historian.manifest import Manifest, Sealed
from fabloop.adapters.historian.sealing import Classes, seal
from fabloop.adapters.historian.tally import Tally
from fabloop.base.instant import SECOND, Clock


class Sealer:
    """Seals what is frozen, one segment after the other.

    Attributes
    ----------
    trouble : why sealing does not go on, as a sentence; empty: all is well
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        options: Options,
        manifest: Manifest,
        holdings: Holdings,
        classes: Classes,
        tally: Tally,
        crowd: Callable[[bool], None],
    ) -> None:
        self.trouble = ""
        self._folder = folder
        self._clock = clock
        self._options = options
        self._manifest = manifest
        self._holdings = holdings
        self._classes = classes
        self._tally = tally
        self._crowd = crowd
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
            self._crowd(len(self._holdings.frozen) >= self._options.frozen_max)
            self._frozen.notify_all()

    def seal_all(self) -> None:
        """Seal all that is frozen, now.

        Raises
        ------
        OSError
            The disk takes nothing; all of it stays in the hot log.
        """
        with self._busy:
            for each in self._holdings.frozen:
                self._seal(each)
            self.trouble = ""
        self._crowd(len(self._holdings.frozen) >= self._options.frozen_max)

    def close(self) -> None:
        """End after the segment that is sealed now; others are sealed after the next start."""
        with self._frozen:
            self._closing = True
            self._frozen.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._manifest.add(self._tally.take())

    def _run(self) -> None:
        while not self._closing:
            try:
                self.seal_all()
            except (OSError, apsw.Error, pa.ArrowException) as error:
                self.trouble = (
                    f"Expected to seal readings, but found: {error}. Free room on the disk or "
                    "repair it; what was acknowledged is safe in the hot log, and sealing goes on "
                    "by itself."
                )
            with self._frozen:
                if not self._closing:
                    self._frozen.wait(self._options.upkeep_ns / SECOND)

    def _seal(self, frozen: Frozen) -> None:
        """Write a segment to parts, note them, and only then delete it."""
        segment = frozen.segment
        parts, counts = seal(
            self._folder,
            segment.batches,
            self._classes,
            self._manifest.next_part(),
            self._clock.now(),
        )
        self._tally.add(counts)
        done = Sealed(segment.number, segment.sequence, frozen.latest)
        self._manifest.seal(done, parts, self._tally.take())
        self._holdings.swap(self._manifest.parts(), segment.number)
        put_away(segment_path(self._folder, segment.number), damaged=segment.damaged)
