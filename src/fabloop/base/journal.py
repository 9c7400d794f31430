"""The journal port: rows appended in atomic groups, acknowledged when durable, read in order."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from fabloop.base.errors import Conflict, Unavailable
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


class JournalReader(Protocol):
    """What is durable of a journal, to be read by anybody at any time."""

    def read(self, after: int = 0) -> Iterator[tuple[int, Row]]:
        """Yield the durable rows with a sequence number greater than `after`, in order.

        Rows that were archived are among them. Raises Broken where rows are missing.
        """
        ...

    def last(self) -> int:
        """Return the sequence number of the newest durable row, 0 without one."""
        ...

    def find(self, request: str) -> Row | None:
        """Return the durable row that carries an idempotency key, if there is one."""
        ...


class Journal(JournalReader, Protocol):
    """Append-only and ordered, with one writer: the holder of this object.

    `MemoryJournal` stands here, others in `adapters.sqlite` and `adapters.postgres`.
    """

    def append(self, rows: Sequence[Row]) -> int:
        """Queue rows that become durable together or not at all; return the last sequence number.

        Sequence numbers start at 1 and have no gaps. Raises Unavailable after a failed write, and
        Conflict for rows of another partition or when another writer has taken over.
        """
        ...

    def wait(self, seq: int) -> None:
        """Return once everything up to `seq` is durable; only then may it be acknowledged."""
        ...

    def close(self) -> None:
        """Make everything durable and release the store."""
        ...


class Archive(Protocol):
    """Where rows go that recovery needs no more; readers of the journal find them there.

    Implementations stand in `adapters.sqlite` and `adapters.postgres`.
    """

    def quiet(self, upto: int, before: Instant) -> tuple[str, ...]:
        """Return the streams whose last row is neither after `upto` nor as late as `before`."""
        ...

    def move(self, streams: Iterable[str], upto: int, before: Instant) -> int:
        """Move rows of streams up to row `upto`, decided before `before`; return how many.

        Never the newest row. Whenever it is cut short, each row is in one place at least, and the
        next call goes on.
        """
        ...


class MemoryJournal:
    """A journal that lasts as long as the object: for simulation, verification and tests."""

    def __init__(self, partition: int = 0) -> None:
        self._partition = partition
        self._rows: list[Row] = []
        self._requests: dict[str, Row] = {}

    def append(self, rows: Sequence[Row]) -> int:
        """Append at once; memory has nothing to wait for."""
        check_group(rows, self._partition)
        for row in rows:
            if row.request and row.request in self._requests:
                raise Unavailable(f"Expected request '{row.request}' once, but found it again.")
        self._rows.extend(rows)
        self._requests.update((row.request, row) for row in rows if row.request)
        return len(self._rows)

    def wait(self, seq: int) -> None:
        """Return at once."""
        assert seq <= len(self._rows), "waited for a row that was never appended"

    def read(self, after: int = 0) -> Iterator[tuple[int, Row]]:
        """Yield the rows after a sequence number."""
        yield from enumerate(self._rows[after:], start=after + 1)

    def last(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def find(self, request: str) -> Row | None:
        """Return the row of a request."""
        return self._requests.get(request)

    def close(self) -> None:
        """Keep the rows; there is nothing to release."""


def check_group(rows: Sequence[Row], partition: int) -> None:
    """Raise Conflict where a row belongs to another partition than its journal."""
    for row in rows:
        if row.partition != partition:
            raise Conflict(
                f"Expected rows of partition {partition} in its journal, but found one of "
                f"partition {row.partition}. Append it to the journal of its own partition."
            )
