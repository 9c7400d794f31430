"""The tables of all partitions, and connections to them."""

import psycopg

from fabloop.base.errors import Broken, Conflict, Unavailable

SCHEMA_VERSION = 1
SESSION_LOST_S = 15
"""A writer whose machine vanished counts as dead after about this time without an answer."""

LOCK_SPACE = 0x_FAB_100
"""First number of our advisory locks; the second is the partition, or `SCHEMA_LOCK`."""
SCHEMA_LOCK = -1

ROW_COLUMNS = """
  partition INTEGER NOT NULL, stream TEXT NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL,
  at BIGINT NOT NULL, actor TEXT NOT NULL, request TEXT, body BYTEA NOT NULL
"""
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS fabloop_schema (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS fabloop_owner (partition INTEGER PRIMARY KEY, epoch BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS fabloop_journal (
  seq BIGINT NOT NULL, {ROW_COLUMNS}, PRIMARY KEY (partition, seq));
CREATE UNIQUE INDEX IF NOT EXISTS fabloop_journal_request
  ON fabloop_journal (partition, request) WHERE request IS NOT NULL;
CREATE INDEX IF NOT EXISTS fabloop_journal_stream ON fabloop_journal (partition, stream, seq);
CREATE TABLE IF NOT EXISTS fabloop_archive (
  seq BIGINT NOT NULL, {ROW_COLUMNS}, PRIMARY KEY (partition, seq));
CREATE INDEX IF NOT EXISTS fabloop_archive_request
  ON fabloop_archive (partition, request) WHERE request IS NOT NULL;
CREATE TABLE IF NOT EXISTS fabloop_snapshot (
  partition INTEGER NOT NULL, seq BIGINT NOT NULL, number INTEGER NOT NULL, body BYTEA NOT NULL,
  PRIMARY KEY (partition, seq, number));
"""
COLUMNS = "seq, partition, stream, kind, version, at, actor, request, body"

Connection = psycopg.Connection[tuple[object, ...]]


def connect(url: str) -> Connection:
    """Return a connection whose commits are on the server's disk when they return.

    Raises
    ------
    Unavailable
        There is no such server, or it refuses us.
    Broken
        The server does not write through to its disk, or the tables are of a newer version.
    """
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=10,
            tcp_user_timeout=SESSION_LOST_S * 1_000,
            options=(
                f"-c synchronous_commit=on -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 "
                f"-c tcp_keepalives_count=5 -c tcp_user_timeout={SESSION_LOST_S * 1_000}"
            ),
        )
    except psycopg.OperationalError as error:
        raise Unavailable(
            f"Expected a PostgreSQL server, but {str(error).strip()}. Start it, or correct its URL."
        ) from error
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: Connection) -> None:
    """Bring the tables up to date, one process at a time."""
    if one(connection, "SHOW fsync") != "on":
        raise Broken(
            "Expected a server with fsync on, but it is off: what it acknowledges may be lost. "
            "Set it in postgresql.conf."
        )
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCK_SPACE, SCHEMA_LOCK))
        if one(connection, "SELECT to_regclass('fabloop_schema')") is None:
            connection.execute(_SCHEMA.encode())
            connection.execute("INSERT INTO fabloop_schema VALUES (%s)", (SCHEMA_VERSION,))
        found = one(connection, "SELECT max(version) FROM fabloop_schema")
    if found != SCHEMA_VERSION:
        raise Broken(
            f"Expected tables of version {SCHEMA_VERSION}, but found version {found}. "
            "Use the fabloop that made them."
        )


def one(connection: Connection, query: str, values: tuple[object, ...] = ()) -> object:
    """Return the one value that a query yields, None without a row."""
    row = connection.execute(query.encode(), values).fetchone()
    return row[0] if row is not None else None


def lock_partition(connection: Connection, partition: int, wait_s: float) -> int:
    """Become the writer of a partition for as long as the session lasts; return the new epoch.

    Raises
    ------
    Conflict
        Another session is, and has been for `wait_s`.
    """
    connection.execute(f"SET lock_timeout = {max(1, int(wait_s * 1_000))}".encode())
    try:
        connection.execute("SELECT pg_advisory_lock(%s, %s)", (LOCK_SPACE, partition))
    except psycopg.errors.LockNotAvailable as error:
        raise Conflict(
            f"Expected to be the only writer of partition {partition}, but another one is. "
            "End it first, or wait until it is gone."
        ) from error
    connection.execute("SET lock_timeout = 0")
    epoch = one(
        connection,
        "INSERT INTO fabloop_owner VALUES (%s, 1) ON CONFLICT (partition) "
        "DO UPDATE SET epoch = fabloop_owner.epoch + 1 RETURNING epoch",
        (partition,),
    )
    assert isinstance(epoch, int)
    return epoch
