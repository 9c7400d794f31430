"""Improve orders placed on one floor: take parts of some back and place them anew.

A part is a set of jobs with everything downstream of them. Orders that hold up the objective
are placed first, others that were taken back too make way. What does not help is undone.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec
import numpy as np

from fabloop.plan.floors.floor import Booking, Work
from fabloop.plan.floors.placing import Effort, Taste, book, place, place_all
from fabloop.plan.statement.layout import Bools

SEED = 7

LOOKS_PER_SECOND = 450_000
"""Candidates looked at in about one second of a core; budgets count them, not time."""

WHOLE = 0.3
"""How often an order is placed anew as a whole."""

OTHERS_MAX = 4
"""Orders beside a critical one that are taken back at once, less than this."""

PARTS_MAX = 3

LOOKS_MIN = 50
"""What an attempt counts for at least, so that a search ends."""
NOISES = (0.0, 0.1, 0.3, 0.6)


class OrdersObjective(StrEnum):
    """What plans for several orders are best at together."""

    MAKESPAN = "makespan"
    """When the last order is made."""
    TARDINESS = "tardiness"
    """Time beyond the due instants, weighted by priority."""
    COST = "cost"
    """The cost of all orders; then when the last is made."""


class Placed(msgspec.Struct, eq=False):
    """An order on the floor: when it is due (ticks), its weight, which choices it may make."""

    work: Work
    due: int
    weight: int
    allowed: dict[int, Bools] = {}

    @property
    def late(self) -> int:
        """Weighted ticks beyond the due one."""
        return self.weight * max(0, self.work.finish - self.due)


Score = tuple[float, float]


class Search:
    """Orders on one floor, and the best score so far."""

    def __init__(self, orders: Sequence[Placed], objective: OrdersObjective, effort: float) -> None:
        self.orders = list(orders)
        self.objective = objective
        self.spent = Effort()
        self.budget = round(effort * LOOKS_PER_SECOND)
        self.roll = np.random.default_rng(SEED)

    @property
    def seconds(self) -> float:
        """Effort spent so far."""
        return self.spent.looks / LOOKS_PER_SECOND

    def begin(self) -> None:
        """Place all orders, the ones with the longest way to go first."""
        for each in sorted(self.orders, key=self._slack):
            done = place_all(each.work, Taste(roll=self.roll, allowed=each.allowed), self.spent)
            assert done, "asked only for orders that have a plan"

    def _slack(self, each: Placed) -> float:
        if self.objective is OrdersObjective.TARDINESS:
            return (each.due - each.work.least) / each.weight
        return -each.work.least

    def score(self) -> Score:
        """Return what is minimised, then what decides between equals."""
        finishes = [each.work.finish for each in self.orders]
        if self.objective is OrdersObjective.TARDINESS:
            return float(sum(each.late for each in self.orders)), float(sum(finishes))
        return float(max(finishes, default=0)), float(sum(finishes))

    def improve(self, target: float, better: Callable[[float], None]) -> None:
        """Search until the target is met or the effort is spent; `better` hears of each step."""
        best = self.score()
        while best[0] > target and self.spent.looks < self.budget:
            found = self._step(best)
            if found[0] < best[0]:
                better(found[0])
            best = found

    def _step(self, best: Score) -> Score:
        first, *others = self._chosen(best)
        limits = [self._limit(best, strict=True), *[self._limit(best, strict=False)] * len(others)]
        self.attempt((first, *others), limits, lambda: self.score() <= best)
        return self.score()

    def attempt(
        self, chosen: Sequence[Placed], limits: Sequence[float], accepts: Callable[[], bool]
    ) -> bool:
        """Take parts of some orders back and place them anew, each to finish within its limit.

        What is not accepted is undone.
        """
        parts = [(each, self._part(each.work)) for each in chosen]
        taken = [(each, {job: each.work.release(job) for job in jobs}) for each, jobs in parts]
        noise = NOISES[int(self.roll.integers(len(NOISES)))]
        before, done = self.spent.looks, True
        for (each, jobs), limit in zip(parts, limits, strict=True):
            taste = Taste(roll=self.roll, limit=limit, noise=noise, allowed=each.allowed)
            self.spent.looks += 20 * len(jobs)
            done = place(each.work, jobs, taste, self.spent) and each.work.finish <= limit
            if not done:
                break
        self.spent.looks = max(self.spent.looks, before + LOOKS_MIN)
        if done and accepts():
            return True
        _undo(taken)
        return False

    def _limit(self, best: Score, *, strict: bool) -> float:
        if self.objective is OrdersObjective.TARDINESS:
            return np.inf
        return best[0] - 1 if strict else best[0]

    def _chosen(self, best: Score) -> list[Placed]:
        """Return an order that holds up the objective, and some others."""
        if self.objective is OrdersObjective.TARDINESS:
            critical = [each for each in self.orders if each.late]
        else:
            critical = [each for each in self.orders if float(each.work.finish) == best[0]]
        first = critical[int(self.roll.integers(len(critical)))]
        others = [each for each in self.orders if each is not first]
        count = min(len(others), int(self.roll.integers(OTHERS_MAX)))
        picked = self.roll.permutation(len(others))[:count].tolist()
        return [first, *(others[each] for each in picked)]

    def _part(self, work: Work) -> set[int]:
        """Return jobs with all their takers."""
        if self.roll.random() < WHOLE:
            return set(range(work.size))
        jobs: set[int] = set()
        for _ in range(1 + int(self.roll.integers(PARTS_MAX))):
            stack = [int(self.roll.integers(work.size))]
            job = stack[0]
            while stack:
                jobs.add(stack[-1])
                stack.extend(work.tables.inputs[stack.pop()])
            while job >= 0:
                jobs.add(job)
                job = work.taker[job]
        return jobs


def _undo(taken: Sequence[tuple[Placed, dict[int, Booking | None]]]) -> None:
    for each, bookings in taken:
        for job in bookings:
            each.work.release(job)
    for each, bookings in taken:
        for job, booking in bookings.items():
            assert booking is not None, "all jobs were placed before"
            each.work.book(job, booking)


def booked(orders: Sequence[Placed]) -> list[list[Booking]]:
    """Return where all jobs of the orders are placed."""
    return [[each.work.at(job) for job in range(each.work.size)] for each in orders]


def restore(orders: Sequence[Placed], kept: Sequence[Sequence[Booking]]) -> None:
    """Place all jobs of the orders where they were."""
    for each in orders:
        for job in range(each.work.size):
            each.work.release(job)
    for each, bookings in zip(orders, kept, strict=True):
        for job, booking in enumerate(bookings):
            each.work.book(job, booking)


def adopted(
    search: Search, plans: Sequence[tuple[Sequence[int], Sequence[int]]], worst: float
) -> bool:
    """Place the orders by these choices and starts; keep what was there if that is above worst.

    Each step takes its first gap, in the order of the starts.
    """
    orders, kept = search.orders, booked(search.orders)
    for each in orders:
        for job in range(each.work.size):
            each.work.release(job)
    queue = sorted(
        (start, number, job)
        for number, (_, starts) in enumerate(plans)
        for job, start in enumerate(starts)
    )
    for _, number, job in queue:
        book(orders[number].work, job, plans[number][0][job])
    search.spent.looks += 20 * len(queue)
    if search.score()[0] <= worst:
        return True
    restore(orders, kept)
    return False
