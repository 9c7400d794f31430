"""What a schedule is worth under an objective."""

from collections.abc import Iterator

from fabloop.plan.shop.model import Objective, Schedule, Shop


def ends(shop: Shop, schedule: Schedule) -> Iterator[tuple[int, int]]:
    """Yield each task that is done, and its end."""
    for task, mode in enumerate(schedule.modes):
        if mode is not None:
            yield task, schedule.starts[task] + shop.tasks[task].modes[mode].ticks


def value_of(shop: Shop, schedule: Schedule, objective: Objective) -> int:
    """Return the value of a schedule; less is better."""
    match objective:
        case Objective.MAKESPAN:
            return max((end for _, end in ends(shop, schedule)), default=0)
        case Objective.TARDINESS:
            return _tardiness(shop, schedule)
        case Objective.COST:
            return sum(
                shop.tasks[task].modes[mode].cost
                for task, mode in enumerate(schedule.modes)
                if mode is not None
            )


def _tardiness(shop: Shop, schedule: Schedule) -> int:
    last = [0] * len(shop.jobs)
    for task, end in ends(shop, schedule):
        job = shop.tasks[task].job
        last[job] = max(last[job], end)
    return sum(
        job.weight * max(0, end - job.due)
        for job, end in zip(shop.jobs, last, strict=True)
        if job.due is not None
    )
