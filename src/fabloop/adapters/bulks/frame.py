"""The bytes between a control and the edge: a header of 80 bytes, then what it tells of.

Little-endian throughout::

    offset  bytes  what
         0      4  "FLB1"
         4      1  kind: 1 announcement, 2 bulk, 3 variable, 4 topic
         5      1  type of the values of a bulk: 1 float32, 2 float64; else 0
         6      2  signals of a bulk
         8      4  samples of a bulk
        12      4  bytes after the header
        16      8  hash of the announcement that names the signals (`names_hash`)
        24      8  sequence number of a bulk
        32      8  t0: instant of the first sample, ns since 1970 in UTC
        40      8  dt: from sample to sample, ns
        48      8  CLOCK_MONOTONIC when it was sent, ns, by a sender of the same computer; else 0
        56     24  machine, UTF-8, filled up with zeros

An announcement is followed by JSON (`Announcement`); it comes first, and again when the signals
change. A bulk is followed by the trigger, int64 for each sample, and by the values, sample by
sample. A variable (from the edge to the control) is followed by JSON: `name` and `value`. A topic
is what an app told, on its way to another process of the edge, with JSON: `TopicFrame`.
"""

import struct
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

MAGIC: Final = b"FLB1"
HEADER: Final = struct.Struct("<4sBBHII8sQqqq24s")
HEADER_BYTES: Final = HEADER.size
MACHINE_BYTES_MAX = 24
SIGNALS_MAX = 4_096
SAMPLES_MAX = 10_000
BODY_BYTES_MAX = 8 * 2**20
STEP_NS_MAX = 3_600 * 10**9

ANNOUNCEMENT: Final = 1
BULK: Final = 2
VARIABLE: Final = 3
TOPIC: Final = 4
_DTYPES: Final[dict[int, np.dtype[Any]]] = {1: np.dtype("<f4"), 2: np.dtype("<f8")}
_CODES: Final = {"f4": 1, "f8": 2}
_NO_HASH: Final = bytes(8)

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]


class Malformed(Exception):
    """Bytes that are no frame; what follows them on the connection cannot be read either."""

    def __init__(self, reason: str, text: str) -> None:
        self.reason = reason
        super().__init__(text)


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender is about to send.

    Attributes
    ----------
    series : names of the signals, in the order of the columns
    units : unit of each signal (``N``, ``m/s``); none: not told
    """

    machine: str
    series: tuple[str, ...]
    units: tuple[str, ...] = ()


class BulkFrame(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive samples of one machine; the arrays lie in the buffer that was read.

    Attributes
    ----------
    trigger : int64, shape (n,), the user variable that a test program sets and clears
    values : float32 or float64, shape (n, signals)
    """

    machine: str
    names_hash: bytes
    sequence: int
    start: int
    step_ns: int
    sent_ns: int
    trigger: Integers
    values: Floats


class VariableFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A user variable of the control that an app sets."""

    machine: str
    name: str
    value: float


class TopicFrame(msgspec.Struct, frozen=True, kw_only=True):
    """What an app told to the apps of another process; `value` or `fact` (JSON) is there."""

    machine: str
    topic: str
    at: int
    value: float | None = None
    fact: str | None = None


Frame = Announcement | BulkFrame | VariableFrame | TopicFrame


class _Assignment(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    value: float


def names_hash(announcement: Announcement) -> bytes:
    """Return eight bytes that stand for the machine, its signals and their units."""
    return sha256(msgspec.json.encode(announcement)).digest()[:8]


def announcement_bytes(announcement: Announcement) -> bytes:
    """Return an announcement as it is sent."""
    machine = announcement.machine.encode()
    if not 0 < len(machine) <= MACHINE_BYTES_MAX:
        raise Malformed("machine", f"machine {announcement.machine!r} has not 1 to 24 bytes")
    body = msgspec.json.encode(announcement)
    head = HEADER.pack(
        MAGIC, ANNOUNCEMENT, 0, 0, 0, len(body), names_hash(announcement), 0, 0, 0, 0, machine
    )
    return head + body


def bulk_bytes(bulk: BulkFrame) -> bytes:
    """Return a bulk as it is sent."""
    code = _CODES[bulk.values.dtype.str[1:]]
    values = np.ascontiguousarray(bulk.values, dtype=_DTYPES[code])
    trigger = np.ascontiguousarray(bulk.trigger, dtype="<i8")
    samples, signals = values.shape
    head = HEADER.pack(
        MAGIC, BULK, code, signals, samples, trigger.nbytes + values.nbytes, bulk.names_hash,
        bulk.sequence, bulk.start, bulk.step_ns, bulk.sent_ns, bulk.machine.encode(),
    )  # fmt: skip
    body: bytes = trigger.tobytes() + values.tobytes()
    return head + body


def variable_bytes(variable: VariableFrame) -> bytes:
    """Return the setting of a variable as it is sent."""
    body = msgspec.json.encode(_Assignment(name=variable.name, value=variable.value))
    machine = variable.machine.encode()
    return HEADER.pack(MAGIC, VARIABLE, 0, 0, 0, len(body), _NO_HASH, 0, 0, 0, 0, machine) + body


def topic_bytes(told: TopicFrame) -> bytes:
    """Return what an app told as it is sent."""
    body = msgspec.json.encode(told)
    return HEADER.pack(MAGIC, TOPIC, 0, 0, 0, len(body), _NO_HASH, 0, 0, 0, 0, b"") + body


class FrameReader:
    """Cuts a stream of bytes into frames; `room` is read into, and then `filled`."""

    def __init__(self, capacity: int = 2**18) -> None:
        self._buffer = bytearray(capacity)
        self._begin = 0
        self._end = 0

    def room(self) -> memoryview:
        """Return where the next bytes go; at least a part of what is missing fits."""
        if self._begin and (self._begin == self._end or self._end == len(self._buffer)):
            left = self._end - self._begin
            self._buffer[:left] = self._buffer[self._begin : self._end]
            self._begin, self._end = 0, left
        if self._end == len(self._buffer):
            larger = bytearray(2 * len(self._buffer))
            larger[: self._end] = self._buffer
            self._buffer = larger
        return memoryview(self._buffer)[self._end :]

    def filled(self, count: int) -> Iterator[tuple[Frame, memoryview]]:
        """Yield the frames that are complete now, each with its bytes.

        They are valid until the next `room`.

        Raises
        ------
        Malformed
            The bytes are no frame; the reader is of no use afterwards.
        """
        self._end += count
        whole = memoryview(self._buffer)
        while self._end - self._begin >= HEADER_BYTES:
            head = HEADER.unpack_from(self._buffer, self._begin)
            _check(head)
            total = HEADER_BYTES + head[5]
            if self._end - self._begin < total:
                return
            raw = whole[self._begin : self._begin + total]
            self._begin += total
            yield _frame(head, raw), raw


def _check(head: tuple[Any, ...]) -> None:
    magic, kind, code, signals, samples, size, _, _, start, step_ns = head[:10]
    if magic != MAGIC:
        raise Malformed("no-frame", f"expected {MAGIC!r}, but found {magic!r}")
    if kind not in (ANNOUNCEMENT, BULK, VARIABLE, TOPIC):
        raise Malformed("kind", f"kind {kind} is unknown")
    if size > BODY_BYTES_MAX:
        raise Malformed("too-large", f"{size} bytes, more than {BODY_BYTES_MAX}")
    if kind != BULK:
        return
    if code not in _DTYPES:
        raise Malformed("type", f"values of type {code}, not 1 (float32) or 2 (float64)")
    if not 0 < signals <= SIGNALS_MAX or not 0 < samples <= SAMPLES_MAX:
        raise Malformed("shape", f"{samples} samples of {signals} signals")
    if size != samples * (8 + signals * _DTYPES[code].itemsize):
        raise Malformed("length", f"{size} bytes do not hold {samples} x {signals} samples")
    if not 0 < step_ns <= STEP_NS_MAX or start < 0:
        raise Malformed("time", f"t0 {start} ns, dt {step_ns} ns")


def _frame(head: tuple[Any, ...], raw: memoryview) -> Frame:
    _, kind, code, signals, samples, _, digest, sequence, start, step_ns, sent_ns, name = head
    try:
        if kind == BULK:
            values = np.frombuffer(
                raw, _DTYPES[code], samples * signals, HEADER_BYTES + 8 * samples
            )
            return BulkFrame(
                machine=name.rstrip(b"\0").decode(),
                names_hash=digest,
                sequence=sequence,
                start=start,
                step_ns=step_ns,
                sent_ns=sent_ns,
                trigger=np.frombuffer(raw, "<i8", samples, HEADER_BYTES),
                values=values.reshape(samples, signals),
            )
        body = raw[HEADER_BYTES:]
        if kind == VARIABLE:
            given = msgspec.json.decode(body, type=_Assignment)
            machine = name.rstrip(b"\0").decode()
            return VariableFrame(machine=machine, name=given.name, value=given.value)
        if kind == TOPIC:
            return msgspec.json.decode(body, type=TopicFrame)
        return _announced(msgspec.json.decode(body, type=Announcement), digest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed("text", str(error)) from error


def _announced(found: Announcement, digest: bytes) -> Announcement:
    if digest != names_hash(found):
        raise Malformed("hash", f"the hash of the announcement of {found.machine!r} is another")
    if not 0 < len(found.series) <= SIGNALS_MAX or len(set(found.series)) != len(found.series):
        raise Malformed("series", f"{len(found.series)} signals, or a name twice")
    if found.units and len(found.units) != len(found.series):
        raise Malformed("series", f"{len(found.units)} units of {len(found.series)} signals")
    return found
