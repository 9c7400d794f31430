"""Gateways: which way a token takes."""

from fabloop.process.acts import take
from fabloop.process.commands import NodeCompleted, Variables
from fabloop.process.definition import (
    Definition,
    Exclusive,
    Inclusive,
    Node,
)
from fabloop.process.deltas import Merged
from fabloop.process.evaluate import chosen_flow, chosen_flows
from fabloop.process.state import Frame
from fabloop.process.step import Step


def choose(step: Step, frame: Frame, node: Node, gateway: Exclusive, _brought: Variables) -> None:
    """Let a token take one flow out of an exclusive gateway."""
    definition = step.state.definition_of(frame)
    flow = chosen_flow(definition, node, gateway, step.state.visible(frame), step.at)
    step.passed(frame, node)
    step.notices.append(NodeCompleted(instance=frame.instance, node=node.id))
    take(step, frame, definition, flow)


def spread(step: Step, frame: Frame, node: Node, gateway: Inclusive) -> None:
    """Put a token on every flow out of an inclusive gateway whose condition holds."""
    definition = step.state.definition_of(frame)
    flows = chosen_flows(definition, node, gateway, step.state.visible(frame), step.at)
    step.passed(frame, node)
    step.notices.append(NodeCompleted(instance=frame.instance, node=node.id))
    for flow in flows:
        take(step, frame, definition, flow)


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
