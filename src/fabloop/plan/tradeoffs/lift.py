"""How to solve a request again under other wishes."""

from collections.abc import Callable, Mapping

import msgspec

from fabloop.base.instant import Instant
from fabloop.plan.statement.problem import Problem
from fabloop.plan.terms.objectives import Aim, Measure
from fabloop.plan.terms.wishes import Wishes
from fabloop.plan.timetable.schedule import Timetable
from fabloop.plan.tradeoffs.gates import Standing

MEASURES = {
    "cost_max_minor": Measure.COST,
    "energy_max_j": Measure.ENERGY,
    "co2_max_kg": Measure.CO2,
    "deadline": Measure.MAKESPAN,
    "sites_max": Measure.SITES,
}
"""What the wishes limit that are limits."""


class Best(msgspec.Struct, frozen=True):
    """A best plan: its problem, its choices and times, and what it comes to.

    `bound` is what no plan is better than for the first sum of its aim; None where it is met.
    """

    problem: Problem
    table: Timetable
    sums: Mapping[Measure, float]
    bound: float | None = None


class Lift(msgspec.Struct, frozen=True):
    """How to solve the request again under other wishes.

    Attributes
    ----------
    standing : what is known about there being a plan
    best : the best plan for an aim; None where none was found
    narrowed : the problem with those alone that the wishes let take part
    origin : the instant from which the makespan counts
    """

    standing: Callable[[Wishes], Standing]
    best: Callable[[Wishes, Aim], Best | None]
    narrowed: Callable[[Wishes], Problem]
    currency: str
    origin: Instant

    def least(self, wishes: Wishes, aim: Aim) -> Mapping[Measure, float] | None:
        """Return the figures of the best plan for an aim; None where none was found."""
        found = self.best(wishes, aim)
        return None if found is None else found.sums
