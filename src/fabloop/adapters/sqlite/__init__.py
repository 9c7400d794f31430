"""The journal in an SQLite file: acknowledged means written through to the disk."""

from fabloop.adapters.sqlite.archive import SqliteArchive
from fabloop.adapters.sqlite.journal import SqliteJournal
from fabloop.adapters.sqlite.reader import SqliteReader
from fabloop.adapters.sqlite.snapshots import SqliteSnapshots

__all__ = ["SqliteArchive", "SqliteJournal", "SqliteReader", "SqliteSnapshots"]
