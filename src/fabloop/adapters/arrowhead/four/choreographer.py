"""The choreographer's interface of 4.6.2: plans, sessions, executors, and what they report."""

from typing import Protocol

import msgspec
from starlette.routing import Route

from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.adapters.arrowhead.four.answers import Asked, paged, route
from fabloop.adapters.arrowhead.four.store import check_operator, check_speaker
from fabloop.adapters.arrowhead.mtls import Peer, check_sender, sender_of
from fabloop.base.errors import NotFound

ROOT = "/choreographer"
NOTIFY = f"{ROOT}/notify"
"""Where the event handler delivers what the choreographer has subscribed to."""


class PlanResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A plan as the choreographer knows it."""

    id: int
    name: str
    first_action_name: str
    actions: list[steps.ActionRequest]
    created_at: str
    updated_at: str


class SessionResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A session as the choreographer knows it."""

    id: int
    plan_id: int
    plan_name: str
    status: steps.SessionStatus
    quantity_goal: int = 1
    started_at: str = ""


class Choreographer(Protocol):
    """Who carries out plans with the executors and application systems of a cloud."""

    def add_plan(self, plan: steps.PlanRequest) -> PlanResponse:
        """Take a plan; raises Invalid with all that is wrong, Conflict for a name that is taken."""
        ...

    def plans(self) -> list[PlanResponse]:
        """Return all plans."""
        ...

    def drop_plan(self, plan: int) -> None:
        """Forget a plan; raises NotFound."""
        ...

    def start(self, runs: list[steps.RunRequest], peer: Peer | None) -> list[steps.RunResponse]:
        """Begin sessions; why one could not begin stands in its answer."""
        ...

    def abort(self, session: int) -> None:
        """End a session; raises NotFound."""
        ...

    def sessions(self) -> list[SessionResponse]:
        """Return the sessions that are known."""
        ...

    def register(self, executor: steps.ExecutorRequest) -> steps.ExecutorResponse:
        """Take an executor; the same again replaces it."""
        ...

    def unregister(self, address: str, port: int, base_uri: str) -> None:
        """Forget an executor; one that is unknown counts for nothing."""
        ...

    def executors(self) -> list[steps.ExecutorResponse]:
        """Return all executors."""
        ...

    def step_done(self, result: steps.StepResult, peer: Peer | None) -> None:
        """Hear what became of a step; what is late or doubled counts for nothing."""
        ...

    def heard(self, event: wire.EventMessage) -> None:
        """Hear of an event."""
        ...


def choreographer_routes(desk: Choreographer, event_handler: str = "") -> list[Route]:
    """Return the routes of a choreographer; management is for operators where TLS is used.

    Events are taken from the system whose certificate has the common name `event_handler`.
    """

    def heard(asked: Asked) -> None:
        check_sender(asked.scope, event_handler)
        desk.heard(asked.body(wire.EventMessage))

    def add_plan(asked: Asked) -> PlanResponse:
        check_operator(asked)
        return desk.add_plan(asked.body(steps.PlanRequest))

    def plans(asked: Asked) -> dict[str, object]:
        check_operator(asked)
        return paged(asked.request, desk.plans())

    def plan(asked: Asked) -> PlanResponse:
        check_operator(asked)
        return _one(desk.plans(), asked.number("id"))

    def drop_plan(asked: Asked) -> None:
        check_operator(asked)
        desk.drop_plan(asked.number("id"))

    def manage(asked: Asked) -> list[steps.RunResponse]:
        check_operator(asked)
        return desk.start(asked.body(list[steps.RunRequest]), sender_of(asked.scope))

    def start(asked: Asked) -> steps.RunResponse:
        run = asked.body(steps.RunRequest)
        return desk.start([run], sender_of(asked.scope))[0]

    def abort(asked: Asked) -> None:
        check_operator(asked)
        desk.abort(asked.number("id"))

    def sessions(asked: Asked) -> dict[str, object]:
        check_operator(asked)
        return paged(asked.request, desk.sessions())

    return [
        route("GET", f"{ROOT}/echo", lambda _: wire.GOT_IT),
        route("POST", f"{ROOT}/mgmt/plan", add_plan, status=201),
        route("GET", f"{ROOT}/mgmt/plan", plans),
        route("GET", f"{ROOT}/mgmt/plan/{{id}}", plan),
        route("DELETE", f"{ROOT}/mgmt/plan/{{id}}", drop_plan),
        route("POST", f"{ROOT}/mgmt/session/start", manage, status=201),
        route("POST", f"{ROOT}/session/start", start, status=201),
        route("DELETE", f"{ROOT}/mgmt/session/abort/{{id}}", abort),
        route("GET", f"{ROOT}/mgmt/sessions", sessions),
        *_executor_routes(desk),
        route("POST", NOTIFY, heard),
    ]


def _executor_routes(desk: Choreographer) -> list[Route]:
    def register(asked: Asked) -> steps.ExecutorResponse:
        wish = asked.body(steps.ExecutorRequest)
        check_speaker(asked, wish.system.system_name)
        return desk.register(wish)

    def unregister(asked: Asked) -> None:
        client = asked.request.client
        address = asked.query("executor_address", default=client.host if client else "")
        base_uri = asked.query("executor_base_uri", default="")
        desk.unregister(address, asked.number("executor_port"), base_uri)

    def manage(asked: Asked) -> dict[str, object]:
        check_operator(asked)
        return paged(asked.request, desk.executors())

    def step_done(asked: Asked) -> None:
        desk.step_done(asked.body(steps.StepResult), sender_of(asked.scope))

    return [
        route("POST", f"{ROOT}/executor/register", register, status=201),
        route("DELETE", f"{ROOT}/executor/unregister", unregister),
        route("GET", f"{ROOT}/mgmt/executors", manage),
        route("POST", f"{ROOT}/executor/notify-step-done", step_done),
    ]


def _one(plans: list[PlanResponse], number: int) -> PlanResponse:
    found = next((each for each in plans if each.id == number), None)
    if found is None:
        raise NotFound(f"Expected a plan with id {number}, but there is none.")
    return found
