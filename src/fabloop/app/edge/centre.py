"""The centre's side: asks an edge, and turns its refusals back into errors."""

import http.client
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import msgspec

from fabloop.app.edge.config import Version
from fabloop.app.edge.deployment import Deployment
from fabloop.app.edge.health import Health
from fabloop.app.edge.requests import (
    CONTROL_FILE,
    Acknowledge,
    Address,
    Change,
    Deploy,
    Refusal,
    Restore,
)
from fabloop.app.edge.results import Numbered
from fabloop.base import errors
from fabloop.base.errors import Broken, FabloopError, Invalid, NotFound, Unavailable

T = TypeVar("T")
TIMEOUT_S = 60.0


class Centre:
    """A connection to an edge."""

    def __init__(self, address: Address) -> None:
        where = urlsplit(address.url)
        self._url = address.url
        self._token = address.token
        self._connection = http.client.HTTPConnection(
            where.hostname or "127.0.0.1", where.port, timeout=TIMEOUT_S
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def health(self) -> Health:
        """Return how the edge is doing."""
        return self._asked("GET", "/v1/health", Health)

    def metrics(self) -> str:
        """Return its health for whoever collects metrics."""
        return self._told("GET", "/v1/metrics", None).decode()

    def current(self) -> Version:
        """Return what is deployed."""
        return self._asked("GET", "/v1/deployment", Version)

    def deploy(self, deployment: Deployment, files: dict[str, str]) -> Version:
        """Run this from now on."""
        return self._asked(
            "PUT", "/v1/deployment", Version, Deploy(deployment=deployment, files=files)
        )

    def restore(self, version: int) -> Version:
        """Run an earlier version from now on."""
        return self._asked("POST", "/v1/restore", Version, Restore(version=version))

    def change(self, change: Change) -> Version:
        """Start or stop an app, or give it other settings."""
        return self._asked("POST", "/v1/apps", Version, change)

    def results(
        self, after: int, *, limit: int = 1000, wait_s: float = 0.0
    ) -> tuple[Numbered, ...]:
        """Return results beyond a number, waiting for them if there are none yet."""
        path = f"/v1/results?after={after}&limit={limit}&wait={wait_s}"
        return self._asked("GET", path, tuple[Numbered, ...])

    def acknowledge(self, number: int) -> None:
        """Tell that the results up to a number are kept here now."""
        self._told("POST", "/v1/acknowledge", Acknowledge(number=number))

    def _asked(self, method: str, path: str, kind: type[T], body: object = None) -> T:
        answer = self._told(method, path, body)
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.MsgspecError as error:
            raise Broken(
                f"Expected an answer of this release from {self._url}, but {error}. Use the same "
                "release of fabloop on both sides."
            ) from error

    def _sent(self, method: str, path: str, body: bytes | None) -> http.client.HTTPResponse:
        self._connection.request(method, path, body, {"Authorization": f"Bearer {self._token}"})
        return self._connection.getresponse()

    def _told(self, method: str, path: str, body: object) -> bytes:
        sent = None if body is None else msgspec.json.encode(body)
        try:
            try:
                response = self._sent(method, path, sent)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self._connection.close()  # it was idle for too long, so nothing was heard of us
                response = self._sent(method, path, sent)
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Unavailable(
                f"Expected an edge at {self._url}, but found none that answers ({error}). Start it "
                "by `fabloop edge run`."
            ) from error
        if response.status != 200:
            raise _error(answer)
        return answer


def address_in(folder: Path) -> Address:
    """Return how the edge of a folder is asked.

    Raises
    ------
    NotFound
        None has ever run there.
    """
    path = folder / CONTROL_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Address)
    except FileNotFoundError:
        raise NotFound(
            f"Expected the folder of an edge (its {CONTROL_FILE}), but found none in '{folder}'. "
            f"Start it by `fabloop edge run --folder {folder}`."
        ) from None


def _error(answer: bytes) -> FabloopError:
    try:
        refusal = msgspec.json.decode(answer, type=Refusal)
    except msgspec.MsgspecError:
        return Broken(answer.decode(errors="replace"))
    if refusal.faults:
        return Invalid(refusal.faults)
    kind: Any = getattr(errors, refusal.kind, None)
    if isinstance(kind, type) and issubclass(kind, FabloopError) and kind is not Invalid:
        return kind(refusal.text)
    return Broken(f"{refusal.kind}: {refusal.text}")
