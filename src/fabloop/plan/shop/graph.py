"""Precedence as a graph: order, neighbours, and which options go together."""

from collections.abc import Sequence

import msgspec

from fabloop.plan.shop.model import Arc, Shop


def order_of(tasks: int, arcs: Sequence[tuple[int, int]]) -> list[int]:
    """Return the tasks in an order that follows the arcs; those of a cycle are missing."""
    open_before = [0] * tasks
    after: list[list[int]] = [[] for _ in range(tasks)]
    for first, second in arcs:
        after[first].append(second)
        open_before[second] += 1
    order = [task for task in range(tasks) if open_before[task] == 0]
    for task in order:
        for each in after[task]:
            open_before[each] -= 1
            if open_before[each] == 0:
                order.append(each)
    return order


def cycle_of(tasks: int, arcs: Sequence[tuple[int, int]]) -> list[int]:
    """Return the arcs of a cycle, by index in order; empty where there is none."""
    held = set(range(tasks)) - set(order_of(tasks, arcs))
    if not held:
        return []
    into = {last: index for index, (first, last) in enumerate(arcs) if {first, last} <= held}
    back: list[int] = []  # what is held up waits for something that is held up
    seen: dict[int, int] = {}
    task = min(held)
    while task not in seen:
        seen[task] = len(back)
        back.append(into[task])
        task = arcs[into[task]][0]
    return back[seen[task] :][::-1]


class Graph(msgspec.Struct, frozen=True):
    """The arcs of a problem, by task.

    Attributes
    ----------
    before, after : per task, its arcs
    order : tasks, each after all before it
    shortest : per task, the ticks of its shortest mode
    inside : per option, itself and the options that it lies in, outermost first
    """

    before: list[list[Arc]]
    after: list[list[Arc]]
    order: list[int]
    shortest: list[int]
    inside: list[tuple[int, ...]]


def graph_of(shop: Shop) -> Graph:
    """Return the arcs of a problem by task."""
    tasks = len(shop.tasks)
    before: list[list[Arc]] = [[] for _ in range(tasks)]
    after: list[list[Arc]] = [[] for _ in range(tasks)]
    for arc in shop.arcs:
        before[arc.after].append(arc)
        after[arc.before].append(arc)
    order = order_of(tasks, [(arc.before, arc.after) for arc in shop.arcs])
    shortest = [min(mode.ticks for mode in task.modes) for task in shop.tasks]
    return Graph(before, after, order, shortest, _inside(shop))


def _inside(shop: Shop) -> list[tuple[int, ...]]:
    inside: dict[int, tuple[int, ...]] = {}

    def chain(option: int) -> tuple[int, ...]:
        if option not in inside:
            within = shop.choices[shop.options[option].choice].within
            inside[option] = (*(() if within is None else chain(within)), option)
        return inside[option]

    # outer choices come first, so that the chain of an outer option is known by then
    for option in sorted(range(len(shop.options)), key=lambda each: shop.options[each].choice):
        chain(option)
    return [inside[option] for option in range(len(shop.options))]


def least_lag(arc: Arc) -> int:
    """Return the least lag of any pair of modes that goes together."""
    return min([arc.lag, *(pair.ticks for pair in arc.pairs if pair.ticks is not None)])
