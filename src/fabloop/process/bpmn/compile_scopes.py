"""Which events stand at the activities of a scope, and which begin an event sub-process in it."""

from fabloop.process.bpmn.model import (
    BoundaryEvent,
    FlowNode,
    StartEvent,
    SubProcess,
    SubProcessKind,
)
from fabloop.process.bpmn.outline import Outline
from fabloop.process.bpmn.triggers import Started


def attached_to(node: FlowNode, outline: Outline) -> list[tuple[int, BoundaryEvent]]:
    """Return the boundary events of a node, by number."""
    return [
        (number, each)
        for number, each in outline.nodes
        if isinstance(each, BoundaryEvent) and each.attached_to == node.id
    ]


def responses_in(outline: Outline) -> dict[int, Started]:
    """Return the event sub-processes of a scope by number, with what begins each."""
    return {
        number: each.trigger
        for number, node in outline.nodes
        if isinstance(node, SubProcess) and node.kind is SubProcessKind.EVENT
        for each in node.nodes
        if isinstance(each, StartEvent) and each.trigger is not None
    }
