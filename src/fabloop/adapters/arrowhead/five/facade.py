"""The core systems of Arrowhead 5.2.1 as one ASGI application over one cloud."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import msgspec

from fabloop.adapters.arrowhead.five import wire
from fabloop.adapters.arrowhead.five.authentication import IDENTITY, Authentication
from fabloop.adapters.arrowhead.five.authorization import Authorization
from fabloop.adapters.arrowhead.five.blacklist import BLACKLIST, Blacklisting
from fabloop.adapters.arrowhead.five.calls import Answer, Call, Route, plain, trouble
from fabloop.adapters.arrowhead.five.orchestration import Orchestration
from fabloop.adapters.arrowhead.five.orchestration_management import OrchestrationManagement
from fabloop.adapters.arrowhead.five.registry import Registry
from fabloop.adapters.arrowhead.five.registry_management import RegistryManagement
from fabloop.adapters.arrowhead.five.senders import (
    IdentityPolicy,
    Sender,
    check_welcome,
    sender,
)
from fabloop.adapters.arrowhead.five.settings import Settings
from fabloop.adapters.arrowhead.five.tokens import Tokens
from fabloop.adapters.arrowhead.port import CloudPort
from fabloop.base.errors import Fault, Invalid, NotFound, NotPermitted

BODY_BYTES_MAX = 4 * 2**20
PATH_CHARACTERS_MAX = 4_096

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

SYSTEMS = ("serviceregistry", "serviceorchestration", "consumerauthorization", "authentication",
    "blacklist")  # fmt: skip
_NOBODY = Sender("")
_OPEN = frozenset(f"{IDENTITY}/{word}" for word in ("login", "logout", "change"))
_LOOKUP = "/serviceregistry/service-discovery/lookup"
_LOOKUPS = msgspec.json.Decoder(wire.ServiceQuery)
_log = logging.getLogger(__name__)


class Facade:
    """Answers requests to ServiceRegistry, ServiceOrchestration, ConsumerAuthorization,
    Authentication and Blacklist.

    Parameters
    ----------
    cloud : whom it speaks for
    """

    def __init__(self, cloud: CloudPort, settings: Settings) -> None:
        self._cloud = cloud
        self._settings = settings
        routes = routes_of(settings)
        self._exact = {(each.method, each.path): each for each in routes if not each.tail}
        self._tailed = [each for each in routes if each.tail]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http", "served without lifespan and web sockets"
        origin = f"{scope['method']} {scope['path'][:PATH_CHARACTERS_MAX]}"
        try:
            answer = await self._answer(scope, receive, origin)
        except Exception as error:  # noqa: BLE001  # whatever it is, the sender hears of it
            answer = trouble(error, origin)
            if answer.status >= 500:
                _log.warning("%s: %r", origin, error)
        await _reply(send, answer)

    async def _answer(self, scope: Scope, receive: Receive, origin: str) -> Answer:
        route, tail = self._route(scope["method"], scope["path"])
        body = await _body(receive)
        who = await self._sender(route, scope, body)
        if "/mgmt/" in route.path and not (who.sysop or who.name in self._settings.managers):
            raise NotPermitted("Requester has no management permission")
        query = scope["query_string"]
        call = Call(
            cloud=self._cloud,
            who=who.name,
            sysop=who.sysop,
            origin=origin,
            body=body,
            query=parse_qs(query.decode("latin-1")) if query else {},
            tail=tail,
        )
        return await route.handler(call)

    def _route(self, method: str, path: str) -> tuple[Route, str]:
        route = self._exact.get((method, path.rstrip("/")))
        if route is not None:
            return route, ""
        for each in self._tailed:
            if each.method == method and path.startswith(each.path) and len(path) > len(each.path):
                return each, path[len(each.path) :]
        raise NotFound(f"Expected an operation of 5.2.1, but '{method} {path[:200]}' is none.")

    async def _sender(self, route: Route, scope: Scope, body: bytes) -> Sender:
        """Return who asks; to log in, and to find where, nobody has to say."""
        outsourced = self._settings.policy is IdentityPolicy.OUTSOURCED
        is_open = outsourced and route.path == _LOOKUP and _is_for_identity(body)
        if is_open or route.path in _OPEN:
            return _NOBODY
        who = await sender(self._cloud, self._settings.policy, scope, self._settings.ours)
        if not route.path.startswith(f"{BLACKLIST}/lookup"):
            await check_welcome(self._cloud, who)
        return who

    def operations(self) -> Iterable[str]:
        """Yield what is answered, as method and path."""
        yield from sorted(f"{method} {path}" for method, path in self._exact)
        yield from sorted(f"{each.method} {each.path}..." for each in self._tailed)


def routes_of(settings: Settings) -> list[Route]:
    """Return what is answered, and by whom."""
    return [
        *Registry(settings).routes(),
        *RegistryManagement(settings).routes(),
        *Orchestration(settings).routes(),
        *OrchestrationManagement(settings).routes(),
        *Authorization().routes(),
        *Tokens(settings).routes(),
        *Authentication().routes(),
        *Blacklisting().routes(),
        *(Route("GET", f"/{system}/monitor/echo", _echo) for system in SYSTEMS),
    ]


async def _echo(call: Call) -> Answer:  # noqa: ARG001  # as all handlers
    return plain("Got it!")


def _is_for_identity(body: bytes) -> bool:
    """Whether a lookup is for the identity service alone, as before the first login."""
    try:
        asked = _LOOKUPS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    others = (asked.instance_ids, asked.provider_names)
    return asked.service_definition_names == ["identity"] and not any(others)


async def _body(receive: Receive) -> bytes:
    message = await receive()
    if not message.get("more_body"):
        found: bytes = message.get("body", b"")
        parts = [found]
    else:
        parts = [message.get("body", b"")]
        size = len(parts[0])
        while message.get("more_body"):
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > BODY_BYTES_MAX:
                break
    body = b"".join(parts)
    if len(body) > BODY_BYTES_MAX:
        raise Invalid(
            Fault(source="body", path="", expected=f"at most {BODY_BYTES_MAX} bytes",
                found="more")
        )  # fmt: skip
    return body


async def _reply(send: Send, answer: Answer) -> None:
    headers = [(b"content-length", str(len(answer.body)).encode())]
    if answer.body:
        headers.append((b"content-type", answer.kind))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
