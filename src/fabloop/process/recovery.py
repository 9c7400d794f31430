"""From a journal and its snapshots back to an engine, and from an engine to the next snapshot."""

import msgspec

from fabloop.base.collector import paused
from fabloop.base.errors import Broken
from fabloop.base.journal import JournalReader
from fabloop.base.snapshots import Snapshots
from fabloop.process.commands import Reply
from fabloop.process.deltas import ROW_KIND, decode_body
from fabloop.process.engine import Engine
from fabloop.process.snapshot import read_snapshot, write_snapshot
from fabloop.process.state import REQUESTS_REMEMBERED_MAX, State

SNAPSHOTS_KEPT = 3
"""Snapshots of a partition that are kept; older ones are dropped when a new one is durable."""


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """An engine as its journal says.

    Attributes
    ----------
    seq : the last row that is in it
    snapshot : the row up to which a snapshot told (0: every row was replayed)
    refused : snapshots that could not be used, and why
    """

    engine: Engine
    seq: int
    snapshot: int
    refused: dict[int, str]


def recover(
    journal: JournalReader, snapshots: Snapshots | None = None, partition: int = 0
) -> Recovered:
    """Return the engine of a partition: its newest usable snapshot and the rows after it.

    Raises
    ------
    Broken
        Rows are missing or cannot be read; a snapshot that cannot be used is passed over.
    """
    refused: dict[int, str] = {}
    with paused():
        engine, begun = _from_snapshot(journal, snapshots, partition, refused)
        seq = begun
        for seq, row in journal.read(after=begun):  # noqa: B007  # the last one counts
            engine.replay((row,))
    return Recovered(engine=engine, seq=seq, snapshot=begun, refused=refused)


def _from_snapshot(
    journal: JournalReader, snapshots: Snapshots | None, partition: int, refused: dict[int, str]
) -> tuple[Engine, int]:
    """Return the engine of the newest snapshot that can be used, or an empty one."""
    engine = Engine(partition)
    if snapshots is not None:
        found = newest_snapshot(snapshots, journal.last(), partition, refused)
        if found is not None:
            engine.state, seq = found
            return engine, seq
    return engine, 0


def newest_snapshot(
    snapshots: Snapshots, last: int, partition: int, refused: dict[int, str]
) -> tuple[State, int] | None:
    """Return the newest state that can be read and is of row `last` at most, with its row.

    Those that are passed over are noted in `refused`, with the reason.
    """
    for seq in snapshots.known():
        if seq > last:
            refused[seq] = f"Expected a snapshot of row {last} at most: the journal ends there."
            continue
        try:
            state = read_snapshot(snapshots.parts(seq))
        except Broken as error:
            refused[seq] = str(error)
            continue
        if state.partition == partition:
            return state, seq
        refused[seq] = f"Expected partition {partition}, but found {state.partition}."
    return None


def save_snapshot(engine: Engine, seq: int, snapshots: Snapshots) -> None:
    """Keep the engine as it is after row `seq`, which must be durable; drop the oldest snapshots.

    The engine may not decide meanwhile. A running engine is better spared: let another process
    `recover` from the same journal and save that.
    """
    snapshots.save(seq, write_snapshot(engine.state))
    for old in snapshots.known()[SNAPSHOTS_KEPT:]:
        snapshots.drop(old)


def answered(journal: JournalReader, engine: Engine, request: str) -> Reply | None:
    """Return the reply to a request that the engine no longer remembers, as the journal has it.

    To be asked before a command with a request id is handled. It costs a look into the journal only
    when the engine has begun to forget.
    """
    known = engine.state.requests
    if not request or request in known or len(known) < REQUESTS_REMEMBERED_MAX:
        return None
    row = journal.find(request)
    return decode_body(row.body).reply if row is not None and row.kind == ROW_KIND else None
