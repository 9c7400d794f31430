"""The desk of alarms: of all that is wrong, what a person is told, once, until it is dealt with.

States and terms: ISA-18.2 / IEC 62682; figures for floods: EEMUA 191.
"""

import heapq
import math
from collections import deque
from collections.abc import Iterable
from typing import assert_never

import msgspec

from fabloop.base.errors import NotFound
from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.sense.condition import alarm_words
from fabloop.sense.condition.alarm_facts import (
    SHELF_MAX,
    Acknowledged,
    AlarmCleared,
    AlarmEscalated,
    AlarmHidden,
    AlarmRaised,
    AlarmRule,
    Declined,
    FloodBegan,
    FloodEnded,
    FromDesk,
    Hiding,
    Measured,
    Priority,
    Reset,
    ShelfExpired,
    Shelved,
    Side,
    StateEntered,
    TimePassed,
    ToDesk,
    Unshelved,
    checked_rules,
)

HOLD_NS = 1 * MINUTE
"""An alarm that was raised is not raised again before, however often its signal comes and goes."""
FLOOD_SPAN = 10 * MINUTE
FLOOD_BEGINS = 10
"""More alarms raised in `FLOOD_SPAN` are a flood ..."""
FLOOD_ENDS = 5
"""... until fewer than these are."""
STALE_AFTER = 24 * HOUR
"""An alarm that has been on for so long says nothing any more: the rule is to be looked at."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that is on, or was and nobody has acknowledged it.

    Attributes
    ----------
    on : False if its cause is gone
    hidden : why it is not told by itself
    repeats : how often it came back without being raised again
    members : alarms on the desk that are its consequences
    """

    alarm: str
    priority: Priority
    on: bool
    since: Instant
    acknowledged_by: str
    hidden: Hiding | None
    repeats: int
    members: tuple[str, ...]


class Tally(msgspec.Struct, kw_only=True):
    """What became of all that was told to the desk; of what came on, not all was raised."""

    came_on: int = 0
    raised: int = 0
    declined: int = 0
    floods: int = 0
    late: int = 0
    unknown: int = 0


class _Record(msgspec.Struct):
    """Where one alarm is."""

    rule: AlarmRule
    over: bool = False
    turned_at: Instant = Instant(0)
    on: bool = False
    on_since: Instant = Instant(0)
    latched: bool = False
    told: bool = False
    told_at: Instant | None = None
    hidden: Hiding | None = None
    acknowledged_by: str = ""
    unanswered: bool = False
    escalated: int = 0
    shelf: Shelved | None = None
    value: float = math.nan
    value_at: Instant | None = None
    booked: Instant | None = None
    repeats: int = 0


