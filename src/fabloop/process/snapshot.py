"""Bytes of a whole state and back: exactly what replaying the rows up to there would give.

A snapshot is a cache of the journal, never its replacement. It is a header and chunks of records,
each with a checksum of its own, and carries a digest of how the records are made: one that was
written for other records is refused (`Broken`), and the journal is read instead.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from types import GenericAlias, UnionType
from typing import Any, get_args, get_origin
from zlib import crc32

import msgspec
from msgspec.structs import asdict, astuple, replace

from fabloop.base.errors import Broken
from fabloop.base.instant import Instant
from fabloop.process.commands import Reply
from fabloop.process.cpn.bag import Bag
from fabloop.process.cpn.token import Token, freeze
from fabloop.process.definition import NOWHERE, DefinitionKey
from fabloop.process.deployment import Deployment, recompiled
from fabloop.process.operations import Batch
from fabloop.process.remembered import Finished, Message
from fabloop.process.repetition import Repetition
from fabloop.process.state import (
    Act,
    Frame,
    Incident,
    Instance,
    JobRecord,
    State,
    Subscription,
    Timer,
)

RECORDS_PER_CHUNK_MAX = 5_000
"""Records in one chunk, so that neither writing nor reading needs everything twice in memory."""

_Keys = dict[int, None]
_Address = tuple[str, str]

TABLES: dict[str, tuple[Any, Any]] = {
    "deployments": (DefinitionKey, Deployment),
    "versions": (str, int),
    "digests": (_Address, int),
    "instances": (int, Instance),
    "frames": (int, Frame),
    "acts": (int, Act),
    "jobs": (int, JobRecord),
    "timers": (int, Timer),
    "subscriptions": (int, Subscription),
    "messages": (int, Message),
    "incidents": (int, Incident),
    "repetitions": (int, Repetition),
    "finished": (int, Finished),
    "suspended": (int, Instant),
    "stopped": (tuple[str, int], Instant),
    "batches": (int, Batch),
    "requests": (str, Reply),
    "ready": (str, _Keys),
    "waiting": (_Address, _Keys),
    "kept": (_Address, _Keys),
}
"""Every table of `State` that a snapshot holds, in the order of its chunks: key and value."""

DERIVED = frozenset({"definitions", "calendar"})
"""Tables that are made anew from the others."""


class Header(msgspec.Struct, frozen=True, array_like=True):
    """What a snapshot begins with; `chunks` follow it."""

    records: str
    partition: int
    last_key: int
    chunks: int


def write_snapshot(state: State) -> Iterator[bytes]:
    """Yield the parts of a snapshot; the state may not change until all are taken."""
    sizes = [-(-len(getattr(state, name)) // RECORDS_PER_CHUNK_MAX) for name in TABLES]
    yield _sealed(Header(RECORDS_DIGEST, state.partition, state.last_key, sum(sizes)))
    for name in TABLES:
        flat = name in _TWINS
        entries = iter(getattr(state, name).items())
        while chunk := list(islice(entries, RECORDS_PER_CHUNK_MAX)):
            pairs = [(key, astuple(value)) for key, value in chunk] if flat else chunk
            yield _sealed((name, pairs))


def read_snapshot(parts: Iterable[bytes]) -> State:
    """Return the state that the parts were made from.

    Raises
    ------
    Broken
        A part is missing or damaged, or the records have changed since it was written.
    """
    numbered = iter(parts)
    try:
        header = msgspec.msgpack.decode(_unsealed(next(numbered, b"")), type=Header)
        if header.records != RECORDS_DIGEST:
            raise Broken("Expected a snapshot of this release's records, but found another's.")
        state = State(header.partition)
        state.last_key = header.last_key
        found = 0
        for part in numbered:
            found += 1
            _fill(state, _unsealed(part))
    except msgspec.DecodeError as error:
        raise Broken(f"Expected a readable snapshot, but {error}.") from error
    if found != header.chunks:
        raise Broken(f"Expected {header.chunks} chunks of a snapshot, but found {found}.")
    _derive(state)
    return state


def _sealed(value: object) -> bytes:
    body = _ENCODER.encode(value)
    return crc32(body).to_bytes(4, "big") + body


def _unsealed(part: bytes) -> memoryview:
    body = memoryview(part)[4:]
    if not body or crc32(body).to_bytes(4, "big") != part[:4]:
        raise Broken("Expected a whole part of a snapshot, but its checksum differs.")
    return body


def _fill(state: State, body: memoryview) -> None:
    name, pairs = _CHUNK.decode(body)
    decoder = _DECODERS.get(name)
    if decoder is None:
        raise Broken(f"Expected a known table in a snapshot, but found '{name}'.")
    entries = decoder.decode(pairs)
    record = TABLES[name][1]
    if name in _TWINS:
        if record.__match_args__:
            entries = [(key, record(*astuple(value))) for key, value in entries]
        else:  # its fields are given by name only
            entries = [(key, record(**asdict(value))) for key, value in entries]
    getattr(state, name).update(entries)


def _derive(state: State) -> None:
    """Make anew what is not written: definitions, the calendar, and who shares which bag."""
    for version, deployment in state.deployments.items():
        state.definitions[version] = recompiled(deployment, version.version)
    for key, frame in state.frames.items():
        if frame.bags:
            fusion = state.scope_of(frame).fusion
            shared = state.instances[frame.instance].shared
            pairs = zip(frame.bags, fusion, strict=True)
            bags = tuple(bag if place == NOWHERE else shared[place] for bag, place in pairs)
            state.frames[key] = replace(frame, bags=bags)
    state.rebuild_calendar()
    state.commit()


# -- how records look in bytes: arrays of their fields, derived from their types -----------------


class _Anything(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return True


class _Frozen(metaclass=_Anything):
    """Stands for a colour value, which is frozen when it is read."""


def _twin(record: Any) -> Any:
    """Return a struct with the fields of a record, written as an array without names."""
    fields = [(name, _wire(kind)) for name, kind in _fields(record)]
    return msgspec.defstruct(record.__name__, fields, frozen=True, array_like=True)


def _fields(record: Any) -> list[tuple[str, Any]]:
    # as they stand in the class: typing cannot resolve the recursive `Token` from another module
    return [(name, record.__annotations__[name]) for name in record.__struct_fields__]


def _wire(kind: Any) -> Any:
    """Return a type as it is decoded: colour values are marked, to be frozen."""
    if kind == Token:
        return _Frozen
    if kind is object:
        return Any
    origin, args = get_origin(kind), get_args(kind)
    if origin in (tuple, list, dict):
        return origin[tuple(_wire(each) for each in args)]
    return kind


def _encode_bag(value: object) -> object:
    assert isinstance(value, Bag), f"a snapshot cannot hold a {type(value).__name__}"
    return list(value)


def _decode_hook(kind: type, value: Any) -> Any:
    if kind is Bag:
        return Bag((freeze(token), ready_at) for token, ready_at in value)
    if kind is _Frozen:
        return freeze(value)
    assert kind is object, f"a snapshot cannot hold a {kind.__name__}"
    return value  # a variable in a reply


def _is_flat(record: Any) -> bool:
    """Whether values of a table are structs that are written with the names of their fields."""
    return isinstance(record, type) and (
        issubclass(record, msgspec.Struct) and not record.__struct_config__.array_like
    )


def _decoder(key: Any, value: Any) -> msgspec.msgpack.Decoder[Any]:
    pair = GenericAlias(tuple, (key, value))
    return msgspec.msgpack.Decoder(GenericAlias(list, (pair,)), dec_hook=_decode_hook)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_encode_bag)
_CHUNK = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])
_TWINS = {name: _twin(record) for name, (_, record) in TABLES.items() if _is_flat(record)}
_DECODERS: dict[str, msgspec.msgpack.Decoder[Any]] = {
    name: _decoder(key, _TWINS.get(name, value)) for name, (key, value) in TABLES.items()
}


def _described() -> str:
    """Return the tables and the fields of their records as text, on any Python the same."""
    lines = []
    for name, (key, record) in TABLES.items():
        fields = _fields(record) if name in _TWINS else []
        shape = ", ".join(f"{field}: {_named(kind)}" for field, kind in fields)
        lines.append(f"{name} {_named(key)} {_named(record)} {shape}")
    return "\n".join(lines)


def _named(kind: Any) -> str:
    if kind == Token:
        return "Token"
    if args := get_args(kind):
        name = "union" if isinstance(kind, UnionType) else get_origin(kind).__name__
        return f"{name}[{', '.join(map(_named, args))}]"
    return getattr(kind, "__name__", str(kind))


RECORDS_DIGEST = sha256(_described().encode()).hexdigest()[:16]
