"""Which rows a journal need not hold any more: those of what has ended, once a snapshot knows."""

from fabloop.base.instant import Instant
from fabloop.base.journal import Archive, JournalReader
from fabloop.base.snapshots import Snapshots
from fabloop.process.messages import STREAM as MESSAGES
from fabloop.process.operations import BatchState
from fabloop.process.passive import glance
from fabloop.process.recovery import newest_snapshot
from fabloop.process.state import State

_ENDED_BATCH = (BatchState.FINISHED, BatchState.STOPPED)


def archive_ended(
    journal: JournalReader,
    snapshots: Snapshots,
    archive: Archive,
    before: Instant,
    partition: int = 0,
) -> int:
    """Move to the archive what ended before an instant; return how many rows that were.

    Only rows up to the newest snapshot that can really be read are moved, so recovery does without
    them. Rows of definitions, of instances in progress and of other kinds than the kernel's stay.
    """
    found = newest_snapshot(snapshots, journal.last(), partition, {})
    if found is None:
        return 0
    state, seq = found
    live = {each.stream for each in glance(state, "instances")}
    quiet = archive.quiet(seq, before)
    ended = [each for each in quiet if each not in live and _has_ended(state, each)]
    return archive.move([*ended, MESSAGES], seq, before)


def _has_ended(state: State, stream: str) -> bool:
    """Whether a stream that belongs to no live instance is one of what has ended."""
    kind, _, key = stream.partition("/")
    if kind == "batch":
        batch = state.batches.get(int(key))
        return batch is None or batch.state in _ENDED_BATCH
    return kind == "instance"
