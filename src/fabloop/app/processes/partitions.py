"""A host over one partition of a PostgreSQL database, which may hold many for many hosts."""

from fabloop.adapters.postgres import PostgresJournal, PostgresSnapshots
from fabloop.app.processes.clocks import HostClock, WallClock
from fabloop.app.processes.host import Host
from fabloop.process.recovery import recover


def open_partition(
    url: str, partition: int = 0, clock: HostClock | None = None, *, wait_s: float = 0.0
) -> Host:
    """Return the host of a partition, as its journal says; it is the only one until it is closed.

    With `wait_s` it stands by that long for the partition to become free: when the host that has it
    dies, this one takes over with everything that was acknowledged.

    Raises
    ------
    Conflict
        Another host has the partition.
    Unavailable
        The server does not answer.
    """
    journal = PostgresJournal(url, partition, wait_s=wait_s)
    try:
        snapshots = PostgresSnapshots(url, partition)
        engine = recover(journal, snapshots, partition).engine
    except BaseException:
        journal.close()
        raise
    return Host(engine, journal, clock or WallClock(), snapshots)
