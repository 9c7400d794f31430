"""How long it takes at least up to a task, and from its end on, whatever is chosen."""

from collections.abc import Sequence

import msgspec

from fabloop.plan.shop.calendar import first_open
from fabloop.plan.shop.graph import Graph, least_lag
from fabloop.plan.shop.model import Shop
from fabloop.plan.shop.options import Trees

CLOSURE_TASKS_MAX = 1_500


class Heads(msgspec.Struct, frozen=True):
    """Bounds that hold in every schedule.

    Attributes
    ----------
    head : per task, no tick before which it can start
    tail : per task, ticks from its end to the last end, at least
    total : per job, ticks of all its tasks, one after the other, at least
    passes_on : an absent task may pass on what comes before it to what comes after it, since
        what it joins is in that order in any case
    """

    head: list[int]
    tail: list[int]
    total: list[int]
    passes_on: bool


def heads_of(shop: Shop, graph: Graph) -> Heads:
    """Return heads, tails and totals of a well-formed problem."""
    trees = Trees(shop, graph)
    serial = any(job.serial for job in shop.jobs)
    known = (serial or bool(shop.options)) and len(shop.tasks) <= CLOSURE_TASKS_MAX
    before = trees.surely(forward=True) if known else None
    after = trees.surely(forward=False) if known else None
    calendars = any(each.closed for each in shop.resources)
    head, tail = [0] * len(shop.tasks), [0] * len(shop.tasks)
    for task in graph.order:
        arcs = {arc.before: head[arc.before] + graph.shortest[arc.before] + least_lag(arc)
                for arc in graph.before[task]}  # fmt: skip
        release = shop.jobs[shop.tasks[task].job].release
        found = [release, trees.longest(arcs, shop.tasks[task].option)]
        if before is not None and shop.jobs[shop.tasks[task].job].serial:
            found.append(release + trees.work(before[task], task))
        head[task] = max(found)
        if calendars:
            modes = shop.tasks[task].modes
            head[task] = min(first_open(shop, mode, head[task]) for mode in modes)
    for task in reversed(graph.order):
        arcs = {arc.after: tail[arc.after] + graph.shortest[arc.after] + least_lag(arc)
                for arc in graph.after[task]}  # fmt: skip
        found = [0, trees.longest(arcs, shop.tasks[task].option)]
        if after is not None and shop.jobs[shop.tasks[task].job].serial:
            found.append(trees.work(after[task], task))
        tail[task] = max(found)
    passes_on = not shop.options or (before is not None and _passes_on(shop, graph, before))
    return Heads(head, tail, trees.totals(), passes_on)


def _passes_on(shop: Shop, graph: Graph, surely: Sequence[int]) -> bool:
    """Return whether all that a path of arcs joins is in this order also without the path."""
    for arc in shop.arcs:
        ends = (shop.tasks[arc.before].option, shop.tasks[arc.after].option)
        if (arc.lag or arc.pairs) and ends != (None, None):
            return False
    trees = Trees(shop, graph)
    of_choice = [0] * len(shop.choices)
    for option, each in enumerate(shop.options):
        of_choice[each.choice] |= trees.within[option]
    reached = [0] * len(shop.tasks)
    for task in graph.order:
        for arc in graph.before[task]:
            reached[task] |= reached[arc.before] | 1 << arc.before
        own = shop.tasks[task].option
        missing = reached[task] & ~surely[task]
        for taken in () if own is None else graph.inside[own]:
            others = of_choice[shop.options[taken].choice] & ~trees.within[taken]
            missing &= ~others
        if missing:
            return False
    return True
