"""A process as BPMN 2.0 XML with its diagram; equal processes give equal bytes.

Expressions get the leading ``=`` that the model leaves out. Extension elements are those of the
``zeebe`` namespace, and ours for the pages of coloured Petri nets::

    <fabloop:page net="page-op-mill"><fabloop:header key="k" value="v"/></fabloop:page>

Lanes are written with the pool that modelers need to show them.
"""

import re
from collections.abc import Iterable, Iterator
from typing import assert_never

from lxml import etree

from fabloop.base.errors import Fault, Invalid
from fabloop.process.bpmn.layout import POOL_HEADER, lanes_within, layout
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    Bounds,
    BpmnProcess,
    CallActivity,
    CatchEvent,
    Diagram,
    EndEvent,
    ErrorTrigger,
    EscalationTrigger,
    EventBasedGateway,
    ExclusiveGateway,
    FlowNode,
    InclusiveGateway,
    JobWork,
    Mapping,
    MessageTrigger,
    PageWork,
    ParallelGateway,
    ScriptTask,
    SequenceFlow,
    ServiceTask,
    StartEvent,
    SubProcess,
    ThrowEvent,
    TimerTrigger,
    UserTask,
)

FABLOOP = "urn:fabloop:bpmn:1"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"
_BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
_DI = "http://www.omg.org/spec/BPMN/20100524/DI"
_DC = "http://www.omg.org/spec/DD/20100524/DC"
_DD = "http://www.omg.org/spec/DD/20100524/DI"
_MODELER = "http://camunda.org/schema/modeler/1.0"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_PREFIXES = {
    "bpmn": _BPMN,
    "bpmndi": _DI,
    "dc": _DC,
    "di": _DD,
    "zeebe": ZEEBE,
    "fabloop": FABLOOP,
    "modeler": _MODELER,
    "xsi": _XSI,
}
_PLATFORM = ("Camunda Cloud", "8.6.0")  # tells modelers which property panel to open

_XML_ID = re.compile(r"[A-Za-z_][\w.\-]*", re.ASCII)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_Element = etree._Element  # noqa: SLF001  # the public name of its type is missing


def write(process: BpmnProcess) -> bytes:
    """Return the process as an XML document; one without a diagram is laid out first.

    Raises
    ------
    Invalid
        An id is no XML name or is used twice, or a text holds characters that XML cannot carry.
    """
    faults = list(_faults(process))
    if faults:
        raise Invalid(faults)
    diagram = process.diagram if process.diagram.shapes else layout(process)
    root = etree.Element(
        f"{{{_BPMN}}}definitions",
        {
            "id": f"definitions-{process.id}",
            "targetNamespace": "urn:fabloop:process",
            "exporter": "fabloop",
            f"{{{_MODELER}}}executionPlatform": _PLATFORM[0],
            f"{{{_MODELER}}}executionPlatformVersion": _PLATFORM[1],
        },
        nsmap=_PREFIXES,
    )
    if _has_pool(process):
        pool = _child(root, "collaboration", id=f"collaboration-{process.id}")
        _child(
            pool,
            "participant",
            id=_participant(process),
            name=process.name or process.id,
            processRef=process.id,
        )
    _process(root, process)
    _globals(root, process)
    _diagram(root, process, diagram)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


# -- what XML cannot carry -----------------------------------------------------------------------


def _faults(process: BpmnProcess) -> Iterator[Fault]:
    seen: set[str] = set()
    for id_ in _ids(process):
        if not _XML_ID.fullmatch(id_):
            expected = "an id of letters, digits, '-', '_', '.' that begins with a letter or '_'"
            yield _fault(process, id_, expected, repr(id_))
        elif id_ in seen:
            yield _fault(process, id_, "an id of its own for every element", f"{id_!r} twice")
        seen.add(id_)
    for owner, text in _texts(process):
        found = _NOT_XML.search(text)
        if found:
            yield _fault(process, owner, "characters that XML can carry", repr(found[0]))
    for node in _all_nodes(process.nodes):
        if isinstance(node, UserTask) and not _groups_fit(node.candidate_groups):
            expected = "one FEEL expression, or plain names without a comma"
            yield _fault(process, node.id, expected, ", ".join(node.candidate_groups))


def _fault(process: BpmnProcess, owner: str, expected: str, found: str) -> Fault:
    path = f"element {owner!r}"
    return Fault(source=f"process '{process.id}'", path=path, expected=expected, found=found)


def _groups_fit(groups: tuple[str, ...]) -> bool:
    if len(groups) == 1 and groups[0].startswith("="):
        return True
    return not any(each.startswith("=") or "," in each for each in groups)


