"""What all commands share: they are decided against a state at a moment, and change it by a row."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from fabloop.base.errors import Unavailable
from fabloop.base.instant import Instant
from fabloop.services.cloud.changes import Change, Row
from fabloop.services.cloud.crypto import Crypto
from fabloop.services.cloud.state import State

T = TypeVar("T")

RECORDS_MAX = 200_000
"""Of one kind: offers, tokens, subscriptions ..."""
ENTRIES_MAX = 10_000
"""Of one command."""


class Decided(msgspec.Struct, Generic[T], frozen=True):
    """What a command gives, and what it changes."""

    reply: T
    changes: tuple[Change, ...] = ()


class Moment:
    """The instant at which a command is decided, chance and keys, and the numbers it gives out."""

    def __init__(self, at: Instant, crypto: Crypto, next_number: int) -> None:
        self.at = at
        self.crypto = crypto
        self.next_number = next_number

    def number(self) -> int:
        """Return a number that no record has."""
        self.next_number += 1
        return self.next_number - 1

    def unique(self) -> str:
        """Return an id nobody can guess, as a UUID is written (version 4)."""
        raw = bytearray(self.crypto.random(16))
        raw[6] = raw[6] & 0x0F | 0x40
        raw[8] = raw[8] & 0x3F | 0x80
        text = raw.hex()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Command(Protocol[T]):
    """Something that a cloud is told to do. It reads the state and never writes it."""

    def decide(self, state: State, moment: Moment) -> Decided[T]:
        """Return the reply and the changes; raises Refused or Invalid, and nothing is changed."""
        ...


Question = Callable[[State, Instant], T]
"""Something that is asked of a cloud."""


def decided(state: State, command: Command[T], at: Instant, crypto: Crypto) -> tuple[T, Row | None]:
    """Return the reply of a command and the row to journal and apply, if any; nothing is changed.

    Raises
    ------
    Invalid, Refused
        The command is wrong or may not be done now.
    """
    moment = Moment(at, crypto, state.next_number)
    found = command.decide(state, moment)
    if not found.changes:
        return found.reply, None
    return found.reply, Row(moment.next_number, found.changes)


def decide(state: State, command: Command[T], at: Instant, crypto: Crypto) -> tuple[T, Row | None]:
    """Do the same, and apply the row."""
    reply, row = decided(state, command, at, crypto)
    if row is not None:
        state.apply(row)
    return reply, row


def check_room(state: State, kind: type, more: int = 1) -> None:
    """Raise Unavailable where there would be too many records of a kind."""
    count = len(state.table(kind))
    if count + more > RECORDS_MAX:
        raise Unavailable(
            f"Expected at most {RECORDS_MAX} records of kind '{kind.__name__}', but there are "
            f"{count} and {more} more would come. Remove what is not used any more."
        )
