"""A local cloud of 4.6.2 in memory, asked through its routes without a network."""

import base64
import itertools
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fabloop.adapters.arrowhead.certificates import new_key
from fabloop.adapters.arrowhead.four.authorization import Authorization, Issuer
from fabloop.adapters.arrowhead.four.event_handler import EventHandler
from fabloop.adapters.arrowhead.four.orchestrator import Orchestrator
from fabloop.adapters.arrowhead.four.registry import Registry
from fabloop.adapters.arrowhead.mtls import PEER, Peer
from fabloop.adapters.arrowhead.profiles import CloudName, subject_of
from fabloop.services.cloud.command import Command
from small_cloud import SmallCloud

T = TypeVar("T")
SHOP = CloudName(cloud="assembly-shop", organization="car-maker")
AUTHORITY = new_key()


class FourCloud:
    """Its store, what it would deliver, and a client; `who` shows a certificate."""

    def __init__(self, *, secure: bool = True) -> None:
        self.small = SmallCloud()
        self.sent = []
        self.reached = {("10.0.0.1", 9000)}
        self.who = ""
        numbers = itertools.count(1)
        issuer = Issuer(AUTHORITY, SHOP, lambda: f"id-{next(numbers)}") if secure else None
        routes = [
            *Registry(self, self.ping).routes(),
            *Authorization(self, issuer).routes(),
            *Orchestrator(self, issuer, self.ping).routes(),
            *EventHandler(self, self.sent.append).routes(),
        ]
        self._app = Starlette(routes=routes)
        self.http = TestClient(self._show)

    def submit(self, command: Command[T]) -> T:
        return self.small.does(command)

    def query(self, question):
        return question(self.small.state, self.small.at)

    def ping(self, address: str, port: int) -> bool:
        return (address, port) in self.reached

    async def _show(self, scope, receive, send):
        """Do what TLS does: tell whose certificate a request came with."""
        if self.who:
            name = f"{self.who}.assembly-shop.car-maker.arrowhead.eu"
            qualifier = "op" if self.who == "sysop" else "sy"
            scope[PEER] = Peer(
                subject=subject_of(name, qualifier), common_name=name, public_key=KEY
            )
        await self._app(scope, receive, send)

    def post(self, path: str, body: object, *, by: str = ""):
        self.who = by
        return self.http.post(path, content=msgspec.json.encode(body))

    def get(self, path: str, *, by: str = ""):
        self.who = by
        return self.http.get(path)

    def delete(self, path: str, *, by: str = ""):
        self.who = by
        return self.http.delete(path)

    def offer(self, name="welding-robot", definition="welding", **more):
        """Register an offer as its provider does."""
        body = {
            "serviceDefinition": definition,
            "providerSystem": {"systemName": name, "address": "10.0.0.1", "port": 9000},
            "serviceUri": "/robot",
            "interfaces": ["HTTP-SECURE-JSON"],
            "version": 1,
            **more,
        }
        return self.post("/serviceregistry/register", body, by=name)

    def consumer(self, name="crane") -> int:
        body = {"systemName": name, "address": "10.0.0.2", "port": 9001}
        return self.post("/serviceregistry/register-system", body, by=name).json()["id"]

    def allow(self, consumer: int, offer: dict) -> dict:
        """Let a consumer use an offer, as an operator does."""
        body = {
            "consumerId": consumer,
            "providerIds": [offer["provider"]["id"]],
            "serviceDefinitionIds": [offer["serviceDefinition"]["id"]],
            "interfaceIds": [each["id"] for each in offer["interfaces"]],
        }
        return self.post("/authorization/mgmt/intracloud", body, by="sysop").json()


PROVIDER = new_key()
KEY = base64.b64encode(
    PROVIDER.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
