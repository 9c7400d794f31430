"""The embedded cloud and the client of a served one keep the same contract."""

from contextlib import ExitStack

import pytest

from contracts.local_cloud import LocalCloudContract
from fabloop.adapters.arrowhead.crypto import KeyedCrypto
from fabloop.adapters.arrowhead.five.client import FiveClient
from fabloop.adapters.arrowhead.five.facade import Facade
from fabloop.adapters.arrowhead.five.senders import IdentityPolicy
from fabloop.adapters.arrowhead.five.settings import Settings
from fabloop.adapters.arrowhead.serving import Serving
from fabloop.app.cloud.embedded import EmbeddedCloud
from fabloop.app.cloud.host import host_of
from fabloop.app.processes.clocks import SteppedClock
from fabloop.base.errors import Broken, NotPermitted, Unavailable
from fabloop.base.journal import MemoryJournal
from fabloop.services.cloud.people import IdentityEntry, KeepIdentities
from fabloop.services.cloud.registry import SystemEntry
from small_cloud import START


def host():
    return host_of(MemoryJournal(), SteppedClock(START), KeyedCrypto(b"x" * 32))


class TestEmbedded(LocalCloudContract):
    @pytest.fixture
    def cloud(self):
        with host() as opened:
            yield lambda system: EmbeddedCloud(opened, system)


class TestClient(LocalCloudContract):
    @pytest.fixture
    def cloud(self):
        with ExitStack() as stack:
            opened = stack.enter_context(host())
            serving = stack.enter_context(Serving(Facade(opened, Settings())))
            url = f"http://127.0.0.1:{serving.port}"
            yield lambda system: stack.enter_context(FiveClient(url, system))


def test_a_client_logs_in_where_the_cloud_asks_for_it():
    settings = Settings(policy=IdentityPolicy.OUTSOURCED)
    with host() as opened, Serving(Facade(opened, settings)) as serving:
        people = (IdentityEntry(system="Robot", password="one"),)
        opened.submit(KeepIdentities(entries=people, by="Sysop"))
        with FiveClient(f"http://127.0.0.1:{serving.port}", "Robot") as client:
            with pytest.raises(NotPermitted):
                client.revoke_system()
            with pytest.raises(NotPermitted, match="a known system and its password"):
                client.log_in("Robot", "two")
            client.log_in("Robot", "one")
            assert client.revoke_system() is False


def test_a_cloud_that_does_not_answer_or_is_none_is_told():
    with (
        FiveClient("http://127.0.0.1:9", "Robot") as client,
        pytest.raises(Unavailable, match=r"http://127.0.0.1:9 to answer"),
    ):
        client.revoke_system()

    async def nonsense(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>"})

    with (
        Serving(nonsense) as serving,
        FiveClient(f"http://127.0.0.1:{serving.port}", "Robot") as client,
        pytest.raises(Broken, match=r"an answer of 5.2.1"),
    ):
        client.is_refused("Robot")


def test_core_systems_may_answer_at_addresses_of_their_own():
    with host() as opened, Serving(Facade(opened, Settings())) as serving:
        url = f"http://127.0.0.1:{serving.port}"
        urls = {"blacklist": url}
        with FiveClient("http://127.0.0.1:9", "Robot", urls=urls) as client:
            assert client.is_refused("Robot") is False
            with pytest.raises(Unavailable):
                client.register_system(SystemEntry(name="Robot"))
