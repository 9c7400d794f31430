"""``fabloop oee``: effectiveness and the KPIs of ISO 22400-2 from events in files."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from fabloop.app.account import local_text
from fabloop.app.pictures.report import Table
from fabloop.app.pictures.waterfall import waterfall_picture
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import Instant, instant_of, span_text
from fabloop.cli.given import instant_given, read_bytes
from fabloop.cli.grid import grid_of
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.documents.effectiveness_structs import EffectivenessDocument
from fabloop.model.documents.structure import decode
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.document import settings_of
from fabloop.sense.oee.engine import Oee, ShiftFigures, UnitSetting
from fabloop.sense.oee.events import Event
from fabloop.sense.oee.kpis import Indicators, indicators
from fabloop.sense.oee.losses import ReasonLoss, Waterfall, minor_stops, pareto, waterfall
from fabloop.sense.oee.plausible import Contradiction, contradictions
from fabloop.sense.oee.totals import Totals, together

FAULTS_MAX = 20
ALL = "all"


class UnitFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one unit, or of all together; spans are in nanoseconds."""

    work_unit: str
    totals: Totals
    indicators: Indicators
    waterfall: Waterfall
    losses: tuple[ReasonLoss, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()


class OeeReply(msgspec.Struct, frozen=True, kw_only=True):
    """What ``fabloop oee report --json`` prints."""

    start: str
    end: str
    units: tuple[UnitFigures, ...]
    refused: tuple[str, ...]


class ShiftReply(msgspec.Struct, frozen=True, kw_only=True):
    """One shift in what ``fabloop oee shifts --json`` prints."""

    figures: ShiftFigures
    start: str
    end: str
    indicators: Indicators


def report(
    files: Sequence[Path],
    setting: Path,
    start: str,
    end: str,
    units: Sequence[str],
    svg: Path | None,
    *,
    as_json: bool,
) -> ExitCode:
    """Print the figures of a span, of each unit and of all, and where the time went."""
    engine, events, refused, zone = _counted(files, setting)
    first = instant_given("--from", start) if start else min(each.at for each in events)
    last = instant_given("--to", end) if end else max(each.at for each in events)
    if last <= first:
        raise _fault("--to", "an instant after the begin", local_text(last, zone))
    chosen = [WorkUnitId(each) for each in units] or list(engine.units)
    figures = [_figures(engine, each, first, last) for each in chosen]
    if len(figures) > 1:
        figures.append(_all(engine, chosen, first, last))
    if svg is not None:
        title = f"{figures[-1].work_unit}, {local_text(first, zone)} to {local_text(last, zone)}"
        _write(svg, waterfall_picture(figures[-1].waterfall, title=title))
    if as_json:
        reply = OeeReply(
            start=local_text(first, zone),
            end=local_text(last, zone),
            units=tuple(figures),
            refused=tuple(refused),
        )
        sys.stdout.write(to_json_pretty(reply).decode())
        return ExitCode.FINE
    _tell(figures, f"{local_text(first, zone)} to {local_text(last, zone)}")
    _tell_refused(refused)
    return ExitCode.FINE


def shifts(files: Sequence[Path], setting: Path, end: str, *, as_json: bool) -> ExitCode:
    """Print the figures of every shift that has ended."""
    engine, events, refused, zone = _counted(files, setting)
    last = instant_given("--to", end) if end else max(each.at for each in events)
    found = [
        ShiftReply(
            figures=each,
            start=local_text(each.period.start, zone),
            end=local_text(each.period.end, zone),
            indicators=indicators(each.totals),
        )
        for each in engine.closed(last)
        if each.period.shift
    ]
    if as_json:
        sys.stdout.write(to_json_pretty(found).decode())
        return ExitCode.FINE
    rows = tuple(
        (it.start, it.figures.period.shift, it.figures.work_unit, *ratios(it.indicators))
        for it in found
    )
    heads = ("from", "shift", "unit", *_RATIOS)
    _print(Table(caption="", heads=heads, rows=rows, numeric=(3, 4, 5, 6)))
    if not found:
        sys.stdout.write("No shift has ended by then.\n")
    _tell_refused(refused)
    return ExitCode.FINE


_RATIOS = ("availability", "performance", "quality", "OEE")


def _counted(files: Sequence[Path], setting: Path) -> tuple[Oee, list[Event], list[str], str]:
    """Read setting and events, and count them; return what was refused, too."""
    settings, zone = settings_in(setting)
    engine = Oee(settings)
    events = [event for file in files for event in _events(file)]
    if not events:
        raise _fault(", ".join(map(str, files)), "events", "none")
    taken = engine.take(events, max(each.at for each in events))
    refused = [f"{each.work_unit} {each.id}: {reason}" for each, reason in taken.refused]
    return engine, events, refused, zone


def settings_in(file: Path) -> tuple[tuple[UnitSetting, ...], str]:
    """Return what an effectiveness document says, and its time zone.

    Raises
    ------
    Invalid
        The file cannot be read, is of another kind, or every fault of it.
    """
    faults: list[Fault] = []
    document = decode(file.name, read_bytes(file), faults)
    raise_if_any(faults)
    if not isinstance(document, EffectivenessDocument):
        raise _fault(str(file), "a document of kind effectiveness", "another kind")
    settings = settings_of(document, Sheet(file.name, faults))
    raise_if_any(faults)
    return settings, document.time_zone


def _events(file: Path) -> Iterator[Event]:
    """Yield the events of a file, one JSON object in each line."""
    faults = []
    for number, line in enumerate(read_bytes(file).splitlines(), 1):
        if not line.strip():
            continue
        try:
            told: Any = msgspec.json.decode(line)
            if isinstance(told, dict):
                for name in ("at", "end"):
                    if isinstance(told.get(name), str):
                        told[name] = instant_of(told[name])
            yield msgspec.convert(told, Event)
        except (msgspec.MsgspecError, ValueError) as error:
            faults.append(
                Fault(
                    source=str(file),
                    path=f"line {number}",
                    expected="an event: type, id, work_unit, at, and what it tells",
                    found=str(error),
                )
            )
            if len(faults) == FAULTS_MAX:
                break
    if faults:
        raise Invalid(tuple(faults))


def _figures(engine: Oee, unit: WorkUnitId, start: Instant, end: Instant) -> UnitFigures:
    totals = engine.totals(unit, start, end)
    timeline, rates = engine.timeline(unit), engine.setting(unit).rates
    minor = sum(lost for _, lost in minor_stops(timeline, start, end, rates))
    return UnitFigures(
        work_unit=unit,
        totals=totals,
        indicators=indicators(totals),
        waterfall=waterfall(totals, minor),
        losses=pareto(timeline, start, end),
        contradictions=contradictions(unit, timeline, rates, start, end),
    )


def _all(engine: Oee, units: Sequence[WorkUnitId], start: Instant, end: Instant) -> UnitFigures:
    totals = together(engine.totals(unit, start, end) for unit in units)
    minor = sum(
        lost
        for unit in units
        for _, lost in minor_stops(engine.timeline(unit), start, end, engine.setting(unit).rates)
    )
    return UnitFigures(
        work_unit=ALL,
        totals=totals,
        indicators=indicators(totals),
        waterfall=waterfall(totals, minor),
    )


def _tell(figures: Sequence[UnitFigures], span: str) -> None:
    rows = tuple((each.work_unit, *ratios(each.indicators)) for each in figures)
    _print(Table(caption=span, heads=("unit", *_RATIOS), rows=rows, numeric=(1, 2, 3, 4)))
    for each in figures:
        lines = [
            (loss.reason or loss.activity.value, span_text(loss.lost_ns), f"{loss.share:.1%}")
            for loss in each.losses[:5]
        ]
        if lines:
            heads = ("reason", "lost", "of all")
            caption = f"losses of {each.work_unit}"
            _print(Table(caption=caption, heads=heads, rows=tuple(lines), numeric=(1, 2)))
        for doubt in each.indicators.doubts:
            sys.stdout.write(f"In doubt, {each.work_unit}: {doubt}.\n")
        for found in each.contradictions[:FAULTS_MAX]:
            sys.stdout.write(f"In doubt: {found.evidence}\n")
        if len(each.contradictions) > FAULTS_MAX:
            more = len(each.contradictions) - FAULTS_MAX
            sys.stdout.write(f"In doubt: {more} more like these; --json lists them.\n")


def ratios(found: Indicators) -> tuple[str, ...]:
    """Return the four ratios as texts; with bounds where part of the time is unknown."""
    texts = []
    for value in (found.availability, found.effectiveness, found.quality, found.oee):
        if value is None or isinstance(value, float):
            texts.append("unknown" if value is None else f"{value:.1%}")
        elif value.value is None:
            texts.append("unknown")
        elif value.low is not None and value.high is not None and value.high > value.low:
            texts.append(f"{value.value:.1%} ({value.low:.1%} to {value.high:.1%})")
        else:
            texts.append(f"{value.value:.1%}")
    return tuple(texts)


def _tell_refused(refused: Sequence[str]) -> None:
    for each in refused[:FAULTS_MAX]:
        sys.stderr.write(f"Not counted: {each}.\n")
    if len(refused) > FAULTS_MAX:
        sys.stderr.write(f"Not counted: {len(refused) - FAULTS_MAX} more; --json lists them.\n")


def _print(table: Table) -> None:
    Console(highlight=False).print(grid_of(table))


def _fault(source: str, expected: str, found: str) -> Invalid:
    return Invalid(Fault(source=source, path="", expected=expected, found=found))


def _write(file: Path, content: str) -> None:
    try:
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise _fault(str(file), "a file to write to", error.strerror or "an error") from error
