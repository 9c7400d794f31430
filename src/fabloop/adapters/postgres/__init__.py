"""The journal in PostgreSQL: many partitions in one database, each with one writer at a time.

It needs psycopg: ``pip install 'fabloop[postgres]'``.
"""

from fabloop.adapters.postgres.archive import PostgresArchive
from fabloop.adapters.postgres.journal import PostgresJournal
from fabloop.adapters.postgres.reader import PostgresReader
from fabloop.adapters.postgres.snapshots import PostgresSnapshots

__all__ = ["PostgresArchive", "PostgresJournal", "PostgresReader", "PostgresSnapshots"]
