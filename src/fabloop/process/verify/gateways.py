"""Gateways as transitions: conditions are free choices."""

from collections.abc import Iterable
from typing import assert_never

from fabloop.process.definition import (
    Await,
    Boundary,
    EventBased,
    Exclusive,
    Inclusive,
    Listen,
    Node,
    Parallel,
    Receive,
    SendMessage,
    SendSignal,
    StartOn,
)
from fabloop.process.formula import Text
from fabloop.process.trigger import OnCondition, OnMessage, OnSignal, OnTimer
from fabloop.process.verify.draft import Draft, Mapping
from fabloop.process.verify.environment import Openness
from fabloop.process.verify.flat import FlatTransition
from fabloop.process.verify.inclusive import choices_of, label_of, subsets, takes_of


def _parallel(draft: Draft, node: Node) -> bool:
    taken = {draft.flow(flow): 1 for flow in node.incoming}
    if taken:
        draft.add(node.id, node.id, taken, draft.outgoing(node))
    return True


def _exclusive(draft: Draft, node: Node) -> bool:
    for taken in draft.incoming(node):
        for out in node.outgoing:
            label = f"{node.id} to {draft.definition.flows[out].id}"
            draft.add(label, node.id, taken, {draft.flow(out): 1})
    return True


def _passed(draft: Draft, node: Node) -> Iterable[int]:
    return [draft.field("passed", node.number, f"{node.id} passed")]


def _inclusive(draft: Draft, node: Node) -> bool:
    """Add its cases; one that both waits and chooses does so one after the other."""
    gateway = node.action
    assert isinstance(gateway, Inclusive)
    (passed,) = _passed(draft, node)
    choices = list(choices_of(draft.definition, node, gateway)) or [()]
    apart = len(choices) > 1 and node.joins
    for take in takes_of(draft.definition, node):
        taken = {draft.flow(flow): 1 for flow in take.flows}
        zero = {draft.flow(flow) for flow in take.empty}
        for number in take.nodes:
            zero |= draft.tokens_at(draft.definition.nodes[number])
        for chosen in [None] if apart else choices:
            put = {draft.flow(flow): 1 for flow in chosen or ()}
            draft.net.add(
                FlatTransition(
                    label=label_of(draft.definition, node, chosen),
                    elements=() if apart else (node.id,), pre=taken, zero=frozenset(zero),
                    post={passed: 1} if apart else put,
                )
            )  # fmt: skip
    for chosen in choices if apart else ():
        put = {draft.flow(flow): 1 for flow in chosen}
        draft.add(label_of(draft.definition, node, chosen), node.id, {passed: 1}, put)
    return True


def spread_of(draft: Draft, node: Node) -> None:
    """Add the choices that conditions behind an activity may make."""
    flows = [draft.definition.flows[number] for number in node.outgoing]
    open_to = [flow for flow in flows if flow.number != node.default]
    always = tuple(flow.number for flow in open_to if flow.condition is None)
    held = subsets(tuple(flow.number for flow in open_to if flow.condition is not None))
    none = tuple(number for number in node.outgoing if number in (*always, node.default))
    for chosen in (none, *((*always, *each) for each in held)):
        if chosen:
            put = {draft.flow(flow): 1 for flow in chosen}
            label = f"after {label_of(draft.definition, node, chosen)}"
            draft.add(label, "", {draft.left_by(node): 1}, put)


def _throws(draft: Draft, kind: type[SendMessage | SendSignal], name: Text) -> bool:
    """Whether the process throws a message or signal of this name, or of a computed one."""
    names = [n.action.name for n in draft.definition.nodes if isinstance(n.action, kind)]
    computed = name.formula is not None or any(each.formula is not None for each in names)
    return bool(names) and (computed or any(each.literal == name.literal for each in names))


def openness_of(draft: Draft, event: Node) -> Openness:
    """Return whether the outside, or the process itself, may let an event happen.

    What the process throws it may hear: when, and with which key, is not looked at.
    """
    action = event.action
    armed = Await | Receive | Boundary | Listen | StartOn
    assert isinstance(action, armed), "only events have a trigger"
    trigger = action.trigger
    match trigger:
        case OnTimer():
            return draft.environment.timers
        case OnMessage():
            thrown = _throws(draft, SendMessage, trigger.name)
            return Openness.OPEN if thrown else draft.environment.messages
        case OnSignal():
            thrown = _throws(draft, SendSignal, trigger.name)
            return Openness.OPEN if thrown else draft.environment.signals
        case OnCondition():
            return draft.environment.conditions
        case _:
            assert_never(trigger)


def _race(draft: Draft, node: Node) -> bool:
    """Add an alternative per event that the outside may let happen."""
    assert isinstance(node.action, EventBased)
    events = [draft.definition.nodes[number] for number in node.action.events]
    possible = [event for event in events if openness_of(draft, event) is Openness.OPEN]
    for taken in draft.incoming(node):
        for event in possible:
            draft.net.add(
                FlatTransition(
                    label=event.id, elements=(node.id, event.id),
                    pre=taken, post=draft.outgoing(event),
                )
            )  # fmt: skip
    return bool(possible)


GATEWAYS: dict[type, Mapping] = {
    Parallel: Mapping(add=_parallel),
    Exclusive: Mapping(add=_exclusive, knows=frozenset({"default"})),
    Inclusive: Mapping(add=_inclusive, knows=frozenset({"default"}), holds=_passed),
    EventBased: Mapping(add=_race, knows=frozenset({"events"})),
}
