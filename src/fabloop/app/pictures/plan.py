"""A plan as swimlanes: sites and work units against local time, with the way of the material."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from fabloop.app.labels import zone_in
from fabloop.app.pictures.lanes import lanes_of, names_width
from fabloop.app.pictures.shipped import Shipped, shipped_parts
from fabloop.app.pictures.svg import (
    LABEL_WIDTH_MIN,
    Picture,
    arrow_head,
    badge,
    box,
    clipped,
    document,
    group,
    hatch,
    line,
    number,
    path,
    shortened,
    text,
    text_width,
)
from fabloop.app.pictures.timeline import Axis, between
from fabloop.base.instant import MINUTE, Instant, span_text
from fabloop.model.ids import OperationId
from fabloop.model.plan import Freight, Movement, MovementKind, Plan, PlannedStep
from fabloop.model.product import ConfiguredProduct
from fabloop.model.routing import as_planned
from fabloop.model.site import Network

WIDTH = 1200.0
_NAMES_LEAST, _NAMES_MOST = 170.0, 240.0
_RIGHT = 24.0
_ROW = 44.0
_BAR = 26.0
_HEADER = 30.0
_LEGEND = 54.0
_MOVE_BAR = 14.0
_LANE = _BAR + 4
WAYS_STEPS_MAX = 80
"""Steps of a plan whose ways are drawn as lines; of more, they would hide the bars."""
MOVED_MIN = MINUTE
"""A step that starts this much earlier or later than before counts as moved."""


_Ride = tuple[str, Instant, Instant, str, str]
"""By whom, from when to when, for which step, what: a bar in the row of a carrier."""


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """One swimlane: a work unit of a site, or a carrier between sites."""

    key: str
    label: str
    y: float

    @property
    def middle(self) -> float:
        return self.y + _ROW / 2


class _Board(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything stands: rows by key, site headers, the time axis."""

    rows: dict[str, _Row]
    headers: tuple[tuple[float, str, str], ...]
    axis: Axis
    bottom: float
    lanes: dict[_Ride, int]

    @property
    def names(self) -> float:
        return self.axis.left

    def middle(self, ride: _Ride) -> float:
        """Return the height of a shipment; those that go side by side stand below each other."""
        return self.rows[ride[0]].middle + self.lanes.get(ride, 0) * _LANE

    def deepest(self, row: str) -> int:
        """Return how many lanes stand below the first one of a row."""
        return max((lane for ride, lane in self.lanes.items() if ride[0] == row), default=0)


def plan_picture(
    plan: Plan,
    product: ConfiguredProduct,
    network: Network,
    *,
    before: Plan | None = None,
    now: Instant | None = None,
    title: str = "",
) -> str:
    """Return the plan as SVG; with `before`, what moved is marked and its old place is dashed."""
    drawn = draw_plan(plan, product, network, before=before, now=now)
    return document(drawn, title or f"Plan {plan.id} for order {plan.order}")


def draw_plan(
    plan: Plan,
    product: ConfiguredProduct,
    network: Network,
    *,
    before: Plan | None = None,
    now: Instant | None = None,
    width: float = WIDTH,
) -> Picture:
    """Return the drawing of `plan_picture`, to be set beside others."""
    board = _board(plan, before, product, network, width)
    parts = [_grid(board)]
    was = {} if before is None else {each.operation: each for each in before.steps}
    becomes = {each.operation: each for each in plan.steps}
    parts += [
        _ghost(board, old, product, network)
        for key, old in was.items()
        if key not in becomes or is_moved(becomes[key], old)
    ]
    parts += [_flow_lines(board, plan, product)] if len(plan.steps) <= WAYS_STEPS_MAX else []
    parts += [_movement(board, leg, product, network) for leg in plan.movements]
    parts += [_freight(board, each, plan, network) for each in shipped_parts(plan, product)]
    for step in plan.steps:
        parts.append(_step(board, plan, step, was.get(step.operation), product, network))
    if now is not None and board.axis.begin <= now <= board.axis.end:
        x = board.axis.x(now)
        parts.append(line([(x, _HEADER), (x, board.bottom + 12)], "now"))
        parts.append(text(x + 4, board.bottom + 11, "now", "small muted"))
    parts.append(_legend(board.bottom, marked=before is not None))
    told = between(board.axis.begin, board.axis.end, zone_in(network))
    words = f"{told}, {zone_in(network)}"
    if len(plan.steps) > WAYS_STEPS_MAX:
        words = f"ways from step to step are not drawn: more than {WAYS_STEPS_MAX} steps. {words}"
    parts.append(text(width - 8, board.bottom + 35, words, "small muted", anchor="end"))
    return Picture(width=width, height=board.bottom + _LEGEND, body="".join(parts))


