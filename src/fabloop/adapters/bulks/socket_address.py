"""Addresses of bulks: ``unix:/path`` on one computer, ``tcp:host:port`` on a machine's network."""

import os
import socket
from pathlib import Path

from fabloop.base.errors import Fault, Invalid, Unavailable

UNIX_PATH_BYTES_MAX = 107
RECEIVE_BYTES = 2**20


def bound(address: str) -> tuple[socket.socket, str]:
    """Return a listening socket that does not block, and where it listens (port 0: any free one).

    Raises
    ------
    Invalid
        It is no address.
    Unavailable
        The address cannot be listened at.
    """
    family, where = _parsed(address)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if isinstance(where, str):
            Path(where).unlink(missing_ok=True)
            mask = os.umask(0o077)  # senders are programs of the same user
            try:
                listener.bind(where)
            finally:
                os.umask(mask)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
        listener.listen(16)
        listener.settimeout(0.0)
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Expected to listen for bulks at '{address}', but {error}. Free it, or name another."
        ) from error
    if isinstance(where, str):
        return listener, address
    host, port = listener.getsockname()[:2]
    return listener, f"tcp:{host}:{port}"


def connected(address: str) -> socket.socket:
    """Return a connection to whoever listens at an address.

    Raises
    ------
    Invalid
        It is no address.
    Unavailable
        Nobody listens there.
    """
    family, where = _parsed(address)
    caller = socket.socket(family, socket.SOCK_STREAM)
    try:
        caller.connect(where)
    except OSError as error:
        caller.close()
        raise Unavailable(
            f"Expected an edge that takes bulks at '{address}', but {error}. Start it by "
            "`fabloop edge run`."
        ) from error
    if family == socket.AF_INET:
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return caller


def _parsed(address: str) -> tuple[socket.AddressFamily, str | tuple[str, int]]:
    kind, _, rest = address.partition(":")
    if kind == "unix" and rest:
        if len(os.fsencode(rest)) <= UNIX_PATH_BYTES_MAX:
            return socket.AF_UNIX, rest
        raise _fault(address, f"a path of at most {UNIX_PATH_BYTES_MAX} bytes")
    host, _, port = rest.rpartition(":")
    if kind == "tcp" and host and port.isdecimal() and int(port) < 2**16:
        return socket.AF_INET, (host, int(port))
    raise _fault(address, "'unix:/path' or 'tcp:host:port'")


def _fault(address: str, expected: str) -> Invalid:
    return Invalid(
        Fault(source="address of bulks", path="", expected=expected, found=repr(address))
    )
