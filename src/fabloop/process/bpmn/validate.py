"""What must hold before a process is compiled; every fault of a document, each with its place."""

from collections import Counter
from collections.abc import Iterator, Mapping

from fabloop.base.errors import Fault
from fabloop.base.names import did_you_mean
from fabloop.process.bpmn.model import (
    Activity,
    BoundaryEvent,
    BpmnProcess,
    BusinessRuleTask,
    CallActivity,
    CatchEvent,
    EndEvent,
    EventBasedGateway,
    ExclusiveGateway,
    FlowNode,
    InclusiveGateway,
    JobWork,
    ReceiveTask,
    ScriptTask,
    SendTask,
    SequenceFlow,
    ServiceTask,
    StartEvent,
    ThrowEvent,
)
from fabloop.process.bpmn.names import is_name
from fabloop.process.bpmn.outline import Outline, all_nodes, depth_of, net_of, outlines, ties_of
from fabloop.process.bpmn.triggers import LinkTrigger
from fabloop.process.bpmn.validate_ad_hoc import ad_hoc_faults, is_ad_hoc, may_begin
from fabloop.process.bpmn.validate_events import (
    Report,
    attachment_faults,
    event_faults,
    gateway_faults,
    link_faults,
    message_faults,
    repeated_faults,
    start_faults,
)
from fabloop.process.bpmn.validate_listeners import listener_faults, process_listener_faults
from fabloop.process.bpmn.validate_responses import is_response, response_faults
from fabloop.process.bpmn.validate_rounds import loop_faults
from fabloop.process.bpmn.validate_undo import undo_faults
from fabloop.process.definition import ScopeKind

NODES_MAX = 10_000
DEPTH_MAX = 32
MERGED_FLOWS_MAX = 500
"""Flows into inclusive gateways of a process; each costs a walk through its scope."""


def faults_of(process: BpmnProcess, lines: Mapping[str, int] | None = None) -> list[Fault]:
    """Return what is wrong with the structure of a process; `lines` places ids in their XML."""
    report = _reporter(process, lines or {})
    if depth_of(process.nodes) > DEPTH_MAX:
        return [report(process.id, f"at most {DEPTH_MAX} nested sub-processes", "more")]
    if (count := sum(1 for _ in all_nodes(process))) > NODES_MAX:
        return [report(process.id, f"at most {NODES_MAX} nodes", str(count))]
    faults = list(_ids(process, report))
    merging = {each.id for each in all_nodes(process) if isinstance(each, InclusiveGateway)}
    ends = [flow.target for outline in outlines(process) for _, flow in outline.flows]
    if (count := sum(end in merging for end in ends)) > MERGED_FLOWS_MAX:
        expected = f"at most {MERGED_FLOWS_MAX} flows into inclusive gateways"
        faults.append(report(process.id, expected, str(count)))
    scopes = outlines(process)
    for outline in scopes:
        if outline.kind not in (ScopeKind.PAGE, ScopeKind.ROUND):
            faults += _scope(process, outline, scopes, report)
    for node in all_nodes(process):
        faults += _node(node, report)
    faults += process_listener_faults(process, report)
    known = {node.id for node in all_nodes(process)}
    for lane in process.lanes:
        for missing in (each for each in lane.nodes if each not in known):
            faults.append(report(lane.id, "a lane of known nodes", f"'{missing}'"))
    return faults


def _reporter(process: BpmnProcess, lines: Mapping[str, int]) -> Report:
    def report(element: str, expected: str, found: str, hint: str = "") -> Fault:
        line = f", line {lines[element]}" if element in lines else ""
        place = f"element '{element}'{line}"
        return Fault(
            source=f"process '{process.id}'",
            path=place,
            expected=expected,
            found=found,
            hint=hint,
        )

    return report


def _ids(process: BpmnProcess, report: Report) -> Iterator[Fault]:
    ids = [process.id, *(node.id for node in all_nodes(process))]
    for outline in outlines(process):
        ids += [flow.id for _, flow in outline.flows]
    for each, count in Counter(ids).items():
        if not each:
            yield report(each, "an id", "none", "Give every node and flow an id.")
        elif count > 1:
            yield report(each, "an id of its own for every element", f"{count} with this id")


