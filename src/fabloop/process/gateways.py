"""Gateways: which way a token takes, and what it waits for there."""

from fabloop.process.acts import arm, boundary_dues, occur, open_act, take
from fabloop.process.commands import NodeCompleted, Variables
from fabloop.process.definition import (
    AwaitMessage,
    Definition,
    EventBased,
    Exclusive,
    Inclusive,
    Node,
)
from fabloop.process.deltas import EventAwaited, Merged
from fabloop.process.evaluate import chosen_flow, chosen_flows, correlation_of
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


def spread(step: Step, frame: Frame, node: Node, gateway: Inclusive) -> None:
    """Put a token on every flow out of an inclusive gateway whose condition holds."""
    state = step.state
    flows = chosen_flows(state.definition_of(frame), node, gateway, state.visible(frame), step.at)
    step.passed(frame, node)
    step.notices.append(NodeCompleted(instance=frame.instance, node=node.id))
    for flow in flows:
        take(step, frame, flow)


def merge(step: Step, frame: Frame) -> bool:
    """Let the first inclusive gateway go on to which no further token can come; tell if one did.

    Everything in the frame must be at rest. A token that can come to an empty flow is waited
    for, unless it can come to a flow that holds one, too.
    """
    definition = step.state.definition_of(frame)
    for each in definition.scopes[frame.scope].merges:
        marked = tuple(flow for flow in each.reach if flow in frame.tokens)
        if not marked:
            continue
        missed = held = 0
        for flow, mask in each.reach.items():
            if flow in frame.tokens:
                held |= mask
            else:
                missed |= mask
        if not _elsewhere(step, frame, definition, each.node) & missed & ~held:
            step.emit(Merged(frame.key, each.node, marked))
            step.touched[frame.key] = None
            step.agenda.append((frame.key, definition.nodes[each.node], {}))
            return True
    return False


def _elsewhere(step: Step, frame: Frame, definition: Definition, gateway: int) -> int:
    """Return a mask of the nodes at which a frame holds tokens, but for those at a gateway."""
    places = [step.state.acts[key].node for key in frame.acts]
    places += [definition.flows[flow].target for flow in frame.tokens]
    mask = 0
    for node in places:
        if node != gateway:
            mask |= 1 << node
    return mask


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
