"""Bodies of requests: their form by content type and first byte, their size within the limit."""

from collections.abc import AsyncIterator, Callable
from functools import cache

from fabloop.sense.readings.payloads.decode import Decode, decoder_of
from fabloop.sense.readings.payloads.forms import Encoding, Form, Layout, TimeUnit

JSON = "application/json"
MSGPACK = ("application/msgpack", "application/vnd.msgpack", "application/x-msgpack")
COLUMNS = "application/vnd.fabloop.columns"
"""Binary columns, see `fabloop.sense.readings.payloads.binary`."""


def decode_of(content_type: str, body: bytes, unit: TimeUnit) -> Decode | None:
    """Return how to read a body; None: its content type is none of ours."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == COLUMNS:
        return _decoder(Layout.BINARY, Encoding.MSGPACK, unit)
    first = body[:1]
    if kind == JSON:
        rows = body.lstrip()[:1] == b"["
        return _decoder(Layout.ROWS if rows else Layout.COLUMNS, Encoding.JSON, unit)
    if kind in MSGPACK:
        rows = b"\x90" <= first <= b"\x9f" or first in (b"\xdc", b"\xdd")
        return _decoder(Layout.ROWS if rows else Layout.COLUMNS, Encoding.MSGPACK, unit)
    return None


@cache
def _decoder(layout: Layout, encoding: Encoding, unit: TimeUnit) -> Decode:
    return decoder_of(Form(layout=layout, encoding=encoding, time_unit=unit, named=True))


async def whole(chunks: Callable[[], AsyncIterator[bytes]], most: int) -> bytes | None:
    """Return a body; None: it is longer than `most` bytes."""
    parts, size = [], 0
    async for chunk in chunks():
        size += len(chunk)
        if size > most:
            return None
        parts.append(chunk)
    return b"".join(parts)
