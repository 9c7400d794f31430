"""Bytes of nouns: canonical JSON for people and files, MessagePack for the journal."""

import json
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_JSON = msgspec.json.Encoder(order="sorted")
_MSGPACK = msgspec.msgpack.Encoder(order="deterministic")


def to_json(value: Any) -> bytes:
    """Return JSON with sorted keys: equal values give equal bytes."""
    return _JSON.encode(value)


def to_json_pretty(value: Any) -> bytes:
    """Return indented JSON with sorted keys and a final newline."""
    return msgspec.json.format(to_json(value), indent=2) + b"\n"


def to_msgpack(value: Any) -> bytes:
    """Return MessagePack: equal values give equal bytes."""
    return _MSGPACK.encode(value)


def from_json(data: bytes | str, kind: type[T]) -> T:
    """Decode and check JSON against `kind`; raises msgspec.ValidationError."""
    return msgspec.json.decode(data, type=kind)


def from_json_once(data: bytes, kind: type[T]) -> T:
    """Decode and check what people wrote: no object may have a key twice.

    Raises
    ------
    msgspec.DecodeError
        It is no JSON of this kind, or a key is there twice: which value is meant is not known.
    """
    found = from_json(data, kind)
    try:
        json.loads(data, object_pairs_hook=_once, parse_int=str, parse_float=str)
    except RecursionError:
        raise msgspec.DecodeError("Expected data of moderate depth, got deeper") from None
    return found


def _once(pairs: list[tuple[str, Any]]) -> None:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise msgspec.DecodeError(f"Expected each key of an object once, got {twice[:40]!r} again")


def from_msgpack(data: bytes, kind: type[T]) -> T:
    """Decode and check MessagePack against `kind`; raises msgspec.ValidationError."""
    return msgspec.msgpack.decode(data, type=kind)


def plain(value: Any) -> Any:
    """Return `value` as built-in types (dict, list, str, int, float, bool, None)."""
    return msgspec.to_builtins(value)
