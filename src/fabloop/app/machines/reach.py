"""From a connection to what reads it, by the protocol of its URL; extras are named when missing."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fabloop.base.errors import Fault, Invalid, Unavailable
from fabloop.base.instant import SECOND, Clock
from fabloop.sense.connections.model import Connection
from fabloop.sense.connections.seen import Seen
from fabloop.sense.readings.ports import ReadingSource

if TYPE_CHECKING:
    from fabloop.adapters.opcua.pki import Pki

PKI_VARIABLE = "FABLOOP_PKI"


def default_pki_folder() -> Path:
    """Return where certificates are kept: ``$FABLOOP_PKI``, else below the user's settings."""
    given = os.environ.get(PKI_VARIABLE)
    if given:
        return Path(given)
    settings = os.environ.get("XDG_CONFIG_HOME")
    return (Path(settings) if settings else Path.home() / ".config") / "fabloop" / "pki"


def pki_of(folder: Path | None) -> "Pki":
    """Return the certificates of a folder, or of the default one."""
    from fabloop.adapters.opcua.pki import Pki  # noqa: PLC0415  # an extra

    return Pki(folder or default_pki_folder())


def source_of(connection: Connection, pki_folder: Path | None, clock: Clock) -> ReadingSource:
    """Return the source that reads a connection.

    Raises
    ------
    Invalid
        Its protocol is not read through a connection.
    Unavailable
        The library for its protocol is not installed.
    """
    scheme = connection.url.split(":", maxsplit=1)[0]
    match scheme:
        case "opc.tcp":
            from fabloop.adapters.opcua import OpcUaSource  # noqa: PLC0415  # an extra

            return OpcUaSource(connection, pki_of(pki_folder), clock=clock)
        case "modbus":
            from fabloop.adapters.modbus import ModbusSource  # noqa: PLC0415  # an extra

            return ModbusSource(connection, clock=clock)
        case _:
            raise Invalid(
                Fault(
                    source=f"connection '{connection.id}'", path="url",
                    expected="opc.tcp or modbus", found=repr(scheme),
                    hint="Topics of a broker are read through a mapping: see 'Connect a machine'.",
                )
            )  # fmt: skip


async def browse(connection: Connection, pki_folder: Path | None, clock: Clock) -> Seen:
    """Return what the machine of a connection has.

    Raises
    ------
    Unavailable, NotPermitted
        It does not answer, or is not trusted.
    Invalid
        Its protocol tells nothing of itself.
    """
    if not connection.url.startswith("opc.tcp://"):
        raise Invalid(
            Fault(
                source=connection.url, path="",
                expected="opc.tcp://HOST:PORT, where a machine tells what it has",
                found=repr(connection.url.split(":", maxsplit=1)[0]),
                hint="To `machine add`, modbus://HOST:PORT/UNIT with --registers FILE and "
                "mqtt://HOST:PORT/TOPIC are given, too.",
            )
        )  # fmt: skip
    from fabloop.adapters.opcua import browse as look  # noqa: PLC0415  # an extra

    return await look(connection, pki_of(pki_folder), clock)


def bare(
    url: str, *, secure: bool = True, user: str = "", password_from: str = "",
    user_certificate: str = "", user_key: str = "",
) -> Connection:  # fmt: skip
    """Return a connection without variables, for a first look."""
    if (user or user_certificate) and not secure:
        raise Unavailable(
            "Expected no user without security, but found one: passwords travel encrypted only. "
            "Leave out --insecure or the user."
        )
    return Connection(
        id="look", url=url, secure=secure, user=user, password_from=password_from,
        user_certificate=user_certificate, user_key=user_key,
        every_ns=SECOND, ahead_ns=60 * SECOND,
    )  # fmt: skip
