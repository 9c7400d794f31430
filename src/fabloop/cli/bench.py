"""``fabloop bench fjsp``: how good are our schedules for problems of public formats?"""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from fabloop.app.scheduling import Timed, solve_within
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.cli.given import read_bytes
from fabloop.cli.processes.progress import Progress
from fabloop.plan.shop.answer import Outcome
from fabloop.plan.shop.formats.lines import BYTES_MAX
from fabloop.plan.shop.formats.read import read_shop
from fabloop.plan.shop.model import Shop

FOLDER_ENDINGS = (".fjs", ".ipps", ".json")
FILES_MAX = 10_000
HEAD = f"{'instance':<24} {'makespan':>9} {'bound':>9} {'gap':>7} {'CPU s':>7}  outcome"


class PlannedTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task of a schedule: who does it, and when."""

    task: str
    job: str
    resources: tuple[str, ...]
    start: int
    end: int


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What was found for one file; no makespan where there is no schedule."""

    file: str
    outcome: Outcome
    makespan: int | None
    bound: int
    gap: float | None
    cpu_s: float
    tasks: tuple[PlannedTask, ...]


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was not read, and why."""

    file: str
    reasons: tuple[str, ...]


def print_schedules(
    paths: list[Path], *, time_limit: float, workers: int, as_json: bool
) -> ExitCode:
    """Print makespan, bound, gap and CPU seconds of each file; a bad one is told, the rest run."""
    files, passed_over = _found(paths)
    results: list[Result] = []
    refused: list[Refusal] = []
    if not as_json:
        sys.stdout.write(HEAD + "\n")
    with Progress("schedules", len(files)) as progress:
        for done, file in enumerate(files, 1):
            try:
                shop = read_shop(_bytes(file), file.name)
            except Invalid as error:
                reasons = tuple(fault.sentence() for fault in error.faults)
                refused.append(Refusal(file=str(file), reasons=reasons))
                sys.stderr.writelines(f"{reason}\n" for reason in reasons)
            else:
                timed = solve_within(shop, time_limit, workers=workers)
                results.append(_result(file, shop, timed))
                if not as_json:
                    sys.stdout.write(_line(results[-1]) + "\n")
                    sys.stdout.flush()
            progress.moved(done)
    if as_json:
        told = {
            "time_limit_cpu_s": time_limit,
            "workers": workers,
            "instances": results,
            "refused": refused,
            "passed_over": [str(each) for each in passed_over],
        }
        sys.stdout.write(to_json_pretty(told).decode())
    else:
        _print_end(results, refused, passed_over)
    return _code(results, refused)


def _found(paths: list[Path]) -> tuple[list[Path], list[Path]]:
    """Return the files that are meant, and those in folders that are no scheduling problem."""
    files: list[Path] = []
    passed_over: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = [
            each
            for each in sorted(path.rglob("*"))
            if each.is_file() and each.suffix.lower() in FOLDER_ENDINGS
        ]
        foreign = [each for each in inside if each.suffix.lower() == ".json" and _is_foreign(each)]
        passed_over += foreign
        files += [each for each in inside if each not in foreign]
        if len(inside) == len(foreign):
            expected = f"a folder with scheduling problems (*{', *'.join(FOLDER_ENDINGS)})"
            raise Invalid(Fault(source=str(path), path="", expected=expected, found="none"))
    if len(files) > FILES_MAX:
        expected = f"at most {FILES_MAX} files"
        raise Invalid(Fault(source="PATH", path="", expected=expected, found=str(len(files))))
    return files, passed_over


def _is_foreign(file: Path) -> bool:
    """Return whether a JSON file does not even mean to be a scheduling problem."""
    try:
        head = msgspec.json.decode(_bytes(file), type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, Invalid):
        return False
    return "operations" not in head


def _bytes(file: Path) -> bytes:
    try:
        size = file.stat().st_size
    except OSError:
        size = 0  # reading tells what is wrong
    if size > BYTES_MAX:
        expected = f"at most {BYTES_MAX} bytes"
        raise Invalid(Fault(source=str(file), path="", expected=expected, found=str(size)))
    return read_bytes(file)


def _result(file: Path, shop: Shop, timed: Timed) -> Result:
    answer = timed.answer
    makespan = answer.values[0] if answer.schedule is not None else None
    bound = answer.bounds[0]
    gap = None
    if makespan is not None:
        gap = (makespan - bound) / makespan if makespan else 0.0
    return Result(
        file=str(file),
        outcome=answer.outcome,
        makespan=makespan,
        bound=bound,
        gap=gap,
        cpu_s=round(timed.cpu_s, 3),
        tasks=tuple(_planned(shop, timed)),
    )


def _planned(shop: Shop, timed: Timed) -> Iterator[PlannedTask]:
    schedule = timed.answer.schedule
    if schedule is None:
        return
    for task, mode, start in zip(shop.tasks, schedule.modes, schedule.starts, strict=True):
        if mode is not None:
            chosen = task.modes[mode]
            yield PlannedTask(
                task=task.name,
                job=shop.jobs[task.job].name,
                resources=tuple(shop.resources[use.resource].name for use in chosen.uses),
                start=start,
                end=start + chosen.ticks,
            )


def _line(result: Result) -> str:
    name = Path(result.file).name
    makespan = "-" if result.makespan is None else f"{result.makespan}"
    gap = "-" if result.gap is None else f"{result.gap:.2%}"
    said = {
        Outcome.PROVEN: "proven",
        Outcome.FOUND: "not proven in time",
        Outcome.IMPOSSIBLE: "no schedule, proven",
        Outcome.UNDECIDED: "no schedule found in time, nothing proven",
    }[result.outcome]
    return f"{name:<24} {makespan:>9} {result.bound:>9} {gap:>7} {result.cpu_s:>7.1f}  {said}"


def _print_end(results: list[Result], refused: list[Refusal], passed_over: list[Path]) -> None:
    proven = sum(each.outcome is Outcome.PROVEN for each in results)
    gaps = [each.gap for each in results if each.gap is not None]
    if gaps:
        told = f"{proven} of {len(results)} proven, mean gap {sum(gaps) / len(gaps):.2%}, "
        sys.stdout.write(f"{told}{sum(each.cpu_s for each in results):.1f} CPU s\n")
    if refused:
        sys.stdout.write(f"{len(refused)} refused: {', '.join(each.file for each in refused)}\n")
    if passed_over:
        names = ", ".join(each.name for each in passed_over[:8])
        sys.stdout.write(f"{len(passed_over)} passed over, no scheduling problem: {names}\n")


def _code(results: list[Result], refused: list[Refusal]) -> ExitCode:
    if refused:
        return ExitCode.BAD_INPUT
    outcomes = {each.outcome for each in results}
    if Outcome.IMPOSSIBLE in outcomes:
        return ExitCode.NOT_PRODUCIBLE
    return ExitCode.UNDECIDED if Outcome.UNDECIDED in outcomes else ExitCode.FINE
