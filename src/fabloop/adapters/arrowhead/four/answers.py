"""Requests and answers of 4.6.2: bodies read, refusals written with their type and origin."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from fabloop.adapters.arrowhead.four.wire import ErrorMessage
from fabloop.base.errors import (
    Broken,
    FabloopError,
    Fault,
    Invalid,
    NotFound,
    NotPermitted,
    Refused,
    Unavailable,
)

T = TypeVar("T")

BODY_BYTES_MAX = 4 * 2**20
JSON = "application/json"

Handler = Callable[["Asked"], object]
"""Answers a request with what is to be written as JSON; None writes nothing. It may block."""


class Asked:
    """A request with its whole body."""

    def __init__(self, request: Request, body: bytes) -> None:
        self.request = request
        self.scope = request.scope
        self._body = body

    def body(self, kind: type[T]) -> T:
        """Return what the body says; raises Invalid where it says something else."""
        try:
            return msgspec.json.decode(self._body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid(
                Fault(source="request", path="", expected="the fields of 4.6.2", found=str(error))
            ) from error

    def query(self, name: str, *, default: str | None = None) -> str:
        """Return a parameter; raises Invalid where it is missing and has no default."""
        found = self.request.query_params.get(name, default)
        if found is None:
            raise Invalid(
                Fault(source="request", path=name, expected="a query parameter", found="none")
            )
        return found

    def number(self, name: str) -> int:
        """Return a number of path or query; raises Invalid where it is none."""
        text = str(self.request.path_params.get(name) or self.query(name))
        if not text.isdecimal() or len(text) > 18:
            expected = "a number greater than 0"
            raise Invalid(Fault(source="request", path=name, expected=expected, found=repr(text)))
        return int(text)


def route(method: str, path: str, handler: Handler, *, status: int = 200) -> Route:
    """Return a route whose handler runs in a thread, and whose errors are those of 4.6.2."""

    async def endpoint(request: Request) -> Response:
        origin = f"{method} {path}"
        try:
            body = await _body(request)
            told = await asyncio.to_thread(handler, Asked(request, body))
        except FabloopError as error:
            return refusal(error, origin)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:  # noqa: BLE001  # one request must not end the server
            return refusal(Broken(f"Expected an answer, but {type(error).__name__}."), origin)
        return _response(told, status)

    return Route(path, endpoint, methods=[method])


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            expected = f"at most {BODY_BYTES_MAX} bytes"
            raise Invalid(Fault(source="request", path="", expected=expected, found="more"))
        parts.append(chunk)
    return b"".join(parts)


def _response(told: object, status: int) -> Response:
    match told:
        case Response():
            return told
        case None:
            return Response(status_code=status)
        case str():
            return Response(told, status, media_type="text/plain")
        case _:
            return Response(msgspec.json.encode(told), status, media_type=JSON)


def refusal(error: FabloopError, origin: str) -> Response:
    """Return what 4.6.2 writes for an error."""
    status, kind = _kind_of(error)
    body = ErrorMessage(
        error_message=str(error), error_code=status, exception_type=kind, origin=origin
    )
    return Response(msgspec.json.encode(body), status, media_type=JSON)


def _kind_of(error: FabloopError) -> tuple[int, str]:
    match error:
        case Invalid():
            return 400, "BAD_PAYLOAD"
        case NotPermitted():
            return 401, "AUTH"
        case NotFound():
            return 404, "DATA_NOT_FOUND"
        case Refused():
            return 400, "INVALID_PARAMETER"
        case Unavailable():
            return 503, "UNAVAILABLE"
        case _:
            return 500, "ARROWHEAD"


def paged(request: Request, entries: list[Any]) -> dict[str, object]:
    """Return a page of entries as management lists have it."""
    page = request.query_params.get("page")
    size = request.query_params.get("item_per_page")
    if page is None and size is None:
        return {"data": entries, "count": len(entries)}
    if page is None or size is None or not (page + size).isdecimal() or int(size) < 1:
        expected = "page from 0 and item_per_page from 1, both or none"
        raise Invalid(
            Fault(source="request", path="page", expected=expected, found=f"{page}, {size}")
        )
    begin = int(page) * int(size)
    return {"data": entries[begin : begin + int(size)], "count": len(entries)}
