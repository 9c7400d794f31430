"""``fabloop condition``: anomalies and alarms in tables of signals."""

import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console

from fabloop.app.pictures.report import Table
from fabloop.app.sentences import sentence
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import SECOND, Instant, instant_of, iso_of
from fabloop.cli.columns import Columns, read_columns
from fabloop.cli.given import read_bytes
from fabloop.cli.grid import grid_of
from fabloop.model.documents.alarm_structs import AlarmsDocument
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.documents.structure import decode
from fabloop.model.explanation import Explanation
from fabloop.sense.condition.alarm_document import AlarmPlan, alarms_of
from fabloop.sense.condition.alarm_facts import FromDesk, Measured, StateEntered, TimePassed
from fabloop.sense.condition.alarms import AlarmDesk, Standing
from fabloop.sense.condition.anomaly import Judged, Normality, Watch, explained, normality_of
from fabloop.sense.spc.samples import Floats

STATE = "state"


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """Rows one after the other that are not as it was; `because` is of the farthest one."""

    first_row: int
    last_row: int
    begins: str
    ends: str
    distance: float
    because: Explanation


class AnomaliesReply(msgspec.Struct, frozen=True, kw_only=True):
    """What ``fabloop condition anomalies --json`` prints; `unknown` rows could not be judged."""

    signals: tuple[str, ...]
    learnt_rows: int
    judged_rows: int
    unknown: int
    limit: float
    anomalies: tuple[Anomaly, ...]


class AlarmsReply(msgspec.Struct, frozen=True, kw_only=True):
    """What ``fabloop condition alarms --json`` prints."""

    told: tuple[FromDesk, ...]
    standing: tuple[Standing, ...]
    stale: tuple[str, ...]


def anomalies(
    file: Path, first: int, signals: str, time: str, risk: float, *, as_json: bool
) -> ExitCode:
    """Learn from the first rows, judge the others, and tell the spans beyond the limit."""
    table = read_columns(file)
    names = signals_in(table, signals, {time})
    values = matrix(table, names)
    if first >= len(values):
        raise _invalid("--first", f"fewer than the {len(values)} rows of the table", str(first))
    times = _times(table, time) if time else None
    normality = normality_of(names, values[:first], risk=risk)
    judged = Watch(normality).see(values[first:])
    found = tuple(_spans(normality, judged, first, times, file.stem))
    reply = AnomaliesReply(
        signals=tuple(names),
        learnt_rows=first,
        judged_rows=len(values) - first,
        unknown=int(np.isnan(judged.distance).sum()),
        limit=normality.limit,
        anomalies=found,
    )
    if as_json:
        sys.stdout.write(to_json_pretty(reply).decode())
    else:
        _tell_anomalies(reply)
    return ExitCode.NOT_PRODUCIBLE if found else ExitCode.FINE


