"""An independent client of 4.x against our core systems; skipped where it is not installed.

`arrowhead-client` 0.4.4a0 wants pydantic 1 and fastapi before 0.100, so it has an interpreter of
its own, which FABLOOP_ARROWHEAD_CLIENT names.
"""

import json
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from starlette.applications import Starlette

from fabloop.adapters.arrowhead.authority import CHAIN_FILE, make_authority
from fabloop.adapters.arrowhead.certificates import read_key
from fabloop.adapters.arrowhead.four import wire
from fabloop.adapters.arrowhead.four.application import four_routes
from fabloop.adapters.arrowhead.four.authorization import Issuer
from fabloop.adapters.arrowhead.four.client import FourClient
from fabloop.adapters.arrowhead.four.event_handler import Courier
from fabloop.adapters.arrowhead.mtls import identity_in
from fabloop.adapters.arrowhead.profiles import CloudName, Generation, Profile
from fabloop.adapters.arrowhead.serving import Serving, listening, port_of
from fabloop.app.cloud.folder import open_cloud
from fabloop.app.processes.clocks import WallClock

INTERPRETER = os.environ.get("FABLOOP_ARROWHEAD_CLIENT", "")
SCRIPT = Path(__file__).with_name("black_box_client.py")
DEADLINE_S = 60.0

pytestmark = pytest.mark.skipif(
    not INTERPRETER, reason="FABLOOP_ARROWHEAD_CLIENT names no interpreter with arrowhead-client"
)


class Cloud:
    """A served cloud of 4.x with its authority, and an operator's client."""

    def __init__(self, folder):
        self.now = WallClock().now()
        name = CloudName(cloud="shop", organization="maker")
        self.pki = make_authority(folder / "pki", name, Generation.FOUR, self.now)
        own = self.issue("ServiceRegistry")
        identity = identity_in(own, self.pki.trust)
        key = read_key(own / "key.pem")
        self.host = open_cloud(folder / "cloud", key=key)
        self.courier = Courier(identity)
        issuer = Issuer(key, name, lambda: "token-id")
        routes = four_routes(self.host, issuer, self.courier)
        self.serving = Serving(Starlette(routes=routes), identity)
        operator = identity_in(self.issue("Sysop", Profile.OPERATOR), self.pki.trust)
        self.operator = FourClient({"": f"https://127.0.0.1:{self.serving.port}"}, operator)

    def issue(self, name, profile=Profile.SYSTEM):
        return self.pki.issue(name, self.now, profile=profile, addresses=("127.0.0.1",))

    def run(self, name, role, port):
        own = self.issue(name)
        given = {
            "role": role, "name": name, "own_port": port, "port": self.serving.port,
            "key": str(own / "key.pem"), "certificate": str(own / "certificate.pem"),
            "trust": str(self.pki.folder / CHAIN_FILE),
        }  # fmt: skip
        command = [INTERPRETER, str(SCRIPT), json.dumps(given)]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def close(self):
        self.operator.close()
        self.serving.close()
        self.courier.close()
        self.host.close()


@pytest.fixture
def cloud(tmp_path):
    made = Cloud(tmp_path)
    yield made
    made.close()


def _free_port():
    socket = listening("127.0.0.1", 0)
    port = port_of(socket)
    socket.close()
    return port


def test_a_foreign_provider_and_consumer_meet_in_our_cloud(cloud):
    provider = cloud.run("echoprovider", "provider", _free_port())
    try:
        offer = _registered(cloud, provider)
        consumer = wire.SystemRequest(system_name="echoconsumer", address="127.0.0.1", port=1)
        known = cloud.operator.register_system(consumer)
        cloud.operator.allow(
            wire.RuleRequest(
                consumer_id=known.id,
                provider_ids=[offer.provider.id],
                service_definition_ids=[offer.service_definition.id],
                interface_ids=[each.id for each in offer.interfaces],
            )
        )
        asked = cloud.run("echoconsumer", "consumer", _free_port())
        told, _ = asked.communicate(timeout=DEADLINE_S)
        assert asked.returncode == 0, told
        answer = json.loads(told.strip().splitlines()[-1])
        assert answer == {"status": 200, "body": {"echo": "ECHO"}}, told
    finally:
        provider.kill()
        provider.communicate()


def _registered(cloud, provider):
    """Wait until the provider has registered its service and listens."""
    form = wire.QueryForm(service_definition_requirement="echo", ping_providers=True)
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        assert provider.poll() is None, provider.communicate()[0]
        found = cloud.operator.query(form).service_query_data
        if found:
            return found[0]
        threading.Event().wait(0.2)
    raise AssertionError("the provider did not register in time")
