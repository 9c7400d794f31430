"""Sorted lists by which parts of plans are found: by when they start, and by their limits."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.plan import Freight, Movement, PlannedStep
from fabloop.model.product import Operation
from fabloop.model.site import WorkUnit
from fabloop.model.skill import Rule

Part = PlannedStep | Movement
Spell = PlannedStep | Movement | Freight
"""What has a start and an end."""
Key = int
"""Number of a part: ascending with the plans as they came, then as in the plan."""


class Timeline:
    """Parts of plans by when they start, with their ends and the operation they are for."""

    def __init__(self) -> None:
        self._rows: list[tuple[Instant, Key, Instant, Operation]] = []
        self._longest = 0

    def add(self, part: Spell, key: Key, operation: Operation) -> None:
        """Take in a part."""
        insort(self._rows, (part.start, key, part.end, operation), key=_start_and_key)
        self._longest = max(self._longest, part.end - part.start)

    def drop(self, part: Spell, key: Key) -> None:
        """Take out a part that was taken in."""
        place = _first(self._rows, part.start, key)
        del self._rows[place]

    def meeting(self, since: Instant, until: Instant) -> Iterator[tuple[Key, Operation]]:
        """Yield the parts of which some time lies in the span."""
        first = _first(self._rows, since - self._longest)
        last = _first(self._rows, until)
        for _, key, end, operation in self._rows[first:last]:
            if end > since:
                yield key, operation

    def starting(self, since: Instant, until: Instant) -> Iterator[tuple[Key, Operation]]:
        """Yield the parts that start in the span."""
        first = _first(self._rows, since)
        last = _first(self._rows, until)
        return ((key, operation) for _, key, _, operation in self._rows[first:last])


def _start_and_key(row: tuple[Instant, Key, Instant, Operation]) -> tuple[Instant, Key]:
    return row[0], row[1]


def _first(rows: Sequence[tuple[Any, ...]], *least: int) -> int:
    """Return the place of the first row that is not below these; a shorter tuple is below.

    Tuples are compared without a function of ours, which the search would call for each row.
    """
    return bisect_left(rows, least)


class Group(msgspec.Struct, eq=False):
    """The open steps, of any number of plans, that one work unit does for one operation."""

    operation: Operation
    unit: WorkUnit
    keys: set[Key]


class Limits:
    """Groups of steps by the limit that they put on one KPI of one work unit."""

    def __init__(self) -> None:
        self._at_most: list[tuple[float, Group]] = []
        self._at_least: list[tuple[float, Group]] = []
        self._other: list[Group] = []

    def add(self, rule: Rule | None, limit: float | str, group: Group) -> None:
        """Take in a limit; a group may have several."""
        match rule, limit:
            case Rule.AT_MOST, int() | float():
                insort(self._at_most, (limit, group), key=_limit)
            case Rule.AT_LEAST, int() | float():
                insort(self._at_least, (limit, group), key=_limit)
            case _:
                self._other.append(group)

    def drop(self, group: Group) -> None:
        """Take out a group with all its limits."""
        self._at_most = [row for row in self._at_most if row[1] is not group]
        self._at_least = [row for row in self._at_least if row[1] is not group]
        self._other = [each for each in self._other if each is not group]

    def every(self) -> Iterable[Group]:
        """Return all groups."""
        rows = (*self._at_most, *self._at_least)
        return _distinct([*(group for _, group in rows), *self._other])

    def broken_by(self, low: float, high: float) -> Iterable[Group]:
        """Return the groups of which a limit lies below `high` or above `low`."""
        most = self._at_most[: bisect_left(self._at_most, high, key=_limit)]
        least = self._at_least[bisect_right(self._at_least, low, key=_limit) :]
        return _distinct([*(group for _, group in (*most, *least)), *self._other])


def _limit(row: tuple[float, Group]) -> float:
    return row[0]


def _distinct(groups: list[Group]) -> Iterable[Group]:
    return {id(each): each for each in groups}.values()
