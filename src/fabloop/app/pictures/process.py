"""A BPMN process as it is drawn in its diagram, with the state of every node and what changed."""

from collections.abc import Mapping

from fabloop.app.pictures.svg import (
    Picture,
    arrow_head,
    badge,
    box,
    document,
    element,
    group,
    line,
    path,
    shortened,
    text,
    text_width,
    wrapped,
)
from fabloop.process.bpmn.layout import POOL_HEADER, lanes_within, layout
from fabloop.process.bpmn.model import (
    Activity,
    BoundaryEvent,
    Bounds,
    BpmnProcess,
    BusinessRuleTask,
    CallActivity,
    CatchEvent,
    Diagram,
    EndEvent,
    EventBasedGateway,
    ExclusiveGateway,
    FlowNode,
    InclusiveGateway,
    ManualTask,
    MultiInstance,
    ParallelGateway,
    ScriptTask,
    SequenceFlow,
    ServiceTask,
    StandardLoop,
    StartEvent,
    SubProcess,
    SubProcessKind,
    ThrowEvent,
    UserTask,
)
from fabloop.process.bpmn.triggers import (
    CancelTrigger,
    CompensateTrigger,
    ConditionTrigger,
    ErrorTrigger,
    EscalationTrigger,
    LinkTrigger,
    MessageTrigger,
    SignalTrigger,
    TerminateTrigger,
    TimerTrigger,
)

_PAD = 12.0
_NAME_WIDTH = 100.0
_LEGEND = 40.0
_APART = 40.0
STATES = ("done", "running", "waiting", "failed")
"""States with a sign of their own; any other word is shown as it is, in grey."""
CHANGES = ("added", "removed", "moved")


def process_picture(
    process: BpmnProcess,
    *,
    states: Mapping[str, str] | None = None,
    changes: Mapping[str, str] | None = None,
    title: str = "",
) -> str:
    """Return the process as SVG.

    `states` and `changes` tell by node id what it does now and how it differs from another
    version; ids that the process does not have are ignored, for they belong to that version.
    """
    drawn = draw_process(process, states=states, changes=changes)
    return document(drawn, title or f"Process {process.name or process.id}")


def draw_process(
    process: BpmnProcess,
    *,
    states: Mapping[str, str] | None = None,
    changes: Mapping[str, str] | None = None,
) -> Picture:
    """Return the drawing of `process_picture`, to be set beside others."""
    diagram = process.diagram if process.diagram.shapes else layout(process)
    nodes, flows = _contents(process.nodes, process.flows)
    shown = {**(states or {}), **(changes or {})}
    left, top, right, bottom = _extent(process, diagram)
    large = [each for each in nodes if isinstance(each, SubProcess)]
    small = [each for each in nodes if not isinstance(each, SubProcess)]
    parts = [_drawn(node, diagram, shown) for node in large]
    parts.insert(1 if lanes_within(process) else 0, _lanes(process, diagram))
    parts += [_flow(flow, diagram) for flow in flows if flow.id in diagram.edges]
    parts += [_drawn(node, diagram, shown) for node in small if node.id in diagram.shapes]
    used = [shown[node.id] for node in nodes if node.id in shown]
    legend = _legend(used, left, bottom)
    return Picture(
        width=max(right - left, 200) + 2 * _PAD,
        height=bottom - top + 2 * _PAD + (_LEGEND if legend else 0),
        body=group(*parts, legend, x=_PAD - left, y=_PAD - top),
    )


def _contents(
    nodes: tuple[FlowNode, ...], flows: tuple[SequenceFlow, ...]
) -> tuple[list[FlowNode], list[SequenceFlow]]:
    """Return nodes and flows with those of sub-processes, outer ones first."""
    all_nodes, all_flows = list(nodes), list(flows)
    for node in nodes:
        if isinstance(node, SubProcess):
            inner_nodes, inner_flows = _contents(node.nodes, node.flows)
            all_nodes += inner_nodes
            all_flows += inner_flows
    return all_nodes, all_flows


def _extent(process: BpmnProcess, diagram: Diagram) -> tuple[float, float, float, float]:
    boxes = [_with_name(each) for each in diagram.shapes.values()]
    points = [point for way in diagram.edges.values() for point in way]
    xs = [x for x, _ in points] + [each.x for each in boxes]
    ys = [y for _, y in points] + [each.y for each in boxes]
    pool = POOL_HEADER if process.lanes and not lanes_within(process) else 0.0
    left = min(xs, default=0.0) - pool
    right = max([*xs, *(each.x + each.width for each in boxes)], default=0.0)
    bottom = max([*ys, *(each.y + each.height for each in boxes)], default=0.0)
    return left, min(ys, default=0.0), right, bottom


