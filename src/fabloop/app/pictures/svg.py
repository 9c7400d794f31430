"""Writes SVG as text: elements with escaped content, clipped labels, arrows, a shared look."""

import unicodedata
from xml.sax.saxutils import escape

import msgspec

from fabloop.app.pictures.look import STYLE

LABEL_WIDTH_MIN = 60.0
"""Labels in narrower shapes would be unreadable stubs; they are left out."""
_CHAR = 0.56  # mean width of a character of system-ui, in font sizes


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A drawing: SVG elements from (0, 0) to (width, height)."""

    width: float
    height: float
    body: str


def document(picture: Picture, title: str) -> str:
    """Return a stand-alone SVG document that follows the reader's light or dark preference."""
    width, height = number(picture.width), number(picture.height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="fab" role="img" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
        f'<rect class="ground" width="{width}" height="{height}"/>{picture.body}</svg>\n'
    )


def number(value: float) -> str:
    """Return a coordinate as short text."""
    return f"{round(value, 1):g}"


def element(name: str, css: str = "", content: str = "", **attributes: float | str) -> str:
    """Return one element; `content` is SVG already, attribute values are escaped."""
    parts = [name] + ([f'class="{css}"'] if css else [])
    for key, value in attributes.items():
        text = number(value) if isinstance(value, float | int) else value
        parts.append(f'{key.replace("_", "-")}="{escape(text, {chr(34): "&quot;"})}"')
    head = " ".join(parts)
    return f"<{head}>{content}</{name}>" if content else f"<{head}/>"


def group(*content: str, title: str = "", css: str = "", x: float = 0, y: float = 0) -> str:
    """Return elements as one group, moved to (x, y), with a title that says what it is."""
    moved = {"transform": f"translate({number(x)} {number(y)})"} if x or y else {}
    named = f"<title>{escape(title)}</title>" if title else ""
    return element("g", css, named + "".join(content), **moved)


def box(x: float, y: float, width: float, height: float, css: str, *, radius: float = 3) -> str:
    """Return a rectangle."""
    return element("rect", css, x=x, y=y, width=max(width, 1.0), height=height, rx=radius)


def line(points: list[tuple[float, float]], css: str) -> str:
    """Return straight lines through the points."""
    way = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return element("polyline", f"line {css}", points=way)


def path(way: str, css: str) -> str:
    """Return a path."""
    return element("path", css, d=way)


def text(x: float, y: float, words: str, css: str = "", *, anchor: str = "") -> str:
    """Return one line of text with its baseline at y."""
    placed: dict[str, float | str] = {"x": x, "y": y}
    if anchor:
        placed["text_anchor"] = anchor
    return element("text", css, escape(words), **placed) if words else ""


def clipped(  # a label is a text, its style and a rectangle
    x: float, y: float, width: float, height: float, words: str, css: str = "", *, size: float = 12
) -> str:
    """Return text centred in height and cut at the rectangle; nothing if that is too narrow."""
    if width < LABEL_WIDTH_MIN:
        return ""
    shown = shortened(words, width - 8, size)
    label = text(4, height / 2 + size * 0.36, shown, css)
    return element("svg", "", label, x=x, y=y, width=width, height=height)


def text_width(words: str, size: float = 12) -> float:
    """Return about how wide a text is."""
    return sum(map(_character_width, words)) * size


def _character_width(character: str) -> float:
    """Return how wide a character is, in font sizes; those of East Asian scripts fill a square."""
    if unicodedata.combining(character):
        return 0.0
    return 1.0 if unicodedata.east_asian_width(character) in "WF" else _CHAR


def shortened(words: str, width: float, size: float = 12) -> str:
    """Return the text, or what fits into the width with an ellipsis."""
    if text_width(words, size) <= width:
        return words
    kept, room = 0, width / size - _CHAR
    for character in words:
        room -= _character_width(character)
        if room < 0 and kept:
            break
        kept += 1
    return words[:kept].rstrip() + "…"


def wrapped(words: str, width: float, lines: int, size: float = 12) -> list[str]:
    """Return the text in at most so many lines; what is cut off shows as an ellipsis."""
    found: list[str] = []
    rest = words.split()
    while rest and len(found) < lines:
        now = rest.pop(0)
        while rest and text_width(f"{now} {rest[0]}", size) <= width:
            now = f"{now} {rest.pop(0)}"
        found.append(now)
    if rest:
        found[-1] = f"{found[-1]} {' '.join(rest)}"
    return [shortened(each, width, size) for each in found]


def arrow_head(x: float, y: float, direction: tuple[float, float], css: str) -> str:
    """Return a small filled triangle whose tip is at (x, y)."""
    dx, dy = direction
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    ux, uy = dx / length * 7, dy / length * 7
    left = (x - ux - uy * 0.5, y - uy + ux * 0.5)
    right = (x - ux + uy * 0.5, y - uy - ux * 0.5)
    points = " ".join(f"{number(a)},{number(b)}" for a, b in ((x, y), left, right))
    return element("polygon", f"head {css}", points=points)


def hatch(x: float, y: float, width: float, height: float) -> str:
    """Return diagonal lines over a rectangle; drawn, as pattern ids would clash in one page."""
    lines = "".join(
        f"M{number(at - height)} {number(height)}L{number(at)} 0"
        for at in range(8, int(width + height) + 8, 8)
    )
    inner = path(lines, "hatch")
    return element("svg", "", inner, x=x, y=y, width=max(width, 1.0), height=height)


def badge(kind: str, x: float, y: float) -> str:
    """Return the sign of a state or change, 16 pixels wide, centred at (x, y).

    Every kind has a shape of its own, so that it is told without colour.
    """
    shape = _SIGNS.get(kind, _SIGNS[""])
    return group(shape, css=f"badge {kind if kind in _SIGNS else 'other'}", x=x, y=y)


_DISC = '<circle class="sign" r="8"/>'
_SIGNS = {
    "done": f'{_DISC}<path class="mark" d="M-3.5 0L-1 3L4 -3"/>',
    "running": '<path class="sign" d="M-6 -8L9 0L-6 8Z"/>',
    "waiting": '<path class="sign" d="M-7 -8H7L-7 8H7Z"/>',
    "failed": '<path class="sign" d="M0 -9L9 8H-9Z"/><path class="mark" d="M0 -3V2M0 4.5V6"/>',
    "fixed": '<rect class="sign" x="-6" y="-2" width="12" height="9"/>'
    '<path class="shackle" d="M-3.5 -2V-5a3.5 3.5 0 0 1 7 0V-2"/>',
    "moved": '<path class="sign" d="M0 -9L9 0L0 9L-9 0Z"/>'
    '<path class="mark" d="M-4 0H3M0.5 -2.5L3.5 0L0.5 2.5"/>',
    "added": f'{_DISC}<path class="mark" d="M-4 0H4M0 -4V4"/>',
    "removed": '<rect class="sign" x="-8" y="-8" width="16" height="16"/>'
    '<path class="mark" d="M-4 -4L4 4M4 -4L-4 4"/>',
    "": '<rect class="sign" x="-7" y="-7" width="14" height="14"/>',
}
