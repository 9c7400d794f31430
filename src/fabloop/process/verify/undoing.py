"""Compensation as transitions: what undoes may run, in any order, until all of it is done."""

from collections.abc import Iterable, Iterator

from fabloop.process.definition import (
    NOWHERE,
    BoundaryCancel,
    BoundaryUndo,
    CancelEnd,
    Compensate,
    Definition,
    Node,
    Respond,
    Scope,
    ScopeKind,
)
from fabloop.process.verify.draft import Draft, Mapping
from fabloop.process.verify.events import end_of
from fabloop.process.verify.flat import FlatTransition
from fabloop.process.verify.responses import begun


def _undoing(draft: Draft, node: Node) -> Iterable[int]:
    return [draft.field("undoing", node.number, f"{node.id} undoes")]


def _ends(draft: Draft, node: Node) -> Iterable[int]:
    return [] if node.outgoing else [end_of(draft, node)]


def _compensate(draft: Draft, node: Node) -> bool:
    action = node.action
    assert isinstance(action, Compensate), "only these undo"
    undoers = list(undoers_of(draft, node, action.activity))
    (undoing,) = _undoing(draft, node)
    for taken in draft.incoming(node):
        draft.add(f"{node.id} begins", "", taken, {undoing: 1})
    busy = _run(draft, undoing, undoers)
    draft.net.add(
        FlatTransition(
            label=node.id, elements=(node.id,), pre={undoing: 1}, zero=busy,
            post=draft.outgoing(node) or {end_of(draft, node): 1},
        )
    )  # fmt: skip
    return True


def _cancel(draft: Draft, node: Node) -> bool:
    scope = draft.definition.scopes[node.scope]
    host = draft.definition.nodes[scope.owner]
    event = draft.definition.nodes[host.cancelled]
    (undoing,) = _undoing(draft, node)
    for taken in draft.incoming(node):
        draft.net.add(
            FlatTransition(
                label=f"{node.id} begins", pre=taken, post={undoing: 1},
                clears=draft.content(scope), refunds=draft.refunds(scope),
            )
        )  # fmt: skip
    busy = _run(draft, undoing, list(_inside(draft, scope)))
    draft.net.add(
        FlatTransition(
            label=f"{node.id}, {event.id}", elements=(node.id, event.id), zero=busy,
            pre={draft.busy(host): 1, undoing: 1}, post=draft.outgoing(event),
            clears=frozenset(draft.mapping(host).inside(draft, host)),
        )
    )  # fmt: skip
    return True


def _run(draft: Draft, undoing: int, undoers: list[Node]) -> frozenset[int]:
    """Let what undoes begin, one at a time; return the fields of those in progress."""
    busy = frozenset(field for each in undoers for field in draft.tokens_at(each))
    for each in undoers:
        draft.net.add(
            FlatTransition(
                label=f"{each.id} begins", elements=_alive(each), pre={undoing: 1},
                post={undoing: 1, **_begun(draft, each)}, zero=busy,
            )
        )  # fmt: skip
    return busy


def _alive(undoer: Node) -> tuple[str, ...]:
    """Return what is alive as it begins; other activities are when they end."""
    return (undoer.id,) if isinstance(undoer.action, Respond) else ()


def _begun(draft: Draft, undoer: Node) -> dict[int, int]:
    if isinstance(undoer.action, Respond):
        return begun(draft, undoer)
    return dict.fromkeys(draft.entries(undoer), 1)


def undoers_of(draft: Draft, node: Node, activity: int) -> Iterator[Node]:
    """Yield what may undo on behalf of a throw event, each once."""
    definition = draft.definition
    scope, seen = definition.scopes[node.scope], set[int]()
    while True:
        for each in draft.nodes_of(scope):
            if activity in (NOWHERE, each.number) and each.number != scope.undo:
                found = (one for one in _of(draft, each) if one.number not in seen)
                for one in found:
                    seen.add(one.number)
                    yield one
        if scope.kind is not ScopeKind.EVENT:
            return
        scope = definition.scopes[scope.parent]


def _of(draft: Draft, node: Node) -> Iterator[Node]:
    """Yield what undoes an activity: its own handler, or what undoes what is inside."""
    if node.handler != NOWHERE:
        yield draft.definition.nodes[node.handler]
    elif (inner := draft.scope_in(node)) is not None:
        if inner.undo != NOWHERE:
            yield draft.definition.nodes[inner.undo]
        else:
            yield from _inside(draft, inner)


def _inside(draft: Draft, scope: Scope) -> Iterator[Node]:
    for node in draft.nodes_of(scope):
        if node.number != scope.undo:
            yield from _of(draft, node)


def undoes(definition: Definition) -> bool:
    """Tell whether anything in a process is undone."""
    return any(isinstance(node.action, Compensate | CancelEnd) for node in definition.nodes)


def _nothing(_draft: Draft, _node: Node) -> bool:
    """Add nothing: no token comes to the event that names a handler."""
    return False


def _cancelled(_draft: Draft, _node: Node) -> bool:
    """Add nothing: the end that cancels adds what this does."""
    return True


UNDOING: dict[type, Mapping] = {
    Compensate: Mapping(
        add=_compensate, knows=frozenset({"activity"}), holds=_undoing, leaves=_ends
    ),
    CancelEnd: Mapping(add=_cancel, holds=_undoing),
    BoundaryUndo: Mapping(add=_nothing, knows=frozenset({"host", "handler"})),
    BoundaryCancel: Mapping(add=_cancelled, knows=frozenset({"host"})),
}
