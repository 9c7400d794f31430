"""A folder with a journal: opened by one host, found by everybody else on the machine."""

import os
import secrets
import socket
import tempfile
from pathlib import Path
from typing import Self

import msgspec

from fabloop.adapters.sqlite import SqliteJournal, SqliteReader, SqliteSnapshots
from fabloop.app.processes.clocks import HostClock, WallClock
from fabloop.app.processes.host import Host
from fabloop.app.processes.remote import Remote
from fabloop.app.processes.server import Server
from fabloop.app.processes.service import Service
from fabloop.app.processes.upkeep import JOURNAL_FILE, SNAPSHOTS_FILE, Upkeep
from fabloop.base.codec import from_json, to_json
from fabloop.base.collector import settle
from fabloop.base.errors import Conflict, Fault, Invalid, NotFound, Unavailable
from fabloop.process.recovery import recover

HOST_FILE = "host.json"
UNIX_PATH_MAX = 100
"""Characters of a socket's path; most systems take 104 or 108."""


class HostCard(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a folder open, and where it can be spoken to; `key` is for those who may read it."""

    pid: int
    machine: str
    address: str = ""
    port: int = 0
    key: str = ""

    def where(self) -> str | tuple[str, int] | None:
        """Return where it listens; None for one that does not."""
        if self.port:
            return (self.address, self.port)
        return self.address or None


def open_host(folder: Path | str, clock: HostClock | None = None) -> Host:
    """Return the host of a folder, as its journal says; a new folder begins empty.

    Raises
    ------
    Conflict
        Another process has it open; the message names it.
    Broken
        The journal cannot be read.
    """
    path = Path(folder)
    _make(path)
    try:
        journal = SqliteJournal(path / JOURNAL_FILE)
    except Conflict as error:
        raise _taken(path) from error
    snapshots = SqliteSnapshots(path / SNAPSHOTS_FILE)
    engine = recover(journal, snapshots).engine
    _write_card(path, HostCard(pid=os.getpid(), machine=socket.gethostname()))
    return Host(engine, journal, clock or WallClock(), snapshots)


def connect(folder: Path | str, *, make: bool = False) -> Service:
    """Return the host that serves a folder where there is one, else open the folder here.

    With `make`, a folder that is not there is made.

    Raises
    ------
    NotFound
        There is no such folder, or nothing of ours in it.
    Conflict
        Another process has it open and does not serve it.
    """
    path = Path(folder)
    if not make and not (path / JOURNAL_FILE).is_file():
        raise NotFound(
            f"Expected a store in '{path}', but found none. Make one with "
            "`fabloop process deploy FILE`, or name another folder with --store."
        )
    try:
        return reach(path)
    except Unavailable:  # nobody serves it, or who did has gone without a word
        return open_host(path)


def reach(folder: Path | str) -> Remote:
    """Return the host that serves a folder; raises Unavailable where nobody does."""
    card = read_card(Path(folder))
    where = card.where() if card is not None else None
    if card is None or where is None:
        raise Unavailable(
            f"Expected '{folder}' to be served, but nobody does. Run `fabloop process serve`."
        )
    return Remote(where, bytes.fromhex(card.key))


class Serving:
    """A folder opened by a host that others on this machine can use, until closed.

    With `keep_ns`, rows of what ended longer ago are moved to the journal's archive now and then.
    """

    def __init__(
        self, folder: Path | str, clock: HostClock | None = None, keep_ns: int | None = None
    ) -> None:
        self.path = Path(folder)
        self.host = open_host(self.path, clock)
        key = secrets.token_bytes(32)
        try:
            self._server = Server(self.host, _address(self.path), key)
        except OSError as error:
            self.host.close()
            raise Unavailable(f"Expected to listen beside '{self.path}', but {error}.") from error
        where = self._server.address
        card = HostCard(
            pid=os.getpid(),
            machine=socket.gethostname(),
            address=where if isinstance(where, str) else where[0],
            port=0 if isinstance(where, str) else where[1],
            key=key.hex(),
        )
        _write_card(self.path, card)
        reader = SqliteReader(self.path / JOURNAL_FILE)
        self._upkeep = Upkeep(str(self.path), reader, keep_ns)
        settle()

    @property
    def address(self) -> str | tuple[str, int]:
        """Where it listens."""
        return self._server.address

    def close(self) -> None:
        """Hang up on everybody and close the host."""
        self._upkeep.close()
        (self.path / HOST_FILE).unlink(missing_ok=True)
        where = self._server.address
        self._server.close()
        if isinstance(where, str) and Path(where).parent != self.path.resolve():
            Path(where).parent.rmdir()
        self.host.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_card(folder: Path) -> HostCard | None:
    """Return who opened a folder last; None where nothing tells."""
    try:
        return from_json((folder / HOST_FILE).read_bytes(), HostCard)
    except (OSError, msgspec.DecodeError):
        return None


def _write_card(folder: Path, card: HostCard) -> None:
    """Replace the card at once, readable by its owner alone."""
    fresh = folder / f"{HOST_FILE}.{os.getpid()}"
    fresh.touch(mode=0o600)
    fresh.write_bytes(to_json(card))
    fresh.replace(folder / HOST_FILE)


def _taken(folder: Path) -> Conflict:
    card = read_card(folder)
    who = f"process {card.pid} on '{card.machine}'" if card is not None else "another process"
    return Conflict(
        f"Expected to open the store '{folder}' alone, but {who} has it open. "
        "End that process, or use the store through `fabloop process serve`."
    )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        found = error.strerror or type(error).__name__
        fault = Fault(source=str(folder), path="", expected="a folder to write in", found=found)
        raise Invalid(fault) from error


def _address(folder: Path) -> str | tuple[str, int]:
    """Return a Unix socket beside the journal; where there is none, a port of the loopback."""
    if not hasattr(socket, "AF_UNIX"):
        return ("127.0.0.1", 0)
    path = folder.resolve() / "host.sock"
    if len(str(path)) > UNIX_PATH_MAX:
        path = Path(tempfile.mkdtemp(prefix="fabloop-")) / "host.sock"
    path.unlink(missing_ok=True)
    return str(path)
