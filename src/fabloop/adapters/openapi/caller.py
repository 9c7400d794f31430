"""Calls operations with a time limit, again only where that does no harm, and never twice."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Self

import httpx
import msgspec

from fabloop.adapters.openapi.answer import values_of
from fabloop.adapters.openapi.outcome import Answered, Failed, Failure, Outcome
from fabloop.adapters.openapi.request import IDEMPOTENCY_KEY, Request, request_of
from fabloop.base.errors import Conflict
from fabloop.model.documents.collect import short
from fabloop.model.explanation import SafetyCode
from fabloop.model.service import ServiceDescription, ServiceOperation
from fabloop.run.gate import Gate, call_of, leaving, undeclared
from fabloop.run.permissives import Permitted, Verdict, Withheld
from fabloop.run.permits import PERMIT_FAILED, PERMIT_HEADER, permits_text

ANSWER_BYTES_MAX = 4 * 1024 * 1024
ANSWERS_REMEMBERED_MAX = 10_000
RETRY_AFTER_S_MAX = 60.0
_TOO_MANY, _UNAVAILABLE = 429, 503
_NOT_DECLARED = (SafetyCode.NO_SAFETY_DOCUMENT, SafetyCode.NOT_DECLARED)
_DECLARE = (
    "Say in a document of kind 'safety' what it requires, or why it requires nothing: "
    "`fabloop safety draft` begins one."
)


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait, and how often to try again.

    Attributes
    ----------
    timeout_s : for one attempt as a whole, until the last byte of the answer
    attempts : in all, the first one among them
    backoff_s : pause before the second attempt; each later one is twice as long
    """

    timeout_s: float = 10.0
    attempts: int = 4
    backoff_s: float = 0.25
    backoff_s_max: float = 10.0


class _Wire(msgspec.Struct, frozen=True):
    """What came over the wire in one attempt."""

    status: int
    body: bytes
    retry_after_s: float | None


class _Nothing(msgspec.Struct, frozen=True):
    """Why nothing came in one attempt."""

    failure: Failure
    said: str


class Caller:
    """Calls operations of described services; one may be shared by threads.

    What changes something passes the `gate` before each attempt, a repeated one too. `pause` waits
    between attempts; it is a parameter so that whoever runs us can wake up early.
    """

    def __init__(
        self,
        patience: Patience | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        pause: Callable[[float], object] | None = None,
        verify: Any = True,
        gate: Gate = undeclared,
    ) -> None:
        self._patience = patience or Patience()
        self._client = httpx.Client(trust_env=False, follow_redirects=False, verify=verify)
        self._gate = gate
        self._headers = dict(headers or {})
        self._pause = pause or threading.Event().wait
        self._answered: OrderedDict[tuple[str, str], tuple[Request, Answered]] = OrderedDict()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Return the caller."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def call(
        self,
        service: ServiceDescription,
        operation: ServiceOperation,
        values: Mapping[str, Any],
        *,
        key: str = "",
        patience: Patience | None = None,
    ) -> Outcome:
        """Call an operation; `key` is the same for everything that must happen only once.

        A failed attempt is repeated where that does no harm: the operation is idempotent, or it
        takes an idempotency key and one is given, or the attempt certainly had no effect.

        Raises
        ------
        Invalid
            The values are not what the operation takes; nothing was sent.
        Conflict
            The key was used for a call with other values.
        """
        request = request_of(service, operation, values)
        remembered = self._recall(service, operation, request, key)
        if remembered is not None:
            return remembered
        sent = self._with_headers(request, key)
        outcome = self._tried(service, operation, sent, key, patience or self._patience)
        if key and isinstance(outcome, Answered):
            self._remember((f"{service.id}.{operation.name}", key), request, outcome)
        return outcome

    def _recall(
        self, service: ServiceDescription, operation: ServiceOperation, request: Request, key: str
    ) -> Answered | None:
        if not key:
            return None
        with self._lock:
            found = self._answered.get((f"{service.id}.{operation.name}", key))
        if found is None:
            return None
        before, answer = found
        if before != request:
            raise Conflict(
                f"Expected the values of the first call with the key {key!r} of "
                f"'{service.id}.{operation.name}', but found others. Use another key."
            )
        return msgspec.structs.replace(answer, remembered=True)

    def _remember(self, slot: tuple[str, str], request: Request, answer: Answered) -> None:
        with self._lock:
            self._answered[slot] = (request, answer)
            while len(self._answered) > ANSWERS_REMEMBERED_MAX:
                self._answered.popitem(last=False)

    def _with_headers(self, request: Request, key: str) -> Request:
        headers = {"Accept": "application/json", **self._headers, **request.headers}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers[IDEMPOTENCY_KEY] = key
        return msgspec.structs.replace(request, headers=headers)

    def _tried(
        self,
        service: ServiceDescription,
        operation: ServiceOperation,
        request: Request,
        key: str,
        patience: Patience,
    ) -> Outcome:
        repeatable = operation.idempotent or (bool(key) and _takes_key(operation))
        name = f"{service.id}.{operation.name}"
        happened = False
        for attempt in range(1, patience.attempts + 1):
            verdict = self._verdict(service, operation)
            if isinstance(verdict, Withheld):
                return _withheld(name, verdict, attempt - 1, happened=happened)
            came = self._attempt(_permitted(request, verdict), patience.timeout_s)
            if isinstance(came, _Wire) and 200 <= came.status < 300:
                return _judged(operation, came, name, attempt)
            happened = happened or _may_have_happened(came)
            harmless = repeatable or not happened
            if attempt == patience.attempts or not (harmless and _is_passing(came)):
                return _failed(name, request, came, attempt, happened, patience)
            self._pause(_wait_s(came, attempt, patience))
        raise AssertionError("the last attempt returns")

    def _verdict(self, service: ServiceDescription, operation: ServiceOperation) -> Verdict | None:
        """Ask the gate at the last moment; None where it is no command."""
        target = call_of(service.id, operation)
        return leaving(self._gate, target, time.monotonic_ns) if target is not None else None

    def _attempt(self, request: Request, timeout_s: float) -> _Wire | _Nothing:
        """Send once; the time limit holds for the whole, however slowly bytes drip in."""
        until = time.monotonic() + timeout_s
        try:
            with self._client.stream(
                request.method,
                request.url,
                params=request.query or None,
                headers=request.headers,
                content=request.body,
                timeout=timeout_s,
            ) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > ANSWER_BYTES_MAX:
                        size = ANSWER_BYTES_MAX // 1024
                        return _Nothing(Failure.NOT_AS_DESCRIBED, f"more than {size} KiB")
                    if time.monotonic() > until:
                        return _Nothing(Failure.NEVER_ANSWERED, "half an answer")
                after = response.headers.get("Retry-After", "")
                return _Wire(response.status_code, bytes(body), _seconds(after))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            return _Nothing(Failure.UNREACHABLE, _said(error))
        except httpx.TimeoutException:
            return _Nothing(Failure.NEVER_ANSWERED, "no answer")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _Nothing(Failure.NEVER_ANSWERED, _said(error))


