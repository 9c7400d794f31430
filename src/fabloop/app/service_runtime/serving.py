"""A simulated service as an HTTP server of its own process: its document says what it serves.

Every operation takes JSON. One that takes time is answered with 202, a ``Location`` to ask at, and
in ``Retry-After`` the seconds until that is worth while; once it is done the answer there is 200
with the result. The same ``Idempotency-Key`` is done once, even if the process dies in between:
what was taken on is kept in a file and asked again of a new device.
"""

import json
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import anyio
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fabloop.app.sentences import sentence
from fabloop.base.codec import to_json
from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.model.ids import OperationName, ServiceId
from fabloop.model.safety import Target
from fabloop.run.permits import PERMIT_FAILED, PERMIT_HEADER, PERMIT_REQUIRED

STORY_TIME = "Fabloop-Story-Time"
"""Header with the instant of the story, in nanoseconds: a simulated service has no other clock."""

IDEMPOTENCY_KEY = "Idempotency-Key"
SENT_AT = "Fabloop-Sent-At"
ARRIVALS_SUFFIX = ".arrivals"
BODY_BYTES_MAX = 1_000_000
READS = frozenset({"GET", "HEAD"})
"""What is asked by these is not taken on, and need not be remembered."""

TROUBLES_MAX = 1_000
SILENCE_S_MAX = 60.0


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The work is done."""

    result: dict[str, object]


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """The work takes time."""

    again_ns: int


class Refusing(msgspec.Struct, frozen=True, kw_only=True):
    """The work is not taken on: not now (503), or not like this (422)."""

    reason: str
    again_ns: int | None = None


Reply = Finished | Pending | Refusing


class Machine(Protocol):
    """What stands behind a server."""

    def ask(self, operation: str, key: str, given: dict[str, object], at: Instant) -> Reply:
        """Begin something, or tell how what has this key stands."""
        ...

    def look(self, key: str, at: Instant) -> Reply:
        """Tell how something stands."""
        ...


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """How the next answer is spoilt, for tests of who has to live with it.

    `kind`: ``error`` (500), ``wrong`` (a list where an object should be), ``garbage`` (no JSON),
    ``silent`` (no answer for `seconds`), ``slow`` (an answer after `seconds`), ``lost`` (done, but
    answered with 500).
    """

    kind: str
    seconds: float = 1.0
    times: int = 1


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a service's own log: a request that came, whatever became of it."""

    operation: str
    method: str
    key: str
    sent_at: Instant
    at: Instant
    permits: str = ""


class PermitCheck(Protocol):
    """What a machine that is wired to the safety controller holds against a command."""

    def against(self, target: Target, carried: str, key: str) -> Awaitable[tuple[Explanation, ...]]:
        """Return all reasons; none: it may be done."""
        ...


class ServedGiven(msgspec.Struct, frozen=True, kw_only=True):
    """What a service process is started with: document, device, and the file of what it took on.

    With a `check` it refuses commands whose permits do not stand.
    """

    name: str
    document: bytes
    make: Callable[[], Machine]
    memory: str
    check: Callable[[], PermitCheck] | None = None


