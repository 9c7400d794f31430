"""Orders planned together, on one floor: the search for times, and what is proven of them."""

from collections.abc import Callable, Sequence
from functools import cached_property

import msgspec
import numpy as np

from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Optimality
from fabloop.plan.engine import TREE, cheapest, least
from fabloop.plan.floors.auctioned import Dues, Heard, Prices, auctioned
from fabloop.plan.floors.floor import Floor, Work
from fabloop.plan.floors.loads import SHARES_PER_SECOND, Allowance, load_bound, windows_of
from fabloop.plan.floors.nearby import nearby
from fabloop.plan.floors.orders_search import LOOKS_PER_SECOND, OrdersObjective, Placed, Search
from fabloop.plan.floors.sequences import Sequences
from fabloop.plan.floors.shifted import shifted
from fabloop.plan.floors.tempered import tempered
from fabloop.plan.statement.problem import MEASURE, Objective, Problem
from fabloop.plan.statement.roads import TICK, Weights
from fabloop.plan.timetable.alternatives import has_alternatives, narrowed
from fabloop.plan.tree import optimum, tables_of

TOGETHER = "all plans of these orders together"
LOADS = "tree dynamic programming and loads"
PRICES = "tree dynamic programming and prices of time"

_BOUNDING = 0.25
"""Share of the effort that bounding by loads may take."""

_EARLY = 0.05
"""Share of the effort in which each step has to help the order that ends last; then the loads are
asked for a bound."""

_TEMPERED = 0.4
"""Share of the effort then left in which worse steps are taken; in the rest all orders are improved
at once."""

_AUCTIONED = 0.6
"""Share of the effort then left in which plans are bought at prices, where time has prices."""

_SHIFTED = 0.5
"""Share of the effort then left in which jobs are shifted to better places, one at a time."""

_STRICT = 0.2
"""Share of the effort for lateness in which each step has to help."""

_SECOND = 0.3
"""Share of the effort for the last finish, where the cost is asked for."""

MANY = 3
"""From so many orders on, worse steps may make room."""


class Incumbent(msgspec.Struct, frozen=True, kw_only=True):
    """The best answer at some point of the search, and what no answer can be better than.

    `value` and `bound` are nanoseconds (weighted for the tardiness) or minor currency units,
    `effort` is about CPU seconds.
    """

    value: float
    bound: float
    effort: float


class Asked(msgspec.Struct, frozen=True):
    """An order with its problem as if it were alone, and what the choice of a routing leaves of it.

    `open` is the problem beside the others, which may leave it less stock, with its routing open;
    `full` is `whole` where steps and goods pay their part of full runs and shipments only, where
    some could be shared; `joins` tells whether that goes for runs.
    """

    order: ProductionOrder
    whole: Problem
    open: Problem
    problem: Problem
    full: Problem | None = None
    joins: bool = False

    @property
    def lowest(self) -> Problem:
        """The problem whose sums no plan can better."""
        return self.whole if self.full is None else self.full


def best_alone(problem: Problem, objective: OrdersObjective) -> tuple[int, ...] | None:
    """Return the choices that are best for an order alone; None where it cannot be made."""
    if objective is OrdersObjective.COST:
        routing = cheapest(problem, Objective.COST)
        return None if routing is None else routing.choice
    found = optimum(tables_of(problem, MEASURE[Objective.MAKESPAN], adds=False))
    return None if found is None else found.choice


def settled(problem: Problem, objective: OrdersObjective) -> Problem:
    """Return the problem with the routing that is best for the order alone."""
    if not has_alternatives(problem):
        return problem
    choice = best_alone(problem, objective)
    assert choice is not None, "asked only where a plan exists"
    return narrowed(problem, choice).problem


