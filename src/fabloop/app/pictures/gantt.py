"""A plan as a Gantt chart: one row per step, the critical path marked, slack as a thin line."""

from collections.abc import Sequence
from itertools import pairwise

from fabloop.app.pictures.lanes import names_width
from fabloop.app.pictures.svg import (
    Picture,
    arrow_head,
    box,
    document,
    group,
    line,
    shortened,
    text,
)
from fabloop.app.pictures.timeline import Axis, between, clock_text
from fabloop.base.instant import MINUTE, Instant, span_text
from fabloop.model.ids import OperationId
from fabloop.model.plan import Plan, PlannedStep
from fabloop.model.product import ConfiguredProduct
from fabloop.model.site import Network
from fabloop.plan.critical import Criticality, Key

WIDTH = 1200.0
_STEPS_LEAST, _STEPS_MOST = 120.0, 290.0
_UNITS_LEAST, _UNITS_MOST = 100.0, 220.0
_ROW = 24.0
_BAR = 14.0
_HEADER = 30.0
_LEGEND = 46.0
_RIGHT = 24.0
_FOOTER = 16.0
TICKS_AGAIN_MIN = 30
"""Steps from which on the times stand at the bottom too."""


def gantt_picture(
    plan: Plan,
    product: ConfiguredProduct,
    network: Network,
    found: Criticality,
    *,
    due_at: Instant | None = None,
    title: str = "",
) -> str:
    """Return the steps in order of time as SVG: who does them when, and how late each may be."""
    steps = sorted(plan.steps, key=lambda each: (each.start, each.end, each.operation))
    labels = [product.operation(each.operation).label for each in steps]
    units = network.work_units()
    middle = names_width(labels, _STEPS_LEAST, _STEPS_MOST, size=13)
    names = middle + names_width(
        (units[each.work_unit].label for each in steps), _UNITS_LEAST, _UNITS_MOST
    )
    axis = _axis(steps, due_at, names)
    zone = network.sites[steps[0].site].time_zone
    bottom = _HEADER + _ROW * len(steps)
    parts = [_grid(axis, zone, bottom, middle)]
    if len(steps) > TICKS_AGAIN_MIN:
        parts.append(_ticks(axis, zone, bottom + 13))
        bottom += _FOOTER
    rows = {each.operation: _HEADER + _ROW * number for number, each in enumerate(steps)}
    parts += [
        _row(each, rows[each.operation], axis, middle, product, network, found) for each in steps
    ]
    parts.append(_links(steps, rows, axis, found))
    if due_at is not None and due_at > axis.end:
        words = f"due {clock_text(due_at, zone)} →"
        parts.append(text(WIDTH - 8, bottom + 12, words, "small muted", anchor="end"))
    elif due_at is not None:
        x = axis.x(max(due_at, axis.begin))
        parts.append(line([(x, _HEADER - 6), (x, bottom)], "limit"))
        parts.append(text(x - 4, bottom + 12, "due", "small failed", anchor="end"))
    parts.append(_legend(bottom))
    told = f"{between(axis.begin, axis.end, zone)}, times of {zone}"
    parts.append(text(WIDTH - 8, bottom + 30, told, "small muted", anchor="end"))
    drawn = Picture(width=WIDTH, height=bottom + _LEGEND, body="".join(parts))
    return document(drawn, title or f"Steps of plan {plan.id} in order of time")


def _axis(steps: Sequence[PlannedStep], due_at: Instant | None, names: float) -> Axis:
    begin, end = min(each.start for each in steps), max(each.end for each in steps)
    if due_at is not None and begin < due_at < end + (end - begin) // 2:
        end = max(end, due_at)
    pad = max((end - begin) // 60, MINUTE)
    return Axis(
        begin=Instant(begin - pad), end=Instant(end + pad), left=names, right=WIDTH - _RIGHT
    )


def _grid(axis: Axis, zone: str, bottom: float, units: float) -> str:
    parts = [box(0, 0, WIDTH, _HEADER - 4, "band", radius=0)]
    parts.append(text(8, 17, "Step", "strong"))
    parts.append(text(units, 17, "Work unit", "strong"))
    for at, _ in axis.ticks(zone, spare=48):
        x = axis.x(at)
        parts.append(line([(x, _HEADER - 4), (x, bottom)], "grid"))
    return "".join([*parts, _ticks(axis, zone, 17)])


def _ticks(axis: Axis, zone: str, y: float) -> str:
    return "".join(
        text(axis.x(at), y, words, "small muted", anchor="middle")
        for at, words in axis.ticks(zone, spare=48)
    )


def _row(
    step: PlannedStep,
    y: float,
    axis: Axis,
    units: float,
    product: ConfiguredProduct,
    network: Network,
    found: Criticality,
) -> str:
    words = product.operation(step.operation).label
    unit = network.work_units()[step.work_unit].label
    slack = found.slack_ns[Key(step.operation)]
    critical = slack == 0
    x, right, middle = axis.x(step.start), axis.x(step.end), y + _ROW / 2
    parts = [
        text(8, middle + 4, shortened(words, units - 20, 13), "strong" if critical else ""),
        text(units, middle + 4, shortened(unit, axis.left - units - 12), "small muted"),
    ]
    if slack > 0:
        spare = axis.x(Instant(min(step.end + slack, axis.end)))
        parts.append(line([(right, middle), (spare, middle)], "flow"))
        parts.append(line([(spare, middle - 4), (spare, middle + 4)], "flow"))
    css = "shape failed" if critical else "shape"
    parts.append(box(x, middle - _BAR / 2, right - x, _BAR, css))
    zone = network.sites[step.site].time_zone
    told = "on the critical path" if critical else f"may be {span_text(slack)} late"
    span = between(step.start, step.end, zone)
    return group(*parts, title=f"{words} on {unit}, {span}: {told}")


def _links(
    steps: Sequence[PlannedStep], rows: dict[OperationId, float], axis: Axis, found: Criticality
) -> str:
    """Return arrows along the critical path, from step to step."""
    chain = [link.key.operation for link in found.path if not link.key.taken_by]
    by_id = {each.operation: each for each in steps}
    parts: list[str] = []
    for before, after in pairwise(chain):
        x, to_x = axis.x(by_id[before].end), axis.x(by_id[after].start)
        y, to_y = rows[before] + _ROW / 2, rows[after] + _ROW / 2
        down = 1 if to_y > y else -1
        foot = to_y - down * _BAR / 2
        turn = max(x, to_x + 2)
        parts.append(line([(x, y), (turn, y), (turn, foot)], "critical"))
        parts.append(arrow_head(turn, foot, (0, down), "critical"))
    return "".join(parts)


def _legend(y: float) -> str:
    y += 30
    parts = [
        box(16, y - 9, 26, 14, "shape failed"),
        text(48, y + 3, "critical: late here is late at the end", "small"),
    ]
    parts += [box(262, y - 9, 26, 14, "shape"), line([(288, y - 2), (318, y - 2)], "flow")]
    parts += [line([(318, y - 6), (318, y + 2)], "flow")]
    parts += [text(326, y + 3, "may be late by the line behind it", "small")]
    return "".join(parts)