class SimulatedService:
    """The application of one service."""

    def __init__(self, given: ServedGiven) -> None:
        self._given = given
        self._document: dict[str, Any] = json.loads(given.document)
        self._machine = given.make()
        self._check = given.check() if given.check is not None else None
        self._troubles: deque[Trouble] = deque(maxlen=TROUBLES_MAX)
        self._memory = Path(given.memory)
        self._recall()
        self._file = self._memory.open("ab", buffering=0)
        self._arrivals = self._memory.with_suffix(ARRIVALS_SUFFIX).open("ab", buffering=0)
        self.app = Starlette(routes=self._routes())

    def _recall(self) -> None:
        """Ask a new device all that the last one was asked; a line cut short never was answered."""
        if not self._memory.exists():
            return
        whole = b""
        for line in self._memory.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                asked = json.loads(line)
                self._machine.ask(asked["operation"], asked["key"], asked["given"], asked["at"])
                whole += line
        self._memory.write_bytes(whole)

    def _routes(self) -> list[Route]:
        routes = [
            Route("/openapi.json", self._describe, methods=["GET"]),
            Route("/operations/{key}", self._look, methods=["GET"]),
            Route("/_troubles", self._spoil, methods=["POST"]),
        ]
        for path, methods in self._document["paths"].items():
            for method, operation in methods.items():
                routes.append(
                    Route(path, self._endpoint(operation["operationId"]), methods=[method.upper()])
                )
        return routes

    def _endpoint(self, operation: str) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            body = await request.body()
            if len(body) > BODY_BYTES_MAX:
                return _problem(413, f"Expected at most {BODY_BYTES_MAX} bytes.")
            try:
                given = json.loads(body) if body else {}
            except ValueError:
                return _problem(400, "Expected JSON.")
            if not isinstance(given, dict):
                return _problem(400, "Expected a JSON object.")
            given |= dict(request.query_params) | dict(request.path_params)
            at = _time(request)
            key = request.headers.get(IDEMPOTENCY_KEY) or f"{operation}@{at}"
            self._arrived(operation, key, request)
            asks = request.method in READS
            refused = None if asks else await self._refused(operation, key, request, at)
            if refused is not None:
                return refused
            do = self._machine.ask if asks else self._do
            return await self._answered(lambda: do(operation, key, given, at), key)

        return answer

    async def _refused(
        self, operation: str, key: str, request: Request, at: Instant
    ) -> Response | None:
        """Return the answer to a command whose permits do not stand; None where they do."""
        if self._check is None:
            return None
        target = Target(service=ServiceId(self._given.name), operation=OperationName(operation))
        against = await self._check.against(target, request.headers.get(PERMIT_HEADER, ""), key)
        if not against:
            return None
        missing = any(each.code == SafetyCode.PERMIT_MISSING for each in against)
        told = " ".join(f"{each.code}: {sentence(each, at)}" for each in against)
        return _problem(PERMIT_REQUIRED if missing else PERMIT_FAILED, told)

    def _arrived(self, operation: str, key: str, request: Request) -> None:
        """Note in the service's own log what came, and when by the clock on the wall."""
        row = Arrived(
            operation=operation,
            method=request.method,
            key=key,
            sent_at=Instant(int(request.headers.get(SENT_AT, "0"))),
            at=Instant(time.time_ns()),  # noqa: TID251  # a service has its own clock
            permits=request.headers.get(PERMIT_HEADER, ""),
        )
        self._arrivals.write(to_json(row) + b"\n")

    def _do(self, operation: str, key: str, given: dict[str, object], at: Instant) -> Reply:
        """Do something, and keep that it was taken on before anybody hears of it."""
        reply = self._machine.ask(operation, key, given, at)
        if not isinstance(reply, Refusing):
            kept = {"operation": operation, "key": key, "given": given, "at": at}
            self._file.write(to_json(kept) + b"\n")
            os.fsync(self._file.fileno())
        return reply

    async def _describe(self, request: Request) -> Response:
        served = {**self._document, "servers": [{"url": str(request.base_url).rstrip("/")}]}
        return Response(to_json(served), media_type="application/json")

    async def _look(self, request: Request) -> Response:
        key = request.path_params["key"]
        return await self._answered(lambda: self._machine.look(key, _time(request)), key)

    async def _spoil(self, request: Request) -> Response:
        trouble = msgspec.json.decode(await request.body(), type=Trouble)
        self._troubles.extend([trouble] * trouble.times)
        return Response(status_code=204)

    async def _answered(self, do: Callable[[], Reply], key: str) -> Response:
        trouble = self._troubles.popleft() if self._troubles else None
        if trouble is not None and trouble.kind in ("error", "silent"):
            if trouble.kind == "silent":
                await anyio.sleep(min(trouble.seconds, SILENCE_S_MAX))
            return _problem(500, "Something went wrong.")
        response = _response(do(), key)
        match trouble.kind if trouble is not None else "":
            case "wrong":
                return JSONResponse(["not", "what", "was", "promised"])
            case "garbage":
                return Response(b"<html>oops", media_type="text/html")
            case "lost":
                return _problem(500, "It was done, but nobody will hear of it.")
            case "slow":
                assert trouble is not None, "there is a kind where there is trouble"
                await anyio.sleep(min(trouble.seconds, SILENCE_S_MAX))
            case _:
                pass
        return response


def _time(request: Request) -> Instant:
    return Instant(int(request.headers.get(STORY_TIME, "0")))


def _response(reply: Reply, key: str) -> Response:
    match reply:
        case Finished(result=result):
            return Response(to_json(result), media_type="application/json")
        case Pending(again_ns=again_ns):
            headers = {"Location": f"/operations/{key}", **_retry_after(again_ns)}
            return JSONResponse({"state": "under way"}, status_code=202, headers=headers)
        case Refusing(reason=reason, again_ns=again_ns):
            if again_ns is None:
                return _problem(422, reason)
            return _problem(503, reason, _retry_after(again_ns))


def _retry_after(again_ns: int) -> dict[str, str]:
    """Return the header in whole seconds, and not too early."""
    return {"Retry-After": str(max(1, -(-again_ns // SECOND)))}


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Return a problem document (RFC 9457)."""
    body = to_json({"type": "about:blank", "status": status, "detail": detail})
    return Response(body, status, headers, media_type="application/problem+json")
