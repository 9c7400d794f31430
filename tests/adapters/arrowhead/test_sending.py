"""A notification is one request; nothing that a subscriber told gets out of its place in it."""

import asyncio

import pytest

from fabloop.adapters.arrowhead.sending import Letter, status_of
from fabloop.base.errors import Unavailable


def sent(answer, *, wait_s=2.0, **told):
    """Send a letter to somebody who answers so; return the status and what they got."""
    got = []

    async def take(reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            got.append(head + await reader.readexactly(2))
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def story():
        async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            letter = {"method": "POST", "host": "127.0.0.1", "port": port, "path": "/told", **told}
            return await status_of(Letter(body=b"{}", **letter), wait_s)

    return asyncio.run(story()), b"".join(got)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
        (b"HTTP/1.0 204\r\n\r\n", 204),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\nnot now", 503),
    ],
)
def test_the_status_is_told(answer, status):
    found, got = sent(answer)
    assert found == status
    assert got.startswith(b"POST /told HTTP/1.1\r\nHost: 127.0.0.1:")
    assert got.endswith(b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 999 x\r\n", b"x" * 20_000]
)
def test_what_is_no_answer_is_told(answer):
    with pytest.raises(Unavailable, match="/told to answer, but"):
        sent(answer)


def test_who_never_answers_is_given_up():
    with pytest.raises(Unavailable, match="TimeoutError"):
        sent(None, wait_s=0.1)


@pytest.mark.parametrize("path", ["/a b\r\nEvil: 1", "a b\nEvil: 1", "/ü"])
def test_a_path_stays_one_line(path):
    _, got = sent(b"HTTP/1.1 200 OK\r\n\r\n", path=path)
    assert b"\nEvil" not in got
    assert got.count(b"\r\n") == 6


@pytest.mark.parametrize("host", ["127.0.0.1\r\nEvil: 1", "", "no.such.host.invalid", "a" * 300])
def test_a_host_that_is_none_is_told(host):
    with pytest.raises(Unavailable, match="to answer, but"):
        sent(b"", host=host)
