"""Packets of MQTT 5 that a client of our kind sends and receives, as bytes (OASIS MQTT 5.0).

Many packets are parsed in one go and acknowledged in one write: that is what the plant's rate
asks for (measured in docs/decisions/2026-11-22-mqtt-client.md). QoS 0 and 1; QoS 2 and topic
aliases are neither asked for nor accepted.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from fabloop.base.errors import Unavailable

CONNECT: Final = 0x10
CONNACK: Final = 0x20
PUBLISH: Final = 0x30
PUBACK: Final = 0x40
SUBSCRIBE: Final = 0x82
SUBACK: Final = 0x90
PINGREQ: Final = b"\xc0\x00"
PINGRESP: Final = 0xD0
DISCONNECT: Final = 0xE0

PACKET_BYTES_MAX = 4 * 2**20
"""Of one packet; the broker is told so when we connect."""

NO_PACKET: Final = 0
"""Packet identifier of what needs no acknowledgement."""


class Publication(NamedTuple):
    """A message of a topic."""

    topic: bytes
    payload: bytes
    packet: int = NO_PACKET
    again: bool = False
    retained: bool = False


class Control(NamedTuple):
    """Any other packet: its first byte and what follows the length."""

    kind: int
    body: bytes


class Will(NamedTuple):
    """What the broker says for us when we are gone without a word."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


def text(value: str | bytes) -> bytes:
    """Return a text or binary field: its length and its bytes."""
    encoded = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(encoded)) + encoded


def length(count: int) -> bytes:
    """Return a variable byte integer."""
    encoded = bytearray()
    while True:
        count, part = divmod(count, 128)
        encoded.append(part | (0x80 if count else 0))
        if not count:
            return bytes(encoded)


def packet(kind: int, body: bytes) -> bytes:
    """Return a whole packet."""
    return bytes([kind]) + length(len(body)) + body


def connect(
    client_id: str,
    *,
    keep_alive_s: int,
    session_expiry_s: int,
    receive_maximum: int,
    clean_start: bool = False,
    user: str | None = None,
    password: bytes | None = None,
    will: Will | None = None,
) -> bytes:
    """Return the packet that opens a session, or goes on with one."""
    flags = 0x02 if clean_start else 0
    flags |= 0x80 if user is not None else 0
    flags |= 0x40 if password is not None else 0
    flags |= (0x04 | will.qos << 3 | (0x20 if will.retain else 0)) if will else 0
    properties = struct.pack(
        ">BIBHBI", 0x11, session_expiry_s, 0x21, receive_maximum, 0x27, PACKET_BYTES_MAX
    )
    body = text("MQTT") + struct.pack(">BBH", 5, flags, keep_alive_s)
    body += length(len(properties)) + properties + text(client_id)
    if will:
        body += b"\0" + text(will.topic) + text(will.payload)
    if user is not None:
        body += text(user)
    if password is not None:
        body += text(password)
    return packet(CONNECT, body)


def subscribe(number: int, filters: Sequence[tuple[str, int]]) -> bytes:
    """Return a packet that asks for topics, each with the highest QoS wanted."""
    body = struct.pack(">HB", number, 0)
    body += b"".join(text(each) + bytes([qos]) for each, qos in filters)
    return packet(SUBSCRIBE, body)


def publish(
    topic: str | bytes, payload: bytes, *, qos: int = 0, number: int = NO_PACKET,
    retain: bool = False, again: bool = False,
) -> bytes:  # fmt: skip
    """Return a packet with a message; QoS 1 needs a packet identifier."""
    kind = PUBLISH | qos << 1 | (1 if retain else 0) | (8 if again else 0)
    head = text(topic) + (struct.pack(">H", number) if qos else b"")
    return packet(kind, head + b"\0" + payload)


def acknowledge(numbers: Iterable[int]) -> bytes:
    """Return the packets that acknowledge messages of QoS 1."""
    return b"".join(struct.pack(">BBH", PUBACK, 2, each) for each in numbers)


def disconnect(reason: int = 0) -> bytes:
    """Return the packet that ends a connection; 4: the will is to be told."""
    return packet(DISCONNECT, bytes([reason]))


class Deframer:
    """Bytes as they come to packets; keeps what is not whole yet."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes, into: list[Publication]) -> list[Control]:
        """Append the messages that are whole to `into`; return the other packets.

        Raises
        ------
        Unavailable
            The bytes are not MQTT, or a packet is longer than we said we would take.
        """
        buffer = self._rest + data if self._rest else data
        at, end, controls = 0, len(buffer), []
        try:
            while at + 2 <= end:
                kind, size, body = buffer[at], buffer[at + 1], at + 2
                if size > 127:
                    found = _length(buffer, at + 1, end)
                    if found is None:
                        break
                    size, body = found
                after = body + size
                if after > end:
                    if size > PACKET_BYTES_MAX:
                        raise nonsense(f"a packet of {size} bytes")
                    break
                if kind & 0xF0 == PUBLISH:
                    into.append(_publication(buffer, kind, body, after))
                else:
                    controls.append(Control(kind, buffer[body:after]))
                at = after
        except IndexError as error:
            raise nonsense("a packet that ends within a field") from error
        self._rest = buffer[at:]
        return controls


def _publication(buffer: bytes, kind: int, at: int, after: int) -> Publication:
    start = at + 2
    at = start + (buffer[at] << 8 | buffer[at + 1])
    topic, number = buffer[start:at], NO_PACKET
    qos = kind & 6
    if qos:
        if qos != 2:
            raise nonsense("a message of QoS 2 or 3, which was not asked for")
        number = buffer[at] << 8 | buffer[at + 1]
        at += 2
    properties = buffer[at]
    at += 1
    if properties:
        if properties > 127:
            found = _length(buffer, at - 1, after)
            if found is None:
                raise nonsense("a message that ends within its properties")
            properties, at = found
        at += properties
    if at > after:
        raise nonsense("a message that is shorter than its topic")
    return Publication(topic, buffer[at:after], number, kind & 8 != 0, kind & 1 != 0)


def _length(buffer: bytes, at: int, end: int) -> tuple[int, int] | None:
    """Return a variable byte integer and where it ends; None: it has not come whole."""
    value = 0
    for shift in (0, 7, 14, 21):
        if at >= end:
            return None
        part = buffer[at]
        at += 1
        value |= (part & 0x7F) << shift
        if part < 128:
            return value, at
    raise nonsense("a length of more than four bytes")


def nonsense(found: str) -> Unavailable:
    """Return the error of bytes that no broker would send."""
    return Unavailable(
        f"Expected packets of MQTT 5, but found {found}. Check that the port is that of a broker."
    )
