"""All ways to bind the actions of a domain that can be reached, found by joining conditions."""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

import msgspec

from fabloop.adapt.repair.domain import Action, Domain, Step
from fabloop.adapt.repair.reality import (
    VARIABLE,
    Reality,
    bind,
    is_met,
    is_number,
)
from fabloop.adapt.repair.task import Budget
from fabloop.model.service import Constant, Literal, Relation

STEPS_MAX = 100_000
"""Steps that are looked at; what lies beyond is not found."""

STEPS_PER_ASK = 200
"""Steps between two questions whether there is budget left."""

_Fact = tuple[Constant, ...]
"""A fluent, its arguments and its value."""


class Instances(msgspec.Struct, frozen=True, kw_only=True):
    """Steps that may become possible; `whole` where no limit and no budget cut them short."""

    steps: tuple[Step, ...]
    whole: bool


def counted_fluents(domain: Domain, goal: Sequence[Literal]) -> frozenset[str]:
    """Return the fluents that are numbers: counted or compared somewhere."""
    stated = [each for action in domain.actions for each in (*action.requires, *action.effects)]
    return frozenset(e.fluent for e in (*stated, *goal) if e.relation is not Relation.IS)


def useful(domain: Domain, goal: Sequence[Literal]) -> tuple[Action, ...]:
    """Return the actions that can have to do with the goal, by their fluents."""
    wanted = {each.fluent for each in goal}
    chosen: dict[str, Action] = {}
    grows = True
    while grows:
        grows = False
        for action in domain.actions:
            if action.name in chosen or not wanted & {each.fluent for each in action.effects}:
                continue
            chosen[action.name] = action
            wanted |= {each.fluent for each in action.requires}
            grows = True
    return tuple(each for each in domain.actions if each.name in chosen)


def instantiate(
    domain: Domain, initial: Reality, goal: Sequence[Literal], budget: Budget
) -> Instances:
    """Return every step that can be reached where effects only ever add."""
    return _Join(domain, initial, goal, budget).run()


class _Shape(msgspec.Struct, frozen=True, eq=False):
    """An action split into what is joined, what is known beforehand and what is left open."""

    action: Action
    joined: tuple[_Fact, ...]
    known: tuple[Literal, ...]
    made: tuple[Literal, ...]
    kinds: dict[str, str]


