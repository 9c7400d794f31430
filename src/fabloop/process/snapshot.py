"""Bytes of a whole state and back: exactly what replaying the rows up to there would give.

A snapshot is a cache of the journal, never its replacement. It is a header and chunks of records,
each with a checksum of its own, and carries a digest of how the records are made: one that was
written for other records is refused (`Broken`), and the journal is read instead.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from typing import Any
from zlib import crc32

import msgspec
from msgspec.structs import astuple

from fabloop.base.errors import Broken
from fabloop.base.instant import Instant
from fabloop.process.awaited import Condition, Opening, SignalWait, Subscription, Timer
from fabloop.process.commands import Reply
from fabloop.process.decision_model import DecisionModel, model_of
from fabloop.process.definition import DefinitionKey
from fabloop.process.deployment import Deployment, recompiled
from fabloop.process.operations import Batch
from fabloop.process.passive import counts_of, prepare, share_bags
from fabloop.process.records import (
    ENCODER,
    decoder,
    fields,
    is_flat,
    named,
    original,
    pairs,
    twin,
)
from fabloop.process.remembered import Finished, Message
from fabloop.process.repetition import Repetition
from fabloop.process.shelf import Table
from fabloop.process.state import Act, Entry, Frame, Incident, Instance, JobRecord, State

RECORDS_PER_CHUNK_MAX = 5_000
"""Records in one chunk, so that neither writing nor reading needs everything twice in memory."""

_Keys = dict[int, None]
_Address = tuple[str, str]

TABLES: dict[str, tuple[Any, Any]] = {
    "deployments": (DefinitionKey, Deployment),
    "versions": (str, int),
    "decision_models": (int, DecisionModel),
    "decisions": (tuple[str, int], int),
    "decision_versions": (str, int),
    "model_digests": (str, int),
    "digests": (_Address, int),
    "instances": (int, Instance),
    "frames": (int, Frame),
    "acts": (int, Act),
    "jobs": (int, JobRecord),
    "timers": (int, Timer),
    "subscriptions": (int, Subscription),
    "signals": (int, SignalWait),
    "conditions": (int, Condition),
    "openings": (int, Opening),
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
    "listening": (str, _Keys),
    "readers": (tuple[int, str], _Keys),
    "opened": (tuple[int, str], _Keys),
    "openings_of": (str, _Keys),
    "locks": (_Address, int),
    "kpis": (str, object),
}
"""Every table of `State` that a snapshot holds, in the order of its chunks: key and value."""

DERIVED = frozenset({"definitions", "models", "touched"})
"""What is made anew from the others."""


CALENDAR, SHELF = "calendar", "shelf"
"""Chunks of their own: dates in order, and records at rest."""


class Header(msgspec.Struct, frozen=True, array_like=True):
    """What a snapshot begins with; `chunks` follow it."""

    records: str
    partition: int
    last_key: int
    chunks: int


def write_snapshot(state: State) -> Iterator[bytes]:
    """Yield the parts of a snapshot; the state may not change until all are taken.

    What rests stays as it rests.
    """
    dates = sorted(state.dates())
    sizes = [dict.__len__(getattr(state, name)) for name in TABLES]
    sizes += [state.shelf.number_of_groups(), len(dates)]
    chunks = sum(-(-size // RECORDS_PER_CHUNK_MAX) for size in sizes)
    yield _sealed(Header(RECORDS_DIGEST, state.partition, state.last_key, chunks))
    for name in TABLES:
        for chunk in _sliced(_entries(getattr(state, name))):
            flat = [(key, astuple(value)) for key, value in chunk] if name in _TWINS else chunk
            yield _sealed((name, flat))
    for chunk in _sliced(state.shelf.groups()):
        yield _sealed((SHELF, chunk))
    for chunk in _sliced(dates):
        yield _sealed((CALENDAR, chunk))


def _entries(table: dict[Any, Any]) -> Iterable[tuple[Any, Any]]:
    """Return what is in a table, in its order, and not what rests."""
    return dict.items(table) if isinstance(table, Table) else table.items()


def _sliced(entries: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(entries)
    while chunk := list(islice(left, RECORDS_PER_CHUNK_MAX)):
        yield chunk


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
    body = ENCODER.encode(value)
    return crc32(body).to_bytes(4, "big") + body


def _unsealed(part: bytes) -> memoryview:
    body = memoryview(part)[4:]
    if not body or crc32(body).to_bytes(4, "big") != part[:4]:
        raise Broken("Expected a whole part of a snapshot, but its checksum differs.")
    return body


def _fill(state: State, body: memoryview) -> None:
    name, entries = _CHUNK.decode(body)
    if name == SHELF:
        for keys, group in _SHELF_DECODER.decode(entries):
            state.shelf.put(keys, counts_of(group), group)
        return
    if name == CALENDAR:
        state.calendar += _CALENDAR_DECODER.decode(entries)
        return
    if name not in TABLES:
        raise Broken(f"Expected a known table in a snapshot, but found '{name}'.")
    found = _DECODERS[name].decode(entries)
    if name in _TWINS:
        records = original(TABLES[name][1], [value for _, value in found])
        found = zip([key for key, _ in found], records, strict=True)
    getattr(state, name).update(found)


def _derive(state: State) -> None:
    """Make anew what is not written: definitions, who shares which bag, and what was touched."""
    for version, deployment in state.deployments.items():
        state.definitions[version] = recompiled(deployment, version.version)
    for key, model in state.decision_models.items():
        state.models[key] = model_of(model.source)
    for frame in list(state.frames.values()):
        share_bags(state, frame)
    for instance in state.instances.values():
        if not instance.caller:
            state.touched[instance.stream] = None
    if len(state.shelf):
        prepare(state)
    state.commit()


_CHUNK = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])
_TWINS = {name: twin(record) for name, (_, record) in TABLES.items() if is_flat(record)}
_DECODERS: dict[str, msgspec.msgpack.Decoder[Any]] = {
    name: decoder(pairs(key, _TWINS.get(name, value))) for name, (key, value) in TABLES.items()
}
_CALENDAR_DECODER = msgspec.msgpack.Decoder(list[Entry])
_SHELF_DECODER = msgspec.msgpack.Decoder(list[tuple[list[int], bytes]])


def _described() -> str:
    """Return the tables and the fields of their records as text."""
    lines = []
    for name, (key, record) in TABLES.items():
        known = fields(record) if name in _TWINS else []
        shape = ", ".join(f"{field}: {named(kind)}" for field, kind in known)
        lines.append(f"{name} {named(key)} {named(record)} {shape}")
    return "\n".join(lines)


RECORDS_DIGEST = sha256(_described().encode()).hexdigest()[:16]
