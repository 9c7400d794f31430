"""What must hold of ad-hoc sub-processes."""

from collections.abc import Iterator

from fabloop.base.errors import Fault
from fabloop.process.bpmn.model import Activity, EndEvent, FlowNode, StartEvent, SubProcess
from fabloop.process.bpmn.outline import Outline
from fabloop.process.bpmn.validate_events import Report
from fabloop.process.bpmn.validate_responses import is_response


def is_ad_hoc(owner: object) -> bool:
    """Tell whether the activities of a scope begin without a flow."""
    return isinstance(owner, SubProcess) and owner.ad_hoc is not None


def may_begin(node: FlowNode, outline: Outline) -> bool:
    """Tell whether a node without a flow into it can be chosen."""
    plain = isinstance(node, Activity) and not node.for_compensation and not is_response(node)
    return is_ad_hoc(outline.owner) and plain


def ad_hoc_faults(outline: Outline, report: Report) -> Iterator[Fault]:
    """Yield what is wrong with what stands in an ad-hoc sub-process."""
    owner = outline.owner
    if not isinstance(owner, SubProcess) or owner.ad_hoc is None:
        return
    entered = {flow.target for _, flow in outline.flows}
    nodes = [node for _, node in outline.nodes]
    if not any(may_begin(node, outline) and node.id not in entered for node in nodes):
        yield report(owner.id, "an activity without a flow into it, to be chosen", "none")
    for node in nodes:
        if isinstance(node, StartEvent | EndEvent):
            hint = "Activities begin when they are chosen, and end without an event."
            expected = "no start or end event in an ad-hoc sub-process"
            yield report(node.id, expected, type(node).__name__, hint)
        if is_response(node):
            yield report(node.id, "no event sub-process in an ad-hoc sub-process", "one")
