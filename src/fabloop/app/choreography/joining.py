"""How a system joins a local cloud: it registers, grants access, and keeps its offers alive."""

import threading
from collections import deque
from contextlib import suppress
from typing import Protocol, Self

import msgspec

from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.client import FourClient
from fabloop.adapters.arrowhead.profiles import Generation, label_of
from fabloop.app.choreography.network import Line
from fabloop.base.errors import FabloopError
from fabloop.base.instant import SECOND, Clock, Instant, iso_of

OFFERED_S = 60
"""How long an offer is made at once; who dies is no longer offered after that."""
EXCLUSIVE_S = 86_400
"""For how long an offer may be held at most."""
TROUBLES_MAX = 20
_SYSTEMS = "/serviceregistry/system-discovery/register"
_SERVICES = "/serviceregistry/service-discovery"
_GRANT = "/consumerauthorization/authorization/grant"


class Offering(msgspec.Struct, frozen=True, kw_only=True):
    """A service that a system offers at a path; it may be held exclusively."""

    definition: str
    path: str
    metadata: dict[str, object] = {}
    exclusive: bool = True


class Door(Protocol):
    """How one enters a cloud of a version; each operation raises Unavailable and Refused."""

    def enter(self) -> None:
        """Be there."""
        ...

    def offer(self, each: Offering, *, again: bool) -> None:
        """Offer something; `again` where it was offered before and is to be kept alive."""
        ...

    def withdraw(self, each: Offering) -> None:
        """Take an offer back."""
        ...


class FiveDoor:
    """Enters a cloud of 5.2.1; everybody there may use what is offered.

    Parameters
    ----------
    place : address and port at which the system is reached
    """

    def __init__(
        self,
        line: Line,
        url: str,
        name: str,
        place: tuple[str, int],
        clock: Clock,
        offered_s: int = OFFERED_S,
    ) -> None:
        self._line = line
        self._url = url.rstrip("/")
        self._name = name
        self._place = place
        self._clock = clock
        self._offered_s = offered_s

    def enter(self) -> None:
        """Register the system."""
        body = {"name": self._name, "version": "1.0.0", "addresses": [self._place[0]]}
        self._line.post(f"{self._url}{_SYSTEMS}", body)

    def offer(self, each: Offering, *, again: bool) -> None:
        """Register the service until a while from now, and grant it to all."""
        safe = self._line.scheme == "https"
        until = Instant(self._clock.now() + self._offered_s * SECOND)
        metadata = dict(each.metadata)
        if each.exclusive:
            metadata["allowExclusivity"] = EXCLUSIVE_S
        interface = {
            "templateName": "generic_https" if safe else "generic_http",
            "protocol": self._line.scheme,
            "policy": "CERT_AUTH" if safe else "NONE",
            "properties": {
                "accessAddresses": [self._place[0]],
                "accessPort": self._place[1],
                "basePath": each.path,
                "operations": {"execute": {"method": "POST", "path": each.path}},
            },
        }
        body = {
            "serviceDefinitionName": each.definition,
            "version": "1.0.0",
            "expiresAt": iso_of(until),
            "metadata": metadata,
            "interfaces": [interface],
        }
        self._line.post(f"{self._url}{_SERVICES}/register", body)
        if not again:
            policy = {"policyType": "ALL"}
            grant = {
                "targetType": "SERVICE_DEF", "target": each.definition, "defaultPolicy": policy
            }  # fmt: skip
            self._line.post(f"{self._url}{_GRANT}", grant)

    def withdraw(self, each: Offering) -> None:
        """Revoke the service."""
        id_ = f"{self._name}|{each.definition}|1.0.0"
        self._line.call("DELETE", f"{self._url}{_SERVICES}/revoke/{id_}")


class FourDoor:
    """Enters a cloud of 4.6.2, whose operator says who may use what is offered.

    Offers have no end there: a registration cannot be prolonged, only replaced, and would be away
    in between. Who dies is left out by ``pingProviders``.
    """

    def __init__(self, cloud: FourClient, own: wire.SystemRequest, *, safe: bool) -> None:
        self._cloud = cloud
        self._own = own
        self._safe = safe

    def enter(self) -> None:
        """Register the system."""
        self._cloud.register_system(self._own)

    def offer(self, each: Offering, *, again: bool) -> None:
        """Register the service, in place of what is left of a former run."""
        if again:
            return
        with suppress(FabloopError):
            self.withdraw(each)
        self._cloud.register(
            wire.RegistryRequest(
                service_definition=label_of(each.definition, Generation.FIVE),
                provider_system=self._own,
                service_uri=each.path,
                secure=wire.Secure.CERTIFICATE if self._safe else wire.Secure.NOT_SECURE,
                metadata={name: str(value) for name, value in each.metadata.items()},
                version=1,
                interfaces=[wire.SECURE_JSON if self._safe else wire.INSECURE_JSON],
            )
        )

    def withdraw(self, each: Offering) -> None:
        """Unregister the service."""
        definition = label_of(each.definition, Generation.FIVE)
        self._cloud.unregister(definition, self._own, each.path)


class Member:
    """A system in a cloud, until closed.

    Raises
    ------
    Unavailable, Refused
        The cloud does not answer, or does not want it.
    """

    def __init__(
        self, door: Door, offers: tuple[Offering, ...], *, offered_s: int = OFFERED_S
    ) -> None:
        self._door = door
        self._offers = offers
        self._offered_s = offered_s
        self._closed = threading.Event()
        self.troubles: deque[FabloopError] = deque(maxlen=TROUBLES_MAX)
        door.enter()
        for each in offers:
            door.offer(each, again=False)
        self._thread = threading.Thread(target=self._keep_alive, name="member", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take the offers back, as far as the cloud answers."""
        self._closed.set()
        self._thread.join()
        for each in self._offers:
            try:
                self._door.withdraw(each)
            except FabloopError as error:
                self.troubles.append(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _keep_alive(self) -> None:
        while not self._closed.wait(self._offered_s / 3):
            for each in self._offers:
                try:
                    self._door.offer(each, again=True)
                except FabloopError as error:
                    self.troubles.append(error)
