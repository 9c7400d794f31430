"""Load rows: what has to pass through a resource between a head and a tail takes its time."""

from collections.abc import Iterator

import msgspec

from fabloop.plan.shop.heads import Heads
from fabloop.plan.shop.model import Shop

LEVELS_MAX = 6
"""Distinct heads, and tails, that rows of a resource are made for."""


class Part(msgspec.Struct, frozen=True):
    """A mode of a task, and what it adds to a load."""

    task: int
    mode: int
    load: int


class Row(msgspec.Struct, frozen=True):
    """``head + (sum of loads of chosen modes) / capacity + tail`` is no later than the last end."""

    head: int
    tail: int
    capacity: int
    parts: tuple[Part, ...]


def rows_of(shop: Shop, heads: Heads) -> Iterator[Row]:
    """Yield the load rows of resources and of serial jobs."""
    by_resource: list[list[Part]] = [[] for _ in shop.resources]
    by_job: list[list[Part]] = [[] for _ in shop.jobs]
    for number, task in enumerate(shop.tasks):
        for choice, mode in enumerate(task.modes):
            if mode.ticks == 0:
                continue
            for use in mode.uses:
                by_resource[use.resource].append(Part(number, choice, mode.ticks * use.demand))
            if shop.jobs[task.job].serial:
                by_job[task.job].append(Part(number, choice, mode.ticks))
    for resource, parts in zip(shop.resources, by_resource, strict=True):
        yield from _rows(parts, resource.capacity * resource.batch_max, heads)
    for parts in by_job:
        yield from _rows(parts, 1, heads)


def _rows(parts: list[Part], capacity: int, heads: Heads) -> Iterator[Row]:
    if len(parts) < 2:
        return
    seen = set()
    for head in _levels({heads.head[part.task] for part in parts}):
        for tail in _levels({heads.tail[part.task] for part in parts}):
            inside = tuple(
                part
                for part in parts
                if heads.head[part.task] >= head and heads.tail[part.task] >= tail
            )
            if len(inside) > 1 and inside not in seen:
                seen.add(inside)
                yield Row(
                    min(heads.head[part.task] for part in inside),
                    min(heads.tail[part.task] for part in inside),
                    capacity,
                    inside,
                )


def _levels(values: set[int]) -> list[int]:
    """Return some of the values, evenly, the least among them."""
    ordered = sorted(values)
    if len(ordered) <= LEVELS_MAX:
        return ordered
    return [ordered[at * len(ordered) // LEVELS_MAX] for at in range(LEVELS_MAX)]