class Together:
    """The orders on one floor, with what is proven so far."""

    def __init__(
        self,
        asked: Sequence[Asked],
        objective: OrdersObjective,
        effort: float,
        on_incumbent: Callable[[Incumbent], None] | None,
    ) -> None:
        self.asked = tuple(asked)
        self.objective = objective
        self.effort = effort
        self.tell = on_incumbent
        self.incumbents: list[Incumbent] = []
        first = asked[0].problem
        weights = MEASURE[Objective.MAKESPAN]
        if objective is OrdersObjective.COST:
            weights = Weights(cost=1.0, ticks=1e-9)
        floor = Floor(first.roads, first.busy, weights)
        self.placed = [self._placed(each, floor) for each in asked]
        self.settled = [
            placed.work
            for each, placed in zip(asked, self.placed, strict=True)
            if each.whole is each.problem
        ]
        self.least = [
            placed.work.least
            if each.whole is each.problem
            else round(least(each.whole, Objective.MAKESPAN))
            for each, placed in zip(asked, self.placed, strict=True)
        ]
        self.search = Search(self.placed, objective, effort)
        self.engine = TREE
        self.cost = 0.0
        if objective is OrdersObjective.COST:
            self.cost = sum(least(each.lowest, Objective.COST) for each in asked)
        self.bound = self._first_bound()

    def _placed(self, each: Asked, floor: Floor) -> Placed:
        work = Work(each.problem, floor)
        allowed = {}
        if self.objective is OrdersObjective.COST:
            routing = cheapest(each.problem, Objective.COST)
            assert routing is not None, "asked only where a plan exists"
            for job, pick in enumerate(routing.choice):
                allowed[job] = np.arange(len(work.ticks[job])) == pick
        due = (each.order.due_at - each.problem.origin) // TICK
        return Placed(work, due, max(1, each.order.priority), allowed)

    def _first_bound(self) -> float:
        """Return what no answer can be better than, contention left aside."""
        if self.objective is OrdersObjective.TARDINESS:
            late = (
                each.weight * max(0, least_ - each.due)
                for each, least_ in zip(self.placed, self.least, strict=True)
            )
            return float(sum(late))
        return float(max(self.least))

    def run(self, share: float = 1.0, *, bounding: bool = True) -> None:
        """Place all orders, then improve them and the bound, by a share of the effort."""
        self.search.budget = round(share * self.search.budget)
        self.search.begin()
        self._better(self.search.score()[0])
        if self.objective is OrdersObjective.MAKESPAN:
            whole, self.search.budget = self.search.budget, round(self.search.budget * _EARLY)
            self.search.improve(self.bound, self._better)
            if len(self.placed) >= MANY and self._plain:
                self.search.budget = round(2 * whole * _EARLY)
                self._shift()
            self.search.budget = whole
            if bounding:
                self._bound_by_loads()
        self._improve()

    def _improve(self) -> None:
        """Search on; where no step helps the last of many orders, worse ones are taken as well."""
        if self.objective is OrdersObjective.COST:  # which is least already
            self.search.budget = round(self.search.budget * _SECOND)
        if self.objective is OrdersObjective.COST or len(self.placed) < MANY:
            self.search.improve(self.bound, self._better)
            return
        whole = self.search.budget
        if self.objective is OrdersObjective.TARDINESS:
            self._until(_STRICT, whole, lambda: self.search.improve(self.bound, self._better))
            if self._priced:
                self._until(_AUCTIONED, whole, self._auction)
            self.search.budget = whole
            nearby(self.search, self.bound, self._better)
            self.search.improve(self.bound, self._better)
            return
        if self._plain:
            if self._priced:
                self._until(_AUCTIONED, whole, self._auction)
            self._until(_SHIFTED, whole, self._shift)
        else:
            self._until(_TEMPERED, whole, self._temper)
        self.search.budget = whole
        nearby(self.search, self.bound, self._better)
        self._temper()

    def _until(self, share: float, whole: int, improve: Callable[[], None]) -> None:
        """Improve by a share of what is left of the whole."""
        spent = self.search.spent.looks
        self.search.budget = spent + round(share * (whole - spent))
        improve()

    def _temper(self) -> None:
        tempered(self.search, self.bound, self._better)

    def _shift(self) -> None:
        shifted(self.search, self._sequences, self.bound, self._better)

    def _auction(self) -> None:
        windows = [windows_of(each) for each in self.settled]
        value, heard = round(self.search.score()[0]), Heard(self._better, self._raised)
        if value <= self.bound:
            return
        if self.objective is OrdersObjective.MAKESPAN:
            prices = Prices(windows, round(self.bound), value)
            auctioned(self.search, prices, self._sequences, heard)
            return
        dues = [(each.due, each.weight) for each in self.placed]
        last = max(each.work.finish for each in self.placed)
        auctioned(self.search, Dues(windows, dues, value, last), None, heard)

    @cached_property
    def _sequences(self) -> Sequences:
        return Sequences(self.placed)

    @property
    def _plain(self) -> bool:
        """Whether times follow from the sequences on work units."""
        return not any(each.problem.duties is not None for each in self.asked)

    @property
    def _priced(self) -> bool:
        """Whether time on work units has prices that say what it is worth."""
        settled = len(self.settled) == len(self.placed)
        return settled and self._plain and not any(each.joins for each in self.asked)

    def _raised(self, bound: int) -> None:
        """Note a better bound."""
        if bound <= self.bound:
            return
        self.bound, self.engine = float(bound), PRICES
        self._better(self.search.score()[0])

    def _bound_by_loads(self) -> None:
        value = round(self.search.score()[0])
        if value <= self.bound or any(each.joins for each in self.asked):
            return  # steps that share a run are less of a load
        # An order with another routing open may leave its work units: it counts as no load.
        shares = round(_BOUNDING * self.effort * SHARES_PER_SECOND)
        allowance, windows = Allowance(shares), [windows_of(each) for each in self.settled]
        found = load_bound(windows, round(self.bound), value, allowance)
        took = (shares - allowance.left) / SHARES_PER_SECOND
        self.search.spent.looks += round(took * LOOKS_PER_SECOND)
        if found > self.bound:
            self.bound, self.engine = float(found), LOADS
            self._better(float(value))

    def _better(self, value: float) -> None:
        """Note and tell where the search stands."""
        if self.objective is OrdersObjective.COST:
            if self.incumbents:
                return
            value = bound = self.cost
        else:
            value, bound = value * TICK, self.bound * TICK
        self._note(Incumbent(value=value, bound=bound, effort=self.search.seconds))

    def _note(self, found: Incumbent) -> None:
        """Keep what is known now, and tell it unless the times of steps still change it."""
        self.incumbents.append(found)
        if self.tell is not None and not self.costs_by_time:
            self.tell(found)

    @property
    def costs_by_time(self) -> bool:
        """Whether the cost is asked for, and known only with the times of steps."""
        timed = any(
            each.problem.charges is not None or each.full is not None for each in self.asked
        )
        return timed and self.objective is OrdersObjective.COST

    @property
    def is_read(self) -> bool:
        """Whether all orders are finished within the calendars that were read."""
        both = zip(self.asked, self.placed, strict=True)
        return all(placed.work.finish <= each.problem.read for each, placed in both)

    def takes_over(self, other: "Together") -> None:
        """Go on from another one about the same orders, which is no better than this one."""
        value, bound = self.incumbents[-1].value, self.incumbents[-1].bound
        if other.incumbents[-1].bound > bound:
            bound, self.engine = other.incumbents[-1].bound, other.engine
        effort = other.incumbents[-1].effort + self.search.seconds
        self.incumbents, self.tell = [*other.incumbents], other.tell
        self._note(Incumbent(value=value, bound=min(bound, value), effort=effort))

    def optimality(self) -> Optimality:
        """Return how good the answer is."""
        last = self.incumbents[-1]
        return Optimality(
            objective=self.objective.value,
            value=last.value,
            bound=last.bound,
            proven=last.value <= last.bound,
            engine=self.engine,
            scope=TOGETHER,
        )
