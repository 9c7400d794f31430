"""How far a state is from the goal: a relaxed plan, and a bound that is never too high."""

from heapq import heappop, heappush
from math import ceil

import msgspec

from fabloop.adapt.repair.task import Node, Task

FAR = 1 << 60
"""The estimate of a state from which the goal cannot be reached."""


class Estimate(msgspec.Struct, frozen=True):
    """What the relaxed plan costs, and its steps that may be applied at once (by number)."""

    price: int
    helpful: tuple[int, ...]


class Estimator:
    """Estimates states of one task, with all operators but `without` (a number)."""

    def __init__(self, task: Task, without: int = -1) -> None:
        self.task = task
        size = len(task.propositions)
        self.users: list[list[int]] = [[] for _ in range(size)]
        self.free: list[int] = []
        for number, each in enumerate(task.operators):
            for bit in each.needs:
                self.users[bit].append(number)
            if not each.needs:
                self.free.append(number)
        self.open = [len(each.needs) for each in task.operators]
        self.prices = [each.price for each in task.operators]
        if without >= 0:  # one more condition, which nothing ever meets
            self.open[without] += 1
            self.free = [number for number in self.free if number != without]

    def times(self, bit: int, by: float, node: Node) -> int:
        """Return how often a change must be applied until a comparison may hold."""
        compared = self.task.comparisons[bit]
        value = node[1][compared.number]
        if not by or value != value:
            return 1
        return max(1, ceil(abs(compared.limit - value) / abs(by)))

    def relaxed(self, node: Node) -> Estimate:
        """Return the cost of a plan where nothing is ever lost, found by adding up conditions."""
        cost, by = self._spread(node)
        task = self.task
        if any(cost[bit] >= FAR for bit in task.goals):
            return Estimate(FAR, ())
        chosen: dict[int, int] = {}
        todo = list(task.goals)
        seen = set(todo)
        while todo:
            bit = todo.pop()
            number, times = by[bit]
            if number < 0:
                continue
            chosen[number] = max(times, chosen.get(number, 0))
            fresh = [need for need in task.operators[number].needs if need not in seen]
            seen.update(fresh)
            todo += fresh
        price = sum(self.prices[number] * times for number, times in chosen.items())
        bits = node[0]
        helpful = tuple(
            number
            for number in chosen
            if bits & task.operators[number].before == task.operators[number].before
        )
        return Estimate(price, helpful)

    def _spread(self, node: Node) -> tuple[list[int], list[tuple[int, int]]]:
        """Return per proposition what it costs, and by which operator, applied how often."""
        operators, prices, users = self.task.operators, self.prices, self.users
        size = len(self.task.propositions)
        cost, by = [FAR] * size, [(-1, 0)] * size
        left, base = list(self.open), list(prices)
        heap: list[tuple[int, int]] = []
        bits = node[0]
        while bits:
            low = bits & -bits
            bits ^= low
            bit = low.bit_length() - 1
            cost[bit] = 0
            heap.append((0, bit))
        ready = list(self.free)
        goals = set(self.task.goals)
        while True:
            for number in ready:
                each, total = operators[number], base[number]
                for bit in each.adds:
                    if total < cost[bit]:
                        cost[bit], by[bit] = total, (number, 1)
                        heappush(heap, (total, bit))
                for bit, change in each.counts:
                    times = self.times(bit, change, node)
                    much = total + (times - 1) * prices[number]
                    if much < cost[bit]:
                        cost[bit], by[bit] = much, (number, times)
                        heappush(heap, (much, bit))
            ready = []
            if not heap:
                return cost, by
            so_far, bit = heappop(heap)
            if so_far > cost[bit]:
                continue
            goals.discard(bit)
            if not goals:
                return cost, by
            for number in users[bit]:
                left[number] -= 1
                base[number] += so_far
                if not left[number]:
                    ready.append(number)

    # -- a bound --------------------------------------------------------------------------------

    def bound(self, node: Node) -> int:
        """Return a price that no plan from here is below (LM-cut).

        Notes
        -----
        Source: Helmert and Domshlak 2009, "Landmarks, critical paths and abstractions". A count
        needs at least one application of something that changes it, so counts are taken as such.
        """
        return _Cuts(self, node).total()


class _Cuts:
    """Landmarks cut out one after the other; `prices` are what is left of the operators'."""

    def __init__(self, estimator: Estimator, node: Node) -> None:
        self.task, self.users, self.free = estimator.task, estimator.users, estimator.free
        self.open, self.bits = estimator.open, node[0]
        self.prices = list(estimator.prices)
        self.adds = [(*each.adds, *(bit for bit, _ in each.counts)) for each in self.task.operators]
        self.makers: list[list[int]] = [[] for _ in self.task.propositions]
        for number, bits in enumerate(self.adds):
            for bit in bits:
                self.makers[bit].append(number)

    def total(self) -> int:
        found = 0
        while True:
            cost, dearest = self._highest()
            goal = max(self.task.goals, key=cost.__getitem__, default=-1)
            if goal < 0 or cost[goal] == 0:
                return found
            if cost[goal] >= FAR:
                return FAR
            cut = self._cut(goal, dearest)
            least = min(self.prices[number] for number in cut)
            for number in cut:
                self.prices[number] -= least
            found += least

    def _highest(self) -> tuple[list[int], list[int]]:
        """Return h-max of each proposition, and the dearest condition of each operator."""
        cost = [FAR] * len(self.task.propositions)
        left, dearest = list(self.open), [-1] * len(self.task.operators)
        heap: list[tuple[int, int]] = []
        bits = self.bits
        while bits:
            low = bits & -bits
            bits ^= low
            cost[low.bit_length() - 1] = 0
            heap.append((0, low.bit_length() - 1))
        ready = list(self.free)
        so_far = 0
        while True:
            for number in ready:
                total = so_far + self.prices[number]
                for bit in self.adds[number]:
                    if total < cost[bit]:
                        cost[bit] = total
                        heappush(heap, (total, bit))
            ready = []
            if not heap:
                return cost, dearest
            so_far, bit = heappop(heap)
            if so_far > cost[bit]:
                continue
            for number in self.users[bit]:
                left[number] -= 1
                if not left[number]:
                    dearest[number] = bit  # taken in order of cost, so the last is the dearest
                    ready.append(number)

    def _cut(self, goal: int, dearest: list[int]) -> list[int]:
        """Return the operators that enter the zone from which the goal costs nothing more."""
        zone, todo = {goal}, [goal]
        while todo:
            for number in self.makers[todo.pop()]:
                bit = dearest[number]
                if bit >= 0 and not self.prices[number] and bit not in zone:
                    zone.add(bit)
                    todo.append(bit)
        reached = {n for n in range(len(self.makers)) if self.bits >> n & 1 and n not in zone}
        todo, cut = list(reached), dict[int, None]()
        waiting: dict[int, list[int]] = {}
        for number, bit in enumerate(dearest):
            if bit >= 0:
                waiting.setdefault(bit, []).append(number)
        numbers = list(self.free)
        while True:
            for number in numbers:
                if any(bit in zone for bit in self.adds[number]):
                    cut[number] = None
                    continue
                fresh = [bit for bit in self.adds[number] if bit not in reached]
                reached.update(fresh)
                todo += fresh
            if not todo:
                return list(cut)
            numbers = waiting.get(todo.pop(), [])