def _ids(process: BpmnProcess) -> Iterator[str]:
    yield process.id
    yield from (lane.id for lane in process.lanes)
    yield from _inner_ids(process.nodes, process.flows)


def _inner_ids(nodes: Iterable[FlowNode], flows: Iterable[SequenceFlow]) -> Iterator[str]:
    yield from (flow.id for flow in flows)
    for node in nodes:
        yield node.id
        if isinstance(node, SubProcess):
            yield from _inner_ids(node.nodes, node.flows)


def _all_nodes(nodes: Iterable[FlowNode]) -> Iterator[FlowNode]:
    for node in nodes:
        yield node
        if isinstance(node, SubProcess):
            yield from _all_nodes(node.nodes)


def _texts(process: BpmnProcess) -> Iterator[tuple[str, str]]:
    """Yield every free text of the process with the id of what holds it."""
    yield process.id, process.name + process.version_tag
    yield from ((lane.id, lane.name) for lane in process.lanes)
    yield from ((flow.id, flow.name + flow.condition) for flow in process.flows)
    for node in _all_nodes(process.nodes):
        yield node.id, node.name
        if isinstance(node, CallActivity):
            yield node.id, node.process + node.version_tag
        if isinstance(node, ServiceTask | UserTask | ScriptTask | SubProcess | CallActivity):
            yield from ((node.id, each.source + each.target) for each in node.inputs)
            yield from ((node.id, each.source + each.target) for each in node.outputs)
        if isinstance(node, SubProcess):
            yield from ((flow.id, flow.name + flow.condition) for flow in node.flows)
        if isinstance(node, ServiceTask):
            named = node.work.type if isinstance(node.work, JobWork) else node.work.net
            yield node.id, named + "".join(k + v for k, v in node.work.headers.items())
        if isinstance(node, UserTask):
            yield node.id, node.assignee + "".join(node.candidate_groups)
            yield node.id, "".join(k + v for k, v in node.headers.items())
        if isinstance(node, ScriptTask):
            yield node.id, node.expression + node.result_variable


# -- the process ---------------------------------------------------------------------------------


def _child(parent: _Element, name: str, /, **attributes: str) -> _Element:
    return etree.SubElement(parent, f"{{{_BPMN}}}{name}", _given(attributes))


def _zeebe(parent: _Element, name: str, /, **attributes: str) -> _Element:
    return etree.SubElement(parent, f"{{{ZEEBE}}}{name}", attributes)


def _given(attributes: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if value}


def _process(root: _Element, process: BpmnProcess) -> None:
    element = _child(root, "process", id=process.id, name=process.name, isExecutable="true")
    if process.version_tag:
        _zeebe(_child(element, "extensionElements"), "versionTag", value=process.version_tag)
    if process.lanes:
        lanes = _child(element, "laneSet", id=f"lanes-{process.id}")
        for lane in process.lanes:
            at = _child(lanes, "lane", id=lane.id, name=lane.name)
            for node in lane.nodes:
                _child(at, "flowNodeRef").text = node
    _content(element, process.nodes, process.flows)


def _content(
    parent: _Element, nodes: tuple[FlowNode, ...], flows: tuple[SequenceFlow, ...]
) -> None:
    for node in nodes:
        element = _child(parent, _tag(node), id=node.id, name=node.name)
        _extensions(element, node)
        for flow in flows:
            if flow.target == node.id:
                _child(element, "incoming").text = flow.id
        for flow in flows:
            if flow.source == node.id:
                _child(element, "outgoing").text = flow.id
        _body(element, node)
    for flow in flows:
        ends = {"sourceRef": flow.source, "targetRef": flow.target}
        element = _child(parent, "sequenceFlow", id=flow.id, name=flow.name, **ends)
        if flow.condition:
            _formula(element, "conditionExpression", f"={flow.condition}")


def _formula(parent: _Element, name: str, text: str) -> None:
    element = _child(parent, name)
    element.set(f"{{{_XSI}}}type", "bpmn:tFormalExpression")
    element.text = text


def _tag(node: FlowNode) -> str:
    tag = type(node).__struct_config__.tag
    assert isinstance(tag, str), "every flow node is tagged with its BPMN element name"
    return tag


