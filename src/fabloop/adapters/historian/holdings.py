"""What a historian holds: sealed parts, segments of the hot log in memory, the latest values."""

import threading
from dataclasses import dataclass, field

from numpy.typing import ArrayLike

from fabloop.adapters.historian.layout import CHUNK_NS, RAW
from fabloop.adapters.historian.manifest import Part
from fabloop.base.instant import Instant
from fabloop.sense.readings.batch import Batch, between, joined
from fabloop.sense.readings.latest import LatestValues

TOGETHER_MAX = 8_192
"""Readings of commits that are held together."""


class Shelf:
    """Sealed files by their hour.

    Attributes
    ----------
    parts : all that count, by rank
    raw, rollups : by hour, and by rank within
    left : rollups by hour whose readings are gone
    """

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.parts = parts
        self.raw: dict[int, tuple[Part, ...]] = {}
        self.rollups: dict[int, tuple[Part, ...]] = {}
        for part in parts:
            kind = self.raw if part.kind == RAW else self.rollups
            kind[part.chunk] = (*kind.get(part.chunk, ()), part)
        live = {part.number for part in parts if part.kind == RAW}
        self.left = {
            chunk: tuple(part for part in rollups if live.isdisjoint(part.made_of))
            for chunk, rollups in self.rollups.items()
        }

    def raw_in(self, chunk: int) -> tuple[Part, ...]:
        """Return the files with readings of an hour."""
        return self.raw.get(chunk, ())

    def rollups_only(self, first: int, last: int) -> list[Part]:
        """Return the rollups, from the first hour to the last one, whose readings are gone."""
        hours = sorted(hour for hour in self.left if first <= hour <= last)
        return [part for hour in hours for part in self.left[hour]]

    def chunks(self, start: Instant, end: Instant) -> list[int]:
        """Return the hours of `start <= time < end` that have any file, in order."""
        first, last = start // CHUNK_NS, (end - 1) // CHUNK_NS
        if last - first < len(self.raw):
            return [each for each in range(first, last + 1) if each in self.raw]
        return sorted(each for each in self.raw if first <= each <= last)


@dataclass(frozen=True, slots=True, eq=False)
class Fresh:
    """Readings of one commit, and their least and greatest time."""

    batch: Batch
    first: int
    last: int


@dataclass(slots=True)
class Segment:
    """Readings of one file of the hot log, in the order of their commits."""

    number: int
    begun: Instant
    damaged: bool = False
    sequence: int = 0
    batches: list[Fresh] = field(default_factory=list)
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
    shelf : sealed files
    batches : readings that are not sealed, in the order of their arrival, behind all parts
    """

    shelf: Shelf
    batches: tuple[Fresh, ...]

    def hot(self, series: int, start: Instant, end: Instant) -> list[Batch]:
        """Return the readings of one series that are not sealed, `start <= time < end`."""
        return [
            between(each.batch.where(each.batch.series == series), start, end)
            for each in self.batches
            if each.first < end and each.last >= start
        ]


def _lay_on(batches: list[Fresh], batch: Batch) -> None:
    """Append readings, to the last batch while both are small: many small ones are slow to ask."""
    first, last = int(batch.times.min()), int(batch.times.max())
    if batches and len(batches[-1].batch) + len(batch) <= TOGETHER_MAX:
        before = batches.pop()
        batch = joined([before.batch, batch])
        first, last = min(first, before.first), max(last, before.last)
    batches.append(Fresh(batch, first, last))


class Holdings:
    """The segment that is written, those that wait to be sealed, sealed parts, the latest values.

    One thread commits, one seals, any may look.
    """

    def __init__(self, parts: tuple[Part, ...], latest: LatestValues) -> None:
        self._lock = threading.Lock()
        self._shelf = Shelf(parts)
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
            if len(batch):
                _lay_on(self._present.batches, batch)
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

    def swap(self, parts: tuple[Part, ...], sealed: int = -1) -> None:
        """Take over the parts that count from now on; a segment that stands in them is dropped."""
        shelf = Shelf(parts)
        with self._lock:
            self._shelf = shelf
            self._frozen = [each for each in self._frozen if each.segment.number != sealed]

    def seen(self) -> Seen:
        """Return all readings as they stand now."""
        with self._lock:
            segments = [each.segment for each in self._frozen]
            if self._present is not None:
                segments.append(self._present)
            return Seen(self._shelf, tuple(batch for each in segments for batch in each.batches))

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