def _spans(
    normality: Normality, judged: Judged, first: int, times: Sequence[Instant] | None, subject: str
) -> Iterator[Anomaly]:
    """Yield each run of rows beyond the limit."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], judged.beyond.astype(int), [0]])))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        peak = start + int(np.argmax(judged.distance[start:end]))
        at = Instant(0) if times is None else times[first + peak]
        yield Anomaly(
            first_row=first + start + 1,
            last_row=first + end,
            begins="" if times is None else iso_of(times[first + start]),
            ends="" if times is None else iso_of(times[first + end - 1]),
            distance=float(judged.distance[peak]),
            because=explained(normality, judged, peak, subject, at),
        )


def _tell_anomalies(reply: AnomaliesReply) -> None:
    console = Console(soft_wrap=True, highlight=False)
    rows = tuple(
        (
            f"{each.first_row} to {each.last_row}",
            each.begins,
            f"{each.distance:.1f}",
            each.because.details["signals"],
        )
        for each in reply.anomalies
    )
    caption = (
        f"Learnt from {reply.learnt_rows} rows, judged {reply.judged_rows}"
        f" ({reply.unknown} unknown); T² at most {reply.limit:.1f}"
    )
    heads = ("rows", "begins", "T²", "signals that pull")
    console.print(grid_of(Table(caption=caption, heads=heads, rows=rows, numeric=(2,))))
    if not rows:
        console.print("The machine is as it was.")


def alarms(rules: Path, file: Path, time: str, *, as_json: bool) -> ExitCode:
    """Play a table to the desk of alarms, row by row, and tell what it tells."""
    plan, table = _plan(rules), read_columns(file)
    desk = AlarmDesk(plan.rules.values())
    told = [each for row in _played(plan, table, time) for each in desk.take(row)]
    reply = AlarmsReply(told=tuple(told), standing=desk.standing(), stale=desk.stale())
    if as_json:
        sys.stdout.write(to_json_pretty(reply).decode())
    else:
        _tell_alarms(reply)
    return ExitCode.NOT_PRODUCIBLE if reply.standing else ExitCode.FINE


def _plan(file: Path) -> AlarmPlan:
    faults: list[Fault] = []
    document = decode(str(file), read_bytes(file), faults)
    raise_if_any(faults)
    if not isinstance(document, AlarmsDocument):
        raise _invalid(str(file), "a document of kind 'alarms'", type(document).__name__)
    plan = alarms_of(document, Sheet(str(file), faults))
    raise_if_any(faults)
    return plan


def _played(
    plan: AlarmPlan, table: Columns, time: str
) -> Iterator[Measured | StateEntered | TimePassed]:
    """Yield what the rows tell, in order: states first, then values, then that time passed."""
    times = _times(table, time)
    units = {unit for unit, _ in plan.fed_by}
    states = {each: f"{each}/{STATE}" for each in units if f"{each}/{STATE}" in table.texts}
    columns = {
        key: table.numbers(f"{key[0]}/{key[1]}", "a column of the table")
        for key in plan.fed_by
        if f"{key[0]}/{key[1]}" in table.texts
    }
    if not columns:
        wanted = ", ".join(f"'{unit}/{signal}'" for unit, signal in plan.fed_by)
        raise _invalid(table.source, f"one of the columns {wanted}", ", ".join(table.texts))
    for row, at in enumerate(times):
        for unit, name in states.items():
            yield StateEntered(at=at, subject=unit, state=table.texts[name][row])
        for key, values in columns.items():
            for alarm in plan.fed_by[key]:
                yield Measured(at=at, alarm=alarm, value=values[row])
        yield TimePassed(at=at)


def _tell_alarms(reply: AlarmsReply) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for each in reply.told:
        console.print(f"{iso_of(each.at)}  {sentence(each.because, each.at)}", markup=False)
    rows = tuple((each.alarm, each.priority, iso_of(each.since)) for each in reply.standing)
    if rows:
        heads = ("alarm", "priority", "since")
        console.print(grid_of(Table(caption="Standing at the end", heads=heads, rows=rows)))
    else:
        console.print("Nothing stands at the end.")


def signals_in(table: Columns, signals: str, besides: Collection[str]) -> list[str]:
    """Return the columns that are signals: those asked for, or all that are not named otherwise."""
    if not signals:
        return [each for each in table.texts if each not in besides]
    return [each.strip() for each in signals.split(",") if each.strip()]


def matrix(table: Columns, names: Sequence[str]) -> Floats:
    """Return columns of numbers as an array of shape (rows, columns)."""
    return np.array([table.numbers(each, "--signals") for each in names]).T


def _times(table: Columns, name: str) -> list[Instant]:
    """Return when the rows were taken: ISO 8601 with an offset, or seconds since 1970."""
    found, faults = [], []
    for line, text in zip(table.lines, table.text(name, "--time"), strict=True):
        try:
            found.append(_instant(text))
        except ValueError:
            place, wanted = f"line {line}, column '{name}'", "a time with an offset, or seconds"
            faults.append(
                Fault(source=table.source, path=place, expected=wanted, found=f"'{text}'")
            )
    raise_if_any(faults[:20])
    late = next((n for n in range(1, len(found)) if found[n] < found[n - 1]), None)
    if late is not None:
        place = f"line {table.lines[late]}, column '{name}'"
        expected = f"times that do not go back, as after {iso_of(found[late - 1])}"
        raise _invalid(f"{table.source} {place}", expected, iso_of(found[late]))
    return found


def _instant(text: str) -> Instant:
    try:
        return Instant(round(float(text) * SECOND))
    except (ValueError, OverflowError):
        return instant_of(text)


def _invalid(source: str, expected: str, found: str) -> Invalid:
    return Invalid(Fault(source=source, path="", expected=expected, found=found))