def _with_name(box: Bounds) -> Bounds:
    """Return the room of a shape; the name of an event or gateway stands below it."""
    if box.width >= _NAME_WIDTH:
        return box
    left = box.x + (box.width - _NAME_WIDTH) / 2
    return Bounds(x=left, y=box.y, width=_NAME_WIDTH, height=box.height + 28)


def _lanes(process: BpmnProcess, diagram: Diagram) -> str:
    parts: list[str] = []
    boxes = [diagram.shapes[each.id] for each in process.lanes if each.id in diagram.shapes]
    for number, lane in enumerate(process.lanes):
        at = diagram.shapes.get(lane.id)
        if at is None:
            continue
        css = "lane" if number % 2 else "lane band"
        parts.append(element("rect", css, x=at.x, y=at.y, width=at.width, height=at.height))
        parts.append(_upright(lane.name, at.x + 19, at.y, at.height, "strong"))
    if boxes and not lanes_within(process):
        x, y = min(each.x for each in boxes) - POOL_HEADER, min(each.y for each in boxes)
        height = max(each.y + each.height for each in boxes) - y
        parts.append(element("rect", "lane", x=x, y=y, width=POOL_HEADER, height=height))
        parts.append(_upright(process.name or process.id, x + 19, y, height, "strong"))
    return "".join(parts)


def _upright(words: str, x: float, y: float, height: float, css: str) -> str:
    """Return text that runs upwards, centred in the height."""
    label = text(0, 0, shortened(words, height - 10), css, anchor="middle")
    turned = f"translate({x:g} {y + height / 2:g}) rotate(-90)"
    return element("g", "", label, transform=turned)


# -- flows ---------------------------------------------------------------------------------------


def _flow(flow: SequenceFlow, diagram: Diagram) -> str:
    way = list(diagram.edges[flow.id])
    (x0, y0), (x1, y1) = way[-2], way[-1]
    parts = [line(way, "flow"), arrow_head(x1, y1, (x1 - x0, y1 - y0), "")]
    if flow.name:
        words = shortened(flow.name, 90, 11)
        if len(way) > 2 and y0 == y1 and abs(y0 - way[0][1]) > _APART:
            # before the last bend, where flows have parted
            parts.append(text(x0 - 5, y0 + 4, words, "small muted", anchor="end"))
        else:
            parted = len(way) > 3 and way[1][1] == way[0][1] != way[2][1]
            x, y = way[2] if parted else way[0]
            parts.append(text(x + 6, y - 5, words, "small muted"))
    return group(*parts, title=flow.condition and f"{flow.name or flow.id}: {flow.condition}")


# -- nodes ---------------------------------------------------------------------------------------


def _drawn(node: FlowNode, diagram: Diagram, shown: Mapping[str, str]) -> str:
    at = diagram.shapes.get(node.id)
    if at is None:
        return ""
    state = shown.get(node.id, "")
    match node:
        case SubProcess():
            parts = [_frame(node, at, state), *_marks(node, at)]
            parts.append(text(at.x + 10, at.y + 17, shortened(node.name, at.width - 20), "strong"))
            parts += _state(state, at)
        case ExclusiveGateway() | ParallelGateway() | InclusiveGateway() | EventBasedGateway():
            parts = [*_gateway(node, at, state), *_state(state, at), *_below(node.name, at)]
        case StartEvent() | EndEvent() | CatchEvent() | ThrowEvent() | BoundaryEvent():
            name = _beside if isinstance(node, BoundaryEvent) else _below
            parts = [*_event(node, at, state), *_state(state, at), *name(node.name, at)]
        case _:
            parts = _task(node, at, state)
    words = node.name or node.id
    return group(*parts, title=f"{words}: {state}" if state else words)


def _task(node: Activity, at: Bounds, state: str) -> list[str]:
    css = "shape thick" if isinstance(node, CallActivity) else "shape"
    parts = [box(at.x, at.y, at.width, at.height, f"{css} {state}", radius=8)]
    icon = _ICONS.get(type(node), "")
    if icon:
        parts.append(element("g", "icon", icon, transform=f"translate({at.x + 6:g} {at.y + 6:g})"))
    rows = wrapped(node.name or node.id, at.width - 12, 3)
    first = at.y + at.height / 2 + (6 if state else 10) - (len(rows) - 1) * 7
    for number, row in enumerate(rows):
        parts.append(text(at.x + at.width / 2, first + number * 14, row, anchor="middle"))
    return [*parts, *_marks(node, at), *_state(state, at)]


