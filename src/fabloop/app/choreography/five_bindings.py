"""Late binding by the interfaces of 5.2.1: offers are pulled exclusively, pushed and unlocked.

The choreographer needs the rights of an operator: it orders pushes for others and removes locks.
"""

from collections.abc import Collection
from typing import TypeVar

import msgspec

from fabloop.adapters.arrowhead.four import wire
from fabloop.app.choreography.network import Line
from fabloop.app.choreography.ports import PUSH_PATH_KEY, REPORTING, Bound, store_name
from fabloop.base.errors import Broken, Conflict, Refused
from fabloop.base.instant import SECOND, Clock, Instant, iso_of

T = TypeVar("T")
REGISTRY = "/serviceregistry/service-discovery/lookup"
ORCHESTRATION = "/serviceorchestration/orchestration"
PUSH_S = 600
"""How long an order to push holds; it is triggered at once."""


class _Named(msgspec.Struct, frozen=True):
    name: str


class _Interface(msgspec.Struct, frozen=True, rename="camel"):
    template_name: str
    protocol: str = ""
    policy: str = ""
    properties: dict[str, object] = {}


class _Offer(msgspec.Struct, frozen=True, rename="camel"):
    instance_id: str
    provider: _Named


class _Offers(msgspec.Struct, frozen=True):
    entries: list[_Offer]


class _Token(msgspec.Struct, frozen=True):
    token: str = ""


class _Result(msgspec.Struct, frozen=True, kw_only=True):
    instance: str = msgspec.field(name="serviceInstanceId")
    provider: str = msgspec.field(name="providerName")
    definition: str = msgspec.field(name="serviceDefinitition")
    """The misspelling is that of 5.2.1."""
    version: str = "1.0.0"
    metadata: dict[str, object] | None = None
    interfaces: list[_Interface]
    tokens: dict[str, dict[str, _Token]] | None = msgspec.field(
        name="authorizationTokens", default=None
    )


class _Results(msgspec.Struct, frozen=True):
    results: list[_Result]


class _Lock(msgspec.Struct, frozen=True):
    instance: str = msgspec.field(name="serviceInstanceId")


class _Locks(msgspec.Struct, frozen=True):
    entries: list[_Lock]


class _Id(msgspec.Struct, frozen=True):
    id: str


class _Ids(msgspec.Struct, frozen=True):
    entries: list[_Id]


class FiveBindings:
    """Binds in the cloud at an address.

    Parameters
    ----------
    owner : the name of the choreographer in that cloud, who holds what is bound
    """

    def __init__(self, line: Line, url: str, owner: str, clock: Clock) -> None:
        self._line = line
        self._url = url.rstrip("/")
        self._owner = owner
        self._clock = clock

    def providers(self, definition: str) -> frozenset[str]:
        """Return who offers a service."""
        return frozenset(each.provider.name for each in self._known(definition))

    def hold(self, definition: str, avoided: Collection[str], for_s: int) -> Bound | None:
        """Pull one offer exclusively."""
        requirement: dict[str, object] = {"serviceDefinition": definition}
        flags = {"MATCHMAKING": True, "ONLY_EXCLUSIVE": True}
        if avoided:
            others = sorted(self.providers(definition).difference(avoided))
            if not others:
                return None
            requirement["preferredProviders"] = others
            flags["ONLY_PREFERRED"] = True
        body = {
            "serviceRequirement": requirement,
            "orchestrationFlags": flags,
            "exclusivityDuration": for_s,
        }
        answer = self._line.post(f"{self._url}{ORCHESTRATION}/pull", body)
        results = _read(answer, _Results).results
        return _bound(results[0]) if results and results[0].interfaces else None

    def keep(self, offer: str, for_s: int) -> None:
        """Lock an offer anew, for longer.

        5.2.1 has no other way; if somebody got it in between, they have it.
        """
        until = Instant(self._clock.now() + for_s * SECOND)
        lock = {"serviceInstanceId": offer, "owner": self._owner, "expiresAt": iso_of(until)}
        try:
            self.release(offer)
            self._line.post(f"{self._url}{ORCHESTRATION}/mgmt/lock/create", {"locks": [lock]})
        except Refused as error:
            raise Conflict(
                f"Expected '{offer}' to be held longer, but somebody else has it. {error}"
            ) from error

    def release(self, offer: str) -> None:
        """Unlock an offer."""
        self._line.call(
            "DELETE",
            f"{self._url}{ORCHESTRATION}/mgmt/lock/remove/{self._owner}",
            query={"instanceIds": offer},
        )

    def held(self) -> frozenset[str]:
        """Ask for the locks of the choreographer."""
        body = {"owners": [self._owner]}
        answer = self._line.post(f"{self._url}{ORCHESTRATION}/mgmt/lock/query", body)
        return frozenset(each.instance for each in _read(answer, _Locks).entries)

    def push(self, bound: Bound, executor: str) -> bool:
        """Have the provider told by the cloud where to report to."""
        provider = bound.result.provider
        path = (bound.result.metadata or {}).get(PUSH_PATH_KEY, "")
        if not path:
            return False
        order = {
            "targetSystemName": bound.provider,
            "orchestrationRequest": {
                "serviceRequirement": {
                    "serviceDefinition": REPORTING,
                    "preferredProviders": [store_name(executor)],
                },
                "orchestrationFlags": {"MATCHMAKING": True, "ONLY_PREFERRED": True},
            },
            "notifyInterface": {
                "protocol": self._line.scheme.upper(),
                "properties": {
                    "address": provider.address,
                    "port": str(provider.port),
                    "method": "POST",
                    "path": path,
                },
            },
            "duration": PUSH_S,
        }
        base = f"{self._url}{ORCHESTRATION}/mgmt/push"
        answer = self._line.post(f"{base}/subscribe", {"subscriptions": [order]})
        ids = [each.id for each in _read(answer, _Ids).entries]
        self._line.post(f"{base}/trigger", {"subscriptionIds": ids})
        return True

    def _known(self, definition: str) -> list[_Offer]:
        body = {"serviceDefinitionNames": [definition]}
        return _read(self._line.post(f"{self._url}{REGISTRY}", body), _Offers).entries


def _bound(result: _Result) -> Bound:
    """Return what 5.2.1 tells as executors of 4.6.2 take it."""
    interface = result.interfaces[0]
    told = interface.properties
    addresses = told.get("accessAddresses")
    port = told.get("accessPort")
    safe = interface.template_name.endswith("s")
    name = "HTTP-SECURE-JSON" if safe else "HTTP-INSECURE-JSON"
    tokens = [each.token for kind in (result.tokens or {}).values() for each in kind.values()]
    return Bound(
        provider=result.provider,
        offer=result.instance,
        result=wire.OrchestrationResult(
            provider=wire.SystemResponse(
                system_name=result.provider,
                address=str(addresses[0]) if isinstance(addresses, list) and addresses else "",
                port=port if isinstance(port, int) else 0,
            ),
            service=wire.DefinitionResponse(service_definition=result.definition),
            service_uri=str(told.get("basePath", "")),
            metadata={k: str(v) for k, v in (result.metadata or {}).items()},
            interfaces=[wire.InterfaceResponse(interface_name=name)],
            authorization_tokens={name: tokens[0]} if tokens else None,
        ),
    )


def _read(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise Broken(f"Expected an answer of 5.2.1, but {error}.") from error
