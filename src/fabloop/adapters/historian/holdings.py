"""What a historian holds: sealed parts, segments of the hot log in memory, the latest values."""

import threading
from dataclasses import dataclass, field

from numpy.typing import ArrayLike

from fabloop.adapters.historian.manifest import Part
from fabloop.base.instant import Instant
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.latest import LatestValues


@dataclass(slots=True)
class Segment:
    """Readings of one file of the hot log, in the order of their commits."""

    number: int
    begun: Instant
    damaged: bool = False
    sequence: int = 0
    batches: list[Batch] = field(default_factory=list)
    readings: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """A segment that takes no more readings, and the latest values when it ended."""

    segment: Segment
    latest: LatestValues


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """All readings of one moment: each stands either in a part or in a batch.

    Attributes
    ----------
    parts : sealed files by number, raw and rollups
    batches : readings that are not sealed, in the order of their arrival, behind all parts
    """

    parts: tuple[Part, ...]
    batches: tuple[Batch, ...]


class Holdings:
    """The segment that is written, those that wait to be sealed, sealed parts, the latest values.

    One thread commits, one seals, any may look.
    """

    def __init__(self, parts: tuple[Part, ...], latest: LatestValues) -> None:
        self._lock = threading.Lock()
        self._parts = parts
        self._latest = latest
        self._frozen: list[Frozen] = []
        self._present: Segment | None = None
        self.late = 0
        self.restated = 0

    @property
    def present(self) -> Segment | None:
        """The segment that is written; None: the next commit begins one."""
        return self._present

    @property
    def frozen(self) -> tuple[Frozen, ...]:
        """The segments that wait to be sealed, the oldest first."""
        return tuple(self._frozen)

    def begin(self, number: int, at: Instant, *, damaged: bool = False) -> None:
        """Begin a segment."""
        with self._lock:
            assert self._present is None
            self._present = Segment(number, at, damaged)

    def take(self, batch: Batch, sequence: int) -> None:
        """Take what is durable now; from here on it is seen."""
        with self._lock:
            assert self._present is not None
            self._present.sequence = sequence
            self._present.batches.append(batch)
            self._present.readings += len(batch)
            taken = self._latest.take(batch)
            self.late += taken.late
            self.restated += taken.restated

    def freeze(self) -> None:
        """End the segment that is written."""
        with self._lock:
            if self._present is not None:
                self._frozen.append(Frozen(self._present, self._latest.copy()))
                self._present = None

    def swap(self, parts: tuple[Part, ...], sealed: int) -> None:
        """Take over the parts that count from now on, and drop a segment that stands in them."""
        with self._lock:
            self._parts = parts
            self._frozen = [each for each in self._frozen if each.segment.number != sealed]

    def seen(self) -> Seen:
        """Return all readings as they stand now."""
        with self._lock:
            segments = [each.segment for each in self._frozen]
            if self._present is not None:
                segments.append(self._present)
            return Seen(self._parts, tuple(batch for each in segments for batch in each.batches))

    def latest(self, series: ArrayLike | None = None) -> Batch:
        """Return the latest reading of the chosen series; None: of all."""
        with self._lock:
            return self._latest.of(series)

    @property
    def readings(self) -> int:
        """How many readings are held here."""
        with self._lock:
            present = self._present.readings if self._present is not None else 0
            return present + sum(each.segment.readings for each in self._frozen)
