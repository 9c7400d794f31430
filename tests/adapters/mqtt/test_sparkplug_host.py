"""A Sparkplug host at a real broker: its state, a node that is born late, and its death."""

import asyncio
import json
import threading

import paho.mqtt.client as paho
import pytest

from adapters.mqtt.plant_node import Node, metric
from contracts.source_contract import Rig
from fabloop.adapters.mqtt import MqttSource, mapping_of
from fabloop.adapters.mqtt.sparkplug.wire import parsed
from fabloop.sense.readings.quality import GOOD, NOT_CONNECTED
from mosquitto_server import Mosquitto, binary


class Gateway:
    """An edge node that waits for its primary host and is born again when it is asked."""

    def __init__(self, port: int, name: str) -> None:
        self.node = Node()
        self.states: list[bool] = []
        self.asked = threading.Event()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv5)
        topic, will = Node().death()
        self.client.will_set(topic, will, qos=1)
        self.client.on_message = self._hear
        self.client.connect("127.0.0.1", port)
        self.client.subscribe([("spBv1.0/STATE/fabloop", 1), ("spBv1.0/plant/NCMD/cell-1", 1)])
        self.client.loop_start()

    def _hear(self, _client, _data, message):
        if "STATE" in message.topic:
            self.states.append(json.loads(message.payload)["online"])
        else:
            (asked,) = parsed(message.payload).metrics
            assert asked.name == "Node Control/Rebirth"
            self.asked.set()

    def say(self, topic, payload):
        self.client.publish(topic, payload).wait_for_publish(10)

    def vanish(self):
        """Break the connection without a word, so that the broker tells the will."""
        self.client.loop_stop()
        self.client.socket().close()


@pytest.fixture
def broker():
    if binary() is None:
        pytest.skip("Mosquitto is not installed here: apt-get install mosquitto")
    with Mosquitto() as running:
        yield running


def test_a_node_is_asked_for_its_birth_and_its_death_is_seen(broker):
    asyncio.run(story(broker.port))


async def story(port):
    gateway = Gateway(port, "gateway")
    rig = Rig(MqttSource(mapping(port)), gateway)
    device = {"device": "mill"}
    async with rig.running():
        await rig.until(lambda: gateway.states == [True])
        gateway.say(*gateway.node.message("DDATA", [metric(alias=7, value=1.0)], **device))
        await rig.until(gateway.asked.is_set)
        gateway.say(*gateway.node.birth())
        gateway.say(*gateway.node.message("DBIRTH", [metric("load", 2.0, alias=7)], **device))
        gateway.say(*gateway.node.message("DDATA", [metric(alias=7, value=3.0)], **device))
        await rig.until(lambda: len(rig.of("load")) == 2)
        gateway.vanish()
        await rig.until(lambda: len(rig.of("load")) == 3)
        watcher = Gateway(port, "watcher")
        await rig.until(lambda: watcher.states == [True])
    await rig.until(lambda: watcher.states[-1:] == [False])
    watcher.client.disconnect()
    watcher.client.loop_stop()
    readings = rig.of("load")
    assert [(value, quality) for _, value, quality in readings[:2]] == [(2.0, GOOD), (3.0, GOOD)]
    assert readings[2][2] == NOT_CONNECTED
    assert readings[2][0] > readings[1][0]
    assert rig.source.health().refused == {"unborn": 1}


def mapping(port):
    return mapping_of(
        f"""
source: edge
broker: {{host: 127.0.0.1, port: {port}, client_id: fabloop}}
sparkplug: {{host_id: fabloop}}
""".encode()
    )
