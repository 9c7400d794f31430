"""A value below which no schedule gets, found without a solver."""

from fabloop.plan.shop.graph import Graph
from fabloop.plan.shop.heads import Heads
from fabloop.plan.shop.model import Objective, Shop
from fabloop.plan.shop.options import Trees


def bound_of(shop: Shop, graph: Graph, heads: Heads, objective: Objective) -> int:
    """Return a value that no schedule is below."""
    match objective:
        case Objective.MAKESPAN:
            return max(_longest(shop, graph, heads), _serial(shop, heads), _load(shop, graph))
        case Objective.TARDINESS:
            return _late(shop, graph, heads)
        case Objective.COST:
            costs = {
                number: min(mode.cost for mode in task.modes)
                for number, task in enumerate(shop.tasks)
            }
            return Trees(shop, graph).over(costs, None, sum)


def _longest(shop: Shop, graph: Graph, heads: Heads) -> int:
    """Return the longest chain of arcs."""
    chains = {
        task: heads.head[task] + graph.shortest[task] + heads.tail[task]
        for task in range(len(shop.tasks))
    }
    return Trees(shop, graph).longest(chains, None)


def _serial(shop: Shop, heads: Heads) -> int:
    """Return the longest serial job."""
    return max(
        (
            job.release + total
            for job, total in zip(shop.jobs, heads.total, strict=True)
            if job.serial and total  # else nothing of it need be done
        ),
        default=0,
    )


def _load(shop: Shop, graph: Graph) -> int:
    """Return the work of all tasks spread evenly over all resources that any of them uses.

    A task counts with the mode that takes least of all resources together.
    """
    used = {use.resource for task in shop.tasks for mode in task.modes for use in mode.uses}
    room = sum(shop.resources[each].capacity * shop.resources[each].batch_max for each in used)
    loads = {
        number: min(sum(mode.ticks * use.demand for use in mode.uses) for mode in task.modes)
        for number, task in enumerate(shop.tasks)
    }
    return -(-Trees(shop, graph).over(loads, None, sum) // room) if room else 0


def _late(shop: Shop, graph: Graph, heads: Heads) -> int:
    """Return how late jobs are if they never wait."""
    ends: list[dict[int, int]] = [{} for _ in shop.jobs]
    for number, task in enumerate(shop.tasks):
        ends[task.job][number] = heads.head[number] + graph.shortest[number]
    trees, late = Trees(shop, graph), 0
    for job, own, total in zip(shop.jobs, ends, heads.total, strict=True):
        if job.due is not None:
            end = trees.longest(own, None)
            if job.serial and total:
                end = max(end, job.release + total)
            late += job.weight * max(0, end - job.due)
    return late
