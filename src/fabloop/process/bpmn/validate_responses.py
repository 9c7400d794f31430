"""What must hold of event sub-processes and of the events that begin them."""

from collections.abc import Iterator

from fabloop.base.errors import Fault
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    FlowNode,
    StartEvent,
    SubProcess,
    SubProcessKind,
)
from fabloop.process.bpmn.outline import Outline
from fabloop.process.bpmn.triggers import (
    CompensateTrigger,
    ErrorTrigger,
    EscalationTrigger,
)
from fabloop.process.bpmn.validate_events import Report


def response_faults(outline: Outline, report: Report) -> Iterator[Fault]:
    """Yield what is wrong with the event sub-processes of a scope, and with its own start."""
    responses = [
        node for _, node in outline.nodes if isinstance(node, SubProcess) and is_response(node)
    ]
    seen: set[tuple[type, str]] = set()
    for node in responses:
        yield from _alone(node, outline, report)
        for start in (each for each in node.nodes if isinstance(each, StartEvent)):
            yield from _start(start, outline, report)
            yield from _repeated(start, seen, report)
    owner = outline.owner
    if isinstance(owner, SubProcess) and not is_response(owner):
        for _, each in outline.nodes:
            if isinstance(each, StartEvent) and each.trigger is not None:
                hint = "Only event sub-processes are begun by an event."
                found = type(each.trigger).__name__
                yield report(each.id, "a start event without a trigger", found, hint)


def is_response(node: FlowNode) -> bool:
    """Tell whether a node is an event sub-process."""
    return isinstance(node, SubProcess) and node.kind is SubProcessKind.EVENT


def _alone(node: SubProcess, outline: Outline, report: Report) -> Iterator[Fault]:
    if any(node.id in (flow.source, flow.target) for _, flow in outline.flows):
        yield report(node.id, "no flow into or out of an event sub-process", "one")
    if node.for_compensation:
        hint = "Give its start event a compensation trigger."
        yield report(node.id, "an ordinary event sub-process", "isForCompensation", hint)
    for _, each in outline.nodes:
        if isinstance(each, BoundaryEvent) and each.attached_to == node.id:
            yield report(each.id, "no event on the boundary of an event sub-process", "one")


def _start(start: StartEvent, outline: Outline, report: Report) -> Iterator[Fault]:
    trigger = start.trigger
    if trigger is None:
        yield report(start.id, "a trigger of the start of an event sub-process", "none")
    if isinstance(trigger, ErrorTrigger) and not start.interrupting:
        yield report(start.id, "an error event that interrupts", "isInterrupting=false")
    if isinstance(trigger, CompensateTrigger) and not isinstance(outline.owner, SubProcess):
        hint = "Put what it undoes into a sub-process."
        found = "one in a process"
        yield report(start.id, "a compensation start in a sub-process", found, hint)


def _repeated(start: StartEvent, seen: set[tuple[type, str]], report: Report) -> Iterator[Fault]:
    trigger = start.trigger
    if not isinstance(trigger, ErrorTrigger | EscalationTrigger | CompensateTrigger):
        return
    code = "" if isinstance(trigger, CompensateTrigger) else trigger.code
    if (type(trigger), code) in seen:
        of = f"code '{code}'" if code else "all of them"
        yield report(start.id, "one event sub-process per event", f"a second one for {of}")
    seen.add((type(trigger), code))
