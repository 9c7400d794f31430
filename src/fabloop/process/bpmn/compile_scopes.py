"""Which events stand at the activities of a scope, and which begin an event sub-process in it."""

from fabloop.process.bpmn.model import (
    StartEvent,
    SubProcess,
    SubProcessKind,
)
from fabloop.process.bpmn.outline import Outline
from fabloop.process.bpmn.triggers import Started


def responses_in(outline: Outline) -> dict[int, Started]:
    """Return the event sub-processes of a scope by number, with what begins each."""
    return {
        number: each.trigger
        for number, node in outline.nodes
        if isinstance(node, SubProcess) and node.kind is SubProcessKind.EVENT
        for each in node.nodes
        if isinstance(each, StartEvent) and each.trigger is not None
    }
