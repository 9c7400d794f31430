"""Place open jobs of an order on a floor where others are placed already.

First the tree decides: its recursion runs over the calendars, so that each choice is as early as
the gaps of its work unit allow, only jobs of the same order are not yet in each other's way. That
settles the site of each job. Then the jobs are placed by the longest remaining way to the end,
each on the work unit of its site that lets the order finish first.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from heapq import heapify, heappop, heappush

import msgspec
import numpy as np

from fabloop.plan.floors.floor import Booking, Work
from fabloop.plan.statement.layout import Bools, Floats, message
from fabloop.plan.timetable.keeping import Calendar
from fabloop.plan.tree import best_maker, optimum


class Taste(msgspec.Struct, frozen=True, eq=False):
    """How to place.

    Attributes
    ----------
    limit : a finish beyond which no placing is of interest
    noise : by which share of a job's time its earliness may be misjudged, for variety
    roll : where the noise comes from
    allowed : for some jobs, which choices may be made
    haul : ticks of delay for which a tick of a vehicle is spared
    """

    roll: np.random.Generator
    limit: float = np.inf
    noise: float = 0.0
    allowed: dict[int, Bools] = {}
    haul: float = 0.0


class Effort:
    """Counts candidates that were looked at: deterministic, and about proportional to time."""

    def __init__(self) -> None:
        self.looks = 0


def place(work: Work, jobs: AbstractSet[int], taste: Taste, effort: Effort) -> bool:
    """Place the jobs, which are open together with all their takers; tell whether it succeeded.

    Where it did not, some of them may be placed.
    """
    rows = sorted(jobs)
    best = _earliest(work, rows, jobs, taste, effort)
    root = work.size - 1
    if not np.isfinite(best[root].min(initial=np.inf)):
        return False
    choice = {root: int(best[root].argmin())}
    for job in reversed(rows):
        for made in work.tables.inputs[job]:
            if made in jobs:
                choice[made] = best_maker(work.tables, best[made], made, job, choice[job])
    masks = {job: _masked(work, job, choice[job], taste) for job in rows}
    return _dispatch(work, rows, masks, _Remaining(work, rows, masks), taste, effort)


def _masked(work: Work, job: int, pick: int, taste: Taste) -> Bools:
    """Return the choices at the same site, as far as they are allowed."""
    here: Bools = work.site[job] == work.site[job][pick]
    allowed = taste.allowed.get(job)
    return here if allowed is None else here & allowed


def _earliest(
    work: Work, rows: list[int], jobs: AbstractSet[int], taste: Taste, effort: Effort
) -> dict[int, Floats]:
    """Return, per open job and choice, the earliest end that calendars of others allow."""
    tables = work.tables
    best: dict[int, Floats] = {}
    for job in rows:
        arrival = _settled_inputs(work, job, jobs, effort)
        for made in tables.inputs[job]:
            if made in jobs:
                start, end = tables.spots[made], tables.spots[job]
                arrival = np.maximum(arrival, message(best[made], start, end, tables.moves))
        hopeful = arrival + tables.nodes[job] + work.tails[job] <= taste.limit
        if job in taste.allowed:
            hopeful &= taste.allowed[job]
        hopeful &= np.isfinite(arrival)
        row = np.full(len(arrival), np.inf)
        lines, ticks, kept = work.lines[job], work.ticks[job], work.keeper is not None
        picks = np.flatnonzero(hopeful).tolist()
        effort.looks += len(picks)
        for pick in picks:
            ready = int(arrival[pick])
            begin = work.first(job, pick, ready) if kept else lines[pick].first(ready, ticks[pick])
            row[pick] = begin + ticks[pick]
        if taste.noise:
            row = row + tables.nodes[job] * taste.roll.random(len(row)) * taste.noise
        best[job] = row
    return best


def _settled_inputs(work: Work, job: int, jobs: AbstractSet[int], effort: Effort) -> Floats:
    """Return when inputs that are not to be placed anew arrive at each choice."""
    arrival = work.tables.ready[job]
    for made in work.tables.inputs[job]:
        if made in jobs:
            continue
        booking = work.at(made)
        start, spot = work.places[made][booking.pick], work.spots[made][booking.pick]
        row = np.full(len(arrival), np.inf)
        effort.looks += len(row)
        for pick, place in enumerate(work.places[job]):
            way = work.floor.way(start, place, (spot, work.spots[job][pick]))
            if way is not None:
                row[pick] = booking.end + way.ticks
        arrival = np.maximum(arrival, row)
    return arrival


class _Remaining:
    """Ticks from each choice of the masks to the end of the product, at least."""

    def __init__(self, work: Work, rows: list[int], masks: dict[int, Bools]) -> None:
        tables = work.tables
        back = tables.moves.reversed()
        self.after: dict[int, Floats] = {work.size - 1: np.where(masks[work.size - 1], 0.0, np.inf)}
        for job in reversed(rows):
            through = self.after[job] + tables.nodes[job]
            for made in tables.inputs[job]:
                if made in masks:
                    start, end = tables.spots[job], tables.spots[made]
                    after = message(through, start, end, back)
                    self.after[made] = np.where(masks[made], after, np.inf)
        self.least = {
            job: float((self.after[job] + tables.nodes[job]).min(initial=np.inf)) for job in rows
        }


def _dispatch(
    work: Work,
    rows: list[int],
    masks: dict[int, Bools],
    remaining: _Remaining,
    taste: Taste,
    effort: Effort,
) -> bool:
    """Place the jobs one after the other, inputs first, the longest remaining way first."""
    urgency = remaining.least
    if taste.noise:
        urgency = {
            job: value * (1 + 0.3 * taste.noise * taste.roll.random())
            for job, value in urgency.items()
        }
    waits = {job: sum(made in masks for made in work.tables.inputs[job]) for job in rows}
    queue = [(-urgency[job], job) for job in rows if waits[job] == 0]
    heapify(queue)
    while queue:
        _, job = heappop(queue)
        pick = _quickest(work, job, masks[job], remaining.after[job], taste, effort)
        if pick is None:
            return False
        book(work, job, pick)
        taker = work.taker[job]
        if taker >= 0:
            waits[taker] -= 1
            if waits[taker] == 0:
                heappush(queue, (-urgency[taker], taker))
    return True


def _quickest(
    work: Work, job: int, mask: Bools, after: Floats, taste: Taste, effort: Effort
) -> int | None:
    """Return the choice by which the order finishes first as far as that can be seen."""
    best: tuple[float, int, int] | None = None
    picks = np.flatnonzero(mask & np.isfinite(after)).tolist()
    effort.looks += len(picks)
    lines, kept = work.lines[job], work.keeper is not None
    for pick in picks:
        inputs = work.ways(job, pick)
        if inputs is None:
            continue
        ready = max((way.arrival(tick) for tick, way in inputs), default=0)
        ticks = work.ticks[job][pick]
        start = work.first(job, pick, ready) if kept else lines[pick].first(ready, ticks)
        end = start + ticks
        value = end + float(after[pick])
        if taste.haul:
            value += taste.haul * sum(way.hauled for _, way in inputs)
        if taste.noise:
            value += taste.noise * ticks * float(taste.roll.random())
        if best is None or (value, end, pick) < best:
            best = value, end, pick
    return None if best is None else best[2]


def book(work: Work, job: int, pick: int) -> None:
    """Book the vehicles and the work unit, each into its first gap."""
    inputs = work.ways(job, pick)
    assert inputs is not None, "chosen only where each input has a way"
    spans: list[tuple[Calendar, int, int]] = []
    moved, ready, ways = [], 0, []
    for tick, every in inputs:
        way = every.carried(tick)
        ways.append(way)
        starts, at = [], tick
        for line, ticks in way.held:
            if line is not None:
                at = line.first(at, ticks)
                line.book(at, ticks)
                spans.append((line, at, ticks))
            starts.append(at)
            at += ticks
        moved.append(tuple(starts))
        ready = max(ready, at)
    unit, ticks = work.lines[job][pick], work.ticks[job][pick]
    fit = None
    if work.keeper is None:
        start = unit.first(ready, ticks)
        unit.book(start, ticks)
        spans.append((unit, start, ticks))
    else:
        fit = work.fit(job, pick, ready)
        work.keeper.book(unit, work.need(job, pick), fit, ticks)
        start = fit.start
    work.booked[job] = Booking(
        pick, start, start + ticks, tuple(ways), tuple(moved), tuple(spans), fit
    )


def place_again(work: Work, choice: Sequence[int], starts: Sequence[int]) -> None:
    """Place all jobs as chosen, in the order of these starts; each takes its first gap."""
    for job in sorted(range(work.size), key=lambda each: (starts[each], each)):
        book(work, job, choice[job])


def place_at_sites(
    work: Work,
    masks: dict[int, Bools],
    later: Sequence[Floats],
    taste: Taste,
    effort: Effort,
) -> bool:
    """Place a whole order, of which nothing is placed, by choices of the masks.

    `later` is, per job and choice, what else counts as if it were time on the way to the end.
    """
    rows = list(range(work.size))
    remaining = _Remaining(work, rows, masks)
    for job, more in enumerate(later):
        remaining.after[job] = remaining.after[job] + more
    return _dispatch(work, rows, masks, remaining, taste, effort)


def place_all(work: Work, taste: Taste, effort: Effort) -> bool:
    """Place a whole order that nothing of is placed; tell whether it has a plan.

    Where the sites that the tree settles on leave work units that cannot all reach each other,
    its very choice is placed.
    """
    jobs = set(range(work.size))
    if place(work, jobs, taste, effort):
        return True
    for job in jobs:
        work.release(job)
    found = optimum(work.tables, taste.allowed)
    if found is None:
        return False
    only = {job: np.arange(len(work.ticks[job])) == pick for job, pick in enumerate(found.choice)}
    return place(work, jobs, Taste(roll=taste.roll, allowed=only), effort)
