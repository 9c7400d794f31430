"""A client of a local cloud of 5.2.1: the same that the embedded cloud offers its systems."""

import ssl
from collections.abc import Sequence
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from fabloop.adapters.arrowhead.five.heard import (
    bound_heard,
    filter_told,
    interface_told,
    offer_heard,
    pass_heard,
    policy_told,
    subscription_told,
)
from fabloop.adapters.arrowhead.five.shapes import (
    Entries,
    GrantOut,
    OrchestrationOut,
    ServiceOut,
    TokenTold,
)
from fabloop.adapters.arrowhead.five.told import form_out
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
from fabloop.services.cloud.authorise import Access, GrantEntry
from fabloop.services.cloud.locks import LockEntry
from fabloop.services.cloud.lookups import ServiceFilter
from fabloop.services.cloud.orchestrate import Bound
from fabloop.services.cloud.port import Pass, PassWish, Shown, Told
from fabloop.services.cloud.push import SubscriptionEntry
from fabloop.services.cloud.records import Form, TargetType
from fabloop.services.cloud.registry import ServiceEntry, SystemEntry
from fabloop.services.cloud.times import iso

T = TypeVar("T")
ANSWER_S_MAX = 10.0
_REGISTRY = "serviceregistry"
_ORCHESTRATION = "serviceorchestration"
_AUTHORIZATION = "consumerauthorization"
_AUTHENTICATION = "authentication"
_BLACKLIST = "blacklist"
_LOCKS = f"/{_ORCHESTRATION}/orchestration/mgmt/lock"


class Verified(msgspec.Struct, frozen=True, rename="camel"):
    """What is told of a token that was shown."""

    verified: bool
    consumer: str = ""
    target_type: TargetType = TargetType.SERVICE_DEF
    target: str = ""
    scope: str = ""


class Registered(msgspec.Struct, frozen=True, rename="camel"):
    """What is told of an offer that was registered."""

    instance_id: str


class Session(msgspec.Struct, frozen=True, rename="camel"):
    """An identity token."""

    token: str


class Trouble(msgspec.Struct, frozen=True, rename="camel"):
    """An error as 5.2.1 tells it."""

    error_message: str = ""
    exception_type: str = ""
    origin: str | None = None


