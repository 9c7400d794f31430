"""From a goal to chains of calls, ranked; with a question where none of them is certain."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import assert_never

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.model.explanation import DiscoveryCode, Explanation
from fabloop.model.ids import ServiceId
from fabloop.model.service import Literal, Parameter, ServiceDescription
from fabloop.services.composition.answers import Answer, Question, first_of, remembered
from fabloop.services.composition.chain import SURE, Chain, Search, moved, shifted
from fabloop.services.composition.plan import (
    Binding,
    Composition,
    FromData,
    FromGiven,
    FromNobody,
    FromStep,
    Step,
)
from fabloop.services.discovery import Circumstances, Entry, Hit, Index, Intent, find
from fabloop.services.words import stem, telling, words_of

CANDIDATES_MAX = 8
ALTERNATIVES_MAX = 10
WISHES_MAX = 10
COMBINED_MAX = 2_000
"""How many combinations of ways to several wishes are looked at, at most."""
GOAL_MIN = 0.45
"""Operations less alike to the goal than this are not proposed."""
GOAL_SURE = 0.7
BEHIND_MAX = 0.2
"""How far behind the best an operation may be and still be proposed."""
AHEAD_MIN = 0.05
"""How far ahead of the next way the best has to be, unless it is also cheaper."""


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be reached.

    Attributes
    ----------
    wanted : one or more things; a composition does all of them
    given : values that are known beforehand
    first : an operation whose outputs are what the rest goes by, called first
    each : do it with every service that can, not with one of them
    among : only these services; None is any
    brings : what has to be so by its calls, by name (``told``); ways that do not are left out
    """

    wanted: tuple[Intent, ...]
    given: tuple[Parameter, ...] = ()
    first: Entry | None = None
    each: bool = False
    among: frozenset[ServiceId] | None = None
    brings: tuple[str, ...] = ()


class Composed(msgspec.Struct, frozen=True, kw_only=True):
    """Ways to a goal, the one to take first; and what a person is asked where none is certain.

    `unreached` are the wishes that no service answers.
    """

    alternatives: tuple[Composition, ...]
    question: Question | None = None
    unreached: tuple[Intent, ...] = ()


class _Way(msgspec.Struct, frozen=True):
    """Steps that do one of the things wanted."""

    steps: tuple[Step, ...]
    confidence: float
    certain: bool
    because: tuple[Explanation, ...]


def compose(
    index: Index,
    goal: Goal,
    at: Circumstances,
    answers: Iterable[Answer] = (),
    *,
    data: bool = True,
) -> Composed:
    """Return ways to reach a goal, the surest and then the cheapest first.

    What a person chose for the same goal before comes first and is certain, as long as it is
    still possible. Hard conditions of the wishes are judged by `discovery.find`.

    Raises
    ------
    Invalid
        More than `WISHES_MAX` things are wanted.
    """
    if len(goal.wanted) > WISHES_MAX:
        raise Invalid(
            Fault(
                source="goal",
                path="wanted",
                expected=f"at most {WISHES_MAX} wishes",
                found=str(len(goal.wanted)),
                hint="Compose them one after the other.",
            )
        )
    first = None
    if goal.first is not None:
        first = Search(index, goal.given, data=False).opening(goal.first)
    search = Search(index, goal.given, first=first, data=data)
    ways = [_ways(index, goal, wish, search, at) for wish in goal.wanted]
    unreached = tuple(wish for wish, found in zip(goal.wanted, ways, strict=True) if not found)
    if unreached or not ways:
        return Composed(alternatives=(), unreached=unreached)
    each_most = max(2, int(COMBINED_MAX ** (1.0 / len(ways))))
    few = [found[:each_most] for found in ways]
    found = [_composition(parts, first) for parts in product(*few)]
    found = [each for each in found if _brings(each, goal.brings)]
    found.sort(key=_order)
    found = _spread(_once(found))[:ALTERNATIVES_MAX]
    ruled = _sole(found) if goal.brings else None
    return _answered(goal, ruled or _ruled(found), answers)


def _ways(index: Index, goal: Goal, wish: Intent, search: Search, at: Circumstances) -> list[_Way]:
    """Return ways to do one of the things wanted."""
    hits = [each for each in find(index, wish, at, index_most(index)).hits if _may(each, goal)]
    best = max((each.likeness for each in hits), default=0.0)
    near = [each for each in hits if each.likeness >= max(GOAL_MIN, best - BEHIND_MAX)]
    near.sort(key=lambda each: -each.likeness)
    ways = [_way(hit, chain) for hit in near[:CANDIDATES_MAX] for chain in search.chains(hit.entry)]
    if not goal.each:
        return ways
    once: dict[str, _Way] = {}
    for way in ways:
        once.setdefault(way.steps[-1].entry.name, way)
    return [_together(list(once.values()), goal.first is not None)] if once else []


