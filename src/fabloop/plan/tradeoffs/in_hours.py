"""The best plan for a sum where hours decide what steps take, and what is proven of it."""

from fabloop.plan.engine import TREE, Bound, Timed, least
from fabloop.plan.statement.problem import MEASURE, Objective, Problem
from fabloop.plan.terms.blend import Blend, Case, blend_of, case_of, table_sums
from fabloop.plan.terms.objectives import aim_of
from fabloop.plan.timetable.bargain import bargained
from fabloop.plan.timetable.schedule import (
    Timetable,
    list_schedule,
    routing_of_table,
    uncontended_finish,
)
from fabloop.plan.tradeoffs.constrained import EXACT
from fabloop.plan.tradeoffs.hours import Wanted, hours_of

HOURS = "dynamic programming over hours"
"""The engine of bounds that know when steps start."""

WHEN_DUE = "plans that are ready when due"
NO_LATER = "plans that are ready no later"


def best_in_hours(
    problem: Problem, lead: Objective, found: Timed, known: Bound | None
) -> tuple[Timed, Bound | None]:
    """Return a timetable improved in its objective by choices for the hours, and a bound.

    The bound holds for all plans that are ready when due, or no later than this one where that is
    late; `known` holds for all plans, and comes back where nothing better is proven.
    """
    charges = problem.charges
    if charges is None or charges.until is None or lead is Objective.MAKESPAN:
        return found, known
    mine = problem.waiting(until_due=lead is not Objective.ENERGY, lead=lead)
    if found.table.last(mine) > mine.read:
        return found, known
    search = _Search(mine, lead, found)
    whole = least(problem, lead) if known is None else max(known.value, least(problem, lead))
    if search.meets(whole) or max(charges.until, search.limit) > mine.read:
        return search.timed(), known
    hours = hours_of(mine, MEASURE[lead], search.limit)
    if hours is None:
        return search.timed(), known
    wanted = hours.wanted()
    if wanted is not None:
        search.take(wanted)
    bound = hours.bound()
    if bound <= whole:
        return search.timed(), known
    return search.timed(), Bound(bound, HOURS, _scope(mine, search.limit), search.limit)


class _Search:
    """The best timetable so far, and by when the product has to be ready."""

    def __init__(self, problem: Problem, lead: Objective, found: Timed) -> None:
        self._problem = problem
        self._case: Case = case_of(problem)
        self._goal: Blend = self._case.plain(blend_of(aim_of(lead).ranks[0]))
        self._found = found
        self.table = bargained(problem, found.table)
        self.value = self._value(self.table)
        until = 0 if problem.charges is None else problem.charges.until or 0
        self.limit = max(until, self.table.finish(problem))

    def _value(self, table: Timetable) -> float:
        return table_sums(self._case, table).of(self._goal, 0)

    def meets(self, bound: float) -> bool:
        """Tell whether nothing is better."""
        return self.value <= bound + EXACT * abs(bound)

    def take(self, wanted: Wanted) -> None:
        """Place what is wanted, and keep that where it is better."""
        table = list_schedule(self._problem, wanted.routing, wanted.starts)
        if table.last(self._problem) > self._problem.read:
            return
        table = bargained(self._problem, table)
        value = self._value(table)
        if table.finish(self._problem) <= self.limit and value < self.value * (1.0 - EXACT):
            self.table, self.value = table, value

    def timed(self) -> Timed:
        """Return the best timetable; a new one is bounded by its own ways."""
        if self.table.choice == self._found.table.choice:
            return Timed(self.table, self._found.bound, self._found.engine)
        routing = routing_of_table(self.table)
        return Timed(self.table, uncontended_finish(self._problem, routing), TREE)


def _scope(problem: Problem, limit: int) -> str:
    charges = problem.charges
    assert charges is not None, "asked only where times matter"
    plans = WHEN_DUE if limit == charges.until else NO_LATER
    materials = charges.materials
    if materials is None:
        return plans
    shared = materials.claimed or any(
        need.before for needs in materials.needs.values() for need in needs
    )
    return f"{plans} and share out stock in this order" if shared else plans
