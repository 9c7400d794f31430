"""Packets: what is written is read back, however the bytes are cut."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.adapters.mqtt import packets
from fabloop.adapters.mqtt.packets import Control, Deframer, Publication
from fabloop.base.errors import Unavailable

MESSAGES = st.lists(
    st.builds(
        Publication,
        topic=st.text(max_size=20).map(str.encode),
        payload=st.binary(max_size=300),
        packet=st.integers(0, 65_535),
        again=st.booleans(),
        retained=st.booleans(),
    ),
    max_size=8,
)


def written(message):
    return packets.publish(
        message.topic, message.payload, qos=1 if message.packet else 0,
        number=message.packet, retain=message.retained, again=message.again,
    )  # fmt: skip


@given(MESSAGES, st.integers(1, 50))
def test_messages_come_back_however_the_bytes_are_cut(messages, size):
    stream = b"".join(map(written, messages)) + packets.PINGREQ
    deframer, found, controls = Deframer(), [], []
    for at in range(0, len(stream), size):
        controls += deframer.feed(stream[at : at + size], found)
    assert found == messages
    assert controls == [Control(0xC0, b"")]


@given(st.binary(max_size=200))
def test_strange_bytes_raise_nothing_but_that_the_broker_is_none(data):
    with suppress(Unavailable):
        Deframer().feed(data, [])


def test_properties_of_a_message_are_passed_over():
    body = packets.text("a") + b"\x02\x01\x01" + b"7"
    found = []
    Deframer().feed(packets.packet(packets.PUBLISH, body), found)
    assert found == [Publication(b"a", b"7")]


def test_a_packet_beyond_the_limit_is_not_waited_for():
    with pytest.raises(Unavailable, match="a packet of 268435455 bytes"):
        Deframer().feed(b"\x30\xff\xff\xff\x7f", [])


@given(st.integers(0, 268_435_455))
def test_lengths_take_as_many_bytes_as_the_standard_says(count):
    assert len(packets.length(count)) == 1 + (count > 127) + (count > 16_383) + (count > 2_097_151)
