"""Gateways: which way a token takes, and what it waits for there."""

from fabloop.process.acts import arm, boundary_dues, occur, open_act, take
from fabloop.process.commands import NodeCompleted, Variables
from fabloop.process.definition import AwaitMessage, Definition, EventBased, Exclusive, Node
from fabloop.process.deltas import EventAwaited
from fabloop.process.evaluate import chosen_flow, correlation_of
from fabloop.process.messages import take_kept
from fabloop.process.state import Act, Frame
from fabloop.process.step import Step

Wait = tuple[int, str, str]
"""Number of a catch event, name and key of the message it waits for."""


def choose(step: Step, frame: Frame, node: Node, gateway: Exclusive) -> None:
    """Let a token take one flow out of an exclusive gateway."""
    state = step.state
    flow = chosen_flow(state.definition_of(frame), node, gateway, state.visible(frame), step.at)
    step.passed(frame, node)
    step.notices.append(NodeCompleted(instance=frame.instance, node=node.id))
    take(step, frame, flow)


def race(step: Step, frame: Frame, node: Node, gateway: EventBased) -> None:
    """Hold a token until the first of several events happens; a kept message is there at once."""
    definition, seen = step.state.definition_of(frame), step.state.visible(frame)
    dues = boundary_dues(definition, node, seen, step.at)
    waits = waits_of(step, definition, gateway.events, seen)
    act = open_act(step, frame, node, {})
    arm(step, act, dues)
    await_first(step, step.state.acts[act], waits)


def waits_of(
    step: Step, definition: Definition, events: tuple[int, ...], seen: Variables
) -> list[Wait]:
    """Return what the messages among some catch events wait for."""
    waits = []
    for number in events:
        action = definition.nodes[number].action
        if isinstance(action, AwaitMessage):
            correlation = correlation_of(action.correlation_key, seen, step.at)
            waits.append((number, action.name, correlation))
    return waits


def await_first(step: Step, act: Act, waits: list[Wait]) -> None:
    """Let an act wait for messages; the first that is kept already makes it go on."""
    for number, name, correlation in waits:
        step.emit(EventAwaited(step.mint(), act.key, number, name, correlation))
    frame = step.state.frames[act.frame]
    for number, name, correlation in waits:
        kept = take_kept(step, frame, name, correlation)
        if kept is not None:
            occur(step, step.state.acts[act.key], number, kept)
            return
