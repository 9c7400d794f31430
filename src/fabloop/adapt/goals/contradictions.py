"""Finds goals that no history can meet together, and says why: before anything runs."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

import msgspec

from fabloop.adapt.goals.clashes import clashes
from fabloop.adapt.goals.reach import Earliest
from fabloop.base.instant import DAY, HOUR, span_text
from fabloop.base.period import Period
from fabloop.model.explanation import Explanation, GoalCode
from fabloop.model.goal import (
    Always,
    AtMost,
    Goal,
    GoalSet,
    HoldsAt,
    Kpi,
    NotBefore,
    Precedes,
    Relation,
    Within,
)
from fabloop.model.ids import GoalId

MODEL = GoalId("")
"""What says a constraint that no goal says: the model of the process."""


class Edge(msgspec.Struct, frozen=True):
    """`head` is at most `span` after `tail` (before it, where that is negative), by a goal."""

    tail: str
    head: str
    span: int
    goal: GoalId


def contradictions(goals: GoalSet, earliest: Earliest | None = None) -> tuple[Explanation, ...]:
    """Return every contradiction, each once; `earliest` is what models of processes say."""
    known = earliest or Earliest()
    found = [*_unknown(goals, known), *_looser(goals), *_limits(goals), *_conditions(goals)]
    for subject in goals.subjects:
        own = [each for each in goals.goals.values() if each.subject == subject]
        found += _of_subject(own, known)
    return tuple(found)


def _of_subject(own: Sequence[Goal], known: Earliest) -> Iterator[Explanation]:
    """Yield what contradicts itself as soon as an event happens, the first event of each."""
    edges = [edge for goal in own for edge in _edges(goal)]
    seen: set[frozenset[GoalId]] = set()
    for trigger in dict.fromkeys(edge.tail for edge in edges if edge.span > 0):
        must = _must(trigger, own)
        for event, by in must.items():
            never = next((g for g in own if _never(g, event)), None)
            if never is not None and seen.isdisjoint({frozenset((*by, never.id))}):
                seen.add(frozenset((*by, never.id)))
                yield _never_but_must(trigger, event, (*by, never.id))
        bounds = [each for each in edges if each.tail in must and each.head in must]
        models = _by_models(trigger, must, known)
        cycle = _negative_cycle((*bounds, *models), must)
        names = frozenset(each.goal for each in cycle)
        if cycle and names not in seen:
            seen.add(names)
            yield _too_little(trigger, cycle, known)


def _edges(goal: Goal) -> tuple[Edge, ...]:
    match goal.statement:
        case Within(what=what, span=span, after=after):
            return (Edge(after, what, _longest(span), goal.id),)
        case NotBefore(what=what, span=span, after=after):
            return (Edge(what, after, -_shortest(span), goal.id),)
        case Precedes(what=what, before=before):
            return (Edge(before, what, 0, goal.id),)
        case _:
            return ()


def _longest(span: Period) -> int:
    """Return how long a span is at most: days of 25 h, months of 31."""
    days = span.months * 31 + span.days
    return days * DAY + (HOUR if days else 0) + span.duration_ns


def _shortest(span: Period) -> int:
    days = span.months * 28 + span.days
    return days * DAY - (HOUR if days else 0) + span.duration_ns


def _must(trigger: str, own: Iterable[Goal]) -> dict[str, tuple[GoalId, ...]]:
    """Return what has to happen once an event has, and by which goals; needed ones included."""
    must: dict[str, tuple[GoalId, ...]] = {trigger: ()}
    goals = list(own)
    while True:
        before = len(must)
        for goal in goals:
            match goal.statement:
                case Within(what=what, after=after) if after in must:
                    must.setdefault(what, (*must[after], goal.id))
                case NotBefore(what=what, after=after) if what in must:
                    must.setdefault(after, (*must[what], goal.id))
                case Precedes(what=what, before=follows) if follows in must:
                    must.setdefault(what, (*must[follows], goal.id))
                case _:
                    pass
        if len(must) == before:
            return must


def _never(goal: Goal, event: str) -> bool:
    own = goal.statement
    return isinstance(own, AtMost) and own.times == 0 and own.what == event


def _by_models(trigger: str, must: Iterable[str], known: Earliest) -> list[Edge]:
    """Return that events cannot be sooner after the trigger than models of processes say."""
    found = []
    for event in must:
        least = known.between(trigger, event)
        if least is not None and event != trigger:
            found.append(Edge(event, trigger, -least.least_ns, MODEL))
    return found


def _negative_cycle(edges: Sequence[Edge], events: Iterable[str]) -> tuple[Edge, ...]:
    """Return constraints round a ring that leave less than nothing; none where all can hold."""
    nodes = list(events)
    distance = dict.fromkeys(nodes, 0)
    came: dict[str, Edge] = {}
    last = ""
    for _ in nodes:
        last = ""
        for edge in edges:
            if distance[edge.tail] + edge.span < distance[edge.head]:
                distance[edge.head] = distance[edge.tail] + edge.span
                came[edge.head] = edge
                last = edge.head
        if not last:
            return ()
    if not last:
        return ()
    for _ in nodes:  # back into the ring
        last = came[last].tail
    ring, at = [came[last]], came[last].tail
    while at != last:
        ring.append(came[at])
        at = came[at].tail
    return tuple(reversed(ring))


# -- telling ------------------------------------------------------------------------------------


def _names(goals: Iterable[GoalId]) -> str:
    return ", ".join(dict.fromkeys(each for each in goals if each))


def _too_little(trigger: str, cycle: Sequence[Edge], known: Earliest) -> Explanation:
    missing = span_text(-sum(each.span for each in cycle))
    goals = _names(each.goal for each in cycle)
    first = goals.split(",")[0]
    model = next((each for each in cycle if each.goal == MODEL), None)
    details = {"goals": goals, "trigger": trigger, "missing": missing}
    if model is None:
        return Explanation(code=GoalCode.CONTRARY, subject=first, details=details)
    least = known.between(model.head, model.tail)
    assert least is not None, "the model has said it"
    details |= {
        "trigger": model.head,
        "event": model.tail,
        "least": span_text(least.least_ns),
        "process": least.process,
        "path": ", ".join(least.path),
    }
    return Explanation(code=GoalCode.TOO_TIGHT, subject=first, details=details)


def _never_but_must(trigger: str, event: str, goals: Sequence[GoalId]) -> Explanation:
    details = {"goals": _names(goals), "trigger": trigger, "event": event}
    return Explanation(code=GoalCode.NEVER_BUT_MUST, subject=goals[-1], details=details)


def _looser(goals: GoalSet) -> Iterator[Explanation]:
    """Yield parts that allow more time than what they serve, for the same events."""
    for goal in goals.goals.values():
        above = goals.goals.get(goal.part_of) if goal.part_of is not None else None
        own = goal.statement
        if above is None or not isinstance(own, Within) or not isinstance(above.statement, Within):
            continue
        same = (own.what, own.after) == (above.statement.what, above.statement.after)
        if same and _shortest(own.span) > _longest(above.statement.span):
            details = {
                "own": span_text(_longest(own.span)),
                "above": above.id,
                "allowed": span_text(_longest(above.statement.span)),
            }
            yield Explanation(code=GoalCode.PART_LOOSER, subject=goal.id, details=details)


def _limits(goals: GoalSet) -> Iterator[Explanation]:
    """Yield KPIs of one figure whose limits leave no figure."""
    for first, second in combinations(goals.kpis.values(), 2):
        same = (first.measure, first.over) == (second.measure, second.over)
        for low, high in ((first, second), (second, first)):
            if same and _low(low) and not _low(high) and _nothing_between(low, high):
                limits = f"{low.relation} {low.limit:g} and {high.relation} {high.limit:g}"
                details = {"goals": _names((low.id, high.id)), "limits": limits}
                yield Explanation(code=GoalCode.LIMITS_CLASH, subject=low.id, details=details)


def _low(kpi: Kpi) -> bool:
    return kpi.relation in (Relation.AT_LEAST, Relation.ABOVE)


def _nothing_between(low: Kpi, high: Kpi) -> bool:
    if low.limit == high.limit:
        return Relation.ABOVE is low.relation or Relation.BELOW is high.relation
    return low.limit > high.limit


def _conditions(goals: GoalSet) -> Iterator[Explanation]:
    """Yield conditions that have to hold at once, but that no value fulfils."""
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for goal in goals.goals.values():
        match goal.statement:
            case Always(condition=text):
                groups.setdefault((goal.subject, ""), {})[goal.id] = text
            case HoldsAt(what=what, condition=text):
                groups.setdefault((goal.subject, what), {})[goal.id] = text
            case _:
                pass
    for (subject, event), own in groups.items():
        texts: dict[str, str] = {**(groups.get((subject, ""), {}) if event else {}), **own}
        for variable, ids in clashes(texts):
            if event and not set(ids) & own.keys():
                continue
            details = {
                "goals": _names(GoalId(each) for each in ids),
                "variable": variable,
                "conditions": " and ".join(f"'{texts[each]}'" for each in ids),
            }
            yield Explanation(code=GoalCode.CONDITIONS_CLASH, subject=ids[0], details=details)


def _unknown(goals: GoalSet, known: Earliest) -> Iterator[Explanation]:
    """Yield events of nodes that no model has, where models are known."""
    for name, event in goals.events.items():
        hint = known.missing(event)
        if hint is not None:
            details = {"node": event.node or event.process, "hint": hint}
            yield Explanation(code=GoalCode.NODE_UNKNOWN, subject=name, details=details)
