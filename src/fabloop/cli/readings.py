"""``fabloop readings list``, ``latest``, ``range``, ``sql``: what stored readings say."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console

from fabloop.adapters.historian import HistorianReader
from fabloop.app.pictures.report import Table
from fabloop.app.processes.clocks import WallClock
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode
from fabloop.base.instant import Instant
from fabloop.cli.given import duration_given
from fabloop.cli.grid import grid_of
from fabloop.cli.readings_words import (
    age_text,
    series_named,
    span_given,
    stamp,
    unit_text,
    value_text,
)
from fabloop.sense.readings.batch import Batch
from fabloop.sense.readings.quality import words
from fabloop.sense.readings.series import Kind, Series


class RangeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked of one series on the command line."""

    folder: Path
    series: str
    since: str
    until: str
    every: str
    rows: int


def print_series(folder: Path, source: str, work_unit: str, *, as_json: bool) -> ExitCode:
    """Print which series there are; none at all is an answer too."""
    reader = HistorianReader(folder)
    present = set(reader.catalogue.numbers().values())
    rows = [
        {
            "series": number,
            "source": each.source,
            "address": each.address,
            "work_unit": each.work_unit,
            "name": each.name,
            "kind": each.kind,
            "unit": unit_text(each),
            "source_unit": each.unit,
            "since": stamp(reader.since[number]),
            "present": number in present,
        }
        for number, each in enumerate(reader.catalogue)
        if source in ("", each.source) and work_unit in ("", each.work_unit)
    ]
    reader.close()
    chosen = "There are no series of that source and work unit."
    none_yet = "There are no series yet: `fabloop readings collect` keeps what machines tell."
    _told(rows, as_json=as_json, empty=chosen if source or work_unit else none_yet)
    return ExitCode.FINE


def print_latest(folder: Path, chosen: Sequence[str], *, as_json: bool) -> ExitCode:
    """Print the latest reading of each series."""
    reader = HistorianReader(folder)
    numbers = [series_named(reader.catalogue, each) for each in chosen] or None
    found = reader.query.latest(numbers)
    now = WallClock().now()
    rows = [
        _row(reader.catalogue[int(found.series[at])], found, at)
        | _age(now - int(found.times[at]), as_json=as_json)
        for at in range(len(found))
    ]
    reader.close()
    return _told(rows, as_json=as_json, empty="Nothing was told yet.")


def print_range(request: RangeRequest, *, as_json: bool) -> ExitCode:
    """Print the readings of a series, or its steps."""
    reader = HistorianReader(request.folder)
    number = series_named(reader.catalogue, request.series)
    start, end = span_given(reader, [number], request.since, request.until)
    if request.every:
        width = duration_given("--every", request.every)
        rows, count = _steps(reader, number, start, end, width, request.rows)
    else:
        found = reader.query.range(number, start, end)
        count = len(found)
        series = reader.catalogue[number]
        rows = [_row(series, found, at) for at in range(min(count, request.rows))]
    notes = _notes(reader, number)
    reader.close()
    code = _told(rows, as_json=as_json, empty="There are no readings.")
    _say_more(count, request.rows, notes)
    return code


def print_sql(
    folder: Path, statement: str, *, rows: int, memory: str, threads: int, as_json: bool
) -> ExitCode:
    """Print what a statement gives."""
    reader = HistorianReader(folder)
    analyst = reader.analyst(memory_limit=memory, threads=threads)
    columns = analyst.sql(statement)
    analyst.close()
    reader.close()
    count = len(next(iter(columns.values()), ()))
    shown = [
        {name: _cell(column[at]) for name, column in columns.items()}
        for at in range(min(count, rows))
    ]
    _told(shown, as_json=as_json, empty="The answer has no rows.")
    _say_more(count, rows, [])
    return ExitCode.FINE


def _age(age_ns: int, *, as_json: bool) -> dict[str, object]:
    return {"age_ns": age_ns} if as_json else {"age": age_text(age_ns)}


def _row(series: Series, found: Batch, at: int) -> dict[str, object]:
    value = float(found.values[at])
    return {
        "series": int(found.series[at]),
        "name": series.name,
        "time": stamp(int(found.times[at])),
        "value": value,
        "unit": unit_text(series),
        "shown": value_text(series, value),
        "quality": words(int(found.quality[at])),
    }


def _steps(
    reader: HistorianReader, number: int, start: Instant, end: Instant, width: int, rows: int
) -> tuple[list[dict[str, object]], int]:
    """Return the first steps of a series, and how many there are."""
    series = reader.catalogue[number]
    if series.kind is Kind.STATE:
        lasted = reader.query.time_in_state(number, start, end, width)
        return [
            {
                "start": stamp(int(at)),
                **{
                    state: share / width
                    for state, share in zip(series.states, spent.tolist(), strict=True)
                },
                "unknown": int(unknown) / width,
            }
            for at, spent, unknown in zip(
                lasted.start[:rows], lasted.lasted_ns[:rows], lasted.unknown_ns[:rows], strict=True
            )
        ], len(lasted.start)
    found = reader.query.downsample(number, start, end, width)
    names = ("mean", "least", "greatest", "last") if series.kind is Kind.GAUGE else ("increase",)
    return [
        {
            "start": stamp(int(found.start[at])),
            "count": int(found.count[at]),
            "bad": int(found.bad[at]),
            **{name: float(getattr(found, name)[at]) for name in names},
            "unit": unit_text(series),
            "known": int(found.covered_ns[at]) / width,
        }
        for at in range(min(len(found), rows))
    ], len(found)


def _notes(reader: HistorianReader, number: int) -> list[str]:
    """Return what somebody should know who asks for a series: it meant something else before."""
    series = reader.catalogue[number]
    notes = []
    for other in reader.catalogue.lineage(series.key):
        if other != number:
            former = reader.catalogue[other]
            unit = former.unit or "no unit"
            notes.append(
                f"This source and address was told in {unit} as series {other}, since "
                f"{stamp(reader.since[other])}; its readings are not among these."
            )
    return notes


def _say_more(count: int, rows: int, notes: Iterable[str]) -> None:
    for each in notes:
        sys.stderr.write(f"{each}\n")
    if count > rows:
        sys.stderr.write(f"{count - rows} more rows; raise --rows, or export them.\n")


def _told(rows: Sequence[dict[str, object]], *, as_json: bool, empty: str) -> ExitCode:
    """Print rows as JSON or as a table."""
    if as_json:
        sys.stdout.write(to_json_pretty(rows).decode())
    elif rows:
        hidden = {"value", "unit"} if "shown" in rows[0] else {"source_unit", "since", "present"}
        heads = [name for name in rows[0] if name not in hidden]
        right = (at for at, name in enumerate(heads) if isinstance(rows[0][name], int | float))
        table = Table(
            caption="",
            heads=tuple("value" if name == "shown" else name for name in heads),
            rows=tuple(tuple(_text(row[name]) for name in heads) for row in rows),
            numeric=tuple(right),
        )
        Console(highlight=False).print(grid_of(table))
    else:
        sys.stdout.write(f"{empty}\n")
    return ExitCode.FINE if rows else ExitCode.NOT_PRODUCIBLE


def _text(value: object) -> str:
    if isinstance(value, float):
        return "unknown" if np.isnan(value) else f"{value:.6g}"
    return "" if value is None else str(value)


def _cell(value: object) -> object:
    """Return a cell of an answer as JSON knows it."""
    if isinstance(value, np.generic):
        plain = value.item()
        return str(value) if isinstance(value, np.datetime64 | np.timedelta64) else plain
    return value if value is None or isinstance(value, str | int | float) else str(value)
