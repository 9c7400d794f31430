"""From events of a history to what happened to whom: conditions, keys, marks, experience."""

from collections.abc import Iterator

import msgspec

from fabloop.adapt.goals.index import Book, Condition, Index, Rule, instant_in, keys_in, value_in
from fabloop.adapt.goals.tracks import (
    CLOSED_MAX,
    ENDED_MAX,
    UNCLAIMED_MAX,
    Address,
    InstanceTrack,
    Memory,
    Samples,
    Track,
)
from fabloop.base.instant import Instant
from fabloop.model.goal import INSTANCE
from fabloop.process.history.event import EventKind, HistoryEvent


class Touch(msgspec.Struct):
    """What a row did to a subject: events that happened, those of them that are news.

    `changed`: all of its goals may stand anew, because it is new, has ended, or a condition has
    another value. Where it only went on from one node to the next, no goal is decided by that.
    """

    heard: list[str]
    news: list[str]
    changed: bool = False


_MARKS = frozenset({EventKind.STARTED, EventKind.COMPLETED, EventKind.PASSED, EventKind.CANCELLED})
_ENDS = frozenset({EventKind.INSTANCE_COMPLETED, EventKind.INSTANCE_CANCELLED})


class Follower:
    """Keeps the memory's tracks as the history goes on."""

    def __init__(self, book: Book, memory: Memory) -> None:
        self.book = book
        self.memory = memory

    def row(self, row: list[HistoryEvent]) -> Iterator[tuple[Address, Track, Touch]]:
        """Take in what one journal row tells; yield the subjects that it concerns."""
        touched: dict[Address, Touch] = {}
        for event in row:
            self._learn(event)
        for event in row:
            index = self.book.index(event.process)
            instance = self._resolved(event, index, touched)
            rules = index.rules.get((event.kind, event.node), ())
            happened = [each for each in rules if self._true(each, instance, event)]
            if happened:
                self._put_aside(event, happened, instance)
            if happened or event.kind in _MARKS or event.kind in _ENDS:
                self._take(event, index, instance, happened, touched)
            if event.kind in _ENDS:
                self._bury(event.instance)
        tracks = self.memory.tracks
        return ((each, tracks[each], touch) for each, touch in touched.items())

    # -- whose it is --------------------------------------------------------------------------

    def _learn(self, event: HistoryEvent) -> None:
        """Note the variables that goals read, unless something newer is known."""
        instances = self.memory.instances
        found = instances.get(event.instance)
        if found is None:
            found = InstanceTrack(process=event.process, root=event.root)
            instances[event.instance] = found
        if event.kind is EventKind.INSTANCE_MIGRATED:
            found.resolved = False
        if event.variables and not event.key and event.seq >= found.seq:
            names = self.book.index(event.process).names
            news = {name: each for name, each in event.variables.items() if name in names}
            if news:
                found.variables |= news
                found.seq, found.resolved = event.seq, False

    def _resolved(
        self, event: HistoryEvent, index: Index, touched: dict[Address, Touch]
    ) -> InstanceTrack:
        found = self.memory.instances[event.instance]
        if found.resolved and found.version == event.version:
            return found
        found.version = event.version
        found.resolved = True
        own, inherited = self._own(event, index, found), self._inherited(found, index)
        found.own = tuple(
            each for each in own if self.book.goals.subjects[each[0]].process == event.process
        )
        found.subjects = tuple(dict.fromkeys((*found.subjects, *own, *inherited)))
        for address in found.subjects:
            track = self.track(address, self._whole(address, found))
            if address in found.own:
                track.definition = f"{event.process} {event.version}"
            touch = touched.setdefault(address, Touch([], []))
            if track.since is None or event.at < track.since:
                track.since = event.at
            self._claim(found, track, touch)
            if self._weigh(index, found, track, event.at) or not track.standings:
                touch.changed = True
        return found

    def _own(self, event: HistoryEvent, index: Index, instance: InstanceTrack) -> list[Address]:
        found: list[Address] = []
        for each in index.subjects:
            if each.expression is not None:
                value = value_in(each.expression, instance.variables, event.at)
                found += [(each.subject.name, key) for key in keys_in(value)]
            elif each.subject.key == INSTANCE:
                found.append((each.subject.name, str(event.instance)))
            elif event.business_key:
                found.append((each.subject.name, event.business_key))
        return found

    def _inherited(self, instance: InstanceTrack, index: Index) -> list[Address]:
        caller = self.memory.instances.get(instance.root)
        if caller is None or caller is instance:
            return []
        return [each for each in caller.subjects if each[0] in index.inherits]

    def _whole(self, address: Address, instance: InstanceTrack) -> Address | None:
        within = self.book.goals.subjects[address[0]].within
        caller = self.memory.instances.get(instance.root, instance)
        both = (*instance.subjects, *caller.subjects)
        return next((each for each in both if each[0] == within), None) if within else None

    def track(self, address: Address, within: Address | None) -> Track:
        """Return what is known of a subject; nothing yet, for a new one."""
        found = self.memory.tracks.get(address)
        if found is None:
            found = Track(subject=address[0], key=address[1])
            self.memory.tracks[address] = found
        if within is not None and found.within is None:
            found.within = within
            self.track(within, None)
        return found

    # -- what happened ------------------------------------------------------------------------

    def _take(
        self,
        event: HistoryEvent,
        index: Index,
        instance: InstanceTrack,
        happened: list[Rule],
        touched: dict[Address, Touch],
    ) -> None:
        """Let an event happen to those whom it concerns; to others it is nothing."""
        marks, ends = event.kind in _MARKS, event.kind in _ENDS
        for address in instance.subjects:
            rules = [each for each in happened if each.subject == address[0]]
            ended = ends and address in instance.own
            moved = marks and bool(self.book.awaited[address[0]])
            if not (rules or ended or moved):
                continue
            track = self.memory.tracks[address]
            touch = touched.setdefault(address, Touch([], []))
            if moved:
                self._mark(event, track)
            for rule in rules:
                if self.happen(track, rule.name, event.at, _identity(event)):
                    touch.news.append(rule.name)
                touch.heard.append(rule.name)
                self._hold(index.at.get(rule.name, ()), instance, track, event.at)
            if ended:
                known = track.ended_at
                track.ended_at = event.at if known is None else min(known, event.at)
                touch.changed = True

    def _put_aside(
        self, event: HistoryEvent, happened: list[Rule], instance: InstanceTrack
    ) -> None:
        """Keep what happens to kinds of subjects of which more may become known."""
        for rule in happened:
            if rule.keyed and len(instance.unclaimed) < UNCLAIMED_MAX:
                one = (rule.subject, rule.name, int(event.at), _identity(event))
                if one not in instance.unclaimed:
                    instance.unclaimed.append(one)

    def _claim(self, instance: InstanceTrack, track: Track, touch: Touch) -> None:
        """Let what was kept happen to a subject that has become known."""
        if track.standings:
            return
        for subject, name, at, identity in instance.unclaimed:
            if subject == track.subject and self.happen(track, name, Instant(at), identity):
                touch.news.append(name)

    def _true(self, rule: Rule, instance: InstanceTrack, event: HistoryEvent) -> bool:
        if rule.outermost and event.instance != event.root:
            return False
        if rule.when is None:
            return True
        seen = {**instance.variables, **event.variables} if event.key else instance.variables
        return value_in(rule.when, seen, event.at) is True

    def happen(self, track: Track, name: str, at: Instant, identity: str) -> bool:
        """Note that an event happened; tell whether that is news."""
        keeps = self.book.keeps.get(name)
        if keeps is None:
            return False
        times = track.times.setdefault(name, [])
        if keeps == 1:
            if times and times[0][0] <= at:
                return False
            fresh = not times
            track.times[name] = [(at, identity)]
            if fresh:
                self._experience(track, name, at)
            return True
        if (at, identity) in times:
            return False
        times.append((at, identity))
        times.sort()
        del times[keeps:]
        return True

    def _hold(
        self, conditions: tuple[Condition, ...], instance: InstanceTrack, track: Track, at: Instant
    ) -> None:
        for each in conditions:
            if each.subject == track.subject:
                value = value_in(each.expression, instance.variables, at)
                known = track.true_since if value is True else track.false_since
                known[each.goal] = min(known.get(each.goal, at), at)

    def _weigh(self, index: Index, instance: InstanceTrack, track: Track, at: Instant) -> bool:
        """Look at the conditions over variables again; tell whether one stands anew."""
        changed = False
        for each in index.conditions:
            if each.subject != track.subject or not (
                each.expression.variables <= instance.variables.keys()
            ):
                continue
            if each.is_due:
                due = instant_in(each.expression, instance.variables, at)
                if due is not None and track.due.get(each.goal) != due:
                    track.due[each.goal] = due
                    changed = True
            elif (
                value_in(each.expression, instance.variables, at) is False
                and track.false_since.get(each.goal, at + 1) > at
            ):
                track.false_since[each.goal] = at
                changed = True
        return changed

    # -- marks and experience -----------------------------------------------------------------

    def _mark(self, event: HistoryEvent, track: Track) -> None:
        """Note where the subject is; forecasts made before do not hold any more."""
        node = event.node
        if event.kind is EventKind.STARTED:
            mark = f">{node}"
            if event.key not in track.closed:
                track.open[event.key] = (mark, event.at)
        else:
            mark = node
            self._close(event, track)
            if event.kind is EventKind.CANCELLED:
                return
        if track.marks.get(mark, -1) <= event.at:
            track.marks[mark] = event.at
        if event.at >= track.marks.get(track.latest, 0):
            track.latest = mark
        for name, found in track.expects.items():
            if any(each.passing and each.made_at < event.at for each in found):
                track.expects[name] = [each for each in found if not each.passing]

    def _close(self, event: HistoryEvent, track: Track) -> None:
        if event.key:
            track.open.pop(event.key, None)
            track.closed[event.key] = None
            if len(track.closed) > CLOSED_MAX:
                del track.closed[next(iter(track.closed))]

    def _experience(self, track: Track, name: str, at: Instant) -> None:
        if name not in self.book.awaited.get(track.subject, ()):
            return
        known = self.memory.samples.setdefault(name, {})
        for mark, since in track.marks.items():
            if since < at:
                samples = known.get(mark)
                if samples is None:
                    samples = known[mark] = Samples()
                samples.add(at - since)

    def _bury(self, instance: int) -> None:
        """Forget instances that have ended, the oldest first, beyond those that may be late."""
        ended = self.memory.ended
        ended.append(instance)
        if len(ended) > ENDED_MAX:
            for each in ended[: ENDED_MAX // 10]:
                self.memory.instances.pop(each, None)
            del ended[: ENDED_MAX // 10]


def _identity(event: HistoryEvent) -> str:
    return f"{event.seq}/{event.instance}/{event.key}/{event.node}"
