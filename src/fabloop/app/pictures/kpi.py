"""A KPI over time: best estimate and upper bound against the limit, and what it is made of."""

from collections.abc import Sequence
from itertools import pairwise

from fabloop.app.pictures.svg import (
    Picture,
    arrow_head,
    badge,
    box,
    document,
    element,
    group,
    line,
    number,
    path,
    shortened,
    text,
    text_width,
)
from fabloop.app.pictures.timeline import Axis, clock_text
from fabloop.base.instant import MINUTE, Instant
from fabloop.base.quantity import quantity_text
from fabloop.model.kpi import KpiTerm, KpiValue

WIDTH = 1000.0
HEIGHT = 320.0
POINTS_MAX = 2_000
"""More points than about this are thinned out."""
TERMS_MAX = 9
_LEFT, _TOP, _BOTTOM = 76.0, 44.0, 40.0
_PLOT_RIGHT = 680.0
_TICKS = 6


def kpi_picture(
    values: Sequence[KpiValue], limit: float | None, *, zone: str = "UTC", title: str = ""
) -> str:
    """Return the course of one KPI as SVG; `limit` in its SI unit.

    Where a value had expired before the next one came, the line is broken. Values whose upper
    bound is above the limit are marked.
    """
    words = title or (f"{values[-1].kpi} of {values[-1].work_unit}" if values else "KPI")
    return document(draw_kpi(values, limit, zone=zone), words)


def draw_kpi(values: Sequence[KpiValue], limit: float | None, *, zone: str = "UTC") -> Picture:
    """Return the drawing of `kpi_picture`, to be set beside others."""
    if not values:
        return Picture(width=WIDTH, height=60, body=text(12, 34, "No value yet.", "muted"))
    runs = _thinned(_runs(sorted(values, key=lambda each: each.at)))
    known = [each for run in runs for each in run]
    axis = _axis(known)
    top = 1.15 * max([*(each.upper for each in known), *([limit] if limit is not None else [])])
    step = _tick_step(top or 1.0)
    scale = _Scale(top or 1.0)
    parts = [_grid(axis, scale, step, known[-1], zone)]
    for run in runs:
        parts += _course(run, axis, scale)
    parts += [_expired(old[-1], new[0], axis, scale) for old, new in pairwise(runs)]
    if limit is not None:
        y = scale.y(limit)
        parts.append(line([(_LEFT, y), (_PLOT_RIGHT, y)], "limit"))
        words = f"limit {quantity_text(limit, known[-1].dimension)}"
        parts.append(text(_LEFT + 6, y - 6, words, "small failed"))
        parts += [_breach(each, axis, scale, zone) for each in known if each.upper > limit]
    parts.append(_headline(known[-1], limit, zone))
    parts.append(_terms(known[-1]))
    return Picture(width=WIDTH, height=HEIGHT, body="".join(parts))


class _Scale:
    """Maps 0 to the bottom of the plot and `top` to its top."""

    def __init__(self, top: float) -> None:
        self.top = top

    def y(self, value: float) -> float:
        low = HEIGHT - _BOTTOM
        return low - (low - _TOP) * value / self.top


