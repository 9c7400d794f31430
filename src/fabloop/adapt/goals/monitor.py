"""Watches goals on the history of processes, event by event; it hands back what is news."""

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

import msgspec

from fabloop.adapt.goals.follow import Follower
from fabloop.adapt.goals.index import Book
from fabloop.adapt.goals.kpis import bucket_at, judge_bucket, name_of, put
from fabloop.adapt.goals.news import news_of
from fabloop.adapt.goals.risk import Estimates
from fabloop.adapt.goals.standing import Bench, stand
from fabloop.adapt.goals.tracks import (
    TRACKS_MAX,
    Address,
    Contribution,
    Forecast,
    Memory,
    Standing,
    Track,
)
from fabloop.adapt.goals.verdict import Verdict
from fabloop.base.errors import Broken, NotFound
from fabloop.base.instant import SECOND, Instant
from fabloop.base.names import did_you_mean
from fabloop.base.period import zone_of
from fabloop.model.facts import GoalFact
from fabloop.model.goal import Count, Goal, GoalSet, GoalStatus, Kpi, MeanTime, Share
from fabloop.model.ids import GoalId
from fabloop.process.history.event import HistoryEvent

REVIEW_SHARE = 8
"""What is open is looked at again after this part of the time that it has left ..."""

REVIEW_MIN = SECOND
"""... and not more often than this."""


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """Something told by name, not by the history of a process: ``received`` of order ``o-1``.

    `identity` tells it from others of the same name, so that told twice it counts once.
    """

    event: str
    subject: str
    key: str
    at: Instant
    identity: str = ""
    within: Address | None = None


