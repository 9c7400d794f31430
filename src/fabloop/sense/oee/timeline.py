"""The time of one work unit, whatever the order in which its events come.

Sums of each shift are carried along. An event changes what is true between it and the next one of
its kind; what was counted there is taken off and counted anew. All of it is integers, so any order
of the same events gives the same sums to the last nanosecond.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from heapq import merge
from typing import Final

from fabloop.base.instant import Instant
from fabloop.sense.oee.activity import ACTIVITIES, Activity, StateMapping
from fabloop.sense.oee.events import (
    Event,
    OrderTold,
    PartsCounted,
    PlannedDowntime,
    ReasonBooked,
    StateTold,
)
from fabloop.sense.oee.periods import Period, Periods
from fabloop.sense.oee.steps import Spans, Steps
from fabloop.sense.oee.totals import Quantities, Totals

_NUMBER: Final = {activity: number for number, activity in enumerate(ACTIVITIES)}
_COUNT: Final = len(ACTIVITIES)
_NO_ORDER: Final = 2 * _COUNT
_FAILURES: Final = 2 * _COUNT + 1
_WIDTH: Final = 2 * _COUNT + 2
_IDLE: Final = frozenset({Activity.WAITING, Activity.STOPPED})

Sums = list[int]
"""Planned time by activity, time beyond by activity, time without an order, failures."""

Rates = Mapping[str, int]
"""Planned run time per item (PRI) by product, nanoseconds; under "" that of all others."""


class Timeline:
    """Events of one unit and the sums of its shifts.

    Parameters
    ----------
    periods : the unit's shifts
    mapping : from the words of the machine to activities
    """

    def __init__(self, periods: Periods, mapping: StateMapping) -> None:
        self.periods = periods
        self.mapping = mapping
        self._states: Steps[StateTold | None] = Steps(None)
        self._orders: Steps[OrderTold | None] = Steps(None)
        self._reasons: Spans[str] = Spans("")
        self._downtimes: Spans[str] = Spans("")
        self._planned_down: Spans[bool] = Spans(False)  # noqa: FBT003  # the value of no downtime
        self._parts: list[tuple[Instant, str, PartsCounted]] = []
        self._sums: dict[Period, Sums] = {}
        self._counts: dict[Period, dict[str, list[int]]] = {}
        self._began: Instant | None = None
        self._reached: Instant | None = None

    @property
    def reached(self) -> Instant | None:
        """The latest instant of which an event told; None before the first."""
        return self._reached

    # -- taking events ------------------------------------------------------------------------

    def take(self, event: Event) -> tuple[Instant, Instant]:
        """Enter an event; return the span of time whose figures it may have changed."""
        start = event.at if self._reached is None else min(event.at, self._reached)
        self._reach(event.at)
        assert self._reached is not None, "just reached"
        end = event.at
        match event:
            case StateTold():
                end = min(self._states.next_after(event.at) or self._reached, self._reached)
                before = self._spent(event.at, end)
                self._states.enter(event.at, event.id, event)
                self._exchange(before, self._spent(event.at, end))
            case OrderTold():
                end = min(self._orders.next_after(event.at) or self._reached, self._reached)
                before = self._spent(event.at, end)
                self._orders.enter(event.at, event.id, event)
                self._exchange(before, self._spent(event.at, end))
            case ReasonBooked():
                end = min(event.end, self._reached)
                before = self._spent(event.at, end)
                self._reasons.enter(event.at, event.end, event.id, event.reason)
                self._exchange(before, self._spent(event.at, end))
            case PlannedDowntime():
                end = min(event.end, self._reached)
                before = self._spent(event.at, end)
                self._planned_down.enter(event.at, event.end, event.id, value=True)
                self._downtimes.enter(event.at, event.end, event.id, event.reason)
                self._exchange(before, self._spent(event.at, end))
            case PartsCounted():
                insort(self._parts, (event.at, event.id, event), key=lambda entry: entry[:2])
                self._count(self._counts.setdefault(self.periods.at(event.at), {}), event)
        return start, end

    def _reach(self, at: Instant) -> None:
        """Count what lasted up to an instant later than all known ones, or from an earlier one."""
        if self._reached is None or self._began is None:
            self._began = self._reached = at
        elif at > self._reached:
            start, self._reached = self._reached, at
            self._exchange({}, self._spent(start, at, first=False))
        elif at < self._began:
            end, self._began = self._began, at
            self._exchange({}, self._spent(at, end, last=False))

    def _exchange(self, before: dict[Period, Sums], after: dict[Period, Sums]) -> None:
        for period, sums in after.items():
            total = self._sums.setdefault(period, [0] * _WIDTH)
            for number, value in enumerate(sums):
                total[number] += value
        for period, sums in before.items():
            total = self._sums.setdefault(period, [0] * _WIDTH)
            for number, value in enumerate(sums):
                total[number] -= value

    @staticmethod
    def _count(products: dict[str, list[int]], event: PartsCounted) -> None:
        counted = products.setdefault(event.product, [0, 0, 0])
        counted[0] += event.good
        counted[1] += event.scrap
        counted[2] += event.rework

    # -- what is true -------------------------------------------------------------------------

    def activity_at(self, instant: Instant) -> Activity:
        """Return what the unit does from an instant on."""
        return self._activity(
            self._states.at(instant), self._reasons.at(instant), self._planned_down.at(instant)
        )

    def _activity_before(self, instant: Instant) -> Activity:
        return self._activity(
            self._states.before(instant),
            self._reasons.before(instant),
            self._planned_down.before(instant),
        )

    def _activity(self, told: StateTold | None, booked: str, down: bool) -> Activity:
        if down:
            return Activity.PLANNED
        if told is None:
            return self.mapping.reasons.get(booked, Activity.UNKNOWN)
        return self.mapping.activity(told.state, told.mode, booked or told.reason)

    def reason_at(self, instant: Instant) -> str:
        """Return why the unit does what it does: the reason booked, or the words of the machine."""
        if self._planned_down.at(instant):
            return self._downtimes.at(instant)
        told = self._states.at(instant)
        booked = self._reasons.at(instant)
        return booked or ((told.reason or told.state) if told else "")

    def order_at(self, instant: Instant) -> OrderTold | None:
        """Return the order that the unit works for; None: orders are not told of it yet."""
        return self._orders.at(instant)

    def order_changes(self, start: Instant, end: Instant) -> Iterator[Instant]:
        """Yield the instants between two others at which another order begins."""
        return self._orders.changes(start, end)

    def pieces(self, start: Instant, end: Instant) -> Iterator[tuple[Instant, Instant, Activity]]:
        """Yield the spans between two instants in which one activity lasts, in order."""
        edges = merge(
            self._states.changes(start, end),
            self._reasons.changes(start, end),
            self._planned_down.changes(start, end),
            self._orders.changes(start, end),
        )
        since = start
        for edge in edges:
            if edge > since:
                yield since, edge, self.activity_at(since)
                since = edge
        if end > since:
            yield since, end, self.activity_at(since)

    def parts(self, start: Instant, end: Instant) -> Iterator[PartsCounted]:
        """Yield what was counted from `start` on and before `end`, in order of time."""
        low = bisect_left(self._parts, (start, ""), key=lambda entry: entry[:2])
        for at, _, event in self._parts[low:]:
            if at >= end:
                return
            yield event

    def _spent(
        self, start: Instant, end: Instant, *, first: bool = True, last: bool = True
    ) -> dict[Period, Sums]:
        """Return sums over a span; `first`, `last`: with failures that begin just at its ends."""
        found: dict[Period, Sums] = {}
        for since, until, activity in self.pieces(start, end):
            self._spread(found, since, until, activity)
        edges = {start} if first else set[Instant]()
        if last:
            edges.add(end)
        for layer in (self._states, self._reasons, self._planned_down):
            edges.update(layer.changes(start, end))
        for edge in edges:
            fails = self.activity_at(edge) is Activity.FAILED
            if fails and self._activity_before(edge) is not Activity.FAILED:
                sums = found.setdefault(self.periods.at(edge), [0] * _WIDTH)
                sums[_FAILURES] += 1
        return found

    def _spread(
        self, found: dict[Period, Sums], since: Instant, until: Instant, activity: Activity
    ) -> None:
        """Add one activity to the periods in which it lasts."""
        number = _NUMBER[activity]
        order = self._orders.at(since)
        idle = order is not None and not order.order and activity in _IDLE
        for period in self.periods.between(since, until):
            sums = found.setdefault(period, [0] * _WIDTH)
            begun, done = max(since, period.start), min(until, period.end)
            planned = sum(
                min(done, stop) - max(begun, go)
                for go, stop in period.planned
                if go < done and stop > begun
            )
            sums[number] += planned
            sums[_COUNT + number] += done - begun - planned
            if idle:
                sums[_NO_ORDER] += planned

    # -- sums ---------------------------------------------------------------------------------

    def shift_totals(self, period: Period, as_of: Instant, rates: Rates) -> Totals:
        """Return the sums of a period up to an instant: those carried along, and what goes on now.

        An instant within what is known already is counted from the events instead.
        """
        began, reached, stop = self._began, self._reached, min(as_of, period.end)
        whole = stop == period.end
        if (
            began is None
            or reached is None
            or period.start < began
            or (stop <= reached and not whole)
        ):
            return self.totals(period.start, stop, rates)
        sums = list(self._sums.get(period, [0] * _WIDTH))
        start = max(reached, period.start)
        if stop > start:
            first = start > reached
            part = self._spent(start, stop, first=first, last=False).get(period)
            sums = [a + b for a, b in zip(sums, part, strict=True)] if part else sums
        return _totals(sums, self._counts.get(period, {}), rates)

    def totals(self, start: Instant, end: Instant, rates: Rates) -> Totals:
        """Return the sums of any span, counted from the events; what is to come is as it is now."""
        if end <= start:
            return Totals()
        sums, counts = [0] * _WIDTH, dict[str, list[int]]()
        for part in self._spent(start, end, last=False).values():
            sums = [a + b for a, b in zip(sums, part, strict=True)]
        for event in self.parts(start, end):
            self._count(counts, event)
        return _totals(sums, counts, rates)

    def forget_before(self, instant: Instant) -> None:
        """Drop events and sums before an instant; what held then goes on to hold."""
        for layer in (self._states, self._orders):
            layer.forget_before(instant)
        for spans in (self._reasons, self._downtimes, self._planned_down):
            spans.forget_before(instant)
        low = bisect_left(self._parts, (instant, ""), key=lambda entry: entry[:2])
        del self._parts[:low]
        for table in (self._sums, self._counts):
            for period in [each for each in table if each.end <= instant]:
                del table[period]


def _totals(sums: Sums, counts: Mapping[str, list[int]], rates: Rates) -> Totals:
    ideal = good = rateless = 0
    for product, counted in counts.items():
        rate = rates.get(product, rates.get(""))
        if rate is None:
            rateless += sum(counted)
        else:
            ideal += rate * sum(counted)
            good += rate * counted[0]
    return Totals(
        lasted_ns=sum(sums[: 2 * _COUNT]),
        planned={a: sums[n] for n, a in enumerate(ACTIVITIES) if sums[n]},
        beyond={a: sums[_COUNT + n] for n, a in enumerate(ACTIVITIES) if sums[_COUNT + n]},
        no_order_ns=sums[_NO_ORDER],
        failures=sums[_FAILURES],
        parts={name: Quantities(*counted) for name, counted in sorted(counts.items())},
        ideal_ns=ideal,
        ideal_good_ns=good,
        rateless=rateless,
    )
