"""Carries known steps over to other things: the same actions, done to what is at hand now."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from fabloop.adapt.repair.domain import Binder, Bound, Domain, Step, Thing
from fabloop.adapt.repair.reality import Atom, Reality, after, atom_of, same, unmet
from fabloop.adapt.repair.task import Budget
from fabloop.model.service import Constant, Literal, Relation

TRIES_MAX = 2_000
"""Bindings that are tried for one sequence of steps."""

Preferred = Callable[[str, Sequence[Thing]], Sequence[Thing]]
"""In which order the things that may stand for a blank are tried."""


class Blank(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that is not settled: its kind, and the one that stood there before, if any."""

    kind: str
    usual: str = ""


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """Steps whose values may be names of blanks; a blank is the same thing wherever it occurs."""

    steps: tuple[Step, ...]
    blanks: dict[str, Blank]


def as_given(name: str, things: Sequence[Thing]) -> Sequence[Thing]:
    """Return things in the order of the domain."""
    del name
    return things


def rebound(
    outline: Outline,
    domain: Domain,
    initial: Reality,
    goal: Sequence[Literal],
    budget: Budget,
    preferred: Preferred = as_given,
) -> tuple[Bound, ...] | None:
    """Return the steps with every blank filled so that they can be carried out; None if no way.

    Steps that would change nothing are left out: what they are for is so already.
    """
    return _Filling(outline, domain, goal, budget, preferred).run(initial)


class _Filling:
    def __init__(
        self,
        outline: Outline,
        domain: Domain,
        goal: Sequence[Literal],
        budget: Budget,
        preferred: Preferred,
    ) -> None:
        self.outline, self.goal, self.budget = outline, goal, budget
        self.binder = Binder(domain)
        self.left = TRIES_MAX
        self.candidates: dict[str, tuple[str, ...]] = {}
        for name, blank in outline.blanks.items():
            fitting = [each for each in domain.things if each.is_a(blank.kind)]
            ranked = sorted(preferred(name, fitting), key=lambda each: each.name != blank.usual)
            self.candidates[name] = tuple(each.name for each in ranked)

    def run(self, initial: Reality) -> tuple[Bound, ...] | None:
        found = self._from(0, dict(initial), {}, ())
        return None if found is None else found

    def _from(
        self,
        number: int,
        reality: dict[Atom, Constant],
        filled: Mapping[str, str],
        done: tuple[Bound, ...],
    ) -> tuple[Bound, ...] | None:
        if number == len(self.outline.steps):
            return None if unmet(self.goal, reality) else done
        step = self.outline.steps[number]
        open_ = [v for v in dict.fromkeys(step.values.values()) if v in self.candidates]
        return self._fill(
            [each for each in open_ if each not in filled], number, reality, filled, done
        )

    def _fill(
        self,
        open_: list[str],
        number: int,
        reality: dict[Atom, Constant],
        filled: Mapping[str, str],
        done: tuple[Bound, ...],
    ) -> tuple[Bound, ...] | None:
        if open_:
            for name in self.candidates[open_[0]]:
                if name in filled.values():
                    continue
                longer = {**filled, open_[0]: name}
                found = self._fill(open_[1:], number, reality, longer, done)
                if found is not None or self.left <= 0:
                    return found
            return None
        self.left -= 1
        if self.left <= 0 or self.budget() <= 0:
            self.left = 0
            return None
        return self._take(number, reality, filled, done)

    def _take(
        self,
        number: int,
        reality: dict[Atom, Constant],
        filled: Mapping[str, str],
        done: tuple[Bound, ...],
    ) -> tuple[Bound, ...] | None:
        step = self.outline.steps[number]
        values = {name: filled.get(value, value) for name, value in step.values.items()}
        bound = self.binder(Step(action=step.action, values=values))
        if _is_idle(bound, reality):
            return self._from(number + 1, reality, filled, done)
        if unmet(bound.requires, reality):
            return None
        return self._from(number + 1, after(reality, bound.effects), filled, (*done, bound))


def _is_idle(bound: Bound, reality: Reality) -> bool:
    """Tell whether everything that a step brings about is so already."""
    return all(
        each.relation is Relation.IS and same(reality.get(atom_of(each), False), each.value)
        for each in bound.effects
    )
