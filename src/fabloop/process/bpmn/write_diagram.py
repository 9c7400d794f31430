"""Writes diagram interchange: where the elements of a process stand."""

from lxml import etree

from fabloop.process.bpmn.layout import POOL_HEADER, lanes_within
from fabloop.process.bpmn.model import (
    Bounds,
    BpmnProcess,
    Diagram,
    ExclusiveGateway,
    FlowNode,
    SubProcess,
)
from fabloop.process.bpmn.outline import all_nodes
from fabloop.process.bpmn.write_xml import DC, DD, DI, Element


def write_diagram(root: Element, process: BpmnProcess, diagram: Diagram) -> None:
    """Write where everything that is in the diagram stands."""
    top = etree.SubElement(root, f"{{{DI}}}BPMNDiagram", {"id": f"diagram-{process.id}"})
    shown = f"collaboration-{process.id}" if has_pool(process) else process.id
    plane = etree.SubElement(
        top, f"{{{DI}}}BPMNPlane", {"id": f"plane-{process.id}", "bpmnElement": shown}
    )
    drawn = [diagram.shapes[lane.id] for lane in process.lanes if lane.id in diagram.shapes]
    if drawn and has_pool(process):
        _shape(plane, participant_of(process), _pool(drawn), {"isHorizontal": "true"})
    for lane in process.lanes:
        if lane.id in diagram.shapes:
            _shape(plane, lane.id, diagram.shapes[lane.id], {"isHorizontal": "true"})
    for node in all_nodes(process):
        if node.id in diagram.shapes:
            _shape(plane, node.id, diagram.shapes[node.id], _marks(node))
    flows = {flow.id for flow in process.flows}
    for node in all_nodes(process):
        if isinstance(node, SubProcess):
            flows |= {flow.id for flow in node.flows}
    for flow, points in diagram.edges.items():
        if flow in flows:
            _edge(plane, flow, points)


def has_pool(process: BpmnProcess) -> bool:
    """Tell whether the lanes divide the process itself; those of a sub-process need no pool."""
    return bool(process.lanes) and not lanes_within(process)


def participant_of(process: BpmnProcess) -> str:
    """Return the id of the pool around the lanes."""
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


def _shape(plane: Element, id_: str, bounds: Bounds, marks: dict[str, str]) -> None:
    shape = etree.SubElement(
        plane, f"{{{DI}}}BPMNShape", {"id": f"shape-{id_}", "bpmnElement": id_, **marks}
    )
    etree.SubElement(
        shape,
        f"{{{DC}}}Bounds",
        {name: f"{getattr(bounds, name):.12g}" for name in ("x", "y", "width", "height")},
    )


def _edge(plane: Element, id_: str, points: tuple[tuple[float, float], ...]) -> None:
    edge = etree.SubElement(plane, f"{{{DI}}}BPMNEdge", {"id": f"edge-{id_}", "bpmnElement": id_})
    for x, y in points:
        etree.SubElement(edge, f"{{{DD}}}waypoint", {"x": f"{x:.12g}", "y": f"{y:.12g}"})
