"""Where everything stands in the folder of a historian, and what it is told when it is opened."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from fabloop.base.instant import HOUR, MINUTE, SECOND, Instant

MANIFEST: Final = "manifest.db"
TREND: Final = "trend.db"
OWNER: Final = "owner.lock"
HOT: Final = "hot"
DAMAGED: Final = ".damaged"
RAW: Final = "raw"
ROLLUP: Final = "rollup_1m"

CHUNK_NS: Final = HOUR
"""Time that one sealed file covers. It is written into the names of files: it never changes."""
ROLLUP_NS: Final = MINUTE
TREND_NS: Final = 5 * MINUTE

SERIES_MAX = 1_000_000
"""Series of one store."""
CLASSES_MAX = 32
"""Retention classes of one store: each has files of its own."""


class Overflow(StrEnum):
    """What happens to readings for which there is no room in memory."""

    REFUSE = "refuse"
    """`keep` raises `Unavailable`; whoever reads a source holds back and tries again."""
    WAIT = "wait"
    """`keep` waits for room, in the thread that called it."""
    DROP = "drop"
    """They are dropped and counted: only where the newest values matter and somebody chose it."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a historian is run.

    Attributes
    ----------
    commit_ns : longest time that a reading waits for its commit
    pending_max : readings that wait for their commit before `overflow` applies
    segment_readings, segment_ns : after so many readings, or so long, the hot log is sealed
    frozen_max : segments that wait to be sealed before `overflow` applies
    reserve_bytes : the disk counts as full when less than this is free
    ahead_ns : readings that are so far ahead of our clock are refused: no right clock told them
    earliest : readings before it are refused: clocks that lost their time begin at 1970 to 2000
    grace_ns : an hour is closed so long after its end, and condensed
    rest_ns : files that were replaced stay so long for whoever reads them
    upkeep_ns : how often hours are looked after
    """

    commit_ns: int = SECOND // 4
    pending_max: int = 1_000_000
    segment_readings: int = 4_000_000
    segment_ns: int = 10 * MINUTE
    frozen_max: int = 4
    overflow: Overflow = Overflow.REFUSE
    reserve_bytes: int = 64 << 20
    ahead_ns: int = 5 * MINUTE
    earliest: Instant = Instant(978_307_200 * SECOND)
    grace_ns: int = 10 * MINUTE
    rest_ns: int = 5 * MINUTE
    upkeep_ns: int = 30 * SECOND


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long readings of a class of series are kept.

    Attributes
    ----------
    name : of the class; part of the names of its files
    source, series : patterns (``*``, ``?``) of the series that it holds
    raw_ns, rollup_ns : kept so long; None: for ever
    """

    name: str
    source: str = "*"
    series: str = "*"
    raw_ns: int | None = None
    rollup_ns: int | None = None


STANDARD: Final = Retention(name="standard")
"""The class of series that no other class holds."""


def segment_path(folder: Path, number: int) -> Path:
    """Return the file of a segment of the hot log."""
    return folder / HOT / f"{number:012}.log"


def put_away(path: Path, *, damaged: bool) -> None:
    """Delete a segment that is sealed; one that was damaged stays, renamed, for whoever looks."""
    if damaged:
        path.replace(path.with_suffix(DAMAGED))
    else:
        path.unlink(missing_ok=True)


def part_name(kind: str, name: str, chunk: int, number: int) -> str:
    """Return the file of a sealed part, below the folder of the historian."""
    begin = datetime.fromtimestamp(chunk * CHUNK_NS // SECOND, UTC)
    return f"{kind}/class={name}/date={begin:%Y-%m-%d}/{begin:%H}-{number:09}.parquet"
