"""The MQTT source keeps the contract, with a real Mosquitto."""

import pytest

from adapters.mqtt.wire import Sender
from contracts.source_contract import Rig, SourceContract
from fabloop.adapters.mqtt import MqttSource, mapping_of
from mosquitto_server import Mosquitto, binary


class TestMqttSource(SourceContract):
    tells_units = True

    @pytest.fixture
    def rig(self):
        if binary() is None:
            pytest.skip("Mosquitto is not installed here: apt-get install mosquitto")
        with Mosquitto() as broker:
            sender = Sender(broker)
            sender.start()
            yield lambda: Rig(MqttSource(mapping(broker.port)), sender)
            sender.stop()


def mapping(port):
    return mapping_of(
        f"""
source: hall
broker: {{host: 127.0.0.1, port: {port}, client_id: fabloop}}
topics:
  - {{topic: "plant/{{work_unit}}", form: {{layout: rows}}}}
""".encode()
    )
