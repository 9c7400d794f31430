"""A server for posted readings, in the loop that runs already; it leaves signals to others."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fabloop.adapters.http_readings.source import HttpSource
from fabloop.base.errors import Unavailable

CONNECTIONS_MAX = 1_000
"""Requests under way at once; more are answered with 503."""


class _Together:
    """A transport that sends at once what is written in one turn of the loop."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._parts:
            asyncio.get_running_loop().call_soon(self._send)
        self._parts.append(data)

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        parts, self._parts = self._parts, []
        if parts:
            self._transport.write(b"".join(parts))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Protocol(HttpToolsProtocol):
    """HTTP whose answers leave in one piece: head and body apart cost as much as all the rest."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(_Together(transport))  # type: ignore[arg-type]  # it is all of it


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs us."""
        yield


@asynccontextmanager
async def served(
    source: HttpSource, *, host: str = "127.0.0.1", port: int = 0, certificate: str = "",
    key: str = "",
) -> AsyncIterator[int]:  # fmt: skip
    """Serve a source until the block ends; yield the port (0 asks for any that is free).

    Raises
    ------
    Unavailable
        Nothing can be served there.
    """
    listening = _listening(host, port)
    config = uvicorn.Config(
        source.app, http=_Protocol, lifespan="off", log_level="warning", access_log=False,
        limit_concurrency=CONNECTIONS_MAX,
        ssl_certfile=certificate or None, ssl_keyfile=key or None,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not (server.started or serving.done()):
            await asyncio.wait([serving], timeout=0.01)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
        listening.close()


def _listening(host: str, port: int) -> socket.socket:
    try:
        made = socket.create_server((host, port))
    except OSError as error:
        raise Unavailable(
            f"Expected {host}:{port} to be free for readings over HTTP, but found: "
            f"{error.strerror}. Choose another port."
        ) from error
    # what is accepted inherits it; without it an answer in two parts waits some 40 ms for the
    # client's delayed acknowledgement
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made
