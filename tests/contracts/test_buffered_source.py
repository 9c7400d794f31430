"""An MQTT source behind a buffer keeps the contract, with a real Mosquitto."""

import pytest

from adapters.mqtt.wire import Sender
from contracts.source_contract import Rig, SourceContract
from contracts.test_mqtt_source import mapping
from fabloop.adapters.buffer import Buffered
from fabloop.adapters.mqtt import MqttSource
from mosquitto_server import Mosquitto, binary


class TestBufferedMqttSource(SourceContract):
    tells_units = True

    @pytest.fixture
    def rig(self, tmp_path):
        if binary() is None:
            pytest.skip("Mosquitto is not installed here: apt-get install mosquitto")
        with Mosquitto() as broker:
            sender = Sender(broker)
            sender.start()
            yield lambda: Rig(
                Buffered(MqttSource(mapping(broker.port)), tmp_path / "buffer.db"), sender
            )
            sender.stop()
