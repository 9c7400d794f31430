"""What of a process concerns which goals: compiled once per process, looked up per event."""

from collections.abc import Mapping
from typing import Any

import msgspec

from fabloop.adapt.goals.reasons import consequence
from fabloop.base.errors import FabloopError
from fabloop.base.instant import Instant
from fabloop.base.period import moment_of
from fabloop.feel import Expression, compile_expression
from fabloop.model.goal import (
    BUSINESS_KEY,
    INSTANCE,
    Always,
    AtMost,
    By,
    EventDefinition,
    Goal,
    GoalSet,
    HoldsAt,
    NotBefore,
    Precedes,
    Share,
    Source,
    Subject,
    Within,
)
from fabloop.model.ids import GoalId
from fabloop.process.history.event import EventKind

_KINDS: dict[Source, tuple[EventKind, ...]] = {
    Source.START: (EventKind.STARTED, EventKind.PASSED),
    Source.COMPLETION: (EventKind.COMPLETED, EventKind.PASSED),
    Source.CANCELLATION: (EventKind.CANCELLED,),
    Source.FAILURE: (EventKind.FAILED,),
    Source.INCIDENT: (EventKind.INCIDENT_RAISED,),
    Source.FACT: (),
}
_WHOLE = {
    Source.START: EventKind.INSTANCE_STARTED,
    Source.COMPLETION: EventKind.INSTANCE_COMPLETED,
    Source.CANCELLATION: EventKind.INSTANCE_CANCELLED,
}
KEYS_MAX = 10_000
"""Subjects that one process instance may stand for."""

Slot = tuple[EventKind, str]


class Rule(msgspec.Struct, frozen=True, eq=False):
    """An event of a subject that happens in a process: its name, and under which condition.

    `outermost`: only what happens to an instance that nobody called is meant. `keyed`: variables
    tell whose it is, which may be known later only.
    """

    name: str
    subject: str
    when: Expression | None
    outermost: bool
    keyed: bool


class Condition(msgspec.Struct, frozen=True, eq=False):
    """A goal's condition over variables, or the instant by which."""

    goal: GoalId
    subject: str
    expression: Expression
    is_due: bool


class Own(msgspec.Struct, frozen=True, eq=False):
    """How an instance of the process tells whose it is; without an expression by its keys."""

    subject: Subject
    expression: Expression | None


class Index(msgspec.Struct, kw_only=True, eq=False):
    """All that concerns one process.

    Attributes
    ----------
    rules : events by kind and node
    at : per event, the goals whose condition is to hold when it happens
    subjects : what its instances stand for by themselves
    inherits : what they stand for as its caller does
    names : variables that are read
    """

    rules: dict[Slot, tuple[Rule, ...]]
    at: dict[str, tuple[Condition, ...]]
    conditions: tuple[Condition, ...]
    subjects: tuple[Own, ...]
    inherits: frozenset[str]
    names: frozenset[str]


