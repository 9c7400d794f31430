"""The bytes between a control and the edge."""

import socket
from contextlib import suppress

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.adapters.bulks import (
    HEADER_BYTES,
    Announcement,
    BulkFrame,
    BulkSender,
    FrameReader,
    Malformed,
    TopicFrame,
    VariableFrame,
    announcement_bytes,
    bound,
    bulk_bytes,
    names_hash,
    topic_bytes,
    variable_bytes,
)
from fabloop.base.errors import Invalid, Unavailable
from fabloop.base.instant import Instant

MILL = Announcement(machine="mill", series=("x.force", "x.velocity"), units=("N", "m/s"))


def bulk(sequence=3, samples=50, dtype=np.float64, announcement=MILL):
    shape = samples, len(announcement.series)
    return BulkFrame(
        machine=announcement.machine,
        names_hash=names_hash(announcement),
        sequence=sequence,
        start=10**18,
        step_ns=2_000_000,
        sent_ns=17,
        trigger=np.arange(samples, dtype=np.int64),
        values=np.arange(shape[0] * shape[1], dtype=dtype).reshape(shape),
    )


def owned(frame):
    """Return a frame that lives longer than the buffer it was read into."""
    if not isinstance(frame, BulkFrame):
        return frame
    arrays = {"values": frame.values.copy(), "trigger": frame.trigger.copy()}
    return msgspec.structs.replace(frame, **arrays)


def read(data, cut=2**20):
    reader, found = FrameReader(64), []
    while data:
        room = reader.room()
        count = min(len(room), len(data), cut)
        room[:count] = data[:count]
        for frame, raw in reader.filled(count):
            found.append((owned(frame), bytes(raw)))
        data = data[count:]
    return found


@given(
    cut=st.integers(1, 700),
    kinds=st.lists(st.sampled_from(["announce", "f4", "f8", "set", "topic"]), max_size=8),
)
def test_frames_come_out_as_they_went_in_however_they_are_cut(cut, kinds):
    made = {
        "announce": announcement_bytes(MILL),
        "f4": bulk_bytes(bulk(dtype=np.float32)),
        "f8": bulk_bytes(bulk(samples=7)),
        "set": variable_bytes(VariableFrame(machine="mill", name="R100", value=1.5)),
        "topic": topic_bytes(TopicFrame(machine="mill", topic="a:b", at=5, value=2.0)),
    }
    sent = [made[each] for each in kinds]
    found = read(b"".join(sent), cut)
    assert [raw for _, raw in found] == sent
    for kind, (frame, _) in zip(kinds, found, strict=True):
        match frame:
            case Announcement():
                assert frame == MILL
            case BulkFrame():
                wanted = bulk(dtype=np.float32) if kind == "f4" else bulk(samples=7)
                np.testing.assert_array_equal(frame.values, wanted.values)
                np.testing.assert_array_equal(frame.trigger, wanted.trigger)
                assert frame.values.dtype == wanted.values.dtype
            case VariableFrame():
                assert frame.value == 1.5
            case TopicFrame():
                assert frame.topic == "a:b"


def changed(data, at, value):
    return data[:at] + bytes([value]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\n" + bytes(100), "no-frame"),
        (changed(bulk_bytes(bulk()), 4, 9), "kind"),
        (changed(bulk_bytes(bulk()), 5, 7), "type"),
        (changed(bulk_bytes(bulk()), 6, 0), "shape"),
        (changed(bulk_bytes(bulk()), 8, 51), "length"),
        (changed(bulk_bytes(bulk()), 15, 200), "too-large"),
        (changed(bulk_bytes(bulk()), 47, 255), "time"),
        (changed(announcement_bytes(MILL), HEADER_BYTES, 0), "text"),
        (changed(announcement_bytes(MILL), 16, 0), "hash"),
        (announcement_bytes(Announcement(machine="m", series=("a", "a"))), "series"),
        (announcement_bytes(Announcement(machine="m", series=("a",), units=("N", "m"))), "series"),
    ],
)
def test_what_is_no_frame_is_refused_by_its_reason(data, reason):
    with pytest.raises(Malformed) as caught:
        read(data)
    assert caught.value.reason == reason


@given(st.binary(min_size=HEADER_BYTES, max_size=400))
def test_any_bytes_are_frames_or_refused(data):
    with suppress(Malformed):
        read(b"FLB1" + data)


def test_a_machine_of_too_long_a_name_is_refused():
    with pytest.raises(Malformed, match="24 bytes"):
        announcement_bytes(Announcement(machine="m" * 25, series=("a",)))


@pytest.mark.parametrize(
    "address", ["nowhere", "unix:", "tcp:host", "tcp::1", "unix:/" + "x" * 120]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(Invalid, match="address of bulks"):
        bound(address)


@pytest.fixture
def listener():
    found, address = bound("tcp:127.0.0.1:0")
    found.settimeout(5.0)
    yield found, address
    found.close()


def send(sender, sequence):
    return sender.send(
        sequence=sequence,
        start=Instant(10**18),
        step_ns=2_000_000,
        trigger=np.zeros(50, dtype=np.int64),
        values=np.zeros((50, 2)),
    )


def test_a_control_does_not_wait_for_an_edge_that_is_not_there():
    found, address = bound("tcp:127.0.0.1:0")
    found.close()
    sender = BulkSender(address, MILL)
    assert not send(sender, 0)
    assert sender.counts.dropped == 1
    with pytest.raises(Unavailable, match="fabloop edge run"):
        sender.await_listener(0.05)


def test_a_control_drops_and_counts_what_a_slow_edge_does_not_take(listener):
    listening, address = listener
    sender = BulkSender(address, MILL)
    sent = [send(sender, number) for number in range(20_000)]
    assert not all(sent)
    assert sender.counts.sent + sender.counts.dropped == 20_000
    edge, _ = listening.accept()
    reader, numbers = FrameReader(), []
    edge.settimeout(0.5)
    try:
        while sender.counts.sent > len(numbers):
            count = edge.recv_into(reader.room())
            numbers += [f.sequence for f, _ in reader.filled(count) if isinstance(f, BulkFrame)]
            if sent and len(numbers) >= sender.counts.sent - 1:
                sent.clear()
                send(sender, 20_000)
    except TimeoutError:
        pytest.fail(f"{len(numbers)} of {sender.counts.sent} bulks arrived")
    finally:
        edge.close()
        sender.close()
    assert numbers == sorted(set(numbers))


def test_a_control_connects_again_and_announces_anew(listener):
    listening, address = listener
    sender = BulkSender(address, MILL)
    assert send(sender, 0)
    first, _ = listening.accept()
    first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    first.close()
    for number in range(1, 1000):
        if not send(sender, number):
            break
    assert send(sender, 1000)
    second, _ = listening.accept()
    second.settimeout(5.0)
    data = b""
    while len(data) < len(announcement_bytes(MILL)):
        data += second.recv(2**16)
    assert data.startswith(announcement_bytes(MILL))
    assert sender.counts.reconnects == 1
    second.close()
    sender.close()


def test_a_control_hears_the_variables_that_are_set(listener):
    listening, address = listener
    sender = BulkSender(address, MILL)
    send(sender, 0)
    edge, _ = listening.accept()
    assert sender.variables() == ()
    wanted = VariableFrame(machine="mill", name="R100", value=2.0)
    edge.sendall(variable_bytes(wanted))
    found = ()
    while not found:
        found = sender.variables()
    assert found == (wanted,)
    edge.close()
    sender.close()
