"""Places a process for reading from left to right, its lanes as bands one above the other."""

from collections.abc import Sequence

import msgspec

from fabloop.process.bpmn.layered import EVENT_SIZE, arrange
from fabloop.process.bpmn.layout_edges import Point
from fabloop.process.bpmn.model import (
    BoundaryEvent,
    Bounds,
    BpmnProcess,
    CatchEvent,
    Diagram,
    EndEvent,
    ExclusiveGateway,
    FlowNode,
    Lane,
    ParallelGateway,
    ScriptTask,
    SequenceFlow,
    ServiceTask,
    StartEvent,
    SubProcess,
    UserTask,
)

LANE_HEADER = 30.0
POOL_HEADER = 30.0
_TASK = (100.0, 80.0)
_GATEWAY = (50.0, 50.0)
_NAME_ABOVE = 15.0  # the name of a sub-process stands at its top


class _Placed(msgspec.Struct, frozen=True):
    """A scope laid out with its top left corner at (0, 0)."""

    shapes: dict[str, Bounds]
    edges: dict[str, tuple[Point, ...]]
    bands: list[tuple[float, float]]
    width: float
    height: float


def layout(process: BpmnProcess) -> Diagram:
    """Return where every node, lane and flow stands; an existing diagram is not looked at."""
    left = POOL_HEADER + LANE_HEADER if process.lanes else 0.0
    inner = _scope(process.nodes, process.flows, process.lanes)
    shapes = {
        lane.id: Bounds(x=POOL_HEADER, y=top, width=inner.width + LANE_HEADER, height=bottom - top)
        for lane, (top, bottom) in zip(process.lanes, inner.bands, strict=False)
    }
    shapes |= {id_: _moved(box, left, 0.0) for id_, box in inner.shapes.items()}
    return Diagram(
        shapes=shapes, edges={id_: _shifted(way, left, 0.0) for id_, way in inner.edges.items()}
    )


def _scope(
    nodes: Sequence[FlowNode], flows: Sequence[SequenceFlow], lanes: Sequence[Lane]
) -> _Placed:
    """Return the layout of one scope; sub-processes are laid out first and take their size."""
    inner = {each.id: _content(each) for each in nodes if isinstance(each, SubProcess)}
    sizes = {
        each.id: (inner[each.id].width, inner[each.id].height) if each.id in inner else _size(each)
        for each in nodes
    }
    found = arrange(
        sizes,
        [(flow.id, flow.source, flow.target) for flow in flows],
        host={each.id: each.attached_to for each in nodes if isinstance(each, BoundaryEvent)},
        lanes=[lane.nodes for lane in lanes],
        main=_main_flows(nodes, flows),
    )
    shapes = {id_: found.boxes[id_].bounds() for id_ in sizes}
    edges = dict(found.edges)
    for id_, content in inner.items():
        at = shapes[id_]
        shapes |= {each: _moved(box, at.x, at.y) for each, box in content.shapes.items()}
        edges |= {each: _shifted(way, at.x, at.y) for each, way in content.edges.items()}
    return _Placed(
        shapes=shapes, edges=edges, bands=found.bands, width=found.width, height=found.height
    )


def _main_flows(nodes: Sequence[FlowNode], flows: Sequence[SequenceFlow]) -> set[str]:
    """Return the first flow behind each exclusive gateway and activity: the way that is usual."""
    branching = {each.id for each in nodes if not isinstance(each, ParallelGateway)}
    first: dict[str, str] = {}
    for flow in flows:
        if flow.source in branching:
            first.setdefault(flow.source, flow.id)
    return set(first.values())


def _content(node: SubProcess) -> _Placed:
    content = _scope(node.nodes, node.flows, ())
    return _Placed(
        shapes={id_: _moved(box, 0.0, _NAME_ABOVE) for id_, box in content.shapes.items()},
        edges={id_: _shifted(way, 0.0, _NAME_ABOVE) for id_, way in content.edges.items()},
        bands=[],
        width=max(content.width, _TASK[0]),
        height=max(content.height, _TASK[1]) + _NAME_ABOVE,
    )


def _size(node: FlowNode) -> tuple[float, float]:
    match node:
        case StartEvent() | EndEvent() | CatchEvent() | BoundaryEvent():
            return EVENT_SIZE, EVENT_SIZE
        case ExclusiveGateway() | ParallelGateway():
            return _GATEWAY
        case ServiceTask() | UserTask() | ScriptTask() | SubProcess():
            return _TASK


def _moved(box: Bounds, dx: float, dy: float) -> Bounds:
    return Bounds(x=box.x + dx, y=box.y + dy, width=box.width, height=box.height)


def _shifted(way: tuple[Point, ...], dx: float, dy: float) -> tuple[Point, ...]:
    return tuple((x + dx, y + dy) for x, y in way)
