"""Set-ups that depend on what a work unit did before: times between steps, and when they fit."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec

from fabloop.model.ids import WorkUnitId
from fabloop.model.site import WorkUnit
from fabloop.plan.names import set_up_name
from fabloop.plan.statement.roads import ticks_of


class Mark(msgspec.Struct, frozen=True, order=True):
    """A step on a work unit by its ticks, with its set-up family; empty is none."""

    start: int
    end: int
    family: str = ""


class Changeover(msgspec.Struct, frozen=True):
    """The set-ups of one work unit in ticks, and what others do there.

    Steps that have no set-up family bring their set-up with them.
    """

    unit: WorkUnitId
    plain: int
    between: dict[tuple[str, str], int]
    marks: tuple[Mark, ...] = ()

    def near(self, last: int) -> tuple[Mark, ...]:
        """Return what others do that can matter to steps between tick 0 and the last tick."""
        longest = max([self.plain, *self.between.values()])
        past = [each for each in self.marks if each.end <= 0][-1:]
        return (
            *past,
            *(each for each in self.marks if each.end > 0 and each.start <= last + longest),
        )

    def gap(self, before: str | None, after: str) -> int:
        """Return the ticks between two steps that follow each other; None is nothing known."""
        if not after:
            return 0
        if not before:
            return self.plain
        return 0 if before == after else self.between.get((before, after), self.plain)


def changeover_of(unit: WorkUnit, marks: Iterable[Mark] = ()) -> Changeover:
    """Return the set-ups of a work unit."""
    between = {(each.before, each.after): ticks_of(each.duration_ns) for each in unit.setups[::-1]}
    between = {key: ticks for key, ticks in between.items() if key[0] != key[1]}
    return Changeover(unit.id, ticks_of(unit.setup_ns), between, tuple(sorted(marks)))


def families_of(unit: WorkUnit) -> set[str]:
    """Return the set-up families that the work unit's set-ups tell apart."""
    return {family for each in unit.setups for family in (each.before, each.after)}


def marks_of(
    unit: WorkUnitId,
    families: Iterable[str],
    busy: Mapping[WorkUnitId, Sequence[tuple[int, int]]],
) -> list[Mark]:
    """Return what others do on a work unit; of what is known of no family, there is none."""
    found = [
        Mark(start, end, family)
        for family in sorted(families)
        for start, end in busy.get(set_up_name(unit, family), ())
    ]
    known = {(each.start, each.end) for each in found}
    found += [Mark(*span) for span in busy.get(unit, ()) if tuple(span) not in known]
    return found


class Sequenced:
    """The steps of a work unit in order, with the set-ups between them."""

    def __init__(self, change: Changeover) -> None:
        self._change = change
        self._marks = list(change.marks)

    def clash(self, start: int, ticks: int, family: str) -> int | None:
        """Return the tick before which a step that is free otherwise cannot start; None is never.

        The step is told by its start; None means that it can start then.
        """
        if ticks == 0:
            return None
        at = bisect_right(self._marks, Mark(start, start))
        change = self._change
        before = self._marks[at - 1] if at else None
        opens = change.gap(None, family) if before is None else before.end
        if before is not None:
            opens += change.gap(before.family, family)
        if start < opens:
            return opens
        after = self._marks[at] if at < len(self._marks) else None
        if after is not None and start + ticks + change.gap(family, after.family) > after.start:
            return max(after.end, start + 1)
        return None

    def book(self, start: int, ticks: int, family: str) -> None:
        """Put a step in."""
        if ticks:
            insort(self._marks, Mark(start, start + ticks, family))

    def free(self, start: int, ticks: int, family: str) -> None:
        """Take a step out."""
        if ticks:
            self._marks.remove(Mark(start, start + ticks, family))

    def is_sound(self) -> bool:
        """Tell whether the set-ups between all steps fit."""
        return all(
            before.end + self._change.gap(before.family, after.family) <= after.start
            for before, after in pairwise(self._marks)
            if after.family
        )