def index_most(index: Index) -> int:
    """Return how many hits are looked at: all that could be near the best."""
    return min(len(index.entries), 200)


def _may(hit: Hit, goal: Goal) -> bool:
    entry = hit.entry
    if goal.first is not None and entry.name == goal.first.name:
        return False
    return goal.among is None or entry.service.id in goal.among


def _way(hit: Hit, chain: Chain) -> _Way:
    told = all(each.entry.operation.certainty >= 1.0 for each in chain.steps)
    bindings = [each for step in chain.steps for each in step.bindings]
    bound = all(each.confidence >= SURE or isinstance(each.source, FromData) for each in bindings)
    return _Way(
        chain.steps,
        min(hit.likeness, chain.confidence),
        hit.certain and hit.likeness >= GOAL_SURE and told and bound,
        hit.because,
    )


def _together(ways: Sequence[_Way], with_first: bool) -> _Way:  # a finding
    """Return one way that takes all of them."""
    steps: tuple[Step, ...] = ways[0].steps[:1] if with_first else ()
    for way in ways:
        steps = _joined(steps, way.steps, with_first=with_first)
    return _Way(
        steps,
        min(each.confidence for each in ways),
        all(each.certain for each in ways),
        tuple(reason for each in ways for reason in each.because),
    )


def _joined(
    steps: tuple[Step, ...], more: tuple[Step, ...], *, with_first: bool
) -> tuple[Step, ...]:
    """Return steps with those of another way behind them; the first call is made once."""
    if not steps:
        return more
    shared = 1 if with_first else 0
    by = len(steps) - shared
    if with_first:
        return (*steps, *(shifted(each, by) for each in more[shared:]))
    return (*steps, *(moved(each, by) for each in more))


def _composition(parts: Sequence[_Way], first: Step | None) -> Composition:
    steps: tuple[Step, ...] = () if first is None else (first,)
    for part in parts:
        steps = _joined(steps, part.steps, with_first=first is not None)
    operations = [each.entry.operation for each in steps]
    costs = [each.cost_minor for each in operations]
    durations = [each.duration_ns for each in operations]
    currencies = {each.currency for each in operations if each.cost_minor is not None}
    known = [each for each in costs if each is not None]
    spans = [each for each in durations if each is not None]
    priced = len(known) == len(costs) and len(currencies) <= 1
    return Composition(
        steps=steps,
        confidence=min(each.confidence for each in parts),
        certain=all(each.certain for each in parts),
        cost_minor=sum(known) if priced else None,
        currency=next(iter(currencies), ""),
        duration_ns=sum(spans) if len(spans) == len(durations) else None,
        because=(
            *(reason for each in parts for reason in each.because),
            *(reason for each in steps for reason in _fed(each, steps)),
        ),
    )


def _fed(step: Step, steps: Sequence[Step]) -> Iterable[Explanation]:
    """Yield where each input of a step comes from."""
    for each in step.bindings:
        yield _explained(step, each, steps)


def _explained(step: Step, binding: Binding, steps: Sequence[Step]) -> Explanation:
    said = f" ({binding.change.said})" if binding.change.said else ""
    details = {"input": binding.input, "change": said}
    match binding.source:
        case FromStep(step=number, output=output, part=part):
            details |= {"source": steps[number].entry.name, "output": part or output}
            code = DiscoveryCode.FED_BY
        case FromGiven(name=name):
            details |= {"source": "what is known", "output": name}
            code = DiscoveryCode.FED_BY
        case FromData(need=need):
            details |= {"target": step.needs[need].targets[0]}
            code = DiscoveryCode.FED_BY_DATA
        case FromNobody():
            code = DiscoveryCode.FED_BY_NOBODY
        case _:
            assert_never(binding.source)
    return Explanation(code=code, subject=step.entry.name, details=details)


def _order(each: Composition) -> tuple[float, bool, int, int]:
    cost, span = each.cost_minor, each.duration_ns
    return (-round(each.confidence, 1), cost is None, cost or 0, span or 0)


def _once(found: Iterable[Composition]) -> list[Composition]:
    """Return the first of those that consist of the same calls with the same bindings."""
    seen: set[tuple[object, ...]] = set()
    kept: list[Composition] = []
    for each in found:
        mark = tuple((step.entry.name, step.bindings) for step in each.steps)
        if mark not in seen:
            seen.add(mark)
            kept.append(each)
    return kept


def _spread(found: list[Composition]) -> list[Composition]:
    """Return the best of each set of calls first, then the same calls bound in other ways."""
    best: dict[tuple[str, ...], Composition] = {}
    for each in found:
        best.setdefault(each.signature, each)
    firsts = list(best.values())
    return [*firsts, *(each for each in found if best[each.signature] is not each)]


