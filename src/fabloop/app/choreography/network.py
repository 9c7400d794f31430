"""How choreographer and executors speak to others over HTTP, with their certificates."""

import time
from collections.abc import Callable
from typing import Self

import httpx
import msgspec

from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.adapters.arrowhead.four.client import FourClient
from fabloop.adapters.arrowhead.four.executor import Task, Withdrawal
from fabloop.adapters.arrowhead.mtls import Identity, client_context
from fabloop.app.choreography.ports import PROGRESS_EVENT, STEP_KEY
from fabloop.base.errors import FabloopError, NotPermitted, Refused, Unavailable
from fabloop.base.instant import Clock
from fabloop.model.ids import OperationName, ServiceId
from fabloop.model.safety import Target
from fabloop.run.gate import Gate, leaving, undeclared
from fabloop.run.permissives import Withheld
from fabloop.run.permits import PERMIT_HEADER, permits_text
from fabloop.services.cloud.choreography import Executor

TIMEOUT_S = 5.0
"""For whoever is told something: it answers at once and works aside."""


class Line:
    """Posts JSON to whoever is to hear it.

    Parameters
    ----------
    declared : the name that we say to have where there are no certificates
    """

    def __init__(self, identity: Identity | None, declared: str = "") -> None:
        self.scheme = "https" if identity is not None else "http"
        verify = client_context(identity) if identity is not None else True
        said = {"authorization": f"Bearer SYSTEM//{declared}"} if declared else {}
        self._http = httpx.Client(verify=verify, timeout=TIMEOUT_S, trust_env=False, headers=said)

    def post(
        self,
        url: str,
        body: object,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes:
        """Tell something, and return what is answered; raises as `call`."""
        return self.call("POST", url, body, query=query, headers=headers)

    def call(
        self,
        method: str,
        url: str,
        body: object = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes:
        """Return the answer to a request.

        Raises
        ------
        Unavailable
            Nobody answers.
        Refused
            Somebody does, but does not want it.
        """
        content = msgspec.json.encode(body) if body is not None else None
        said = {"content-type": "application/json", **(headers or {})}
        try:
            answer = self._http.request(method, url, content=content, headers=said, params=query)
        except httpx.HTTPError as error:
            what = str(error) or type(error).__name__
            raise Unavailable(f"Expected {url} to answer, but {what}.") from error
        if not answer.is_success:
            raise Refused(
                f"Expected {url} to take it, but it answers {answer.status_code}: "
                f"{answer.text[:200]}"
            )
        return answer.content

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class NetworkHands:
    """Reaches executors where they registered."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def start(self, executor: Executor, wish: steps.ExecuteRequest) -> None:
        """Hand over a step."""
        self._line.post(self._url(executor, "start"), wish)

    def abort(self, executor: Executor, wish: steps.AbortRequest) -> None:
        """Take a step back."""
        self._line.post(self._url(executor, "abort"), wish)

    def _url(self, executor: Executor, what: str) -> str:
        base = executor.base_uri.strip("/")
        path = f"{base}/{what}" if base else what
        return f"{self._line.scheme}://{executor.address}:{executor.port}/{path}"


def notify_sessions(
    line: Line, trouble: Callable[[FabloopError], None]
) -> Callable[[str, steps.SessionNotice], None]:
    """Return what tells of ended sessions, once: who wants to be sure asks for them."""

    def notify(url: str, notice: steps.SessionNotice) -> None:
        try:
            line.post(url, notice)
        except FabloopError as error:
            trouble(error)

    return notify


class NetworkSpeech:
    """How an executor speaks: to application systems, to the event handler, to its choreographer.

    Parameters
    ----------
    own : how it tells of itself
    gate : judges each task before it leaves
    """

    def __init__(
        self,
        line: Line,
        cloud: FourClient,
        own: wire.SystemRequest,
        clock: Clock,
        *,
        gate: Gate = undeclared,
    ) -> None:
        self._gate = gate
        self._line = line
        self._cloud = cloud
        self._own = own
        self._clock = clock

    def execute(self, result: wire.OrchestrationResult, task: Task) -> None:
        """Send a task to where the offer is reached, with its token where it has one.

        Raises
        ------
        NotPermitted
            A permissive of the provider does not hold; nothing was sent.
        """
        provider = result.provider
        operation = OperationName(task.service)
        url, token = _reached(result)
        permits = self._judge(Target(service=ServiceId(provider.system_name), operation=operation))
        headers = {PERMIT_HEADER: permits} if permits else None
        self._line.post(url, task, query={"token": token} if token else None, headers=headers)

    def withdraw(self, result: wire.OrchestrationResult, withdrawal: Withdrawal) -> None:
        """Tell that a task is no longer wanted; no permissive is asked to stop something."""
        url, token = _reached(result)
        self._line.post(f"{url}/abort", withdrawal, query={"token": token} if token else None)

    def _judge(self, target: Target) -> str:
        """Return the permits that a task carries, as one line."""
        verdict = leaving(self._gate, target, time.monotonic_ns)
        if isinstance(verdict, Withheld):
            told = "; ".join(f"{each.code} {each.subject}" for each in verdict.reasons)
            raise NotPermitted(
                f"Expected the permissives of '{target.name}' to hold, but found: {told}. See that "
                "they do, and begin the step again."
            )
        return permits_text(verdict.permits)

    def progress(self, session: int, step: int) -> None:
        """Publish that a step goes on."""
        metadata = {STEP_KEY: str(step), "sessionId": str(session)}
        self._cloud.publish(
            wire.PublishRequest(
                event_type=PROGRESS_EVENT,
                source=self._own,
                meta_data=metadata,
                payload="",
                time_stamp=wire.write_instant(self._clock.now()),
            )
        )

    def done(self, result: steps.StepResult) -> None:
        """Tell the choreographer the end of a step."""
        self._cloud.notify_step_done(result)


def _reached(result: wire.OrchestrationResult) -> tuple[str, str]:
    """Return where an offer is reached, and the token to show there; empty for none."""
    provider = result.provider
    names = [each.interface_name for each in result.interfaces]
    safe = not any("-INSECURE-" in name for name in names)
    path = (result.service_uri or "").strip("/")
    url = f"{'https' if safe else 'http'}://{provider.address}:{provider.port}/{path}"
    tokens = result.authorization_tokens or {}
    return url, next((tokens[name] for name in names if name in tokens), "")
