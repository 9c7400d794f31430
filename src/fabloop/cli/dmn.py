"""``fabloop dmn``: what does a decision give, why is it null, and does a test kit agree?"""

import sys
from pathlib import Path

from fabloop.base.codec import to_json, to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.cli.given import instant_given, json_object, read_bytes
from fabloop.feel.dmn import Model, Outcome, read_dmn
from fabloop.feel.dmn.limits import IMPORTS_MAX
from fabloop.feel.dmn.tck import KitRun, run_test_file


def print_decision(
    file: Path, decision: str | None, inputs: str, *, now: str | None, as_json: bool
) -> ExitCode:
    """Print what a decision or decision service gives; without one, what may be asked.

    Models that the file imports are found beside it.
    """
    model = read_dmn(read_bytes(file), _beside(file))
    if decision is None:
        _print_names(model, as_json=as_json)
        return ExitCode.FINE
    given = json_object("--input", inputs)
    at = None if now is None else instant_given("--now", now)
    asked = model.evaluate_service if decision in model.services else model.evaluate
    outcome = asked(decision, given, now=at)
    _print_outcome(decision, outcome, as_json=as_json)
    return ExitCode.NOT_PRODUCIBLE if outcome.value is None else ExitCode.FINE


def _print_names(model: Model, *, as_json: bool) -> None:
    names = {
        "decisions": model.decisions,
        "services": model.services,
        "inputs": model.inputs,
    }
    if as_json:
        sys.stdout.write(to_json_pretty(names).decode())
        return
    for kind, found in names.items():
        if found:
            sys.stdout.write(f"{kind}: {', '.join(found)}\n")


def _print_outcome(decision: str, outcome: Outcome, *, as_json: bool) -> None:
    value = outcome.plain
    if as_json:
        told = {"decision": decision, "value": value, "warnings": outcome.warnings}
        sys.stdout.write(to_json_pretty(told).decode())
        return
    sys.stdout.write(f"{decision} = {to_json(value).decode()}\n")
    sys.stdout.writelines(f"  {warning}\n" for warning in outcome.warnings)


def _beside(file: Path) -> dict[str, bytes]:
    """Return the other models in the folder of a file, as it may import them."""
    found = sorted(path for path in file.parent.glob("*.dmn") if path != file)
    return {path.name: read_bytes(path) for path in found[:IMPORTS_MAX]}


def print_kit(folder: Path, *, as_json: bool) -> ExitCode:
    """Print how many results of the test files below a folder agree with what they expect."""
    files = sorted(folder.rglob("*-test-*.xml"))
    if not files:
        expected = "a folder of the DMN TCK with test files (*-test-*.xml)"
        fault = Fault(source=str(folder), path="", expected=expected, found="none")
        raise Invalid(fault)
    runs, refused = [], []
    for file in files:
        models = {path.name: read_bytes(path) for path in sorted(file.parent.glob("*.dmn"))}
        try:
            runs.append(run_test_file(str(file.relative_to(folder)), read_bytes(file), models))
        except Invalid as error:
            refused.append(str(error))
    total = sum(run.total for run in runs)
    failed = sum(len(run.misses) for run in runs)
    if as_json:
        told = {
            "files": len(files),
            "total": total,
            "passed": total - failed,
            "failed": failed,
            "failures": [miss for run in runs for miss in run.misses],
            "refused": refused,
        }
        sys.stdout.write(to_json_pretty(told).decode())
    else:
        _print_runs(runs)
        sys.stdout.writelines(f"{each}\n" for each in refused)
        sys.stdout.write(f"{total - failed} of {total} results agree, in {len(files)} files\n")
    return ExitCode.NOT_PRODUCIBLE if failed or refused else ExitCode.FINE


def _print_runs(runs: list[KitRun]) -> None:
    for run in runs:
        for miss in run.misses:
            sys.stdout.write(
                f"{run.file}: case {miss.case}, {miss.node}\n"
                f"  expected {miss.expected}, but found {miss.found}\n"
            )
