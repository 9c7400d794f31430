"""The journal port: rows appended in atomic groups, acknowledged when durable, read in order."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from fabloop.base.instant import Instant


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the journal.

    Attributes
    ----------
    partition : which writer owns the row (0 while there is one)
    stream : what the row belongs to: a root process instance, ``facts``, ``definitions`` ...
    kind : which reader decodes `body`
    version : format version of `body`; readers are kept for every version ever released
    at : the instant the command was decided at
    actor : who asked: a person, a work unit, ``loop``
    request : idempotency key of the command, or empty
    body : MessagePack or UTF-8, as `kind` says
    """

    stream: str
    kind: str
    body: bytes
    version: int
    at: Instant
    actor: str = ""
    request: str = ""
    partition: int = 0


class Journal(Protocol):
    """Append-only and ordered; `MemoryJournal` here, `SqliteJournal` in `adapters.sqlite`."""

    def append(self, rows: Sequence[Row]) -> int:
        """Queue rows that become durable together or not at all; return the last sequence number.

        Sequence numbers start at 1 and have no gaps. Raises Unavailable after a failed write.
        """
        ...

    def wait(self, seq: int) -> None:
        """Return once everything up to `seq` is durable; only then may it be acknowledged."""
        ...

    def read(self, after: int = 0) -> Iterator[tuple[int, Row]]:
        """Yield the durable rows with a sequence number greater than `after`, in order."""
        ...

    def close(self) -> None:
        """Make everything durable and release the store."""
        ...


class MemoryJournal:
    """A journal that lasts as long as the object: for simulation, verification and tests."""

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def append(self, rows: Sequence[Row]) -> int:
        """Append at once; memory has nothing to wait for."""
        self._rows.extend(rows)
        return len(self._rows)

    def wait(self, seq: int) -> None:
        """Return at once."""
        assert seq <= len(self._rows), "waited for a row that was never appended"

    def read(self, after: int = 0) -> Iterator[tuple[int, Row]]:
        """Yield the rows after a sequence number."""
        yield from enumerate(self._rows[after:], start=after + 1)

    def close(self) -> None:
        """Keep the rows; there is nothing to release."""
