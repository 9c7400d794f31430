"""The edge: bulks of 100 ms come in, a finished recording comes out when the program ends."""

from enum import StrEnum

import msgspec
import numpy as np

from fabloop.base.instant import Instant
from fabloop.sense.program import TestProgram
from fabloop.sense.recording import TRIGGER_OFF, Bulk, Recording, SegmentRecord, series_of

RECORDING_BULKS_MAX = 9_000
"""A program that has not cleared its variable after 15 minutes will not do so."""


class Stage(StrEnum):
    """What the edge does with the next bulk."""

    UNSURE = "unsure"
    """The variable may have been set before we listened: wait until it is clear."""
    IDLE = "idle"
    RECORDING = "recording"


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """State of the edge for one machine; begin with the program alone.

    Attributes
    ----------
    expected : sequence number of the next bulk; None before the first
    due : when the next bulk starts, if no sample was lost
    parts : bulks of the recording in progress
    repeated : bulks that came twice and were left out
    """

    program: TestProgram
    stage: Stage = Stage.UNSURE
    expected: int | None = None
    due: Instant | None = None
    parts: tuple[Bulk, ...] = ()
    repeated: int = 0


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The program cleared its variable, and nothing was lost."""

    recording: Recording


class Spoiled(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the program that cannot be evaluated."""

    at: Instant
    reason: str


def advance(edge: Edge, bulk: Bulk) -> tuple[Edge, Finished | Spoiled | None]:
    """Take the next bulk; at most one run ends with it.

    A bulk that was just received comes again when a sender retries: it is left out. Any other
    break of the sequence or of time spoils the run in progress, and the edge waits until the
    program's variable is clear.
    """
    if edge.expected is not None and bulk.sequence == edge.expected - 1:
        return msgspec.structs.replace(edge, repeated=edge.repeated + 1), None
    broken = _break(edge, bulk)
    after = msgspec.structs.replace(
        edge,
        expected=bulk.sequence + 1,
        due=Instant(bulk.start + len(bulk.trigger) * bulk.step_ns),
    )
    if not broken:
        return _taken(after, bulk)
    spoiled = Spoiled(at=bulk.start, reason=broken) if edge.stage is Stage.RECORDING else None
    anew, outcome = _taken(msgspec.structs.replace(after, stage=Stage.UNSURE, parts=()), bulk)
    return anew, spoiled or outcome


def _taken(edge: Edge, bulk: Bulk) -> tuple[Edge, Finished | Spoiled | None]:
    running = bool((bulk.trigger != TRIGGER_OFF).any())
    ended = bool(bulk.trigger[-1] == TRIGGER_OFF)
    if edge.stage is Stage.UNSURE and bulk.trigger[0] != TRIGGER_OFF:
        return _waiting(edge, bulk), None
    if edge.stage is not Stage.RECORDING and not running:
        return msgspec.structs.replace(edge, stage=Stage.IDLE), None
    parts = (*edge.parts, bulk)
    if ended:
        return msgspec.structs.replace(edge, stage=Stage.IDLE, parts=()), _assembled(
            edge.program, parts
        )
    if len(parts) >= RECORDING_BULKS_MAX:
        reason = f"the program's variable was still set after {RECORDING_BULKS_MAX} bulks"
        return _waiting(edge, bulk), Spoiled(at=bulk.start, reason=reason)
    return msgspec.structs.replace(edge, stage=Stage.RECORDING, parts=parts), None


def _waiting(edge: Edge, bulk: Bulk) -> Edge:
    clear = bool(bulk.trigger[-1] == TRIGGER_OFF)
    stage = Stage.IDLE if clear else Stage.UNSURE
    return msgspec.structs.replace(edge, stage=stage, parts=())


def _break(edge: Edge, bulk: Bulk) -> str:
    """Return how the bulk fails to follow the last one, or nothing."""
    if edge.expected is None or edge.due is None:
        return ""
    if bulk.sequence > edge.expected:
        lost = bulk.sequence - edge.expected
        return f"{lost} bulks lost before bulk {bulk.sequence}"
    if bulk.sequence < edge.expected:
        return f"bulk {bulk.sequence} came where {edge.expected} was due: the stream began anew"
    if abs(bulk.start - edge.due) > bulk.step_ns // 2:
        return f"the clock jumped by {bulk.start - edge.due} ns before bulk {bulk.sequence}"
    return ""


def _assembled(program: TestProgram, parts: tuple[Bulk, ...]) -> Finished | Spoiled:
    """Cut the bulks into segments by the value of the trigger."""
    end = parts[-1].start
    wanted = {name for axis in program.axes for name in series_of(axis)}
    series = parts[0].series
    missing = sorted(wanted - set(series))
    if missing:
        return Spoiled(at=end, reason=f"series not in the stream: {', '.join(missing)}")
    if any(part.series != series or part.step_ns != parts[0].step_ns for part in parts):
        return Spoiled(at=end, reason="series or cycle changed while the program ran")
    trigger = np.concatenate([part.trigger for part in parts])
    values = np.concatenate([part.values for part in parts])
    time = parts[0].start + parts[0].step_ns * np.arange(len(trigger), dtype=np.int64)
    segments = []
    for number in range(1, len(program.segments) + 1):
        found = np.flatnonzero(trigger == number)
        if len(found) < 2 or found[-1] - found[0] + 1 != len(found):
            return Spoiled(at=end, reason=f"segment {number} is missing or interrupted")
        part = slice(int(found[0]), int(found[-1]) + 1)
        segments.append(SegmentRecord(number=number, time_ns=time[part], values=values[part]))
    return Finished(recording=Recording(program=program, series=series, segments=tuple(segments)))
