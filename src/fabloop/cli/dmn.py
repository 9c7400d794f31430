"""``fabloop dmn``: what does a decision give for these inputs, and why is it null?"""

import sys
from pathlib import Path

import msgspec

from fabloop.base.codec import to_json, to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import Instant, instant_of
from fabloop.feel.dmn import Model, Outcome, read_dmn
from fabloop.feel.dmn.limits import IMPORTS_MAX


def print_decision(
    file: Path, decision: str | None, inputs: str, *, now: str | None, as_json: bool
) -> ExitCode:
    """Print what a decision or decision service gives; without one, what may be asked.

    Models that the file imports are found beside it.
    """
    model = read_dmn(_read(file), _beside(file))
    if decision is None:
        _print_names(model, as_json=as_json)
        return ExitCode.FINE
    given, at = _inputs(inputs), None if now is None else _instant(now)
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


def _inputs(text: str) -> dict[str, object]:
    data = _read(Path(text[1:])) if text.startswith("@") else text.encode()
    try:
        return msgspec.json.decode(data, type=dict[str, object])
    except msgspec.DecodeError as error:
        hint = """Write --input '{"Age": 51}', or --input @FILE."""
        raise _fault("--input", "a JSON object of inputs", str(error), hint) from error


def _instant(text: str) -> Instant:
    try:
        return instant_of(text)
    except ValueError as error:
        raise _fault("--now", "a date and time with an offset", f"'{text}'") from error


def _beside(file: Path) -> dict[str, bytes]:
    """Return the other models in the folder of a file, as it may import them."""
    found = sorted(path for path in file.parent.glob("*.dmn") if path != file)
    return {path.name: _read(path) for path in found[:IMPORTS_MAX]}


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise _fault(str(file), "a file that can be read", found) from error


def _fault(source: str, expected: str, found: str, hint: str = "") -> Invalid:
    return Invalid(Fault(source=source, path="", expected=expected, found=found, hint=hint))
