"""Looks for plans: a first one fast, then better ones, and at last a proof, while budget lasts."""

from collections.abc import Generator, Iterator
from heapq import heappop, heappush

import msgspec

from fabloop.adapt.repair.estimate import FAR, Estimator
from fabloop.adapt.repair.task import Budget, Node, Task, part

WEIGHTS = (0, 5, 2, 1)
"""How much less the way so far counts than the way ahead, pass after pass; 0: it does not."""

STATES_MAX = 500_000
"""States of one pass that are kept in memory."""

PREFERRED_BOOST = 1_000
"""What progress is worth: so many turns of the helpful steps before the others have theirs."""

DETOURS_SHARE = 0.5
"""The share of what is left of the budget for plans near the first one."""

DETOUR_SHARE = 0.3
"""The share of that for one of them."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, by numbers of operators; `proven` when none is cheaper."""

    operators: tuple[int, ...]
    price: int
    proven: bool = False


class Exhausted(msgspec.Struct, frozen=True):
    """The end of a search: of everything (no other plan exists), or of the budget."""

    whole: bool


def plans(task: Task, budget: Budget, best: int = FAR) -> Iterator[Found | Exhausted]:
    """Yield ever cheaper plans below `best`; at last whether everything was searched.

    A search of everything proves the last plan to be the cheapest, or that there is none.
    """
    if task.hopeless or task.goal & task.initial[0] == task.goal:
        if not task.hopeless and best > 0:
            yield Found(operators=(), price=0, proven=True)
        yield Exhausted(task.whole)
        return
    estimator = Estimator(task)
    whole = False
    for weight in WEIGHTS:
        search = _Pass(task, estimator, budget, weight, best)
        for found in search.run():
            best = found.price
            yield found
            if weight == 0:
                for other in _detours(task, found, part(budget, DETOURS_SHARE)):
                    best = other.price
                    yield other
                break
        whole = search.whole
        if whole or search.stopped:
            break
    if not whole and best < FAR and budget() > 0:
        whole = yield from _prove(task, estimator, budget, best)
    yield Exhausted(whole and task.whole)


def _detours(task: Task, found: Found, budget: Budget) -> Iterator[Found]:
    """Yield cheaper plans that do without one step of the best one, its dearest step first."""
    best, again = found, True
    while again:
        again = False
        for without in sorted(set(best.operators), key=lambda n: -task.operators[n].price):
            if budget() <= 0:
                return
            share = part(budget, DETOUR_SHARE)
            search = _Pass(task, Estimator(task, without), share, 0, best.price, without)
            other = next(search.run(), None)
            if other is not None:
                best, again = other, True
                yield other
                break


class _Pass:
    """One search with deferred evaluation; helpful steps have a queue of their own."""

    def __init__(
        self,
        task: Task,
        estimator: Estimator,
        budget: Budget,
        weight: int,
        best: int,
        without: int = -1,
    ) -> None:
        self.task, self.estimator, self.budget = task, estimator, budget
        self.weight, self.best, self.without = weight, best, without
        self.known: dict[Node, int] = {task.initial: 0}
        self.came: dict[Node, tuple[Node, int]] = {}
        self.queues: tuple[list[tuple[int, int, Node]], list[tuple[int, int, Node]]] = ([], [])
        self.turns = [0, 0]
        self.count = 0
        self.nearest = FAR
        self.done: dict[Node, int] = {}
        self.whole = self.stopped = False

    def run(self) -> Iterator[Found]:
        self._push(0, 0, self.task.initial)
        while True:
            if self.budget() <= 0 or self.count > STATES_MAX:
                self.stopped = self.budget() <= 0
                return
            node = self._pop()
            if node is None:
                self.whole = True
                return
            gone = self.known[node]
            if gone >= self.best or self.done.get(node, FAR) <= gone:
                continue
            self.done[node] = gone
            if node[0] & self.task.goal == self.task.goal:
                self.best = gone
                yield Found(operators=_way(self.came, node), price=gone)
                continue
            self._expand(node, gone)

    def _pop(self) -> Node | None:
        which = 0 if self.turns[0] <= self.turns[1] else 1
        if not self.queues[which]:
            which = 1 - which
        if not self.queues[which]:
            return None
        self.turns[which] += 1
        return heappop(self.queues[which])[2]

    def _push(self, which: int, rank: int, node: Node) -> None:
        self.count += 1
        heappush(self.queues[which], (rank, self.count, node))

    def _expand(self, node: Node, gone: int) -> None:
        estimate = self.estimator.relaxed(node)
        if estimate.price >= FAR:
            return
        if estimate.price < self.nearest:
            self.nearest = estimate.price
            self.turns[1] -= PREFERRED_BOOST
        helpful = set(estimate.helpful)
        ahead = estimate.price * self.weight if self.weight else estimate.price
        for number in self.task.applicable(node):
            operator = self.task.operators[number]
            price = gone + operator.price
            if price >= self.best or number == self.without:
                continue
            after = self.task.after(node, operator)
            if after == node or self.known.get(after, FAR) <= price:
                continue
            self.known[after] = price
            self.came[after] = (node, number)
            rank = price + ahead if self.weight else ahead
            self._push(0, rank, after)
            if number in helpful:
                self._push(1, rank, after)


def _prove(
    task: Task, estimator: Estimator, budget: Budget, best: int
) -> Generator[Found, None, bool]:
    """Search in order of the least that a plan may cost; return whether that came to an end."""
    known: dict[Node, int] = {task.initial: 0}
    came: dict[Node, tuple[Node, int]] = {}
    done: dict[Node, int] = {}
    bounds: dict[Node, int] = {task.initial: estimator.bound(task.initial)}
    heap = [(bounds[task.initial], 0, task.initial)]
    count = 0
    while heap:
        if budget() <= 0 or count > STATES_MAX:
            return False
        least, _, node = heappop(heap)
        gone = known[node]
        if least >= best:
            return True
        if done.get(node, FAR) <= gone:
            continue
        done[node] = gone
        if node[0] & task.goal == task.goal:
            yield Found(operators=_way(came, node), price=gone, proven=True)
            return True
        for number in task.applicable(node):
            price = gone + task.operators[number].price
            after = task.after(node, task.operators[number])
            if price >= best or known.get(after, FAR) <= price:
                continue
            known[after], came[after] = price, (node, number)
            if after not in bounds:
                bounds[after] = estimator.bound(after)
            if price + bounds[after] < best:
                count += 1
                heappush(heap, (price + bounds[after], count, after))
    return True


def _way(came: dict[Node, tuple[Node, int]], node: Node) -> tuple[int, ...]:
    found = []
    while node in came:
        node, number = came[node]
        found.append(number)
    return tuple(reversed(found))
