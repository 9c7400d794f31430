"""Tables to readings, part by part, so that a recording may be larger than memory."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from fabloop.adapters.replay.recording import Layout, Recording
from fabloop.base.errors import Fault, Invalid, Refused
from fabloop.sense.readings.payloads.decoded import Decoded
from fabloop.sense.readings.payloads.forms import Form, TimeUnit
from fabloop.sense.readings.payloads.forms import Layout as PayloadLayout
from fabloop.sense.readings.payloads.salvage import Parts, taken_of

ROWS_AT_ONCE = 10_000
COLUMNS_MAX = 10_000
"""Of a wide table."""

Rows = Iterator[Sequence[Any]]


def check(recording: Recording) -> None:
    """Refuse a recording that cannot be played.

    Raises
    ------
    Invalid
        The file cannot be read, or lacks columns.
    Refused
        It is Parquet, and pyarrow is not installed.
    """
    if recording.speed is not None and recording.speed <= 0:
        raise _invalid(recording, "speed", "more than 0, or none", str(recording.speed))
    next(parts(recording), None)


def parts(recording: Recording) -> Iterator[Decoded]:
    """Yield the readings of a recording; what cannot be taken is refused in its part."""
    path = Path(recording.file)
    try:
        if path.suffix == ".parquet":
            yield from _parquet(path, recording)
            return
        form = _form(recording.time_unit)
        with path.open(encoding="utf-8-sig", newline="") as opened:
            yield from (taken_of(each, form) for each in _csv(opened, recording))
    except OSError as error:
        raise _invalid(recording, "", "a file that can be read", str(error)) from error
    except UnicodeDecodeError as error:
        raise _invalid(recording, "", "text in UTF-8", str(error)) from error


def _csv(opened: TextIO, recording: Recording) -> Iterator[list[Parts]]:
    reader = csv.reader(opened)
    header = next(reader, [])
    places = _places(header, recording)
    rows = (row for row in reader if row)
    while some := list(islice(rows, ROWS_AT_ONCE)):
        texts = [[_number(cell) for cell in row] for row in some]
        yield list(_readings(header, places, iter(texts), recording))


def _number(cell: str) -> Any:
    """Return the number in a cell, None for an empty one, or its text."""
    if not cell:
        return None
    try:
        return int(cell)
    except ValueError:
        try:
            return float(cell)
        except ValueError:
            return cell


def _form(unit: TimeUnit) -> Form:
    return Form(layout=PayloadLayout.ROWS, named=True, time_unit=unit)


def _parquet(path: Path, recording: Recording) -> Iterator[Decoded]:
    try:
        import pyarrow as pa  # noqa: PLC0415  # 170 MB that only this needs
        import pyarrow.parquet as parquet  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise Refused(
            "Expected the extra 'historian' to read Parquet, but found that it is not installed. "
            "Run: pip install 'fabloop[historian]'"
        ) from error
    try:
        with parquet.ParquetFile(path) as file:
            yield from _row_groups(file, recording, pa)
    except pa.ArrowInvalid as error:
        raise _invalid(recording, "", "a file of Parquet", str(error)) from error


def _row_groups(file: Any, recording: Recording, pa: Any) -> Iterator[Decoded]:
    header = file.schema_arrow.names
    places = _places(header, recording)
    time = places[recording.time]
    stamped = pa.types.is_timestamp(file.schema_arrow.field(time).type)
    form = _form(TimeUnit.NANOSECONDS if stamped else recording.time_unit)
    for batch in file.iter_batches(ROWS_AT_ONCE):
        columns = [column.to_pylist() for column in batch.columns]
        if stamped:
            ns = pa.timestamp("ns", batch.column(time).type.tz)
            columns[time] = batch.column(time).cast(ns).cast(pa.int64()).to_pylist()
        rows = zip(*columns, strict=True)
        yield taken_of(list(_readings(header, places, rows, recording)), form)


def _places(header: Sequence[str], recording: Recording) -> Mapping[str, int]:
    places = {name: at for at, name in enumerate(header)}
    missing = [name for name in recording.needed if name not in places]
    if missing:
        raise _invalid(
            recording, "header", f"columns {', '.join(missing)}", ", ".join(header)[:200] or "none"
        )
    if len(header) > COLUMNS_MAX:
        raise _invalid(recording, "header", f"at most {COLUMNS_MAX} columns", str(len(header)))
    return places


def _readings(
    header: Sequence[str], places: Mapping[str, int], rows: Rows, recording: Recording
) -> Iterator[Parts]:
    time = places[recording.time]
    if recording.layout is Layout.WIDE:
        series = [(at, each) for at, each in enumerate(header) if at != time]
        for row in rows:
            for at, each in series:
                if at < len(row) and row[at] is not None:
                    yield row[time], each, row[at], None, None
        return
    name, value = places[recording.name], places[recording.value]
    quality = places.get(recording.quality)
    for row in rows:
        cells = [*row, *[None] * (len(header) - len(row))]
        yield (
            cells[time], _text(cells[name]), cells[value],
            None if quality is None else cells[quality], None,
        )  # fmt: skip


def _text(cell: Any) -> str | None:
    return None if cell is None else str(cell)


def _invalid(recording: Recording, path: str, expected: str, found: str) -> Invalid:
    return Invalid(
        Fault(source=recording.file, path=path, expected=expected, found=found,
            hint="Say in the recording what the columns are called.")
    )  # fmt: skip
