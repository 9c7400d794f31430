"""What a scope is, and which events begin an event sub-process in it."""

from fabloop.process.bpmn.model import ServiceTask, StartEvent, SubProcess, SubProcessKind
from fabloop.process.bpmn.outline import Outline
from fabloop.process.bpmn.triggers import Started
from fabloop.process.definition import ScopeKind

_KINDS = {
    SubProcessKind.EMBEDDED: ScopeKind.SUBPROCESS,
    SubProcessKind.TRANSACTION: ScopeKind.TRANSACTION,
    SubProcessKind.EVENT: ScopeKind.EVENT,
}


def kind_of(owner: SubProcess | ServiceTask | None) -> ScopeKind:
    """Return what a frame of the scope of `owner` is an activation of."""
    if owner is None:
        return ScopeKind.PROCESS
    return _KINDS[owner.kind] if isinstance(owner, SubProcess) else ScopeKind.PAGE


def responses_in(outline: Outline) -> dict[int, Started]:
    """Return the event sub-processes of a scope by number, with what begins each."""
    return {
        number: each.trigger
        for number, node in outline.nodes
        if isinstance(node, SubProcess) and node.kind is SubProcessKind.EVENT
        for each in node.nodes
        if isinstance(each, StartEvent) and each.trigger is not None
    }
