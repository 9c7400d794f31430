"""Where the time went, as bars that step down from planned time to good parts."""

from fabloop.app.pictures.svg import Picture, box, document, group, line, text
from fabloop.base.instant import span_text
from fabloop.sense.oee.losses import Waterfall

_ROW = 26.0
_LEFT = 150.0
_BARS = 520.0
_RIGHT = 190.0
_TOP = 44.0


def waterfall_picture(falls: Waterfall, *, title: str) -> str:
    """Return the losses as SVG, each with its time and its share of planned time."""
    steps = [step for step in falls.steps if step.lost_ns]
    rows = [("planned", falls.planned_ns, 0, falls.planned_ns)]
    left = falls.planned_ns
    for step in steps:
        rows.append((step.loss.value, step.lost_ns, min(step.left_ns, left), left))
        left = step.left_ns
    last = "good parts" if falls.good_ns is not None else "not yet told apart"
    rows.append((last, max(left, 0), 0, max(left, 0)))
    scale = _BARS / max(falls.planned_ns, 1)
    parts = [text(16, 22, title, "title")]
    for number, (name, lasted, start, end) in enumerate(rows):
        y = _TOP + number * _ROW
        ends = number in (0, len(rows) - 1)
        x, width = _LEFT + max(start, 0) * scale, (end - max(start, 0)) * scale
        share = f"{lasted / falls.planned_ns:.1%}" if falls.planned_ns else ""
        told = f"{span_text(lasted)} {share}".strip()
        shape = box(x, y + 4, width, _ROW - 9, "bar" if ends else "shape failed")
        parts.append(group(shape, title=f"{name}: {told}"))
        parts.append(text(_LEFT - 10, y + _ROW / 2 + 4, name, "small", anchor="end"))
        parts.append(text(_LEFT + _BARS + 12, y + _ROW / 2 + 4, told, "small muted"))
        if number + 1 < len(rows):
            edge = _LEFT + max(start if not ends else end, 0) * scale
            parts.append(line([(edge, y + _ROW - 5), (edge, y + _ROW + 4)], "grid"))
    height = _TOP + len(rows) * _ROW + 16
    return document(
        Picture(width=_LEFT + _BARS + _RIGHT, height=height, body="".join(parts)), title
    )
