"""A plan as it is carried out: which step waits for which, and when each can be."""

from collections.abc import Sequence

import msgspec

from fabloop.adapt.repair.domain import Bound, Step
from fabloop.adapt.repair.reality import atom_of
from fabloop.model.service import Relation

_COUNTS = (Relation.MORE, Relation.LESS)


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """Steps with the steps that each waits for, by number, and the times that follow.

    `starts_ns` count from the beginning of the repair.
    """

    steps: tuple[Step, ...]
    waits_for: tuple[tuple[int, ...], ...]
    starts_ns: tuple[int, ...]
    duration_ns: int
    cost_minor: int

    @property
    def key(self) -> frozenset[tuple[str, ...]]:
        """What makes it the plan it is, whatever the order of its steps."""
        return frozenset(each.key for each in self.steps)


def course_of(bounds: Sequence[Bound]) -> Course:
    """Return steps, given in an order that works, with no more waiting than they need."""
    waits = reduced(ordered(bounds))
    return timed(bounds, waits)


def timed(bounds: Sequence[Bound], waits: Sequence[tuple[int, ...]]) -> Course:
    """Return steps that wait for others, each as early as it can be."""
    starts: list[int] = []
    for number, _ in enumerate(bounds):
        ready = (starts[other] + bounds[other].duration_ns for other in waits[number])
        starts.append(max(ready, default=0))
    ends = (start + each.duration_ns for start, each in zip(starts, bounds, strict=True))
    return Course(
        steps=tuple(each.step for each in bounds),
        waits_for=tuple(waits),
        starts_ns=tuple(starts),
        duration_ns=max(ends, default=0),
        cost_minor=sum(each.cost_minor for each in bounds),
    )


def ordered(bounds: Sequence[Bound]) -> list[tuple[int, ...]]:
    """Return for each step the earlier ones that it must not overtake or overlap."""
    return [
        tuple(number for number in range(later) if conflict(bounds[number], bounds[later]))
        for later in range(len(bounds))
    ]


def conflict(one: Bound, other: Bound) -> bool:
    """Tell whether the order of two steps matters, or they need the same thing for themselves."""
    if one.exclusive & other.exclusive:
        return True
    for first, second in ((one, other), (other, one)):
        written = {atom_of(each) for each in first.effects}
        if any(atom_of(each) in written for each in second.requires):
            return True
    return _write_alike(one, other)


def _write_alike(one: Bound, other: Bound) -> bool:
    how = {atom_of(each): each for each in one.effects}
    for each in other.effects:
        there = how.get(atom_of(each))
        if there is None or (each.relation in _COUNTS and there.relation in _COUNTS):
            continue
        if there != each:
            return True
    return False


def reduced(waits: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return the same waiting without what follows from the rest."""
    above: list[int] = []
    found = []
    for number, each in enumerate(waits):
        direct, covered = list[int](), 0
        for other in sorted(each, reverse=True):
            if not covered >> other & 1:
                direct.append(other)
                covered |= above[other] | 1 << other
        assert number == len(above), "steps come in their order"
        above.append(covered)
        found.append(tuple(reversed(direct)))
    return found
