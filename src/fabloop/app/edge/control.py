"""What the centre asks an edge over HTTP on the loopback interface, each request with a token."""

import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import msgspec

from fabloop.app.durable import write_durably
from fabloop.app.edge.config import Version
from fabloop.app.edge.health import AppHealth, metrics
from fabloop.app.edge.node import Node
from fabloop.app.edge.requests import (
    CONTROL_FILE,
    REQUEST_BYTES_MAX,
    RESULTS_MAX,
    WAIT_S_MAX,
    Acknowledge,
    Address,
    Change,
    Deploy,
    Refusal,
    Restore,
)
from fabloop.app.edge.results import Numbered
from fabloop.base.errors import FabloopError, Fault, Invalid, NotFound, NotPermitted


class Callers:
    """The connections that are open."""

    def __init__(self) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def come(self, connection: socket.socket) -> None:
        """Note one that has begun."""
        with self._lock:
            self._open.add(connection)

    def go(self, connection: socket.socket) -> None:
        """Forget one that has ended."""
        with self._lock:
            self._open.discard(connection)

    def cut_off(self) -> None:
        """End all of them under whoever uses them."""
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, routes: "Routes", token: str) -> None:
        self.routes = routes
        self.token = token
        self.callers = Callers()
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell on standard error what went wrong, unless a caller has just gone away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Control:
    """Serves a node until closed; `address` is kept in the folder, readable by its owner alone."""

    def __init__(self, node: Node, folder: Path, port: int = 0) -> None:
        token = _known_token(folder) or secrets.token_urlsafe(24)
        self._server = _Server(port, _routes(node), token)
        self.address = Address(url=f"http://127.0.0.1:{self._server.server_port}", token=token)
        mask = os.umask(0o077)
        try:
            write_durably(folder / CONTROL_FILE, msgspec.json.encode(self.address))
        finally:
            os.umask(mask)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="edge-control", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Serve no more, and cut off who is there."""
        self._server.shutdown()
        self._server.callers.cut_off()
        self._server.server_close()
        self._thread.join()


def _known_token(folder: Path) -> str:
    try:
        return msgspec.json.decode((folder / CONTROL_FILE).read_bytes(), type=Address).token
    except (FileNotFoundError, msgspec.MsgspecError):
        return ""


Asked = dict[str, str]
Route = Callable[[Asked, bytes], object]
Routes = Mapping[tuple[str, str], Route]


def _routes(node: Node) -> Routes:
    def deploy(_: Asked, body: bytes) -> Version:
        wanted = _decoded(body, Deploy)
        return node.deploy(wanted.deployment, wanted.files)

    def change(_: Asked, body: bytes) -> Version:
        wanted = _decoded(body, Change)
        return node.change(
            wanted.group, wanted.app, started=wanted.started, settings=wanted.settings
        )

    def acknowledge(_: Asked, body: bytes) -> None:
        node.results.acknowledge(_decoded(body, Acknowledge).number)

    def results(asked: Asked, _: bytes) -> tuple[Numbered, ...]:
        try:
            after, limit = int(asked.get("after", "0")), int(asked.get("limit", "1000"))
            wait_s = float(asked.get("wait", "0"))
        except ValueError as error:
            raise Invalid(
                Fault(source="edge", path="results", expected="numbers", found=str(error))
            ) from error
        return node.results.after(after, min(limit, RESULTS_MAX), min(wait_s, WAIT_S_MAX))

    def apps(_: Asked, __: bytes) -> tuple[AppHealth, ...]:
        return node.health().apps

    return {
        ("GET", "/v1/health"): lambda _, __: node.health(),
        ("GET", "/v1/apps"): apps,
        ("GET", "/v1/metrics"): lambda _, __: metrics(node.health()),
        ("GET", "/v1/deployment"): lambda _, __: node.current(),
        ("GET", "/v1/results"): results,
        ("PUT", "/v1/deployment"): deploy,
        ("POST", "/v1/apps"): change,
        ("POST", "/v1/restore"): lambda _, body: node.restore(_decoded(body, Restore).version),
        ("POST", "/v1/acknowledge"): acknowledge,
    }


def _decoded(body: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise Invalid(
            Fault(source="edge", path="request", expected=kind.__name__.lower(), found=str(error))
        ) from error


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[float | None] = 60.0

    @property
    def _desk(self) -> _Server:
        assert isinstance(self.server, _Server), "nobody else hands requests to it"
        return self.server

    def setup(self) -> None:
        super().setup()
        self._desk.callers.come(self.connection)

    def finish(self) -> None:
        self._desk.callers.go(self.connection)
        super().finish()

    def do_GET(self) -> None:
        self.serve("GET")

    def do_PUT(self) -> None:
        self.serve("PUT")

    def do_POST(self) -> None:
        self.serve("POST")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base's name
        """Keep quiet: who asks is told, and what fails is told to who asked."""

    def serve(self, method: str) -> None:
        """Answer a request, or say why not."""
        try:
            body = self._body()
            given = self.headers.get("Authorization", "").encode()
            if not secrets.compare_digest(given, f"Bearer {self._desk.token}".encode()):
                raise NotPermitted(
                    f"Expected the token of this edge, but found another or none. It is in "
                    f"{CONTROL_FILE} of its folder."
                )
            parts = urlsplit(self.path)
            route = self._desk.routes.get((method, parts.path))
            if route is None:
                raise NotFound(
                    f"Expected a resource of an edge, but found {method} {parts.path}. See "
                    "'Control of an edge' in the reference."
                )
            asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            self._give(200, route(asked, body))
        except FabloopError as error:
            faults = error.faults if isinstance(error, Invalid) else ()
            refusal = Refusal(kind=type(error).__name__, text=str(error), faults=faults)
            self._give(error.http_status, refusal)

    def _body(self) -> bytes:
        size = self.headers.get("Content-Length", "0")
        if not size.isdecimal() or int(size) > REQUEST_BYTES_MAX:
            self.close_connection = True
            fault = Fault(
                source="edge", path="request", found=f"{size} bytes",
                expected=f"a body of at most {REQUEST_BYTES_MAX} bytes",
            )  # fmt: skip
            raise Invalid(fault)
        return self.rfile.read(int(size))

    def _give(self, status: int, answer: object) -> None:
        text = isinstance(answer, str)
        body = answer.encode() if isinstance(answer, str) else msgspec.json.encode(answer)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if text else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
