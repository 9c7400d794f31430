"""The journal in an SQLite file: acknowledged means written through to the disk."""

from fabloop.adapters.sqlite.journal import SqliteJournal

__all__ = ["SqliteJournal"]
