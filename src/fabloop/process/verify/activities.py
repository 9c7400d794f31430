"""Tasks, sub-processes, pages and calls as transitions.

An activity that cannot be interrupted is one transition; any other begins and ends. A called
process ends, or throws an error: it is verified by itself.
"""

from collections.abc import Iterable

import msgspec

from fabloop.process.definition import (
    NOWHERE,
    Again,
    Boundary,
    BoundaryEscalation,
    Call,
    Decide,
    Definition,
    Enter,
    EventBased,
    Job,
    Node,
    Nothing,
    Person,
    Receive,
    Rounds,
    ScopeKind,
    Script,
)
from fabloop.process.verify.draft import Draft, Mapping
from fabloop.process.verify.environment import Openness
from fabloop.process.verify.flat import FlatTransition
from fabloop.process.verify.gateways import openness_of
from fabloop.process.verify.pages import end_page, page_start


def _add(draft: Draft, node: Node) -> bool:
    if not draft.splits(node):
        for taken in draft.incoming(node):
            draft.add(node.id, node.id, taken, draft.outgoing(node))
        return True
    inner = draft.scope_in(node)
    armed = _armed(draft, node)
    begun = dict.fromkeys((draft.busy(node), *armed), 1)
    if inner is not None:
        begun |= (
            page_start(draft, inner)
            if inner.kind is ScopeKind.PAGE
            else draft.outgoing(draft.definition.nodes[inner.start])
        )
    for taken in draft.incoming(node):
        draft.add(f"{node.id} begins", "", taken, begun)
    end = FlatTransition(
        label=node.id, elements=(node.id,), pre={draft.busy(node): 1},
        post=draft.outgoing(node), clears=frozenset(armed),
    )  # fmt: skip
    if inner is None:
        draft.net.add(end)
    elif inner.kind is ScopeKind.PAGE:
        end_page(draft, inner, end)
    else:
        clears = end.clears | draft.left(inner)
        draft.net.add(msgspec.structs.replace(end, zero=draft.control(inner), clears=clears))
    return True


def _receive(draft: Draft, node: Node) -> bool:
    """Add an activity that ends when its message comes, if the outside may send it."""
    sources = [draft.definition.flows[flow].source for flow in node.incoming]
    before = [draft.definition.nodes[number] for number in sources if number != NOWHERE]
    if any(isinstance(each.action, EventBased) for each in before):
        return openness_of(draft, node) is Openness.OPEN  # the gateway adds what it does
    if openness_of(draft, node) is Openness.OPEN:
        return _add(draft, node)
    if draft.splits(node):
        begun = dict.fromkeys((draft.busy(node), *_armed(draft, node)), 1)
        for taken in draft.incoming(node):
            draft.add(f"{node.id} begins", "", taken, begun)
    return False


def _armed(draft: Draft, node: Node) -> list[int]:
    """Return the fields of its events that do not interrupt it.

    Each is taken to happen once: what it does again does not differ from the first time.
    """
    actions = ((number, draft.definition.nodes[number].action) for number in node.boundary)
    patient = [
        number
        for number, action in actions
        if isinstance(action, Boundary | BoundaryEscalation) and not action.interrupting
    ]
    return [draft.armed(number) for number in patient]


def holds_of(draft: Draft, node: Node) -> Iterable[int]:
    """Return the field of an activity in progress, if it begins and ends."""
    return [draft.busy(node)] if draft.splits(node) else []


def inside_of(draft: Draft, node: Node) -> Iterable[int]:
    """Return what interrupting an activity clears."""
    inner = draft.scope_in(node)
    content = draft.content(inner) if inner is not None else frozenset()
    return [*_armed(draft, node), *content]


def _rounds(*knows: str) -> Mapping:
    return Mapping(add=_repeat, knows=frozenset(knows), holds=holds_of, inside=_within)


def _activity(*knows: str) -> Mapping:
    return Mapping(add=_add, knows=frozenset(knows), holds=holds_of, inside=inside_of)


def _repeat(draft: Draft, node: Node) -> bool:
    """Add its rounds, one after the other: any number, or at least one."""
    action, inner = node.action, draft.scope_in(node)
    assert isinstance(action, Rounds | Again), "only these have rounds"
    assert inner is not None, "rounds are a scope"
    between, during = _turns(draft, node)
    (begun,) = draft.incoming(draft.definition.nodes[inner.start])
    armed = dict.fromkeys((draft.busy(node), *_armed(draft, node)), 1)
    at_least_one = isinstance(action, Again) and not action.before
    first = {during: 1, **begun} if at_least_one else {between: 1}
    for taken in draft.incoming(node):
        draft.add(f"{node.id} begins", "", taken, armed | first)
    draft.add(f"{node.id} (next round)", "", {between: 1}, {during: 1, **begun})
    draft.net.add(
        FlatTransition(
            label=f"{node.id} (end of round)", elements=(), pre={during: 1}, post={between: 1},
            zero=draft.control(inner), clears=draft.left(inner),
        )
    )  # fmt: skip
    draft.net.add(
        FlatTransition(
            label=node.id, elements=(node.id,), pre={draft.busy(node): 1, between: 1},
            post=draft.outgoing(node), clears=frozenset(_armed(draft, node)),
        )
    )  # fmt: skip
    return True


def _turns(draft: Draft, node: Node) -> tuple[int, int]:
    between = draft.field("between", node.number, f"{node.id} between rounds")
    return between, draft.field("during", node.number, f"{node.id} in a round")


def _within(draft: Draft, node: Node) -> Iterable[int]:
    return [*_turns(draft, node), *inside_of(draft, node)]


def shares_at_once(definition: Definition, node: Node) -> bool:
    """Tell whether rounds that run at once share places of pages: each is looked at alone."""
    if not isinstance(node.action, Rounds) or node.action.sequential:
        return False
    below = {node.action.scope}
    for scope in definition.scopes:
        if scope.parent in below:
            below.add(scope.number)
    return any(place != NOWHERE for each in below for place in definition.scopes[each].fusion)


ACTIVITIES: dict[type, Mapping] = {
    Job: _activity("type", "retries", "headers"),
    Person: _activity("assignee", "candidates", "headers"),
    Nothing: _activity(),
    Decide: _activity("decision", "target", "pick"),
    Script: _activity("formula", "target"),
    Call: _activity("process", "pick", "key", "hands_in", "hands_back"),
    Enter: _activity("scope", "headers"),
    Rounds: _rounds(
        "scope",
        "sequential",
        "collection",
        "cardinality",
        "element",
        "output",
        "yields",
        "own",
        "until",
    ),
    Again: _rounds("scope", "condition", "before", "maximum", "own"),
    Receive: Mapping(add=_receive, knows=frozenset({"trigger"}), holds=holds_of, inside=inside_of),
}
