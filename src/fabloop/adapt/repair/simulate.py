"""Tries a course out step by step, apart from how it was found: what goes wrong on the way?"""

from collections.abc import Sequence
from heapq import heappop, heappush

import msgspec

from fabloop.adapt.repair.course import Course
from fabloop.adapt.repair.domain import Binder, Bound, Domain
from fabloop.adapt.repair.reality import Atom, Reality, is_met, put, said, unmet
from fabloop.model.service import Constant, Literal


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong, and at which step (its number; -1 at the end)."""

    step: int
    what: str


def breaches(
    domain: Domain, course: Course, initial: Reality, goal: Sequence[Literal]
) -> tuple[Breach, ...]:
    """Return what goes wrong when the steps are carried out; empty where nothing does.

    They are carried out as a process does it: each begins once those are done that it waits for.
    As nobody keeps to planned durations, they are tried as planned, all alike, and with the
    shortest ones longest.
    """
    binder = Binder(domain)
    bounds = [binder(each) for each in course.steps]
    longest = max((each.duration_ns for each in bounds), default=0)
    for spans in (
        [each.duration_ns for each in bounds],
        [1 for _ in bounds],
        [longest - each.duration_ns + 1 for each in bounds],
    ):
        found = _Run(domain, bounds, course.waits_for, spans, initial).breaches(goal)
        if found:
            return found
    return ()


def reached(domain: Domain, course: Course, initial: Reality) -> dict[Atom, Constant]:
    """Return what is so after a course."""
    binder = Binder(domain)
    bounds = [binder(each) for each in course.steps]
    run = _Run(domain, bounds, course.waits_for, [each.duration_ns for each in bounds], initial)
    run.breaches(())
    return run.reality


class _Run:
    def __init__(
        self,
        domain: Domain,
        bounds: Sequence[Bound],
        waits: Sequence[tuple[int, ...]],
        spans: Sequence[int],
        initial: Reality,
    ) -> None:
        self.bounds, self.waits, self.spans = bounds, waits, spans
        self.reality = dict(initial)
        self.never = [each for each in domain.never if not is_met(each, initial)]
        self.running: set[int] = set()
        self.done: set[int] = set()
        self.events: list[tuple[int, int]] = []
        self.found: list[Breach] = []

    def breaches(self, goal: Sequence[Literal]) -> tuple[Breach, ...]:
        self._begin(0)
        while self.events:
            now, number = heappop(self.events)
            self._end(number)
            while self.events and self.events[0][0] == now:
                self._end(heappop(self.events)[1])
            self._begin(now)
        for number in range(len(self.bounds)):
            if number not in self.done:
                self._note(number, "it never begins: steps wait for each other")
        for each in unmet(goal, self.reality):
            self._note(-1, f"'{said(each)}' is not reached")
        return tuple(self.found)

    def _note(self, step: int, what: str) -> None:
        self.found.append(Breach(step=step, what=what))

    def _begin(self, now: int) -> None:
        for number, waits in enumerate(self.waits):
            if number in self.done or number in self.running or not self.done.issuperset(waits):
                continue
            step = self.bounds[number]
            for each in unmet(step.requires, self.reality):
                self._note(number, f"it begins without '{said(each)}'")
            for other in self.running:
                for name in sorted(step.exclusive & self.bounds[other].exclusive):
                    self._note(number, f"'{name}' is in use by '{self.bounds[other].action.name}'")
            self.running.add(number)
            heappush(self.events, (now + self.spans[number], number))

    def _end(self, number: int) -> None:
        self.running.remove(number)
        self.done.add(number)
        for effect in self.bounds[number].effects:
            put(self.reality, effect)
        for other in sorted(self.running):
            for each in unmet(self.bounds[other].throughout, self.reality):
                self._note(other, f"'{said(each)}' is lost while it goes on")
        for each in self.never:
            if is_met(each, self.reality):
                self._note(number, f"'{said(each)}' comes true")
