"""``fabloop readings retention`` and ``check``: how long readings are kept, if all are whole."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from fabloop.adapters.historian import Historian, HistorianReader, Retention
from fabloop.app.pictures.report import Table
from fabloop.app.processes.clocks import WallClock
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import duration_of_iso, iso_of_duration, span_text
from fabloop.cli.grid import grid_of

FOR_EVER = "for-ever"
_FIELDS = ("name", "source", "series", "raw", "rollup")


def print_retention(folder: Path, keep: Sequence[str], *, as_json: bool) -> ExitCode:
    """Print the retention classes, after setting them if any are given."""
    HistorianReader(folder).close()
    if keep:
        rules = tuple(_rule_of(each) for each in keep)
        historian = Historian(folder, WallClock())
        try:
            historian.set_retention(rules)
        finally:
            historian.close()
    reader = HistorianReader(folder)
    rules = reader.retention
    used = _used(reader)
    reader.close()
    if as_json:
        told = [{"class": rule, "readings": used.get(rule.name, (0, 0))[0],
                 "bytes": used.get(rule.name, (0, 0))[1]} for rule in rules]  # fmt: skip
        sys.stdout.write(to_json_pretty(told).decode())
        return ExitCode.FINE
    rows = tuple(
        (
            rule.name, rule.source, rule.series, _span(rule.raw_ns), _span(rule.rollup_ns),
            f"{used.get(rule.name, (0, 0))[0]}", f"{used.get(rule.name, (0, 0))[1] / 1e6:.1f} MB",
        )
        for rule in rules
    )  # fmt: skip
    heads = ("class", "source", "series", "readings", "minutes", "sealed", "on disk")
    table = Table(caption="", heads=heads, rows=rows, numeric=(5, 6))
    Console(highlight=False).print(grid_of(table))
    return ExitCode.FINE


def print_check(folder: Path, *, as_json: bool) -> ExitCode:
    """Read everything and print what is damaged."""
    reader = HistorianReader(folder)
    found, damages = reader.check()
    expected = sum(part.readings for part in reader.parts if part.kind == "raw") + reader.hot
    counts = reader.counts
    reader.close()
    if as_json:
        told = {"readings": found, "expected": expected, "damaged": damages, "counts": counts}
        sys.stdout.write(to_json_pretty(told).decode())
    else:
        sys.stdout.writelines(f"{each}\n" for each in damages)
        sys.stdout.write(f"{found} of {expected} readings can be read\n")
        sys.stdout.writelines(
            f"{count} readings {name}\n" for name, count in sorted(counts.items())
        )
    return ExitCode.NOT_PRODUCIBLE if damages else ExitCode.FINE


def _used(reader: HistorianReader) -> dict[str, tuple[int, int]]:
    """Return the sealed readings and the bytes of each class."""
    used: dict[str, tuple[int, int]] = {}
    for part in reader.parts:
        readings, size = used.get(part.class_, (0, 0))
        more = part.readings if part.kind == "raw" else 0
        used[part.class_] = (readings + more, size + part.bytes)
    return used


def _span(span_ns: int | None) -> str:
    return "for ever" if span_ns is None else f"{iso_of_duration(span_ns)} ({span_text(span_ns)})"


def _rule_of(text: str) -> Retention:
    """Read a class such as ``name=vibration,series=*.vib*,raw=P7D,rollup=for-ever``."""
    parts = dict(part.partition("=")[::2] for part in text.split(","))
    unknown = sorted(set(parts) - set(_FIELDS))
    if unknown or "name" not in parts:
        found = f"'{unknown[0]}'" if unknown else "no name"
        raise _fault(text, f"{', '.join(_FIELDS)}, each with its value", found)
    standard = Retention(name=parts["name"])
    return Retention(
        name=parts["name"],
        source=parts.get("source", "*"),
        series=parts.get("series", "*"),
        raw_ns=_span_of(text, parts, "raw", standard.raw_ns),
        rollup_ns=_span_of(text, parts, "rollup", standard.rollup_ns),
    )


def _span_of(text: str, parts: dict[str, str], name: str, default: int | None) -> int | None:
    given = parts.get(name)
    if given is None:
        return default
    if given == FOR_EVER:
        return None
    try:
        return duration_of_iso(given)
    except ValueError as error:
        raise _fault(text, f"a {name} such as P90D or {FOR_EVER}", f"'{given}'") from error


def _fault(text: str, expected: str, found: str) -> Invalid:
    return Invalid(Fault(source=f"--set {text}", path="", expected=expected, found=found))
