"""A host in another process of this machine, used as if it were here."""

import itertools
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from typing import Any, Self, TypeVar

import msgspec

from fabloop.app.processes.polls import Poll
from fabloop.app.processes.questions import ANSWERS, Question
from fabloop.app.processes.slots import Sink, Slot
from fabloop.app.processes.wire import (
    FRAME_BYTES_MAX,
    JOBS,
    REPLIES,
    WIRE_VERSION,
    Answer,
    Do,
    Drop,
    Hello,
    Refusal,
    Request,
    Take,
    Tell,
    error_of,
    frame_of,
    raw,
    response_of,
)
from fabloop.base.errors import Broken, Conflict, FabloopError, Unavailable
from fabloop.process.commands import ActiveJob, Command, Reply

T = TypeVar("T")

_Reader = Callable[[msgspec.Raw], Any]
_DECODERS = {asked: msgspec.msgpack.Decoder(answer) for asked, answer in ANSWERS.items()}


class Remote:
    """Sends commands, polls and questions to a `Server`; many threads may use one.

    Raises
    ------
    Unavailable
        Nobody listens at the address.
    Conflict
        Another release of fabloop listens there, or the key is not its own.
    """

    def __init__(self, address: str | tuple[str, int], key: bytes) -> None:
        self._connection = _connected(address, key)
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[_Reader, Sink[Any]]] = {}
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._gone: FabloopError | None = None
        self._thread = threading.Thread(target=self._read, name="remote-read", daemon=True)
        self._thread.start()

    def submit(self, command: Command, *, actor: str = "", request: str = "") -> Reply:
        """Return the reply once it is durable.

        Raises
        ------
        Unavailable
            The host has gone; whether the command was done is known only with a `request`, which
            may be sent again.
        """
        slot = Slot[Reply]()
        self.post(command, slot.put, actor=actor, request=request)
        return slot.take()

    def post(
        self, command: Command, sink: Sink[Reply], *, actor: str = "", request: str = ""
    ) -> None:
        """Do the same without waiting."""
        body = raw(command)

        def word(number: int) -> Request:
            return Do(number, type(command).__name__, body, actor, request)

        self._send(word, REPLIES.decode, sink)

    def poll(self, poll: Poll, timeout_s: float) -> tuple[ActiveJob, ...]:
        """Return jobs as soon as there is one; none when there was none until the timeout."""
        slot = Slot[tuple[ActiveJob, ...]]()
        self.post_poll(poll, timeout_s, slot.put)
        return slot.take()

    def post_poll(
        self, poll: Poll, timeout_s: float, sink: Sink[tuple[ActiveJob, ...]]
    ) -> Callable[[], None]:
        """Do the same without waiting; call what is returned to wait no more."""
        polled = self._send(lambda number: Take(number, poll, timeout_s), JOBS.decode, sink)

        def end() -> None:
            with suppress(FabloopError):
                self._send(lambda number: Drop(number, polled), JOBS.decode, lambda _: None)

        return end

    def query(self, question: Question[T]) -> T:
        """Return the answer to a question."""
        slot = Slot[T]()
        decode = _DECODERS[type(question)].decode
        # every question is one of those the wire knows; a type that says so cannot be written
        self._send(lambda number: Tell(number, question), decode, slot.put)  # type: ignore[arg-type]
        return slot.take()

    def close(self) -> None:
        """Hang up; what waits is told so."""
        self._end(Unavailable("Expected the connection to be open, but it was closed."))
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, word: Callable[[int], Request], read: _Reader, sink: Sink[Any]) -> int:
        with self._lock:
            if self._gone is not None:
                raise self._gone
            number = next(self._numbers)
            self._waiting[number] = (read, sink)
        try:
            with self._sending:
                self._connection.send_bytes(frame_of(word(number)))
        except OSError as error:
            self._end(_lost(error))
        return number

    def _read(self) -> None:
        """Give answers to those who wait; runs in its own thread until the connection ends."""
        try:
            while True:
                self._give(self._connection.recv_bytes(FRAME_BYTES_MAX))
        except (OSError, EOFError) as error:
            self._end(_lost(error))
        except msgspec.DecodeError as error:
            self._end(Broken(f"Expected answers of this release, but {error}."))
        with suppress(OSError):
            self._connection.close()

    def _give(self, frame: bytes) -> None:
        word = response_of(frame)
        if isinstance(word, Hello):
            return
        with self._lock:
            read, sink = self._waiting.pop(word.number)
        match word:
            case Answer(body=body):
                sink(read(body))
            case Refusal():
                sink(error_of(word))

    def _end(self, error: FabloopError) -> None:
        with self._lock:
            if self._gone is None:
                self._gone = error
            waiting, self._waiting = self._waiting, {}
        for _, sink in waiting.values():
            sink(self._gone)
        with suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as twin:
            twin.shutdown(socket.SHUT_RDWR)


def _connected(address: str | tuple[str, int], key: bytes) -> "Connection[Any, Any]":
    try:
        connection = Client(address, authkey=key)
    except (OSError, EOFError) as error:
        raise _lost(error) from error
    except AuthenticationError as error:
        raise Conflict(f"Expected the key of the host at {address}, but found another.") from error
    try:
        hello = response_of(connection.recv_bytes(FRAME_BYTES_MAX))
    except (OSError, EOFError, msgspec.DecodeError) as error:
        connection.close()
        raise _lost(error) from error
    if not isinstance(hello, Hello) or hello.wire != WIRE_VERSION:
        connection.close()
        raise Conflict(f"Expected wire version {WIRE_VERSION} at {address}, but found {hello}.")
    return connection


def _lost(error: Exception) -> Unavailable:
    what = str(error) or type(error).__name__
    return Unavailable(f"Expected a host to listen, but {what}. Start it, then try again.")