def is_moved(step: PlannedStep, old: PlannedStep) -> bool:
    """Tell whether a step is done elsewhere, or at another time than before."""
    return step.work_unit != old.work_unit or abs(step.start - old.start) >= MOVED_MIN


# -- rows and time -------------------------------------------------------------------------------


def _board(
    plan: Plan, before: Plan | None, product: ConfiguredProduct, network: Network, width: float
) -> _Board:
    plans = (plan,) if before is None else (plan, before)
    used = {str(step.work_unit) for each in plans for step in each.steps}
    used |= {leg.by for leg in plan.movements}
    rows: dict[str, _Row] = {}
    headers: list[tuple[float, str, str]] = []
    y = 4.0
    for site in network.sites.values():
        units = [unit for unit in site.work_units if unit.id in used]
        if not units:
            continue
        headers.append((y, site.label, site.time_zone))
        y += _HEADER
        for unit in units:
            rows[unit.id] = _Row(key=unit.id, label=unit.label, y=y)
            y += _ROW
    rides = [*map(_ride, plan.movements), *map(_ridden, shipped_parts(plan, product))]
    carriers: dict[str, list[_Ride]] = {}
    for ride in rides:
        if ride[0] not in rows:
            carriers.setdefault(ride[0], []).append(ride)
    lanes: dict[_Ride, int] = {}
    if carriers:
        zones = {site.time_zone for site in network.sites.values()}
        headers.append((y, "Between sites", zones.pop() if len(zones) == 1 else "UTC"))
        y += _HEADER
        for carrier, own in carriers.items():
            rows[carrier] = _Row(key=carrier, label=carrier, y=y)
            found = lanes_of([(ride[1], ride[2]) for ride in own])
            lanes.update(zip(own, found, strict=True))
            y += _ROW + max(found) * _LANE
    names = names_width((row.label for row in rows.values()), _NAMES_LEAST, _NAMES_MOST)
    return _Board(
        rows=rows, headers=tuple(headers), axis=_axis(plans, names, width), bottom=y, lanes=lanes
    )


def _ride(leg: Movement) -> _Ride:
    return (leg.by, leg.start, leg.end, leg.taken_by, leg.made_by)


def _ridden(each: Shipped) -> _Ride:
    return (each.by, each.start, each.end, each.taken_by, each.what)


