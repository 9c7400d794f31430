"""``fabloop machine``: what the commands print."""

import asyncio
import sys
from pathlib import Path

import msgspec

from fabloop.app.machines.add import Added, Wish, add
from fabloop.app.machines.folder import keep, read_factory
from fabloop.app.machines.reach import browse, pki_of, source_of
from fabloop.app.machines.trial import Trial, try_out
from fabloop.app.processes.clocks import WallClock
from fabloop.base.codec import to_json_pretty
from fabloop.base.errors import ExitCode, Fault, Invalid
from fabloop.base.instant import iso_of
from fabloop.base.names import did_you_mean
from fabloop.sense.connections.model import Connection
from fabloop.sense.connections.propose import Proposal
from fabloop.sense.connections.seen import Nameplate, SeenVariable

UNMAPPED_SHOWN = 20


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A connection as ``fabloop machine list`` tells it."""

    id: str
    url: str
    secure: bool
    variables: int
    commands: int
    work_units: tuple[str, ...]


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """All connections, and the work units that none of them tells of."""

    connections: tuple[Listed, ...]
    unconnected: tuple[str, ...]


def add_machine(
    wish: Wish,
    folder: Path,
    pki: Path | None,
    *,
    write: bool,
    replace: bool,
    listen_s: float,
    as_json: bool,
) -> ExitCode:
    """Propose a connection and write it into the folder's ``connections.json``."""
    factory = read_factory(folder)
    if wish.url.startswith(("mqtt:", "mqtts:")):
        from fabloop.cli.machine_topics import add_broker  # an extra

        return add_broker(
            wish, factory, folder, write=write, replace=replace, listen_s=listen_s, as_json=as_json
        )
    added = asyncio.run(add(wish, factory, pki, WallClock()))
    nothing = not added.connection.variables
    file = "" if nothing or not write else str(keep(folder, added.connection, replace=replace))
    if as_json:
        sys.stdout.write(to_json_pretty({"file": file, "added": added}).decode())
    else:
        sys.stdout.writelines(f"{line}\n" for line in _added_lines(added, file))
    return ExitCode.NOT_PRODUCIBLE if nothing else ExitCode.FINE


def _added_lines(added: Added, file: str) -> list[str]:
    connection, proposal = added.connection, added.proposal
    lines = [added.warning] if added.warning else []
    lines += [plate_line(each) for each in added.nameplates]
    by_unit: dict[str, list[str]] = {}
    for each in connection.variables:
        unit = f" [{each.unit}]" if each.unit else ""
        by_unit.setdefault(each.work_unit, []).append(f"{each.name}{unit}")
    for unit, names in sorted(by_unit.items()):
        lines.append(f"{unit}: {len(names)} variables: {', '.join(sorted(names))}")
    lines += [f"{each.work_unit}: takes jobs by '{each.begin}'" for each in connection.commands]
    lines += list(proposal.notes)
    lines += _left_out(proposal)
    if added.left_out:
        lines.append(f"The machine has {added.left_out} more nodes than are looked at.")
    if file:
        lines.append(f"Wrote connection '{connection.id}' to {file}. Check it before you use it.")
    elif not connection.variables:
        lines.append("Nothing could be mapped, so nothing was written. Say --work-unit or --map.")
    return lines


def _left_out(proposal: Proposal) -> list[str]:
    """Return a line for each object of the machine that was left out for one reason."""
    alike: dict[tuple[str, str], int] = {}
    for each in proposal.unmapped:
        place = (each.path.rpartition("/")[0] or each.path, each.reason)
        alike[place] = alike.get(place, 0) + 1
    lines = [
        f"left out {count} of '{where}': {why}"
        for (where, why), count in list(alike.items())[:UNMAPPED_SHOWN]
    ]
    if len(alike) > UNMAPPED_SHOWN:
        lines.append("left out more; --json tells all.")
    return lines


def print_machines(folder: Path, *, as_json: bool) -> ExitCode:
    """List connections and the work units without one."""
    factory = read_factory(folder)
    listing = Listing(
        connections=tuple(
            Listed(
                id=each.id, url=each.url, secure=each.secure, variables=len(each.variables),
                commands=len(each.commands), work_units=tuple(sorted(_units(each))),
            )
            for each in factory.connections
        ),
        unconnected=tuple(
            sorted(set(factory.units).difference(*map(_units, factory.connections)))
        ),
    )  # fmt: skip
    if as_json:
        sys.stdout.write(to_json_pretty(listing).decode())
        return ExitCode.FINE
    for each in listing.connections:
        open_wire = "" if each.secure or not each.url.startswith("opc.tcp") else ", not encrypted"
        sys.stdout.write(
            f"{each.id}: {each.url}{open_wire}; {each.variables} variables and {each.commands} "
            f"commands of {', '.join(each.work_units) or 'no work unit'}\n"
        )
    if listing.unconnected:
        sys.stdout.write(f"not connected: {', '.join(listing.unconnected)}\n")
    return ExitCode.FINE