class FiveClient:
    """Speaks for one system to the core systems of a cloud (`services.cloud.port.LocalCloud`).

    Parameters
    ----------
    url : of the core systems
    system : how it calls itself, where the cloud believes that (policy ``declared``)
    context : TLS with the system's certificate, where the cloud asks for it
    urls : of single core systems that answer elsewhere, by their first part of a path
        (``serviceorchestration``)
    """

    def __init__(
        self,
        url: str,
        system: str,
        *,
        context: ssl.SSLContext | None = None,
        urls: dict[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._urls = {name: each.rstrip("/") for name, each in (urls or {}).items()}
        self._said = f"SYSTEM//{system}"
        self._client = httpx.Client(
            timeout=ANSWER_S_MAX, verify=context or True, transport=transport, trust_env=False
        )

    def close(self) -> None:
        """End connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- who we are ---------------------------------------------------------------------------

    def log_in(self, system: str, password: str) -> None:
        """Get an identity token, where the cloud asks for one (policy ``outsourced``)."""
        body = {"systemName": system, "credentials": {"password": password}}
        found = self._posted(f"/{_AUTHENTICATION}/identity/login", body, Session)
        self.identify(found.token)

    def identify(self, token: str) -> None:
        """Use an identity token from now on."""
        self._said = f"IDENTITY-TOKEN//{token}"

    # -- what we are and offer ----------------------------------------------------------------

    def register_system(self, entry: SystemEntry) -> None:
        """Be there."""
        body: dict[str, Any] = {
            "metadata": entry.metadata,
            "version": entry.version,
            "addresses": [each.address for each in entry.addresses],
        }
        if entry.device:
            body["deviceName"] = entry.device
        self._answer("POST", f"/{_REGISTRY}/system-discovery/register", body)

    def revoke_system(self) -> bool:
        """Be there no more."""
        return self._removed(f"/{_REGISTRY}/system-discovery/revoke")

    def register_service(self, entry: ServiceEntry) -> str:
        """Offer something."""
        body: dict[str, Any] = {
            "serviceDefinitionName": entry.definition,
            "version": entry.version,
            "metadata": entry.metadata,
            "interfaces": [interface_told(each) for each in entry.interfaces],
        }
        if entry.expires_at is not None:
            body["expiresAt"] = iso(entry.expires_at)
        path = f"/{_REGISTRY}/service-discovery/register"
        return self._posted(path, body, Registered).instance_id

    def revoke_service(self, instance: str) -> bool:
        """Offer something no more."""
        return self._removed(f"/{_REGISTRY}/service-discovery/revoke/{quote(instance, safe='')}")

    def find_services(self, wanted: ServiceFilter) -> tuple[Told, ...]:
        """Look up offers."""
        path = f"/{_REGISTRY}/service-discovery/lookup?verbose=false"
        found = self._posted(path, filter_told(wanted), Entries[ServiceOut])
        return tuple(offer_heard(each) for each in found.entries)

    # -- what we are bound to -----------------------------------------------------------------

    def pull(self, form: Form) -> Bound:
        """Be bound now."""
        path = f"/{_ORCHESTRATION}/orchestration/pull"
        return bound_heard(self._posted(path, form_out(form), OrchestrationOut))

    def subscribe(self, entry: SubscriptionEntry, *, trigger: bool = False) -> str:
        """Order results to be pushed."""
        path = f"/{_ORCHESTRATION}/orchestration/subscribe?trigger={str(trigger).lower()}"
        return self._answer("POST", path, subscription_told(entry)).text.strip().strip('"')

    def unsubscribe(self, subscription: str) -> bool:
        """Cancel an order."""
        path = f"/{_ORCHESTRATION}/orchestration/unsubscribe/{quote(subscription, safe='')}"
        return self._removed(path)

    def hold(self, entries: Sequence[LockEntry]) -> None:
        """Lock offers."""
        locks = [
            {
                "serviceInstanceId": each.instance,
                "owner": each.owner,
                "expiresAt": iso(each.expires_at) if each.expires_at is not None else None,
            }
            for each in entries
        ]
        self._answer("POST", f"{_LOCKS}/create", {"locks": locks})

    def release(self, owner: str, instances: Sequence[str]) -> None:
        """Unlock offers."""
        query = "&".join(f"instanceIds={quote(each, safe='')}" for each in instances)
        self._answer("DELETE", f"{_LOCKS}/remove/{quote(owner, safe='')}?{query}")

    # -- who may do what ----------------------------------------------------------------------

    def grant(self, entry: GrantEntry) -> str:
        """Let others use what this system offers."""
        body = {
            "cloud": entry.cloud,
            "targetType": entry.target_type.value,
            "target": entry.target,
            "description": entry.description,
            "defaultPolicy": policy_told(entry.default),
            "scopedPolicies": {name: policy_told(each) for name, each in entry.scoped.items()},
        }
        path = f"/{_AUTHORIZATION}/authorization/grant"
        return self._posted(path, body, GrantOut).instance_id

    def revoke_grant(self, grant: str) -> bool:
        """Take a grant back."""
        return self._removed(f"/{_AUTHORIZATION}/authorization/revoke/{quote(grant, safe='')}")

    def may_use(self, access: Access) -> bool:
        """Tell whether a consumer may use a target."""
        body = {
            "provider": access.provider,
            "consumer": access.consumer,
            "cloud": access.cloud,
            "targetType": access.target_type.value,
            "target": access.target,
            "scope": access.scope or None,
        }
        return self._posted(f"/{_AUTHORIZATION}/authorization/verify", body, bool)

    def token(self, wish: PassWish) -> Pass:
        """Get a token."""
        body = {
            "tokenVariant": wish.variant.value,
            "provider": wish.provider,
            "targetType": wish.target_type.value,
            "target": wish.target,
            "scope": wish.scope or None,
        }
        path = f"/{_AUTHORIZATION}/authorization-token/generate"
        return pass_heard(self._posted(path, body, TokenTold))

    def use_token(self, secret: str) -> Shown | None:
        """Check a token."""
        path = f"/{_AUTHORIZATION}/authorization-token/verify/{quote(secret, safe='')}"
        found = self._got(path, Verified)
        if not found.verified:
            return None
        return Shown(
            consumer=found.consumer,
            target=found.target,
            target_type=found.target_type,
            scope=found.scope,
        )

    def is_refused(self, system: str) -> bool:
        """Tell whether a system is on the blacklist."""
        return self._got(f"/{_BLACKLIST}/check/{quote(system, safe='')}", bool)

    # -- the wire -----------------------------------------------------------------------------

    def counted(self, path: str) -> int:
        """Return how many entries an operator's query finds."""
        body = {"pagination": {"page": 0, "size": 1}}
        return self._posted(path, body, Entries[msgspec.Raw]).count

    def _posted(self, path: str, body: object, kind: type[T]) -> T:
        return _read(self._answer("POST", path, body), kind)

    def _got(self, path: str, kind: type[T]) -> T:
        return _read(self._answer("GET", path), kind)

    def _removed(self, path: str) -> bool:
        return self._answer("DELETE", path).status_code != 204

    def _answer(self, method: str, path: str, body: object = None) -> httpx.Response:
        base = self._urls.get(path.strip("/").partition("/")[0], self._url)
        headers = {"Authorization": f"Bearer {self._said}"}
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            headers["Content-Type"] = "application/json"
        try:
            answer = self._client.request(method, base + path, content=content, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Unavailable(
                f"Expected the cloud at {base} to answer, but {type(error).__name__}: {error}. "
                "Look whether it runs and is reached."
            ) from error
        if not answer.is_success:
            raise _refusal(answer, f"{method} {base}{path}")
        return answer


def _read(answer: httpx.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Broken(
            f"Expected an answer of 5.2.1 from {answer.request.url}, but {error}."
        ) from error


def _refusal(answer: httpx.Response, asked: str) -> FabloopError:
    """Return the error that an answer tells."""
    try:
        told = msgspec.json.decode(answer.content, type=Trouble)
    except (msgspec.DecodeError, UnicodeDecodeError):
        told = Trouble(error_message=answer.text[:200])
    message = told.error_message or f"status {answer.status_code} to {asked}"
    match answer.status_code:
        case 400:
            found = message.rstrip(".")
            return Invalid(
                Fault(source=asked, path="", expected="what the cloud accepts", found=found)
            )
        case 401 | 403:
            return NotPermitted(message)
        case 404:
            return NotFound(message)
        case 423 | 409:
            return Refused(message)
        case _:
            return Unavailable(f"{message} ({asked}, status {answer.status_code})")
