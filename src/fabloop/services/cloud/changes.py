"""What a command changes: records put in place of those with their key, and keys that go.

A new kind of record is written once more, in `Record` below, under a number of its own.
"""

import types
from typing import TypeAlias, get_args

import msgspec

from fabloop.services.cloud.choreography import Executor
from fabloop.services.cloud.events import EventSubscription
from fabloop.services.cloud.records import CORE_RECORDS

Record: TypeAlias = CORE_RECORDS | EventSubscription | Executor


class Put(msgspec.Struct, frozen=True, array_like=True, tag="put"):
    """The record takes the place of the one with its key."""

    record: Record


class Drop(msgspec.Struct, frozen=True, array_like=True, tag="drop"):
    """The record of a kind (its number) with a key goes."""

    kind: int
    key: str


Change: TypeAlias = Put | Drop


class Row(msgspec.Struct, frozen=True, array_like=True):
    """All that one command changed; `next_number` is the first number not given to a record."""

    next_number: int
    changes: tuple[Change, ...]


def _kinds() -> dict[int, type]:
    union: types.UnionType | type = Record
    members = get_args(union)
    return {int(each.__struct_config__.tag): each for each in members}


KINDS = _kinds()
_NUMBERS = {kind: number for number, kind in KINDS.items()}


def number_of(kind: type) -> int:
    """Return the number under which a kind of record is journalled."""
    return _NUMBERS[kind]


def drop_of(record: Record) -> Drop:
    """Return the change that removes a record."""
    return Drop(_NUMBERS[type(record)], record.key)
