"""Which lot was made of which: a graph from raw material on the left to the product."""

from collections.abc import Collection, Mapping, Sequence

from fabloop.app.pictures.svg import (
    Picture,
    arrow_head,
    badge,
    box,
    document,
    group,
    line,
    shortened,
    text,
)
from fabloop.app.pictures.timeline import clock_text
from fabloop.model.ids import LotId
from fabloop.model.lot import LotRecord
from fabloop.process.bpmn.layered import arrange

LOTS_MAX = 300
"""A picture of more lots than this is unreadable; the latest ones are drawn."""
_BOX = (176.0, 66.0)
_RAW = (176.0, 36.0)


def genealogy_picture(
    records: Sequence[LotRecord],
    *,
    marked: Collection[LotId] = (),
    zones: Mapping[str, str] | None = None,
    title: str = "",
) -> str:
    """Return the lots as SVG; `marked` ones carry the sign of a recall.

    `zones` gives the time zone of each site; without it times are in UTC. Lots that are consumed
    but have no record here are drawn with a dashed border: where they came from is not known.
    """
    drawn = draw_genealogy(records, marked=marked, zones=zones)
    return document(drawn, title or "Genealogy of lots")


def draw_genealogy(
    records: Sequence[LotRecord],
    *,
    marked: Collection[LotId] = (),
    zones: Mapping[str, str] | None = None,
) -> Picture:
    """Return the drawing of `genealogy_picture`, to be set beside others."""
    if not records:
        return Picture(width=400, height=60, body=text(12, 34, "No lot yet.", "muted"))
    latest = sorted(records, key=lambda each: (each.ended_at, each.lot))[-LOTS_MAX:]
    known = {each.lot: each for each in latest}
    raw = {lot: None for each in latest for lot in each.consumed if lot not in known}
    sizes = {str(lot): _BOX for lot in known} | {str(lot): _RAW for lot in raw}
    flows = [
        (f"{lot}>{each.lot}", str(lot), str(each.lot)) for each in latest for lot in each.consumed
    ]
    found = arrange(sizes, flows)
    parts: list[str] = []
    for way in found.edges.values():
        (x0, y0), (x1, y1) = way[-2], way[-1]
        parts += [line(list(way), "flow"), arrow_head(x1, y1, (x1 - x0, y1 - y0), "")]
    for lot, record in known.items():
        at = found.boxes[str(lot)]
        parts.append(_lot(record, at.x, at.y, (zones or {}).get(record.site, "UTC"), marked))
    parts += [_raw(lot, found.boxes[str(lot)].x, found.boxes[str(lot)].y, marked) for lot in raw]
    if len(latest) < len(records):
        note = f"{len(records) - len(latest)} earlier lots are not drawn."
        parts.append(text(12, found.height - 8, note, "muted"))
    return Picture(width=found.width, height=found.height, body="".join(parts))


_BOLD = 13.5
"""Bold letters of 12 pixels take as much room as plain ones of this size."""


def _lot(record: LotRecord, x: float, y: float, zone: str, marked: Collection[LotId]) -> str:
    width, height = _BOX
    hit = record.lot in marked
    who = f"{record.work_unit}, {record.person}" if record.person else str(record.work_unit)
    parts = [
        box(x, y, width, height, "shape failed" if hit else "shape", radius=4),
        text(x + 8, y + 18, shortened(record.lot, width - 24, _BOLD), "strong"),
        text(x + 8, y + 34, shortened(record.material, width - 16)),
        text(x + 8, y + 48, shortened(who, width - 16, 11), "small muted"),
        text(x + 8, y + 61, clock_text(record.ended_at, zone), "small muted"),
    ]
    if hit:
        parts += _recall(x, y)
    told = f"Lot {record.lot}: {record.material}, {record.operation} on {who} at {record.site}"
    return group(*parts, title=f"{told}{', to be recalled' if hit else ''}")


def _raw(lot: LotId, x: float, y: float, marked: Collection[LotId]) -> str:
    width, height = _RAW
    parts = [
        box(x, y, width, height, "ghost", radius=4),
        text(x + 8, y + 22, shortened(lot, width - 16)),
    ]
    if lot in marked:
        parts += _recall(x, y)
    return group(*parts, title=f"Lot {lot}: no record of how it was made")


def _recall(x: float, y: float) -> list[str]:
    return [
        badge("failed", x + _BOX[0] - 4, y + 2),
        text(x + _BOX[0] - 14, y - 4, "recall", "small failed", anchor="end"),
    ]
