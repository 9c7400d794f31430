"""An HTTP server of a core or application system, in a thread of its own, with mutual TLS."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import uvicorn

from fabloop.adapters.arrowhead.mtls import Identity, PeerProtocol, server_context
from fabloop.base.errors import Unavailable

START_S_MAX = 10.0
CONNECTIONS_MAX = 1_000
LINGER_S = 2


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes any that is free.

    Raises
    ------
    Unavailable
        The address is taken, or none of this machine.
    """
    try:
        made = socket.create_server((host, port))
    except OSError as error:
        raise Unavailable(
            f"Expected {host}:{port} to be free, but found: {error.strerror}. Choose another port."
        ) from error
    # what is accepted inherits it; asyncio sets it only where the protocol is told, and without it
    # an answer in two parts waits for the client's delayed acknowledgement, some 40 ms
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def port_of(listening: socket.socket) -> int:
    """Return the port that a socket listens at."""
    port: int = listening.getsockname()[1]
    return port


class _Quiet(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs us."""
        yield


class Serving:
    """Serves an application until closed.

    Parameters
    ----------
    app : an ASGI application
    identity : what we show and whom we trust; None speaks HTTP without security
    port : 0 takes any that is free
    at : where, instead of host and port, as `listening` gives it

    Raises
    ------
    Unavailable
        The address is taken.
    """

    def __init__(
        self,
        app: Any,
        identity: Identity | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        at: socket.socket | None = None,
    ) -> None:
        self._socket = listening(host, port) if at is None else at
        config = uvicorn.Config(
            app, http=PeerProtocol, lifespan="off", log_level="critical", access_log=False,
            limit_concurrency=CONNECTIONS_MAX, timeout_graceful_shutdown=LINGER_S,
        )  # fmt: skip
        config.load()
        config.ssl = server_context(identity) if identity is not None else None
        self.port = port_of(self._socket)
        self._server = _Quiet(config)
        self._thread = threading.Thread(target=self._run, name=f"serve-{self.port}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def close(self) -> None:
        """Take no more requests."""
        self._server.should_exit = True
        self._thread.join(START_S_MAX + LINGER_S)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
