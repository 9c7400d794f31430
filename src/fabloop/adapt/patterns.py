"""Repairs that were approved once, without the names of things: offered first the next time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from fabloop.adapt.repair.course import Course, course_of
from fabloop.adapt.repair.domain import Step
from fabloop.adapt.repair.many import about, hit_tokens, spread_over
from fabloop.adapt.repair.placing import (
    Candidate,
    danger_of,
    goal_of,
    in_place_of,
    meant_by,
    placed,
    replaceable,
)
from fabloop.adapt.repair.proposal import RepairOption, Situation
from fabloop.adapt.repair.reality import VARIABLE, bind
from fabloop.adapt.repair.rebind import Blank, Outline, rebound
from fabloop.adapt.repair.simulate import breaches
from fabloop.adapt.repair.task import Budget, part
from fabloop.adapt.repair.weave import How
from fabloop.model.service import Literal

PATTERNS_MAX = 1_000
"""Patterns that are kept; the one used least goes first."""

MATCHES_MAX = 8
"""Ways in which one pattern is laid over one situation."""


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """What was missing and what was done about it; things are variables (``?1``) by kind.

    Attributes
    ----------
    missing : the conditions that were not met; their variables are what the repair was for
    steps : with variables, and blanks for whatever may stand in for what was used
    instead_of : the actions that it stood in for; empty where it stood before or beside
    used : how often it was approved
    """

    id: str
    missing: tuple[Literal, ...]
    kinds: dict[str, str]
    steps: tuple[Step, ...]
    blanks: dict[str, Blank]
    instead_of: tuple[str, ...] = ()
    used: int = 1


def learned(
    patterns: Sequence[Pattern], option: RepairOption, situation: Situation
) -> tuple[Pattern, ...]:
    """Return patterns with one more: what an approved option does, without the names of things.

    One that is known already counts once more. Of many things that were recovered in the same
    way, what was done for the first one is learnt.
    """
    made = _generalised(option, situation)
    alike = next((each for each in patterns if _essence(each) == _essence(made)), None)
    if alike is not None:
        more = replace(alike, used=alike.used + 1)
        return tuple(more if each is alike else each for each in patterns)
    kept = list(patterns)
    if len(kept) >= PATTERNS_MAX:
        kept.remove(min(kept, key=lambda each: each.used))
    return (*kept, made)


def recalled(
    patterns: Iterable[Pattern], situation: Situation, budget: Budget
) -> tuple[Candidate, ...]:
    """Return what patterns yield for a situation, tried out anew; the most used ones first.

    They are candidates for `repair`, which verifies and prices them like any other.
    """
    ranked = sorted(patterns, key=lambda each: (-each.used, each.id))
    found: list[Candidate] = []
    for number, pattern in enumerate(ranked):
        share = part(budget, 1 / (len(ranked) - number))
        found += _laid_over(pattern, situation, share)
    return tuple(found)


# -- learning -----------------------------------------------------------------------------------


def _generalised(option: RepairOption, situation: Situation) -> Pattern:
    things = {each.name: each for each in situation.domain.things}
    danger = danger_of(situation)
    hit = hit_tokens(situation.tokens, goal_of(situation), situation.physical)
    others = frozenset(hit[1:])
    missing = tuple(
        dict.fromkeys(e.condition for e in danger if not others.intersection(_names(e.condition)))
    )
    named = dict.fromkeys(n for each in missing for n in _names(each) if n in things)
    variable = {name: f"{VARIABLE}{number}" for number, name in enumerate(named, 1)}
    blanks: dict[str, Blank] = {}
    steps = []
    for step in option.course.steps:
        if others.intersection(step.values.values()):
            continue
        values = {}
        for name, value in step.values.items():
            if value in variable or value not in things:
                values[name] = variable.get(value, value)
                continue
            values[name] = f"*{value}"
            blanks[values[name]] = Blank(kind=things[value].kind, usual=value)
        steps.append(Step(action=step.action, values=values))
    return Pattern(
        id=option.id,
        missing=tuple(_lifted(each, variable) for each in missing),
        kinds={sign: things[name].kind for name, sign in variable.items()},
        steps=tuple(steps),
        blanks=blanks,
        instead_of=_stood_in_for(option, situation),
    )


def _names(literal: Literal) -> tuple[str, ...]:
    value = (literal.value,) if isinstance(literal.value, str) else ()
    return (*literal.arguments, *value)


def _lifted(literal: Literal, variable: Mapping[str, str]) -> Literal:
    value = literal.value
    return replace(
        literal,
        arguments=tuple(variable.get(each, each) for each in literal.arguments),
        value=variable.get(value, value) if isinstance(value, str) else value,
    )


def _stood_in_for(option: RepairOption, situation: Situation) -> tuple[str, ...]:
    if option.spot.how is not How.INSTEAD:
        return ()
    return tuple(situation.work[each].action for each in option.spot.nodes)


def _essence(pattern: Pattern) -> tuple[object, ...]:
    """Return what makes a pattern the one it is: not what was at hand when it was learnt."""
    number = {blank: f"*{n}" for n, blank in enumerate(pattern.blanks)}
    steps = tuple(
        (each.action, *((name, number.get(v, v)) for name, v in each.values.items()))
        for each in pattern.steps
    )
    return pattern.missing, steps, pattern.instead_of


# -- recalling ----------------------------------------------------------------------------------


def _laid_over(pattern: Pattern, situation: Situation, budget: Budget) -> Iterator[Candidate]:
    danger = tuple(dict.fromkeys(each.condition for each in danger_of(situation)))
    hit = hit_tokens(situation.tokens, goal_of(situation), situation.physical)
    others = frozenset(hit[1:])
    own = tuple(e for e in danger if not others.intersection(_names(e)))
    goal = _goal(pattern, situation)
    if goal is None:
        return
    for count, values in enumerate(_matches(pattern, own, situation)):
        if count >= MATCHES_MAX or budget() <= 0:
            return
        course = _course(pattern, values, situation, goal, budget)
        if course is None:
            continue
        if pattern.instead_of:
            row = _row(pattern, situation)
            yield replace(in_place_of(situation, course, row), pattern=pattern.id)
        else:
            yield replace(next(placed(situation, (course,))), pattern=pattern.id)
        return


def _row(pattern: Pattern, situation: Situation) -> tuple[str, ...]:
    """Return the nodes that a pattern stands in for here; empty where there are none such."""
    for row in replaceable(situation):
        if tuple(situation.work[each].action for each in row) == pattern.instead_of:
            return row
    return ()


def _goal(pattern: Pattern, situation: Situation) -> tuple[Literal, ...] | None:
    if not pattern.instead_of:
        return goal_of(situation)
    row = _row(pattern, situation)
    return meant_by(situation, row) if row else None


def _course(
    pattern: Pattern,
    values: Mapping[str, str],
    situation: Situation,
    goal: tuple[Literal, ...],
    budget: Budget,
) -> Course | None:
    """Return the steps of a pattern with things in them that are there, if they still help."""
    known = {each.name for each in situation.domain.actions}
    if not {each.action for each in pattern.steps} <= known:
        return None
    steps = tuple(
        replace(each, values={name: values.get(v, v) for name, v in each.values.items()})
        for each in pattern.steps
    )
    outline = Outline(steps=steps, blanks=pattern.blanks)
    hit = hit_tokens(situation.tokens, goal, situation.physical)
    own = about(goal, hit[0], situation.tokens) if len(hit) > 1 else goal
    bounds = rebound(outline, situation.domain, situation.physical, own, budget)
    if bounds is None:
        return None
    course: Course | None = course_of(bounds)
    if course is not None and len(hit) > 1:
        course = spread_over(
            situation.domain,
            situation.physical,
            goal,
            situation.tokens,
            course,
            budget,
            situation.wish,
        )
    if course is None or breaches(situation.domain, course, situation.physical, goal):
        return None
    return course


def _matches(
    pattern: Pattern, danger: Sequence[Literal], situation: Situation
) -> Iterator[dict[str, str]]:
    """Yield the things that stand for the variables, where just what is missing was missing."""
    things = {each.name: each for each in situation.domain.things}

    def match(number: int, values: dict[str, str]) -> Iterator[dict[str, str]]:
        if number == len(pattern.missing):
            if {bind(each, values) for each in pattern.missing} == set(danger):
                yield values
            return
        for condition in danger:
            longer = _unified(pattern.missing[number], condition, values)
            if longer is None or any(
                name not in things or not things[name].is_a(pattern.kinds[sign])
                for sign, name in longer.items()
            ):
                continue
            yield from match(number + 1, longer)

    yield from match(0, {})


def _unified(form: Literal, condition: Literal, values: Mapping[str, str]) -> dict[str, str] | None:
    same = (form.fluent, form.relation, len(form.arguments)) == (
        condition.fluent, condition.relation, len(condition.arguments),
    )  # fmt: skip
    if not same:
        return None
    found = dict(values)
    pairs = [*zip(form.arguments, condition.arguments, strict=True)]
    if isinstance(form.value, str) and isinstance(condition.value, str):
        pairs.append((form.value, condition.value))
    elif form.value != condition.value:
        return None
    for sign, name in pairs:
        if sign.startswith(VARIABLE):
            if found.setdefault(sign, name) != name:
                return None
        elif sign != name:
            return None
    return found
