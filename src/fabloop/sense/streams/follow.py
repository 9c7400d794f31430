"""Whether bulks follow each other: what was lost, came twice, began anew, or jumped in time."""

from enum import StrEnum

import msgspec

from fabloop.base.instant import Instant

REPEATS_BACK_MAX = 600
"""A number at most this far back (a minute of bulks) is a repetition; further back, a restart."""


class Verdict(StrEnum):
    """What a bulk is to the stream before it."""

    FIRST = "first"
    NEXT = "next"
    REPEATED = "repeated"
    """It was taken before: leave it out."""
    GAP = "gap"
    """Bulks before it are lost: windows begin anew with it."""
    RESTARTED = "restarted"
    """The sender began to count anew: windows begin anew with it."""
    CLOCK_JUMPED = "clock-jumped"
    """Nothing is lost, but its time does not follow: windows begin anew with it."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where a stream stands, and what went wrong so far; begin with nothing.

    Attributes
    ----------
    expected : sequence number of the next bulk; None before the first
    due : when the next bulk begins, if no sample was lost
    gaps : places at which bulks were lost; `lost` counts the bulks
    """

    expected: int | None = None
    due: Instant = Instant(0)
    taken: int = 0
    repeated: int = 0
    gaps: int = 0
    lost: int = 0
    restarts: int = 0
    clock_jumps: int = 0


def follow(
    position: Position, *, sequence: int, start: Instant, samples: int, step_ns: int
) -> tuple[Position, Verdict]:
    """Return where the stream stands after a bulk, and what the bulk is.

    A number below the expected one is a repetition while it is near; a sender that began anew
    counts from far below, or repeats a number with another time than that bulk had.
    """
    verdict = _verdict(position, sequence, start, samples, step_ns)
    if verdict is Verdict.REPEATED:
        return msgspec.structs.replace(position, repeated=position.repeated + 1), verdict
    lost = sequence - position.expected if verdict is Verdict.GAP and position.expected else 0
    after = Position(
        expected=sequence + 1,
        due=Instant(start + samples * step_ns),
        taken=position.taken + 1,
        repeated=position.repeated,
        gaps=position.gaps + (verdict is Verdict.GAP),
        lost=position.lost + lost,
        restarts=position.restarts + (verdict is Verdict.RESTARTED),
        clock_jumps=position.clock_jumps + (verdict is Verdict.CLOCK_JUMPED),
    )
    return after, verdict


def _verdict(
    position: Position, sequence: int, start: Instant, samples: int, step_ns: int
) -> Verdict:
    if position.expected is None:
        return Verdict.FIRST
    ahead = sequence - position.expected
    if ahead > 0:
        return Verdict.GAP
    if ahead < 0:
        was_due = position.due + ahead * samples * step_ns
        near = -ahead <= REPEATS_BACK_MAX and abs(start - was_due) <= samples * step_ns
        return Verdict.REPEATED if near else Verdict.RESTARTED
    if abs(start - position.due) > step_ns // 2:
        return Verdict.CLOCK_JUMPED
    return Verdict.NEXT
