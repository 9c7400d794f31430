"""Events that are armed while a node waits: what each is armed with, and what it does.

The table is `Node.watches`. Whoever opens an act reads first what is to be armed (`watches_of`),
so that an expression that fails leaves no trace, and arms it last (`arm`): an event may happen at
once and end the act. Whatever makes an event happen says so to `happen`.
"""

from collections.abc import Iterable
from typing import assert_never

import msgspec

from fabloop.base.instant import Instant
from fabloop.process.acts import cancel, clear, occur, open_act
from fabloop.process.commands import Variables
from fabloop.process.conditions import holds, seen_at
from fabloop.process.definition import Await, Boundary, Definition, Listen, Node, Receive, Respond
from fabloop.process.deltas import MessageAwaited, TimerSet
from fabloop.process.evaluate import correlation_of, dates_of, inputs_of, name_of
from fabloop.process.event_deltas import (
    ConditionAwaited,
    ConditionTurned,
    CycleSet,
    SignalAwaited,
)
from fabloop.process.messages import take_kept
from fabloop.process.schedule import Dates
from fabloop.process.state import Act, Frame, Phase, State
from fabloop.process.step import Step
from fabloop.process.trigger import OnCondition, OnMessage, OnSignal, OnTimer


class TimerWatch(msgspec.Struct, frozen=True):
    """Event `node` is due once, or again and again."""

    node: int
    dates: Dates


class MessageWatch(msgspec.Struct, frozen=True):
    """Event `node` waits for a message with a key."""

    node: int
    name: str
    correlation: str


class SignalWatch(msgspec.Struct, frozen=True):
    """Event `node` waits for a signal."""

    node: int
    name: str


class ConditionWatch(msgspec.Struct, frozen=True):
    """Event `node` waits for a condition that reads these variables and KPIs."""

    node: int
    names: tuple[str, ...]
    kpis: tuple[str, ...]


Watch = TimerWatch | MessageWatch | SignalWatch | ConditionWatch


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
    assert isinstance(event.action, Await | Receive | Boundary | Listen), "only events are watched"
    trigger = event.action.trigger
    match trigger:
        case OnTimer():
            return TimerWatch(event.number, dates_of(trigger.due, context, at))
        case OnMessage():
            name = name_of(trigger.name, context, at)
            key = correlation_of(trigger.correlation_key, context, at)
            return MessageWatch(event.number, name, key)
        case OnSignal():
            return SignalWatch(event.number, name_of(trigger.name, context, at))
        case OnCondition():
            return ConditionWatch(event.number, trigger.names, trigger.kpis)
        case _:
            assert_never(trigger)


def arm(step: Step, key: int, watches: list[Watch]) -> None:
    """Arm events at an act; what they wait for may be there already, and end the act."""
    if not watches:
        return
    made = [_arm(step, key, each) for each in watches]
    for each, armed in zip(watches, made, strict=True):
        match each:
            case MessageWatch():
                _take_kept(step, key, each)
            case ConditionWatch() if armed in step.state.conditions:
                recheck(step, armed)
            case _:
                pass


def _arm(step: Step, key: int, watch: Watch) -> int:
    armed = step.mint()
    match watch:
        case TimerWatch(node, Dates(due, "")):
            step.emit(TimerSet(armed, key, node, due))
        case TimerWatch(node, Dates(due, rule, left)):
            step.emit(CycleSet(armed, key, node, due, rule, left))
        case MessageWatch(node, name, correlation):
            step.emit(MessageAwaited(armed, key, node, name, correlation))
        case SignalWatch(node, name):
            step.emit(SignalAwaited(armed, key, node, name))
        case ConditionWatch(node, names, kpis):
            step.emit(ConditionAwaited(armed, key, node, names, kpis))
    return armed


def _take_kept(step: Step, key: int, watch: MessageWatch) -> None:
    """Let the messages happen that are kept: one, or all of them where the event goes on."""
    state = step.state
    while (act := state.acts.get(key)) is not None and act.phase is not Phase.LEAVING:
        frame = state.frames[act.frame]
        if all(state.subscriptions[each].node != watch.node for each in act.subscriptions):
            return
        kept = take_kept(step, frame, watch.name, watch.correlation)
        if kept is None:
            return
        happen(step, act, event_of(state, act, watch.node), kept)


def wait(step: Step, frame: Frame, node: Node) -> None:
    """Hold a token at a catch event, or at a gateway until the first of its events happens."""
    seen = step.state.visible(frame)
    local = inputs_of(node, seen, step.at)
    watches = watches_of(step, frame, node, {**seen, **local} if local else seen)
    arm(step, open_act(step, frame, node, local), watches)


def event_of(state: State, act: Act, number: int) -> Node:
    """Return an event that is armed at an act, by its number."""
    return state.definition_of(state.frames[act.frame]).nodes[number]


def stays(state: State, act: Act, event: Node) -> bool:
    """Whether an event of an act goes on to be armed when it happens."""
    action = state.node_of(act).action if isinstance(event.action, Listen) else event.action
    return isinstance(action, Boundary | Respond) and not action.interrupting


def happen(step: Step, act: Act, event: Node, variables: Variables) -> None:
    """Go on with an event that is armed at an act, as its position says."""
    action = event.action
    match action:
        case Await() | Receive():
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


def recheck(step: Step, key: int) -> None:
    """Look at a condition again; it happens when it has become true."""
    state = step.state
    condition = state.conditions[key]
    act = state.acts[condition.act]
    event = event_of(state, act, condition.node)
    assert isinstance(event.action, Await | Boundary | Listen), "only events are watched"
    assert isinstance(event.action.trigger, OnCondition), "a condition was armed"
    now = holds(event.action.trigger, state, seen_at(state, act), step.at)
    if now == condition.holds:
        return
    step.emit(ConditionTurned(key, now))
    if now:
        happen(step, state.acts[act.key], event, {})
