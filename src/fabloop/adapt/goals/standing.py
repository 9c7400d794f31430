"""How a goal stands now: what is certain first, then prediction, calm on its way back."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec

from fabloop.adapt.goals.index import Book
from fabloop.adapt.goals.reasons import of_bound, of_parts, of_risk, of_verdict
from fabloop.adapt.goals.risk import Estimates, earliest, risk_of
from fabloop.adapt.goals.tracks import Memory, Standing, Track
from fabloop.adapt.goals.verdict import Verdict, judge
from fabloop.base.instant import Instant
from fabloop.model.explanation import Explanation, GoalCode
from fabloop.model.goal import Goal, GoalStatus
from fabloop.model.ids import GoalId

CALM = 0.5
"""A goal is out of danger when its risk is below this share of what puts it in danger."""


class Bench(msgspec.Struct, kw_only=True):
    """What goals are judged by: all that is known, the goals, estimates, the time zone."""

    memory: Memory
    book: Book
    estimates: Estimates
    zone: ZoneInfo


class _Case(msgspec.Struct, kw_only=True):
    """One goal of one subject, with what is certain about it."""

    goal: Goal
    track: Track
    verdict: Verdict
    before: Standing
    parts: dict[GoalId, GoalStatus]
    lost: tuple[GoalId, ...]
    bench: Bench

    @property
    def now(self) -> Instant:
        """Return when it is judged."""
        return self.bench.memory.now

    @property
    def zone(self) -> str:
        """Return the time zone by name."""
        return self.bench.book.goals.time_zone

    @property
    def follows(self) -> str:
        """Return what follows when it is missed."""
        return self.bench.book.follows[self.goal.id]

    def at(
        self,
        status: GoalStatus,
        risk: float,
        because: Explanation | None = None,
        expected: Instant | None = None,
    ) -> Standing:
        """Return a standing; a status that stays is as old as it was."""
        return Standing(
            status=status,
            since=self.before.since if self.before.status is status else self.now,
            risk=risk,
            deadline=self.verdict.deadline,
            expected=expected,
            because=because,
        )


def stand(goal: Goal, track: Track, bench: Bench) -> tuple[Standing, Verdict]:
    """Return how a goal stands for a subject, and what of that is certain."""
    parts = parts_of(goal, track, bench.book)
    verdict = judge(goal, track, bench.memory.now, bench.zone, parts)
    lost = tuple(key for key, each in parts.items() if each is GoalStatus.VIOLATED)
    case = _Case(
        goal=goal,
        track=track,
        verdict=verdict,
        before=track.standings.get(goal.id) or Standing(),
        parts=parts,
        lost=lost,
        bench=bench,
    )
    needed = tuple(each for each in lost if bench.book.goals.goals[each].needed)
    if needed and verdict.status is not GoalStatus.VIOLATED:
        because = of_parts(goal, track.key, needed, case.follows, lost=True)
        return case.at(GoalStatus.VIOLATED, 1.0, because), verdict
    if verdict.status in (GoalStatus.VIOLATED, GoalStatus.MET):
        return _decided(case), verdict
    if verdict.status is GoalStatus.IDLE:
        return case.at(GoalStatus.IDLE, 0.0), verdict
    return _open(case), verdict


def _decided(case: _Case) -> Standing:
    verdict, before = case.verdict, case.before
    missed = verdict.status is GoalStatus.VIOLATED
    kept = before.since if before.status is verdict.status else case.now
    since = verdict.since or kept
    if (before.status, before.since, before.expected) == (verdict.status, since, verdict.happened):
        return before  # nothing else than what was told already
    verdict = msgspec.structs.replace(verdict, since=since)
    if missed and verdict.code is GoalCode.PARTS_LOST:
        because = of_parts(case.goal, case.track.key, case.lost, case.follows, lost=True)
    else:
        because = of_verdict(case.goal, case.track.key, verdict, case.zone, case.follows)
    return Standing(
        status=verdict.status,
        since=verdict.since,
        risk=1.0 if missed else 0.0,
        deadline=verdict.deadline,
        expected=verdict.happened,
        because=because,
    )


def _open(case: _Case) -> Standing:
    """Return whether what is not decided is in danger, by its parts or by itself."""
    shaky = case.lost or tuple(
        key for key, each in case.parts.items() if each is GoalStatus.ENDANGERED
    )
    found = _by_time(case)
    if found.status is not GoalStatus.OPEN or not shaky:
        return found
    because = of_parts(case.goal, case.track.key, shaky, case.follows, lost=False)
    risk = max(found.risk, case.goal.warn_at)
    return case.at(GoalStatus.ENDANGERED, risk, because, found.expected)


def _by_time(case: _Case) -> Standing:
    """Return whether what has a deadline can be met, and how likely it is."""
    goal, track, verdict, bench = case.goal, case.track, case.verdict, case.bench
    begun, deadline = verdict.begun, verdict.deadline
    if begun is None or deadline is None:
        return case.at(GoalStatus.OPEN, 0.0)
    soonest = earliest(track, verdict.event, bench.estimates)
    if soonest is not None and soonest > deadline:
        because = of_bound(goal, track.key, verdict, soonest, case.zone, case.follows)
        return case.at(GoalStatus.VIOLATED, 1.0, because, soonest)
    found = risk_of(track, verdict.event, bench.memory, bench.estimates, begun, deadline)
    limit = goal.warn_at
    if case.before.status is GoalStatus.ENDANGERED:
        limit *= CALM
    if found.risk < limit:
        return case.at(GoalStatus.OPEN, found.risk, None, found.expected)
    because = of_risk(goal, track.key, verdict, found, case.now, case.zone, case.follows)
    return case.at(GoalStatus.ENDANGERED, found.risk, because, found.expected)


def parts_of(goal: Goal, track: Track, book: Book) -> dict[GoalId, GoalStatus]:
    """Return how the goals stand that serve a goal; many subjects of one count as one."""
    found = {}
    for part in book.parts[goal.id]:
        if part.subject == track.subject:
            own = track.standings.get(part.id)
            found[part.id] = own.status if own is not None else GoalStatus.IDLE
        else:
            found[part.id] = _together(track.parts.get(part.id, {}))
    return found


def _together(counts: Mapping[GoalStatus, int]) -> GoalStatus:
    order = (GoalStatus.VIOLATED, GoalStatus.ENDANGERED, GoalStatus.OPEN, GoalStatus.MET)
    return next((each for each in order if counts.get(each)), GoalStatus.IDLE)