class Monitor:
    """Follows goals; everything that it knows is in `memory`.

    Events may come late, twice or in another order: how a goal stands follows from what has
    happened, not from when it was heard.

    Parameters
    ----------
    goals : what is watched
    memory : of an earlier monitor of the same goals; without one it begins anew
    estimates : remaining times by model, for nodes without experience
    """

    def __init__(
        self, goals: GoalSet, memory: Memory | None = None, estimates: Estimates | None = None
    ) -> None:
        name = f"{goals.id} {goals.version}"
        self.book = Book(goals)
        self.memory = memory if memory is not None and memory.goals == name else Memory(goals=name)
        self._zone = zone_of(goals.time_zone)
        self._bench = Bench(
            memory=self.memory, book=self.book, estimates=estimates or {}, zone=self._zone
        )
        self._follower = Follower(self.book, self.memory)
        self._kpis = _by_goal(goals)
        self._counted = _by_event(goals)
        self._facts: list[GoalFact] = []
        self._wakes: list[tuple[int, Address]] = []
        self._ends: list[tuple[int, GoalId]] = []
        for address, track in self.memory.tracks.items():
            if track.wake:
                heappush(self._wakes, (track.wake, address))
        for kpi, buckets in self.memory.buckets.items():
            for bucket in buckets.values():
                heappush(self._ends, (bucket.end, kpi))

    # -- what is heard ------------------------------------------------------------------------

    def hear(self, events: Iterable[HistoryEvent]) -> tuple[GoalFact, ...]:
        """Take in events of a history and return what is news about the goals.

        The events of one journal row (`seq`) come together.
        """
        row: list[HistoryEvent] = []
        for event in events:
            if row and row[0].seq != event.seq:
                self._row(row)
                row = []
            row.append(event)
        if row:
            self._row(row)
        return self._taken()

    def tell(self, *happenings: Happening) -> tuple[GoalFact, ...]:
        """Take in what is told by name; an event that no goal speaks of is nothing.

        Raises
        ------
        NotFound
            The goals know no such subject.
        """
        for each in happenings:
            self._check(each.subject)
            self._until(each.at)
            name = f"{each.event}({each.subject})"
            track = self._follower.track((each.subject, each.key), each.within)
            track.since = each.at if track.since is None else min(track.since, each.at)
            if self._follower.happen(track, name, each.at, each.identity):
                self._note(track, name)
            self._review((each.subject, each.key), track)
        return self._taken()

    def due(self, goal: GoalId, key: str, by: Instant) -> tuple[GoalFact, ...]:
        """Set the instant by which a goal of the form ``EVENT by ...`` is to be met."""
        address = (self.book.goals.goals[goal].subject, key)
        track = self._follower.track(address, None)
        track.since = self.memory.now if track.since is None else track.since
        track.due[goal] = by
        self._review(address, track)
        return self._taken()

    def expect(
        self, subject: str, key: str, event: str, forecasts: Sequence[Forecast]
    ) -> tuple[GoalFact, ...]:
        """Take in when an event is expected; it takes the place of what was said before.

        `event` is its word: ``done``. No forecasts: nobody expects anything any more.

        Raises
        ------
        NotFound
            The goals know no such event of such a subject.
        """
        self._check(subject, event)
        self._until(max((each.made_at for each in forecasts), default=self.memory.now))
        track = self._follower.track((subject, key), None)
        track.expects[f"{event}({subject})"] = list(forecasts)
        self._review((subject, key), track)
        return self._taken()

    def estimate(self, estimates: Estimates) -> None:
        """Take other estimates of remaining times: of a process that has been changed, say."""
        self._bench.estimates = estimates

    def advance(self, now: Instant) -> tuple[GoalFact, ...]:
        """Let time pass; return what is news."""
        self._until(now)
        return self._taken()

    def next_due(self) -> Instant | None:
        """Return when `advance` may have something to say."""
        wakes = [heap[0][0] for heap in (self._wakes, self._ends) if heap]
        return Instant(min(wakes)) if wakes else None

    @property
    def estimates(self) -> Estimates:
        """Return the estimates of remaining times."""
        return self._bench.estimates

    # -- what is known ------------------------------------------------------------------------

    def standing(self, goal: GoalId, key: str) -> Standing | None:
        """Return how a goal stands for a subject, or a KPI over a span; None for unknown ones."""
        kpi = self.book.goals.kpis.get(goal)
        if kpi is not None:
            for bucket in self.memory.buckets.get(goal, {}).values():
                if name_of(bucket.start, kpi.over, self._zone) == key:
                    return bucket.standing
            return None
        track = self.memory.tracks.get((self.book.goals.goals[goal].subject, key))
        return track.standings.get(goal) if track is not None else None

    def checkpoint(self) -> bytes:
        """Return all that is known, for `restored`."""
        return msgspec.msgpack.encode(self.memory)

    def _check(self, subject: str, event: str = "") -> None:
        goals = self.book.goals
        if subject not in goals.subjects:
            hint = did_you_mean(subject, goals.subjects)
            raise NotFound(f"Expected a subject of the goals, but found '{subject}'. {hint}")
        if event and f"{event}({subject})" not in goals.events:
            known = [each.name for each in goals.events.values() if each.subject == subject]
            hint = did_you_mean(event, known)
            raise NotFound(f"Expected an event of '{subject}', but found '{event}'. {hint}")

    # -- following ----------------------------------------------------------------------------

    def _row(self, row: list[HistoryEvent]) -> None:
        self._until(row[0].at)
        for address, track, touch in self._follower.row(row):
            for name in touch.news:
                self._note(track, name)
            self._review(address, track, None if touch.changed else touch.heard)

    def _until(self, now: Instant) -> None:
        """Look again at what becomes due until an instant, at the instants at which it does."""
        memory = self.memory
        while True:
            wake = self._wakes[0][0] if self._wakes else now + 1
            end = self._ends[0][0] if self._ends else now + 1
            if min(wake, end) > now:
                break
            memory.now = Instant(max(memory.now, min(wake, end)))
            if end <= wake:
                self._end(heappop(self._ends)[1], Instant(end))
                continue
            at, address = heappop(self._wakes)
            track = memory.tracks.get(address)
            if track is not None and track.wake == at:
                track.wake = 0
                self._review(address, track, ())
        memory.now = Instant(max(memory.now, now))

    def _end(self, key: GoalId, end: Instant) -> None:
        for bucket in list(self.memory.buckets[key].values()):
            if bucket.end == end:
                self._judge(self.book.goals.kpis[key], bucket.start)

    def _review(self, address: Address, track: Track, heard: Sequence[str] | None = None) -> None:
        """Judge the goals of a subject; where one changed, of what it is a part of, too.

        With what was `heard`, only goals of these events may stand anew, those with a deadline,
        and those that they are parts of.
        """
        wake = 0
        changed = False
        for goal in self.book.of_subject[address[0]]:
            before = track.standings.get(goal.id) or Standing()
            timed = before.status in _RUNNING and before.deadline is not None
            if not (timed or changed or heard is None or self._speaks(goal, heard)):
                continue
            after, verdict = stand(goal, track, self._bench)
            track.standings[goal.id] = after
            if before.status is not after.status:
                changed = True
                self._facts += news_of(goal, *address, before, after, self.memory.now)
                self._count_part(goal, track, before.status, after.status)
            if goal.id in self._kpis:
                self._share(goal, address, after)
            look = _look_again(verdict, after, self.memory.now)
            wake = min(wake or look, look or wake)
        self._wake(address, track, wake)
        if changed and track.within is not None and track.within in self.memory.tracks:
            self._review(track.within, self.memory.tracks[track.within])

    def _speaks(self, goal: Goal, heard: Sequence[str]) -> bool:
        uses = self.book.uses[goal.id]
        return any(each in uses for each in heard)

    def _wake(self, address: Address, track: Track, wake: int) -> None:
        if wake and wake != track.wake:
            track.wake = wake
            heappush(self._wakes, (wake, address))
        elif not wake:
            track.wake = 0

    def _count_part(self, goal: Goal, track: Track, before: GoalStatus, after: GoalStatus) -> None:
        above = None if goal.part_of is None else self.book.goals.goals[goal.part_of]
        whole = track.within
        while above is not None and whole is not None and whole[0] != above.subject:
            found = self.memory.tracks.get(whole)
            whole = found.within if found is not None else None
        if above is None or whole is None or above.subject == track.subject:
            return
        owner = self._follower.track(whole, None)
        counts = owner.parts.setdefault(goal.id, {})
        if counts.get(before):
            counts[before] -= 1
        counts[after] = counts.get(after, 0) + 1

    # -- KPIs ---------------------------------------------------------------------------------

    def _share(self, goal: Goal, address: Address, after: Standing) -> None:
        for kpi in self._kpis[goal.id]:
            found = _contribution(after)
            at = after.since if after.status in _DECIDED else after.deadline
            if found is not None and at is not None:
                bucket = bucket_at(self.memory, kpi, at, self._zone)
                found = msgspec.structs.replace(found, start=bucket.start)
            self._contribute(kpi, address, found)

    def _contribute(self, kpi: Kpi, address: Address, now: Contribution | None) -> None:
        known = self.memory.shares.setdefault(address, {})
        before = known.get(kpi.id)
        if before == now:
            return
        buckets = self.memory.buckets.get(kpi.id, {})
        for each, sign in ((before, -1), (now, 1)):
            if each is not None and each.start in buckets:
                put(buckets[each.start], each, sign)
        if now is None:
            known.pop(kpi.id, None)
        else:
            known[kpi.id] = now
        for start in {each.start for each in (before, now) if each is not None}:
            if start in buckets:
                self._judge(kpi, start)

    def _note(self, track: Track, name: str) -> None:
        """Count an event in the KPIs that speak of it."""
        for kpi in self._counted.get(name, ()):
            begun, ended = self._span(kpi, track)
            if begun is None or ended is None:
                continue
            bucket = bucket_at(self.memory, kpi, Instant(ended), self._zone)
            each = Contribution(start=bucket.start, count=1, total_ns=max(0, ended - begun))
            self._contribute(kpi, (track.subject, track.key), each)

    def _span(self, kpi: Kpi, track: Track) -> tuple[int | None, int | None]:
        match kpi.measure:
            case Count(event=event):
                return track.first(event), track.first(event)
            case MeanTime(after=after, what=what):
                return track.first(after), track.first(what)
            case Share():
                return None, None

    def _judge(self, kpi: Kpi, start: Instant) -> None:
        bucket = self.memory.buckets[kpi.id].get(start)
        if bucket is None:
            return
        before, now = bucket.standing, self.memory.now
        name = name_of(start, kpi.over, self._zone)
        after = judge_bucket(kpi, bucket, now, name)
        bucket.standing = after
        if now < bucket.end and before.deadline is None:
            heappush(self._ends, (bucket.end, kpi.id))
        self._facts += news_of(kpi, kpi.over, name, before, after, now)

    # -- forgetting ---------------------------------------------------------------------------

    def _taken(self) -> tuple[GoalFact, ...]:
        if len(self.memory.tracks) > TRACKS_MAX:
            self._forget()
        found, self._facts = tuple(self._facts), []
        return found

    def _forget(self) -> None:
        """Forget subjects that are decided, the oldest tenth; what KPIs counted of them stays."""
        decided = [
            address
            for address, track in self.memory.tracks.items()
            if all(each.status in _DECIDED for each in track.standings.values())
        ]
        decided = decided or list(self.memory.tracks)
        for address in decided[: TRACKS_MAX // 10]:
            del self.memory.tracks[address]
            self.memory.shares.pop(address, None)


_RUNNING = (GoalStatus.OPEN, GoalStatus.ENDANGERED)
_DECIDED = (GoalStatus.MET, GoalStatus.VIOLATED)


def _contribution(standing: Standing) -> Contribution | None:
    none = Instant(0)
    match standing.status:
        case GoalStatus.MET:
            return Contribution(start=none, met=1)
        case GoalStatus.VIOLATED:
            return Contribution(start=none, violated=1)
        case GoalStatus.IDLE:
            return None
        case _ if standing.deadline is None:
            return None
        case _:
            return Contribution(start=none, open=1, lost=round(standing.risk, 3))


def _look_again(verdict: Verdict, standing: Standing, now: Instant) -> int:
    """Return when an open goal is to be looked at again; 0 for never."""
    deadline = verdict.deadline
    if standing.status in _DECIDED or verdict.status is not GoalStatus.OPEN or deadline is None:
        return 0
    if now >= deadline:
        return deadline + 1
    return min(deadline + 1, now + max(REVIEW_MIN, (deadline - now) // REVIEW_SHARE))


def _by_goal(goals: GoalSet) -> dict[GoalId, tuple[Kpi, ...]]:
    found: dict[GoalId, tuple[Kpi, ...]] = {}
    for kpi in goals.kpis.values():
        if isinstance(kpi.measure, Share):
            found[kpi.measure.goal] = (*found.get(kpi.measure.goal, ()), kpi)
    return found


def _by_event(goals: GoalSet) -> dict[str, tuple[Kpi, ...]]:
    found: dict[str, tuple[Kpi, ...]] = {}
    for kpi in goals.kpis.values():
        match kpi.measure:
            case Count(event=event):
                names: tuple[str, ...] = (event,)
            case MeanTime(after=after, what=what):
                names = (after, what)
            case _:
                names = ()
        for name in names:
            found[name] = (*found.get(name, ()), kpi)
    return found


def restored(goals: GoalSet, data: bytes, estimates: Estimates | None = None) -> Monitor:
    """Return a monitor that goes on where a checkpoint was made; other goals begin anew.

    Raises
    ------
    Broken
        The bytes are no checkpoint.
    """
    try:
        memory = msgspec.msgpack.decode(data, type=Memory)
    except msgspec.DecodeError as error:
        raise Broken(f"Expected a checkpoint of goals, but found {error}.") from error
    return Monitor(goals, memory, estimates)
