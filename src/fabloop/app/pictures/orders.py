"""Several orders on the machines they share: one row per work unit, bars lettered by order."""

from collections.abc import Mapping, Sequence

from fabloop.app.labels import zone_in
from fabloop.app.pictures.svg import (
    Picture,
    badge,
    box,
    document,
    group,
    line,
    shortened,
    text,
    text_width,
)
from fabloop.app.pictures.timeline import Axis, between
from fabloop.base.instant import MINUTE, Instant, span_text
from fabloop.model.ids import OrderId, SiteId, WorkUnitId
from fabloop.model.order import ProductionOrder
from fabloop.model.plan import Plan, PlannedStep
from fabloop.model.site import Network

WIDTH = 1200.0
_NAMES = 200.0
_RIGHT = 24.0
_ROW = 26.0
_BAR = 16.0
_HEADER = 30.0
_LEGEND = 40.0


def orders_picture(
    plans: Sequence[Plan],
    orders: Mapping[OrderId, ProductionOrder],
    network: Network,
    *,
    title: str = "",
) -> str:
    """Return what every work unit does for which order as SVG, and when each order is ready."""
    letters = {plan.order: _letter(number) for number, plan in enumerate(plans)}
    steps = [(plan, step) for plan in plans for step in plan.steps]
    axis = _axis(plans)
    parts: list[str] = []
    y = 0.0
    for site in network.sites.values():
        units = [u for u in site.work_units if any(s.work_unit == u.id for _, s in steps)]
        if units:
            parts.append(_head(axis, y, site.label, site.time_zone, len(units)))
            y += _HEADER
            for unit in units:
                parts.append(
                    _unit_row(y, unit.id, unit.label, steps, letters, axis, network, orders)
                )
                y += _ROW
    parts.append(_finishes(plans, orders, letters, axis, y))
    bottom = y + _HEADER + _ROW * len(plans)
    parts.append(_legend(axis, bottom, zone_in(network)))
    height = bottom + _LEGEND
    drawn = Picture(width=WIDTH, height=height, body="".join(parts))
    return document(drawn, title or f"{len(plans)} orders on the machines they share")


def _letter(number: int) -> str:
    """Return A, B, ... Z, AA, AB ... as spreadsheets do."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _axis(plans: Sequence[Plan]) -> Axis:
    begin = min(step.start for plan in plans for step in plan.steps)
    end = max(step.end for plan in plans for step in plan.steps)
    pad = max((end - begin) // 60, MINUTE)
    return Axis(
        begin=Instant(begin - pad), end=Instant(end + pad), left=_NAMES, right=WIDTH - _RIGHT
    )


def _head(axis: Axis, y: float, label: str, zone: str, rows: int) -> str:
    parts = [box(0, y, WIDTH, _HEADER - 4, "band", radius=0)]
    parts.append(text(8, y + 17, shortened(label, _NAMES - 12), "strong"))
    parts.append(text(WIDTH - 6, y + 17, zone, "small muted", anchor="end"))
    for at, words in axis.ticks(zone, spare=96):
        x = axis.x(at)
        parts.append(line([(x, y + _HEADER - 4), (x, y + _HEADER + rows * _ROW)], "grid"))
        parts.append(text(x, y + 17, words, "small muted", anchor="middle"))
    return "".join(parts)


def _unit_row(
    y: float,
    unit: WorkUnitId,
    label: str,
    steps: Sequence[tuple[Plan, PlannedStep]],
    letters: Mapping[OrderId, str],
    axis: Axis,
    network: Network,
    orders: Mapping[OrderId, ProductionOrder],
) -> str:
    parts = [text(16, y + _ROW / 2 + 4, shortened(label, _NAMES - 24))]
    parts.append(line([(0, y + _ROW), (WIDTH, y + _ROW)], "grid"))
    for plan, step in steps:
        if step.work_unit != unit:
            continue
        company = _company(step, steps, letters)
        if company and company[0] != plan.order:
            continue
        x, right = axis.x(step.start), axis.x(step.end)
        names = ", ".join(company or [plan.order])
        letter = "+".join(letters[each] for each in company or [plan.order])
        zone = _zone(network, step.site)
        span = between(step.start, step.end, zone)
        words = orders[plan.order].product.operation(step.operation).label
        fits = right - x >= text_width(letter, 11) + 2
        parts.append(
            group(
                box(x, y + (_ROW - _BAR) / 2, right - x, _BAR, "shape"),
                text((x + right) / 2, y + _ROW / 2 + 4, letter, "small", anchor="middle")
                if fits
                else "",
                title=f"{letter} ({names}): {words} on {label}, {span}",
            )
        )
    return "".join(parts)


def _company(
    step: PlannedStep,
    steps: Sequence[tuple[Plan, PlannedStep]],
    letters: Mapping[OrderId, str],
) -> list[OrderId]:
    """Return the orders that are in the step's run, by their letters; none where it is alone."""
    if step.batch is None:
        return []
    run = (step.work_unit, step.start, step.batch.family)
    orders = {
        plan.order
        for plan, each in steps
        if each.batch is not None and (each.work_unit, each.start, each.batch.family) == run
    }
    return sorted(orders, key=lambda each: letters[each])


def _zone(network: Network, site: SiteId) -> str:
    return network.sites[site].time_zone


def _finishes(
    plans: Sequence[Plan],
    orders: Mapping[OrderId, ProductionOrder],
    letters: Mapping[OrderId, str],
    axis: Axis,
    y: float,
) -> str:
    """Return a row per order: from its first start to its finish, late ones marked."""
    parts = [box(0, y, WIDTH, _HEADER - 4, "band", radius=0), text(8, y + 17, "Orders", "strong")]
    told = "from the first start until it is ready"
    parts.append(text(axis.left, y + 17, told, "small muted"))
    y += _HEADER
    for plan in plans:
        begin, end = min(s.start for s in plan.steps), max(s.end for s in plan.steps)
        late = end - orders[plan.order].due_at
        x, right = axis.x(begin), axis.x(end)
        told = f"{span_text(late)} late" if late > 0 else f"{span_text(-late)} to spare"
        label = f"{letters[plan.order]}  {plan.order}"
        parts += [
            text(16, y + _ROW / 2 + 4, shortened(label, _NAMES - 24)),
            box(x, y + (_ROW - _BAR) / 2, right - x, _BAR, "shape failed" if late > 0 else "move"),
            badge("failed", x - 10, y + _ROW / 2) if late > 0 else "",
            text(x + 6, y + _ROW / 2 + 4, told, "small halo"),
        ]
        y += _ROW
    return "".join(parts)


def _legend(axis: Axis, y: float, zone: str) -> str:
    y += 22
    parts = [box(16, y - 9, 26, 14, "shape"), text(29, y + 2, "A", "small", anchor="middle")]
    parts += [text(48, y + 3, "step, with the letter of its order", "small")]
    parts += [box(262, y - 9, 26, 14, "move"), text(294, y + 3, "order, ready in time", "small")]
    parts += [box(442, y - 9, 26, 14, "shape failed"), badge("failed", 432, y - 2)]
    parts += [text(474, y + 3, "order, late", "small")]
    told = f"{between(axis.begin, axis.end, zone)}, {zone}"
    parts += [text(WIDTH - 8, y + 3, told, "small muted", anchor="end")]
    return "".join(parts)
