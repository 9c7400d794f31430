"""The processes of services: started together, looked after, started again when they died."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import uvicorn

from fabloop.app.service_runtime.serving import ServedGiven, SimulatedService
from fabloop.app.wired.children import END_S_MAX, Child, Ties, prepare
from fabloop.base.codec import to_json
from fabloop.base.errors import Unavailable

RESTARTS_MAX = 1_000
"""How often the processes of one fleet are started again."""

DYING_S = 0.2
"""How long a process that does not answer is given to turn out to be dead."""

_MODULES = (
    "fabloop.app.service_runtime.fleet",
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.lifespan.off",
    "asyncio",
)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs us."""
        yield


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service listens, and the process that it is."""

    name: str
    url: str
    pid: int


def be_service(ties: Ties, given: Any) -> None:
    """Serve one service until its parent is gone; the parent is told the port."""
    assert isinstance(given, tuple), "a service is given its settings and its port"
    settings, port = given
    listening = socket.create_server(("127.0.0.1", port))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
    served = SimulatedService(settings)
    config = uvicorn.Config(served.app, lifespan="off", log_level="critical", access_log=False)
    server = _Server(config)

    def watch() -> None:
        with contextlib.suppress(EOFError, OSError):
            ties.wait_until_over()
        server.should_exit = True

    threading.Thread(target=watch, name="ties", daemon=True).start()
    ties.ready(listening.getsockname()[1])
    asyncio.run(server.serve(sockets=[listening]))


class Fleet:
    """Runs each service in a process of its own; a new process of a service keeps its address."""

    def __init__(self, services: Sequence[ServedGiven], preload: Sequence[str] = ()) -> None:
        prepare((*_MODULES, *preload))
        self._given = {each.name: each for each in services}
        self._children: dict[str, Child] = {}
        self._ports: dict[str, int] = {}
        self.restarts: dict[str, int] = {}
        self._dark: set[str] = set()
        for name in self._given:
            self._start(name, 0)
        for name in self._given:
            self._ports[name] = self._told(name)

    def _start(self, name: str, port: int) -> None:
        self._children[name] = Child(name, be_service, (self._given[name], port))

    def _told(self, name: str) -> int:
        port: int = self._children[name].told()
        return port

    def listening(self) -> Mapping[str, Listening]:
        """Return where every service listens."""
        return {
            name: Listening(
                name=name,
                url=f"http://127.0.0.1:{self._ports[name]}",
                pid=child.pid or 0,
            )
            for name, child in self._children.items()
        }

    def url(self, name: str) -> str:
        """Return where a service listens."""
        return f"http://127.0.0.1:{self._ports[name]}"

    def lives(self, name: str) -> bool:
        """Tell whether the process of a service is there."""
        return self._children[name].lives

    def black_out(self, name: str) -> None:
        """Let the process of a service die, and stay dead until there is light again."""
        self._dark.add(name)
        self._children[name].kill()
        self._children[name].ends_within(END_S_MAX)

    def light_up(self, name: str) -> None:
        """Let a service be started again."""
        self._dark.discard(name)

    def revive(self, name: str) -> bool:
        """Start a service that died again, at the same address; tell whether it had died.

        One that has been blacked out stays dead.

        Raises
        ------
        Unavailable
            It died too often, or does not begin.
        """
        if name in self._dark or not self._children[name].ends_within(DYING_S):
            return False
        if sum(self.restarts.values()) >= RESTARTS_MAX:
            raise Unavailable(f"Expected services to live, but {RESTARTS_MAX} have died.")
        self._children[name].end()
        self.restarts[name] = self.restarts.get(name, 0) + 1
        self._start(name, self._ports[name])
        self._told(name)
        return True

    def roster(self) -> bytes:
        """Return name, URL and process of every service as JSON, for who wants to look."""
        return to_json(list(self.listening().values()))

    def close(self) -> None:
        """End every service."""
        for child in self._children.values():
            child.ask_to_end()
        for child in self._children.values():
            child.end()
