"""A domain, a reality and a goal as a task: only what has to do with the goal is kept."""

from collections.abc import Iterable, Sequence

import msgspec

from fabloop.adapt.repair.domain import Action, Binder, Bound, Domain
from fabloop.adapt.repair.instantiate import counted_fluents, instantiate
from fabloop.adapt.repair.reality import (
    VARIABLE,
    Atom,
    Reality,
    atom_of,
    is_met,
    is_number,
    said,
)
from fabloop.adapt.repair.task import UNKNOWN, Budget, Change, Comparison, Operator, Task
from fabloop.model.service import Constant, Literal, Relation

NS_PER_HOUR = 3_600_000_000_000
PRICE_PER_MINOR = 1_000
"""Prices are counted finer than money, so that time and length can break ties."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is minimised: money, and time at so much money per hour; then the number of steps."""

    money: int = 1
    hour_minor: int = 0

    def price(self, step: Bound) -> int:
        """Return what a step counts; always positive."""
        time = step.duration_ns * self.hour_minor * PRICE_PER_MINOR // NS_PER_HOUR
        return 1 + step.cost_minor * self.money * PRICE_PER_MINOR + time


CHEAP = Wish()
FAST = Wish(money=0, hour_minor=1_000_000)

_Key = tuple[Atom, bool, Constant] | tuple[Atom, Relation, float]


def ground(
    domain: Domain,
    initial: Reality,
    goal: Sequence[Literal],
    wish: Wish,
    budget: Budget,
    *,
    without: frozenset[str] = frozenset(),
) -> Task:
    """Return the task of reaching a goal; actions named in `without` are not used."""
    kept = tuple(each for each in domain.actions if each.name not in without)
    usable = msgspec.structs.replace(domain, actions=kept)
    lost = next((e for e in goal if not is_met(e, initial) and not _is_made(e, kept)), None)
    if lost is not None:
        return _hopeless(said(lost))
    instances = instantiate(usable, initial, goal, budget)
    binder = Binder(domain)
    steps = [binder(each) for each in instances.steps]
    return _Grounding(domain, initial, goal, wish).task(steps, whole=instances.whole)


def _is_made(goal: Literal, actions: Iterable[Action]) -> bool:
    """Tell whether an action has an effect that may be this one, whatever it is done to."""
    return any(_may_be(effect, goal) for each in actions for effect in each.effects)


def _may_be(effect: Literal, goal: Literal) -> bool:
    if effect.fluent != goal.fluent or len(effect.arguments) != len(goal.arguments):
        return False
    if effect.relation is not Relation.IS or goal.relation is not Relation.IS:
        return True
    pairs = [*zip(effect.arguments, goal.arguments, strict=True), (effect.value, goal.value)]
    return all(
        (isinstance(mine, str) and mine[:1] == VARIABLE)
        or (isinstance(mine, bool) == isinstance(other, bool) and mine == other)
        for mine, other in pairs
    )


def _hopeless(why: str) -> Task:
    return Task(
        propositions=(), comparisons={}, compared=(), initial=(0, ()), goal=0, goals=(),
        operators=(), hopeless=why,
    )  # fmt: skip


