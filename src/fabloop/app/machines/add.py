"""Connect a machine: look at it, propose what its variables mean, write that down."""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from fabloop.app.machines.folder import Factory
from fabloop.app.machines.reach import bare, browse
from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Clock
from fabloop.base.names import did_you_mean
from fabloop.model.documents.connection_structs import ConnectionEntry
from fabloop.sense.connections.model import Register
from fabloop.sense.connections.propose import Places, Proposal, propose
from fabloop.sense.connections.seen import Nameplate, Seen, SeenVariable


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said about the machine.

    Attributes
    ----------
    work_unit : everything of it belongs to this one
    said : ``NAME=UNIT``: names on the machine's side and work units
    registers : id of the register map, for Modbus
    """

    url: str
    id: str = ""
    secure: bool = True
    user: str = ""
    password_from: str = ""
    user_certificate: str = ""
    user_key: str = ""
    work_unit: str = ""
    said: tuple[str, ...] = ()
    registers: str = ""


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """A connection as it is proposed, with what was left out of it."""

    connection: ConnectionEntry
    proposal: Proposal
    warning: str = ""
    nameplates: tuple[Nameplate, ...] = ()
    left_out: int = 0


async def add(wish: Wish, factory: Factory, pki_folder: Path | None, clock: Clock) -> Added:
    """Return the connection that is proposed for a machine.

    Raises
    ------
    Invalid
        What was said names no work unit or register map.
    Unavailable, NotPermitted
        The machine does not answer, or is not trusted.
    """
    places = _places(wish, factory)
    if wish.url.startswith("modbus:"):
        seen = _registers_seen(_map(wish, factory))
    else:
        look = bare(
            wish.url, secure=wish.secure, user=wish.user, password_from=wish.password_from,
            user_certificate=wish.user_certificate, user_key=wish.user_key,
        )  # fmt: skip
        seen = await browse(look, pki_folder, clock)
    found = propose(seen, places)
    entry = ConnectionEntry(
        id=wish.id or proposed_id(wish.url),
        url=wish.url,
        security="sign-and-encrypt" if wish.secure else "none",
        user=wish.user,
        password_from=wish.password_from,
        user_certificate=wish.user_certificate,
        user_key=wish.user_key,
        registers=wish.registers or None,
        alarms=seen.tells_events,
        variables=found.variables,
        commands=found.commands,
    )
    return Added(
        connection=entry,
        proposal=found,
        warning=seen.warning,
        left_out=seen.left_out,
        nameplates=seen.nameplates,
    )


def proposed_id(url: str) -> str:
    """Return an id for a connection: host and port of its URL."""
    place = url.split("://", maxsplit=1)[-1].split("/", maxsplit=1)[0].rpartition("@")[2]
    return re.sub(r"[^a-z0-9]+", "-", place.lower()).strip("-") or "machine"


def _places(wish: Wish, factory: Factory) -> Places:
    said: dict[str, str] = {}
    faults: list[Fault] = []
    for text in wish.said:
        name, equals, unit = text.partition("=")
        if not equals:
            faults.append(_fault("--map", "NAME=UNIT", text, "Write --map 'Machine 3=mill-3'."))
        said[name] = unit
    named = [("--map", unit) for unit in said.values()]
    named += [("--work-unit", wish.work_unit)] if wish.work_unit else []
    for option, unit in named:
        if unit not in factory.units:
            faults.append(
                _fault(option, "a work unit of the factory", unit,
                    did_you_mean(unit, list(factory.units)))
            )  # fmt: skip
    if faults:
        raise Invalid(faults)
    return Places(units=factory.units, only=wish.work_unit, said=said)


def _map(wish: Wish, factory: Factory) -> Sequence[Register]:
    if wish.registers not in factory.maps:
        known = ", ".join(sorted(factory.maps)) or "none"
        raise Invalid(
            _fault(
                "--registers", "the id of a register map among the documents",
                wish.registers or "nothing",
                f"A Modbus device does not tell what its registers mean. Known are: {known}.",
            )
        )  # fmt: skip
    return factory.maps[wish.registers]


def _registers_seen(registers: Sequence[Register]) -> Seen:
    return Seen(
        variables=tuple(
            SeenVariable(
                address=each.id, path=tuple(each.id.split("/")), unit=each.unit,
                states=each.states, counter=each.kind == "counter",
            )
            for each in registers
        )
    )  # fmt: skip


def _fault(option: str, expected: str, found: str, hint: str) -> Fault:
    return Fault(source=option, path="", expected=expected, found=repr(found), hint=hint)