def _ruled(found: list[Composition]) -> list[Composition]:
    """Return them with none certain where another way is just as good and not dearer."""
    if len(found) < 2 or not found[0].certain:
        return [
            msgspec.structs.replace(each, certain=each.certain and not n)
            for n, each in enumerate(found)
        ]
    best = found[0]
    rivals = [
        each
        for each in found[1:]
        if each.signature != best.signature and each.confidence > best.confidence - AHEAD_MIN
    ]
    cheapest = all(
        each.cost_minor is not None
        and best.cost_minor is not None
        and best.currency == each.currency
        and best.cost_minor < each.cost_minor
        for each in rivals
    )
    first = msgspec.structs.replace(best, certain=best.certain and cheapest)
    return [first, *(msgspec.structs.replace(each, certain=False) for each in found[1:])]


def _answered(goal: Goal, found: list[Composition], answers: Iterable[Answer]) -> Composed:
    """Return the ways with what a person chose before at the front, or with a question."""
    key = key_of(goal)
    options = tuple(dict.fromkeys(each.signature for each in found))
    answer = remembered(answers, key)
    number = first_of([each.signature for each in found], answer)
    if answer is not None and number is not None:
        known = Explanation(
            code=DiscoveryCode.ANSWERED_BEFORE,
            subject=", ".join(answer.chosen),
            details={"by": answer.by},
        )
        whole = not any(
            isinstance(each.source, FromNobody)
            for step in found[number].steps
            for each in step.bindings
        )
        chosen = msgspec.structs.replace(
            found[number], certain=whole, because=(known, *found[number].because)
        )
        rest = [
            msgspec.structs.replace(each, certain=False)
            for n, each in enumerate(found)
            if n != number
        ]
        return Composed(alternatives=(chosen, *rest))
    if found and found[0].certain:
        return Composed(alternatives=tuple(found))
    question = Question(
        key=key, goal="; ".join(_said(each) for each in goal.wanted), options=options
    )
    return Composed(alternatives=tuple(found), question=question if found else None)


def _brings(found: Composition, wanted: Sequence[str]) -> bool:
    """Tell whether the calls of a way bring about all that is wanted, by their descriptions."""
    made = {
        each.fluent
        for step in found.steps
        for each in step.entry.operation.effects
        if each.value is not False
    }
    return made.issuperset(wanted)


def _sole(found: list[Composition]) -> list[Composition] | None:
    """Return them with the first one certain where no other calls bring about what is wanted.

    Then likeness need not be trusted: descriptions say that these calls do it, and that no others
    do. Values that a person has to give, and what is not surely described, leave it in doubt.
    """
    if len({each.signature for each in found}) != 1:
        return None
    steps = found[0].steps
    open_ = any(isinstance(e.source, FromNobody) for step in steps for e in step.bindings)
    sure = not open_ and all(each.entry.operation.certainty >= 1.0 for each in steps)
    rest = [msgspec.structs.replace(each, certain=False) for each in found[1:]]
    return [msgspec.structs.replace(found[0], certain=sure), *rest]


def _said(wish: Intent) -> str:
    return wish.text or " ".join((*wish.keywords, *wish.outputs))


def key_of(goal: Goal) -> str:
    """Return what tells a goal from others: what is wanted and known, not how it is said."""
    wishes = [
        " ".join(sorted({stem(word) for word in telling(words_of(" ".join(named)))}))
        for named in ((*wish.keywords, *wish.outputs) or (wish.text,) for wish in goal.wanted)
    ]
    first = "" if goal.first is None else goal.first.name
    given = ",".join(sorted(each.name for each in goal.given))
    return f"{' + '.join(wishes)} | {first} | {given} | {'each' if goal.each else 'one'}"


def feeders(services: Sequence[ServiceDescription], service: ServiceId) -> frozenset[ServiceId]:
    """Return the services upstream of one: what they bring about is what it requires."""
    requires = {
        each.id: {_mark(lit) for operation in each.operations for lit in operation.requires}
        for each in services
    }
    effects = {
        each.id: {_mark(lit) for operation in each.operations for lit in operation.effects}
        for each in services
    }
    found: set[ServiceId] = set()
    edge = [service]
    while edge:
        wanted = set[tuple[str, object]]().union(*(requires.get(each, set()) for each in edge))
        edge = [
            each
            for each, made in effects.items()
            if each not in found and each != service and made & wanted
        ]
        found.update(edge)
    return frozenset(found)


def _mark(literal: Literal) -> tuple[str, object]:
    return literal.fluent, literal.value
