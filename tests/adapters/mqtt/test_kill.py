"""`kill -9` of the ingest, or of the broker, while machines send: nothing acknowledged is lost."""

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from fabloop.adapters.historian import Historian
from fabloop.app.processes.clocks import WallClock
from fabloop.base.instant import Instant
from mosquitto_server import Mosquitto, binary

T0_MS = 1_763_800_000_000
WITHIN_S = 60.0
MANY = 3_000


@pytest.fixture
def broker():
    if binary() is None:
        pytest.skip("Mosquitto is not installed here: apt-get install mosquitto")
    with Mosquitto(persistent=True) as running:
        yield running


@contextmanager
def ingesting(broker, folder):
    """Run the ingest in a process of its own until the block ends; it may be killed before."""
    script = Path(__file__).with_name("ingesting.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(broker.port), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout.readline().startswith(b"[")
        yield process
        process.communicate(timeout=WITHIN_S)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


class Machine:
    """Sends one reading after the other, each until the broker has acknowledged it."""

    def __init__(self, broker) -> None:
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, "machine", protocol=paho.MQTTv5, clean_session=None
        )
        self.client.reconnect_delay_set(0.05, 0.2)
        self.client.max_inflight_messages_set(200)
        self.client.on_publish = lambda *_: self._heard.append(1)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        self.sent = 0
        self._heard = []

    def send(self, count):
        for _ in range(count):
            payload = b'{"ts": %d, "value": %d}' % (T0_MS + self.sent, self.sent)
            self.client.publish("plant/mill/load", payload, qos=1)
            self.sent += 1

    def published(self):
        return len(self._heard)

    def finish(self):
        until(lambda: self.published() >= self.sent)
        self.client.disconnect()
        self.client.loop_stop()


def stored(folder):
    """Return the values in the store, by time."""
    historian = Historian(folder, WallClock())
    try:
        first = Instant(T0_MS * 10**6)
        numbers = historian.catalogue.numbers()
        if ("hall", "plant/mill/load") not in numbers:
            return []
        number = numbers["hall", "plant/mill/load"]
        found = historian.query.range(number, first, Instant(first + MANY * 10**6))
        assert (found.times == first + found.values.astype(int) * 10**6).all()
        return found.values.tolist()
    finally:
        historian.close()


def missing(folder):
    """Return what is not stored, or more than once."""
    found = stored(folder)
    return [value for value in range(MANY) if found.count(value) != 1]


def until(condition):
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_killing_the_ingest_again_and_again_loses_and_doubles_nothing(broker, tmp_path):
    with ingesting(broker, tmp_path):
        machine = Machine(broker)  # the broker knows now for whom to keep messages
    for kill in range(1, 4):
        with ingesting(broker, tmp_path) as process:
            machine.send(MANY // 3)
            until(lambda half=kill * MANY // 3 - MANY // 6: machine.published() > half)
            process.kill()
    machine.finish()
    with ingesting(broker, tmp_path) as process:
        assert [MANY - 1] in map(json.loads, process.stdout)  # the broker keeps their order
    assert missing(tmp_path) == []


def test_killing_the_broker_loses_and_doubles_nothing(broker, tmp_path):
    with ingesting(broker, tmp_path) as process:
        until(lambda: broker.remembers("fabloop-ingest"))
        machine = Machine(broker)
        machine.send(MANY // 2)
        until(lambda: machine.published() > 0)
        broker.kill()
        machine.send(MANY - MANY // 2)
        broker.start()
        machine.finish()
        assert [MANY - 1] in map(json.loads, process.stdout)  # it has connected again
    assert missing(tmp_path) == []