class _Join:
    def __init__(
        self, domain: Domain, initial: Reality, goal: Sequence[Literal], budget: Budget
    ) -> None:
        self.initial, self.budget = initial, budget
        self.things = {each.name: each for each in domain.things}
        actions = useful(domain, goal)
        self.numeric = counted_fluents(domain, goal)
        self.changing = {each.fluent for action in actions for each in action.effects}
        self.shapes = [self._shape(each) for each in actions]
        self.facts: dict[str, dict[_Fact, None]] = defaultdict(dict)
        self.index: dict[tuple[str, int, Constant], list[_Fact]] = defaultdict(list)
        self.queue: deque[_Fact] = deque()
        self.found: dict[tuple[str, ...], Step] = {}
        self.of_kind: dict[str, list[str]] = {}
        self.whole = True
        self.users: dict[str, list[tuple[_Shape, int]]] = defaultdict(list)
        for shape in self.shapes:
            for number, pattern in enumerate(shape.joined):
                self.users[str(pattern[0])].append((shape, number))

    def run(self) -> Instances:
        for atom, value in self.initial.items():
            if value is not False and atom[0] not in self.numeric:
                self._learn((*atom, value))
        self.queue.clear()
        for shape in self.shapes:
            self._complete(shape, {}, list(shape.joined))
        while self.queue and self.whole:
            fact = self.queue.popleft()
            for shape, number in self.users[str(fact[0])]:
                binding = self._matched(shape, shape.joined[number], fact, {})
                if binding is not None:
                    rest = [e for n, e in enumerate(shape.joined) if n != number]
                    self._complete(shape, binding, rest)
        return Instances(steps=tuple(self.found.values()), whole=self.whole)

    def _shape(self, action: Action) -> _Shape:
        joined, known = [], []
        for each in action.requires:
            positive = each.relation is Relation.IS and each.value is not False
            if positive and each.fluent not in self.numeric:
                joined.append((each.fluent, *each.arguments, each.value))
            elif each.fluent not in self.changing:
                known.append(each)
        made = tuple(
            each
            for each in action.effects
            if each.value is not False and each.fluent not in self.numeric
        )
        kinds = {each.name: each.kind for each in action.parameters}
        return _Shape(action, tuple(joined), tuple(known), made, kinds)

    def _learn(self, fact: _Fact) -> None:
        known = self.facts[str(fact[0])]
        if fact in known:
            return
        known[fact] = None
        for position, term in enumerate(fact):
            if position:
                self.index[str(fact[0]), position, term].append(fact)
        self.queue.append(fact)

    def _matched(
        self, shape: _Shape, pattern: _Fact, fact: _Fact, binding: dict[str, str]
    ) -> dict[str, str] | None:
        """Return the binding under which a pattern is a fact; None where there is none."""
        if len(pattern) != len(fact):
            return None
        bound = dict(binding)
        for term, value in zip(pattern, fact, strict=True):
            if isinstance(term, str) and term[:1] == VARIABLE:
                was = bound.get(term)
                if was is None:
                    if not isinstance(value, str) or not self._fits(value, shape.kinds[term]):
                        return None
                    bound[term] = value
                elif was != value:
                    return None
            elif term is not value and (term != value or is_number(term) != is_number(value)):
                return None
        return bound

    def _fits(self, name: str, kind: str) -> bool:
        thing = self.things.get(name)
        return not kind or (thing is not None and thing.is_a(kind))

    def _candidates(self, pattern: _Fact, binding: dict[str, str]) -> Sequence[_Fact]:
        """Return the fewest facts among which all that match a pattern are."""
        fluent = str(pattern[0])
        best: Sequence[_Fact] | None = None
        for position, term in enumerate(pattern):
            if not position:
                continue
            value = binding.get(term, term) if isinstance(term, str) else term
            if isinstance(value, str) and value[:1] == VARIABLE:
                continue
            found = self.index.get((fluent, position, value), ())
            if best is None or len(found) < len(best):
                best = found
        return tuple(self.facts[fluent]) if best is None else best

    def _complete(self, shape: _Shape, binding: dict[str, str], rest: list[_Fact]) -> None:
        """Take up every step of an action that a binding can be completed to."""
        if not self.whole:
            return
        if not rest:
            for values in self._open(shape, binding):
                self._take(shape, values)
            return
        options = [self._candidates(each, binding) for each in rest]
        number = min(range(len(rest)), key=lambda n: len(options[n]))
        others = [each for n, each in enumerate(rest) if n != number]
        for fact in tuple(options[number]):
            longer = self._matched(shape, rest[number], fact, binding)
            if longer is not None:
                self._complete(shape, longer, others)

    def _open(self, shape: _Shape, binding: dict[str, str]) -> Iterator[dict[str, str]]:
        """Yield a binding with the variables that no joined condition names, in every way."""
        missing = next((name for name in shape.kinds if name not in binding), None)
        if missing is None:
            yield binding
            return
        for name in self._named(shape.kinds[missing]):
            yield from self._open(shape, {**binding, missing: name})
            if not self.whole:
                return

    def _named(self, kind: str) -> list[str]:
        if kind not in self.of_kind:
            self.of_kind[kind] = [n for n, each in self.things.items() if each.is_a(kind)]
        return self.of_kind[kind]

    def _take(self, shape: _Shape, values: dict[str, str]) -> None:
        key = (shape.action.name, *(values[name] for name in shape.kinds))
        if key in self.found:
            return
        if not all(is_met(bind(each, values), self.initial) for each in shape.known):
            return
        if len(self.found) >= STEPS_MAX or (
            len(self.found) % STEPS_PER_ASK == 0 and self.budget() <= 0
        ):
            self.whole = False
            return
        ordered = {name: values[name] for name in shape.kinds}
        self.found[key] = Step(action=shape.action.name, values=ordered)
        for effect in shape.made:
            done = bind(effect, values)
            self._learn((done.fluent, *done.arguments, done.value))