class _Grounding:
    def __init__(
        self, domain: Domain, initial: Reality, goal: Sequence[Literal], wish: Wish
    ) -> None:
        self.initial, self.goal, self.wish = initial, goal, wish
        self.numeric = counted_fluents(domain, goal)
        self.never = tuple(each for each in domain.never if not is_met(each, initial))
        self.bit: dict[_Key, int] = {}
        self.values_of: dict[Atom, list[tuple[Constant, int]]] = {}
        self.compared: dict[Atom, list[int]] = {}
        self.comparisons: dict[int, Comparison] = {}
        self.numbers: dict[Atom, int] = {}

    def task(self, steps: Sequence[Bound], *, whole: bool) -> Task:
        conditions = (*self.goal, *(_opposite(each) for each in self.never))
        relevant = self._relevant(steps)
        for each in (*conditions, *(need for step in relevant for need in step.requires)):
            self._number(each)
        # What must never come true is a condition of every operator and of the goal.
        always = self._bits([_opposite(each) for each in self.never])
        operators = tuple(self._operator(each, always) for each in relevant)
        goals = self._bits(conditions)
        initial = 0
        for key, bit in self.bit.items():
            initial |= self._is_so(key) << bit
        return Task(
            propositions=tuple((key[0], key[2]) for key in self.bit),
            comparisons=self.comparisons,
            compared=tuple(tuple(self.compared[atom]) for atom in self.numbers),
            initial=(initial, tuple(self._value(atom) for atom in self.numbers)),
            goal=_mask(goals),
            goals=goals,
            operators=operators,
            hopeless=self._hopeless(initial, operators) if whole else "",
            whole=whole,
        )

    def _relevant(self, steps: Sequence[Bound]) -> list[Bound]:
        """Return the steps that bring about something that is needed, directly or not."""
        makers: dict[Atom, list[int]] = {}
        for number, step in enumerate(steps):
            for effect in step.effects:
                makers.setdefault(atom_of(effect), []).append(number)
        wanted = list(self.goal)
        seen, chosen = set(self.goal), dict[int, None]()
        while wanted:
            need = wanted.pop()
            for number in makers.get(atom_of(need), ()):
                step = steps[number]
                if number in chosen or not any(_helps(e, need) for e in step.effects):
                    continue
                chosen[number] = None
                fresh = [each for each in step.requires if each not in seen]
                seen.update(fresh)
                wanted += fresh
        return [steps[number] for number in sorted(chosen)]

    def _number(self, condition: Literal) -> None:
        key = self._key(condition)
        if key in self.bit:
            return
        bit = self.bit[key] = len(self.bit)
        atom = atom_of(condition)
        if condition.fluent not in self.numeric:
            self.values_of.setdefault(atom, []).append((condition.value, bit))
            return
        number = self.numbers.setdefault(atom, len(self.numbers))
        self.compared.setdefault(atom, []).append(bit)
        limit = _as_number(condition.value)
        self.comparisons[bit] = Comparison(number, condition.relation, limit)

    def _key(self, condition: Literal) -> _Key:
        atom, value = atom_of(condition), condition.value
        if condition.fluent in self.numeric:
            return atom, condition.relation, _as_number(value)
        return atom, isinstance(value, bool), value

    def _is_so(self, key: _Key) -> bool:
        atom, how, value = key
        if isinstance(how, Relation):
            bit = self.bit[key]
            return self.comparisons[bit].holds(self._value(atom))
        found = self.initial.get(atom, False)
        return isinstance(found, bool) == how and found == value

    def _value(self, atom: Atom) -> float:
        return _as_number(self.initial.get(atom, False))

    def _bits(self, conditions: Iterable[Literal]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self.bit[self._key(each)] for each in conditions))

    def _operator(self, step: Bound, always: tuple[int, ...]) -> Operator:
        gained = lost = 0
        changes, counts = list[Change](), list[tuple[int, float]]()
        for effect in step.effects:
            atom = atom_of(effect)
            if effect.fluent not in self.numeric:
                for value, bit in self.values_of.get(atom, ()):
                    if isinstance(value, bool) == isinstance(effect.value, bool) and (
                        value == effect.value
                    ):
                        gained |= 1 << bit
                    else:
                        lost |= 1 << bit
            elif atom in self.numbers:
                change = self._change(atom, effect)
                changes.append(change)
                counts += self._counts(atom, change)
        needs = tuple(dict.fromkeys((*self._bits(step.requires), *always)))
        return Operator(
            step=step.step,
            price=self.wish.price(step),
            before=_mask(needs),
            gained=gained,
            lost=lost & ~gained,
            needs=needs,
            adds=tuple(_ones(gained)),
            changes=tuple(changes),
            counts=tuple(counts),
        )

    def _change(self, atom: Atom, effect: Literal) -> Change:
        value = _as_number(effect.value)
        if effect.relation is Relation.LESS:
            value = -value
        return Change(self.numbers[atom], value, effect.relation is not Relation.IS)

    def _counts(self, atom: Atom, change: Change) -> list[tuple[int, float]]:
        found = []
        for bit in self.compared[atom]:
            compared = self.comparisons[bit]
            if change.by and compared.nearer(change.value):
                found.append((bit, change.value))
            elif not change.by and compared.holds(change.value):
                found.append((bit, 0.0))
        return found

    def _hopeless(self, initial: int, operators: Sequence[Operator]) -> str:
        """Return a part of the goal that neither holds nor is an effect of any step."""
        makes = 0
        for each in operators:
            makes |= each.gained | _mask(bit for bit, _ in each.counts)
        for goal in self.goal:
            if not (initial | makes) >> self.bit[self._key(goal)] & 1:
                return said(goal)
        return ""


def _opposite(never: Literal) -> Literal:
    """Return the condition that a statement which must never come true leaves."""
    value = not never.value if isinstance(never.value, bool) else never.value
    return msgspec.structs.replace(never, value=value)


def _helps(effect: Literal, need: Literal) -> bool:
    """Tell whether an effect on the same atom may bring a condition about."""
    if atom_of(effect) != atom_of(need):
        return False
    if effect.relation is Relation.IS and need.relation is Relation.IS:
        return isinstance(effect.value, bool) == isinstance(need.value, bool) and (
            effect.value == need.value
        )
    return True


def _as_number(value: Constant) -> float:
    """Return a value as a number; one that is not known compares with nothing."""
    return float(value) if is_number(value) else UNKNOWN


def _mask(bits: Iterable[int]) -> int:
    mask = 0
    for bit in bits:
        mask |= 1 << bit
    return mask


def _ones(mask: int) -> Iterable[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
