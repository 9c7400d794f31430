"""``fabloop process simulate``: how long a process takes, and who is busy, before it is run."""

import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from fabloop.app.processes.models import Examiner, Model
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import SECOND, span_text
from fabloop.base.names import did_you_mean
from fabloop.cli.given import duration_given, instant_given, json_object
from fabloop.cli.processes.plain import columns, print_json, print_lines
from fabloop.cli.processes.progress import Progress
from fabloop.sim.processes.kpi import Kpis, Resource, Spread, kpis_of
from fabloop.sim.processes.load import Scene, simulate
from fabloop.sim.processes.spread import Draw, draw_of

BAR_WIDTH = 40


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, as typed."""

    files: tuple[Path, ...]
    nets: tuple[Path, ...]
    decisions: tuple[Path, ...]
    process: str
    runs: int
    cases: int
    every: str
    durations: tuple[str, ...]
    capacities: tuple[str, ...]
    results: tuple[str, ...]
    messages: tuple[str, ...]
    variables: str
    begin: str
    until: str
    seed: int


def print_simulation(wish: Wish, *, as_json: bool) -> ExitCode:
    """Print the distribution of what many runs gave."""
    scene = _scene(wish)
    runs = []
    with Progress("runs", wish.runs) as progress:
        for number in range(wish.runs):
            runs.append(simulate(scene, f"{wish.seed}/{number}"))
            progress.moved(number + 1)
    kpis = kpis_of(runs)
    if as_json:
        print_json(kpis)
    else:
        print_lines(_lines(scene.process, kpis))
    finished = kpis.finished == kpis.started and not kpis.cut
    return ExitCode.FINE if finished else ExitCode.NOT_PRODUCIBLE


def _scene(wish: Wish) -> Scene:
    examiner = Examiner(wish.nets, decisions=wish.decisions, strict=False)
    models = [examiner.examine(path) for path in wish.files]
    faults = [_fault(model, each.reason) for model in models for each in model.refusals]
    if faults:
        raise Invalid(faults)
    known = [name for model in models for name in model.definitions]
    if wish.process and wish.process not in known:
        hint = did_you_mean(wish.process, known)
        expected = "a process of the files"
        found = repr(wish.process)
        raise Invalid(Fault(source="--process", path="", expected=expected, found=found, hint=hint))
    return Scene(
        deploys=tuple(model.deploys for model in models),
        process=wish.process or known[0],
        cases=wish.cases,
        between=draw_of(wish.every, "--every") if wish.every else None,
        durations=_draws("--duration", wish.durations),
        capacities=_counts(wish.capacities),
        results=_pairs("--result", wish.results),
        messages=_draws("--message", wish.messages),
        variables=json_object("--variables", wish.variables),
        begin=instant_given("--begin", wish.begin),
        horizon_ns=duration_given("--until", wish.until) if wish.until else None,
    )


def _fault(model: Model, reason: str) -> Fault:
    return Fault(
        source=model.file,
        path="",
        expected="a model that can be deployed",
        found=reason.rstrip("."),
    )


def _pairs(option: str, given: Iterable[str]) -> dict[str, str]:
    found = {}
    for each in given:
        name, mark, value = each.partition("=")
        if not (name and mark and value):
            expected = "NAME=VALUE"
            raise Invalid(Fault(source=option, path="", expected=expected, found=repr(each)))
        found[name] = value
    return found


def _draws(option: str, given: Iterable[str]) -> dict[str, Draw]:
    pairs = _pairs(option, given)
    return {name: draw_of(text, f"{option} {name}") for name, text in pairs.items()}


def _counts(given: Iterable[str]) -> dict[str, int]:
    pairs = _pairs("--capacity", given)
    wrong = [name for name, text in pairs.items() if not text.isdecimal() or int(text) < 1]
    if wrong:
        source, found = f"--capacity {wrong[0]}", repr(pairs[wrong[0]])
        raise Invalid(Fault(source=source, path="", expected="a number above 0", found=found))
    return {name: int(text) for name, text in pairs.items()}


# -- what people see ----------------------------------------------------------------------------


def _lines(process: str, kpis: Kpis) -> Iterable[str]:
    done = f"{kpis.finished} of {kpis.started} cases came to their end"
    yield f"'{process}': {done}, in {_runs(kpis)}"
    if kpis.cancelled or kpis.unfinished:
        yield f"  {kpis.cancelled} were cancelled, {kpis.unfinished} are not finished"
    yield from (f"  incidents: {each}" for each in kpis.incidents)
    if kpis.untimed:
        yield f"  without a duration, so in no time: {', '.join(kpis.untimed)}"
    if kpis.throughput_s is not None:
        yield ""
        heads = ("", "min", "median", "mean", "p95", "max")
        spreads = {
            "throughput": kpis.throughput_s,
            "working": kpis.working_s,
            "waiting": kpis.waiting_s,
        }
        yield from columns(heads, [(name, *_row(each)) for name, each in spreads.items()])
        yield from _means(kpis)
    if kpis.resources:
        yield ""
        heads = ("resource", "capacity", "jobs", "utilisation", "at most", "waits p95")
        yield from columns(heads, [_resource(each) for each in kpis.resources])
    if kpis.histogram and kpis.throughput_s is not None and sys.stdout.isatty():
        yield ""
        yield from _bars(kpis.histogram, kpis.throughput_s)


def _runs(kpis: Kpis) -> str:
    cut = f", {kpis.cut} of them ended by a limit" if kpis.cut else ""
    return f"{kpis.runs} runs{cut}" if kpis.runs > 1 else f"1 run{cut}"


def _means(kpis: Kpis) -> Iterable[str]:
    if kpis.mean_interval_s is not None:
        low, high = kpis.mean_interval_s
        yield f"mean throughput time, 95 % interval: {_span(low)} to {_span(high)}"
    if kpis.cases_per_hour is not None:
        yield f"finished per hour: {kpis.cases_per_hour:.3g}"


def _row(spread: Spread | None) -> tuple[str, ...]:
    if spread is None:
        return ("", "", "", "", "")
    return tuple(map(_span, (spread.min, spread.median, spread.mean, spread.p95, spread.max)))


def _span(seconds: float) -> str:
    return span_text(round(seconds * SECOND)) if seconds >= 10 else f"{seconds:.3g} s"


def _resource(each: Resource) -> tuple[object, ...]:
    used = f"{each.busy:.2f} busy" if each.utilisation is None else f"{each.utilisation:.1%}"
    waits = _span(each.waiting_s.p95) if each.waiting_s is not None else ""
    return (each.name, each.capacity or "any", each.jobs, used, each.most, waits)


def _bars(histogram: Iterable[int], spread: Spread) -> Iterable[str]:
    counts = list(histogram)
    step, most = (spread.max - spread.min) / len(counts), max(counts)
    for number, count in enumerate(counts):
        begins = _span(spread.min + number * step)
        bar = "█" * round(BAR_WIDTH * count / most)
        yield f"{begins:>16}  {bar} {count}"
