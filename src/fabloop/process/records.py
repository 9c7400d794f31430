"""How records look in bytes: arrays of their fields, derived from their types."""

from collections.abc import Iterable
from types import GenericAlias, UnionType
from typing import Any, get_args, get_origin

import msgspec
from msgspec.structs import asdict, astuple

from fabloop.process.cpn.bag import Bag
from fabloop.process.cpn.token import Token, freeze


class _Anything(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return True


class _Frozen(metaclass=_Anything):
    """Stands for a colour value, which is frozen when it is read."""


def is_flat(record: Any) -> bool:
    """Whether values of a type are structs that are written with the names of their fields."""
    return isinstance(record, type) and (
        issubclass(record, msgspec.Struct) and not record.__struct_config__.array_like
    )


def fields(record: Any) -> list[tuple[str, Any]]:
    """Return the names and types of a struct's fields."""
    # as they stand in the class: typing cannot resolve the recursive `Token` from another module
    return [(name, record.__annotations__[name]) for name in record.__struct_fields__]


def twin(record: Any) -> Any:
    """Return a struct with the fields of a record, written as an array without names."""
    wired = [(name, _wire(kind)) for name, kind in fields(record)]
    return msgspec.defstruct(record.__name__, wired, frozen=True, array_like=True)


def original(record: Any, twins: Iterable[Any]) -> list[Any]:
    """Return the records that twins were decoded for."""
    if record.__match_args__:
        return [record(*astuple(each)) for each in twins]
    return [record(**asdict(each)) for each in twins]  # its fields are given by name only


def decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    """Return a decoder of a type made of twins and plain parts."""
    return msgspec.msgpack.Decoder(kind, dec_hook=_decode_hook)


def pairs(key: Any, value: Any) -> Any:
    """Return the type of a list of keys with values."""
    return GenericAlias(list, (GenericAlias(tuple, (key, value)),))


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
    assert isinstance(value, Bag), f"no record can hold a {type(value).__name__}"
    return list(value)


def _decode_hook(kind: type, value: Any) -> Any:
    if kind is Bag:
        return Bag((freeze(token), ready_at) for token, ready_at in value)
    if kind is _Frozen:
        return freeze(value)
    assert kind is object, f"no record can hold a {kind.__name__}"
    return value  # a variable in a reply


ENCODER = msgspec.msgpack.Encoder(enc_hook=_encode_bag)


def named(kind: Any) -> str:
    """Return a type as text, on any Python the same."""
    if kind == Token:
        return "Token"
    if args := get_args(kind):
        name = "union" if isinstance(kind, UnionType) else get_origin(kind).__name__
        return f"{name}[{', '.join(map(named, args))}]"
    return getattr(kind, "__name__", str(kind))
