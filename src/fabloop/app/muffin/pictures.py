"""Pictures of the bakery's week: who did what when, and what a repair changed."""

from collections.abc import Sequence

import msgspec

from fabloop.app.muffin.kpis import FULFILLED_NS, OrderCourse
from fabloop.app.pictures.change import stacked
from fabloop.app.pictures.process import draw_process
from fabloop.app.pictures.svg import Picture, badge, box, document, group, line, text
from fabloop.app.pictures.timeline import Axis
from fabloop.app.service_runtime.facts import CallAnswered, Deviated, RepairEnacted, RuntimeFact
from fabloop.base.instant import Instant, instant_of
from fabloop.process.bpmn.model import BpmnProcess

WIDTH = 1300.0
_NAMES, _HEADER, _ROW, _BAR = 150.0, 30.0, 26.0, 16.0
_LEGEND = 44.0


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a service did, from and until when, for whom."""

    service: str
    about: str
    operation: str
    begin: Instant
    end: Instant


def bars_of(history: Sequence[tuple[Instant, RuntimeFact]]) -> list[Bar]:
    """Return the works of services that took time, as they told it."""
    found = []
    for at, fact in history:
        if not isinstance(fact, CallAnswered):
            continue
        begun, ended = fact.result.get("begun_at"), fact.result.get("ended_at")
        if isinstance(begun, str) and isinstance(ended, str):
            begin, end = instant_of(begun), instant_of(ended)
        elif at > fact.begun_at:
            begin, end = fact.begun_at, at
        else:
            continue
        found.append(
            Bar(
                service=fact.service,
                about=fact.about,
                operation=fact.operation,
                begin=begin,
                end=end,
            )
        )
    return found


def week_picture(history: Sequence[tuple[Instant, RuntimeFact]], zone: str) -> str:
    """Return the week as SVG: a row for each service, and the deviations and repairs above."""
    bars = bars_of(history)
    if not bars:
        return document(Picture(width=WIDTH, height=60, body=""), "Nothing has happened yet")
    end = max(each.end for each in bars)
    begin = min(each.begin for each in bars)
    axis = Axis(begin=begin, end=end, left=_NAMES, right=WIDTH - 20)
    services = list(dict.fromkeys(each.service for each in bars))
    bottom = _HEADER + _ROW * (len(services) + 1)
    parts = [_grid(axis, zone, bottom), text(8, _HEADER + 17, "deviations", "strong")]
    for at, fact in history:
        if isinstance(fact, Deviated):
            parts.append(_mark("failed", axis.x(at), f"{fact.about}: {fact.differences[0]}"))
        elif isinstance(fact, RepairEnacted):
            parts.append(_mark("moved", axis.x(at) + 12, f"{fact.about} goes on by {fact.process}"))
    for number, service in enumerate(services, start=1):
        y = _HEADER + _ROW * number
        parts.append(text(8, y + 17, service))
        parts.append(line([(0, y), (WIDTH, y)], "grid"))
        parts += [_bar(each, axis, y) for each in bars if each.service == service]
    parts += [badge("failed", 16, bottom + 20), text(30, bottom + 24, "deviation", "small")]
    parts += [badge("moved", 110, bottom + 20), text(124, bottom + 24, "changed process", "small")]
    told = f"times of {zone}"
    parts.append(text(WIDTH - 20, bottom + 24, told, "small muted", anchor="end"))
    drawn = Picture(width=WIDTH, height=bottom + _LEGEND, body="".join(parts))
    return document(drawn, "Who did what when")


def _grid(axis: Axis, zone: str, bottom: float) -> str:
    parts = [box(0, 0, WIDTH, _HEADER - 4, "band", radius=0)]
    for at, words in axis.ticks(zone, pixels=90.0, spare=90):
        x = axis.x(at)
        parts.append(line([(x, _HEADER - 4), (x, bottom)], "grid"))
        parts.append(text(x + 3, 17, words, "small muted"))
    return "".join(parts)


def _bar(bar: Bar, axis: Axis, y: float) -> str:
    x = axis.x(bar.begin)
    shape = box(x, y + 5, max(1.5, axis.x(bar.end) - x), _BAR, "shape", radius=2)
    return group(shape, title=f"{bar.about}: {bar.operation}")


def _mark(kind: str, x: float, title: str) -> str:
    return group(badge(kind, x, _HEADER + 13), title=title)


def repair_picture(before: BpmnProcess, after: BpmnProcess, title: str) -> str:
    """Return a process before and after a repair as SVG, with what came and went marked."""
    old, new = _names(before), _names(after)
    gone = dict.fromkeys(old - new, "removed")
    come = dict.fromkeys(new - old, "added")
    drawn = stacked(
        ("Process before", draw_process(before, changes=gone)),
        ("Process after", draw_process(after, changes=come)),
    )
    return document(drawn, title)


def _names(process: BpmnProcess) -> set[str]:
    return {each.id for each in process.nodes} | {
        inner.id for each in process.nodes for inner in getattr(each, "nodes", ())
    }


def orders_picture(courses: Sequence[OrderCourse], zone: str) -> str:
    """Return the orders as SVG: from receipt to fulfilment to delivery, and the limit of G1."""
    rows = sorted(courses, key=lambda each: (each.received_at, each.order))
    ends = [t for each in rows for t in (each.fulfilled_at, each.delivered_at) if t is not None]
    if not rows or not ends:
        return document(Picture(width=WIDTH, height=60, body=""), "No order has come so far")
    axis = Axis(begin=rows[0].received_at, end=max(ends), left=_NAMES, right=WIDTH - 20)
    height = 15.0
    bottom = _HEADER + height * len(rows)
    parts = [_grid(axis, zone, bottom)]
    for number, each in enumerate(rows):
        parts.append(_course(each, axis, _HEADER + height * number))
    parts.append(_orders_legend(bottom + 12, zone))
    drawn = Picture(width=WIDTH, height=bottom + _LEGEND, body="".join(parts))
    return document(drawn, "Orders from receipt to delivery")


def _orders_legend(y: float, zone: str) -> str:
    """Return what the bars, lines and red names mean, each beside its sign."""
    limit = [(330.0, y), (330.0, y + 12)]
    return group(
        box(8, y + 1, 24, 10, "bar", radius=2),
        text(38, y + 10, "received until fulfilled", "small muted"),
        box(170, y + 1, 24, 10, "open", radius=2),
        text(200, y + 10, "until delivered", "small muted"),
        line(limit, "critical"),
        text(338, y + 10, "36 h after receipt (G1)", "small muted"),
        text(490, y + 10, "order", "small failed"),
        text(528, y + 10, "some of it was burnt", "small muted"),
        text(WIDTH - 20, y + 10, f"times of {zone}", "small muted", anchor="end"),
    )


def _course(course: OrderCourse, axis: Axis, y: float) -> str:
    begin = axis.x(course.received_at)
    parts = [text(8, y + 11, course.order, "small failed" if course.burnt else "small")]
    if course.fulfilled_at is not None:
        x = axis.x(course.fulfilled_at)
        parts.append(box(begin, y + 2, x - begin, 10, "bar", radius=2))
        if course.delivered_at is not None:
            parts.append(box(x, y + 2, axis.x(course.delivered_at) - x, 10, "open", radius=2))
    limit = Instant(course.received_at + FULFILLED_NS)
    if limit <= axis.end:
        parts.append(line([(axis.x(limit), y + 1), (axis.x(limit), y + 13)], "critical"))
    return group(*parts, title=f"{course.order}, {course.pieces} muffins, {course.batch}")
