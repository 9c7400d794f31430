"""How a system joins a local cloud: it registers, grants access, and keeps its offers alive."""

import threading
from collections import deque
from typing import Self

import msgspec

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


class Member:
    """A system in a cloud, until closed; everybody there may use what it offers.

    Raises
    ------
    Unavailable, Refused
        The cloud does not answer, or does not want it.
    """

    def __init__(
        self,
        line: Line,
        url: str,
        name: str,
        place: tuple[str, int],
        offers: tuple[Offering, ...],
        clock: Clock,
        *,
        offered_s: int = OFFERED_S,
    ) -> None:
        self.name = name
        self._line = line
        self._url = url.rstrip("/")
        self._place = place
        self._offers = offers
        self._clock = clock
        self._offered_s = offered_s
        self._closed = threading.Event()
        self.troubles: deque[FabloopError] = deque(maxlen=TROUBLES_MAX)
        body = {"name": name, "metadata": {}, "version": "1.0.0", "addresses": [place[0]]}
        line.post(f"{self._url}{_SYSTEMS}", body)
        for each in offers:
            self._offer(each)
            grant = {
                "targetType": "SERVICE_DEF", "target": each.definition,
                "defaultPolicy": {"policyType": "ALL"},
            }  # fmt: skip
            line.post(f"{self._url}{_GRANT}", grant)
        self._thread = threading.Thread(target=self._keep_alive, name="member", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take the offers back, as far as the cloud answers."""
        self._closed.set()
        self._thread.join()
        for each in self._offers:
            id_ = f"{self.name}|{each.definition}|1.0.0"
            try:
                self._line.call("DELETE", f"{self._url}{_SERVICES}/revoke/{id_}")
            except FabloopError as error:
                self.troubles.append(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _offer(self, each: Offering) -> None:
        safe = self._line.scheme == "https"
        until = Instant(self._clock.now() + self._offered_s * SECOND)
        metadata = dict(each.metadata)
        if each.exclusive:
            metadata["allowExclusivity"] = EXCLUSIVE_S
        body = {
            "serviceDefinitionName": each.definition,
            "version": "1.0.0",
            "expiresAt": iso_of(until),
            "metadata": metadata,
            "interfaces": [
                {
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
            ],
        }
        self._line.post(f"{self._url}{_SERVICES}/register", body)

    def _keep_alive(self) -> None:
        while not self._closed.wait(self._offered_s / 3):
            for each in self._offers:
                try:
                    self._offer(each)
                except FabloopError as error:
                    self.troubles.append(error)
