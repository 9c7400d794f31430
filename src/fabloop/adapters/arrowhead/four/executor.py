"""The executor's side: what a choreographer asks of it, and application systems report to it."""

from typing import Protocol

import msgspec
from starlette.applications import Starlette

from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.adapters.arrowhead.four.answers import Asked, route
from fabloop.adapters.arrowhead.mtls import Peer, check_sender, sender_of


class TaskReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an application system tells of its task: RUNNING, or a status that ends a step."""

    session_id: int
    session_step_id: int
    status: str
    message: str = ""


class Task(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an application system is asked to do.

    Attributes
    ----------
    idempotency_key : the same for the same work: who has done it does not do it again
    report_uri : where reports are posted to
    """

    session_id: int
    session_step_id: int
    service: str
    quantity: int = 1
    parameters: dict[str, str] = {}
    idempotency_key: str = ""
    report_uri: str = ""


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A task is no longer wanted."""

    session_id: int
    session_step_id: int
    idempotency_key: str


class Carrier(Protocol):
    """Who carries out steps."""

    def info(self, asked: steps.ServiceInfoRequest) -> steps.ServiceInfoResponse:
        """Return what a service needs; raises NotFound for one that is not carried out here."""
        ...

    def start(self, wish: steps.ExecuteRequest) -> None:
        """Take a step; its end is told later."""
        ...

    def abort(self, wish: steps.AbortRequest) -> None:
        """Stop a step."""
        ...

    def report(self, told: TaskReport, sender: Peer | None) -> None:
        """Hear of a task."""
        ...


def executor_app(carrier: Carrier, base_uri: str = "", choreographer: str = "") -> Starlette:
    """Return the application of an executor that is registered with that base URI.

    Steps are taken from the system whose certificate has the common name `choreographer`.
    """

    def info(asked: Asked) -> steps.ServiceInfoResponse:
        return carrier.info(asked.body(steps.ServiceInfoRequest))

    def start(asked: Asked) -> None:
        check_sender(asked.scope, choreographer)
        carrier.start(asked.body(steps.ExecuteRequest))

    def abort(asked: Asked) -> None:
        check_sender(asked.scope, choreographer)
        carrier.abort(asked.body(steps.AbortRequest))

    def report(asked: Asked) -> None:
        carrier.report(asked.body(TaskReport), sender_of(asked.scope))

    base = "/" + base_uri.strip("/") if base_uri.strip("/") else ""
    return Starlette(
        routes=[
            route("GET", f"{base}/echo", lambda _: wire.GOT_IT),
            route("POST", f"{base}/service-info", info),
            route("POST", f"{base}/start", start),
            route("POST", f"{base}/abort", abort),
            route("POST", f"{base}/report", report),
        ]
    )
