"""The best plan for a sum where hours decide what steps take, and what is proven of it."""

from collections.abc import Iterator

import msgspec

from fabloop.plan.engine import (
    TREE,
    Bound,
    Timed,
    cheapest,
    head_and_tail,
    least,
    only_chosen,
    timed,
)
from fabloop.plan.statement.opening import AFTER_ALL
from fabloop.plan.statement.problem import MEASURE, Objective, Problem
from fabloop.plan.statement.roads import TICK
from fabloop.plan.terms.blend import Blend, Case, blend_of, case_of, table_sums
from fabloop.plan.terms.objectives import aim_of
from fabloop.plan.timetable.alternatives import has_alternatives
from fabloop.plan.timetable.bargain import bargained
from fabloop.plan.timetable.schedule import (
    Timetable,
    list_schedule,
    routing_of_table,
    uncontended_finish,
)
from fabloop.plan.timetable.sequence import is_in_sequence
from fabloop.plan.tradeoffs.constrained import EXACT
from fabloop.plan.tradeoffs.contended import Known, contended
from fabloop.plan.tradeoffs.hours import Hours, hours_of
from fabloop.plan.tradeoffs.request import best_sequence
from fabloop.plan.tree import tables_of

HOURS = "dynamic programming over hours"
"""The engine of bounds that know when steps start."""

EFFORT = 2.0
"""Deterministic seconds for sequences of set-ups beside hours."""

AGAIN_MAX = 3
"""Times that starts are sought for less time because steps come too late."""

WHEN_DUE = "plans that are ready when due"
NO_LATER = "plans that are ready no later"


def best_sum(problem: Problem, lead: Objective) -> tuple[Timed, Bound | None] | None:
    """Return the best timetable for an objective that adds up, and what is proven beyond the tree.

    None where there is no plan.
    """
    routing = cheapest(problem, lead)
    if routing is None:
        return None
    found, proof = timed(problem, routing), None
    if is_in_sequence(problem) and not _is_by_hours(problem):
        found, proof = best_sequence(problem, lead, found)
    return best_in_hours(problem, lead, found, proof)


def _is_by_hours(problem: Problem) -> bool:
    """Tell whether sequences are sought in the time up to the due date, not in all time."""
    charges = problem.charges
    if charges is None or charges.until is None or has_alternatives(problem):
        return False
    return charges.has_hours or problem.read < AFTER_ALL // TICK


def best_in_hours(
    problem: Problem, lead: Objective, found: Timed, known: Bound | None
) -> tuple[Timed, Bound | None]:
    """Return a timetable improved in its objective by choices for the hours, and a bound.

    The bound holds for all plans that are ready when due, or no later than this one where that is
    late; `known` holds for all plans, and comes back where nothing better is proven. A problem that
    is too large for hours has its set-ups put in sequence wherever in time.
    """
    charges = problem.charges
    if charges is None or charges.until is None or lead is Objective.MAKESPAN:
        return found, known
    mine = problem.waiting(until_due=lead is not Objective.ENERGY, lead=lead)
    if found.table.last(mine) > mine.read:
        return found, known
    search = _Search(mine, lead, found, charges.until)
    whole = least(problem, lead) if known is None else max(known.value, least(problem, lead))
    if search.meets(whole):
        return search.timed(), known
    hours = None if search.limit > mine.read else hours_of(mine, MEASURE[lead], search.limit)
    if hours is None:
        if known is None and is_in_sequence(problem):
            return best_sequence(problem, lead, found)
        return search.timed(), known
    bound = search.run(hours)
    if bound.value <= whole:
        return search.timed(), known
    return search.timed(), bound


class _Search:
    """The best timetable so far, and by when the product has to be ready."""

    def __init__(self, problem: Problem, lead: Objective, found: Timed, until: int) -> None:
        self._problem = problem
        self._lead = lead
        self._case: Case = case_of(problem)
        self._goal: Blend = self._case.plain(blend_of(aim_of(lead).ranks[0]))
        self._found = found
        self.table = bargained(problem, found.table)
        self.value = self._value(self.table)
        self.limit = max(until, self.table.finish(problem))
        self._scope = _scope(problem, WHEN_DUE if self.limit == until else NO_LATER)

    def run(self, hours: Hours) -> Bound:
        """Look for better choices and starts; return what is proven of all plans in time."""
        problem = self._problem
        for table in self._tables(problem, hours):
            self._take(table)
        bound = hours.bound()
        if self.meets(bound) or not is_in_sequence(problem) or has_alternatives(problem):
            return self._bound(bound, HOURS)
        times = head_and_tail(tables_of(problem, MEASURE[Objective.MAKESPAN], adds=False), problem)
        known = Known(self.table, self.value, bound)
        floor = hours.floor(*times, self._placed)
        last = contended(self._case, self._goal, (), known, EFFORT, floor=floor)
        if last.table is not None and last.value < self.value:
            self.table, self.value = last.table, last.value
        return self._bound(last.bound, last.engine if last.bound > bound else HOURS)

    def _bound(self, value: float, engine: str) -> Bound:
        return Bound(value, engine, self._scope, self.limit)

    def _tables(self, problem: Problem, hours: Hours) -> Iterator[Timetable]:
        """Yield timetables of the starts that take least, as far as steps leave room.

        Where all of them are late, as much less time is asked for.
        """
        by = self.limit
        for _ in range(AGAIN_MAX):
            late = []
            for wanted in hours.wanted(by):
                table = list_schedule(problem, wanted.routing, wanted.starts)
                late.append(table.finish(problem) - self.limit)
                if table.last(problem) <= problem.read:
                    yield bargained(problem, table)
            if min(late, default=0) <= 0:
                return
            by -= min(late)

    def _placed(self, table: Timetable) -> Timetable:
        """Return a timetable with the same choices and ways where its steps take least."""
        routing = routing_of_table(table)
        found, alone = bargained(self._problem, table), only_chosen(self._problem, routing)
        hours = hours_of(alone, MEASURE[self._lead], self.limit)
        for each in self._tables(alone, hours) if hours is not None else ():
            other = msgspec.structs.replace(each, choice=table.choice)
            in_time = other.finish(self._problem) <= self.limit
            if in_time and self._value(other) < self._value(found):
                found = other
        return found

    def _value(self, table: Timetable) -> float:
        return table_sums(self._case, table).of(self._goal, 0)

    def meets(self, bound: float) -> bool:
        """Tell whether nothing is better."""
        return self.value <= bound + EXACT * abs(bound)

    def _take(self, table: Timetable | None) -> None:
        """Keep a timetable where it is better and in time."""
        if table is None or table.finish(self._problem) > self.limit:
            return
        value = self._value(table)
        if value < self.value * (1.0 - EXACT):
            self.table, self.value = table, value

    def timed(self) -> Timed:
        """Return the best timetable; a new one is bounded by its own ways."""
        if self.table.choice == self._found.table.choice:
            return Timed(self.table, self._found.bound, self._found.engine)
        routing = routing_of_table(self.table)
        return Timed(self.table, uncontended_finish(self._problem, routing), TREE)


def _scope(problem: Problem, plans: str) -> str:
    materials = None if problem.charges is None else problem.charges.materials
    if materials is None:
        return plans
    shared = materials.claimed or any(
        need.before for needs in materials.needs.values() for need in needs
    )
    return f"{plans} and share out stock in this order" if shared else plans
