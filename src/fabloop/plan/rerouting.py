"""Orders with alternatives: routings other than those best for each alone, where that helps all."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import msgspec

from fabloop.model.ids import OperationId, OrderId
from fabloop.plan.floors.orders_search import OrdersObjective
from fabloop.plan.statement.problem import MEASURE, Objective, Problem
from fabloop.plan.timetable.alternatives import has_alternatives, narrowed, routings_by_value
from fabloop.plan.together import Asked, Together, settled
from fabloop.plan.tree import tables_of

REROUTINGS_MAX = 12
"""Times that all orders are planned again with another routing of one of them."""

OPTIONS_PER_ORDER = 3
"""Other routings of one order that are tried, the most promising ones."""

FIRST_SHARE = 0.6
"""Share of the effort that the routings best for each alone are given, where there are others."""

Cost = Callable[[Together], float]


class Rerouted(msgspec.Struct, frozen=True, kw_only=True):
    """An order that takes an option of an alternative which would not be the best for it alone."""

    order: OrderId
    alternative: str
    option: str
    instead_of: str


def first_share(asked: Sequence[Asked]) -> float:
    """Return which share of the effort goes to the routings that are best for each alone."""
    return FIRST_SHARE if any(has_alternatives(each.open) for each in asked) else 1.0


def rerouted(together: Together, cost: Cost) -> Together:
    """Return the orders with other routings where all of them together gain by that.

    One pass: the orders that are late or end last come first, each tries other routings beside
    what the others have then. `cost` tells what plans cost at their times.
    """
    numbers = _by_need(together)
    if not numbers or _is_best(together):
        return together
    tries = [(number, option) for number in numbers for option in _options(together, number)]
    tries = tries[:REROUTINGS_MAX]
    share = (1.0 - FIRST_SHARE) / max(1, len(tries))
    best, worth = together, _worth(together, cost)
    for number, option in tries:
        if _is_best(best):
            break
        asked = list(best.asked)
        asked[number] = msgspec.structs.replace(asked[number], problem=option)
        other = Together(asked, best.objective, best.effort, None)
        other.run(share, bounding=False)
        if not other.is_read:  # that way there is no plan within the calendars: this one stays
            continue
        value = _worth(other, cost)
        if value < worth:
            other.takes_over(best)
            best, worth = other, value
    return best


def _is_best(together: Together) -> bool:
    return together.optimality().proven and not together.costs_by_time


def _worth(together: Together, cost: Cost) -> tuple[float, ...]:
    score = together.search.score()
    return (cost(together), *score) if together.objective is OrdersObjective.COST else score


def _by_need(together: Together) -> list[int]:
    """Return the orders with other routings; those that hold up the others come first."""

    def need(number: int) -> tuple[float, int]:
        placed = together.placed[number]
        late = together.objective is OrdersObjective.TARDINESS
        return -float(placed.late if late else placed.work.finish), number

    found = (n for n, each in enumerate(together.asked) if has_alternatives(each.open))
    return sorted(found, key=need)


def _options(together: Together, number: int) -> Iterator[Problem]:
    """Yield what other routings leave of an order's problem, the least value alone first."""
    asked = together.asked[number]
    adds = together.objective is OrdersObjective.COST
    measure = MEASURE[Objective.COST if adds else Objective.MAKESPAN]
    taken = _operations(asked.problem)
    found = routings_by_value(asked.open, tables_of(asked.open, measure, adds=adds))
    parts = (narrowed(asked.open, choice).problem for _, choice in found)
    others = (each for each in parts if _operations(each) != taken)
    yield from islice(others, OPTIONS_PER_ORDER)


def _operations(problem: Problem) -> frozenset[OperationId]:
    return frozenset(job.operation.id for job in problem.jobs)


def told_of(asked: Sequence[Asked], objective: OrdersObjective) -> Iterator[Rerouted]:
    """Yield which options orders take in place of those that are best for them alone."""
    for each in asked:
        if not has_alternatives(each.open):
            continue
        alone, now = _operations(settled(each.open, objective)), _operations(each.problem)
        for alternative in each.order.product.alternatives:
            names = [
                next((o.id for o in alternative.options if kept & frozenset(o.operations)), "")
                for kept in (alone, now)
            ]
            if names[0] != names[1]:
                yield Rerouted(
                    order=each.order.id,
                    alternative=alternative.id,
                    option=names[1],
                    instead_of=names[0],
                )
