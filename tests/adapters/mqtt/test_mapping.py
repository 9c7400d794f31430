"""Mappings: every fault of the document, by its place."""

import sys

import pytest

from fabloop.adapters.mqtt.mapping import mapping_of, read_mapping
from fabloop.base.errors import Invalid, Refused

BROKER = "broker: {host: localhost, client_id: f}\n"


def faults(text):
    with pytest.raises(Invalid) as found:
        mapping_of(text.encode(), "hall.yaml")
    return [each.sentence() for each in found.value.faults]


def test_a_mapping_is_read():
    mapping = mapping_of(
        b"""
source: hall-2
broker:
  host: broker.plant.example
  port: 8883
  client_id: fabloop-hall-2
  tls: {authority: ca.pem}
  user: fabloop
  password_file: /run/secrets/mqtt
topics:
  - topic: "plant/{line}/{work_unit}/{name*}"
    work_unit: "{line}.{work_unit}"
    form: {layout: columns, time_unit: us}
series:
  - {series: "*/spindle.temperature", unit: "\xc2\xb0C", greatest: 90}
"""
    )
    (rule,) = mapping.topics
    assert rule.filter == "plant/+/+/#"
    assert rule.pattern().fullmatch("plant/a/b/c/d").groupdict() == {
        "line": "a",
        "work_unit": "b",
        "name": "c/d",
    }
    assert not rule.named


def test_all_faults_are_told_at_once():
    text = """
source: ""
broker: {host: localhost, client_id: "", port: 70000}
topics:
  - {topic: "a/+/b", name: x, work_unit: y}
  - {topic: "a//{name*}/b", qos: 2, work_unit: "{line}"}
  - {topic: "a/{work_unit}"}
series:
  - {series: "*", unit: parsec-per-cow}
  - {series: "*", states: [idle, busy]}
  - {series: "*", least: 5, greatest: 3}
sparkplug: {host_id: "a/b", name: "{tag}"}
ahead_max_s: 0
"""
    places = [each.split(" ")[1].rstrip(":") for each in faults(text)]
    assert places == [
        "$.broker.port", "$.broker.client_id", "$.source",
        "$.sparkplug",
        "$.topics[0].topic",
        "$.topics[1].topic", "$.topics[1].topic", "$.topics[1].qos", "$.topics[1].work_unit",
        "$.topics[2].topic",
        "$.series[0].unit", "$.series[1].kind", "$.series[2].least",
        "$.sparkplug.host_id", "$.sparkplug.name", "$.ahead_max_s",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("source: [", "hall.yaml : Expected YAML"),
        ("source: 5\n", "$.source: Expected a mapping as documented"),
        (f"source: a\n{BROKER}topic: []\n", "unknown field `topic`"),
        (f"source: a\n{BROKER}", "$.topics: Expected topics, or a part 'sparkplug'"),
    ],
)
def test_what_is_no_mapping_says_where(text, sentence):
    assert sentence in faults(text)[0].replace("hall.yaml: ", "hall.yaml : ")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Invalid, match=r"none.yaml: Expected a file that can be read"):
        read_mapping(tmp_path / "none.yaml")


def test_an_extra_that_lacks_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(Refused, match=r"pip install 'fabloop\[mqtt\]'"):
        mapping_of(f"source: a\n{BROKER}".encode())
