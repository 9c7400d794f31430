"""Commits: readings go to the hot log, and are seen as soon as they are on the disk."""

import errno
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import apsw

from fabloop.adapters.historian.frames import (
    BYTES_PER_READING,
    Damage,
    Frame,
    SegmentWriter,
    read_segment,
)
from fabloop.adapters.historian.holdings import Holdings
from fabloop.adapters.historian.layout import HOT, Options, put_away, segment_path
from fabloop.adapters.historian.manifest import Manifest, Sealed
from fabloop.base.instant import Clock
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.series import Catalogue

FreeBytes = Callable[[Path], int]


class HotLog:
    """Writes the hot log of a folder; used by one thread.

    Attributes
    ----------
    damages : where files were not what they should be when they were read again
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        options: Options,
        holdings: Holdings,
        catalogue: Catalogue,
        free_bytes: FreeBytes,
    ) -> None:
        self.damages: list[Damage] = []
        self._folder = folder
        self._clock = clock
        self._options = options
        self._holdings = holdings
        self._catalogue = catalogue
        self._saved = catalogue.revision
        self._free_bytes = free_bytes
        self._manifest = Manifest(folder, write=True)
        self._writer: SegmentWriter | None = None
        self._last_segment = 0

    def replay(self, sealed: Sealed) -> int:
        """Take up what is not sealed yet; return the number of the last batch."""
        last = sealed.sequence
        self._last_segment = sealed.segment
        for path in sorted((self._folder / HOT).glob("*.log")):
            number = int(path.stem)
            frames, damages = read_segment(path)
            damaged = any(not each.torn for each in damages)
            if number <= sealed.segment:
                put_away(path, damaged=damaged)
                continue
            self.damages += damages
            self._last_segment = number
            self._holdings.begin(number, self._clock.now(), damaged=damaged)
            for frame in frames:
                last = max(last, frame.sequence)
                self._holdings.take(frame.batch, last)
            self._holdings.freeze()
        return last

    def commit(self, batch: Batch, sequence: int) -> None:
        """Make readings durable, and then seen.

        Raises
        ------
        OSError
            The disk takes nothing; nothing of it is stored.
        """
        self._make_room(len(batch) * BYTES_PER_READING)
        self._save_series()
        if self._writer is None:
            self._last_segment += 1
            self._writer = SegmentWriter(segment_path(self._folder, self._last_segment))
            self._holdings.begin(self._last_segment, self._clock.now())
        self._writer.append(Frame(sequence, batch))
        self._holdings.take(batch, sequence)

    def turn_over(self, *, now: bool = False) -> bool:
        """End the segment where it is full or old enough, or `now`; return whether it was."""
        present = self._holdings.present
        if present is None or self._writer is None:
            return False
        old = self._clock.now() - present.begun >= self._options.segment_ns
        if not (now or old or present.readings >= self._options.segment_readings):
            return False
        self._writer.close()
        self._writer = None
        self._holdings.freeze()
        return True

    def close(self) -> None:
        """Close the files; the segment that was written is sealed after the next start."""
        with suppress(OSError):
            self._save_series()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._manifest.close()

    def _make_room(self, size: int) -> None:
        free = self._free_bytes(self._folder)
        if free < self._options.reserve_bytes + size:
            raise OSError(
                errno.ENOSPC,
                f"{free // 1_000_000} MB are free, and {self._options.reserve_bytes // 1_000_000} "
                "MB are held in reserve",
            )

    def _save_series(self) -> None:
        revision = self._catalogue.revision
        if revision != self._saved:
            try:
                self._manifest.save_series(self._catalogue, self._clock.now())
            except apsw.Error as error:
                raise OSError(errno.EIO, f"the manifest cannot be written: {error}") from error
            self._saved = revision
