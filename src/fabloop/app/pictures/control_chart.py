"""Control charts as pictures: points over their limits, and a sign at each that signals."""

from collections.abc import Sequence

import numpy as np

from fabloop.app.pictures.svg import (
    Picture,
    badge,
    box,
    document,
    element,
    group,
    line,
    number,
    path,
    text,
)
from fabloop.sense.spc.chart import Chart

_LEFT = 24.0
_RIGHT = 84.0
_TOP = 40.0
_BOTTOM = 44.0
_HEIGHT = 320.0
_STEP_MIN = 3.0
_STEP_MAX = 24.0
_WIDTH = 860.0
_LABELS_MAX = 12


def control_chart_picture(chart: Chart, names: Sequence[str], *, title: str) -> str:
    """Return a chart as SVG; every point that signals says in its title which rules it broke."""
    count = len(chart.points)
    step = min(max((_WIDTH - _LEFT - _RIGHT) / max(count, 1), _STEP_MIN), _STEP_MAX)
    width = _LEFT + step * count + _RIGHT
    view = _View(chart, step)
    parts = [
        text(_LEFT, 20, title, "title"),
        box(_LEFT, _TOP, step * count, _HEIGHT - _TOP - _BOTTOM, "open", radius=0),
        *_limits(chart, view),
        *_course(chart, view),
        *_points(chart, names, view),
        *_axis(names, view),
    ]
    return document(Picture(width=width, height=_HEIGHT, body="".join(parts)), title)


class _View:
    """From points and values to pixels."""

    def __init__(self, chart: Chart, step: float) -> None:
        known = np.concatenate(
            [chart.points, chart.limits.lower, chart.limits.upper, chart.limits.center]
        )
        known = known[np.isfinite(known)]
        low, high = float(known.min()), float(known.max())
        pad = (high - low) * 0.08 or max(abs(high) * 0.01, 1e-9)
        self.low, self.high, self.step = low - pad, high + pad, step

    def x(self, point: float) -> float:
        return _LEFT + self.step * (point + 0.5)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * share


def _limits(chart: Chart, view: _View) -> list[str]:
    """Return centre and limits as steps, since they change with the size of the samples."""
    parts = []
    named = (
        ("CL", chart.limits.center, "upper"),
        ("LCL", chart.limits.lower, "limit"),
        ("UCL", chart.limits.upper, "limit"),
    )
    for name, values, css in named:
        way, last = "", None
        for point, value in enumerate(values.tolist()):
            if not np.isfinite(value):
                last = None
                continue
            left, right = view.x(point - 0.5), view.x(point + 0.5)
            y = number(view.y(value))
            way += f"{'M' if last is None else 'L'}{number(left)} {y}H{number(right)}"
            last = value
        parts.append(path(way, f"line {css}") if way else "")
        if last is not None:
            end = view.x(len(values) - 0.5) + 6
            parts.append(text(end, view.y(last) + 4, f"{name} {last:.5g}", "small muted"))
    return parts


def _course(chart: Chart, view: _View) -> list[str]:
    """Return lines between points that follow each other; a lost sample leaves a gap."""
    parts, run = [], []
    for point, value in enumerate([*chart.points.tolist(), float("nan")]):
        if np.isfinite(value):
            run.append((view.x(point), view.y(value)))
        elif run:
            parts.append(line(run, "value"))
            run = []
    return parts


def _points(chart: Chart, names: Sequence[str], view: _View) -> list[str]:
    broken: dict[int, list[str]] = {}
    for signal in chart.signals:
        broken.setdefault(signal.point, []).append(signal.rule)
    parts = []
    for point, value in enumerate(chart.points.tolist()):
        if not np.isfinite(value):
            continue
        x, y, rules = view.x(point), view.y(value), broken.get(point)
        told = f"{names[point]}: {value:.6g}"
        if rules:
            parts.append(group(badge("failed", x, y), title=f"{told}, {', '.join(rules)}"))
        elif view.step >= 5:
            parts.append(group(element("circle", "dot", cx=x, cy=y, r=2.5), title=told))
    return parts


def _axis(names: Sequence[str], view: _View) -> list[str]:
    every = max(1, -(-len(names) // _LABELS_MAX))
    return [
        text(view.x(at), _HEIGHT - _BOTTOM + 18, names[at], "small muted", anchor="middle")
        for at in range(0, len(names), every)
    ]
