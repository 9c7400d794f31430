"""Events that are armed while a node waits: what each is armed with, and what it does.

The table is `Node.watches`. Whoever opens an act reads first what is to be armed (`watches_of`),
so that an expression that fails leaves no trace, and arms it last (`arm`): an event may happen at
once and end the act. Whatever makes an event happen says so to `happen`.
"""

from collections.abc import Iterable
from typing import assert_never

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.acts import cancel, clear, occur, open_act, seen_by
from fabloop.process.commands import Variables
from fabloop.process.definition import (
    Await,
    Boundary,
    Definition,
    Listen,
    Node,
    OnMessage,
    OnTimer,
    Respond,
)
from fabloop.process.deltas import MessageAwaited, TimerSet
from fabloop.process.evaluate import correlation_of, due_of, text_of
from fabloop.process.messages import take_kept
from fabloop.process.state import Act, Frame, Phase, State
from fabloop.process.step import Step


class TimerWatch(msgspec.Struct, frozen=True):
    """Event `node` is due at an instant."""

    node: int
    due: Instant


class MessageWatch(msgspec.Struct, frozen=True):
    """Event `node` waits for a message with a key."""

    node: int
    name: str
    correlation: str


Watch = TimerWatch | MessageWatch


def watches_of(step: Step, frame: Frame, node: Node, context: Variables) -> list[Watch]:
    """Return what is to be armed when a node of a frame begins to wait; raises Stuck."""
    if not node.watches:
        return []
    return watched(step.state.definition_of(frame), node.watches, context, step.at)


def watched(
    definition: Definition, events: Iterable[int], context: Variables, at: Instant
) -> list[Watch]:
    """Return what events (by number) are to be armed with; raises Stuck."""
    return [_watch(definition.nodes[number], context, at) for number in events]


def _watch(event: Node, context: Variables, at: Instant) -> Watch:
    assert isinstance(event.action, Await | Boundary | Listen), "only events are watched"
    trigger = event.action.trigger
    match trigger:
        case OnTimer():
            return TimerWatch(event.number, due_of(trigger.due, context, at))
        case OnMessage():
            name = text_of(trigger.name, context, at)
            key = correlation_of(trigger.correlation_key, context, at)
            return MessageWatch(event.number, name, key)
        case _:
            assert_never(trigger)


def seen_at(state: State, act: Act) -> Variables:
    """Return what the triggers of events at an act may read: also the inputs of what it opened."""
    if act.child and not state.frames[act.child].bags:
        return state.visible(state.frames[act.child])
    return seen_by(state, act)


def arm(step: Step, key: int, watches: list[Watch]) -> None:
    """Arm events at an act; what they wait for may be there already, and end the act."""
    for each in watches:
        match each:
            case TimerWatch():
                step.emit(TimerSet(step.mint(), key, each.node, each.due))
            case MessageWatch():
                step.emit(MessageAwaited(step.mint(), key, each.node, each.name, each.correlation))
            case _:
                assert_never(each)
    for each in watches:
        if isinstance(each, MessageWatch):
            _take_kept(step, key, each)


def _take_kept(step: Step, key: int, watch: MessageWatch) -> None:
    """Let the messages happen that are kept: one, or all of them where the event goes on."""
    state = step.state
    while (act := state.acts.get(key)) is not None and act.phase is not Phase.LEAVING:
        frame = state.frames[act.frame]
        kept = take_kept(step, frame, watch.name, watch.correlation)
        if kept is None:
            return
        happen(step, act, state.definition_of(frame).nodes[watch.node], kept)


def wait(step: Step, frame: Frame, node: Node) -> None:
    """Hold a token at a catch event, or at a gateway until the first of its events happens."""
    watches = watches_of(step, frame, node, step.state.visible(frame))
    arm(step, open_act(step, frame, node, {}), watches)


def happen(step: Step, act: Act, event: Node, variables: Variables) -> None:
    """Go on with an event that is armed at an act, as its position says."""
    action = event.action
    match action:
        case Await():
            occur(step, act, event.number, variables)
        case Boundary():
            if action.interrupting:
                cancel(step, act)
            step.agenda.append((act.frame, event, variables))
        case Listen():
            frame = step.state.frames[act.frame]
            response = step.state.node_of(act)
            assert isinstance(response.action, Respond), "only event sub-processes listen"
            if response.action.interrupting:
                clear(step, frame)
            step.agenda.append((frame.key, response, variables))
        case _:
            raise AssertionError(f"nothing arms '{event.id}'")