def _scope(
    process: BpmnProcess, outline: Outline, scopes: list[Outline], report: Report
) -> Iterator[Fault]:
    owner = outline.owner.id if outline.owner else process.id
    nodes = {node.id: node for _, node in outline.nodes}
    flows = [flow for _, flow in outline.flows]
    ties = ties_of(outline)
    if not is_ad_hoc(outline.owner):
        yield from start_faults(owner, list(nodes.values()), outline.owner is None, report)
    yield from link_faults(list(nodes.values()), report)
    for flow in flows:
        yield from _flow(flow, nodes, report)
    for node in nodes.values():
        outgoing = [flow for _, flow in ties.outgoing.get(node.id, ())]
        yield from _ends(node, len(ties.incoming.get(node.id, ())), len(outgoing), outline, report)
        default = getattr(node, "default", "")
        if default and default not in {flow.id for flow in outgoing}:
            yield report(node.id, "a default flow that leaves it", f"'{default}'")
        if isinstance(node, ExclusiveGateway | InclusiveGateway):
            yield from _deciding(node, outgoing, report)
        if isinstance(node, EventBasedGateway):
            yield from gateway_faults(node, nodes, flows, report)
        if isinstance(node, BoundaryEvent):
            yield from attachment_faults(node, nodes, report)
    yield from repeated_faults(nodes, report)
    yield from undo_faults(outline, scopes, report)
    yield from response_faults(outline, report)
    yield from ad_hoc_faults(outline, report)
    yield from listener_faults(outline, report)


def _flow(flow: SequenceFlow, nodes: Mapping[str, FlowNode], report: Report) -> Iterator[Fault]:
    for end, role in ((flow.source, "source"), (flow.target, "target")):
        if end not in nodes:
            hint = did_you_mean(end, nodes)
            yield report(flow.id, f"a {role} in the same scope as the flow", f"'{end}'", hint)
    if flow.condition and not isinstance(
        nodes.get(flow.source), ExclusiveGateway | InclusiveGateway | Activity
    ):
        expected = "conditions only behind an activity, or an exclusive or inclusive gateway"
        yield report(flow.id, expected, f"a condition behind '{flow.source}'")


def _ends(
    node: FlowNode, incoming: int, outgoing: int, outline: Outline, report: Report
) -> Iterator[Fault]:
    linked = isinstance(node, CatchEvent) and isinstance(node.trigger, LinkTrigger)
    entered_otherwise = isinstance(node, StartEvent | BoundaryEvent) or linked
    if entered_otherwise and incoming:
        expected = "no flow into a start or boundary event, or a link to go on at"
        yield report(node.id, expected, str(incoming))
    if getattr(node, "for_compensation", False) or is_response(node):
        return
    if not entered_otherwise and not incoming and not may_begin(node, outline):
        hint = "Connect it, or remove it: nothing would ever reach it."
        yield report(node.id, "a flow into the node", "none", hint)
    if isinstance(node, EndEvent) and outgoing:
        yield report(node.id, "no flow out of an end event", str(outgoing))
    jumps = isinstance(node, ThrowEvent) and isinstance(node.trigger, LinkTrigger)
    if jumps and outgoing:
        yield report(node.id, "no flow out of a link that goes on elsewhere", str(outgoing))


def _deciding(
    gateway: ExclusiveGateway | InclusiveGateway, outgoing: list[SequenceFlow], report: Report
) -> Iterator[Fault]:
    if not outgoing:
        yield report(gateway.id, "a flow out of the gateway", "none")
    for flow in outgoing if len(outgoing) > 1 else ():
        if not flow.condition and flow.id != gateway.default:
            hint = f"Give it a condition, or make it the default of '{gateway.id}'."
            yield report(flow.id, "a condition", "none", hint)


def _node(node: FlowNode, report: Report) -> Iterator[Fault]:
    match node:
        case ServiceTask(work=JobWork() as work) | BusinessRuleTask(work=JobWork() as work):
            if not work.type:
                yield report(node.id, "a job type", "none")
            if work.retries < 1:
                yield report(node.id, "at least one retry", str(work.retries))
        case ServiceTask() | CallActivity() if net_of(node) == "":
            yield report(node.id, "the id of a net", "none")
        case CallActivity() if not node.process.removeprefix("=").strip():
            yield report(node.id, "the id of the process to call", "none")
        case BusinessRuleTask(work=None):
            if not node.decision.removeprefix("=").strip():
                yield report(node.id, "the id of a decision", "none")
            if not is_name(node.result_variable):
                yield report(node.id, "a result variable", f"'{node.result_variable}'")
        case ScriptTask():
            if not is_name(node.result_variable):
                yield report(node.id, "a result variable", f"'{node.result_variable}'")
        case StartEvent() | EndEvent() | ThrowEvent() | CatchEvent() | BoundaryEvent():
            yield from event_faults(node, report)
        case SendTask() | ReceiveTask():
            yield from message_faults(node, report)
        case _:
            pass
    yield from _mappings(node, report)
    yield from loop_faults(node, report)


def _mappings(node: FlowNode, report: Report) -> Iterator[Fault]:
    for kind in ("inputs", "outputs"):
        for mapping in getattr(node, kind, ()):
            if not is_name(mapping.target):
                yield report(node.id, f"a variable name for each of its {kind}", mapping.target)
