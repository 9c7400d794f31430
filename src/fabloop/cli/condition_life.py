"""``fabloop condition``: remaining life learnt from a fleet, and lifetimes of few parts."""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console

from fabloop.app.durable import write_durably
from fabloop.app.pictures.report import Table
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.cli.columns import Columns, read_columns
from fabloop.cli.condition import matrix, signals_in
from fabloop.cli.given import read_bytes
from fabloop.cli.grid import grid_of
from fabloop.sense.condition.life_file import from_file, to_file
from fabloop.sense.condition.life_training import Training
from fabloop.sense.condition.life_training import train as learn
from fabloop.sense.condition.remaining_life import RemainingLife, remaining_life
from fabloop.sense.condition.weibull import Estimate, Life, Lifetime, Replacement, lifetime_of
from fabloop.sense.spc.samples import Floats


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """What ``fabloop condition train --json`` prints; `unchanging` signals were left out."""

    signals: tuple[str, ...]
    unchanging: tuple[str, ...]
    units: int
    file: str
    bytes: int


class Lifetimes(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of lifetimes besides the share."""

    share: float
    age: float | None
    ahead: float | None
    planned_cost: float | None
    failure_cost: float | None


class LifetimesReply(msgspec.Struct, frozen=True, kw_only=True):
    """What ``fabloop condition lifetimes --json`` prints, in the unit of the table."""

    parts: int
    failures: int
    shape: Estimate
    share: float
    life: Estimate
    risk: float | None
    replacement: Replacement | None


def train(file: Path, out: Path, unit: str, signals: str, cap: float, *, as_json: bool) -> ExitCode:
    """Learn a model from a table of units that ran to failure, and write it."""
    if not 0 < cap < float("inf"):
        raise _invalid("--cap", "a number of cycles above 0", f"{cap:g}")
    table = read_columns(file)
    names = signals_in(table, signals, {unit})
    fleet = dict(_units(table, unit, matrix(table, names)))
    model = learn(names, fleet, Training(cap=cap))
    content = to_file(model)
    write_durably(out, content)
    reply = Trained(
        signals=model.signals,
        unchanging=tuple(each for each in names if each not in model.signals),
        units=len(fleet),
        file=str(out),
        bytes=len(content),
    )
    if as_json:
        sys.stdout.write(to_json_pretty(reply).decode())
    else:
        sys.stdout.write(f"{out}: learnt from {reply.units} units, {len(model.signals)} signals\n")
        if reply.unchanging:
            sys.stdout.write(f"Left out, as they never change: {', '.join(reply.unchanging)}\n")
    return ExitCode.FINE


def life(model: Path, file: Path, unit: str, *, as_json: bool) -> ExitCode:
    """Tell how long the units of a table will last."""
    known, table = from_file(read_bytes(model), str(model)), read_columns(file)
    names = signals_in(table, ",".join(known.signals), ())
    found = [
        remaining_life(known, name, names, values, Instant(0))
        for name, values in _units(table, unit, matrix(table, names))
    ]
    if as_json:
        sys.stdout.write(to_json_pretty(found).decode())
        return ExitCode.FINE
    rows = tuple(_row(each) for each in found)
    heads = ("unit", "cycles left", "at least", "at most", "it shows in")
    caption = f"Intervals cover {found[0].coverage:.0%} of units like those learnt from"
    grid = grid_of(Table(caption=caption, heads=heads, rows=rows, numeric=(1, 2, 3)))
    Console(soft_wrap=True).print(grid)
    return ExitCode.FINE


def _row(life: RemainingLife) -> tuple[str, ...]:
    high = "any" if life.high is None else f"{life.high:.0f}"
    shown = life.because.details.get("signals", "")
    return life.unit, f"{life.cycles:.0f}", f"{life.low:.0f}", high, shown


def lifetimes(file: Path, lived: str, failed: str, asked: Lifetimes, *, as_json: bool) -> ExitCode:
    """Tell how long parts last, the risk of one that runs, and when replacing pays."""
    _check(asked)
    table = read_columns(file)
    ended = table.numbers(failed, "--failed")
    lives = [
        Life(lived=age, failed=bool(end))
        for age, end in zip(table.numbers(lived, "--lived"), ended, strict=True)
    ]
    known = lifetime_of(lives)
    reply = LifetimesReply(
        parts=len(lives),
        failures=known.failures,
        shape=known.shape(),
        share=asked.share,
        life=known.life(asked.share),
        risk=_risk(known, asked),
        replacement=_replacement(known, asked),
    )
    if as_json:
        sys.stdout.write(to_json_pretty(reply).decode())
    else:
        _tell(reply, asked)
    return ExitCode.FINE


def _risk(known: Lifetime, asked: Lifetimes) -> float | None:
    if asked.age is None or asked.ahead is None:
        return None
    return known.risk(asked.age, asked.ahead)


def _replacement(known: Lifetime, asked: Lifetimes) -> Replacement | None:
    if asked.planned_cost is None or asked.failure_cost is None:
        return None
    return known.replacement(asked.planned_cost, asked.failure_cost)


def _check(asked: Lifetimes) -> None:
    faults = []
    if not 0 < asked.share < 1:
        faults.append(_fault("--share", "a share between 0 and 1", f"{asked.share:g}"))
    for one, other in (("age", "ahead"), ("planned_cost", "failure_cost")):
        values = getattr(asked, one), getattr(asked, other)
        names = f"--{one} and --{other}".replace("_", "-")
        if (values[0] is None) != (values[1] is None):
            faults.append(_fault(names, "both, or neither", "one of them"))
    costs = [each for each in (asked.planned_cost, asked.failure_cost) if each is not None]
    if any(not 0 < each < float("inf") for each in costs):
        faults.append(_fault("--planned-cost", "costs above 0", f"{min(costs):g}"))
    if faults:
        raise Invalid(faults)


def _tell(reply: LifetimesReply, asked: Lifetimes) -> None:
    out = sys.stdout.write
    shape, life = reply.shape, reply.life
    wears = "they wear out" if shape.low > 1 else "young and old parts may fail alike"
    out(f"{reply.parts} parts, {reply.failures} failed; Weibull shape {shape.value:.2f}")
    out(f" ({shape.low:.2f} to {shape.high:.2f}): {wears}.\n")
    out(f"{reply.share:.0%} fail before {life.value:.4g} ({life.low:.4g} to {life.high:.4g}).\n")
    if reply.risk is not None:
        out(f"A part of age {asked.age:g} fails within {asked.ahead:g}: {reply.risk:.1%}.\n")
    found = reply.replacement
    if found is not None and found.age is None:
        out("Replacing a part before it fails never pays.\n")
    elif found is not None:
        saved = 1 - found.cost_rate / found.cost_rate_to_failure
        out(f"Replace it at {found.age:.4g}: that costs {saved:.0%} less than to wait.\n")


def _units(table: Columns, unit: str, values: Floats) -> Iterator[tuple[str, Floats]]:
    """Yield the rows of each unit, in their order."""
    names = np.array(table.text(unit, "--unit"))
    for name in dict.fromkeys(names.tolist()):
        yield name, values[names == name]


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(source="fabloop condition", path=path, expected=expected, found=found)


def _invalid(path: str, expected: str, found: str) -> Invalid:
    return Invalid(_fault(path, expected, found))
