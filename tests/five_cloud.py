"""A local cloud with the interfaces of 5.2.1, for tests."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from fabloop.adapters.arrowhead.crypto import KeyedCrypto
from fabloop.adapters.arrowhead.five.facade import Facade
from fabloop.adapters.arrowhead.five.settings import Settings
from fabloop.app.cloud.host import CloudHost, host_of
from fabloop.app.processes.clocks import SteppedClock
from fabloop.base.journal import MemoryJournal
from small_cloud import START

PROPERTIES = {
    "accessAddresses": ["192.168.56.116", "tp2.greenhouse.com"],
    "accessPort": 8080,
    "basePath": "/kelvin",
    "operations": {"query-temperature": {"method": "GET", "path": "/query"}},
}


class Five:
    """Speaks to a façade as any of its systems, without a network in between."""

    def __init__(self, host: CloudHost, facade: Facade, clock: SteppedClock) -> None:
        self.host = host
        self.facade = facade
        self.clock = clock
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(facade)
        self._client = httpx.AsyncClient(base_url="http://cloud", transport=transport)

    def __call__(
        self,
        who: str,
        method: str,
        path: str,
        body: Any = None,
        header: str | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        said = f"Bearer SYSTEM//{who}" if header is None else header
        headers = {"Authorization": said} if said else {}
        request = self._client.request(method, path, json=body, headers=headers, content=content)
        return self._runner.run(request)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    def system(self, name: str, **told: Any) -> None:
        body = {"addresses": ["10.0.0.1"], **told}
        answer = self(name, "POST", "/serviceregistry/system-discovery/register", body)
        assert answer.status_code in (200, 201), answer.text

    def service(
        self, provider: str, name: str = "kelvinInfo", policy: str = "NONE", **told: Any
    ) -> dict[str, Any]:
        self.system(provider)
        interface = {
            "templateName": "generic_http",
            "protocol": "http",
            "policy": policy,
            "properties": PROPERTIES,
        }
        body = {"serviceDefinitionName": name, "interfaces": [interface], **told}
        answer = self(provider, "POST", "/serviceregistry/service-discovery/register", body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def grant(self, provider: str, name: str = "kelvinInfo", **told: Any) -> httpx.Response:
        body = {
            "targetType": "SERVICE_DEF",
            "target": name,
            "defaultPolicy": {"policyType": "ALL"},
            **told,
        }
        return self(provider, "POST", "/consumerauthorization/authorization/grant", body)


@contextmanager
def five(settings: Settings | None = None, key: Any = None) -> Iterator[Five]:
    """Make a new cloud, with its journal in memory."""
    clock = SteppedClock(START)
    with host_of(MemoryJournal(), clock, KeyedCrypto(b"test" * 8, key)) as host:
        cloud = Five(host, Facade(host, settings or Settings()), clock)
        try:
            yield cloud
        finally:
            cloud.close()
