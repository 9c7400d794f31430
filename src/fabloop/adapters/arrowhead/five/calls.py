"""One request to a core system: who sends it, what is in it, how it is answered or refused."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from fabloop.adapters.arrowhead.port import CloudPort
from fabloop.base.errors import (
    Conflict,
    FabloopError,
    Fault,
    Invalid,
    NotFound,
    NotPermitted,
    Refused,
    Unavailable,
)

T = TypeVar("T")
_ENCODER = msgspec.json.Encoder()
JSON = b"application/json"
TEXT = b"text/plain;charset=UTF-8"


class ExceptionType(StrEnum):
    """Kinds of trouble as 5.2.1 names them."""

    AUTH = "AUTH"
    FORBIDDEN = "FORBIDDEN"
    INVALID_PARAMETER = "INVALID_PARAMETER"
    DATA_NOT_FOUND = "DATA_NOT_FOUND"
    LOCKED = "LOCKED"
    EXTERNAL_SERVER_ERROR = "EXTERNAL_SERVER_ERROR"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


class NotAuthenticated(NotPermitted):
    """Nobody knows who sent a request."""

    http_status = 401


class Locked(Conflict):
    """Something is in use and cannot be removed."""

    http_status = 423


class Answer(msgspec.Struct, frozen=True):
    """What goes back: the status, the body, and what kind of body it is."""

    status: int = 200
    body: bytes = b""
    kind: bytes = JSON


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request whose sender is known.

    Attributes
    ----------
    who : the system that sent it; `sysop` may manage
    tail : the rest of the path where a route has one
    origin : method and path, as faults are told
    """

    cloud: CloudPort
    who: str
    sysop: bool
    origin: str
    body: bytes
    query: dict[str, list[str]]
    tail: str = ""

    def read(self, decoder: "msgspec.json.Decoder[T]") -> T:
        """Return the body; raises Invalid where it is none of what is expected."""
        try:
            return decoder.decode(self.body or b"{}")
        except msgspec.ValidationError as error:
            text, _, path = str(error).partition(" - at ")
            expected, _, found = text.removeprefix("Expected ").partition(", got ")
            raise Invalid(
                Fault(source="body", path=path.strip("`"), expected=expected,
                    found=found or "something else")
            ) from error  # fmt: skip
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Invalid(
                Fault(source="body", path="", expected="JSON of few levels", found=str(error))
            ) from error

    def flag(self, name: str) -> bool:
        """Return a parameter of the query that is true or false."""
        return self.query.get(name, ["false"])[0].strip().lower() == "true"

    def several(self, name: str) -> tuple[str, ...]:
        """Return a parameter of the query that may be there more than once, and must be once."""
        found = tuple(
            part for each in self.query.get(name, ()) for part in each.split(",") if part.strip()
        )
        if not found:
            raise Invalid(
                Fault(source="query", path=name, expected="one value at least", found="none")
            )
        return found


Handler = Callable[[Call], Awaitable[Answer]]


class Route(msgspec.Struct, frozen=True):
    """Who answers a method on a path; with `tail` the path goes on."""

    method: str
    path: str
    handler: Handler
    tail: bool = False


def told(value: Any, status: int = 200) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status, _ENCODER.encode(value))


def plain(text: str, status: int = 200) -> Answer:
    """Return an answer with a plain text."""
    return Answer(status, text.encode(), TEXT)


def removed(count: int) -> Answer:
    """Return the answer to a removal: 204 where there was nothing to remove."""
    return Answer(200 if count else 204)


def trouble(error: Exception, origin: str) -> Answer:
    """Return an error as 5.2.1 tells it."""
    status, kind = _kind_of(error)
    if isinstance(error, Invalid):
        message = " ".join(fault.sentence() for fault in error.faults)
    elif isinstance(error, FabloopError):
        message = str(error)
    else:
        message = f"Internal error: {type(error).__name__}."
    body = {
        "errorMessage": message,
        "errorCode": status,
        "exceptionType": kind.value,
        "origin": origin,
    }
    return Answer(status, _ENCODER.encode(body))


def _kind_of(error: Exception) -> tuple[int, ExceptionType]:
    match error:
        case NotAuthenticated():
            return 401, ExceptionType.AUTH
        case NotPermitted():
            return 403, ExceptionType.FORBIDDEN
        case Locked():
            return 423, ExceptionType.LOCKED
        case NotFound():
            return 404, ExceptionType.DATA_NOT_FOUND
        case Invalid() | Refused():
            return 400, ExceptionType.INVALID_PARAMETER
        case Unavailable():
            return 503, ExceptionType.EXTERNAL_SERVER_ERROR
        case _:
            return 500, ExceptionType.INTERNAL_SERVER_ERROR
