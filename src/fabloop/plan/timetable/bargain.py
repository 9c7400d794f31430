"""Shift steps of a timetable to when they take less, as far as the finish allows."""

from collections.abc import Iterator, Sequence

from fabloop.plan.statement.charges import Charges
from fabloop.plan.statement.problem import ABSENT, Problem
from fabloop.plan.statement.sources import First
from fabloop.plan.timetable.schedule import Timetable, list_schedule, routing_of_table
from fabloop.plan.timetable.sequence import families_before

PLACINGS_MAX = 40_000
"""Jobs that are placed while better times are sought; about a CPU second."""

STARTS_MAX = 24
"""Starts of one step that are tried, those that take least first."""

ROUNDS_MAX = 8
"""Passes over all steps; each one only goes on where the one before found something."""

TURNS_AHEAD = 14 * 86_400
"""Ticks ahead within which a step waits for a lower charge."""

Worth = tuple[float, float, float]
"""Money, CO2 and energy that something takes."""


def charged(
    problem: Problem, table: Timetable, job: int, before: str | None, start: int | None = None
) -> Worth:
    """Return what a job takes after a set-up family, as placed or from another tick on."""
    charges = problem.charges
    assert charges is not None, "asked only where times matter"
    each, candidate = problem.jobs[job], problem.jobs[job].candidates[table.choice[job]]
    ticks = table.end(problem, job) - table.starts[job]
    begin = table.starts[job] if start is None else start
    found = charges.of(each.operation, candidate, begin, begin + ticks, before)
    return float(found.cost), found.co2, found.energy


def all_charged(problem: Problem, table: Timetable) -> tuple[Worth | None, ...]:
    """Return what each job takes as placed; None is for those that are not carried out."""
    before = families_before(problem, table)
    return tuple(
        None if pick == ABSENT else charged(problem, table, job, before[job])
        for job, pick in enumerate(table.choice)
    )


def surcharge(problem: Problem, table: Timetable) -> tuple[int, float, float]:
    """Return by how much money, CO2 and energy exceed what the choices take at least."""
    if problem.charges is None:
        return 0, 0.0, 0.0
    cost, co2, energy = 0, 0.0, 0.0
    for job, found in enumerate(all_charged(problem, table)):
        if found is not None:
            takes = problem.jobs[job].candidates[table.choice[job]].takes
            cost, co2 = cost + round(found[0]) - takes.cost, co2 + found[1] - takes.co2
            energy += found[2] - takes.energy
    return cost, co2, energy


def kept_charged(problem: Problem, table: Timetable) -> Timetable:
    """Return the timetable as it will be written, where its times decide what it takes."""
    if problem.charges is None:
        return table
    return bargained(problem, table)


def bargained(problem: Problem, table: Timetable) -> Timetable:
    """Return the timetable with steps put off to when they take less, the last ones first.

    Ways and choices stay, nothing starts earlier, and the product is made by `Charges.until` or
    no later than before. A step whose wait moves no other one is placed as well as it can be.
    """
    charges = problem.charges
    if charges is None or charges.until is None or not problem.jobs:
        return table
    return _Bargain(problem, charges, table).run()


