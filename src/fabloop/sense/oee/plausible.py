"""A machine that says one thing and does another: its states against its counters and its power.

What is found is told with its evidence; figures are never corrected by it.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from fabloop.base.instant import MINUTE, SECOND, Instant, iso_of, span_text
from fabloop.model.ids import WorkUnitId
from fabloop.sense.oee.activity import Activity
from fabloop.sense.oee.energy import held_power
from fabloop.sense.oee.events import PartsCounted
from fabloop.sense.oee.timeline import Rates, Timeline
from fabloop.sense.readings.batch import Batch

TOLD_MAX = 10_000
"""Contradictions that are remembered as told; the oldest are forgotten first."""

_STILL = frozenset({Activity.STOPPED, Activity.WAITING, Activity.FAILED, Activity.PLANNED})


class Doubt(StrEnum):
    """How what a machine tells contradicts itself."""

    PRODUCES_NOTHING = "produces-nothing"
    """It says that it produces, and counts no part."""
    COUNTS_WHILE_STILL = "counts-while-still"
    """It counts parts, and says that it stands still."""
    DRAWS_NOTHING = "draws-nothing"
    """It says that it produces, and draws no power worth the name."""
    DRAWS_WHILE_STILL = "draws-while-still"
    """It says that it stands still, and draws the power of one that works."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """When words and deeds of a machine are too far apart.

    Attributes
    ----------
    cycles : a part is missed after so many planned run times of one
    least_ns : what is shorter is no contradiction: states, counters and meters are told apart
    grace_ns : how long after it stopped, or before it starts, a machine may still count
    idle_w : it cannot work with less power; None: power tells nothing of that
    working_w : it cannot stand still with more; None: power tells nothing of that
    """

    cycles: float = 10.0
    least_ns: int = 2 * MINUTE
    grace_ns: int = 10 * SECOND
    idle_w: float | None = None
    working_w: float | None = None


class Contradiction(msgspec.Struct, frozen=True, kw_only=True):
    """A span of time in which words and deeds of a unit exclude each other.

    Attributes
    ----------
    parts : counted within
    mean_w : power drawn within; None: not looked at
    evidence : as a sentence, with what to look after
    """

    work_unit: WorkUnitId
    doubt: Doubt
    start: Instant
    end: Instant
    parts: int = 0
    mean_w: float | None = None
    evidence: str


def contradictions(
    work_unit: WorkUnitId,
    timeline: Timeline,
    rates: Rates,
    start: Instant,
    end: Instant,
    *,
    power: Batch | None = None,
    bounds: Bounds = Bounds(),  # noqa: B008  # frozen
) -> tuple[Contradiction, ...]:
    """Return where states disagree with counters and power over a span, by time.

    Missing parts are looked for only where the unit ever counted any and the planned run time is
    known; unknown states, and power of which nothing is known, contradict nothing.

    Parameters
    ----------
    power : readings of one series in watts
    """
    found: list[Contradiction] = []
    counting = next(timeline.parts(Instant(0), end), None) is not None
    for since, until, activity in _stretches(timeline, start, end):
        span = (work_unit, timeline, since, until)
        if activity is Activity.PRODUCING:
            found += _missing(*span, rates, bounds) if counting else ()
            if power is not None and bounds.idle_w is not None:
                found += _drawn(*span, power, bounds, Doubt.DRAWS_NOTHING, bounds.idle_w)
        elif activity in _STILL:
            found += _uncalled_for(*span, bounds)
            if power is not None and bounds.working_w is not None:
                found += _drawn(*span, power, bounds, Doubt.DRAWS_WHILE_STILL, bounds.working_w)
    return tuple(sorted(found, key=lambda each: (each.start, each.doubt)))


class Doubts:
    """Tells each contradiction once, and counts them.

    One that lasts is the same as long as it begins at the same instant.
    """

    def __init__(self) -> None:
        self._told: dict[tuple[WorkUnitId, Doubt, Instant], None] = {}
        self.counts: Counter[tuple[WorkUnitId, Doubt]] = Counter()

    def new(self, found: Iterable[Contradiction]) -> tuple[Contradiction, ...]:
        """Return those that were not told yet."""
        fresh = []
        for each in found:
            key = (each.work_unit, each.doubt, each.start)
            if key in self._told:
                continue
            self._told[key] = None
            if len(self._told) > TOLD_MAX:
                del self._told[next(iter(self._told))]
            self.counts[each.work_unit, each.doubt] += 1
            fresh.append(each)
        return tuple(fresh)


def looked_through(timeline: Timeline, start: Instant, end: Instant) -> Instant:
    """Return from when on to look next time, after `contradictions` up to an instant.

    What lies before cannot become another contradiction, unless an event comes that is older: the
    last stretch goes on, and while it produces its last part begins the next span without one.
    Before the first part nobody knows whether parts are counted at all.
    """
    last = None
    if next(timeline.parts(Instant(0), end), None) is None:
        return start
    for last in _stretches(timeline, start, end):  # noqa: B007  # the last one counts
        pass
    if last is None:
        return start
    since, until, activity = last
    if activity is not Activity.PRODUCING:
        return since
    return max((each.at for each in timeline.parts(since, until) if _count(each)), default=since)


def _stretches(
    timeline: Timeline, start: Instant, end: Instant
) -> Iterator[tuple[Instant, Instant, Activity]]:
    """Yield spans of one kind: producing, or still, or anything else; orders do not cut them."""
    last: tuple[Instant, Instant, Activity] | None = None
    for since, until, activity in timeline.pieces(start, end):
        if last is not None and _alike(last[2], activity):
            last = (last[0], until, last[2])
            continue
        if last is not None:
            yield last
        last = (since, until, activity)
    if last is not None:
        yield last


def _alike(one: Activity, two: Activity) -> bool:
    return one is two or (one in _STILL and two in _STILL)


def _missing(
    unit: WorkUnitId,
    timeline: Timeline,
    since: Instant,
    until: Instant,
    rates: Rates,
    bounds: Bounds,
) -> Iterator[Contradiction]:
    """Yield the spans of producing time without a part that are too long to be one cycle."""
    edges = [since, *(each.at for each in timeline.parts(since, until) if _count(each)), until]
    for begun, done in itertools.pairwise(edges):
        order = timeline.order_at(begun)
        rate = rates.get(order.product if order else "", rates.get(""))
        if rate is None:
            continue
        longest = max(bounds.least_ns, round(bounds.cycles * rate))
        if done - begun > longest:
            yield Contradiction(
                work_unit=unit, doubt=Doubt.PRODUCES_NOTHING, start=begun, end=done,
                evidence=f"Expected a part of '{unit}' within {span_text(longest)}, since it "
                f"says '{timeline.reason_at(begun)}', but found none {_when(begun, done)}. "
                "Check its counter, and how its state is made.",
            )  # fmt: skip


def _uncalled_for(
    unit: WorkUnitId, timeline: Timeline, since: Instant, until: Instant, bounds: Bounds
) -> Iterator[Contradiction]:
    """Yield the parts that were counted well within a span in which the unit stood still."""
    begun, done = Instant(since + bounds.grace_ns), Instant(until - bounds.grace_ns)
    told = [each for each in timeline.parts(begun, done) if _count(each)]
    if told:
        count = sum(map(_count, told))
        first, last = told[0].at, told[-1].at
        yield Contradiction(
            work_unit=unit, doubt=Doubt.COUNTS_WHILE_STILL, start=first, end=last, parts=count,
            evidence=f"Expected no part of '{unit}', since it says '{timeline.reason_at(first)}', "
            f"but found {count} {_when(first, last)}. Check its counter, and how its state is "
            "made.",
        )  # fmt: skip


def _drawn(
    unit: WorkUnitId,
    timeline: Timeline,
    since: Instant,
    until: Instant,
    power: Batch,
    bounds: Bounds,
    doubt: Doubt,
    limit_w: float,
) -> Iterator[Contradiction]:
    """Yield the spans in which the power is on the wrong side of its limit for long."""
    for begun, done, mean in _runs(power, since, until, doubt, limit_w):
        if done - begun > bounds.least_ns:
            side = "at least" if doubt is Doubt.DRAWS_NOTHING else "at most"
            yield Contradiction(
                work_unit=unit, doubt=doubt, start=begun, end=done, mean_w=mean,
                evidence=f"Expected {side} {limit_w:g} W at '{unit}', since it says "
                f"'{timeline.reason_at(begun)}', but found {mean:.4g} W {_when(begun, done)}. "
                "Check its meter, and how its state is made.",
            )  # fmt: skip


def _runs(
    power: Batch, since: Instant, until: Instant, doubt: Doubt, limit_w: float
) -> Iterator[tuple[Instant, Instant, float]]:
    """Yield spans, without gaps, of power beyond a limit, with their mean."""
    begun = done = since
    energy = 0.0
    for start, end, watts in held_power(power, since, until):
        beyond = watts is not None and (
            watts < limit_w if doubt is Doubt.DRAWS_NOTHING else watts > limit_w
        )
        if watts is not None and beyond:
            energy += watts * (end - start)
            done = end
            continue
        if done > begun:
            yield begun, done, energy / (done - begun)
        begun = done = end
        energy = 0.0
    if done > begun:
        yield begun, done, energy / (done - begun)


def _count(told: PartsCounted) -> int:
    return told.good + told.scrap + told.rework


def _when(start: Instant, end: Instant) -> str:
    return f"from {iso_of(start)} to {iso_of(end)}"