def _axis(plans: Sequence[Plan], names: float, width: float) -> Axis:
    spans = [(step.start, step.end) for plan in plans for step in plan.steps]
    spans += [(leg.start, leg.end) for plan in plans for leg in plan.movements]
    spans += [(leg.start, leg.end) for leg in _freights(plans[0])]
    begin, end = min(start for start, _ in spans), max(end for _, end in spans)
    pad = max((end - begin) // 60, MINUTE)
    return Axis(
        begin=Instant(begin - pad), end=Instant(end + pad), left=names, right=width - _RIGHT
    )


_ZONE_WIDTH = 96.0
"""Kept free for the name of the time zone behind the last tick."""


def _grid(board: _Board) -> str:
    parts: list[str] = []
    width = board.axis.right + _RIGHT
    bottoms = [*(y for y, _, _ in board.headers[1:]), board.bottom]
    for (y, label, zone), bottom in zip(board.headers, bottoms, strict=True):
        parts.append(box(0, y, width, _HEADER - 4, "band", radius=0))
        parts.append(text(8, y + 17, shortened(label, board.names - 12), "strong"))
        for at, words in board.axis.ticks(zone, spare=_ZONE_WIDTH):
            x = board.axis.x(at)
            parts.append(line([(x, y + _HEADER - 4), (x, bottom)], "grid"))
            parts.append(text(x, y + 17, words, "small muted", anchor="middle"))
        parts.append(text(width - 6, y + 17, zone, "small muted", anchor="end"))
    for row in board.rows.values():
        below = row.y + _ROW + board.deepest(row.key) * _LANE
        parts.append(text(16, row.middle + 4, shortened(row.label, board.names - 22)))
        parts.append(line([(0, below), (width, below)], "grid"))
    return "".join(parts)


# -- bars ----------------------------------------------------------------------------------------


def _step(
    board: _Board,
    plan: Plan,
    step: PlannedStep,
    old: PlannedStep | None,
    product: ConfiguredProduct,
    network: Network,
) -> str:
    row = board.rows[step.work_unit]
    x, right = board.axis.x(step.start), board.axis.x(step.end)
    y, width = row.middle - _BAR / 2, right - x
    moved = old is not None and is_moved(step, old)
    words = product.operation(step.operation).label
    notes = (["fixed"] if step.frozen else []) + (
        [_moved_text(step, old, network)] if moved else []
    )
    parts = [box(x, y, width, _BAR, "shape moved" if moved else "shape")]
    if step.frozen:
        parts.append(hatch(x, y, width, _BAR))
    parts.append(_label(board, plan, step, words, x, right))
    if moved:
        parts.append(badge("moved", x, y))
    elif step.frozen:
        parts.append(badge("fixed", x, y))
    zone = network.sites[step.site].time_zone
    title = f"{words} on {row.label}, {_span(step.start, step.end, zone)}"
    if step.batch is not None:
        notes.append(f"{step.batch.pieces} of {step.batch.together} pieces in one run")
    if step.setup is not None and step.setup.duration_ns:
        notes.append(f"Set up from {step.setup.before or 'anything'} before")
    return group(*parts, title=". ".join([title, *notes]))


def _label(board: _Board, plan: Plan, step: PlannedStep, words: str, x: float, right: float) -> str:
    """Return a step's label inside its bar, or beside it where the row is free."""
    y, inside = board.rows[step.work_unit].middle - _BAR / 2, right - x
    if inside >= min(text_width(words) + 22, 130):
        return clipped(x + 8, y, inside - 8, _BAR, words)
    later = [
        board.axis.x(each.start)
        for each in plan.steps
        if each.work_unit == step.work_unit and each.start >= step.end
    ]
    room = min([*later, board.axis.right + _RIGHT]) - right - 6
    if room >= inside and room >= LABEL_WIDTH_MIN:
        return clipped(right, y, room, _BAR, words, "halo")
    return clipped(x + 4, y, inside - 4, _BAR, words)


def _moved_text(step: PlannedStep, old: PlannedStep | None, network: Network) -> str:
    assert old is not None, "only a step with a former place has moved"
    if step.work_unit != old.work_unit:
        return f"Moved from {_unit_label(network, old.work_unit)}"
    late = step.start - old.start
    return f"{span_text(abs(late))} {'later' if late > 0 else 'earlier'} than before"


def _unit_label(network: Network, unit: str) -> str:
    return next((each.label for id_, each in network.work_units().items() if id_ == unit), unit)


def _ghost(board: _Board, old: PlannedStep, product: ConfiguredProduct, network: Network) -> str:
    x, right = board.axis.x(old.start), board.axis.x(old.end)
    y = board.rows[old.work_unit].middle - _BAR / 2
    words = product.operation(old.operation).label
    zone = network.sites[old.site].time_zone
    return group(
        box(x, y, right - x, _BAR, "ghost"),
        title=f"Before: {words}, {_span(old.start, old.end, zone)}",
    )


def _movement(board: _Board, leg: Movement, product: ConfiguredProduct, network: Network) -> str:
    row = board.rows[leg.by]
    x, right = board.axis.x(leg.start), board.axis.x(leg.end)
    shipping = leg.kind is MovementKind.SHIPPING
    height = _BAR if shipping else _MOVE_BAR
    y = board.middle(_ride(leg)) - height / 2
    output = product.operation(leg.made_by).output
    material = next((each.label for each in product.materials if each.id == output), output)
    if shipping:
        way = " → ".join(
            network.sites[each].label for each in (leg.origin_site, leg.destination_site)
        )
    else:
        way = f"{_unit_label(network, leg.origin)} → {_unit_label(network, leg.destination)}"
    parts = [box(x, y, right - x, height, "ship" if shipping else "move")]
    if shipping:
        parts.append(clipped(x, y, right - x, height, f"{material}: {way}", "onship"))
    if leg.frozen:
        parts.append(hatch(x, y, right - x, height))
    zone = network.sites[leg.origin_site].time_zone
    title = f"{'Shipment' if shipping else 'Transport'} of {material}, {way}, by {row.label}"
    return group(*parts, title=f"{title}, {_span(leg.start, leg.end, zone)}")


def _freights(plan: Plan) -> list[Freight]:
    return [each.freight for step in plan.steps for each in step.parts if each.freight is not None]


def _freight(board: _Board, each: Shipped, plan: Plan, network: Network) -> str:
    """Return the bar of a shipment of parts, with the way to the step that takes them."""
    row, taker = board.rows[each.by], plan.step(each.taken_by)
    x, right = board.axis.x(each.start), board.axis.x(each.end)
    middle = board.middle(_ridden(each))
    y = middle - _BAR / 2
    way = " → ".join(network.sites[site].label for site in (each.origin, each.destination))
    below = board.rows[taker.work_unit].middle
    told = _span(each.start, each.end, network.sites[each.origin].time_zone)
    return group(
        _arrow(right, middle, board.axis.x(taker.start), below),
        box(x, y, right - x, _BAR, "ship"),
        clipped(x, y, right - x, _BAR, f"{each.what}: {way}", "onship"),
        title=f"Shipment of {each.what}, {way}, by {row.label}, {told}",
    )


def _span(start: Instant, end: Instant, zone: str) -> str:
    return f"{between(start, end, zone)} ({span_text(end - start)})"


# -- the way of the material ---------------------------------------------------------------------


def _flow_lines(board: _Board, plan: Plan, product: ConfiguredProduct) -> str:
    parts: list[str] = []
    for taker in as_planned(product, [step.operation for step in plan.steps]).operations:
        for maker in taker.inputs:
            stops = _stops(board, plan, maker, taker.id)
            for (_, end, y), (start, _, below) in pairwise(stops):
                parts.append(_arrow(end, y, start, below))
    return "".join(parts)


def _stops(
    board: _Board, plan: Plan, maker: OperationId, taker: OperationId
) -> list[tuple[float, float, float]]:
    """Return left, right and height of the bars that a piece passes from maker to taker."""
    legs = sorted(
        (leg for leg in plan.movements if leg.made_by == maker and leg.taken_by == taker),
        key=lambda leg: leg.leg,
    )
    first, last = plan.step(maker), plan.step(taker)
    bars = [
        (first.start, first.end, board.rows[first.work_unit].middle),
        *((leg.start, leg.end, board.middle(_ride(leg))) for leg in legs),
        (last.start, last.end, board.rows[last.work_unit].middle),
    ]
    return [(board.axis.x(start), board.axis.x(end), middle) for start, end, middle in bars]


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    """Return an arrow that leaves and arrives level, or is straight inside a row."""
    if y == to_y:
        if to_x - x < 3:
            return ""
        return line([(x, y), (to_x, y)], "flow") + arrow_head(to_x, to_y, (1, 0), "")
    bend = max(14.0, min(60.0, (to_x - x) / 2))
    way = (
        f"M{number(x)} {number(y)}C{number(x + bend)} {number(y)} "
        f"{number(to_x - bend)} {number(to_y)} {number(to_x)} {number(to_y)}"
    )
    return path(way, "flow") + arrow_head(to_x, to_y, (1, 0), "")


def _legend(y: float, *, marked: bool) -> str:
    y += 32
    parts = [box(16, y - 9, 26, 14, "shape"), text(48, y + 3, "step", "small")]
    parts += [box(92, y - 9, 26, 14, "shape"), hatch(92, y - 9, 26, 14)]
    parts += [badge("fixed", 92, y - 7), text(124, y + 3, "fixed: done or running", "small")]
    parts += [box(262, y - 7, 26, 10, "move"), text(294, y + 3, "transport", "small")]
    parts += [box(362, y - 9, 26, 14, "ship"), text(394, y + 3, "shipment", "small")]
    if marked:
        parts += [box(472, y - 9, 26, 14, "shape moved"), badge("moved", 472, y - 7)]
        parts += [text(504, y + 3, "moved", "small moved"), box(556, y - 9, 26, 14, "ghost")]
        parts += [text(588, y + 3, "where it was before", "small")]
    return "".join(parts)
