"""``fabloop process history``: what happened in a store, as lines, JSON, XES or OCEL."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from fabloop.adapters.sqlite import SqliteReader
from fabloop.app.processes.upkeep import JOURNAL_FILE
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid, NotFound
from fabloop.base.instant import iso_of
from fabloop.cli.processes.plain import columns, print_json, print_lines, short
from fabloop.process.history.event import HistoryEvent
from fabloop.process.history.ocel import ocel_of
from fabloop.process.history.query import HistoryQuery, chosen
from fabloop.process.history.record import history_of
from fabloop.process.history.xes import xes_of


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which events, and in which forms: files to write, or lines to print."""

    query: HistoryQuery
    xes: Path | None = None
    ocel: Path | None = None
    objects: tuple[str, ...] = ()
    as_json: bool = False


def tell(store: Path, wanted: Wanted) -> ExitCode:
    """Print what happened, or write it into the files that were named."""
    named = dict(_pair(each) for each in wanted.objects)
    if wanted.xes is None and wanted.ocel is None:
        return _print(list(_events(store, wanted.query)), as_json=wanted.as_json)
    files: dict[str, int] = {}
    if wanted.xes is not None:
        files[str(wanted.xes)] = _save(wanted.xes, xes_of(_events(store, wanted.query)))
    if wanted.ocel is not None:
        log = ocel_of(_events(store, wanted.query), named)
        files[str(wanted.ocel)] = _save(wanted.ocel, to_json_pretty(log))
    if wanted.as_json:
        print_json({"files": [{"file": file, "bytes": size} for file, size in files.items()]})
    else:
        print_lines(f"Written: {file} ({size} bytes)." for file, size in files.items())
    return ExitCode.FINE


def _events(store: Path, query: HistoryQuery) -> Iterator[HistoryEvent]:
    """Yield the events that are wanted, of the whole journal with what was archived."""
    path = store / JOURNAL_FILE
    if not path.is_file():
        raise NotFound(
            f"Expected a store in '{store}', but found none. Make one with "
            "`fabloop process deploy FILE`, or name another folder with --store."
        )
    return chosen(history_of(SqliteReader(path).read()), query)


def _print(events: list[HistoryEvent], *, as_json: bool) -> ExitCode:
    if as_json:
        told = [{**msgspec.to_builtins(each), "at": iso_of(each.at)} for each in events]
        print_json({"events": told})
    elif not events:
        print_lines(["Nothing happened that was asked for."])
    else:
        rows = [
            (
                iso_of(each.at),
                each.instance,
                each.kind.value,
                each.transition or each.node or each.process,
                each.resource or "-",
                each.text or (short(each.variables) if each.variables else ""),
            )
            for each in events
        ]
        print_lines(columns(("at", "instance", "what", "where", "who", "with"), rows))
    return ExitCode.FINE


def _pair(text: str) -> tuple[str, str]:
    variable, _, kind = text.partition("=")
    if not variable or not kind:
        expected = "VARIABLE=TYPE, such as order=Order"
        raise Invalid(Fault(source="--object", path="", expected=expected, found=f"'{text}'"))
    return variable, kind


def _save(file: Path, data: bytes) -> int:
    try:
        return file.write_bytes(data)
    except OSError as error:
        found = error.strerror or type(error).__name__
        expected = "a file that can be written"
        raise Invalid(Fault(source=str(file), path="", expected=expected, found=found)) from error
