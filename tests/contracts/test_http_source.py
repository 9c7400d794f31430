"""The HTTP source keeps the contract."""

import json

import httpx
import pytest

from contracts.source_contract import Rig, SourceContract
from fabloop.adapters.http_readings import HttpReadings, HttpSource

MS = 1_000_000


class Poster:
    def __init__(self, source) -> None:
        transport = httpx.ASGITransport(source.app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://plant")

    async def post(self, rows):
        headers = {"content-type": "application/json"}
        body = json.dumps(rows).encode()
        return await self._client.post("/api/v1/readings", content=body, headers=headers)

    async def tell(self, rows):
        told = [[time / MS, name, value, quality] for name, time, value, quality in rows]
        assert (await self.post(told)).status_code == 202

    async def tell_in_unit(self, name, time, value, unit):
        row = {"ts": time // MS, "name": name, "value": value, "unit": unit}
        assert (await self.post([row])).status_code == 202

    async def tell_strange(self, name, values):
        answer = await self.post([[1.0, name, value] for value in values])
        assert answer.status_code == 422


class TestHttpSource(SourceContract):
    tells_units = True
    can_break = False

    @pytest.fixture
    def rig(self):
        def made():
            source = HttpSource(HttpReadings(source="posted"))
            return Rig(source, Poster(source))

        return made
