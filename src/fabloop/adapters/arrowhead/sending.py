"""Sends one request and tells the status of its answer: all that a notification needs."""

import asyncio
import re
import ssl
from contextlib import suppress
from urllib.parse import quote

import msgspec

from fabloop.base.errors import Unavailable

LINE_BYTES_MAX = 8_192
_POLITE_S = 0.2
"""How long the rest of an answer is waited for, which nobody reads."""
_POLITE_BYTES = 65_536
_STATUS = re.compile(rb"HTTP/1\.[01] ([2-5]\d\d)(?: .*)?\r?\n")
_SAFE = "/?&=%:@!$'()*+,;~-._"


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A request with a JSON body; with a context it goes by HTTPS."""

    method: str
    host: str
    port: int
    path: str
    body: bytes
    context: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        """Where it goes to, for people."""
        scheme = "http" if self.context is None else "https"
        return f"{scheme}://{_authority(self.host, self.port)}{_target(self.path)}"


async def status_of(letter: Letter, wait_s: float) -> int:
    """Return the status that answers a request.

    Raises
    ------
    Unavailable
        Nobody answers in time, or not in HTTP/1.1.
    """
    try:
        async with asyncio.timeout(wait_s):
            return await _sent(letter)
    except (OSError, ValueError) as error:  # a timeout is an OSError
        why = str(error) or type(error).__name__
        raise Unavailable(f"Expected {letter.url} to answer, but {why}.") from error


async def _sent(letter: Letter) -> int:
    reader, writer = await asyncio.open_connection(
        letter.host, letter.port, ssl=letter.context, limit=LINE_BYTES_MAX
    )
    try:
        writer.write(_head(letter) + letter.body)
        await writer.drain()
        line = await reader.readline()
        found = _STATUS.fullmatch(line)
        if found is None:
            raise ValueError(f"it says {line[:40]!r}")
        with suppress(OSError):
            async with asyncio.timeout(_POLITE_S):
                await reader.read(_POLITE_BYTES)
        return int(found[1])
    finally:
        writer.close()


def _head(letter: Letter) -> bytes:
    lines = (
        f"{letter.method} {_target(letter.path)} HTTP/1.1",
        f"Host: {_authority(letter.host, letter.port)}",
        "Content-Type: application/json",
        f"Content-Length: {len(letter.body)}",
        "Connection: close",
        "",
        "",
    )
    return "\r\n".join(lines).encode("ascii")


def _authority(host: str, port: int) -> str:
    """Return host and port; nothing in them ends a line."""
    told = f"[{host}]" if ":" in host else host
    return f"{quote(told, safe='[]:.-_')}:{port}"


def _target(path: str) -> str:
    return quote(path if path.startswith("/") else f"/{path}", safe=_SAFE)
