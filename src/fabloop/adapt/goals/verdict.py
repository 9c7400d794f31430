"""Judges one goal for one subject by what has happened so far: pure, the same for any order."""

from collections.abc import Mapping
from typing import assert_never
from zoneinfo import ZoneInfo

import msgspec

from fabloop.adapt.goals.tracks import Track
from fabloop.base.instant import Instant
from fabloop.base.period import added
from fabloop.model.explanation import GoalCode
from fabloop.model.goal import (
    Always,
    AtMost,
    By,
    Goal,
    GoalStatus,
    HoldsAt,
    NotBefore,
    Parts,
    Precedes,
    Within,
)
from fabloop.model.ids import GoalId


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How a goal stands by what is certain; prediction comes on top.

    Attributes
    ----------
    since : when it was decided, or is certain
    event : what is awaited, or has decided it
    begun : when the time began to count
    happened : when the awaited event did happen, if it did
    """

    status: GoalStatus
    since: Instant = Instant(0)
    code: GoalCode | None = None
    event: str = ""
    begun: Instant | None = None
    deadline: Instant | None = None
    happened: Instant | None = None
    count: int = 0


IDLE = Verdict(status=GoalStatus.IDLE)
OPEN = Verdict(status=GoalStatus.OPEN)


def judge(
    goal: Goal, track: Track, now: Instant, zone: ZoneInfo, parts: Mapping[GoalId, GoalStatus]
) -> Verdict:
    """Return how a goal stands; `parts` are the goals that serve it, by status."""
    statement = goal.statement
    match statement:
        case Within() | By():
            return _awaited(goal, statement, track, now, zone)
        case NotBefore():
            return _not_before(statement, track, zone)
        case Precedes():
            return _precedes(statement, track)
        case AtMost():
            return _at_most(statement, track)
        case Always():
            return _always(goal.id, track)
        case HoldsAt():
            return _holds_at(goal.id, statement, track)
        case Parts():
            return _parts(statement, parts, track)
        case _:
            assert_never(statement)


def _awaited(
    goal: Goal, statement: Within | By, track: Track, now: Instant, zone: ZoneInfo
) -> Verdict:
    if isinstance(statement, By):
        due = track.due.get(goal.id)
        if due is None:
            return IDLE
        begun = due if track.since is None else track.since
        return _timely(statement.what, track, now, Instant(min(begun, due)), Instant(due))
    begun_at = track.first(statement.after)
    if begun_at is None:
        return IDLE
    deadline = added(Instant(begun_at), statement.span, zone)
    return _timely(statement.what, track, now, Instant(begun_at), deadline)


def _timely(what: str, track: Track, now: Instant, begun: Instant, deadline: Instant) -> Verdict:
    happened, ended = track.first(what), track.ended_at
    status, since, code = GoalStatus.OPEN, Instant(0), None
    if happened is not None and happened <= deadline:
        status, since, code = GoalStatus.MET, Instant(happened), GoalCode.MET
    elif happened is None and ended is not None and ended <= deadline:
        status, since, code = GoalStatus.VIOLATED, Instant(ended), GoalCode.ENDED_WITHOUT
    elif happened is not None or now > deadline:
        status, since, code = GoalStatus.VIOLATED, deadline, GoalCode.LATE
    return Verdict(
        status=status,
        since=since,
        code=code,
        event=what,
        begun=begun,
        deadline=deadline,
        happened=None if happened is None else Instant(happened),
    )


def _not_before(statement: NotBefore, track: Track, zone: ZoneInfo) -> Verdict:
    happened, begun = track.first(statement.what), track.first(statement.after)
    if happened is None:
        return _vacuous(statement.what, track)
    earliest = None if begun is None else added(Instant(begun), statement.span, zone)
    since = Instant(happened)
    if earliest is not None and happened >= earliest:
        return Verdict(status=GoalStatus.MET, since=since, code=GoalCode.MET, event=statement.what)
    return Verdict(
        status=GoalStatus.VIOLATED,
        since=since,
        code=GoalCode.TOO_EARLY,
        event=statement.what,
        begun=None if begun is None else Instant(begun),
        deadline=earliest,
        happened=since,
    )


def _precedes(statement: Precedes, track: Track) -> Verdict:
    first, second = track.first(statement.what), track.first(statement.before)
    if first is not None and (second is None or first <= second):
        since = Instant(first)
        return Verdict(status=GoalStatus.MET, since=since, code=GoalCode.MET, event=statement.what)
    if second is not None:
        return Verdict(
            status=GoalStatus.VIOLATED,
            since=Instant(second),
            code=GoalCode.OUT_OF_ORDER,
            event=statement.before,
        )
    return _vacuous(statement.what, track)


def _at_most(statement: AtMost, track: Track) -> Verdict:
    found = track.times.get(statement.what, [])
    if len(found) > statement.times:
        since = Instant(found[statement.times][0])
        return Verdict(
            status=GoalStatus.VIOLATED,
            since=since,
            code=GoalCode.HAPPENED,
            event=statement.what,
            happened=since,
            count=statement.times,
        )
    return _vacuous(statement.what, track)


def _always(goal: GoalId, track: Track) -> Verdict:
    false = track.false_since.get(goal)
    if false is not None:
        code = GoalCode.CONDITION_FALSE
        return Verdict(status=GoalStatus.VIOLATED, since=Instant(false), code=code)
    return _vacuous("", track)


def _holds_at(goal: GoalId, statement: HoldsAt, track: Track) -> Verdict:
    false, true = track.false_since.get(goal), track.true_since.get(goal)
    if false is not None:
        return Verdict(
            status=GoalStatus.VIOLATED,
            since=Instant(false),
            code=GoalCode.CONDITION_FALSE,
            event=statement.what,
        )
    if true is not None:
        since = Instant(true)
        return Verdict(status=GoalStatus.MET, since=since, code=GoalCode.MET, event=statement.what)
    return _vacuous(statement.what, track)


def _parts(statement: Parts, parts: Mapping[GoalId, GoalStatus], track: Track) -> Verdict:
    least = len(parts) if statement.least is None else statement.least
    met = sum(each is GoalStatus.MET for each in parts.values())
    lost = sum(each is GoalStatus.VIOLATED for each in parts.values())
    if not parts:
        return IDLE
    if len(parts) - lost < least:
        return Verdict(status=GoalStatus.VIOLATED, code=GoalCode.PARTS_LOST)
    if met >= least:
        return Verdict(status=GoalStatus.MET, code=GoalCode.MET)
    if all(each is GoalStatus.IDLE for each in parts.values()):
        return IDLE
    return _vacuous("", track) if met + lost == len(parts) else OPEN


def _vacuous(event: str, track: Track) -> Verdict:
    """Return that nothing has stood against it: met once the subject has ended."""
    if track.ended_at is None:
        return Verdict(status=GoalStatus.OPEN, event=event)
    since = Instant(track.ended_at)
    return Verdict(status=GoalStatus.MET, since=since, code=GoalCode.MET, event=event)
