"""Lets other processes of this machine use a host: one thread reads, one writes, per caller."""

import os
import queue
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Client,
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from typing import Any, Final, TypeAlias

import msgspec

import fabloop
from fabloop.app.processes.host import Host
from fabloop.app.processes.polls import Poll
from fabloop.app.processes.wire import (
    FRAME_BYTES_MAX,
    WIRE_VERSION,
    Answer,
    Do,
    Drop,
    Hello,
    Request,
    Take,
    Tell,
    command_of,
    frame_of,
    raw,
    refusal_of,
    request_of,
)
from fabloop.base.errors import FabloopError, Fault, Invalid

CALLERS_MAX = 64
UNSENT_MAX = 10_000
"""Answers that a caller may leave unread before it is cut off."""

_END: Final = b""

Pipe: TypeAlias = "Connection[Any, Any]"


class Server:
    """Listens at an address until closed; whoever knows the key may do everything.

    Parameters
    ----------
    address : path of a Unix socket, or host and port of the loopback interface
    """

    def __init__(self, host: Host, address: str | tuple[str, int], key: bytes) -> None:
        self._host = host
        self._key = key
        self._listener = Listener(address)
        self._callers: set[_Caller] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._accept, name="server-accept", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str | tuple[str, int]:
        """Where it listens."""
        found: str | tuple[str, int] = self._listener.address
        return found

    def close(self) -> None:
        """Take no more callers and cut off those that are there."""
        self._closing = True
        _knock(self.address)
        self._thread.join()
        self._listener.close()
        with self._lock:
            callers = list(self._callers)
        for each in callers:
            each.end()

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection = self._listener.accept()
            except OSError:
                continue
            with self._lock:
                if len(self._callers) >= CALLERS_MAX:
                    connection.close()
                    continue
                self._callers.add(_Caller(self._host, connection, self._key, self._gone))

    def _gone(self, caller: "_Caller") -> None:
        with self._lock:
            self._callers.discard(caller)


def _knock(address: str | tuple[str, int]) -> None:
    """Wake whoever waits for a caller."""
    with suppress(OSError):
        Client(address).close()


class _Caller:
    """One connection: a thread that reads requests, and one that writes what they give."""

    def __init__(
        self, host: Host, connection: Pipe, key: bytes, gone: Callable[["_Caller"], None]
    ) -> None:
        self._host = host
        self._connection = connection
        self._key = key
        self._gone = gone
        self._unsent: queue.Queue[bytes] = queue.Queue(UNSENT_MAX)
        self._polled: dict[int, Callable[[], None]] = {}
        for job in (self._read, self._write):
            threading.Thread(target=job, name="server-caller", daemon=True).start()

    def end(self) -> None:
        """Cut the caller off."""
        with suppress(queue.Full):
            self._unsent.put_nowait(_END)

    def _read(self) -> None:
        try:
            deliver_challenge(self._connection, self._key)
            answer_challenge(self._connection, self._key)
            self._send(frame_of(Hello(WIRE_VERSION, fabloop.__version__)))
            while True:
                self._serve(request_of(self._connection.recv_bytes(FRAME_BYTES_MAX)))
        except (OSError, EOFError, AuthenticationError, AssertionError, msgspec.DecodeError):
            self.end()
        finally:
            for end in list(self._polled.values()):
                end()

    def _write(self) -> None:
        with suppress(OSError):
            while (frame := self._unsent.get()) != _END:
                self._connection.send_bytes(frame)
        _shut(self._connection)
        self._gone(self)

    def _send(self, frame: bytes) -> None:
        try:
            self._unsent.put_nowait(frame)
        except queue.Full:  # it does not read: what it holds comes back when its leases end
            _shut(self._connection)

    def _wait(self, number: int, poll: Poll, timeout_s: float) -> None:
        def sink(answer: object) -> None:
            self._polled.pop(number, None)
            self._answer(number, answer)

        self._polled[number] = _nothing
        end = self._host.post_poll(poll, timeout_s, sink)
        if self._polled.get(number) is _nothing:
            self._polled[number] = end

    def _answer(self, number: int, answer: object) -> None:
        if isinstance(answer, Exception):
            self._send(frame_of(refusal_of(number, answer)))
        else:
            self._send(frame_of(Answer(number, raw(answer))))

    def _serve(self, request: Request) -> None:
        def sink(answer: object) -> None:
            self._answer(request.number, answer)

        try:
            match request:
                case Do(actor=actor, request=key):
                    self._host.post(command_of(request), sink, actor=actor, request=key)
                case Take(poll=poll, timeout_s=timeout_s):
                    self._wait(request.number, poll, timeout_s)
                case Drop(polled=polled):
                    self._polled.pop(polled, _nothing)()
                    sink(())
                case Tell(question=question):
                    sink(self._host.query(question))
        except FabloopError as error:
            sink(error)
        except msgspec.DecodeError as error:
            expected = "a command of this release"
            sink(Invalid(Fault(source="wire", path="", expected=expected, found=str(error))))


def _nothing() -> None:
    """End a poll that has begun just now."""


def _shut(connection: Pipe) -> None:
    """End a connection under whoever reads it, then close it."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as twin:
        twin.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        connection.close()