class _Bargain:
    """The timetable as it stands, what it takes, and how many jobs may still be placed."""

    def __init__(self, problem: Problem, charges: Charges, table: Timetable) -> None:
        self._problem = problem
        self._charges = charges
        self._table = table
        self._until = max(charges.until or 0, table.finish(problem))
        self._left = PLACINGS_MAX
        self._known: dict[tuple[int, int, str | None], Worth] = {}
        self._before: tuple[str | None, ...] = ()
        self._worth = self._total(table)

    def run(self) -> Timetable:
        """Return the timetable when no step gains by a wait, or the effort is spent."""
        for _ in range(ROUNDS_MAX):
            order = sorted(range(len(self._table.starts)), key=lambda job: -self._table.starts[job])
            self._before = families_before(self._problem, self._table)
            shifted = [self._shifted(job) for job in order]
            if not any(shifted):
                break
        return self._table

    def _total(self, table: Timetable) -> Worth:
        before = families_before(self._problem, table)
        found = [
            self._charged(job, table.starts[job], before[job])
            for job, pick in enumerate(table.choice)
            if pick != ABSENT
        ]
        return (
            sum(each[0] for each in found),
            sum(each[1] for each in found),
            sum(each[2] for each in found),
        )

    def _charged(self, job: int, start: int, before: str | None) -> Worth:
        key = job, start, before
        if key not in self._known:
            self._known[key] = charged(self._problem, self._table, job, before, start)
        return self._known[key]

    def _shifted(self, job: int) -> bool:
        """Put one step off to the best start that leaves the finish in time."""
        if self._table.choice[job] == ABSENT:
            return False
        for start in self._starts(job):
            if self._left <= 0:
                return False
            self._left -= len(self._problem.jobs)
            earliest = [*self._table.starts]
            earliest[job] = start
            moved = list_schedule(self._problem, routing_of_table(self._table), earliest)
            if moved.finish(self._problem) > self._until:
                continue
            worth = self._total(moved)
            if self._better(worth, self._worth):
                self._table, self._worth = moved, worth
                self._before = families_before(self._problem, moved)
                return True
        return False

    def _better(self, one: Worth, other: Worth) -> bool:
        near = 1e-9 * max(1.0, abs(other[1]))
        if self._charges.strict and (one[0] > other[0] or one[1] > other[1] + near):
            return False
        if self._charges.first is First.ENERGY and abs(one[2] - other[2]) > 1e-9 * other[2]:
            return one[2] < other[2]
        if self._charges.first is First.CO2:
            return one[1] < other[1] - near or (one[1] <= other[1] + near and one[0] < other[0])
        return one[0] < other[0] or (one[0] == other[0] and one[1] < other[1] - near)

    def _starts(self, job: int) -> Sequence[int]:
        """Return later starts at which the step itself takes less, the best ones first."""
        begin = self._table.starts[job]
        before = self._before[job]
        now = self._charged(job, begin, before)
        found: list[tuple[float, float, int]] = []
        for start in {each for each in self._turning(job) if begin < each <= self._latest(job)}:
            worth = self._charged(job, start, before)
            if self._better(worth, now):
                by_co2 = self._charges.first is First.CO2
                first, second = worth[1::-1] if by_co2 else worth[:2]
                found.append((first, second, start))
        return [start for _, _, start in sorted(found)[:STARTS_MAX]]

    def _latest(self, job: int) -> int:
        """Return the last start by which what follows the step can still be in time."""
        after, rest = job, 0
        while after != len(self._problem.jobs) - 1:
            taker = self._taker(after)
            assert taker is not None, "all steps lead to the last one"
            after, way = taker
            rest += way + self._ticks(after)
        return self._until - rest - self._ticks(job)

    def _ticks(self, job: int) -> int:
        return self._table.end(self._problem, job) - self._table.starts[job]

    def _taker(self, job: int) -> tuple[int, int] | None:
        """Return who takes a job's output, and the ticks of the way there."""
        made_by = self._problem.jobs[job].operation.id
        for number, transfers in enumerate(self._table.transfers):
            for each in transfers:
                if each.made_by == made_by and self._table.choice[number] != ABSENT:
                    return number, sum(leg.hop.takes.ticks for leg in each.legs)
        return None

    def _turning(self, job: int) -> Iterator[int]:
        """Yield the starts between which what the step takes only rises or only falls."""
        problem, ticks, begin = self._problem, self._ticks(job), self._table.starts[job]
        candidate = problem.jobs[job].candidates[self._table.choice[job]]
        latest = min(self._latest(job), begin + TURNS_AHEAD)
        for edge in self._charges.turns(candidate, begin, latest + ticks):
            yield edge
            yield edge - ticks
        yield from self._charges.arrivals(problem.jobs[job].operation, candidate)
        for start, end in problem.busy.get(candidate.unit.id, ()):
            yield start - ticks
            yield end
        yield latest
        taker = self._taker(job)
        if taker is not None:
            yield self._table.starts[taker[0]] - taker[1] - ticks
