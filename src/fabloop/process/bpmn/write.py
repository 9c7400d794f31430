"""A process as BPMN 2.0 XML with its diagram; equal processes give equal bytes.

Expressions get the leading ``=`` that the model leaves out. Extension elements are those of the
``zeebe`` namespace, and ours for the pages of coloured Petri nets::

    <fabloop:page net="page-op-mill"><fabloop:header key="k" value="v"/></fabloop:page>

Lanes are written with the pool that modelers need to show them.
"""

from lxml import etree

from fabloop.base.errors import Invalid
from fabloop.process.bpmn.layout import layout
from fabloop.process.bpmn.model import (
    Activity,
    BpmnProcess,
    DataObject,
    ExclusiveGateway,
    FlowNode,
    InclusiveGateway,
    Loop,
    SequenceFlow,
    StandardLoop,
    SubProcess,
    SubProcessKind,
)
from fabloop.process.bpmn.write_diagram import has_pool, participant_of, write_diagram
from fabloop.process.bpmn.write_events import write_associations, write_event, write_globals
from fabloop.process.bpmn.write_extensions import write_extensions, write_listeners
from fabloop.process.bpmn.write_faults import unwritable
from fabloop.process.bpmn.write_xml import (
    BPMN,
    MODELER,
    PLATFORM,
    PREFIXES,
    Element,
    child,
    formula,
    given,
    zeebe,
)


def write(process: BpmnProcess) -> bytes:
    """Return the process as an XML document; one without a diagram is laid out first.

    Raises
    ------
    Invalid
        An id is no XML name or is used twice, or a text holds characters that XML cannot carry.
    """
    faults = list(unwritable(process))
    if faults:
        raise Invalid(faults)
    diagram = process.diagram if process.diagram.shapes else layout(process)
    root = etree.Element(
        f"{{{BPMN}}}definitions",
        {
            "id": f"definitions-{process.id}",
            "targetNamespace": "urn:fabloop:process",
            "exporter": "fabloop",
            f"{{{MODELER}}}executionPlatform": PLATFORM[0],
            f"{{{MODELER}}}executionPlatformVersion": PLATFORM[1],
        },
        nsmap=PREFIXES,
    )
    if has_pool(process):
        pool = child(root, "collaboration", id=f"collaboration-{process.id}")
        child(
            pool,
            "participant",
            id=participant_of(process),
            name=process.name or process.id,
            processRef=process.id,
        )
    _process(root, process)
    write_globals(root, process)
    write_diagram(root, process, diagram)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _process(root: Element, process: BpmnProcess) -> None:
    element = child(root, "process", id=process.id, name=process.name, isExecutable="true")
    if process.version_tag or process.listeners:
        box = child(element, "extensionElements")
        if process.version_tag:
            zeebe(box, "versionTag", value=process.version_tag)
        write_listeners(box, process.listeners)
    if process.lanes:
        lanes = child(element, "laneSet", id=f"lanes-{process.id}")
        for lane in process.lanes:
            at = child(lanes, "lane", id=lane.id, name=lane.name)
            for node in lane.nodes:
                child(at, "flowNodeRef").text = node
    _data(element, process.data)
    _content(element, process.nodes, process.flows)


def _content(parent: Element, nodes: tuple[FlowNode, ...], flows: tuple[SequenceFlow, ...]) -> None:
    for node in nodes:
        element = child(parent, _tag(node), id=node.id, name=node.name)
        write_extensions(element, node)
        for flow in flows:
            if flow.target == node.id:
                child(element, "incoming").text = flow.id
        for flow in flows:
            if flow.source == node.id:
                child(element, "outgoing").text = flow.id
        write_event(element, node)
        _body(element, node)
    for flow in flows:
        ends = {"sourceRef": flow.source, "targetRef": flow.target}
        element = child(parent, "sequenceFlow", id=flow.id, name=flow.name, **ends)
        if flow.condition:
            formula(element, "conditionExpression", f"={flow.condition}")
    write_associations(parent, nodes)


def _tag(node: FlowNode) -> str:
    if isinstance(node, SubProcess) and node.kind is SubProcessKind.TRANSACTION:
        return "transaction"
    if isinstance(node, SubProcess) and node.ad_hoc:
        return "adHocSubProcess"
    tag = type(node).__struct_config__.tag
    assert isinstance(tag, str), "every flow node is tagged with its BPMN element name"
    return tag


def _body(element: Element, node: FlowNode) -> None:
    """Write what stands behind the flows of an element: its default flow, loop or content."""
    match node:
        case ExclusiveGateway(default=default) | InclusiveGateway(default=default) if default:
            element.set("default", default)
        case SubProcess():
            _sub_process(element, node)
        case _:
            pass  # nothing stands behind its flows
    if isinstance(node, Activity):
        if node.default:
            element.set("default", node.default)
        if node.for_compensation:
            element.set("isForCompensation", "true")
        if node.loop and not isinstance(node, SubProcess):
            _loop(element, node.loop)


def _sub_process(element: Element, node: SubProcess) -> None:
    if node.kind is SubProcessKind.EVENT:
        element.set("triggeredByEvent", "true")
    if node.loop:
        _loop(element, node.loop)
    _data(element, node.data)
    _content(element, node.nodes, node.flows)
    if node.ad_hoc:
        element.set("ordering", "Sequential" if node.ad_hoc.sequential else "Parallel")
        element.set("cancelRemainingInstances", "true" if node.ad_hoc.cancels else "false")
        if node.ad_hoc.completion_condition:
            formula(element, "completionCondition", f"={node.ad_hoc.completion_condition}")


def _data(parent: Element, data: tuple[DataObject, ...]) -> None:
    for each in data:
        collection = "true" if each.collection else ""
        child(parent, "dataObject", id=each.id, name=each.name, isCollection=collection)


def _loop(element: Element, loop: Loop) -> None:
    if isinstance(loop, StandardLoop):
        made = child(element, "standardLoopCharacteristics", loopMaximum=loop.maximum)
        made.set("testBefore", "true" if loop.before else "false")
        if loop.condition:
            formula(made, "loopCondition", f"={loop.condition}")
        return
    made = child(element, "multiInstanceLoopCharacteristics")
    if loop.sequential:
        made.set("isSequential", "true")
    named = given(
        {
            "inputCollection": f"={loop.collection}" if loop.collection else "",
            "inputElement": loop.element,
            "outputCollection": loop.output_collection,
            "outputElement": f"={loop.output_element}" if loop.output_element else "",
        }
    )
    if named:
        zeebe(child(made, "extensionElements"), "loopCharacteristics", **named)
    if loop.cardinality:
        formula(made, "loopCardinality", f"={loop.cardinality}")
    if loop.completion_condition:
        formula(made, "completionCondition", f"={loop.completion_condition}")
