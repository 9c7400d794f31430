"""The connections that stand in the documents of a factory."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from fabloop.adapters.documents import documents_in
from fabloop.base.errors import Conflict, Fault, Invalid
from fabloop.model.documents import context_iri, resolve
from fabloop.model.documents.collect import Sheet, raise_if_any
from fabloop.model.documents.connection_structs import (
    ConnectionEntry,
    ConnectionsDocument,
    RegistersDocument,
)
from fabloop.model.documents.structure import decode, kind_in
from fabloop.model.ids import WorkUnitId
from fabloop.model.safety import SafetyRules
from fabloop.model.site import WorkUnit
from fabloop.sense.connections.model import Connection
from fabloop.sense.connections.resolve import Maps, connections_of, register_maps_of

Kind = TypeVar("Kind", ConnectionsDocument, RegistersDocument)
FILE = "connections.json"


class Factory(msgspec.Struct, frozen=True, kw_only=True):
    """The work units of a factory, its connections, register maps and declared permissives."""

    units: dict[WorkUnitId, WorkUnit]
    connections: tuple[Connection, ...]
    maps: Maps
    safety: SafetyRules | None = None


def read_factory(folder: Path) -> Factory:
    """Read the documents of a folder.

    Raises
    ------
    Invalid
        Every fault of every document.
    """
    documents = documents_in(folder)
    knowledge = resolve(documents)
    units = knowledge.network.work_units()
    faults: list[Fault] = []
    maps = register_maps_of(_of(documents, RegistersDocument, "registers", faults))
    told = _of(documents, ConnectionsDocument, "connections", faults)
    connections = connections_of(told, maps, units)
    raise_if_any(faults)
    return Factory(units=units, connections=connections, maps=maps, safety=knowledge.safety)


def _of(
    documents: Mapping[str, bytes], kind: type[Kind], name: str, faults: list[Fault]
) -> list[tuple[Sheet, Kind]]:
    found = []
    for source, data in documents.items():
        document = decode(source, data, faults) if kind_in(data) == name else None
        if isinstance(document, kind):
            found.append((Sheet(source, faults), document))
    return found


def keep(folder: Path, entry: ConnectionEntry, *, replace: bool) -> Path:
    """Write a connection into ``connections.json`` of a folder; returns the file.

    Raises
    ------
    Conflict
        There is one of that id already, and it is not to be replaced.
    """
    file = folder / FILE
    before: tuple[ConnectionEntry, ...] = ()
    if file.exists():
        faults: list[Fault] = []
        document = decode(str(file), file.read_bytes(), faults)
        raise_if_any(faults)
        if not isinstance(document, ConnectionsDocument):
            raise Invalid(
                Fault(source=str(file), path="$.document", expected="'connections'",
                    found="another kind of document", hint="Rename that file.")
            )  # fmt: skip
        before = document.connections
    if any(each.id == entry.id for each in before) and not replace:
        raise Conflict(
            f"Expected no connection '{entry.id}' in '{file}' yet, but found one. "
            "Choose another --id, or overwrite it: --replace."
        )
    others = [each for each in before if each.id != entry.id]
    whole = {
        "document": "connections",
        "version": "1",
        "@context": context_iri("connections"),
        "connections": [_written(each) for each in [*others, entry]],
    }
    data = msgspec.json.format(msgspec.json.encode(whole), indent=2)
    beside = file.with_suffix(".json.new")
    beside.write_bytes(data + b"\n")
    beside.replace(file)
    return file


def _written(entry: msgspec.Struct) -> dict[str, object]:
    """Return an entry as a person would write it: without what is so anyway."""
    found: dict[str, object] = {}
    for field in msgspec.structs.fields(entry):
        value = getattr(entry, field.name)
        if field.default is not msgspec.NODEFAULT and value == field.default:
            continue
        if isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            found[field.encode_name] = [_written(each) for each in value]
        else:
            found[field.encode_name] = msgspec.to_builtins(value)
    return found