class Book:
    """The goals, compiled: an index per process, and how often each event is to be remembered."""

    def __init__(self, goals: GoalSet) -> None:
        self.goals = goals
        self._compiled: dict[str, Expression] = {}
        self._indexes: dict[str, Index] = {}
        self.of_subject = {
            name: _bottom_up([each for each in goals.goals.values() if each.subject == name])
            for name in goals.subjects
        }
        self.parts: dict[GoalId, tuple[Goal, ...]] = {
            key: tuple(each for each in goals.goals.values() if each.part_of == key)
            for key in goals.goals
        }
        shares = [
            (each.measure.goal, each.id)
            for each in goals.kpis.values()
            if isinstance(each.measure, Share)
        ]
        self.follows = {
            key: consequence(each, [kpi for goal, kpi in shares if goal == key])
            for key, each in goals.goals.items()
        }
        self.uses = {key: frozenset(uses(each)) for key, each in goals.goals.items()}
        self.keeps = self._keeps()
        self.awaited = {
            name: tuple(
                dict.fromkeys(
                    each.statement.what for each in found if isinstance(each.statement, Within | By)
                )
            )
            for name, found in self.of_subject.items()
        }

    def index(self, process: str) -> Index:
        """Return what concerns a process."""
        found = self._indexes.get(process)
        if found is None:
            found = self._indexes[process] = self._index(process)
        return found

    def _keeps(self) -> dict[str, int]:
        keeps = dict.fromkeys(self.goals.events, 1)
        for goal in self.goals.goals.values():
            if isinstance(goal.statement, AtMost):
                what = goal.statement.what
                keeps[what] = max(keeps.get(what, 1), goal.statement.times + 1)
        return keeps

    def _feel(self, text: str) -> Expression:
        if text not in self._compiled:
            self._compiled[text] = compile_expression(text)
        return self._compiled[text]

    def _index(self, process: str) -> Index:
        rules: dict[Slot, list[Rule]] = {}
        for name, event in self.goals.events.items():
            if event.process in ("", process):
                when = self._feel(event.when) if event.when else None
                outermost = not event.node and not event.process
                key = self.goals.subjects[event.subject].key
                keyed = key not in (BUSINESS_KEY, INSTANCE)
                rule = Rule(name, event.subject, when, outermost, keyed)
                for slot in _slots(event):
                    rules.setdefault(slot, []).append(rule)
        own = [each for each in self.goals.subjects.values() if each.process in ("", process)]
        subjects = tuple(Own(each, self._key(each)) for each in own)
        at, conditions = self._conditions()
        read = [each.when for found in rules.values() for each in found]
        read += [each.expression for each in subjects]
        read += [each.expression for each in conditions]
        read += [each.expression for found in at.values() for each in found]
        return Index(
            rules={slot: tuple(found) for slot, found in rules.items()},
            at=at,
            conditions=conditions,
            subjects=subjects,
            inherits=frozenset(self.goals.subjects) - {each.name for each in own},
            names=frozenset().union(*(each.variables for each in read if each is not None)),
        )

    def _key(self, subject: Subject) -> Expression | None:
        return None if subject.key in (BUSINESS_KEY, INSTANCE) else self._feel(subject.key)

    def _conditions(self) -> tuple[dict[str, tuple[Condition, ...]], tuple[Condition, ...]]:
        at: dict[str, list[Condition]] = {}
        found: list[Condition] = []
        for goal in self.goals.goals.values():
            match goal.statement:
                case HoldsAt(what=what, condition=text):
                    each = Condition(goal.id, goal.subject, self._feel(text), is_due=False)
                    at.setdefault(what, []).append(each)
                case Always(condition=text):
                    found.append(Condition(goal.id, goal.subject, self._feel(text), is_due=False))
                case By(by=text):
                    found.append(Condition(goal.id, goal.subject, self._feel(text), is_due=True))
                case _:
                    pass
        return {name: tuple(each) for name, each in at.items()}, tuple(found)


def _slots(event: EventDefinition) -> tuple[Slot, ...]:
    if not event.node:
        return ((_WHOLE[event.source], ""),) if event.source in _WHOLE else ()
    return tuple((kind, event.node) for kind in _KINDS[event.source])


def _bottom_up(goals: list[Goal]) -> tuple[Goal, ...]:
    """Return goals so that each comes after those that are its parts."""
    above = {goal.id: goal.part_of for goal in goals}

    def depth(goal: Goal) -> int:
        count, key = 0, goal.part_of
        while key is not None:
            count, key = count + 1, above.get(key)
        return count

    return tuple(sorted(goals, key=depth, reverse=True))


def value_in(expression: Expression, variables: Mapping[str, Any], now: Instant) -> object:
    """Return the value of an expression; what cannot be evaluated has none."""
    try:
        return expression.evaluate(variables, now=now)
    except FabloopError:
        return None


def instant_in(expression: Expression, variables: Mapping[str, Any], now: Instant) -> int | None:
    """Return the instant that an expression gives; None where it gives none."""
    value = value_in(expression, variables, now)
    if isinstance(value, str):
        try:
            return moment_of(value)
        except (ValueError, OverflowError):
            return None
    return None


def keys_in(value: object) -> tuple[str, ...]:
    """Return the keys that an expression gives: a text, a whole number, or a list of them."""
    found = []
    for each in value[:KEYS_MAX] if isinstance(value, list) else [value]:
        if isinstance(each, str) and each:
            found.append(each)
        elif isinstance(each, int) and not isinstance(each, bool):
            found.append(str(each))
    return tuple(found)


def uses(goal: Goal) -> tuple[str, ...]:
    """Return the events of a goal's statement, what is awaited first."""
    match goal.statement:
        case Within() | NotBefore():
            return (goal.statement.what, goal.statement.after)
        case Precedes():
            return (goal.statement.what, goal.statement.before)
        case By() | AtMost() | HoldsAt():
            return (goal.statement.what,)
        case _:
            return ()
