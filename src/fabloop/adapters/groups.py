"""Group commit: rows queue up, and one thread makes whatever is pending durable at once."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from fabloop.base.errors import FabloopError, Unavailable
from fabloop.base.journal import Row, check_group

GROUP_ROWS_MAX = 4_096
"""Rows in one commit; more wait for the next, so that the first ones are not kept waiting."""

GATHER_ROWS = 512
GATHER_S = 0.01
"""Rows that nobody waits for yet let others join their commit: until they are so many, or so long.

A commit costs what it costs, however few rows are in it, and it takes the interpreter from whoever
computes. Somebody who waits is never kept waiting for others: the commit begins at once.
"""

PENDING_ROWS_MAX = 200_000
"""Rows queued before `append` refuses: memory is bounded, the caller has to slow down."""

Value = int | str | bytes | None
Commit = Callable[[Iterator[tuple[Value, ...]]], None]
"""Writes rows as columns, in one transaction; returns when they are durable, or raises."""


class GroupWriter:
    """The queue and the thread between a journal and its store.

    `last` is the newest row there is; `name` is the journal's, for messages.
    """

    def __init__(self, commit: Commit, *, last: int, partition: int, name: str) -> None:
        self.durable = last
        self.last = last
        self._commit = commit
        self._partition = partition
        self._name = name
        self._pending: list[tuple[int, Sequence[Row]]] = []
        self._pending_rows = 0
        self._failure: FabloopError | None = None
        self._closing = False
        self._awaited = 0
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._done = threading.Condition(self._lock)
        self._thread = threading.Thread(target=self._write, name="journal-writer", daemon=True)
        self._thread.start()

    def append(self, rows: Sequence[Row]) -> int:
        """Queue rows that are committed together; return the last sequence number."""
        check_group(rows, self._partition)
        with self._lock:
            if self._failure is not None:
                raise self._failure
            count = self._pending_rows + len(rows)
            if count > PENDING_ROWS_MAX:
                raise Unavailable(
                    f"Expected at most {PENDING_ROWS_MAX} rows waiting for the disk, but found "
                    f"{self._pending_rows}. Wait for earlier rows before appending more."
                )
            if not self._pending or self._pending_rows < GATHER_ROWS <= count:
                self._work.notify()
            self._pending.append((self.last + 1, tuple(rows)))
            self._pending_rows = count
            self.last += len(rows)
            return self.last

    def wait(self, seq: int) -> None:
        """Return once everything up to `seq` is durable."""
        if self.durable >= seq:
            return
        with self._lock:
            self._awaited = max(self._awaited, seq)
            self._work.notify()
            while self.durable < seq:
                if self._failure is not None:
                    raise self._failure
                self._done.wait()

    def close(self) -> None:
        """Commit what is pending and end the thread."""
        with self._lock:
            self._closing = True
            self._work.notify()
        self._thread.join()

    def _write(self) -> None:
        """Commit pending groups until closed or failed; runs in the thread."""
        while groups := self._next_groups():
            try:
                self._commit(each for first, rows in groups for each in columns(first, rows))
            except Exception as error:  # noqa: BLE001  # whoever waits has to hear of anything
                with self._lock:
                    self._failure = self._failed(error)
                    self._done.notify_all()
                return
            with self._lock:
                self.durable = groups[-1][0] + len(groups[-1][1]) - 1
                self._done.notify_all()

    def _next_groups(self) -> list[tuple[int, Sequence[Row]]]:
        """Return what is to be committed now; nothing when nothing will come any more."""
        with self._lock:
            while not self._pending and not self._closing:
                self._work.wait()
            if self._gathers():
                self._work.wait_for(lambda: not self._gathers(), GATHER_S)
            return self._take()

    def _gathers(self) -> bool:
        """Whether nobody needs the pending rows yet, and more may join them; the lock is held."""
        return (
            self._pending_rows < GATHER_ROWS and self._awaited <= self.durable and not self._closing
        )

    def _failed(self, error: Exception) -> FabloopError:
        if isinstance(error, FabloopError):
            return error
        failure = Unavailable(
            f"Expected journal '{self._name}' to be writable, but {error}. Free the "
            "disk or repair the store, then start again: nothing acknowledged is lost."
        )
        failure.__cause__ = error
        return failure

    def _take(self) -> list[tuple[int, Sequence[Row]]]:
        """Take groups up to `GROUP_ROWS_MAX` rows, at least one; the lock is held."""
        count = taken = 0
        for _, rows in self._pending:
            taken += len(rows)
            count += 1
            if taken >= GROUP_ROWS_MAX:
                break
        groups, self._pending = self._pending[:count], self._pending[count:]
        self._pending_rows -= taken
        return groups


def columns(first: int, rows: Iterable[Row]) -> Iterator[tuple[Value, ...]]:
    """Yield rows as the columns of a table, numbered from `first`."""
    for seq, row in enumerate(rows, start=first):
        yield (
            seq,
            row.partition,
            row.stream,
            row.kind,
            row.version,
            row.at,
            row.actor,
            row.request or None,
            row.body,
        )
