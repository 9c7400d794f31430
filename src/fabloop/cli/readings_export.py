"""``fabloop readings export``: readings for other tools, as CSV or Parquet."""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fabloop.adapters.historian import HistorianReader
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import DAY, Instant
from fabloop.cli.readings_words import series_named, span_given, stamp, unit_text
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.quality import words

HEADS = ("series", "source", "address", "name", "time", "value", "unit", "quality")


class ExportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked on the command line."""

    folder: Path
    series: tuple[str, ...]
    since: str
    until: str
    csv: Path | None
    parquet: Path | None


def export_readings(request: ExportRequest, *, as_json: bool) -> ExitCode:
    """Write the readings of some series, day by day, to one file."""
    if (request.csv is None) == (request.parquet is None):
        raise Invalid(
            Fault(
                source="fabloop readings export",
                path="",
                expected="one of --csv FILE and --parquet FILE",
                found="none of them" if request.csv is None else "both",
            )
        )
    reader = HistorianReader(request.folder)
    every = range(len(reader.catalogue))
    numbers = [series_named(reader.catalogue, each) for each in request.series] or list(every)
    start, end = span_given(reader, numbers, request.since, request.until)
    pieces = _pieces(reader, numbers, start, end)
    if request.csv is not None:
        count = _to_csv(reader, pieces, request.csv)
    else:
        assert request.parquet is not None
        count = _to_parquet(reader, pieces, request.parquet)
    reader.close()
    told = sys.stderr if request.csv == Path("-") else sys.stdout
    if as_json:
        answer = {"readings": count, "from": stamp(start), "to": stamp(end)}
        told.write(to_json_pretty(answer).decode())
    else:
        told.write(f"{count} readings from {stamp(start)} to before {stamp(end)}\n")
    return ExitCode.FINE if count else ExitCode.NOT_PRODUCIBLE


def _pieces(
    reader: HistorianReader, numbers: list[int], start: Instant, end: Instant
) -> Iterator[Batch]:
    """Yield readings by series and time, a day of one series at a time."""
    for number in numbers:
        for begin in range(start, end, DAY):
            found = reader.query.range(number, Instant(begin), Instant(min(begin + DAY, end)))
            if len(found):
                yield found


def _to_csv(reader: HistorianReader, pieces: Iterator[Batch], path: Path) -> int:
    count = 0
    with _opened(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADS)
        for batch in pieces:
            series = reader.catalogue[int(batch.series[0])]
            front = (int(batch.series[0]), series.source, series.address, series.name)
            unit = unit_text(series)
            writer.writerows(
                (*front, stamp(time), "" if np.isnan(value) else repr(value), unit, words(quality))
                for time, value, quality in zip(
                    batch.times.tolist(), batch.values.tolist(), batch.quality.tolist(), strict=True
                )
            )
            count += len(batch)
    return count


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if path == Path("-"):
        yield sys.stdout
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise _cannot_write(path, error) from error


def _to_parquet(reader: HistorianReader, pieces: Iterator[Batch], path: Path) -> int:
    kinds = {"series": pa.int32(), "time": pa.timestamp("ns", tz="UTC"), "value": pa.float64()}
    text = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([(head, kinds.get(head, text)) for head in HEADS])
    count = 0
    try:
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for batch in pieces:
                writer.write_table(_table(reader, batch, schema))
                count += len(batch)
    except OSError as error:
        raise _cannot_write(path, error) from error
    return count


def _table(reader: HistorianReader, batch: Batch, schema: pa.Schema) -> pa.Table:
    series = reader.catalogue[int(batch.series[0])]
    known, place = np.unique(batch.quality, return_inverse=True)

    def same(value: str) -> pa.Array:
        return pa.DictionaryArray.from_arrays(np.zeros(len(batch), np.int32), [value])

    said = [words(int(each)) for each in known]
    return pa.Table.from_arrays(
        [
            pa.array(batch.series),
            same(series.source),
            same(series.address),
            same(series.name),
            pa.array(batch.times).cast(schema.field("time").type),
            pa.array(batch.values, mask=np.isnan(batch.values)),
            same(unit_text(series)),
            pa.DictionaryArray.from_arrays(place.astype(np.int32), said),
        ],
        schema=schema,
    )


def _cannot_write(path: Path, error: OSError) -> Invalid:
    found = error.strerror or str(error)
    return Invalid(Fault(source=str(path), path="", expected="a file to write", found=found))
