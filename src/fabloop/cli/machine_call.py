"""``fabloop machine call``: a method of a machine with typed arguments."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from fabloop.app.machines.folder import read_factory
from fabloop.app.machines.reach import bare, browse, pki_of
from fabloop.app.processes.clocks import WallClock
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid, NotFound
from fabloop.base.names import did_you_mean
from fabloop.model.ids import OperationName
from fabloop.model.safety import SafetyView, Target
from fabloop.run.gate import Gate, gate_of, undeclared
from fabloop.sense.connections.model import Connection


def call_machine(
    named: str,
    method: str,
    arguments: Sequence[str],
    folder: Path,
    pki: Path | None,
    *,
    secure: bool,
    now: bool,
    as_json: bool,
) -> ExitCode:
    """Tell what a method takes, check what is given for it, and call it where that is said."""
    from fabloop.adapters.opcua.calls import Signature, typed  # an extra

    connection, gate = _connection(named, folder, secure=secure, now=now)
    given = _given(arguments)
    signature, gave = asyncio.run(_told(connection, method, given, pki, gate=gate if now else None))
    if not now and arguments:
        typed(signature, given)
    if as_json:
        told = {"signature": signature, "called": now, "gave": gave}
        sys.stdout.write(to_json_pretty(told).decode())
        return ExitCode.FINE
    _print(signature)
    assert isinstance(signature, Signature)
    for name, value in gave.items():
        sys.stdout.write(f"{name} = {value}\n")
    if not now:
        sys.stdout.write("Nothing was called. Say --now to call it.\n")
    return ExitCode.FINE


async def _told(
    connection: Connection,
    method: str,
    given: Mapping[str, Any],
    pki: Path | None,
    *,
    gate: Gate | None,
) -> tuple[Any, dict[str, Any]]:
    from fabloop.adapters.opcua.calls import call, signature_of  # an extra

    clock, folder = WallClock(), pki_of(pki)
    owner, address = await _found(connection, method, pki)
    signature = await signature_of(connection, folder, clock, owner, address)
    if gate is None:
        return signature, {}
    units = sorted({each.series.work_unit for each in connection.variables})
    operation = OperationName(method.rpartition("/")[2])
    target = Target(work_unit=units[0] if len(units) == 1 else None, operation=operation)
    gave = await call(connection, folder, clock, owner, address, given, gate=gate, target=target)
    return signature, gave


async def _found(connection: Connection, method: str, pki: Path | None) -> tuple[str, str]:
    """Return the addresses of the object and of the method that is meant."""
    seen = await browse(connection, pki, WallClock())
    by_name = {"/".join(each.path): each for each in seen.methods}
    by_name |= {each.address: each for each in seen.methods}
    found = by_name.get(method)
    if found is None:
        raise NotFound(
            f"Expected a method of {connection.url}, but found '{method}'. "
            + (did_you_mean(method, by_name) or "'fabloop machine browse' tells its methods.")
        )
    return found.object, found.address


def _connection(named: str, folder: Path, *, secure: bool, now: bool) -> tuple[Connection, Gate]:
    """Return what is meant, and the gate in front of it.

    Here nobody listens to safety controllers: what a factory declares a permissive for is withheld.
    """
    if named.startswith("opc.tcp:") and not now:
        return bare(named, secure=secure), undeclared
    factory = read_factory(folder)
    known = {each.id: each for each in factory.connections}
    if named not in known:
        raise Invalid(
            Fault(source=str(folder), path="", expected="a connection of the factory, to call it",
                found=repr(named), hint=did_you_mean(named, known) or "Add it: machine add URL.")
        )  # fmt: skip
    if factory.safety is None:
        return known[named], undeclared
    return known[named], gate_of(factory.safety, SafetyView, WallClock().now)


def _given(arguments: Sequence[str]) -> dict[str, Any]:
    """Return arguments by name; a value that is no JSON is the text that it looks like."""
    given: dict[str, Any] = {}
    faults = []
    for each in arguments:
        name, equals, text = each.partition("=")
        if not equals or name in given:
            faults.append(
                Fault(source="arguments", path=name, expected="NAME=VALUE, each name once",
                    found=repr(each))
            )  # fmt: skip
        try:
            given[name] = msgspec.json.decode(text)
        except msgspec.DecodeError:
            given[name] = text
    if faults:
        raise Invalid(faults)
    return given


def _print(signature: Any) -> None:
    for verb, parameters in (("takes", signature.takes), ("gives", signature.gives)):
        for each in parameters:
            kind = f"list of {each.type}" if each.array else each.type
            said = f": {each.description}" if each.description else ""
            sys.stdout.write(f"{verb} {each.name} ({kind}){said}\n")
