"""Load rows: what has to pass through a resource between a head and a tail takes its time."""

from collections.abc import Iterator
from math import isqrt

import msgspec

from fabloop.plan.shop.calendar import shut_between
from fabloop.plan.shop.heads import Heads
from fabloop.plan.shop.model import Shop

LEVELS_MAX = 6
"""Distinct heads, and tails, that rows of a resource are made for."""
PARTS_MAX = 1_000_000
"""Parts of all rows, roughly; beyond, there are rows for fewer heads and tails."""


class Part(msgspec.Struct, frozen=True):
    """A mode of a task, and what it adds to a load."""

    task: int
    mode: int
    load: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """``head + (shut + loads of chosen modes) / capacity + tail`` is no later than the last end.

    `shut` is what the resource cannot do in between, being closed.
    """

    head: int
    tail: int
    capacity: int
    parts: tuple[Part, ...]
    shut: int = 0


def rows_of(shop: Shop, heads: Heads, least: int) -> Iterator[Row]:
    """Yield the load rows of resources and serial jobs; the last end is `least` or later."""
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
    total = sum(map(len, by_resource)) + sum(map(len, by_job))
    levels = min(LEVELS_MAX, isqrt(PARTS_MAX // total)) if total else 0
    for resource, parts in zip(shop.resources, by_resource, strict=True):
        for row in _rows(parts, resource.capacity * resource.batch_max, heads, max(1, levels)):
            shut = shut_between(resource, row.head, least - row.tail)
            yield msgspec.structs.replace(row, shut=shut * row.capacity)
    for parts in by_job:
        yield from _rows(parts, 1, heads, max(1, levels))


def _rows(parts: list[Part], capacity: int, heads: Heads, levels: int) -> Iterator[Row]:
    if len(parts) < 2:
        return
    seen = set()
    for head in _some({heads.head[part.task] for part in parts}, levels):
        for tail in _some({heads.tail[part.task] for part in parts}, levels):
            inside = tuple(
                part
                for part in parts
                if heads.head[part.task] >= head and heads.tail[part.task] >= tail
            )
            if len(inside) > 1 and inside not in seen:
                seen.add(inside)
                yield Row(
                    head=min(heads.head[part.task] for part in inside),
                    tail=min(heads.tail[part.task] for part in inside),
                    capacity=capacity,
                    parts=inside,
                )


def _some(values: set[int], count: int) -> list[int]:
    """Return so many of the values, evenly, the least among them."""
    ordered = sorted(values)
    if len(ordered) <= count:
        return ordered
    return [ordered[at * len(ordered) // count] for at in range(count)]