def _permitted(request: Request, verdict: Permitted | None) -> Request:
    """Return a request with the permits that its controllers have granted for this attempt."""
    if verdict is None or not verdict.permits:
        return request
    headers = {**request.headers, PERMIT_HEADER: permits_text(verdict.permits)}
    return msgspec.structs.replace(request, headers=headers)


def _takes_key(operation: ServiceOperation) -> bool:
    return any(
        each.place == "header" and each.name.lower() == IDEMPOTENCY_KEY.lower()
        for each in operation.inputs
    )


def _is_passing(came: _Wire | _Nothing) -> bool:
    """Tell whether it may go better another time."""
    if isinstance(came, _Nothing):
        return came.failure in (Failure.UNREACHABLE, Failure.NEVER_ANSWERED)
    return came.status >= 500 or came.status in (_TOO_MANY, PERMIT_FAILED)


def _may_have_happened(came: _Wire | _Nothing) -> bool:
    """Tell whether the operation may have been carried out in spite of all."""
    if isinstance(came, _Nothing):
        return came.failure is not Failure.UNREACHABLE
    put_off = came.status == _UNAVAILABLE and came.retry_after_s is not None
    return came.status >= 500 and not put_off


def _wait_s(came: _Wire | _Nothing, attempt: int, patience: Patience) -> float:
    told = came.retry_after_s if isinstance(came, _Wire) else None
    own: float = min(patience.backoff_s_max, patience.backoff_s * 2.0 ** (attempt - 1))
    return own if told is None else min(max(own, told), RETRY_AFTER_S_MAX)


def _seconds(text: str) -> float | None:
    return float(text) if text.isdigit() else None


def _said(error: Exception) -> str:
    return short(str(error)) or type(error).__name__


def _judged(operation: ServiceOperation, came: _Wire, name: str, attempt: int) -> Outcome:
    values = values_of(operation, came.body, f"answer of {name}")
    if isinstance(values, dict):
        return Answered(values=values, status=came.status, attempts=attempt)
    first = values[0]
    more = f" ({len(values) - 1} more faults)" if len(values) > 1 else ""
    return Failed(
        failure=Failure.NOT_AS_DESCRIBED,
        message=f"{first.sentence()}{more} Tell its provider, or choose another service.",
        attempts=attempt,
        may_have_happened=True,
        status=came.status,
        faults=values,
    )


def _withheld(name: str, held: Withheld, attempts: int, *, happened: bool) -> Failed:
    told = "; ".join(f"{each.code} {each.subject}" for each in held.reasons)
    undeclared_yet = any(each.code in _NOT_DECLARED for each in held.reasons)
    return Failed(
        failure=Failure.WITHHELD,
        message=f"{name}: Expected its permissives to hold, but found: {told}. "
        + (_DECLARE if undeclared_yet else "See that they do."),
        attempts=attempts,
        may_have_happened=happened,
        reasons=held.reasons,
    )


def _failed(
    name: str,
    request: Request,
    came: _Wire | _Nothing,
    attempt: int,
    happened: bool,
    patience: Patience,
) -> Failed:
    if isinstance(came, _Nothing):
        failure, status = came.failure, None
        expected, found = _of_nothing(came, request, patience)
    else:
        failure, status = _of_status(came.status), came.status
        expected = f"'{name}' to answer with success"
        text = short(came.body[:200].decode(errors="replace").strip())
        found = f"status {came.status}" + (f": {text}" if text else "")
    tries = "once" if attempt == 1 else f"{attempt} times"
    hint = (
        "Whether it was carried out is not known: look before you try again."
        if happened
        else "Nothing was carried out."
    )
    return Failed(
        failure=failure,
        message=f"{name}: Expected {expected}, but found {found} (tried {tries}). {hint}",
        attempts=attempt,
        may_have_happened=happened,
        status=status,
    )


def _of_nothing(came: _Nothing, request: Request, patience: Patience) -> tuple[str, str]:
    match came.failure:
        case Failure.UNREACHABLE:
            return f"a service at {request.url}", f"nobody ({came.said})"
        case Failure.NOT_AS_DESCRIBED:
            return f"an answer of at most {ANSWER_BYTES_MAX // 1024} KiB", came.said
        case _:
            return f"an answer within {patience.timeout_s:g} s", came.said


def _of_status(status: int) -> Failure:
    return Failure.OUT_OF_ORDER if status >= 500 else Failure.REFUSED
