"""Phase II: points against frozen limits, and which rules they break."""

from dataclasses import dataclass

import numpy as np

from fabloop.sense.spc.baseline import (
    Baseline,
    Limits,
    centers_and_spreads,
    limits_at,
    statistic,
    usual_rules,
)
from fabloop.sense.spc.rules import NELSON, Rule, fired
from fabloop.sense.spc.samples import Counts, Floats, Subgroups


@dataclass(frozen=True, slots=True)
class Signal:
    """A point that completes a pattern which hardly comes by chance.

    Attributes
    ----------
    point : its number, from 0
    rule : the name of the rule
    value : what was plotted
    limit : what it passed, None for rules of runs
    """

    point: int
    rule: str
    value: float
    limit: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """Points with their limits and what they signal.

    Attributes
    ----------
    points : shape (m,); NaN where a sample was lost
    signals : by point, then in the order of the rules
    rules : those that were watched
    """

    baseline: Baseline
    points: Floats
    limits: Limits
    signals: tuple[Signal, ...]
    rules: tuple[Rule, ...]

    @property
    def in_control(self) -> bool:
        """Whether nothing signals."""
        return not self.signals


def chart_of(
    baseline: Baseline, samples: Subgroups | Counts, rules: tuple[Rule, ...] = NELSON
) -> Chart:
    """Return a chart of samples over a baseline.

    Rules for runs are watched on location charts only: ranges and counts lie askew, and moving
    ranges depend on each other. On those only points beyond the limits signal.
    """
    sizes = np.asarray(samples.sizes, dtype=np.float64)
    points = statistic(baseline.kind, samples)
    limits = limits_at(baseline, sizes)
    watched = usual_rules(baseline.kind, rules)
    center, spread = centers_and_spreads(baseline, sizes)
    with np.errstate(invalid="ignore", divide="ignore"):
        # In widths of the limits, so that limits other than three sigma are heeded.
        distances = (points - center) / spread * (3.0 / baseline.width)
    signals = []
    for rule, flags in zip(watched, fired(watched, distances), strict=True):
        for point in np.flatnonzero(flags).tolist():
            limit = None
            if rule.count == 1:
                above = points[point] > center[point]
                limit = float((limits.upper if above else limits.lower)[point])
            signals.append(Signal(point, rule.name, float(points[point]), limit))
    signals.sort(key=lambda each: each.point)
    return Chart(baseline, points, limits, tuple(signals), watched)
