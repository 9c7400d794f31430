"""The words between a group's process and the edge that looks after it: MessagePack in frames."""

import socket
import struct
from collections import deque
from collections.abc import Iterator
from typing import Final

import msgspec

from fabloop.app.edge.deployment import Group
from fabloop.app.edge.realtime import Scheduling
from fabloop.base.errors import Fault

_LENGTH: Final = struct.Struct("<I")
UNSENT_BYTES_MAX = 16 * 2**20
"""Results that wait while the edge does not read; more are dropped, and counted."""


class Configure(msgspec.Struct, frozen=True, array_like=True, tag="configure"):
    """Run these apps from now on; those that have not changed go on as they are.

    `suspended` tells which apps stay stopped, and why; those in `renewed` begin anew.
    """

    version: int
    group: Group
    suspended: dict[str, str]
    renewed: tuple[str, ...]


class End(msgspec.Struct, frozen=True, array_like=True, tag="end"):
    """End the process."""


class Hello(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """The first word of a process."""

    pid: int
    listen: str
    scheduling: Scheduling
    warning: str


class Configured(msgspec.Struct, frozen=True, array_like=True, tag="configured"):
    """What was deployed runs; `faults` tells which apps do not, and why."""

    version: int
    faults: dict[str, tuple[Fault, ...]]


class Named(msgspec.Struct, frozen=True, array_like=True, tag="named"):
    """Names that an app tells readings of; said once, and meant by their number from then on."""

    number: int
    app: str
    machine: str
    names: tuple[str, ...]


class Told(msgspec.Struct, frozen=True, array_like=True, tag="told"):
    """Readings of one instant: values (float64) and qualities (uint8) as they lie in memory."""

    names: int
    at: int
    values: bytes
    qualities: bytes


class FactTold(msgspec.Struct, frozen=True, array_like=True, tag="fact"):
    """Something that is no number, as JSON."""

    app: str
    machine: str
    name: str
    at: int
    json: bytes


class StreamReport(msgspec.Struct, frozen=True, kw_only=True):
    """How the stream of a machine is doing; counts only grow while the process lives."""

    machine: str
    connected: bool
    signals: int = 0
    sequence: int | None = None
    taken: int = 0
    repeated: int = 0
    gaps: int = 0
    lost: int = 0
    restarts: int = 0
    clock_jumps: int = 0
    unknown_samples: int = 0
    unit_changes: int = 0
    refused: dict[str, int] = {}
    clock_skew_ns: int | None = None
    trouble: str = ""


class AppReport(msgspec.Struct, frozen=True, kw_only=True):
    """How an app is doing.

    Attributes
    ----------
    state : running, starved (a signal is missing), suspended (for `reason`, until started again)
    cpu : share of a processor during the last ten seconds
    """

    app: str
    state: str
    reason: str = ""
    calls: int = 0
    failures: int = 0
    readings: int = 0
    facts: int = 0
    unknown: int = 0
    cpu: float = 0.0


class Report(msgspec.Struct, frozen=True, array_like=True, tag="report"):
    """The state of the process, now and then; `handling` and `path` are int64 ns of new bulks."""

    version: int
    streams: tuple[StreamReport, ...]
    apps: tuple[AppReport, ...]
    handling: bytes
    path: bytes
    dropped: int
    connections: int
    cut: dict[str, int]
    overruns: int
    not_passed_on: int


FromProcess = Hello | Configured | Named | Told | FactTold | Report
ToProcess = Configure | End

_ENCODER = msgspec.msgpack.Encoder()
_FROM: msgspec.msgpack.Decoder[FromProcess] = msgspec.msgpack.Decoder(FromProcess)
_TO: msgspec.msgpack.Decoder[ToProcess] = msgspec.msgpack.Decoder(ToProcess)


def framed(word: FromProcess | ToProcess) -> bytes:
    """Return a word as it is sent."""
    body = _ENCODER.encode(word)
    return _LENGTH.pack(len(body)) + body


def from_process(body: bytes) -> FromProcess:
    """Return a word of a process; raises msgspec.DecodeError."""
    return _FROM.decode(body)


def to_process(body: bytes) -> ToProcess:
    """Return a word to a process; raises msgspec.DecodeError."""
    return _TO.decode(body)


class Words:
    """Cuts what is received into words."""

    def __init__(self) -> None:
        self._left = bytearray()

    def of(self, received: bytes) -> Iterator[bytes]:
        """Yield the bodies of the words that are complete now."""
        self._left += received
        while len(self._left) >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._left)
            end = _LENGTH.size + size
            if len(self._left) < end:
                return
            body = bytes(self._left[_LENGTH.size : end])
            del self._left[:end]
            yield body


class Outlet:
    """Sends without ever waiting: what does not fit now goes later, within a limit."""

    def __init__(self, link: socket.socket, limit: int = UNSENT_BYTES_MAX) -> None:
        self._link = link
        self._unsent: deque[bytes] = deque()
        self._size = 0
        self._limit = limit
        self.dropped = 0

    @property
    def waits(self) -> bool:
        """Whether something is left to send."""
        return bool(self._unsent)

    def put(self, frame: bytes, *, needed: bool = False) -> None:
        """Send a frame; one that is not needed is dropped where too much waits already."""
        if self._size + len(frame) > self._limit and not needed:
            self.dropped += 1
            return
        self._unsent.append(frame)
        self._size += len(frame)
        self.flush()

    def flush(self) -> None:
        """Send what can be sent now; raises OSError where the other side is gone."""
        while self._unsent:
            frame = self._unsent[0]
            try:
                count = self._link.send(frame)
            except BlockingIOError:
                return
            self._size -= count
            if count < len(frame):
                self._unsent[0] = frame[count:]
                return
            self._unsent.popleft()
