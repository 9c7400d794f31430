"""A sender over MQTT: the Paho client, which knows nothing of ours."""

import asyncio
import json

import paho.mqtt.client as paho

MS = 1_000_000


class Sender:
    """Publishes JSON rows to ``plant/mill-1/rows``; the broker can be killed and come back."""

    def __init__(self, broker, **login) -> None:
        self.broker = broker
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, "sender", protocol=paho.MQTTv5, **login
        )
        self._client.reconnect_delay_set(0.05, 0.2)

    def start(self, port=None, authority=None, user=None, password=None) -> None:
        if authority:
            self._client.tls_set(authority)
            self._client.username_pw_set(user, password)
        self._client.connect("127.0.0.1", port or self.broker.port)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    async def publish(self, topic, payload, *, qos=1, retain=False):
        sent = self._client.publish(topic, payload, qos=qos, retain=retain)
        await asyncio.to_thread(sent.wait_for_publish, 20)

    def throw(self, topic, payload):
        """Publish without waiting."""
        self._client.publish(topic, payload, qos=1)

    async def tell(self, rows):
        told = [[time / MS, name, value, quality] for name, time, value, quality in rows]
        await self.publish("plant/mill-1", json.dumps(told))

    async def tell_in_unit(self, name, time, value, unit):
        row = {"ts": time // MS, "name": name, "value": value, "unit": unit}
        await self.publish("plant/mill-1", json.dumps([row]))

    async def tell_strange(self, name, values):
        await self.publish("plant/mill-1", json.dumps([[1.0, name, value] for value in values]))

    async def cut(self):
        self.broker.kill()

    async def mend(self):
        self.broker.start()
