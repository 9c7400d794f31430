"""Errors and escalations, thrown inside an activity and caught at it."""

from collections.abc import Iterable

from fabloop.process.definition import (
    BoundaryError,
    BoundaryEscalation,
    Call,
    ErrorEnd,
    Escalate,
    Node,
    Respond,
)
from fabloop.process.verify.draft import Draft, Mapping
from fabloop.process.verify.environment import Openness
from fabloop.process.verify.events import end_of
from fabloop.process.verify.flat import FlatTransition
from fabloop.process.verify.hearing import callers_of, hearer_of, throwers_of
from fabloop.process.verify.responses import begin, begun
from fabloop.process.verify.thrower import NOBODY, Thrower


def _boundary_error(draft: Draft, node: Node) -> bool:
    """Add what a job's error does; tell whether the event can be expected to happen."""
    error = node.action
    assert isinstance(error, BoundaryError)
    host = draft.definition.nodes[error.host]
    throwers = [NOBODY]
    if (inner := draft.scope_in(host)) is not None:
        throwers = throwers_of(draft, inner, error.code, "catches")
    for thrower in throwers if draft.environment.errors is Openness.OPEN else ():
        draft.interrupted(host, node, thrower)
    return not throwers or draft.environment.errors is Openness.OPEN


def _uncaught(draft: Draft, node: Node) -> Iterable[int]:
    return [draft.field("uncaught", node.number, f"{node.id} not caught")]


def _error_end(draft: Draft, node: Node) -> bool:
    error = node.action
    assert isinstance(error, ErrorEnd)
    event = hearer_of(draft.definition, node, error.code, "catches")
    if event is not None:
        for flow in node.incoming:
            thrown = Thrower(fields=(draft.flow(flow),), elements=(node.id,))
            if isinstance(event.action, BoundaryError):
                draft.interrupted(draft.definition.nodes[event.action.host], event, thrown)
            else:
                begin(draft, event, thrown)
        return True
    for taken in draft.incoming(node):
        put = dict.fromkeys(_uncaught(draft, node), 1)
        draft.add(f"{node.id} (nobody catches it)", node.id, taken, put)
    return True


def _escalation_ends(draft: Draft, node: Node) -> Iterable[int]:
    return [] if node.outgoing else [end_of(draft, node)]


def _escalate(draft: Draft, node: Node) -> bool:
    told = node.action
    assert isinstance(told, Escalate)
    on = draft.outgoing(node) or {end_of(draft, node): 1}
    event = hearer_of(draft.definition, node, told.code, "escalations")
    for flow in node.incoming:
        field = draft.flow(flow)
        if event is None:
            draft.add(node.id, node.id, {field: 1}, on)
        elif isinstance(event.action, Respond):
            _responded(draft, node, event, field, on)
        else:
            _caught(draft, node, event, field, on)
    return True


def _responded(draft: Draft, node: Node, event: Node, field: int, on: dict[int, int]) -> None:
    """Add what begins an event sub-process; one that runs already is not begun once more."""
    action = event.action
    assert isinstance(action, Respond)
    if action.interrupting:
        begin(draft, event, Thrower(fields=(field,), elements=(node.id,)))
        return
    busy = draft.busy(event)
    for post, zero in (({**on, **begun(draft, event)}, {busy}), (on, set[int]())):
        pre = {field: 1} if zero else {field: 1, busy: 1}
        draft.net.add(
            FlatTransition(
                label=f"{node.id}, {event.id}", elements=(node.id, event.id), pre=pre,
                post=post if zero else {**post, busy: 1}, zero=frozenset(zero),
            )
        )  # fmt: skip


def _caught(draft: Draft, node: Node, event: Node, field: int, on: dict[int, int]) -> None:
    assert isinstance(event.action, BoundaryEscalation)
    if event.action.interrupting:
        thrown = Thrower(fields=(field,), elements=(node.id,))
        draft.interrupted(draft.definition.nodes[event.action.host], event, thrown)
        return
    draft.net.add(
        FlatTransition(
            label=f"{node.id}, {event.id}", elements=(node.id, event.id),
            pre={field: 1}, post={**on, **draft.outgoing(event)},
        )
    )  # fmt: skip


def _boundary_escalation(draft: Draft, node: Node) -> bool:
    """Add what called processes may escalate; whatever throws in this one adds what that does."""
    action = node.action
    assert isinstance(action, BoundaryEscalation)
    host = draft.definition.nodes[action.host]
    throwers = [NOBODY] if isinstance(host.action, Call) else []
    if (inner := draft.scope_in(host)) is not None:
        throwers = callers_of(draft, inner, action.code, node)
    for thrower in throwers:
        if action.interrupting:
            draft.interrupted(host, node, thrower)
            continue
        held = dict.fromkeys((draft.busy(host), *thrower.fields), 1)
        pre = {**held, draft.armed(node.number): 1}
        draft.add(node.id, node.id, pre, {**held, **draft.outgoing(node)})
    return True


ERRORS: dict[type, Mapping] = {
    BoundaryError: Mapping(add=_boundary_error, knows=frozenset({"host", "code"})),
    ErrorEnd: Mapping(add=_error_end, knows=frozenset({"code"}), holds=_uncaught),
    Escalate: Mapping(add=_escalate, knows=frozenset({"code"}), leaves=_escalation_ends),
    BoundaryEscalation: Mapping(
        add=_boundary_escalation, knows=frozenset({"host", "code", "interrupting"})
    ),
}
