"""The snapshot port: what a partition was after some row, so that start-up reads fewer rows."""

from collections.abc import Iterable, Iterator
from typing import Protocol


class Snapshots(Protocol):
    """Snapshots of one partition by sequence number: complete or absent, never half there.

    `MemorySnapshots` stands here, others in `adapters.sqlite` and `adapters.postgres`.
    """

    def save(self, seq: int, parts: Iterable[bytes]) -> None:
        """Keep the parts of a snapshot of everything up to row `seq`; durable on return."""
        ...

    def known(self) -> tuple[int, ...]:
        """Return the sequence numbers there are snapshots of, newest first."""
        ...

    def parts(self, seq: int) -> Iterator[bytes]:
        """Yield the parts of a snapshot in order; nothing for one that is not known."""
        ...

    def drop(self, seq: int) -> None:
        """Forget a snapshot."""
        ...


class MemorySnapshots:
    """Snapshots that last as long as the object."""

    def __init__(self) -> None:
        self._parts: dict[int, tuple[bytes, ...]] = {}

    def save(self, seq: int, parts: Iterable[bytes]) -> None:
        """Keep the parts."""
        self._parts[seq] = tuple(parts)

    def known(self) -> tuple[int, ...]:
        """Return the numbers, newest first."""
        return tuple(sorted(self._parts, reverse=True))

    def parts(self, seq: int) -> Iterator[bytes]:
        """Yield the parts in order."""
        yield from self._parts.get(seq, ())

    def drop(self, seq: int) -> None:
        """Forget one."""
        self._parts.pop(seq, None)