def _extensions(element: _Element, node: FlowNode) -> None:
    """Write what is not plain BPMN: work, headers, mappings, scripts, assignment."""
    box = _child(element, "extensionElements")
    match node:
        case ServiceTask():
            _work(box, node.work)
            _mappings(box, node.inputs, node.outputs)
        case UserTask():
            _zeebe(box, "userTask")
            groups = ",".join(node.candidate_groups)
            named = _given({"assignee": node.assignee, "candidateGroups": groups})
            if named:
                _zeebe(box, "assignmentDefinition", **named)
            _headers(box, node.headers)
            _mappings(box, node.inputs, node.outputs)
        case ScriptTask():
            expression = f"={node.expression}"
            _zeebe(box, "script", expression=expression, resultVariable=node.result_variable)
            _mappings(box, node.inputs, node.outputs)
        case CallActivity():
            _called(box, node)
            _mappings(box, node.inputs, node.outputs)
        case SubProcess():
            _mappings(box, node.inputs, node.outputs)
        case CatchEvent() | BoundaryEvent():
            _mappings(box, (), node.outputs)
        case StartEvent() | EndEvent() | ThrowEvent():
            pass
        case ExclusiveGateway() | ParallelGateway() | InclusiveGateway() | EventBasedGateway():
            pass
        case _:
            assert_never(node)
    if not len(box):
        element.remove(box)


def _work(box: _Element, work: JobWork | PageWork) -> None:
    match work:
        case JobWork():
            _zeebe(box, "taskDefinition", type=work.type, retries=str(work.retries))
            _headers(box, work.headers)
        case PageWork():
            page = etree.SubElement(box, f"{{{FABLOOP}}}page", {"net": work.net})
            for key, value in work.headers.items():
                etree.SubElement(page, f"{{{FABLOOP}}}header", {"key": key, "value": value})


def _called(box: _Element, node: CallActivity) -> None:
    given = {
        "processId": node.process,
        "propagateAllChildVariables": "" if node.hands_back else "false",
        "propagateAllParentVariables": "" if node.hands_in else "false",
        "bindingType": "versionTag" if node.version_tag else "",
        "versionTag": node.version_tag,
    }
    _zeebe(box, "calledElement", **_given(given))


def _headers(box: _Element, headers: dict[str, str]) -> None:
    if headers:
        element = _zeebe(box, "taskHeaders")
        for key, value in headers.items():
            _zeebe(element, "header", key=key, value=value)


def _mappings(box: _Element, inputs: tuple[Mapping, ...], outputs: tuple[Mapping, ...]) -> None:
    if inputs or outputs:
        element = _zeebe(box, "ioMapping")
        for each in inputs:
            _zeebe(element, "input", source=f"={each.source}", target=each.target)
        for each in outputs:
            _zeebe(element, "output", source=f"={each.source}", target=each.target)


def _body(element: _Element, node: FlowNode) -> None:
    """Write what stands behind the flows of an element: its event, default flow or content."""
    match node:
        case ExclusiveGateway(default=default) | InclusiveGateway(default=default) if default:
            element.set("default", default)
        case EndEvent(error=ErrorTrigger() as error):
            _error(element, error)
        case (
            EndEvent(escalation=EscalationTrigger() as told)
            | ThrowEvent(escalation=EscalationTrigger() as told)
        ):
            _trigger(element, told)
        case EndEvent(terminate=True):
            _child(element, "terminateEventDefinition")
        case CatchEvent(trigger=trigger):
            _trigger(element, trigger)
        case BoundaryEvent(trigger=trigger):
            element.set("attachedToRef", node.attached_to)
            if not node.interrupting:
                element.set("cancelActivity", "false")
            _trigger(element, trigger)
        case SubProcess():
            _content(element, node.nodes, node.flows)
        case _:
            pass  # nothing stands behind its flows


def _trigger(
    element: _Element,
    trigger: TimerTrigger | ErrorTrigger | EscalationTrigger | MessageTrigger,
) -> None:
    match trigger:
        case TimerTrigger():
            timer = _child(element, "timerEventDefinition")
            name = "timeDuration" if trigger.duration else "timeDate"
            _formula(timer, name, trigger.duration or trigger.date)
        case ErrorTrigger():
            _error(element, trigger)
        case EscalationTrigger():
            reference = _escalation_id(trigger.code) if trigger.code else ""
            _child(element, "escalationEventDefinition", escalationRef=reference)
        case MessageTrigger():
            _child(element, "messageEventDefinition", messageRef=_message_id(trigger))


def _error(element: _Element, error: ErrorTrigger) -> None:
    reference = _error_id(error.code) if error.code else ""
    _child(element, "errorEventDefinition", errorRef=reference)


# -- errors and messages: they stand beside the process ------------------------------------------


