"""Places a graph in layers from left to right, with bands for groups of nodes.

Layers are longest paths; the order inside a layer follows barycentres; heights are the
least-squares fit to the neighbours' heights that keeps order and distance (pool adjacent
violators). Edges over several layers get a free row of their own, so none runs behind a box.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import msgspec

from fabloop.process.bpmn.layout_edges import Box, Link, Point, columns, route

MARGIN = 40.0
ROW_GAP = 40.0
TRACK_GAP = 16.0
EVENT_SIZE = 36.0
_SMALL = 50.0  # the name of an event or gateway stands below it
_NAME_HEIGHT = 12.0
_GRID = 5.0
_ORDER_SWEEPS = 6
_HEIGHT_SWEEPS = 8
_FIRM = 1_000.0
_STRAIGHT = 4.0  # how much more a bend in a long flow counts than a shape off its neighbours

Size: TypeAlias = tuple[float, float]
Flow: TypeAlias = tuple[str, str, str]
"""An edge: its id, where it begins, where it ends."""


class Arranged(msgspec.Struct, frozen=True, kw_only=True):
    """A graph laid out from (0, 0): boxes, edges, and top and bottom of each band."""

    boxes: dict[str, Box]
    edges: dict[str, tuple[Point, ...]]
    bands: list[tuple[float, float]]
    width: float
    height: float


class _Band(msgspec.Struct, frozen=True):
    """What stands in one lane: per layer, ids from top to bottom (``#`` ids are bends of flows)."""

    rows: list[list[str]]


def arrange(
    sizes: Mapping[str, Size],
    flows: Sequence[Flow],
    *,
    host: Mapping[str, str] | None = None,
    lanes: Sequence[Sequence[str]] = (),
    main: Collection[str] = (),
) -> Arranged:
    """Return where boxes of these sizes and the flows between them stand.

    `host` tells on whose lower border a box stands that is not placed itself. Flows named in
    `main` run straight on where others branch off. Cycles are allowed; the flows that close them
    run backwards below everything else.
    """
    host = host or {}
    placed = [each for each in sizes if each not in host]
    links = _links(flows, host, placed)
    layer = _layers(placed, [each for each in links if not each.back])
    lane_of = _lane_of(placed, lanes)
    ways = _with_bends(links, layer, lane_of)
    bands = _ordered(ways, layer, lane_of, len(lanes) + 1)
    straight = {
        pair
        for link, way in zip(links, ways, strict=True)
        if link.id in main
        for pair in pairwise(way)
    }
    centre_y, tops, height = _heights(bands, ways, sizes, host, straight)
    boxes = _boxes(placed, layer, centre_y, sizes, ways)
    boxes.update(_on_border(host, boxes))
    edges, low = route(links, ways, boxes, layer, centre_y, height)
    if lanes and low > height:  # a backward flow runs below the last lane: it grows
        tops[-1] = (tops[-1][0], low)
    return Arranged(
        boxes=boxes,
        edges=edges,
        bands=tops,
        width=max((box.right for box in boxes.values()), default=0.0) + MARGIN,
        height=max(low, height),
    )


def _links(flows: Sequence[Flow], host: Mapping[str, str], placed: list[str]) -> list[Link]:
    """Return the flows as edges between placed nodes; those that close a cycle are marked."""
    out: dict[str, list[tuple[str, str]]] = {each: [] for each in placed}
    for flow in flows:
        out[host.get(flow[1], flow[1])].append((flow[0], flow[2]))
    back: set[str] = set()
    state = dict.fromkeys(placed, 0)
    entered = {target for _, _, target in flows}
    for root in sorted(placed, key=lambda each: each in entered):
        stack: list[tuple[str, Iterator[tuple[str, str]]]] = []
        if state[root] == 0:
            state[root] = 1
            stack.append((root, iter(out[root])))
        while stack:
            node, rest = stack[-1]
            for flow_id, target in rest:
                if state[target] == 1:
                    back.add(flow_id)
                elif state[target] == 0:
                    state[target] = 1
                    stack.append((target, iter(out[target])))
                    break
            else:
                state[node] = 2
                stack.pop()
    return [
        Link(
            id=id_,
            source=host.get(source, source),
            target=target,
            event=source if source in host else "",
            back=id_ in back,
        )
        for id_, source, target in flows
    ]


def _layers(placed: list[str], links: list[Link]) -> dict[str, int]:
    """Return the length of the longest path to each node."""
    before: dict[str, list[str]] = {each: [] for each in placed}
    after: dict[str, list[str]] = {each: [] for each in placed}
    for link in links:
        before[link.target].append(link.source)
        after[link.source].append(link.target)
    layer = dict.fromkeys(placed, 0)
    waits = {each: len(before[each]) for each in placed}
    ready = [each for each in placed if not waits[each]]
    for node in ready:
        for target in after[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
    return layer


def _lane_of(placed: list[str], lanes: Sequence[Sequence[str]]) -> dict[str, int]:
    """Return the number of each node's lane; nodes of none stand in a band below the last."""
    found = {node: number for number, lane in enumerate(lanes) for node in lane}
    return {each: found.get(each, len(lanes)) for each in placed}


def _with_bends(
    links: list[Link], layer: dict[str, int], lane_of: dict[str, int]
) -> list[tuple[str, ...]]:
    """Return each flow as a chain with one stop per layer; adds the stops to both tables."""
    ways: list[tuple[str, ...]] = []
    for link in links:
        if link.back:
            ways.append(())
            continue
        stops = [link.source]
        for level in range(layer[link.source] + 1, layer[link.target]):
            bend = f"#{link.id}#{level}"
            layer[bend] = level
            lane_of[bend] = lane_of[link.target]
            stops.append(bend)
        ways.append((*stops, link.target))
    return ways


def _pairs(ways: list[tuple[str, ...]]) -> list[tuple[str, str]]:
    return [pair for way in ways for pair in pairwise(way)]


def _ordered(
    ways: list[tuple[str, ...]],
    layer: dict[str, int],
    lane_of: dict[str, int],
    bands: int,
) -> list[_Band]:
    """Return bands whose layers are ordered so that few flows cross."""
    depth = max(layer.values(), default=0) + 1
    rows: list[list[str]] = [[] for _ in range(depth)]
    for node in _by_discovery(ways, layer):
        rows[layer[node]].append(node)
    near: dict[int, dict[str, list[str]]] = {1: {}, -1: {}}
    for left, right in _pairs(ways):
        near[1].setdefault(right, []).append(left)
        near[-1].setdefault(left, []).append(right)
    best = _sorted_by_lane(rows, lane_of)
    fewest = _crossings(best, near[1])
    now = best
    for sweep in range(_ORDER_SWEEPS):
        step = 1 if sweep % 2 == 0 else -1
        now = _sorted_by_lane(_swept(now, near[step], step), lane_of)
        count = _crossings(now, near[1])
        if count < fewest:
            best, fewest = now, count
    return [
        _Band(rows=[[each for each in row if lane_of[each] == band] for row in best])
        for band in range(bands)
    ]


def _by_discovery(ways: list[tuple[str, ...]], layer: dict[str, int]) -> list[str]:
    """Return all stops in depth-first order, so that a branch stays together."""
    out: dict[str, list[str]] = {}
    entered: set[str] = set()
    for left, right in _pairs(ways):
        out.setdefault(left, []).append(right)
        entered.add(right)
    seen: dict[str, None] = {}
    stack = sorted(layer, key=lambda each: each not in entered)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen[node] = None
            stack += reversed(out.get(node, []))
    return list(seen)


def _swept(rows: list[list[str]], near: dict[str, list[str]], step: int) -> list[list[str]]:
    """Return rows sorted by the mean place of their neighbours, layer after layer."""
    result = [list(row) for row in rows]
    order = range(1, len(rows)) if step == 1 else range(len(rows) - 2, -1, -1)
    for level in order:
        place = {each: index for index, each in enumerate(result[level - step])}
        now = {each: index for index, each in enumerate(result[level])}
        result[level].sort(key=lambda each: _mean(near, each, place, now))
    return result


def _mean(
    near: dict[str, list[str]], node: str, place: dict[str, int], now: dict[str, int]
) -> float:
    around = [place[each] for each in near.get(node, ())]
    return sum(around) / len(around) if around else float(now[node])


def _sorted_by_lane(rows: list[list[str]], lane_of: dict[str, int]) -> list[list[str]]:
    return [sorted(row, key=lane_of.__getitem__) for row in rows]


def _crossings(rows: list[list[str]], before: dict[str, list[str]]) -> int:
    """Return how many pairs of flows between neighbouring layers cross."""
    count = 0
    for left, right in pairwise(rows):
        place = {each: index for index, each in enumerate(left)}
        ends = [sorted(place[each] for each in before.get(node, ())) for node in right]
        for index, upper in enumerate(ends):
            for lower in ends[index + 1 :]:
                count += sum(a > b for a in upper for b in lower)
    return count


def _heights(
    bands: list[_Band],
    ways: list[tuple[str, ...]],
    sizes: Mapping[str, Size],
    host: Mapping[str, str],
    straight: Collection[tuple[str, str]],
) -> tuple[dict[str, float], list[tuple[float, float]], float]:
    """Return the centre height of every stop, top and bottom of each band, and the height of all.

    Hosts of boundary events get room below them for the events and their flows.
    """
    room = dict.fromkeys(host.values(), EVENT_SIZE)
    centre: dict[str, float] = {}
    tops: list[tuple[float, float]] = []
    top = 0.0
    for number, band in enumerate(bands):
        members = {each for row in band.rows for each in row}
        if not members and number == len(bands) - 1:
            break
        pairs = [(a, b) for a, b in _pairs(ways) if a in members and b in members]
        local = _fitted(band.rows, pairs, sizes, room, straight)
        above = min((y - _half(n, sizes) for n, y in local.items()), default=0.0)
        below = max((y + _half(n, sizes) + room.get(n, 0.0) for n, y in local.items()), default=40)
        shift = top + MARGIN - above
        centre.update({node: y + shift for node, y in local.items()})
        bottom = below + shift + MARGIN
        tops.append((top, bottom))
        top = bottom
    return centre, tops, top


def _half(node: str, sizes: Mapping[str, Size]) -> float:
    return sizes[node][1] / 2 if node in sizes else 0.0


def _fitted(
    rows: list[list[str]],
    pairs: list[tuple[str, str]],
    sizes: Mapping[str, Size],
    room: dict[str, float],
    straight: Collection[tuple[str, str]],
) -> dict[str, float]:
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for left, right in pairs:
        before.setdefault(right, []).append(left)
        after.setdefault(left, []).append(right)
    gaps = [[_gap(a, b, sizes, room) for a, b in pairwise(row)] for row in rows]
    y: dict[str, float] = {}
    for row, gap in zip(rows, gaps, strict=True):
        y.update(_spread(row, dict.fromkeys(row, 0.0), gap, sizes))
    for sweep in range(_HEIGHT_SWEEPS):
        for level in range(len(rows)) if sweep % 2 == 0 else range(len(rows) - 1, -1, -1):
            row, wish = rows[level], dict[str, float]()
            for node in row:
                near = before.get(node, []) if sweep % 2 == 0 else after.get(node, [])
                near = near or before.get(node, []) or after.get(node, [])
                wish[node] = sum(y[each] for each in near) / len(near) if near else y[node]
            y.update(_spread(row, wish, gaps[level], sizes))
    for row, gap in zip(rows, gaps, strict=True):
        alone = {
            node: before[node][0]
            for node in row
            if len(before.get(node, ())) == 1
            and (len(after[before[node][0]]) == 1 or (before[node][0], node) in straight)
        }
        wish = {node: y[alone.get(node, node)] for node in row}
        y.update(_spread(row, wish, gap, sizes, firm=alone))
    return {node: round(value / _GRID) * _GRID for node, value in y.items()}


def _gap(upper: str, lower: str, sizes: Mapping[str, Size], room: dict[str, float]) -> float:
    """Return the least distance between two centres, one above the other."""
    between = ROW_GAP if upper in sizes and lower in sizes else TRACK_GAP
    if upper in sizes and sizes[upper][1] <= _SMALL:
        between += _NAME_HEIGHT
    return _half(upper, sizes) + _half(lower, sizes) + between + room.get(upper, 0.0)


def _spread(
    row: list[str],
    wish: dict[str, float],
    gaps: list[float],
    sizes: Mapping[str, Size],
    firm: Collection[str] = (),
) -> dict[str, float]:
    """Return heights nearest to the wishes (weighted least squares) that keep order and gaps."""
    offset = [0.0]
    for gap in gaps:
        offset.append(offset[-1] + gap)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for index, node in enumerate(row):
        weight = _FIRM if node in firm else 1.0 if node in sizes else _STRAIGHT
        block = (wish[node] - offset[index], weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, other, count = blocks.pop()
            total = other + block[1]
            block = ((mean * other + block[0] * block[1]) / total, total, count + block[2])
        blocks.append(block)
    means = [mean for mean, _, count in blocks for _ in range(count)]
    return {node: means[index] + offset[index] for index, node in enumerate(row)}


def _boxes(
    placed: Iterable[str],
    layer: dict[str, int],
    centre_y: dict[str, float],
    sizes: Mapping[str, Size],
    ways: list[tuple[str, ...]],
) -> dict[str, Box]:
    """Return the box of every node that is not on a border, centred in its layer's column."""
    placed = tuple(placed)
    widths = [0.0] * (max(layer.values(), default=-1) + 1)
    for node in placed:
        widths[layer[node]] = max(widths[layer[node]], sizes[node][0])
    lefts = columns(widths, _pairs(ways), layer, centre_y, MARGIN)
    boxes: dict[str, Box] = {}
    for node in placed:
        width, height = sizes[node]
        x = lefts[layer[node]] + (widths[layer[node]] - width) / 2
        boxes[node] = Box(x=x, y=centre_y[node] - height / 2, width=width, height=height)
    return boxes


def _on_border(host: Mapping[str, str], boxes: dict[str, Box]) -> dict[str, Box]:
    """Return boundary events on the lower border of their host, from its right end leftwards."""
    placed: dict[str, Box] = {}
    count: dict[str, int] = {}
    for event, activity in host.items():
        at, number = boxes[activity], count.get(activity, 0)
        count[activity] = number + 1
        x = at.right - (number + 1) * (EVENT_SIZE + 6.0)
        placed[event] = Box(
            x=x, y=at.y + at.height - EVENT_SIZE / 2, width=EVENT_SIZE, height=EVENT_SIZE
        )
    return placed
