"""Tasks by option: what holds whatever is chosen."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import and_

import msgspec

from fabloop.plan.shop.graph import Graph
from fabloop.plan.shop.model import Shop


class Trees:
    """Tasks by option: what holds in every option of a choice holds."""

    def __init__(self, shop: Shop, graph: Graph) -> None:
        self.shop = shop
        self.graph = graph
        self.sizes = [0] * len(shop.choices)
        for each in shop.options:
            self.sizes[each.choice] += 1
        self.within = [0] * len(shop.options)
        for number, task in enumerate(shop.tasks):
            for option in () if task.option is None else graph.inside[task.option]:
                self.within[option] |= 1 << number

    def longest(self, values: Mapping[int, int], context: int | None) -> int:
        """Return the largest value of a task that is done, in the best case for the choices."""
        return self.over(values, context, lambda parts: max(parts, default=0))

    def work(self, tasks: int, task: int) -> int:
        """Return the least ticks of those of a set of tasks that belong to the task's job."""
        mine = self.shop.tasks[task]
        values = {
            each: self.graph.shortest[each]
            for each in bits(tasks)
            if self.shop.tasks[each].job == mine.job
        }
        return self.over(values, mine.option, sum)

    def totals(self) -> list[int]:
        """Return, per job, the least ticks of all its tasks."""
        values: list[dict[int, int]] = [{} for _ in self.shop.jobs]
        for number, task in enumerate(self.shop.tasks):
            values[task.job][number] = self.graph.shortest[number]
        return [self.over(each, None, sum) for each in values]

    def over(
        self, values: Mapping[int, int], context: int | None, joined: Callable[[Iterable[int]], int]
    ) -> int:
        """Join the values of what is surely done with the least over the options of choices.

        `context` is the option that is known to be taken.
        """
        forest = self._forest(values, context)

        def worth(option: int | None) -> int:
            parts = [values[task] for task in forest.direct.get(option, ())]
            for choice, below in forest.choices(self.shop, option).items():
                # an option that holds none of the values is worth nothing
                whole = len(below) == self.sizes[choice]
                parts.append(min(map(worth, below)) if whole else 0)
            return joined(parts)

        return worth(None)

    def surely(self, *, forward: bool) -> list[int]:
        """Return, per task, as bits, what comes before (after) it wherever both are done."""
        graph, found = self.graph, [0] * len(self.shop.tasks)
        for task in graph.order if forward else reversed(graph.order):
            near = (
                [arc.before for arc in graph.before[task]]
                if forward
                else [arc.after for arc in graph.after[task]]
            )
            found[task] = self._common(near, self.shop.tasks[task].option, found)
        return found

    def _common(self, near: Iterable[int], context: int | None, found: Sequence[int]) -> int:
        forest = self._forest(near, context)

        def common(option: int | None) -> int:
            known = 0
            for task in forest.direct.get(option, ()):
                known |= found[task] | 1 << task
            for choice, below in forest.choices(self.shop, option).items():
                sets = [common(each) for each in below]
                if len(below) == self.sizes[choice]:
                    known |= reduce(and_, sets)
                for each, those in zip(below, sets, strict=True):
                    known |= those & self.within[each]
            return known

        return common(None)

    def _forest(self, tasks: Iterable[int], context: int | None) -> "_Forest":
        inside = self.graph.inside
        sure = set() if context is None else set(inside[context])
        direct: dict[int | None, list[int]] = {}
        children: dict[int | None, set[int]] = {}
        for task in tasks:
            option = self.shop.tasks[task].option
            chain = () if option is None else inside[option]
            unsure = [each for each in chain if each not in sure]
            direct.setdefault(unsure[-1] if unsure else None, []).append(task)
            for outer, inner in zip([None, *unsure], unsure, strict=False):
                children.setdefault(outer, set()).add(inner)
        return _Forest(direct, children)


class _Forest(msgspec.Struct, frozen=True):
    """Tasks by the innermost option that is not sure, and such options one inside the other."""

    direct: dict[int | None, list[int]]
    children: dict[int | None, set[int]]

    def choices(self, shop: Shop, option: int | None) -> dict[int, list[int]]:
        """Return the options right below one, by choice."""
        found: dict[int, list[int]] = {}
        for child in sorted(self.children.get(option, ())):
            found.setdefault(shop.options[child].choice, []).append(child)
        return found


def bits(number: int) -> Iterator[int]:
    """Yield the positions of the ones."""
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low
