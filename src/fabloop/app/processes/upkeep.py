"""Keeps starts short and journals small, from a process of its own: the engine is not held up.

Run as a program: ``python -m fabloop.app.processes.upkeep STORE PARTITION ROWS KEEP_NS``, for a
folder or the URL of a database. It recovers from the newest snapshot and the rows after it, as a
start would, and keeps that as the next snapshot; then it archives what has ended.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from fabloop.adapters.sqlite import SqliteArchive, SqliteReader, SqliteSnapshots
from fabloop.app.processes.clocks import WallClock
from fabloop.base.instant import Instant
from fabloop.base.journal import Archive, JournalReader
from fabloop.base.snapshots import Snapshots
from fabloop.process.recovery import recover, save_snapshot
from fabloop.process.retention import archive_ended

JOURNAL_FILE = "journal.db"
SNAPSHOTS_FILE = "snapshots.db"

ROWS_PER_SNAPSHOT = 100_000
"""Rows since the newest snapshot that make another one worth its time."""

LOOK_EVERY_S = 30.0
"""How often a store that is served is looked at."""

ARCHIVE_EVERY_S = 86_400.0
"""How often a store that is served is archived, however little has come."""

NICENESS = 10
KEEP_ALL = -1
"""Nothing is archived."""


class Kept(msgspec.Struct, frozen=True):
    """What was done: the row of a new snapshot (0: none was due), and how many rows were moved."""

    snapshot: int
    archived: int


class Stores(msgspec.Struct, frozen=True, kw_only=True):
    """Where one partition is kept, opened beside its writer."""

    journal: JournalReader
    snapshots: Snapshots
    archive: Archive
    partition: int


@contextmanager
def opened(store: str, partition: int) -> Iterator[Stores]:
    """Open the stores of a folder, or of a partition in a database, and close them."""
    if is_database(store):
        from fabloop.adapters.postgres import (  # noqa: PLC0415  # an optional extra
            PostgresArchive,
            PostgresReader,
            PostgresSnapshots,
        )

        with closing(PostgresArchive(store, partition)) as shelf:
            yield Stores(
                journal=PostgresReader(store, partition),
                snapshots=PostgresSnapshots(store, partition),
                archive=shelf,
                partition=partition,
            )
        return
    file = Path(store) / JOURNAL_FILE
    with (
        closing(SqliteSnapshots(Path(store) / SNAPSHOTS_FILE)) as snapshots,
        closing(SqliteArchive(file)) as archive,
    ):
        journal = SqliteReader(file)
        yield Stores(journal=journal, snapshots=snapshots, archive=archive, partition=partition)


def is_database(store: str) -> bool:
    """Whether a store is named by the URL of a PostgreSQL database."""
    return store.startswith(("postgresql:", "postgres:"))


def keep_up(stores: Stores, before: Instant | None, rows: int = ROWS_PER_SNAPSHOT) -> Kept:
    """Keep a snapshot where `rows` have come since the newest, and archive what ended `before`."""
    made = 0
    newest = max(stores.snapshots.known(), default=0)
    if stores.journal.last() - newest >= rows:
        found = recover(stores.journal, stores.snapshots, stores.partition)
        save_snapshot(found.engine, found.seq, stores.snapshots)
        made = found.seq
    moved = 0
    if before is not None:
        moved = archive_ended(
            stores.journal, stores.snapshots, stores.archive, before, stores.partition
        )
    return Kept(made, moved)


class Upkeep:
    """Looks at a store from time to time, and lets a process keep it up when enough has come.

    With `keep_ns`, what ended longer ago than that is archived; without, everything stays.
    """

    def __init__(
        self, store: str, journal: JournalReader, keep_ns: int | None = None, partition: int = 0
    ) -> None:
        self._module = [sys.executable, "-m", "fabloop.app.processes.upkeep", store, str(partition)]
        self._keep_ns = KEEP_ALL if keep_ns is None else keep_ns
        self._journal = journal
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End what runs, at whatever point: the next start finds everything whole."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        seen, archived_s = 0, -ARCHIVE_EVERY_S
        while not self._closing.wait(LOOK_EVERY_S):
            last, now_s = self._journal.last(), time.monotonic()
            archives = self._keep_ns != KEEP_ALL and now_s - archived_s >= ARCHIVE_EVERY_S
            if archives or last - seen >= ROWS_PER_SNAPSHOT:
                self._keep_up(1 if archives else ROWS_PER_SNAPSHOT)
                seen, archived_s = last, now_s

    def _keep_up(self, rows: int) -> None:
        program = [*self._module, str(rows), str(self._keep_ns)]
        with subprocess.Popen(program, stdout=subprocess.DEVNULL) as child:  # noqa: S603
            while child.poll() is None:
                if self._closing.wait(0.1):
                    child.terminate()


def main() -> None:
    """Keep up one store, out of the way of others."""
    store, partition, rows, keep_ns = sys.argv[1:]
    os.nice(NICENESS)
    kept = int(keep_ns)
    before = None if kept == KEEP_ALL else Instant(WallClock().now() - kept)
    with opened(store, int(partition)) as stores:
        found = keep_up(stores, before, int(rows))
    sys.stdout.write(f"{found.snapshot} {found.archived}\n")


if __name__ == "__main__":
    main()
