"""Start and end events, and what waits for the outside: messages, timers and the like."""

from collections.abc import Iterable

from fabloop.process.definition import (
    Await,
    Boundary,
    End,
    EventBased,
    Jump,
    Node,
    Pass,
    SendMessage,
    SendSignal,
    Start,
    StartOn,
    Terminate,
)
from fabloop.process.verify.draft import Draft, Mapping
from fabloop.process.verify.environment import Openness
from fabloop.process.verify.flat import BoundKind, FlatTransition
from fabloop.process.verify.gateways import openness_of


def _start(_draft: Draft, _node: Node) -> bool:
    """Add nothing: entering a scope puts the tokens behind its start event."""
    return False


def _start_on(draft: Draft, node: Node) -> bool:
    """Add nothing; tell whether the outside may start the process here (`processes`)."""
    return openness_of(draft, node) is Openness.OPEN


def _passes(draft: Draft, node: Node) -> bool:
    """Add nothing for a link that is gone on at; else what passes the token on."""
    for taken in draft.incoming(node):
        draft.add(node.id, node.id, taken, draft.outgoing(node))
    return True


def _jump(draft: Draft, node: Node) -> bool:
    assert isinstance(node.action, Jump)
    target = draft.definition.nodes[node.action.target]
    for taken in draft.incoming(node):
        draft.net.add(
            FlatTransition(
                label=node.id, elements=(node.id, target.id),
                pre=taken, post=draft.outgoing(target),
            )
        )  # fmt: skip
    return True


def _throws(draft: Draft, node: Node) -> bool:
    """Add what passes the token on: others of the process hear what is thrown from the outside."""
    on = draft.outgoing(node) or {end_of(draft, node): 1}
    for taken in draft.incoming(node):
        draft.add(node.id, node.id, taken, on)
    return True


def _thrown_ends(draft: Draft, node: Node) -> Iterable[int]:
    return [] if node.outgoing else [end_of(draft, node)]


def end_of(draft: Draft, node: Node) -> int:
    """Return the field that tells that an end was reached."""
    name = f"{node.id} reached"
    return draft.bounded("end", node.number, name, node.id, BoundKind.END)


def _leaves(draft: Draft, node: Node) -> Iterable[int]:
    return [end_of(draft, node)]


def _end(draft: Draft, node: Node) -> bool:
    for taken in draft.incoming(node):
        draft.add(node.id, node.id, taken, {end_of(draft, node): 1})
    return True


def _terminate(draft: Draft, node: Node) -> bool:
    scope = draft.definition.scopes[node.scope]
    for taken in draft.incoming(node):
        draft.net.add(
            FlatTransition(
                label=node.id, elements=(node.id,), pre=taken, post={end_of(draft, node): 1},
                clears=draft.content(scope), refunds=draft.refunds(scope),
            )
        )  # fmt: skip
    return True


def _await(draft: Draft, node: Node) -> bool:
    if openness_of(draft, node) is Openness.CLOSED:
        return False
    before = draft.definition.nodes[draft.definition.flows[node.incoming[0]].source]
    if isinstance(before.action, EventBased):
        return True
    for taken in draft.incoming(node):
        draft.add(node.id, node.id, taken, draft.outgoing(node))
    return True


def _boundary(draft: Draft, node: Node) -> bool:
    event = node.action
    assert isinstance(event, Boundary)
    host = draft.definition.nodes[event.host]
    if openness_of(draft, node) is Openness.CLOSED:
        return False
    if event.interrupting:
        draft.interrupted(host, node)
        return True
    busy, armed = draft.busy(host), draft.armed(node.number)
    draft.add(node.id, node.id, {busy: 1, armed: 1}, {busy: 1, **draft.outgoing(node)})
    return True


EVENTS: dict[type, Mapping] = {
    Start: Mapping(add=_start),
    End: Mapping(add=_end, leaves=_leaves),
    Terminate: Mapping(add=_terminate, leaves=_leaves),
    StartOn: Mapping(add=_start_on, knows=frozenset({"trigger"})),
    Pass: Mapping(add=_passes),
    Jump: Mapping(add=_jump, knows=frozenset({"target"})),
    SendMessage: Mapping(
        add=_throws,
        knows=frozenset({"name", "correlation_key", "time_to_live"}),
        leaves=_thrown_ends,
    ),
    SendSignal: Mapping(add=_throws, knows=frozenset({"name"}), leaves=_thrown_ends),
    Await: Mapping(add=_await, knows=frozenset({"trigger"})),
    Boundary: Mapping(add=_boundary, knows=frozenset({"host", "trigger", "interrupting"})),
}
