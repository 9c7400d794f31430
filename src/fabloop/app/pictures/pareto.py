"""Plans as points: what each costs against how long it takes, with energy and CO2 beside."""

from collections.abc import Callable, Sequence

import msgspec

from fabloop.app.pictures.svg import Picture, badge, box, document, element, group, line, text
from fabloop.app.sentences import money_text
from fabloop.base.instant import span_text
from fabloop.base.quantity import Dimension, quantity_text
from fabloop.model.plan import Plan, Totals

_PANEL = 360.0
_HEIGHT = 300.0
_LEFT = 84.0
_BOTTOM = 52.0
_TOP = 34.0
_GAP = 30.0
_TICKS = 4
_LABEL_WIDTH, _LABEL_HEIGHT = 22.0, 12.0


class Scale(msgspec.Struct, frozen=True):
    """One figure of a plan: its name, its value, and its text."""

    name: str
    value: Callable[[Totals], float]
    words: Callable[[float, Totals], str]


SCALES = (
    Scale("Makespan", lambda it: it.makespan_ns, lambda value, _: span_text(round(value))),
    Scale(
        "Energy", lambda it: it.energy_j, lambda value, _: quantity_text(value, Dimension.ENERGY)
    ),
    Scale("CO₂", lambda it: it.co2_kg, lambda kg, _: quantity_text(kg, Dimension.MASS)),
)
COST = Scale(
    "Cost", lambda it: it.cost_minor, lambda value, it: money_text(round(value), it.currency)
)


def pareto_picture(plans: Sequence[Plan], *, chosen: int = 0, title: str = "") -> str:
    """Return the plans as SVG, in three panels over cost: makespan, energy, CO2.

    The numbers are the plans' places in the given order; `chosen` (from 1) is marked.
    """
    parts = [
        group(_panel(plans, scale, chosen), x=number_ * (_PANEL + _GAP))
        for number_, scale in enumerate(SCALES)
    ]
    width = len(SCALES) * (_PANEL + _GAP)
    drawn = Picture(width=width, height=_HEIGHT + 8, body="".join(parts))
    return document(drawn, title or f"{len(plans)} plans, none better than another in everything")


class _Frame(msgspec.Struct, frozen=True):
    """From values to pixels of one panel."""

    low: tuple[float, float]
    high: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        right, bottom = _PANEL - 12, _HEIGHT - _BOTTOM
        across = (x - self.low[0]) / (self.high[0] - self.low[0])
        up = (y - self.low[1]) / (self.high[1] - self.low[1])
        return _LEFT + (right - _LEFT) * across, bottom - (bottom - _TOP) * up


def _frame(plans: Sequence[Plan], scale: Scale) -> _Frame:
    ends = []
    for each in (COST, scale):
        values = [each.value(plan.totals) for plan in plans]
        low, high = min(values), max(values)
        pad = (high - low) * 0.08 or max(abs(high) * 0.05, 1e-9)
        ends.append((max(low - pad, min(low, 0.0)), high + pad))
    return _Frame((ends[0][0], ends[1][0]), (ends[0][1], ends[1][1]))


def _panel(plans: Sequence[Plan], scale: Scale, chosen: int) -> str:
    frame, totals = _frame(plans, scale), plans[0].totals
    parts = [
        box(_LEFT, _TOP, _PANEL - 12 - _LEFT, _HEIGHT - _BOTTOM - _TOP, "open", radius=0),
        text(_LEFT, _TOP - 12, f"{scale.name} over cost", "strong"),
    ]
    for step in range(_TICKS):
        share = step / (_TICKS - 1)
        x = frame.low[0] + share * (frame.high[0] - frame.low[0])
        y = frame.low[1] + share * (frame.high[1] - frame.low[1])
        across, up = frame.at(x, y)
        parts.append(line([(_LEFT, up), (_PANEL - 12, up)], "grid"))
        parts.append(text(_LEFT - 6, up + 4, scale.words(y, totals), "small muted", anchor="end"))
        if step in (0, _TICKS - 1):
            side = "start" if step == 0 else "end"
            words = COST.words(x, totals)
            parts.append(text(across, _HEIGHT - _BOTTOM + 18, words, "small muted", anchor=side))
    named = _named(plans, frame, scale, chosen)
    parts += [
        _point(number_, plan, frame, scale, chosen, named=number_ in named)
        for number_, plan in enumerate(plans, 1)
    ]
    return "".join(parts)


def _named(plans: Sequence[Plan], frame: _Frame, scale: Scale, chosen: int) -> frozenset[int]:
    """Return which points have room for their number, the chosen one first."""
    kept: dict[int, tuple[float, float]] = {}
    order = sorted(range(1, len(plans) + 1), key=lambda each: (each != chosen, each))
    for count in order:
        totals = plans[count - 1].totals
        x, y = frame.at(COST.value(totals), scale.value(totals))
        if all(abs(x - a) >= _LABEL_WIDTH or abs(y - b) >= _LABEL_HEIGHT for a, b in kept.values()):
            kept[count] = (x, y)
    return frozenset(kept)


def _point(  # a point is a plan in a frame
    count: int, plan: Plan, frame: _Frame, scale: Scale, chosen: int, *, named: bool
) -> str:
    totals = plan.totals
    x, y = frame.at(COST.value(totals), scale.value(totals))
    told = ", ".join(each.words(each.value(totals), totals) for each in (COST, *SCALES))
    dot = badge("done", x, y) if count == chosen else element("circle", "dot", cx=x, cy=y, r=4)
    return group(
        dot,
        text(x + 7, y - 6, str(count), "small halo") if named else "",
        title=f"Plan {count} ({plan.id}): {told}",
    )
