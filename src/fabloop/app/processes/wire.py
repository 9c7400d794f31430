"""The words between a host and other processes on the same machine: MessagePack in frames.

It is small on purpose: four requests, two answers, numbered so that many may be under way at once.
It serves workers and the command line; it is no public interface.
"""

from typing import Any, get_args

import msgspec

from fabloop.app.processes.polls import Poll
from fabloop.app.processes.questions import AnyQuestion
from fabloop.base import errors
from fabloop.base.errors import Broken, FabloopError, Fault, Invalid
from fabloop.process.commands import ActiveJob, Command, Reply

WIRE_VERSION = 1
FRAME_BYTES_MAX = 64 * 2**20


class Do(msgspec.Struct, frozen=True, array_like=True, tag="do"):
    """Carry out a command, `body` by its `name`."""

    number: int
    name: str
    body: msgspec.Raw
    actor: str
    request: str


class Take(msgspec.Struct, frozen=True, array_like=True, tag="take"):
    """Wait for jobs."""

    number: int
    poll: Poll
    timeout_s: float


class Drop(msgspec.Struct, frozen=True, array_like=True, tag="drop"):
    """Wait no more for the jobs that request `polled` asked for; answered with no jobs."""

    number: int
    polled: int


class Tell(msgspec.Struct, frozen=True, array_like=True, tag="tell"):
    """Answer a question."""

    number: int
    question: AnyQuestion


Request = Do | Take | Drop | Tell


class Hello(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """The first word of a host."""

    wire: int
    fabloop: str


class Answer(msgspec.Struct, frozen=True, array_like=True, tag="answer"):
    """What a request gave."""

    number: int
    body: msgspec.Raw


class Refusal(msgspec.Struct, frozen=True, array_like=True, tag="refusal"):
    """Why it gave nothing: the class of the error, its text, its faults."""

    number: int
    kind: str
    text: str
    faults: tuple[Fault, ...] = ()


Response = Hello | Answer | Refusal

_COMMANDS = {kind.__name__: msgspec.msgpack.Decoder(kind) for kind in get_args(Command)}
_ENCODER = msgspec.msgpack.Encoder()
_REQUESTS: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_RESPONSES: msgspec.msgpack.Decoder[Response] = msgspec.msgpack.Decoder(Response)
REPLIES: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)
JOBS = msgspec.msgpack.Decoder(tuple[ActiveJob, ...])


def frame_of(word: Request | Response) -> bytes:
    """Return the bytes of a word."""
    return _ENCODER.encode(word)


def raw(value: object) -> msgspec.Raw:
    """Return a value as it stands within a word."""
    return msgspec.Raw(_ENCODER.encode(value))


def request_of(frame: bytes) -> Request:
    """Return a request; raises msgspec.DecodeError."""
    return _REQUESTS.decode(frame)


def response_of(frame: bytes) -> Response:
    """Return a response; raises msgspec.DecodeError."""
    return _RESPONSES.decode(frame)


def command_of(word: Do) -> Command:
    """Return the command that a request holds; raises msgspec.DecodeError."""
    decoder: msgspec.msgpack.Decoder[Any] | None = _COMMANDS.get(word.name)
    if decoder is None:
        raise msgspec.ValidationError(f"command '{word.name}' is unknown")
    command: Command = decoder.decode(word.body)
    return command


def refusal_of(number: int, error: Exception) -> Refusal:
    """Return an error as a word."""
    faults = error.faults if isinstance(error, Invalid) else ()
    return Refusal(number, type(error).__name__, str(error), faults)


def error_of(word: Refusal) -> FabloopError:
    """Return the error that a word tells."""
    if word.faults:
        return Invalid(word.faults)
    kind = getattr(errors, word.kind, None)
    if isinstance(kind, type) and issubclass(kind, FabloopError) and kind is not Invalid:
        return kind(word.text)
    return Broken(f"{word.kind}: {word.text}")