def _globals(root: _Element, process: BpmnProcess) -> None:
    errors: dict[str, str] = {}
    escalations: dict[str, str] = {}
    messages: dict[str, MessageTrigger] = {}
    for node in _all_nodes(process.nodes):
        match node:
            case (
                EndEvent(error=ErrorTrigger(code=code))
                | BoundaryEvent(trigger=ErrorTrigger(code=code))
            ) if code:
                errors[_error_id(code)] = code
            case (
                EndEvent(escalation=EscalationTrigger(code=code))
                | ThrowEvent(escalation=EscalationTrigger(code=code))
                | BoundaryEvent(trigger=EscalationTrigger(code=code))
            ) if code:
                escalations[_escalation_id(code)] = code
            case CatchEvent(trigger=MessageTrigger() as message):
                messages[_message_id(message)] = message
            case _:
                pass
    for id_, code in errors.items():
        _child(root, "error", id=id_, name=code, errorCode=code)
    for id_, code in escalations.items():
        _child(root, "escalation", id=id_, name=code, escalationCode=code)
    for id_, message in messages.items():
        element = _child(root, "message", id=id_, name=message.name)
        box = _child(element, "extensionElements")
        _zeebe(box, "subscription", correlationKey=f"={message.correlation_key}")


def _error_id(code: str) -> str:
    return f"error-{_encoded(code)}"


def _escalation_id(code: str) -> str:
    return f"escalation-{_encoded(code)}"


def _message_id(message: MessageTrigger) -> str:
    return f"message-{_encoded(message.name)}-{_encoded(message.correlation_key)}"


def _encoded(text: str) -> str:
    """Return text as part of an XML id; different texts give different parts."""
    return "".join(
        each if each.isascii() and each.isalnum() else f"_{ord(each):x}_" for each in text
    )


# -- the diagram ---------------------------------------------------------------------------------


def _diagram(root: _Element, process: BpmnProcess, diagram: Diagram) -> None:
    top = etree.SubElement(root, f"{{{_DI}}}BPMNDiagram", {"id": f"diagram-{process.id}"})
    shown = f"collaboration-{process.id}" if _has_pool(process) else process.id
    plane = etree.SubElement(
        top, f"{{{_DI}}}BPMNPlane", {"id": f"plane-{process.id}", "bpmnElement": shown}
    )
    drawn = [diagram.shapes[lane.id] for lane in process.lanes if lane.id in diagram.shapes]
    if drawn and _has_pool(process):
        _shape(plane, _participant(process), _pool(drawn), {"isHorizontal": "true"})
    for lane in process.lanes:
        if lane.id in diagram.shapes:
            _shape(plane, lane.id, diagram.shapes[lane.id], {"isHorizontal": "true"})
    for node in _all_nodes(process.nodes):
        if node.id in diagram.shapes:
            _shape(plane, node.id, diagram.shapes[node.id], _marks(node))
    flows = {flow.id for flow in process.flows}
    for node in _all_nodes(process.nodes):
        if isinstance(node, SubProcess):
            flows |= {flow.id for flow in node.flows}
    for flow, points in diagram.edges.items():
        if flow in flows:
            _edge(plane, flow, points)


def _has_pool(process: BpmnProcess) -> bool:
    """Tell whether the lanes divide the process itself; those of a sub-process need no pool."""
    return bool(process.lanes) and not lanes_within(process)


def _participant(process: BpmnProcess) -> str:
    return f"participant-{process.id}"


def _pool(lanes: list[Bounds]) -> Bounds:
    """Return the rectangle around the lanes with room for the pool's name on the left."""
    left = min(lane.x for lane in lanes) - POOL_HEADER
    top = min(lane.y for lane in lanes)
    right = max(lane.x + lane.width for lane in lanes)
    bottom = max(lane.y + lane.height for lane in lanes)
    return Bounds(x=left, y=top, width=right - left, height=bottom - top)


def _marks(node: FlowNode) -> dict[str, str]:
    match node:
        case ExclusiveGateway():
            return {"isMarkerVisible": "true"}
        case SubProcess():
            return {"isExpanded": "true"}
        case _:
            return {}


def _shape(plane: _Element, id_: str, bounds: Bounds, marks: dict[str, str]) -> None:
    shape = etree.SubElement(
        plane, f"{{{_DI}}}BPMNShape", {"id": f"shape-{id_}", "bpmnElement": id_, **marks}
    )
    etree.SubElement(
        shape,
        f"{{{_DC}}}Bounds",
        {name: f"{getattr(bounds, name):.12g}" for name in ("x", "y", "width", "height")},
    )


def _edge(plane: _Element, id_: str, points: tuple[tuple[float, float], ...]) -> None:
    edge = etree.SubElement(plane, f"{{{_DI}}}BPMNEdge", {"id": f"edge-{id_}", "bpmnElement": id_})
    for x, y in points:
        etree.SubElement(edge, f"{{{_DD}}}waypoint", {"x": f"{x:.12g}", "y": f"{y:.12g}"})