class AlarmDesk:
    """Follows all alarms of one desk; the same inputs always give the same alarms.

    Inputs of one signal that are older than its last one are counted as late; any other input
    counts from the desk's own instant on, which never goes back.
    """

    def __init__(self, rules: Iterable[AlarmRule]) -> None:
        self._records = {key: _Record(rule) for key, rule in checked_rules(rules).items()}
        self._members: dict[str, list[str]] = {}
        self._machine: dict[str, list[str]] = {}
        for key, record in self._records.items():
            self._machine.setdefault(record.rule.subject, []).append(key)
            if record.rule.root is not None:
                self._members.setdefault(record.rule.root, []).append(key)
        self._states: dict[str, str] = {}
        self._due: list[tuple[Instant, str]] = []
        self._entries: set[tuple[Instant, str]] = set()
        self._recent: deque[Instant] = deque()
        self._flood: int | None = None
        self.tally = Tally()
        self.now = Instant(-(2**63))

    def take(self, told: ToDesk) -> tuple[FromDesk, ...]:
        """Return what follows, in order: first what was due before.

        Raises
        ------
        NotFound
            There is no such alarm; the desk is as it was.
        """
        if not isinstance(told, TimePassed | StateEntered):
            self._record(told.alarm)
        at = max(told.at, self.now)
        out = self._until(at)
        match told:
            case TimePassed():
                pass
            case StateEntered():
                if (
                    told.subject in self._machine
                ):  # machines without alarms are none of its business
                    self._states[told.subject] = told.state
                for key in self._machine.get(told.subject, ()):
                    self._settle(key, out)
            case Measured():
                self._measured(told, out)
            case Acknowledged():
                self._acknowledged(told, out)
            case Shelved() | Unshelved():
                self._shelf(told, out)
            case Reset():
                self._reset(told, out)
            case _:
                assert_never(told)
        return tuple(out)

    def next_due(self) -> Instant | None:
        """Return when something may follow from time alone; `take` it as `TimePassed` then."""
        flood = self._recent[0] + FLOOD_SPAN if self._flood is not None and self._recent else None
        dues = [*(each for each, _ in self._due[:1]), *(() if flood is None else (flood,))]
        return Instant(min(dues)) if dues else None

    def standing(self) -> tuple[Standing, ...]:
        """Return every alarm that is on or not yet acknowledged, the most urgent first."""
        found = [
            self._standing(each) for each in self._records.values() if each.on or each.unanswered
        ]
        return tuple(sorted(found, key=lambda each: (each.priority.rank, each.since, each.alarm)))

    def stale(self) -> tuple[str, ...]:
        """Return the alarms that have been on for longer than `STALE_AFTER`."""
        return tuple(
            key
            for key, each in self._records.items()
            if each.on and self.now - each.on_since > STALE_AFTER
        )

    def _standing(self, record: _Record) -> Standing:
        members = self._active_members(record.rule.id)
        ranks = (record.rule, *(self._records[each].rule for each in members))
        return Standing(
            alarm=record.rule.id,
            priority=min((each.priority for each in ranks), key=lambda each: each.rank),
            on=record.on,
            since=record.on_since,
            acknowledged_by=record.acknowledged_by,
            hidden=record.hidden if record.on else None,
            repeats=record.repeats,
            members=members,
        )

    def _active_members(self, root: str) -> tuple[str, ...]:
        return tuple(each for each in self._members.get(root, ()) if self._records[each].on)

    def _until(self, at: Instant) -> list[FromDesk]:
        """Let time pass: do what is due, each at its own instant."""
        out: list[FromDesk] = []
        while (due := self.next_due()) is not None and due <= at:
            self.now = max(self.now, due)
            self._ebb(out)
            while self._due and self._due[0][0] <= due:
                entry = heapq.heappop(self._due)
                self._entries.remove(entry)
                record = self._records[entry[1]]
                if record.booked == entry[0]:
                    record.booked = None
                    self._settle(entry[1], out)
        self.now = at
        return out

    def _measured(self, told: Measured, out: list[FromDesk]) -> None:
        record = self._record(told.alarm)
        if record.value_at is not None and told.at < record.value_at:
            self.tally.late += 1
            return
        if not math.isfinite(told.value):
            self.tally.unknown += 1
            return
        record.value, record.value_at = told.value, told.at
        sign = 1.0 if record.rule.side is Side.ABOVE else -1.0
        bound = record.rule.release if record.over else record.rule.limit
        over = sign * told.value > sign * bound
        if over is not record.over:
            record.over, record.turned_at = over, self.now
            self._settle(told.alarm, out)

    def _acknowledged(self, told: Acknowledged, out: list[FromDesk]) -> None:
        record = self._record(told.alarm)
        if record.unanswered:
            record.unanswered, record.acknowledged_by = False, told.by
        else:
            self._decline(record, "it does not wait for an answer", out)

    def _shelf(self, told: Shelved | Unshelved, out: list[FromDesk]) -> None:
        record = self._record(told.alarm)
        if isinstance(told, Shelved):
            if not self.now < told.until <= self.now + SHELF_MAX:
                why = f"an alarm is shelved for at most {SHELF_MAX // HOUR} h from now"
                return self._decline(record, why, out)
            if not told.reason.strip():
                return self._decline(record, "an alarm is shelved for a reason only", out)
        record.shelf = told if isinstance(told, Shelved) else None
        return self._settle(told.alarm, out)

    def _reset(self, told: Reset, out: list[FromDesk]) -> None:
        record = self._record(told.alarm)
        if record.over or record.unanswered or not record.latched:
            why = "it is not latched and acknowledged, with its cause gone"
            return self._decline(record, why, out)
        record.latched = False
        return self._settle(told.alarm, out)

    def _decline(self, record: _Record, why: str, out: list[FromDesk]) -> None:
        self.tally.declined += 1
        because = alarm_words.declined(record.rule, why)
        out.append(Declined(alarm=record.rule.id, at=self.now, because=because))

    def _record(self, alarm: str) -> _Record:
        found = self._records.get(alarm)
        if found is None:
            raise NotFound(
                f"Expected an alarm of this desk, but found {alarm!r}. Add a rule for it."
            )
        return found

    def _settle(self, key: str, out: list[FromDesk]) -> None:
        """Bring one alarm to where it has to be now, and those that depend on it."""
        record = self._records[key]
        before = record.told
        self._expire(record, out)
        self._turn(record)
        self._tell(record, out)
        self._escalate(record, out)
        self._book(record)
        if record.told is not before:
            for member in self._members.get(key, ()):
                self._settle(member, out)

    def _book(self, record: _Record) -> None:
        """See to it that the alarm is settled again when it may change by time alone."""
        due = self._next(record)
        if due is None or (record.booked is not None and record.booked <= due):
            return
        record.booked = due
        entry = (due, record.rule.id)
        if entry not in self._entries:
            self._entries.add(entry)
            heapq.heappush(self._due, entry)

    def _expire(self, record: _Record, out: list[FromDesk]) -> None:
        if record.shelf is not None and record.shelf.until <= self.now:
            because = alarm_words.off_the_shelf(record.rule, record.shelf)
            out.append(ShelfExpired(alarm=record.rule.id, at=self.now, because=because))
            record.shelf = None

    def _turn(self, record: _Record) -> None:
        """Switch the alarm on or off once its signal has stayed so for the delay."""
        if record.over is record.on or self.now < self._turns(record):
            return
        if record.over:
            record.on, record.on_since, record.latched = True, self.now, record.rule.latching
            record.repeats += 1
            self.tally.came_on += 1
        elif not record.latched:
            record.on = False

    def _turns(self, record: _Record) -> Instant:
        delay = record.rule.on_delay_ns if record.over else record.rule.off_delay_ns
        return Instant(record.turned_at + delay)

    def _hiding(self, record: _Record) -> Hiding | None:
        rule = record.rule
        if record.shelf is not None:
            return Hiding.SHELVED
        if self._states.get(rule.subject) in rule.suppressed_in:
            return Hiding.SUPPRESSED
        if rule.root is not None and self._records[rule.root].told:
            return Hiding.GROUPED
        return None

    def _tell(self, record: _Record, out: list[FromDesk]) -> None:
        hiding = self._hiding(record)
        if not record.on:
            if record.told:
                self._clear(record, out)
            record.hidden = None
        elif hiding is not None:
            record.told = False
            if record.hidden is not hiding:
                record.hidden = hiding
                because = alarm_words.hidden(record.rule, hiding, record.shelf)
                hid = AlarmHidden(alarm=record.rule.id, why=hiding, at=self.now, because=because)
                out.append(hid)
        else:
            record.hidden = None
            if not record.told and self.now >= self._told_again(record):
                self._raise(record, out)

    def _told_again(self, record: _Record) -> Instant:
        return self.now if record.told_at is None else Instant(record.told_at + HOLD_NS)

    def _raise(self, record: _Record, out: list[FromDesk]) -> None:
        record.told, record.told_at = True, self.now
        record.unanswered, record.acknowledged_by, record.escalated = True, "", 0
        self.tally.raised += 1
        members = self._active_members(record.rule.id)
        repeats = max(0, record.repeats - 1)
        because = alarm_words.raised(record.rule, record.value, self.now, members, repeats)
        out.append(
            AlarmRaised(
                alarm=record.rule.id,
                priority=self._standing(record).priority,
                role=record.rule.role,
                members=members,
                at=self.now,
                because=because,
            )
        )
        record.repeats = 0
        self._recent.append(self.now)
        self._swell(out)

    def _clear(self, record: _Record, out: list[FromDesk]) -> None:
        record.told = False
        because = alarm_words.cleared(record.rule, record.value, self.now)
        out.append(
            AlarmCleared(
                alarm=record.rule.id,
                acknowledged=not record.unanswered,
                at=self.now,
                because=because,
            )
        )

    def _escalate(self, record: _Record, out: list[FromDesk]) -> None:
        steps = record.rule.escalations
        while (due := self._escalates(record)) is not None and due <= self.now:
            role = steps[record.escalated].role
            because = alarm_words.escalated(record.rule, role, self.now - (record.told_at or 0))
            out.append(
                AlarmEscalated(alarm=record.rule.id, role=role, at=self.now, because=because)
            )
            record.escalated += 1

    def _escalates(self, record: _Record) -> Instant | None:
        steps = record.rule.escalations
        if not (record.told and record.unanswered and record.escalated < len(steps)):
            return None
        assert record.told_at is not None, "told alarms have an instant"
        return Instant(record.told_at + steps[record.escalated].after_ns)

    def _next(self, record: _Record) -> Instant | None:
        """Return when the alarm may change by time alone."""
        dues = [self._escalates(record)]
        if record.over is not record.on and not (record.latched and not record.over):
            dues.append(self._turns(record))
        if record.shelf is not None:
            dues.append(record.shelf.until)
        if record.on and not record.told and record.hidden is None:
            dues.append(self._told_again(record))
        ahead = [each for each in dues if each is not None and each > self.now]
        return min(ahead, default=None)

    def _swell(self, out: list[FromDesk]) -> None:
        while self._recent and self._recent[0] <= self.now - FLOOD_SPAN:
            self._recent.popleft()
        if self._flood is not None:
            self._flood += 1
        elif len(self._recent) > FLOOD_BEGINS:
            self._flood = len(self._recent)
            self.tally.floods += 1
            because = alarm_words.flood(self._flood, FLOOD_BEGINS, FLOOD_SPAN, self.now)
            out.append(FloodBegan(raised=self._flood, at=self.now, because=because))

    def _ebb(self, out: list[FromDesk]) -> None:
        while self._recent and self._recent[0] <= self.now - FLOOD_SPAN:
            self._recent.popleft()
        if self._flood is not None and len(self._recent) < FLOOD_ENDS:
            because = alarm_words.flood_over(self._flood, FLOOD_ENDS, FLOOD_SPAN, self.now)
            out.append(FloodEnded(raised=self._flood, at=self.now, because=because))
            self._flood = None
