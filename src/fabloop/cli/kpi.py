"""``fabloop kpi``: explain a KPI, and watch KPIs change."""

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from rich.console import Console

from fabloop.app.account import term_table
from fabloop.app.chronicle import Recorded
from fabloop.app.kept import Kept, Told, kept_in
from fabloop.app.kpi_account import Due, KpiExplained, explained
from fabloop.app.labels import zones_of
from fabloop.app.value_texts import instant_text
from fabloop.base.codec import to_json, to_json_pretty
from fabloop.base.errors import ExitCode, NotFound
from fabloop.base.instant import Instant, iso_of, span_text
from fabloop.base.names import did_you_mean
from fabloop.base.quantity import Dimension, quantity_text
from fabloop.cli.grid import grid_of
from fabloop.model.facts import Fact, KnowledgeRead, KpiChanged, TestMeasured
from fabloop.model.ids import KpiId, WorkUnitId

POLL_S = 0.2
"""How often the journal is looked at for news."""


def explain(
    folder: Path, work_unit: str, kpi: str, at: Instant | None, *, as_json: bool
) -> ExitCode:
    """Print everything that is known of a KPI; exit 1 where planning may not use it."""
    kept = kept_in(folder, at)
    found = explained(kept, work_unit, KpiId(kpi), at)
    if as_json:
        sys.stdout.write(to_json_pretty(found).decode())
    else:
        console = Console(highlight=False, soft_wrap=True)
        zone = zones_of(kept.snapshot.knowledge.network).get(work_unit, "UTC")
        for line in _lines(found, zone):
            console.print(line)
        if found.value is not None and found.value.terms:
            console.print(grid_of(term_table(found.value)))
    return ExitCode.FINE if found.counts else ExitCode.NOT_PRODUCIBLE


def watch(folder: Path, work_unit: str, *, follow: bool, as_json: bool) -> ExitCode:
    """Print the changes that a folder holds, and with `follow` those to come."""
    kept = kept_in(folder)
    units = kept.snapshot.knowledge.network.work_units()
    if work_unit and work_unit not in units:
        hint = did_you_mean(work_unit, units)
        raise NotFound(f"Expected a work unit of the folder, but found '{work_unit}'. {hint}")
    try:
        zones = zones_of(kept.snapshot.knowledge.network)
        _print(_known_first(kept), work_unit, zones, as_json=as_json)
        _print(kept.history, work_unit, zones, as_json=as_json)
        while follow and kept.reader is not None:
            time.sleep(POLL_S)
            _print(kept.catch_up(), work_unit, zones, as_json=as_json)
    except KeyboardInterrupt:
        pass  # this is how watching ends
    return ExitCode.FINE


def _known_first(kept: Kept) -> Told:
    """Return what the documents said of KPIs, as the changes that they were."""
    at = next((at for at, fact in kept.history if isinstance(fact, KnowledgeRead)), None)
    return [
        (at or value.at, KpiChanged(value=value, previous=None))
        for value in kept.snapshot.knowledge.kpis
    ]


def _print(told: Told, work_unit: str, zones: Mapping[str, str], *, as_json: bool) -> None:
    """Print changes, each with its time at the site of the work unit."""
    for at, fact in told:
        unit = _unit_of(fact)
        if unit is None or work_unit not in ("", unit):
            continue
        if as_json:
            recorded = msgspec.json.format(to_json(Recorded(at=iso_of(at), fact=fact)), indent=-1)
            sys.stdout.write(recorded.decode() + "\n")
        else:
            local = instant_text(at, zones.get(unit, "UTC"))
            sys.stdout.write(f"{local}  {_told(fact)}\n")
    sys.stdout.flush()


def _unit_of(fact: Fact) -> WorkUnitId | None:
    """Return whose change a fact tells; a test whose value changed nothing tells none."""
    match fact:
        case KpiChanged():
            return fact.value.work_unit
        case TestMeasured() if fact.rejected:
            return fact.work_unit
        case _:
            return None


def _told(fact: Fact) -> str:
    match fact:
        case KpiChanged():
            value, dimension = fact.value, fact.value.dimension
            before = fact.previous
            was = "" if before is None else f", was {quantity_text(before.upper, dimension)}"
            return (
                f"{value.work_unit}  {value.kpi} {quantity_text(value.value, dimension)}, "
                f"bound {quantity_text(value.upper, dimension)}{was} ({value.source})"
                f"{f', in doubt: {value.doubt}' if value.doubt else ''}"
            )
        case TestMeasured():
            return f"{fact.work_unit}  test rejected: {fact.rejected}"
        case _:
            raise AssertionError("only these facts are told")


def _lines(found: KpiExplained, zone: str) -> Iterator[str]:
    yield f"{found.kpi} of {found.work_unit}: {found.meaning.definition}"
    for each in found.meaning.formula:
        yield f"  {each}"
    if found.rejected:
        yield f"The last test was rejected: {found.rejected}."
    yield from _value_lines(found, zone)
    if found.value is not None:
        yield from _trend_lines(found, found.value.dimension, zone)


def _value_lines(found: KpiExplained, zone: str) -> Iterator[str]:
    value = found.value
    if value is None:
        yield "No value is known: planning does not use the machine where one is needed."
        return
    assert found.age_ns is not None, "a value has an age"
    yield (
        f"Value {quantity_text(value.value, value.dimension)}, bound "
        f"{quantity_text(value.upper, value.dimension)}: {found.meaning.interval}."
    )
    yield f"Source: {value.source}."
    if value.doubt:
        yield (
            f"In doubt, as it could not be measured anew: {value.doubt}. "
            "Planning reckons with the wider bound until a test counts again."
        )
    until = instant_text(Instant(value.at + value.valid_for_ns), zone)
    state = f"it counts until {until}" if found.counts else f"it no longer counts since {until}"
    measured = f"Measured {instant_text(value.at, zone)}"
    yield f"{measured}, {span_text(found.age_ns)} before it is asked for; {state}."


def _trend_lines(found: KpiExplained, dimension: Dimension, zone: str) -> Iterator[str]:
    trend = found.trend
    if trend is None:
        yield f"Trend: none yet, {found.points} values of this source are too few."
    else:
        slope, low, high = (
            quantity_text(each, dimension)
            for each in (trend.slope_per_day, trend.slope_low, trend.slope_high)
        )
        yield f"Trend of the bound: {slope} a day ({low} to {high}, 95 %), {found.points} values."
    if not found.due:
        yield "No open order puts a limit on it."
    for due in found.due:
        yield _due_line(due, dimension, zone, trending=trend is not None)


def _due_line(due: Due, dimension: Dimension, zone: str, *, trending: bool) -> str:
    begins = "" if due.needed_at is None else f"begins {instant_text(due.needed_at, zone)}"
    needed = begins or "planned elsewhere"
    asked = f"Order {due.order}, {due.operation} ({needed}): at most "
    asked += quantity_text(due.limit, dimension)
    if not trending:
        return asked + "."
    soonest, likely, latest = (_days(each) for each in (due.days_low, due.days, due.days_high))
    late = ", before the operation begins" if due.in_time is False else ""
    return f"{asked}; crossed in {likely} ({soonest} to {latest}) after the last value{late}."


def _days(days: float | None) -> str:
    return "no time that can be told" if days is None else f"{days:.1f} d"
