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
    EventBasedGateway,
    ExclusiveGateway,
    FlowNode,
    InclusiveGateway,
    Lane,
    ParallelGateway,
    SequenceFlow,
    StartEvent,
    SubProcess,
    ThrowEvent,
)

LANE_HEADER = 30.0
POOL_HEADER = 30.0
_TASK = (100.0, 80.0)
_GATEWAY = (50.0, 50.0)
_NAME_ABOVE = 26.0  # the name of a sub-process stands at its top


class _Placed(msgspec.Struct, frozen=True):
    """A scope laid out, its lanes included, with its top left corner at (0, 0)."""

    shapes: dict[str, Bounds]
    edges: dict[str, tuple[Point, ...]]
    width: float
    height: float


class _Lanes(msgspec.Struct, frozen=True):
    """The lanes of a process and the scope that they divide (empty: the process itself)."""

    scope: str
    lanes: tuple[Lane, ...]

    def of(self, scope: str) -> tuple[Lane, ...]:
        return self.lanes if scope == self.scope else ()


def layout(process: BpmnProcess) -> Diagram:
    """Return where every node, lane and flow stands; an existing diagram is not looked at."""
    within = lanes_within(process)
    lanes = _Lanes(within, process.lanes)
    placed = _scope("", process.nodes, process.flows, lanes)
    left = POOL_HEADER if process.lanes and not within else 0.0
    return Diagram(
        shapes={id_: _moved(box, left, 0.0) for id_, box in placed.shapes.items()},
        edges={id_: _shifted(way, left, 0.0) for id_, way in placed.edges.items()},
    )


def lanes_within(process: BpmnProcess) -> str:
    """Return the id of the sub-process whose content the lanes divide; empty for the process."""
    grouped = {node for lane in process.lanes for node in lane.nodes}
    found = (
        node.id
        for node in process.nodes
        if isinstance(node, SubProcess) and grouped <= {each.id for each in node.nodes}
    )
    return next(found, "") if grouped else ""


def _scope(
    scope: str, nodes: Sequence[FlowNode], flows: Sequence[SequenceFlow], lanes: _Lanes
) -> _Placed:
    """Return the layout of one scope; sub-processes are laid out first and take their size."""
    inner = {each.id: _content(each, lanes) for each in nodes if isinstance(each, SubProcess)}
    sizes = {
        each.id: (inner[each.id].width, inner[each.id].height) if each.id in inner else _size(each)
        for each in nodes
    }
    own = lanes.of(scope)
    found = arrange(
        sizes,
        [(flow.id, flow.source, flow.target) for flow in flows],
        host={each.id: each.attached_to for each in nodes if isinstance(each, BoundaryEvent)},
        lanes=[lane.nodes for lane in own],
        main=_main_flows(nodes, flows),
    )
    left = LANE_HEADER if own else 0.0
    width = found.width + left
    shapes = {
        lane.id: Bounds(x=0.0, y=top, width=width, height=bottom - top)
        for lane, (top, bottom) in zip(own, found.bands, strict=False)
    }
    shapes |= {id_: _moved(found.boxes[id_].bounds(), left, 0.0) for id_ in sizes}
    edges = {id_: _shifted(way, left, 0.0) for id_, way in found.edges.items()}
    for id_, content in inner.items():
        at = shapes[id_]
        shapes |= {each: _moved(box, at.x, at.y) for each, box in content.shapes.items()}
        edges |= {each: _shifted(way, at.x, at.y) for each, way in content.edges.items()}
    return _Placed(shapes=shapes, edges=edges, width=width, height=found.height)


def _main_flows(nodes: Sequence[FlowNode], flows: Sequence[SequenceFlow]) -> set[str]:
    """Return the first flow behind each exclusive gateway and activity: the way that is usual."""
    branching = {each.id for each in nodes if not isinstance(each, ParallelGateway | BoundaryEvent)}
    first: dict[str, str] = {}
    for flow in flows:
        if flow.source in branching:
            first.setdefault(flow.source, flow.id)
    return set(first.values())


def _content(node: SubProcess, lanes: _Lanes) -> _Placed:
    content = _scope(node.id, node.nodes, node.flows, lanes)
    return _Placed(
        shapes={id_: _moved(box, 0.0, _NAME_ABOVE) for id_, box in content.shapes.items()},
        edges={id_: _shifted(way, 0.0, _NAME_ABOVE) for id_, way in content.edges.items()},
        width=max(content.width, _TASK[0]),
        height=max(content.height, _TASK[1]) + _NAME_ABOVE,
    )


def _size(node: FlowNode) -> tuple[float, float]:
    match node:
        case StartEvent() | EndEvent() | CatchEvent() | ThrowEvent() | BoundaryEvent():
            return EVENT_SIZE, EVENT_SIZE
        case ExclusiveGateway() | ParallelGateway() | InclusiveGateway() | EventBasedGateway():
            return _GATEWAY
        case _:
            return _TASK


def _moved(box: Bounds, dx: float, dy: float) -> Bounds:
    return Bounds(x=box.x + dx, y=box.y + dy, width=box.width, height=box.height)


def _shifted(way: tuple[Point, ...], dx: float, dy: float) -> tuple[Point, ...]:
    return tuple((x + dx, y + dy) for x, y in way)
