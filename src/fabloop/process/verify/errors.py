"""Errors and escalations, thrown inside an activity and caught at it."""

from collections.abc import Iterable

from fabloop.process.definition import (
    NOWHERE,
    BoundaryError,
    BoundaryEscalation,
    Call,
    ErrorEnd,
    Escalate,
    Job,
    Node,
    Person,
    Scope,
    ScopeKind,
)
from fabloop.process.verify.draft import Draft, Mapping
from fabloop.process.verify.environment import Openness
from fabloop.process.verify.events import end_of
from fabloop.process.verify.flat import FlatTransition
from fabloop.process.verify.thrower import NOBODY, Thrower


def _boundary_error(draft: Draft, node: Node) -> bool:
    """Add what a job's error does; tell whether the event can be expected to happen."""
    error = node.action
    assert isinstance(error, BoundaryError)
    host = draft.definition.nodes[error.host]
    throwers = [NOBODY]
    if (inner := draft.scope_in(host)) is not None:
        throwers = _throwers(draft, inner, error.code)
    for thrower in throwers if draft.environment.errors is Openness.OPEN else ():
        draft.interrupted(host, node, thrower)
    return not throwers or draft.environment.errors is Openness.OPEN


def _throwers(draft: Draft, scope: Scope, code: str) -> list[Thrower]:
    """Return the work in progress whose errors of this code (empty: any) leave the scope."""
    if scope.kind is ScopeKind.PAGE:
        firing = draft.pages[scope.number].firing.items()
        return [Thrower(fields=(field,), back=taken) for field, taken in firing]
    throwers: list[Thrower] = []
    for node in draft.nodes_of(scope):
        if "" in node.catches or (code and code in node.catches):
            continue
        if (inner := draft.scope_in(node)) is not None:
            throwers += _throwers(draft, inner, code)
        elif isinstance(node.action, Job | Person | Call):
            fields = [draft.busy(node)] if draft.splits(node) else draft.entries(node)
            throwers += [Thrower(fields=(field,)) for field in fields]
    return throwers


def _uncaught(draft: Draft, node: Node) -> Iterable[int]:
    return [draft.field("uncaught", node.number, f"{node.id} not caught")]


def _error_end(draft: Draft, node: Node) -> bool:
    error = node.action
    assert isinstance(error, ErrorEnd)
    scope = draft.definition.scopes[node.scope]
    while scope.owner != NOWHERE:
        host = draft.definition.nodes[scope.owner]
        caught = host.catches.get(error.code, host.catches.get("", NOWHERE))
        if caught != NOWHERE:
            event = draft.definition.nodes[caught]
            for flow in node.incoming:
                thrown = Thrower(fields=(draft.flow(flow),), elements=(node.id,))
                draft.interrupted(host, event, thrown)
            return True
        scope = draft.definition.scopes[scope.parent]
    for taken in draft.incoming(node):
        put = dict.fromkeys(_uncaught(draft, node), 1)
        draft.add(f"{node.id} (nobody catches it)", node.id, taken, put)
    return True


def _escalation_ends(draft: Draft, node: Node) -> Iterable[int]:
    return [] if node.outgoing else [end_of(draft, node)]


def _escalate(draft: Draft, node: Node) -> bool:
    told = node.action
    assert isinstance(told, Escalate)
    scope = draft.definition.scopes[node.scope]
    on = draft.outgoing(node) or {end_of(draft, node): 1}
    while scope.owner != NOWHERE:
        host = draft.definition.nodes[scope.owner]
        scope = draft.definition.scopes[scope.parent]
        number = host.escalations.get(told.code, host.escalations.get("", NOWHERE))
        if number != NOWHERE:
            _caught(draft, node, host, draft.definition.nodes[number], on)
            return True
    for taken in draft.incoming(node):
        draft.add(node.id, node.id, taken, on)
    return True


def _caught(draft: Draft, node: Node, host: Node, event: Node, on: dict[int, int]) -> None:
    assert isinstance(event.action, BoundaryEscalation)
    for flow in node.incoming:
        if event.action.interrupting:
            thrown = Thrower(fields=(draft.flow(flow),), elements=(node.id,))
            draft.interrupted(host, event, thrown)
            continue
        draft.net.add(
            FlatTransition(
                label=f"{node.id}, {event.id}", elements=(node.id, event.id),
                pre={draft.flow(flow): 1}, post={**on, **draft.outgoing(event)},
            )
        )  # fmt: skip


def _boundary_escalation(_draft: Draft, _node: Node) -> bool:
    """Add nothing: whatever throws the escalation adds what this does."""
    return True


ERRORS: dict[type, Mapping] = {
    BoundaryError: Mapping(add=_boundary_error, knows=frozenset({"host", "code"})),
    ErrorEnd: Mapping(add=_error_end, knows=frozenset({"code"}), holds=_uncaught),
    Escalate: Mapping(add=_escalate, knows=frozenset({"code"}), leaves=_escalation_ends),
    BoundaryEscalation: Mapping(
        add=_boundary_escalation, knows=frozenset({"host", "code", "interrupting"})
    ),
}