def _units(connection: Connection) -> set[str]:
    return {each.series.work_unit for each in connection.variables}


def print_seen(look: Connection, pki: Path | None, *, as_json: bool) -> ExitCode:
    """Print what a server has."""
    seen = asyncio.run(browse(look, pki, WallClock()))
    if as_json:
        sys.stdout.write(to_json_pretty(seen).decode())
        return ExitCode.FINE
    if seen.warning:
        sys.stdout.write(f"{seen.warning}\n")
    sys.stdout.writelines(f"{plate_line(each)}\n" for each in seen.nameplates)
    for each in seen.variables:
        sys.stdout.write(f"{'/'.join(each.path)}{_described(each)}  {each.address}\n")
    for method in seen.methods:
        sys.stdout.write(f"{'/'.join(method.path)}()  {method.address}\n")
    if seen.left_out:
        sys.stdout.write(f"There are {seen.left_out} more nodes than are looked at.\n")
    return ExitCode.FINE


def plate_line(plate: Nameplate) -> str:
    """Return what a machine says of itself as a line."""
    told = ", ".join(f"{name} {text}" for name, text in plate.told.items())
    return f"{'/'.join(plate.path)} says of itself: {told or 'nothing'}"


def _described(seen: SeenVariable) -> str:
    parts = [f"[{seen.unit}]"] if seen.unit else []
    if seen.length:
        parts.append(f"array of {seen.length}")
    if seen.least is not None and seen.greatest is not None:
        parts.append(f"{seen.least:g}..{seen.greatest:g}")
    if seen.states:
        parts.append("|".join(seen.states))
    if seen.history:
        parts.append("history")
    return f"  {', '.join(parts)}" if parts else ""


def print_trials(
    wanted: str, folder: Path, seconds: float, pki: Path | None, *, as_json: bool
) -> ExitCode:
    """Listen to connections and print what came."""
    factory = read_factory(folder)
    known = {each.id: each for each in factory.connections}
    if wanted and wanted not in known:
        hint = did_you_mean(wanted, known)
        raise Invalid(
            Fault(source=str(folder), path="", expected="a connection", found=repr(wanted),
                hint=hint)
        )  # fmt: skip
    chosen = [known[wanted]] if wanted else list(known.values())
    if not chosen:
        raise Invalid(
            Fault(source=str(folder), path="", expected="a connection to test", found="none",
                hint="Add one: fabloop machine add URL.")
        )  # fmt: skip
    trials = asyncio.run(_trials(chosen, seconds, pki))
    if as_json:
        sys.stdout.write(to_json_pretty(trials).decode())
    else:
        for each in trials:
            sys.stdout.writelines(f"{line}\n" for line in _trial_lines(each))
    fine = all(_is_fine(each) for each in trials)
    return ExitCode.FINE if fine else ExitCode.NOT_PRODUCIBLE


async def _trials(chosen: list[Connection], seconds: float, pki: Path | None) -> list[Trial]:
    clock = WallClock()
    return list(
        await asyncio.gather(
            *(try_out(each, source_of(each, pki, clock), seconds) for each in chosen)
        )
    )


def _is_fine(trial: Trial) -> bool:
    return not trial.silent and all(each.value is not None for each in trial.heard)


def _trial_lines(trial: Trial) -> list[str]:
    health = trial.health
    lines = [f"{trial.connection}: {health.received} readings"]
    for each in trial.heard:
        value = "bad" if each.value is None else each.state or f"{each.value:g} {each.unit}".strip()
        lines.append(
            f"  {each.work_unit} {each.name}: {value} (quality {each.quality}, {iso_of(each.at)})"
        )
    lines += [f"  silent: {address}" for address in trial.silent]
    lines += [f"  refused {count}: {why}" for why, count in health.refused.items()]
    lines += [f"  amended {count}: {why}" for why, count in health.amended.items()]
    if health.trouble:
        lines.append(f"  {health.trouble}")
    return lines


def trust_server(thumbprint: str, pki: Path | None, *, as_json: bool) -> ExitCode:
    """Move a certificate to the trusted ones."""
    told = pki_of(pki).trust(thumbprint)
    ends = iso_of(told.valid_until)[:10]
    if as_json:
        answer = {"subject": told.subject, "thumbprint": told.thumbprint, "valid_until": ends}
        sys.stdout.write(to_json_pretty(answer).decode())
    else:
        sys.stdout.write(f"Trusted '{told.subject}' until {ends}.\n")
    return ExitCode.FINE
