"""Improve the makespan of many orders where no single step does: worse steps are taken, at first.

All orders that end after the bound count, those that end last by far the most, so that a step may
make room without the last order being any earlier. Orders that it waits for make way first.
"""

from collections.abc import Callable, Sequence

from fabloop.plan.floors.floor import Booking, Work
from fabloop.plan.floors.orders_search import OTHERS_MAX, Placed, Search, booked, restore

SHARPNESS = 8
"""Power of the time beyond the bound: the greater, the more the last orders count."""

TEMPERATURE = 0.05
"""Share by which a step may make it worse, on average, at the beginning; it falls to none."""

ROOM = 0.01
"""Share by which single orders may end later than the last one does now."""

BLOCKING = 0.7
"""How often the others that are taken back are such as the first one waits for."""


def tempered(search: Search, target: float, better: Callable[[float], None]) -> None:
    """Search until all orders end by the target or the effort is spent; the best is kept.

    `better` hears of each finish of the last order that is less than any before.
    """
    orders, begun = search.orders, search.spent.looks
    best, kept = search.score()[0], booked(orders)
    while best > target and search.spent.looks < search.budget:
        left = (search.budget - search.spent.looks) / (search.budget - begun)
        bar = _badness(orders, target) * (1 + TEMPERATURE * left * search.roll.exponential())
        chosen = _chosen(search, target)
        limit = search.score()[0] * (1 + ROOM)
        accepts = lambda bar=bar: _badness(orders, target) <= bar  # noqa: E731
        if not search.attempt(chosen, [limit] * len(chosen), accepts):
            continue
        finish = search.score()[0]
        if finish < best:
            best, kept = finish, booked(orders)
            better(best)
    restore(orders, kept)


def _badness(orders: Sequence[Placed], target: float) -> float:
    late = (max(0.0, each.work.finish - target) for each in orders)
    return float(sum((each / max(1.0, target)) ** SHARPNESS for each in late))


def _chosen(search: Search, target: float) -> list[Placed]:
    """Return an order that ends after the target, the later the likelier, and some others."""
    orders, roll = search.orders, search.roll
    late = [max(0.0, each.work.finish - target) ** 2 for each in orders]
    whole = sum(late)
    first = orders[int(roll.choice(len(orders), p=[each / whole for each in late]))]
    others = [each for each in orders if each is not first]
    count = int(roll.integers(OTHERS_MAX))
    if roll.random() < BLOCKING:
        blocking = _blocking(first.work, others)
        if blocking:
            others, count = blocking, max(1, count)
    return [first, *(others[at] for at in roll.permutation(len(others))[:count].tolist())]


def _blocking(work: Work, others: Sequence[Placed]) -> list[Placed]:
    """Return the orders that hold a work unit while the critical way of this one waits for it."""
    waits: dict[int, list[tuple[int, int]]] = {}
    job: int | None = work.size - 1
    while job is not None:
        booking = work.at(job)
        ready, maker = _latest_input(work, job, booking)
        if booking.start > ready:
            line = work.lines[job][booking.pick]
            waits.setdefault(id(line), []).append((ready, booking.start))
        job = maker
    return [each for each in others if _holds(each.work, waits)]


def _latest_input(work: Work, job: int, booking: Booking) -> tuple[int, int | None]:
    """Return when the last input of a job is there, and the job that makes the last one made."""
    ready, last, maker = 0, -1, None
    sources = work.problem.jobs[job].sources
    for source, way, moved in zip(sources, booking.ways, booking.moved, strict=True):
        made = source.ready if source.job is None else work.at(source.job).end
        arrival = moved[-1] + way.held[-1][1] if moved else made
        ready = max(ready, arrival)
        if source.job is not None and arrival > last:
            last, maker = arrival, source.job
    return ready, maker


def _holds(work: Work, waits: dict[int, list[tuple[int, int]]]) -> bool:
    for job in range(work.size):
        booking = work.at(job)
        for opens, closes in waits.get(id(work.lines[job][booking.pick]), ()):
            if booking.start < closes and booking.end > opens:
                return True
    return False
