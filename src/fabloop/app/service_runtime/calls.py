"""One request to a service over HTTP, and what came of it; whatever a service does, it ends."""

import time
from collections.abc import Mapping

import httpx
import msgspec

from fabloop.adapters.openapi.answer import values_of
from fabloop.adapters.openapi.request import IDEMPOTENCY_KEY, request_of
from fabloop.base.errors import Invalid, Unavailable
from fabloop.base.instant import SECOND, Instant
from fabloop.model.explanation import Explanation, SafetyCode
from fabloop.model.service import ServiceDescription, ServiceOperation
from fabloop.run.gate import Gate, call_of, leaving, undeclared
from fabloop.run.permissives import Withheld
from fabloop.run.permits import PERMIT_FAILED, PERMIT_HEADER, PERMIT_REQUIRED, permits_text

TIMEOUT_S = 3.0
"""How long a service may take to say anything."""

AGAIN_S_MAX = 7 * 86_400
"""The longest wait that a service may ask for."""

ANSWER_BYTES_MAX = 4_000_000
SENT_AT = "Fabloop-Sent-At"
"""Header with the real time at which a command left, in nanoseconds."""
CONNECTIONS_MAX = 64
FAULTS_TOLD_MAX = 3
NOT_REACHED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)
"""What is raised before anything was sent."""


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag="answered"):
    """It is done; the result has what was promised, in the promised kinds."""

    result: dict[str, object]


class UnderWay(msgspec.Struct, frozen=True, kw_only=True, tag="under way"):
    """It was taken on; ask at `location` after `again_ns`."""

    location: str
    again_ns: int


class NotNow(msgspec.Struct, frozen=True, kw_only=True, tag="not now"):
    """The service says that it cannot at present; perhaps after `again_ns`."""

    reason: str
    again_ns: int | None


class NotLikeThis(msgspec.Struct, frozen=True, kw_only=True, tag="not like this"):
    """The service says that it cannot do what was asked."""

    reason: str


class NoAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="no answer"):
    """Nothing came, or an error: whether it was done is not known, unless nobody was `reached`."""

    reason: str
    reached: bool = True


class WrongAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="wrong answer"):
    """Something came that is not what the description promises."""

    reason: str


class NotPermitted(msgspec.Struct, frozen=True, kw_only=True, tag="not permitted"):
    """A permissive did not hold at the moment of sending, or no longer when it arrived.

    Nothing was sent, or the service has done nothing.
    """

    reasons: tuple[Explanation, ...]


Came = Answered | UnderWay | NotNow | NotLikeThis | NoAnswer | WrongAnswer | NotPermitted


class Caller:
    """Calls operations at their services; may be used by several threads.

    Parameters
    ----------
    gate : judges every call that is more than a question, as the last thing before it is sent
    """

    def __init__(self, timeout_s: float = TIMEOUT_S, *, gate: Gate = undeclared) -> None:
        self._gate = gate
        limits = httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=None)
        self._client = httpx.Client(timeout=timeout_s, limits=limits, trust_env=False)

    def call(
        self,
        service: ServiceDescription,
        operation: ServiceOperation,
        given: Mapping[str, object],
        key: str,
        headers: Mapping[str, str],
    ) -> Came:
        """Ask for an operation; the same `key` makes it the same request."""
        names = [each.name for each in operation.inputs]
        try:
            made = request_of(service, operation, {n: given[n] for n in names if n in given})
        except Invalid as error:
            return NotLikeThis(reason=str(error))
        sent = {**headers, **made.headers, IDEMPOTENCY_KEY: key}
        if made.body is not None:
            sent["Content-Type"] = "application/json"
        target = call_of(service.id, operation)
        verdict = leaving(self._gate, target, time.monotonic_ns) if target is not None else None
        sent[SENT_AT] = str(time.time_ns())  # noqa: TID251  # real time, whatever the story's
        if isinstance(verdict, Withheld):
            return NotPermitted(reasons=verdict.reasons)
        if verdict is not None and verdict.permits:
            sent[PERMIT_HEADER] = permits_text(verdict.permits)
        try:
            response = self._client.request(
                made.method, made.url, params=made.query or None, content=made.body, headers=sent
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            return NoAnswer(reason=reason, reached=not isinstance(error, NOT_REACHED))
        if response.status_code in (PERMIT_FAILED, PERMIT_REQUIRED):
            details = {"why": _detail(response)}
            code, subject = SafetyCode.PERMIT_REFUSED, str(service.id)
            return NotPermitted(reasons=(Explanation(code=code, subject=subject, details=details),))
        return _read(response, operation)

    def look(
        self, base_url: str, operation: ServiceOperation, location: str, headers: Mapping[str, str]
    ) -> Came:
        """Ask how something that was taken on stands."""
        try:
            response = self._client.get(base_url + location, headers=dict(headers))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return NoAnswer(reason=f"{type(error).__name__}: {error}".rstrip(": "))
        return _read(response, operation)

    def put(self, url: str, body: object) -> None:
        """Put something where it belongs; raises Unavailable."""
        try:
            self._client.put(url, content=msgspec.json.encode(body)).raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(f"Expected to put something at {url}, but {error}.") from error

    def fetch(self, url: str) -> bytes:
        """Return what stands at a URL.

        Raises
        ------
        Unavailable
            Nothing came.
        """
        try:
            return self._client.get(url).raise_for_status().content
        except httpx.HTTPError as error:
            raise Unavailable(f"Expected a document at {url}, but {error}.") from error

    def close(self) -> None:
        """End all connections."""
        self._client.close()


def _read(response: httpx.Response, operation: ServiceOperation) -> Came:
    status = response.status_code
    if status < httpx.codes.BAD_REQUEST and status != httpx.codes.ACCEPTED:
        return _result(response, operation)
    return _otherwise(response, status)


def _otherwise(response: httpx.Response, status: int) -> Came:
    if status == httpx.codes.ACCEPTED:
        location, again = response.headers.get("Location", ""), _again_ns(response)
        if not location.startswith("/"):
            return WrongAnswer(reason="It was taken on, but no place to ask at was named.")
        return UnderWay(location=location, again_ns=again or SECOND)
    if status in (httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS):
        return NotNow(reason=_detail(response), again_ns=_again_ns(response))
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return NoAnswer(reason=f"Status {status}. {_detail(response)}".strip())
    return NotLikeThis(reason=f"{_detail(response)} (status {status})")


def _result(response: httpx.Response, operation: ServiceOperation) -> Came:
    if len(response.content) > ANSWER_BYTES_MAX:
        return WrongAnswer(reason=f"The answer has more than {ANSWER_BYTES_MAX} bytes.")
    values = values_of(operation, response.content, "answer")
    if isinstance(values, dict):
        return Answered(result=values)
    return WrongAnswer(reason="; ".join(each.sentence() for each in values[:FAULTS_TOLD_MAX]))


def _again_ns(response: httpx.Response) -> int | None:
    text = response.headers.get("Retry-After", "")
    if not text.isdigit():
        return None
    return min(int(text), AGAIN_S_MAX) * SECOND


def _detail(response: httpx.Response) -> str:
    try:
        found = response.json()
    except ValueError:
        return ""
    return str(found.get("detail", "")) if isinstance(found, dict) else ""


def story_headers(at: Instant) -> dict[str, str]:
    """Return what tells a simulated service the time."""
    return {"Fabloop-Story-Time": str(at)}
