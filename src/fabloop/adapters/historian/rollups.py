"""Readings condensed to minutes, as Parquet files that outlive the readings.

Columns: those of `Summaries`, with ``series`` and ``start`` in front.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fabloop.adapters.historian.frames import make_folder
from fabloop.adapters.historian.parquet import ROWS_PER_GROUP, RawFiles, Written, put_in_place
from fabloop.base.instant import Instant
from fabloop.sense.readings.summary import NAMES, Summaries, none

_TIMES: Final = ("start", "first_time", "last_time")
_FLOATS: Final = (
    "least", "greatest", "total", "first", "last", "held", "area", "increase",
)  # fmt: skip
_SCHEMA: Final = pa.schema(
    [
        ("series", pa.int32()),
        ("start", pa.timestamp("ns", tz="UTC")),
        ("count", pa.int32()),
        ("bad", pa.int32()),
        *((name, pa.float64()) for name in ("least", "greatest", "total", "first", "last")),
        *((name, pa.timestamp("ns", tz="UTC")) for name in ("first_time", "last_time")),
        *((name, pa.float64()) for name in ("held", "area")),
        ("covered_ns", pa.int64()),
        ("increase", pa.float64()),
        ("resets", pa.int32()),
    ]
)
_ENCODINGS: Final = {
    **dict.fromkeys((*_TIMES, "covered_ns"), "DELTA_BINARY_PACKED"),
    **dict.fromkeys(_FLOATS, "BYTE_STREAM_SPLIT"),
}


def write_rollup(path: Path, rows: Iterable[Summaries]) -> Written:
    """Write rows by series and start to a new file; unknown numbers are null there."""
    make_folder(path.parent)
    written = path.with_suffix(".tmp")
    count, earliest, latest = 0, np.iinfo(np.int64).max, np.iinfo(np.int64).min
    try:
        with pq.ParquetWriter(written, _SCHEMA, **_options()) as writer:
            for each in rows:
                if len(each):
                    writer.write_table(_table(each), ROWS_PER_GROUP)
                    count += len(each)
                    earliest = min(earliest, int(each.first_time.min()))
                    latest = max(latest, int(each.last_time.max()))
        size = put_in_place(written, path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    return Written(count, size, Instant(earliest), Instant(latest))


def read_rollup(files: RawFiles, path: str, series: int | None = None) -> Summaries:
    """Return the rows of one series, under number 0, or of all; a damaged file has none.

    Raises
    ------
    FileNotFoundError
        The file was deleted meanwhile.
    """
    chosen = None if series is None else [("series", "==", series)]
    try:
        table = pq.read_table(
            files.folder / path,
            filters=chosen,
            partitioning=None,
            page_checksum_verification=True,
            use_threads=False,
        )
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        files.note(path, f"{path}: minutes that cannot be read and were skipped: {error}.")
        return none()
    if series is not None:
        table = table.set_column(0, "series", pa.array(np.zeros(len(table), np.int32)))
    return _rows(table)


def _options() -> dict[str, Any]:
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": ["series", "count", "bad", "resets"],
        "column_encoding": _ENCODINGS,
        "write_page_checksum": True,
    }


def _table(rows: Summaries) -> pa.Table:
    arrays = []
    for field in _SCHEMA:
        column = getattr(rows, field.name)
        if field.name in _FLOATS:
            arrays.append(pa.array(column, mask=np.isnan(column)))
        else:
            arrays.append(pa.array(column).cast(field.type))
    return pa.Table.from_arrays(arrays, schema=_SCHEMA)


def _rows(table: pa.Table) -> Summaries:
    columns = {}
    for name in NAMES:
        column = table.column(name)
        if name in _TIMES:
            column = column.cast(pa.int64())
        elif name in _FLOATS:
            column = column.fill_null(np.nan)
        columns[name] = column.to_numpy()
    return Summaries(**columns)
