"""Who goes first where several pieces of work wait for the same machines: planned anew, judged."""

from collections.abc import Mapping, Sequence

import msgspec

from fabloop.base.instant import SECOND, Instant
from fabloop.plan.shop.answer import Effort, Outcome
from fabloop.plan.shop.model import Job, Mode, Objective, Resource, Shop, Span, Task, Use
from fabloop.plan.shop.solve import solve

WAITING_MAX = 200
"""Pieces of work in one queue; more are done as they come."""

MOVES = 20_000
"""What improving a queue may take before it is searched: the same on every machine."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of work that waits for a machine.

    `takes_ns` has the machines that can do it; it has to be done by `deadline`.
    """

    name: str
    ready_at: Instant
    deadline: Instant
    takes_ns: Mapping[str, int]


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """When a piece of work is done, and on which machine."""

    name: str
    machine: str
    begins_at: Instant
    ends_at: Instant


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A queue with times.

    Attributes
    ----------
    slots : in the order in which they begin
    late_ns : of those that end after their deadline, by how much
    """

    slots: tuple[Slot, ...]
    late_ns: Mapping[str, int]

    def slot(self, name: str) -> Slot:
        """Return the slot of a piece of work."""
        return next(each for each in self.slots if each.name == name)


class NoLine(msgspec.Struct, frozen=True, kw_only=True):
    """No order helps; `proven` where there is none at all that keeps all deadlines."""

    why: str
    proven: bool = False


def in_turn(waiting: Sequence[Waiting], free_at: Mapping[str, Instant]) -> Line:
    """Return a queue in the order given, each on the machine on which it is done first."""
    free = dict(free_at)
    slots: list[Slot] = []
    for each in waiting:
        ends, machine = min(
            (max(free[name], each.ready_at) + takes, name)
            for name, takes in each.takes_ns.items()
            if name in free
        )
        begins = Instant(ends - each.takes_ns[machine])
        slots.append(Slot(name=each.name, machine=machine, begins_at=begins, ends_at=Instant(ends)))
        free[machine] = Instant(ends)
    return _line(slots, waiting)


def resequenced(
    waiting: Sequence[Waiting], free_at: Mapping[str, Instant], late: str, seconds: float
) -> Line | NoLine:
    """Return an order with which what would be late in turn is in time, and nothing else is late.

    As little as possible is changed: the late piece goes ahead of just so many others; only where
    that is not enough, everything is planned anew. `seconds` are deterministic ones of the search.
    """
    if len(waiting) > WAITING_MAX:
        return NoLine(why=f"more than {WAITING_MAX} wait")
    if len(waiting) == 1:
        return NoLine(why="nothing waits that it could go ahead of", proven=True)
    usual = in_turn(waiting, free_at)
    (own,) = (each for each in waiting if each.name == late)
    others = [each for each in waiting if each.name != late]
    for place in range(len(others), -1, -1):
        line = in_turn([*others[:place], own, *others[place:]], free_at)
        if _helps(line, usual, late):
            return line
    return _searched(waiting, free_at, usual, late, seconds)


def _searched(
    waiting: Sequence[Waiting], free_at: Mapping[str, Instant], usual: Line, late: str,
    seconds: float,
) -> Line | NoLine:  # fmt: skip
    begin = min((*free_at.values(), *(each.ready_at for each in waiting)))
    names = tuple(free_at)
    shop = Shop(
        name="queue",
        tasks=tuple(
            Task(
                name=each.name,
                job=number,
                modes=tuple(
                    Mode(ticks=_up(takes), uses=(Use(names.index(name)),))
                    for name, takes in each.takes_ns.items()
                    if name in free_at
                ),
            )
            for number, each in enumerate(waiting)
        ),
        resources=tuple(
            Resource(name=name, closed=_closed(_up(at - begin))) for name, at in free_at.items()
        ),
        jobs=tuple(
            Job(
                name=each.name,
                release=_up(each.ready_at - begin),
                due=max(0, (each.deadline - begin) // SECOND),
            )
            for each in waiting
        ),
    )
    answer = solve(shop, (Objective.TARDINESS,), effort=Effort(seconds=seconds, moves=MOVES))
    proven = answer.outcome is Outcome.PROVEN and answer.values[0] > 0
    if answer.schedule is not None:
        starts = answer.schedule.starts
        order = sorted(range(len(waiting)), key=lambda number: (starts[number], number))
        line = in_turn([waiting[number] for number in order], free_at)
        if _helps(line, usual, late):
            return line
    if proven:
        return NoLine(why=f"no order of the {len(waiting)} that wait keeps it in time", proven=True)
    return NoLine(why=f"no order of the {len(waiting)} that wait was found that keeps it in time")


def _helps(line: Line, usual: Line, late: str) -> bool:
    """Tell whether what was late is in time, and nothing is late that was not, or later."""
    return late not in line.late_ns and all(
        late_ns <= usual.late_ns.get(name, -1) for name, late_ns in line.late_ns.items()
    )


def _line(slots: Sequence[Slot], waiting: Sequence[Waiting]) -> Line:
    deadline = {each.name: each.deadline for each in waiting}
    return Line(
        slots=tuple(sorted(slots, key=lambda each: (each.begins_at, each.name))),
        late_ns={
            each.name: each.ends_at - deadline[each.name]
            for each in slots
            if each.ends_at > deadline[each.name]
        },
    )


def _closed(until: int) -> tuple[Span, ...]:
    return (Span(0, until),) if until > 0 else ()


def _up(span_ns: int) -> int:
    return max(0, -(-span_ns // SECOND))