def _thinned(runs: list[list[KpiValue]]) -> list[list[KpiValue]]:
    """Return runs of at most about `POINTS_MAX` values in all.

    Of neighbours the one with the highest upper bound stays, so that no breach is hidden; the
    last value of a run stays as well.
    """
    every = -(-sum(len(run) for run in runs) // POINTS_MAX)
    if every == 1:
        return runs
    return [[*_peaks(run[:-1], every), run[-1]] for run in runs]


def _peaks(values: list[KpiValue], every: int) -> list[KpiValue]:
    return [
        max(values[start : start + every], key=lambda each: each.upper)
        for start in range(0, len(values), every)
    ]


def _axis(values: list[KpiValue]) -> Axis:
    begin, end = values[0].at, values[-1].at
    pad = max((end - begin) // 40, MINUTE)
    return Axis(begin=Instant(begin - pad), end=Instant(end + pad), left=_LEFT, right=_PLOT_RIGHT)


def _tick_step(top: float) -> float:
    """Return 1, 2 or 5 times a power of ten that gives at most `_TICKS` ticks."""
    size = 10.0 ** float(len(f"{int(top)}") - 1) if top >= 1 else 1.0
    while size * _TICKS > top:
        size /= 10
    return next(size * each for each in (1, 2, 5, 10) if top / (size * each) <= _TICKS)


def _grid(axis: Axis, scale: _Scale, step: float, last: KpiValue, zone: str) -> str:
    parts: list[str] = []
    count = 0
    while count * step <= scale.top:
        y = scale.y(count * step)
        parts.append(line([(_LEFT, y), (_PLOT_RIGHT, y)], "grid"))
        label = quantity_text(count * step, last.dimension) if count else "0"
        parts.append(text(_LEFT - 8, y + 4, label, "small muted", anchor="end"))
        count += 1
    for at, words in axis.ticks(zone, 90):
        x = axis.x(at)
        parts.append(line([(x, HEIGHT - _BOTTOM), (x, HEIGHT - _BOTTOM + 5)], "grid"))
        parts.append(text(x, HEIGHT - _BOTTOM + 19, words, "small muted", anchor="middle"))
    return "".join(parts)


def _runs(values: list[KpiValue]) -> list[list[KpiValue]]:
    """Return the values in runs without an expired value between them."""
    runs = [[values[0]]]
    for before, now in pairwise(values):
        if now.at - before.at > before.valid_for_ns:
            runs.append([])
        runs[-1].append(now)
    return runs


def _course(run: list[KpiValue], axis: Axis, scale: _Scale) -> list[str]:
    low = [(axis.x(each.at), scale.y(each.value)) for each in run]
    high = [(axis.x(each.at), scale.y(each.upper)) for each in run]
    around = "L".join(f"{number(x)} {number(y)}" for x, y in (*high, *reversed(low)))
    parts = [path(f"M{around}Z", "spread"), line(high, "upper"), line(low, "value")]
    if len(run) <= 60:
        parts += [element("circle", "dot", cx=x, cy=y, r=2.5) for x, y in low]
    return parts


def _expired(old: KpiValue, new: KpiValue, axis: Axis, scale: _Scale) -> str:
    """Return the bridge over a time in which no value might be used."""
    x, right = axis.x(old.at), axis.x(new.at)
    parts = [line([(x, scale.y(old.value)), (right, scale.y(new.value))], "ghost")]
    if right - x > text_width("no valid value", 11):
        y = max(scale.y(old.value), scale.y(new.value)) + 18
        words = "no valid value"
        parts.append(text((x + right) / 2, y, words, "small muted", anchor="middle"))
    return group(*parts, title="The value had expired; nothing newer was known.")


def _breach(value: KpiValue, axis: Axis, scale: _Scale, zone: str) -> str:
    x, y = axis.x(value.at), scale.y(value.upper)
    upper = quantity_text(value.upper, value.dimension)
    return group(
        arrow_head(x, y - 9, (0, -1), "over"),
        title=f"Over the limit: up to {upper} at {clock_text(value.at, zone)}",
    )


def _headline(last: KpiValue, limit: float | None, zone: str) -> str:
    upper = quantity_text(last.upper, last.dimension)
    words = f"{quantity_text(last.value, last.dimension)}, at most {upper} (95 %)"
    parts = [text(_LEFT, 24, words, "title")]
    if limit is not None:
        over = last.upper > limit
        kind, told = ("failed", "over the limit") if over else ("done", "within the limit")
        parts.append(text(_PLOT_RIGHT, 24, told, kind, anchor="end"))
        parts.append(badge(kind, _PLOT_RIGHT - text_width(told, 13) - 14, 19))
    parts.append(
        text(WIDTH - 12, HEIGHT - 8, f"{last.source}, {clock_text(last.at, zone)}", "small muted",
             anchor="end")
    )  # fmt: skip
    return "".join(parts)


def _terms(last: KpiValue) -> str:
    """Return the terms of the latest value as bars, each kind of quantity on its own scale."""
    x, y, width = _PLOT_RIGHT + 36, _TOP + 4, WIDTH - _PLOT_RIGHT - 48
    if not last.terms:
        return ""
    parts = [text(x, y, "What it is made of", "strong")]
    shown = last.terms if len(last.terms) <= TERMS_MAX else last.terms[: TERMS_MAX - 1]
    for term in shown:
        y += 25
        most = max(abs(each.value) for each in last.terms if each.dimension == term.dimension)
        value = quantity_text(term.value, term.dimension)
        parts.append(text(x, y, shortened(_term_name(term), width - 76), "small"))
        parts.append(text(x + width, y, value, "small", anchor="end"))
        parts.append(box(x, y + 4, width, 5, "band", radius=0))
        parts.append(box(x, y + 4, width * abs(term.value) / (most or 1.0), 5, "bar", radius=0))
    if len(shown) < len(last.terms):
        rest = len(last.terms) - len(shown)
        parts.append(text(x, y + 25, f"and {rest} more", "small muted"))
    return "".join(parts)


def _term_name(term: KpiTerm) -> str:
    return f"{term.name} ({term.axis})" if term.axis else term.name
