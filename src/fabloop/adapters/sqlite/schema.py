"""What stands in a journal file and its neighbours, and how they are opened."""

import apsw

from fabloop.base.errors import Broken, Conflict, Unavailable

SCHEMA_VERSION = 1
BUSY_MS_MAX = 10_000
"""How long a commit waits for another process that moves rows to the archive."""

ROWS = """
CREATE TABLE IF NOT EXISTS journal (
  seq INTEGER PRIMARY KEY, partition INTEGER NOT NULL, stream TEXT NOT NULL, kind TEXT NOT NULL,
  version INTEGER NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, request TEXT,
  body BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS journal_request ON journal (partition, request)
  WHERE request IS NOT NULL;
DROP INDEX IF EXISTS journal_stream;
"""
OWNER = """
CREATE TABLE IF NOT EXISTS owner (
  partition INTEGER PRIMARY KEY, epoch INTEGER NOT NULL) STRICT;
"""
COLUMNS = "seq, partition, stream, kind, version, at, actor, request, body"


def archive_of(path: str) -> str:
    """Return the file that rows of a journal are moved to."""
    return f"{path}-archive"


def owner_of(path: str) -> str:
    """Return the file whose lock says who writes a journal."""
    return f"{path}-owner"


def open_file(path: str, schema: str) -> apsw.Connection:
    """Open a file whose commits are on the disk when they return, and bring its schema up to date.

    Raises
    ------
    Broken
        It is no SQLite file, or one of a newer version.
    """
    connection = apsw.Connection(path)
    try:
        connection.set_busy_timeout(BUSY_MS_MAX)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", 2)  # FULL: a commit returns after its fsync
        found = connection.pragma("user_version")
        if found > SCHEMA_VERSION:
            raise Broken(
                f"Expected journal '{path}' of version {SCHEMA_VERSION} at most, but found version "
                f"{found}. Open it with the newer fabloop that wrote it."
            )
        with connection:
            connection.execute(schema)
            connection.pragma("user_version", SCHEMA_VERSION)
    except apsw.NotADBError as error:
        connection.close()
        raise Broken(
            f"Expected '{path}' to be an SQLite file, but it is none. Name another folder."
        ) from error
    except BaseException:
        connection.close()
        raise
    return connection


def lock_owner(path: str) -> apsw.Connection:
    """Return a connection that holds the right to write a journal, until it is closed or dies."""
    try:
        connection = apsw.Connection(owner_of(path))
    except apsw.CantOpenError as error:
        raise Unavailable(
            f"Expected to write beside '{path}', but {error}. Make its folder, or name another one."
        ) from error
    try:
        connection.pragma("locking_mode", "exclusive")
        connection.execute("BEGIN EXCLUSIVE")
    except apsw.BusyError as error:
        connection.close()
        raise Conflict(
            f"Expected to be the only process writing '{path}', but another one has it open. "
            "End that process first."
        ) from error
    return connection
