"""Flows of a laid-out process as right-angled lines that keep to the gaps between the columns."""

from itertools import pairwise

import msgspec

from fabloop.process.bpmn.model import Bounds

Point = tuple[float, float]

COLUMN_GAP = 40.0
TRACK = 10.0
_STUB = 14.0  # how far a flow leaves a boundary event before it turns
_BACK_GAP = 18.0
_BACK_IN = 10.0  # how far from a column backward flows go down and up


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A rectangle with its edges and middle at hand."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of its lower edge."""
        return self.y + self.height

    @property
    def centre(self) -> Point:
        """Its middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    def bounds(self) -> Bounds:
        """Return it as a shape of the diagram."""
        return Bounds(x=self.x, y=self.y, width=self.width, height=self.height)


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A flow between placed nodes; `event` is the boundary event on `source` that it leaves.

    `back` marks a flow that closes a cycle: it runs from right to left.
    """

    id: str
    source: str
    target: str
    event: str = ""
    back: bool = False


def columns(
    widths: list[float],
    pairs: list[tuple[str, str]],
    layer: dict[str, int],
    centre_y: dict[str, float],
    left: float,
) -> list[float]:
    """Return the x of each column; a gap grows with the vertical tracks that it must hold."""
    tracks = _tracks(pairs, layer, centre_y)
    lefts: list[float] = []
    x = left
    for level, width in enumerate(widths):
        lefts.append(x)
        x += width + COLUMN_GAP + TRACK * _track_count(tracks, layer, level)
    return lefts


def _track_count(tracks: dict[tuple[str, str], int], layer: dict[str, int], level: int) -> int:
    return max((t + 1 for (a, _), t in tracks.items() if layer[a] == level), default=0)


def _tracks(
    pairs: list[tuple[str, str]], layer: dict[str, int], centre_y: dict[str, float]
) -> dict[tuple[str, str], int]:
    """Return in which vertical track of the gap behind its layer each bent piece turns.

    Pieces that meet at one end share a track; pieces whose spans are apart may.
    """
    incoming: dict[str, int] = {}
    for _, right in pairs:
        incoming[right] = incoming.get(right, 0) + 1
    groups: dict[tuple[int, str], list[tuple[str, str]]] = {}
    for left, right in pairs:
        if centre_y[left] != centre_y[right]:
            meets = f">{right}" if incoming[right] > 1 else f"<{left}"
            groups.setdefault((layer[left], meets), []).append((left, right))
    taken: dict[int, list[list[tuple[float, float]]]] = {}
    tracks: dict[tuple[str, str], int] = {}
    for (level, _), members in sorted(
        groups.items(), key=lambda item: (item[0][0], _slope(item[1], centre_y), item[0][1])
    ):
        ends = [centre_y[each] for pair in members for each in pair]
        span = (min(ends), max(ends))
        rows = taken.setdefault(level, [])
        free = (n for n, row in enumerate(rows) if all(b < span[0] or a > span[1] for a, b in row))
        track = next(free, len(rows))
        if track == len(rows):
            rows.append([])
        rows[track].append(span)
        tracks.update(dict.fromkeys(members, track))
    return tracks


def _slope(members: list[tuple[str, str]], centre_y: dict[str, float]) -> float:
    """Order tracks so that flows going down from above turn late, those going up turn early."""
    left, right = members[0]
    down = centre_y[right] > centre_y[left]
    return -centre_y[left] if down else centre_y[left] - 1e6


def route(
    links: list[Link],
    ways: list[tuple[str, ...]],
    boxes: dict[str, Box],
    layer: dict[str, int],
    centre_y: dict[str, float],
    height: float,
) -> tuple[dict[str, tuple[Point, ...]], float]:
    """Return the points of every flow, and the lowest y that backward flows reach."""
    pairs = [pair for way in ways for pair in pairwise(way)]
    tracks = _tracks(pairs, layer, centre_y)
    ahead: dict[int, float] = {}
    behind: dict[int, float] = {}
    for node, box in boxes.items():
        if node in layer:
            ahead[layer[node]] = min(ahead.get(layer[node], box.x), box.x)
            behind[layer[node]] = max(behind.get(layer[node], 0.0), box.right)
    edges: dict[str, tuple[Point, ...]] = {}
    low = height
    for link, way in zip(links, ways, strict=True):
        if link.back:
            down, up = behind[layer[link.source]], ahead[layer[link.target]]
            edges[link.id] = _backward(link, boxes, low, down + _BACK_IN, up - _BACK_IN)
            low += _BACK_GAP
        else:
            edges[link.id] = _forward(link, way, boxes, layer, centre_y, tracks, behind)
    return edges, low


def _forward(
    link: Link,
    way: tuple[str, ...],
    boxes: dict[str, Box],
    layer: dict[str, int],
    centre_y: dict[str, float],
    tracks: dict[tuple[str, str], int],
    behind: dict[int, float],
) -> tuple[Point, ...]:
    if link.event:
        event = boxes[link.event]
        y = event.bottom + _STUB
        points = [(event.centre[0], event.bottom), (event.centre[0], y)]
    else:
        y = centre_y[link.source]
        points = [(boxes[link.source].right, y)]
    for left, right in pairwise(way):
        turn = behind[layer[left]] + COLUMN_GAP / 2 + TRACK * tracks.get((left, right), 0)
        points += [(turn, y), (turn, centre_y[right])]
        y = centre_y[right]
    return _straightened([*points, (boxes[link.target].x, y)])


def _backward(
    link: Link, boxes: dict[str, Box], low: float, down: float, up: float
) -> tuple[Point, ...]:
    """Return the way below everything: down behind the source's column, up before the target's."""
    source, target = boxes[link.source], boxes[link.target]
    start: tuple[Point, ...]
    if link.event:
        event = boxes[link.event]
        x, y = event.centre[0], event.bottom + _STUB
        start = ((x, event.bottom), (x, y), (down, y), (down, low))
    else:
        y = source.centre[1]
        start = ((source.right, y), (down, y), (down, low))
    end = ((up, low), (up, target.centre[1]), (target.x, target.centre[1]))
    return _straightened([*start, *end])


def _straightened(points: list[Point]) -> tuple[Point, ...]:
    """Return the points without repeats and without those in the middle of a straight line."""
    kept: list[Point] = []
    for point in points:
        if kept and kept[-1] == point:
            continue
        if len(kept) > 1 and (
            kept[-2][0] == kept[-1][0] == point[0] or kept[-2][1] == kept[-1][1] == point[1]
        ):
            kept[-1] = point
        else:
            kept.append(point)
    return tuple(kept)
