"""MQTT 5: readings from the topics of the plant's broker, plain or Sparkplug B.

It needs no client library (see docs/decisions); mappings in YAML need PyYAML and Sparkplug B
needs protobuf: ``pip install 'fabloop[mqtt]'``.
"""

from fabloop.adapters.mqtt.mapping import Mapping, mapping_of, read_mapping
from fabloop.adapters.mqtt.source import MqttSource

__all__ = ["Mapping", "MqttSource", "mapping_of", "read_mapping"]
