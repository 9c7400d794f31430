"""A client of a local cloud of 4.6.2: what systems, providers, consumers and operators ask of it.

It shows the certificate of its identity and checks those of the core systems; without one it
speaks plain HTTP, as clouds do that run without security.
"""

from collections.abc import Mapping
from typing import Any, Self, TypeVar

import httpx
import msgspec

from fabloop.adapters.arrowhead.four import steps, wire
from fabloop.adapters.arrowhead.mtls import Identity, client_context
from fabloop.base.errors import (
    Broken,
    Fault,
    Invalid,
    NotFound,
    NotPermitted,
    Refused,
    Unavailable,
)

T = TypeVar("T")

TIMEOUT_S = 10.0
BODY_BYTES_MAX = 16 * 2**20

PORTS = {
    "serviceregistry": 8443,
    "authorization": 8445,
    "orchestrator": 8441,
    "eventhandler": 8455,
    "choreographer": 8457,
}
"""The core systems with the ports that they listen at where nothing else is told."""


class FourClient:
    """Speaks to the core systems of one cloud.

    Parameters
    ----------
    urls : the base address by core system (a name of `PORTS`); ``""`` is for all not named
    identity : None for a cloud without security
    """

    def __init__(
        self,
        urls: Mapping[str, str],
        identity: Identity | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._urls = {name: urls.get(name, urls.get("", "")).rstrip("/") for name in PORTS}
        verify = client_context(identity) if identity is not None else True
        self._http = httpx.Client(verify=verify, timeout=timeout_s, trust_env=False)

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def echo(self, core: str) -> bool:
        """Tell whether a core system is there."""
        return self._call("GET", core, "/echo") == wire.GOT_IT.encode()

    # -- service registry -------------------------------------------------------------------

    def register(self, offer: wire.RegistryRequest) -> wire.RegistryResponse:
        """Register an offer; raises Invalid where it is there already."""
        return self._ask("serviceregistry", "/register", offer, wire.RegistryResponse)

    def unregister(self, definition: str, system: wire.SystemRequest, uri: str = "") -> None:
        """Take an offer back."""
        query = {
            "service_definition": definition, "system_name": system.system_name,
            "address": system.address, "port": str(system.port), "service_uri": uri,
        }  # fmt: skip
        self._call("DELETE", "serviceregistry", "/unregister", query=query)

    def query(self, form: wire.QueryForm) -> wire.QueryResult:
        """Return the offers that meet a query."""
        return self._ask("serviceregistry", "/query", form, wire.QueryResult)

    def register_system(self, system: wire.SystemRequest) -> wire.SystemResponse:
        """Register a system that offers nothing."""
        return self._ask("serviceregistry", "/register-system", system, wire.SystemResponse)

    # -- authorisation ----------------------------------------------------------------------

    def public_key(self) -> str:
        """Return the key of the authorisation system, base 64 of its DER form."""
        return self._call("GET", "authorization", "/publickey").decode().strip().strip('"')

    def token(self, wish: wire.TokenRequest) -> wire.TokenResponse:
        """Return tokens; for core systems only."""
        return self._ask("authorization", "/token", wish, wire.TokenResponse)

    def check(self, wish: wire.CheckRequest) -> wire.CheckResponse:
        """Return which providers a consumer may use; for core systems only."""
        return self._ask("authorization", "/intracloud/check", wish, wire.CheckResponse)

    def allow(self, rules: wire.RuleRequest) -> None:
        """Add rules; for the operator only."""
        self._call("POST", "authorization", "/mgmt/intracloud", rules)

    # -- orchestrator -----------------------------------------------------------------------

    def orchestrate(self, wish: wire.OrchestrationRequest) -> list[wire.OrchestrationResult]:
        """Return to whom a consumer is bound; nothing where nobody suits."""
        found = self._ask("orchestrator", "/orchestration", wish, wire.OrchestrationResponse)
        return found.response

    def store(self, rules: list[wire.FlexibleRule]) -> None:
        """Add rules to the store; for the operator only."""
        self._call("POST", "orchestrator", "/store/flexible", rules)

    # -- event handler ----------------------------------------------------------------------

    def subscribe(self, wish: wire.SubscriptionRequest) -> None:
        """Hear of events from now on; the same again changes nothing."""
        self._call("POST", "eventhandler", "/subscribe", wish)

    def unsubscribe(self, event_type: str, subscriber: wire.SystemRequest) -> None:
        """Hear of events of a type no more."""
        query = {
            "event_type": event_type, "subscriber_name": subscriber.system_name,
            "subscriber_address": subscriber.address, "subscriber_port": str(subscriber.port),
        }  # fmt: skip
        self._call("DELETE", "eventhandler", "/unsubscribe", query=query)

    def publish(self, event: wire.PublishRequest) -> None:
        """Tell of an event."""
        self._call("POST", "eventhandler", "/publish", event)

    # -- choreographer ----------------------------------------------------------------------

    def register_executor(self, executor: steps.ExecutorRequest) -> steps.ExecutorResponse:
        """Offer to carry out steps."""
        return self._ask("choreographer", "/executor/register", executor, steps.ExecutorResponse)

    def unregister_executor(self, address: str, port: int, base_uri: str = "") -> None:
        """Carry out steps no more."""
        query = {
            "executor_address": address, "executor_port": str(port), "executor_base_uri": base_uri
        }  # fmt: skip
        self._call("DELETE", "choreographer", "/executor/unregister", query=query)

    def notify_step_done(self, result: steps.StepResult) -> None:
        """Tell what became of a step."""
        self._call("POST", "choreographer", "/executor/notify-step-done", result)

    def add_plan(self, plan: steps.PlanRequest) -> int:
        """Add a plan; return its id."""
        return self._ask("choreographer", "/mgmt/plan", plan, _Numbered).id

    def start_sessions(self, runs: list[steps.RunRequest]) -> list[steps.RunResponse]:
        """Have plans carried out."""
        return self._ask("choreographer", "/mgmt/session/start", runs, list[steps.RunResponse])

    def abort_session(self, session: int) -> None:
        """Have a session end."""
        self._call("DELETE", "choreographer", f"/mgmt/session/abort/{session}")

    # -- requests ---------------------------------------------------------------------------

    def _ask(self, core: str, path: str, body: object, kind: type[T]) -> T:
        data = self._call("POST", core, path, body)
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.DecodeError as error:
            raise Broken(
                f"Expected an answer of 4.6.2 from {self._urls[core]}/{core}{path}, but {error}."
            ) from error

    def _call(
        self,
        method: str,
        core: str,
        path: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
    ) -> bytes:
        url = f"{self._urls[core]}/{core}{path}"
        content = msgspec.json.encode(body) if body is not None else None
        headers = {"content-type": "application/json"} if content is not None else {}
        try:
            answer = self._http.request(method, url, content=content, headers=headers, params=query)
        except httpx.HTTPError as error:
            what = str(error) or type(error).__name__
            raise Unavailable(
                f"Expected {url} to answer, but {what}. Look whether the cloud runs."
            ) from error
        if answer.is_success and len(answer.content) <= BODY_BYTES_MAX:
            return answer.content
        raise _refusal(url, answer)


class _Numbered(msgspec.Struct, frozen=True):
    id: int


_BY_STATUS: dict[int, type[Refused | Unavailable]] = {
    401: NotPermitted, 403: NotPermitted, 404: NotFound, 502: Unavailable, 503: Unavailable,
    504: Unavailable,
}  # fmt: skip


def _refusal(url: str, answer: httpx.Response) -> Exception:
    """Return the error that a refusal means."""
    try:
        told: Any = msgspec.json.decode(answer.content, type=wire.ErrorMessage)
        text = told.error_message
    except msgspec.DecodeError:
        text = f"status {answer.status_code} without a reason"
    if answer.status_code == 400:
        return Invalid(Fault(source=url, path="", expected="a request it can serve", found=text))
    if answer.is_success:
        return Broken(f"Expected at most {BODY_BYTES_MAX} bytes from {url}, but found more.")
    kind = _BY_STATUS.get(answer.status_code)
    sentence = f"Expected {url} to do it, but it says: {text}"
    return kind(sentence) if kind is not None else Broken(sentence)
