"""Why an order cannot be done by its due instant: which busy or closed work units stand in the way.

The tree tells the earliest finish if no two steps of the order ever waited for each other: each
step begins in the first gap of its work unit that it fits, and to arrive earlier is never worse,
so this is exact. What it rules out is ruled out; it finds nothing where only the order's own steps
contend with each other.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from fabloop.base.instant import DAY, Instant
from fabloop.model.calendar import CALENDAR_DAYS_MAX, open_spans
from fabloop.model.explanation import Explanation, ReasonCode
from fabloop.model.ids import WorkUnitId
from fabloop.model.site import Network
from fabloop.plan.reasons.conflicts import CONFLICTS_MAX
from fabloop.plan.reasons.minimal import all_conflicts, bits_of, smallest
from fabloop.plan.statement.candidates import Columns
from fabloop.plan.statement.layout import Floats, message
from fabloop.plan.statement.problem import MEASURE, Job, Objective, Problem
from fabloop.plan.statement.roads import TICK
from fabloop.plan.tree import tables_of

Spans: TypeAlias = tuple[tuple[int, int], ...]


class Late(msgspec.Struct, frozen=True):
    """Minimal conflicts with the due instant; none where the tree does not rule it out.

    `earliest` is the earliest finish with everything as it is, contention among the order's own
    steps left out; inf where nothing can be made. `complete` tells whether there are no others.
    """

    conflicts: tuple[tuple[Explanation, ...], ...]
    earliest: float
    complete: bool = True


def why_late(problem: Problem, due: Instant, network: Network) -> Late:
    """Return which engagements and closed times, each set minimal, keep the order from its due."""
    limit = (due - problem.origin) // TICK
    view = _View(problem, limit, network)
    earliest = view.finish(view.all)
    if not earliest > limit or not np.isfinite(earliest):
        return Late((), earliest)
    late = _too_late(problem, earliest - limit)
    best = view.finish(0)
    if best > limit:
        return Late(((_too_late(problem, best - limit),),), earliest)

    def conflict_without(dropped: int) -> int:
        order = [bit for bit in bits_of(view.all) if not bit & dropped]
        return smallest(order, lambda mask: view.finish(mask) <= limit)

    found = all_conflicts(conflict_without, conflicts_max=CONFLICTS_MAX)
    told = tuple((late, *(view.explained(bit) for bit in bits_of(mask))) for mask in found.found)
    return Late(told, earliest, found.complete)


def _too_late(problem: Problem, ticks: float) -> Explanation:
    operation = problem.jobs[-1].operation
    details = {"label": operation.label, "late": f"{round(ticks * TICK / 1e9)}"}
    return Explanation(code=ReasonCode.TOO_LATE, subject=operation.id, details=details)


class _View:
    """The earliest finish where some of the busy and closed times are in the way."""

    def __init__(self, problem: Problem, limit: int, network: Network) -> None:
        self._tables = tables_of(problem, MEASURE[Objective.MAKESPAN], adds=False)
        self._units = [_units_of(job) for job in problem.jobs]
        asked = dict.fromkeys(unit for row in self._units for unit in row)
        closed = dict(each for each in _closed(problem, limit, network) if each[0] in asked)
        self._atoms: list[tuple[ReasonCode, WorkUnitId, Spans]] = [
            (ReasonCode.UNIT_BUSY, unit, spans)
            for unit in asked
            if (spans := _before(_but(problem.busy.get(unit, ()), closed.get(unit, ())), limit))
        ]
        self._atoms += [(ReasonCode.UNIT_CLOSED, unit, spans) for unit, spans in closed.items()]
        self.all = (1 << len(self._atoms)) - 1
        self._of_unit: dict[WorkUnitId, int] = {}
        for index, (_, unit, _) in enumerate(self._atoms):
            self._of_unit[unit] = self._of_unit.get(unit, 0) | 1 << index
        self._blocked = [
            [(place, unit) for place, unit in enumerate(row) if unit in self._of_unit]
            for row in self._units
        ]
        self._known: dict[tuple[WorkUnitId, int], Spans] = {}

    def explained(self, bit: int) -> Explanation:
        """Return what stands in the way by an atom."""
        code, unit, spans = self._atoms[bit.bit_length() - 1]
        seconds = round(sum(end - start for start, end in spans) * TICK / 1e9)
        return Explanation(code=code, subject=unit, details={"seconds": f"{seconds}"})

    def finish(self, atoms: int) -> float:
        """Return the earliest finish with the busy and closed times among `atoms`."""
        tables = self._tables
        ends: list[Floats] = []
        for job, takes in enumerate(tables.nodes):
            arrival = tables.ready[job]
            for makers in tables.feeds(job):
                got = np.full(len(takes), np.inf)
                for maker in makers:
                    sent = message(
                        ends[maker], tables.spots[maker], tables.spots[job], tables.moves
                    )
                    got = np.minimum(got, sent)
                arrival = np.maximum(arrival, got)
            end = arrival + takes
            for place, unit in self._blocked[job]:
                spans = self._spans(unit, atoms)
                if spans and np.isfinite(arrival[place]):
                    end[place] = _first_gap(spans, arrival[place], takes[place]) + takes[place]
            ends.append(end)
        return float(ends[-1].min(initial=np.inf)) if ends else 0.0

    def _spans(self, unit: WorkUnitId, atoms: int) -> Spans:
        own = self._of_unit[unit] & atoms
        if (unit, own) not in self._known:
            rows = (self._atoms[bit.bit_length() - 1][2] for bit in bits_of(own))
            self._known[unit, own] = tuple(sorted(span for row in rows for span in row))
        return self._known[unit, own]


def _first_gap(spans: Spans, ready: float, ticks: float) -> float:
    start = ready
    for begin, end in spans:
        if start + ticks <= begin:
            break
        start = max(start, float(end))
    return start


def _but(spans: Sequence[tuple[int, int]], closed: Spans) -> Iterator[tuple[int, int]]:
    """Yield what is left of the spans, in which closed time counts as taken, without that."""
    for start, end in spans:
        begin = start
        for shut, opens in closed:
            if shut < end and opens > begin:
                yield begin, shut
                begin = opens
        yield begin, end


def _before(spans: Iterable[tuple[int, int]], limit: int) -> Spans:
    return tuple(sorted((start, end) for start, end in spans if start < limit and end > start))


def _units_of(job: Job) -> list[WorkUnitId]:
    rows = job.candidates
    if isinstance(rows, Columns):
        return [rows.plant.units[int(number)].id for number in rows.units]
    return [each.unit.id for each in rows]


def _closed(problem: Problem, limit: int, network: Network) -> Iterator[tuple[WorkUnitId, Spans]]:
    """Yield when work units with a calendar are closed, up to the due instant."""
    start = problem.origin
    end = Instant(min(start + limit * TICK, start + (CALENDAR_DAYS_MAX - 1) * DAY))
    for site in network.sites.values():
        for unit in site.work_units:
            if unit.calendar is None or end <= start:
                continue
            closed, since = [], start
            for opens, closes in open_spans(unit.calendar, site.time_zone, start, end):
                if opens > since:
                    closed.append((_ticks(since - start), -(-(opens - start) // TICK)))
                since = closes
            if since < end:
                closed.append((_ticks(since - start), limit))
            if closed:
                yield unit.id, tuple(closed)


def _ticks(span: int) -> int:
    return span // TICK
