"""Event sub-processes as transitions: while their scope is active, they may begin.

Runs of one that does not interrupt are looked at one after the other: they share nothing.
"""

from fabloop.process.definition import (
    NOWHERE,
    Listen,
    Node,
    Respond,
    Scope,
)
from fabloop.process.verify.activities import holds_of, inside_of
from fabloop.process.verify.draft import Draft, Mapping
from fabloop.process.verify.environment import Openness
from fabloop.process.verify.flat import FlatTransition
from fabloop.process.verify.gateways import openness_of
from fabloop.process.verify.hearing import callers_of, throwers_of
from fabloop.process.verify.thrower import NOBODY, Thrower


def active(draft: Draft, scope: Scope) -> int:
    """Return the field that holds a token as long as a scope is active."""
    if scope.owner == NOWHERE:
        return draft.field("active", 0, f"{draft.definition.id} in progress")
    return draft.busy(draft.definition.nodes[scope.owner])


def open_root(draft: Draft, begins: frozenset[int]) -> frozenset[int]:
    """Let a process with event sub-processes be active until nothing is left in it."""
    root = draft.definition.scopes[0]
    if not any(isinstance(node.action, Respond) for node in draft.nodes_of(root)):
        return frozenset()
    field = active(draft, root)
    draft.net.initial[field] = 1
    draft.net.add(
        FlatTransition(
            label=f"{draft.definition.id} ends", pre={field: 1}, post={},
            zero=draft.control(root) | begins,
        )
    )  # fmt: skip
    return frozenset({field})


def begun(draft: Draft, response: Node) -> dict[int, int]:
    """Return what an event sub-process begins with."""
    inner = draft.scope_in(response)
    assert inner is not None, "an event sub-process is a scope"
    start = draft.definition.nodes[inner.start]
    return {draft.busy(response): 1, **draft.outgoing(start)}


def begin(draft: Draft, response: Node, thrower: Thrower = NOBODY) -> None:
    """Add what an event does that begins an event sub-process."""
    action = response.action
    assert isinstance(action, Respond), "only event sub-processes begin by an event"
    scope = draft.definition.scopes[response.scope]
    others = [
        draft.busy(each)
        for each in draft.nodes_of(scope)
        if isinstance(each.action, Respond) and each.action.interrupting
    ]
    field, again = active(draft, scope), {} if action.interrupting else thrower.fields
    draft.net.add(
        FlatTransition(
            label=", ".join((*thrower.elements, f"{response.id} begins")),
            elements=(*thrower.elements, response.id),
            pre={field: 1, **dict.fromkeys(thrower.fields, 1)},
            post={field: 1, **dict.fromkeys(again, 1), **thrower.back, **begun(draft, response)},
            zero=frozenset({draft.busy(response), *others}) - set(thrower.fields),
            clears=draft.content(scope) if action.interrupting else frozenset(),
            refunds=draft.refunds(scope) if action.interrupting else (),
        )
    )  # fmt: skip


def _respond(draft: Draft, node: Node) -> bool:
    """Add its end and, where the outside or the work in its scope begins it, its beginning."""
    inner = draft.scope_in(node)
    assert inner is not None, "an event sub-process is a scope"
    draft.net.add(
        FlatTransition(
            label=node.id, pre={draft.busy(node): 1}, post={},
            zero=draft.control(inner), clears=draft.left(inner),
        )
    )  # fmt: skip
    scope = draft.definition.scopes[node.scope]
    start = draft.definition.nodes[inner.start]
    if isinstance(start.action, Listen):
        if openness_of(draft, start) is Openness.CLOSED:
            return False
        begin(draft, node)
        return True
    throwers: list[Thrower] = []
    for code in (code for code, number in scope.escalations.items() if number == node.number):
        throwers += callers_of(draft, scope, code, node, node)
    if draft.environment.errors is Openness.OPEN:
        for code in (code for code, number in scope.catches.items() if number == node.number):
            throwers += throwers_of(draft, scope, code, "catches", node)
    for thrower in throwers:
        begin(draft, node, thrower)
    caught = node.number in scope.catches.values()
    return not caught or draft.environment.errors is Openness.OPEN


def _listen(_draft: Draft, _node: Node) -> bool:
    """Add nothing: what begins an event sub-process puts the tokens behind its start."""
    return False


RESPONSES: dict[type, Mapping] = {
    Respond: Mapping(
        add=_respond, knows=frozenset({"scope", "interrupting"}), holds=holds_of, inside=inside_of
    ),
    Listen: Mapping(add=_listen, knows=frozenset({"response", "trigger"})),
}
