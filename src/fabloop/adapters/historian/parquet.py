"""Sealed readings: Parquet files by series and time that any engine reads.

Columns: ``series`` (int32), ``time`` (timestamp, UTC), ``scaled`` (int64) and ``exponent`` (int8),
``value`` (double), ``quality`` (uint8). The value of a row is ``value`` where that is there, else
``scaled / 10^exponent``, else unknown. Every page has a check sum.
"""

import errno
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fabloop.adapters.historian.frames import make_folder, sync_folder
from fabloop.adapters.historian.manifest import Part
from fabloop.adapters.historian.scaling import scaled, unscaled
from fabloop.base.instant import Instant
from fabloop.sense.readings.batch import Batch, SeriesNumbers, Times, empty, joined

ROWS_PER_GROUP = 16_384
"""Readings of a row group: few enough that one series is read fast, many enough to be small."""
OPEN_FILES_MAX = 256
"""Files whose directories are remembered; further ones are opened again when asked for."""

MARK: Final = b"fabloop"
COLUMNS: Final = ["series", "time", "scaled", "exponent", "value", "quality"]
_UNITS: Final = {"ms": 1_000_000, "us": 1_000, "ns": 1}
_ENCODINGS: Final = {
    "time": "DELTA_BINARY_PACKED",
    "scaled": "DELTA_BINARY_PACKED",
    "value": "BYTE_STREAM_SPLIT",
}
_DICTIONARIES: Final = ["series", "exponent", "quality"]


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in a file that was written."""

    readings: int
    bytes: int
    first_time: Instant
    last_time: Instant


def unit_of(times: Times) -> str:
    """Return the coarsest unit in which all times are whole."""
    for unit, size in _UNITS.items():
        if size == 1 or not bool((times % size).any()):
            return unit
    raise AssertionError("nanoseconds are always whole")


def finest(units: Iterable[str]) -> str:
    """Return the finest of several units."""
    return min(units, key=lambda unit: _UNITS[unit])


def write_raw(path: Path, batches: Iterable[Batch], unit: str) -> Written:
    """Write readings by series and time to a new file; it is there whole and on the disk, or not.

    Each batch holds whole series, and series of greater numbers than the batch before.
    """
    schema = pa.schema(
        [
            ("series", pa.int32()),
            ("time", pa.timestamp(unit, tz="UTC")),
            ("scaled", pa.int64()),
            ("exponent", pa.int8()),
            ("value", pa.float64()),
            ("quality", pa.uint8()),
        ]
    )
    firsts: list[int] = []
    lasts: list[int] = []
    count, earliest, latest = 0, np.iinfo(np.int64).max, np.iinfo(np.int64).min
    make_folder(path.parent)
    written = path.with_suffix(".tmp")
    try:
        with pq.ParquetWriter(written, schema, **_options()) as writer:
            for batch in batches:
                writer.write_table(_table(batch, schema, unit), ROWS_PER_GROUP)
                begins = np.arange(0, len(batch), ROWS_PER_GROUP)
                ends = np.minimum(begins + ROWS_PER_GROUP, len(batch)) - 1
                firsts += batch.series[begins].tolist()
                lasts += batch.series[ends].tolist()
                count += len(batch)
                if len(batch):
                    earliest = min(earliest, int(batch.times.min()))
                    latest = max(latest, int(batch.times.max()))
            told = {"version": 1, "unit": unit, "first": firsts, "last": lasts}
            writer.add_key_value_metadata({MARK.decode(): json.dumps(told)})
        size = put_in_place(written, path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    return Written(count, size, Instant(earliest), Instant(latest))


def put_in_place(written: Path, path: Path) -> int:
    """Make a file durable under its name, and return its size."""
    handle = os.open(written, os.O_RDONLY)
    try:
        os.fsync(handle)
        size = os.fstat(handle).st_size
    finally:
        os.close(handle)
    written.replace(path)
    sync_folder(path.parent)
    return size


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    file: pq.ParquetFile
    unit: str
    first: SeriesNumbers
    last: SeriesNumbers
    lock: threading.Lock


class RawFiles:
    """Reads sealed files; what is damaged is skipped, named and counted once.

    Attributes
    ----------
    damages : sentences by file and row group
    """

    def __init__(self, folder: Path) -> None:
        self.damages: dict[tuple[str, int], str] = {}
        self.folder = folder
        self._opened: OrderedDict[str, _Opened] = OrderedDict()
        self._lost: set[str] = set()
        self._lock = threading.Lock()

    def of_series(self, path: str, series: int, start: Instant, end: Instant) -> Batch:
        """Return the readings of one series, `start <= time < end`, by time."""
        opened = self._open(path)
        if opened is None:
            return empty()
        first = int(np.searchsorted(opened.last, series))
        parts = []
        for group in range(first, len(opened.first)):
            if opened.first[group] > series:
                break
            columns = self._columns(path, opened, group)
            if columns is not None:
                parts.append(_chosen(columns, opened.unit, series, start, end))
        return joined(parts)

    def between_series(self, path: str, first: int, beyond: int) -> Batch:
        """Return the readings of all series `first <= number < beyond`, by series and time."""
        opened = self._open(path)
        if opened is None:
            return empty()
        parts = []
        for group in range(int(np.searchsorted(opened.last, first)), len(opened.first)):
            if opened.first[group] >= beyond:
                break
            columns = self._columns(path, opened, group)
            if columns is not None:
                batch = _batch(columns, slice(None), opened.unit)
                low, high = np.searchsorted(batch.series, [first, beyond])
                parts.append(batch.where(slice(int(low), int(high))))
        return joined(parts)

    def bounds(self, path: str) -> SeriesNumbers:
        """Return the first series of each row group."""
        opened = self._open(path)
        return opened.first if opened is not None else np.zeros(0, np.int32)

    def check(self, path: str) -> int:
        """Read all of a file and return its readings; what is damaged is in `damages` then."""
        opened = self._open(path)
        if opened is None:
            return 0
        found = (self._columns(path, opened, group) for group in range(len(opened.first)))
        return sum(len(each) for each in found if each is not None)

    def lose(self, error: FileNotFoundError, parts: Iterable[Part]) -> None:
        """Note that a file is gone, if it is one of the parts that count."""
        for part in parts:
            if str(self.folder / part.path) == str(error.filename):
                self._lost.add(part.path)
                self._damaged(part.path, -1, f"{part.path}: there is no such file any more.")

    def note(self, path: str, sentence: str) -> None:
        """Note that a file is damaged."""
        self._damaged(path, -1, sentence)

    def forget(self, path: str) -> None:
        """Close a file that is about to be deleted."""
        with self._lock:
            self._opened.pop(path, None)

    def _open(self, path: str) -> _Opened | None:
        with self._lock:
            if path in self._lost:
                return None
            known = self._opened.get(path)
            if known is not None:
                self._opened.move_to_end(path)
                return known
            try:
                opened = _opened(self.folder / path)
            except FileNotFoundError:
                raise
            except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
                self._damaged(path, -1, f"{path}: cannot be read at all and was skipped: {error}.")
                return None
            self._opened[path] = opened
            if len(self._opened) > OPEN_FILES_MAX:
                self._opened.popitem(last=False)
            return opened

    def _columns(self, path: str, opened: _Opened, group: int) -> pa.Table | None:
        try:
            with opened.lock:
                return opened.file.read_row_group(group, columns=COLUMNS, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            self._damaged(
                path,
                group,
                f"{path}: row group {group} (series {opened.first[group]} to {opened.last[group]}) "
                f"is damaged and was skipped; the rest is read: {error}.",
            )
            return None

    def _damaged(self, path: str, group: int, sentence: str) -> None:
        self.damages.setdefault((path, group), sentence)


def _opened(path: Path) -> _Opened:
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    file = pq.ParquetFile(path, memory_map=True, page_checksum_verification=True)
    told = json.loads(file.metadata.metadata[MARK])
    first = np.array(told["first"], np.int32)
    last = np.array(told["last"], np.int32)
    if len(first) != file.metadata.num_row_groups:
        raise ValueError("its directory does not fit its row groups")
    return _Opened(file, str(told["unit"]), first, last, threading.Lock())


def _options() -> dict[str, Any]:
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": _DICTIONARIES,
        "column_encoding": _ENCODINGS,
        "write_statistics": ["series", "time"],
        "write_page_checksum": True,
    }


def _table(batch: Batch, schema: pa.Schema, unit: str) -> pa.Table:
    columns = scaled(batch.series, batch.values)
    times = pa.array(batch.times // _UNITS[unit] if unit != "ns" else batch.times)
    arrays = [
        pa.array(batch.series),
        times.cast(schema.field("time").type),
        pa.array(columns.scaled, mask=~columns.is_scaled),
        pa.array(columns.exponent),
        pa.array(columns.values, mask=columns.is_scaled | np.isnan(columns.values)),
        pa.array(batch.quality),
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _chosen(table: pa.Table, unit: str, series: int, start: Instant, end: Instant) -> Batch:
    numbers = table.column("series").to_numpy()
    low, high = np.searchsorted(numbers, [series, series + 1])
    batch = _batch(table, slice(int(low), int(high)), unit)
    first, beyond = np.searchsorted(batch.times, [start, end])
    return batch.where(slice(int(first), int(beyond)))


def _batch(table: pa.Table, part: slice, unit: str) -> Batch:
    chosen = table.slice(
        part.start or 0, None if part.stop is None else part.stop - (part.start or 0)
    )
    integers, there = _nullable(chosen, "scaled", np.int64)
    values, _ = _nullable(chosen, "value", np.float64)
    exponent = chosen.column("exponent").to_numpy()
    times = chosen.column("time").cast(pa.int64()).to_numpy()
    return Batch(
        times * _UNITS[unit],
        chosen.column("series").to_numpy(),
        unscaled(integers, exponent, there, values),
        chosen.column("quality").to_numpy(),
    )


def _nullable(
    table: pa.Table, name: str, kind: type[np.int64] | type[np.float64]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return a column, NaN or 0 where nothing is, and where something is."""
    column = table.column(name)
    there = column.is_valid().to_numpy()
    filled = (
        column if column.null_count == 0 else column.fill_null(0 if kind is np.int64 else np.nan)
    )
    return filled.to_numpy().astype(kind, copy=False), there


def merged(parts: Iterable[Batch]) -> Iterator[Batch]:
    """Yield those that hold anything."""
    return (each for each in parts if len(each))
