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

    Raises
    ------
    Unavailable
        The address is taken.
    """

    def __init__(
        self, app: Any, identity: Identity | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        try:
            self._socket = socket.create_server((host, port))
        except OSError as error:
            raise Unavailable(
                f"Expected {host}:{port} to be free, but found: {error.strerror}. Choose another "
                "port."
            ) from error
        config = uvicorn.Config(
            app, http=PeerProtocol, lifespan="off", log_level="warning", access_log=False,
            limit_concurrency=CONNECTIONS_MAX, timeout_graceful_shutdown=LINGER_S,
        )  # fmt: skip
        config.load()
        config.ssl = server_context(identity) if identity is not None else None
        self.host = host
        self.port: int = self._socket.getsockname()[1]
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
