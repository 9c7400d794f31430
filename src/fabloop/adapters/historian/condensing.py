"""Closed hours: their files are joined to one, condensed for charts, and dropped when too old."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fabloop.adapters.historian.layout import CHUNK_NS, RAW, ROLLUP, ROLLUP_NS, TREND_NS, part_name
from fabloop.adapters.historian.manifest import Part
from fabloop.adapters.historian.parquet import (
    ROWS_PER_GROUP,
    RawFiles,
    Written,
    finest,
    merged,
    write_raw,
)
from fabloop.adapters.historian.rollups import write_rollup
from fabloop.base.instant import Instant
from fabloop.sense.readings.batch import Batch, joined
from fabloop.sense.readings.series import Catalogue, Kind
from fabloop.sense.readings.settle import settled
from fabloop.sense.readings.summary import Counters, Summaries, summarise

MERGED_AT_ONCE_MAX = 4_000_000
"""Readings of several files that are joined in memory at once, unless one series has more."""
PARTS_PER_LEVEL = 8
"""Files of similar size in one hour before they are joined, while the hour is not over."""
WORTH_A_ROLLUP = 10
"""Readings that a minute must condense for its rollup to be kept beside them."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A part in place of others, and how many of their readings were restated."""

    part: Part
    restated: int


def slices(files: RawFiles, parts: Sequence[Part]) -> Iterator[tuple[Batch, int]]:
    """Yield all readings of parts by series and time, whole series at once; and the restated."""
    firsts = np.sort(np.concatenate([files.bounds(part.path) for part in parts]))
    steps = max(1, MERGED_AT_ONCE_MAX // ROWS_PER_GROUP)
    begins = np.unique(np.append(0, firsts[::steps])).tolist()
    for begin, beyond in zip(begins, [*begins[1:], np.iinfo(np.int32).max], strict=True):
        found = joined(
            list(merged(files.between_series(part.path, begin, beyond) for part in parts))
        )
        if len(found):
            done = settled(found)
            yield done.batch, done.restated


def join(folder: Path, files: RawFiles, parts: Sequence[Part], number: int, now: Instant) -> Joined:
    """Write the readings of parts of one hour and class, by rank, to a new part."""
    restated = 0

    def batches() -> Iterator[Batch]:
        nonlocal restated
        for batch, again in slices(files, parts):
            restated += again
            yield batch

    newest = parts[-1]
    path = part_name(RAW, newest.class_, newest.chunk, number)
    unit = finest(part.unit for part in parts)
    written = write_raw(folder / path, batches(), unit)
    return Joined(_part(RAW, path, number, newest, unit, written, now), restated)


def rolled_up(
    folder: Path,
    files: RawFiles,
    parts: Sequence[Part],
    number: int,
    catalogue: Catalogue,
    now: Instant,
) -> Part:
    """Condense the readings of all parts of one hour and class to a file of minutes."""
    counters = counters_of(catalogue)
    rows = (summarise(batch, ROLLUP_NS, 0, counters) for batch, _ in slices(files, parts))
    newest = parts[-1]
    path = part_name(ROLLUP, newest.class_, newest.chunk, number)
    written = write_rollup(folder / path, rows)
    made_of = tuple(part.number for part in parts)
    return _part(ROLLUP, path, number, newest, "ns", written, now, made_of)


def condensed(files: RawFiles, parts: Sequence[Part], catalogue: Catalogue) -> Iterator[Summaries]:
    """Yield all parts of one hour condensed to the steps of the trend."""
    counters = counters_of(catalogue)
    for batch, _ in slices(files, parts):
        yield summarise(batch, TREND_NS, 0, counters)


def counters_of(catalogue: Catalogue) -> Counters:
    """Return which series count."""
    series = list(catalogue)
    return Counters(
        np.array([each.kind is Kind.COUNTER for each in series], np.bool_),
        np.array([np.nan if each.rollover is None else each.rollover for each in series]),
    )


def to_join(parts: Sequence[Part]) -> Sequence[Part]:
    """Return neighbours of similar size in an hour that is not over, where they are many."""
    levels = [part.readings.bit_length() // 3 for part in parts]
    for first in range(len(parts) - PARTS_PER_LEVEL + 1):
        run = levels[first : first + PARTS_PER_LEVEL]
        if len(set(run)) == 1:
            return parts[first : first + PARTS_PER_LEVEL]
    return ()


def by_class(parts: Iterable[Part]) -> dict[str, list[Part]]:
    """Return parts by their class, and by rank within."""
    found: dict[str, list[Part]] = {}
    for part in parts:
        found.setdefault(part.class_, []).append(part)
    return found


def worth_a_rollup(parts: Sequence[Part], series: int) -> bool:
    """Return whether minutes would be much fewer than the readings, if all series told some."""
    minutes = series * (CHUNK_NS // ROLLUP_NS)
    return sum(part.readings for part in parts) >= WORTH_A_ROLLUP * minutes


def _part(
    kind: str,
    path: str,
    number: int,
    like: Part,
    unit: str,
    written: Written,
    now: Instant,
    made_of: tuple[int, ...] = (),
) -> Part:
    return Part(
        number=number,
        rank=like.rank,
        kind=kind,
        class_=like.class_,
        chunk=like.chunk,
        path=path,
        unit=unit,
        readings=written.readings,
        bytes=written.bytes,
        first_time=written.first_time,
        last_time=written.last_time,
        sealed_at=now,
        made_of=made_of,
    )
