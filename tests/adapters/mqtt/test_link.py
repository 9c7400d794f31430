"""Links to a real broker: secret, refused, cut, flooded."""

import asyncio
import shutil
import subprocess
from contextlib import suppress

import msgspec
import pytest

from adapters.mqtt.certificates import written
from adapters.mqtt.wire import Sender
from contracts.source_contract import Rig
from fabloop.adapters.mqtt import MqttSource, link, mapping_of
from fabloop.adapters.mqtt.broker import Tls
from fabloop.base.errors import Invalid
from mosquitto_server import Mosquitto, binary

pytestmark = pytest.mark.skipif(
    binary() is None, reason="Mosquitto is not installed here: apt-get install mosquitto"
)


def mapping(port, **broker):
    given = {"host": "127.0.0.1", "port": port, "client_id": "fabloop", **broker}
    topics = [{"topic": "plant/{work_unit}/{name}", "qos": broker.pop("qos", 1)}]
    given.pop("qos", None)
    return mapping_of(
        msgspec.yaml.encode({"source": "hall", "broker": given, "topics": topics}), "test"
    )


async def until_trouble(source, text):
    rig = Rig(source, None)
    pumping = asyncio.create_task(_drained(source, rig))
    await rig.until(lambda: text in source.health().trouble)
    assert source.health().connected is False
    source.close()
    await pumping


async def _drained(source, rig):
    async for _ in source.batches(rig.catalogue):
        pass


class Proxy:
    """Stands between source and broker, and can cut the line."""

    def __init__(self, port) -> None:
        self._target = port
        self._lines = []

    async def start(self):
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _connect(self, reader, writer):
        onward = await asyncio.open_connection("127.0.0.1", self._target)
        self._lines += [writer, onward[1]]
        with suppress(asyncio.CancelledError):  # the test is over
            await asyncio.gather(_copy(reader, onward[1]), _copy(onward[0], writer))

    def cut(self):
        lines, self._lines = self._lines, []
        for each in lines:
            each.transport.abort()

    async def stop(self):
        self.cut()
        self._server.close()
        await self._server.wait_closed()


async def _copy(reader, writer):
    try:
        while data := await reader.read(65_536):
            writer.write(data)
    except ConnectionError:
        return
    finally:
        writer.close()


def test_readings_come_over_tls_with_a_password(tmp_path):
    authority, certificate, key = written(tmp_path)
    (tmp_path / "password").write_text("secret\n")
    passwords = tmp_path / "passwords"
    tool = shutil.which("mosquitto_passwd")
    subprocess.run([tool, "-c", "-b", str(passwords), "fabloop", "secret"], check=True)
    config = (
        f"certfile {certificate}\nkeyfile {key}\nallow_anonymous false\npassword_file {passwords}"
    )
    login = {"user": "fabloop", "password_file": str(tmp_path / "password")}

    async def story(port):
        secure = {"tls": {"authority": str(authority)}, **login}
        rig = Rig(MqttSource(mapping(port, **secure)), None)
        async with rig.running():
            sender = Sender(None)
            sender.start(port, str(authority), "fabloop", "secret")
            await sender.publish("plant/mill/load", "1.5")
            await rig.until(lambda: len(rig.kept) == 1)
            sender.stop()
        await until_trouble(MqttSource(mapping(port, tls=secure["tls"])), "not authorised")
        await until_trouble(MqttSource(mapping(port, tls={}, **login)), "certificate verify failed")

    with Mosquitto(config) as broker:
        asyncio.run(story(broker.port))


def test_an_expired_certificate_is_named(tmp_path):
    authority, certificate, key = written(tmp_path, expired=True)
    config = f"certfile {certificate}\nkeyfile {key}\nallow_anonymous true"
    with Mosquitto(config) as broker:
        source = MqttSource
        secure = mapping(broker.port, tls={"authority": str(authority)})
        asyncio.run(_story_of(lambda: until_trouble(source(secure), "certificate has expired")))


async def _story_of(story):
    await story()


def test_files_that_cannot_be_read_are_named(tmp_path):
    broker = mapping(1, password_file="/nowhere/password").broker
    with pytest.raises(Invalid, match="No such file or directory"):
        broker.password()
    secure = msgspec.structs.replace(broker, tls=Tls(authority=str(tmp_path / "none.pem")))
    with pytest.raises(Invalid, match=r"none.pem"):
        secure.tls_context()


def test_something_else_than_a_broker_is_named():
    async def story():
        async def greet(_reader, writer):
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"<html>" * 50)
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await until_trouble(MqttSource(mapping(port)), "Check that the port is that of a broker.")
        server.close()

    asyncio.run(story())


@pytest.fixture
def broker():
    with Mosquitto() as running:
        yield running


def test_a_message_that_comes_again_counts_once_even_without_a_time(broker):
    async def story():
        proxy, sender = Proxy(broker.port), Sender(broker)
        await proxy.start()
        sender.start()
        rig = Rig(MqttSource(mapping(proxy.port)), sender)
        rig.kept.is_durable = False
        async with rig.running():
            for value in range(20):
                await sender.publish("plant/mill/load", str(value))
            await rig.until(lambda: len(rig.kept) == 20)
            proxy.cut()
            await rig.until(lambda: rig.source.health().amended == {"repeated": 20})
            rig.kept.is_durable = True
            await rig.until(lambda: not rig.source._deliveries.open)
        sender.stop()
        await proxy.stop()
        return rig

    rig = asyncio.run(story())
    assert [value for _, value, _ in rig.of("load")] == list(range(20))


def test_ten_times_what_the_store_can_take_is_held_back_and_nothing_is_lost(broker, monkeypatch):
    monkeypatch.setattr(link, "INBOX_MAX", 50)

    async def story():
        sender = Sender(broker)
        sender.start()
        rig = Rig(MqttSource(mapping(broker.port, receive_maximum=100)), sender)
        rig.kept.slow_s = 0.01
        async with rig.running():
            for value in range(2_000):
                sender.throw("plant/mill/load", str(value))
            await rig.until(lambda: len(rig.kept) == 2_000)
        sender.stop()
        return rig

    rig = asyncio.run(story())
    assert [value for _, value, _ in rig.of("load")] == list(range(2_000))


def test_two_sources_for_one_series_stay_apart(broker):
    async def story():
        sender = Sender(broker)
        sender.start()
        first = Rig(MqttSource(mapping(broker.port)), sender)
        other = msgspec.structs.replace(mapping(broker.port, client_id="second"), source="hall-b")
        second = Rig(MqttSource(other), sender)
        second.catalogue, second.kept = first.catalogue, first.kept
        async with first.running(), second.running():
            await sender.publish("plant/mill/load", '{"ts": 1763800000000, "value": 5}')
            await first.until(lambda: len(first.kept) == 2)
        sender.stop()
        return first

    rig = asyncio.run(story())
    assert {each.source for each in rig.catalogue} == {"hall", "hall-b"}
    assert len({number for batch in rig.kept.batches for number in batch.series.tolist()}) == 2
