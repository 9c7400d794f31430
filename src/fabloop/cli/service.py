"""``fabloop service add|list|call``: services kept in a folder, and single calls."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from fabloop.adapters.documents import documents_in
from fabloop.adapters.openapi import Answered, Caller, Failed, Patience
from fabloop.adapters.openapi.fetch import fetch
from fabloop.app.processes.clocks import WallClock
from fabloop.app.sentences import sentence
from fabloop.app.service_space import ServiceFolder
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import span_text
from fabloop.base.money import money_text
from fabloop.cli.gates import gate_in
from fabloop.cli.given import read_bytes
from fabloop.model.documents import resolve_words
from fabloop.model.documents.names import Names
from fabloop.model.documents.structure import kind_in
from fabloop.model.service import Parameter, ServiceOperation, ValueKind
from fabloop.services.descriptions import Described, literal_text

REMARKS_SHOWN = 20
_MAYBE_DONE = "was sent and may have been carried out; it was not sent again"


def documents_beside(folder: Path) -> dict[str, bytes]:
    """Return the documents of a factory beside its services; there may be none."""
    return documents_in(folder) if any(folder.glob("*.json")) else {}


def names_of(folder: Path) -> Names:
    """Return the vocabulary of a folder; no names where it has no documents of that kind."""
    documents = documents_beside(folder)
    kinds = {kind_in(data) for data in documents.values()}
    if "skill-vocabulary" not in kinds:
        return Names()
    words = resolve_words(documents)
    return Names(
        vocabulary=words.vocabulary, kpis=words.kpis, equipment_types=words.equipment_types
    )


def services_of(folder: Path) -> ServiceFolder:
    """Return the services of a folder, read in the terms of its vocabulary."""
    if not folder.is_dir():
        raise Invalid(
            Fault(source="--folder", path=str(folder), expected="a folder", found="none there")
        )
    return ServiceFolder(folder, names_of(folder))


def add_service(document: str, folder: Path, url: str, *, replace: bool, as_json: bool) -> ExitCode:
    """Read a document from a file or URL, keep it, and print what it says."""
    web = document.startswith(("http://", "https://"))
    data = fetch(document) if web else read_bytes(Path(document))
    kept = services_of(folder)
    described = kept.add(document, data, at=WallClock().now(), base_url=url, replace=replace)
    if as_json:
        sys.stdout.write(to_json_pretty(described).decode())
        return ExitCode.FINE
    for line in _described(described):
        sys.stdout.write(line + "\n")
    shown = described.remarks[:REMARKS_SHOWN]
    for each in shown:
        sys.stdout.write(f"  note {each.path}: {each.said}\n")
    if len(described.remarks) > len(shown):
        sys.stdout.write(f"  and {len(described.remarks) - len(shown)} notes more\n")
    return ExitCode.FINE


def list_all(folder: Path, *, as_json: bool) -> ExitCode:
    """Print the services that are kept."""
    found = services_of(folder).described()
    if as_json:
        sys.stdout.write(to_json_pretty({"services": [each.service for each in found]}).decode())
    else:
        for each in found:
            sys.stdout.writelines(f"{line}\n" for line in _described(each))
        if not found:
            sys.stdout.write("No service is kept here. Add one: fabloop service add DOCUMENT.\n")
    return ExitCode.FINE


def _described(each: Described) -> list[str]:
    service = each.service
    place = f", {service.place.name}" if service.place is not None else ""
    lines = [f"{service.id} - {service.title} {service.version} ({service.base_url or '?'}{place})"]
    lines += [f"  {operation_line(operation)}" for operation in service.operations]
    return lines


def operation_line(operation: ServiceOperation) -> str:
    """Return an operation as one line: what goes in, what comes out, what it is about."""
    inputs = ", ".join(_shown(each) for each in operation.inputs)
    outputs = ", ".join(_shown(each) for each in operation.outputs)
    words = " ".join((operation.verb, *operation.equipment))
    guessed = " (guessed)" if operation.certainty < 1.0 else ""
    more = [
        "" if operation.cost_minor is None
        else money_text(operation.cost_minor, operation.currency),
        "" if operation.duration_ns is None else span_text(operation.duration_ns),
        *(f"needs {literal_text(each)}" for each in operation.requires),
        *(f"makes {literal_text(each)}" for each in operation.effects),
    ]  # fmt: skip
    rest = "; ".join(part for part in more if part)
    result = f" -> {outputs}" if outputs else ""
    told = f" [{rest}]" if rest else ""
    return f"{operation.name}({inputs}){result}: {words}{guessed}{told}"


def _shown(parameter: Parameter) -> str:
    unit = f" [{parameter.unit}]" if parameter.unit else ""
    return f"{parameter.name}{unit}" + ("" if parameter.required else "?")


def call_operation(
    name: str,
    given: Sequence[str],
    folder: Path,
    key: str,
    headers: Sequence[str],
    *,
    timeout: float,
    attempts: int,
    as_json: bool,
) -> ExitCode:
    """Call an operation and print its outputs, or what went wrong."""
    service, operation = services_of(folder).operation(name)
    values = values_of(given, operation.inputs)
    patience = Patience(timeout_s=timeout, attempts=attempts)
    with (
        gate_in(folder) as gate,
        Caller(patience, headers=headers_of(headers), gate=gate) as caller,
    ):
        outcome = caller.call(service, operation, values, key=key)
    if as_json:
        sys.stdout.write(to_json_pretty(outcome).decode())
    elif isinstance(outcome, Answered):
        for output, value in outcome.values.items():
            unit = next((each.unit for each in operation.outputs if each.name == output), "")
            text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            sys.stdout.write(f"{output}: {text} {unit}".rstrip() + "\n")
        sys.stdout.write(f"answered ({outcome.status}), attempts: {outcome.attempts}\n")
    else:
        for line in _failed_lines(name, outcome):
            sys.stderr.write(line + "\n")
    return ExitCode.FINE if isinstance(outcome, Answered) else ExitCode.NOT_PRODUCIBLE


def _failed_lines(name: str, failed: Failed) -> Iterator[str]:
    """Yield what went wrong; of a withheld call the sentences alone, which say what to do."""
    if failed.reasons:
        sent = _MAYBE_DONE if failed.may_have_happened else "was not sent"
        yield f"{name} {sent}:"
    else:
        yield failed.message
    for reason in failed.reasons:
        yield f"  {sentence(reason, WallClock().now())}"


def values_of(given: Sequence[str], inputs: Sequence[Parameter]) -> dict[str, Any]:
    """Return values by name, each in the kind that the input of that name has.

    Raises
    ------
    Invalid
        One is not written as NAME=VALUE, or is no JSON where the input is a list or an object.
    """
    kinds = {each.name: each.kind for each in inputs}
    found: dict[str, Any] = {}
    faults: list[Fault] = []
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            faults.append(_fault(text, "NAME=VALUE", repr(text)))
            continue
        kind = kinds.get(name)
        if kind is ValueKind.TEXT:
            found[name] = value
            continue
        try:
            found[name] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            if kind in (ValueKind.LIST, ValueKind.CONTEXT):
                faults.append(_fault(name, "JSON, such as '[1, 2]'", repr(value)))
            found[name] = value
    if faults:
        raise Invalid(faults)
    return found


def _fault(path: str, expected: str, found: str) -> Fault:
    return Fault(source="command line", path=path, expected=expected, found=found)


def headers_of(given: Sequence[str]) -> dict[str, str]:
    """Return headers; a value behind ``@`` is read from a file, so that no key is typed."""
    found: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise Invalid(_fault("--header", "NAME=VALUE or NAME=@FILE", repr(text)))
        if value.startswith("@"):
            value = read_bytes(Path(value[1:])).decode().strip()
        found[name] = value
    return found