def _frame(node: SubProcess, at: Bounds, state: str) -> str:
    """Return the border of a sub-process: dotted for an event one, double for a transaction."""
    border = box(at.x, at.y, at.width, at.height, f"open {state}", radius=10)
    if node.kind is SubProcessKind.EVENT:
        return element("g", content=border, stroke_dasharray="1 4")
    if node.kind is SubProcessKind.TRANSACTION:
        return border + box(at.x + 4, at.y + 4, at.width - 8, at.height - 8, "open", radius=7)
    return border


def _marks(node: Activity, at: Bounds) -> list[str]:
    """Return the signs at the lower edge: how often it is carried out, and what it undoes."""
    signs = []
    match node.loop:
        case MultiInstance(sequential=sequential):
            signs.append("M-5 -4H5M-5 0H5M-5 4H5" if sequential else "M-4 -5V5M0 -5V5M4 -5V5")
        case StandardLoop():
            signs.append("M2 -5A5 5 0 1 0 5 1M2 -5L-2 -7M2 -5L0 -1")
        case None:
            pass
    if isinstance(node, SubProcess) and node.ad_hoc:
        signs.append("M-6 2C-3 -5 3 5 6 -2")
    if node.for_compensation:
        signs.append("M-1 -5L-7 0L-1 5ZM6 -5L0 0L6 5Z")
    left = at.x + at.width / 2 - (len(signs) - 1) * 9
    return [
        element(
            "g", "icon", f'<path d="{way}"/>',
            transform=f"translate({left + 18 * number:g} {at.y + at.height - 9:g})",
        )
        for number, way in enumerate(signs)
    ]  # fmt: skip


def _state(state: str, at: Bounds) -> list[str]:
    """Return the sign of a state at the upper right corner; where there is room, with its word."""
    if not state:
        return []
    css = f"small {state}" if state in (*STATES, *CHANGES) else "small muted"
    sign = badge(state, at.x + at.width - 2, at.y + 2)
    if at.width < _NAME_WIDTH:
        return [sign]
    return [sign, text(at.x + at.width / 2, at.y + at.height - 6, state, css, anchor="middle")]


def _gateway(
    node: ExclusiveGateway | ParallelGateway | InclusiveGateway | EventBasedGateway,
    at: Bounds,
    state: str,
) -> list[str]:
    x, y, w, h = at.x, at.y, at.width / 2, at.height / 2
    diamond = f"M{x + w:g} {y:g}L{x + 2 * w:g} {y + h:g}L{x + w:g} {y + 2 * h:g}L{x:g} {y + h:g}Z"
    arm = min(w, h) * 0.42
    if isinstance(node, EventBasedGateway):
        r = arm * 0.75
        top, low, side = y + h - 0.6 * r, y + h + 0.6 * r, 0.55 * r
        sign = f"M{x + w:g} {top - 0.1 * r:g}L{x + w + 0.6 * r:g} {y + h - 0.1 * r:g}"
        sign += f"L{x + w + side * 0.7:g} {low:g}H{x + w - side * 0.7:g}"
        sign += f"L{x + w - 0.6 * r:g} {y + h - 0.1 * r:g}Z"
        ring = element("circle", "symbol", cx=x + w, cy=y + h, r=1.3 * r)
        return [path(diamond, f"open {state}"), ring, path(sign, "symbol")]
    if isinstance(node, InclusiveGateway):
        ring = element("circle", "symbol", cx=x + w, cy=y + h, r=arm)
        return [path(diamond, f"open {state}"), ring]
    if isinstance(node, ParallelGateway):
        sign = f"M{x + w - arm:g} {y + h:g}h{2 * arm:g}M{x + w:g} {y + h - arm:g}v{2 * arm:g}"
    else:
        arm *= 0.75
        left, top, size = x + w - arm, y + h - arm, 2 * arm
        sign = f"M{left:g} {top:g}l{size:g} {size:g}M{left:g} {top + size:g}l{size:g} {-size:g}"
    return [path(diamond, f"open {state}"), path(sign, "symbol")]


def _event(
    node: StartEvent | EndEvent | CatchEvent | ThrowEvent | BoundaryEvent, at: Bounds, state: str
) -> list[str]:
    x, y, r = at.x + at.width / 2, at.y + at.height / 2, min(at.width, at.height) / 2
    thick = " thick" if isinstance(node, EndEvent) else ""
    parts = [element("circle", f"open{thick} {state}", cx=x, cy=y, r=r)]
    if isinstance(node, CatchEvent | ThrowEvent | BoundaryEvent):
        parts.append(element("circle", f"open {state}", cx=x, cy=y, r=r - 3))
    if not getattr(node, "interrupting", True):
        parts = [element("g", content="".join(parts), stroke_dasharray="4 3")]
    thrown = isinstance(node, ThrowEvent | EndEvent)
    sign = _SIGNS.get(type(node.trigger), "")
    if sign:
        filled = {"style": "fill:var(--muted)"} if thrown else {}
        parts.append(element("g", "icon", sign, transform=f"translate({x:g} {y:g})", **filled))
    return parts


_SIGNS: dict[type, str] = {
    MessageTrigger: '<path d="M-8 -5.5H8V5.5H-8ZM-8 -5.5L0 1L8 -5.5"/>',
    TimerTrigger: '<circle r="9"/><path d="M0 -6V0L4 3"/>',
    ErrorTrigger: '<path d="M-8 8L-3 -7L3 2L8 -8L3 7L-3 -2Z"/>',
    EscalationTrigger: '<path d="M0 -8L6 7L0 1L-6 7Z"/>',
    SignalTrigger: '<path d="M0 -7.5L7.5 6H-7.5Z"/>',
    ConditionTrigger: '<path d="M-6 -8H6V8H-6ZM-4 -4.5H4M-4 -1.5H4M-4 1.5H4M-4 4.5H4"/>',
    LinkTrigger: '<path d="M-8 -3H2V-7L9 0L2 7V3H-8Z"/>',
    CompensateTrigger: '<path d="M-1 -6L-9 0L-1 6ZM8 -6L0 0L8 6Z"/>',
    CancelTrigger: '<path d="M-6 -8L0 -2L6 -8L8 -6L2 0L8 6L6 8L0 2L-6 8L-8 6L-2 0L-8 -6Z"/>',
    TerminateTrigger: '<circle r="9" style="fill:var(--muted)"/>',
}


def _below(name: str, at: Bounds) -> list[str]:
    """Return the name of an event or gateway below it."""
    rows = wrapped(name, _NAME_WIDTH, 2, 11) if name else []
    return [
        text(at.x + at.width / 2, at.y + at.height + 13 + 12 * n, row, "small", anchor="middle")
        for n, row in enumerate(rows)
    ]


def _beside(name: str, at: Bounds) -> list[str]:
    """Return the name of a boundary event on its left: its flow leaves below."""
    words = shortened(name, _NAME_WIDTH, 11)
    return [text(at.x - 4, at.y + at.height - 3, words, "small", anchor="end")]


def _legend(used: list[str], left: float, bottom: float) -> str:
    """Return the signs that occur, each with its word."""
    parts: list[str] = []
    x, y = left + 16, bottom + _PAD + 12
    for each in (*STATES, *CHANGES):
        if each in used:
            parts += [badge(each, x, y), text(x + 14, y + 4, each, f"small {each}")]
            x += 34 + text_width(each)
    return "".join(parts)


_GEAR = (
    '<circle cx="8" cy="8" r="3"/><circle cx="8" cy="8" r="5.4"/>'
    '<path d="M8 0v2.6M8 13.4V16M0 8h2.6M13.4 8H16M2.3 2.3l1.9 1.9M11.8 11.8l1.9 1.9'
    'M13.7 2.3l-1.9 1.9M4.2 11.8l-1.9 1.9"/>'
)
_PERSON = '<circle cx="8" cy="4.5" r="3.5"/><path d="M1.5 16c0-9 13-9 13 0Z"/>'
_CALL = '<path d="M2 1h9v9H2ZM6 10v5h9V6h-4"/>'
_PAGE = '<path d="M2 1h12v14H2ZM5 5h6M5 8h6M5 11h6"/>'

_ICONS: dict[type, str] = {
    UserTask: _PERSON,
    ManualTask: _PERSON,
    ServiceTask: _GEAR,
    ScriptTask: _PAGE,
    BusinessRuleTask: _PAGE,
    CallActivity: _CALL,
}
