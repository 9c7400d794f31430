"""Phase I: a centre and limits from samples that are taken to be in control, then frozen."""

from enum import StrEnum
from math import sqrt

import msgspec
import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import Instant
from fabloop.sense.spc.constants import c4, d2, d3
from fabloop.sense.spc.estimate import SigmaEstimator, sigma_within
from fabloop.sense.spc.rules import SHEWHART, Rule
from fabloop.sense.spc.samples import Counts, Floats, Subgroups

WIDTH = 3.0
"""Distance of the limits from the centre in standard deviations of the plotted statistic."""


class ChartKind(StrEnum):
    """Which statistic of a sample is plotted."""

    XBAR = "xbar"
    RANGE = "r"
    DEVIATION = "s"
    INDIVIDUALS = "i"
    MOVING_RANGE = "mr"
    FRACTION = "p"
    NUMBER = "np"
    DEFECTS = "c"
    DEFECTS_PER_UNIT = "u"

    @property
    def of_values(self) -> bool:
        """Whether it is made of measured values rather than of counts."""
        return self in _OF_VALUES

    @property
    def of_location(self) -> bool:
        """Whether rules for runs hold: points on a location chart that do not depend on others."""
        return self in {ChartKind.XBAR, ChartKind.INDIVIDUALS}


_OF_VALUES = {
    ChartKind.XBAR,
    ChartKind.RANGE,
    ChartKind.DEVIATION,
    ChartKind.INDIVIDUALS,
    ChartKind.MOVING_RANGE,
}


_OF_SUBGROUPS = {
    SigmaEstimator.RANGE,
    SigmaEstimator.RANGE_EXACT,
    SigmaEstimator.DEVIATION,
    SigmaEstimator.POOLED,
}


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What a process does while it is in control; frozen, so that it cannot drift along.

    Attributes
    ----------
    kind : which chart it is for
    center : of the plotted statistic
    sigma : standard deviation of a single value (measured), or the estimate's own of one item
    estimator : where `sigma` comes from
    samples : how many it was made of
    excluded : numbers of samples that were left out, since their cause is known
    width : of the limits in standard deviations of the statistic
    """

    kind: ChartKind
    center: float
    sigma: float
    estimator: SigmaEstimator
    samples: int
    excluded: tuple[int, ...] = ()
    width: float = WIDTH


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """A baseline in force, and why; the list of them is the history of a chart's limits."""

    baseline: Baseline
    since: Instant
    by: str
    reason: str


def statistic(kind: ChartKind, samples: Subgroups | Counts) -> Floats:
    """Return the plotted points, shape (m,); NaN where a sample does not tell one."""
    if isinstance(samples, Counts):
        per_unit = kind in {ChartKind.FRACTION, ChartKind.DEFECTS_PER_UNIT}
        return samples.counts / samples.sizes if per_unit else samples.counts
    match kind:
        case ChartKind.RANGE:
            return samples.ranges
        case ChartKind.DEVIATION:
            return samples.deviations
        case ChartKind.MOVING_RANGE:
            moves: Floats = np.abs(np.diff(samples.means, prepend=np.nan))
            return moves
        case _:
            return samples.means


def baseline_of(
    kind: ChartKind,
    samples: Subgroups | Counts,
    *,
    estimator: SigmaEstimator | None = None,
    excluded: tuple[int, ...] = (),
    width: float = WIDTH,
) -> Baseline:
    """Return centre and sigma of a process from samples of phase I.

    Raises
    ------
    Invalid
        The samples do not fit the chart, or there are too few to tell a spread.
    """
    kept = _without(samples, excluded)
    if isinstance(kept, Counts):
        return _of_counts(kind, kept, excluded, width)
    chosen = estimator or _usual(kind)
    sigma = sigma_within(kept, chosen)
    if not sigma > 0 or not kind.of_values:
        raise Invalid(
            Fault(
                source=f"chart {kind}",
                path="samples",
                expected=_expected(kind, chosen),
                found=f"{len(kept.values)} subgroups, the largest of {kept.sizes.max()}",
                hint="Measure more, or choose another chart or estimator.",
            )
        )
    center = float(np.nanmean(statistic(kind, kept)))
    return Baseline(
        kind=kind,
        center=center,
        sigma=sigma,
        estimator=chosen,
        samples=len(kept.values),
        excluded=excluded,
        width=width,
    )


def _usual(kind: ChartKind) -> SigmaEstimator:
    match kind:
        case ChartKind.DEVIATION:
            return SigmaEstimator.DEVIATION
        case ChartKind.INDIVIDUALS | ChartKind.MOVING_RANGE:
            return SigmaEstimator.MOVING_RANGE
        case _:
            return SigmaEstimator.RANGE


def _expected(kind: ChartKind, estimator: SigmaEstimator) -> str:
    if not kind.of_values:
        return "counts of items or defects with the sizes of their samples"
    if estimator not in _OF_SUBGROUPS:
        return "at least two values that differ"
    return "subgroups of at least two values that differ"


def _of_counts(
    kind: ChartKind, samples: Counts, excluded: tuple[int, ...], width: float
) -> Baseline:
    total, units = float(samples.counts.sum()), float(samples.sizes.sum())
    rate = total / units
    equal = bool(np.all(samples.sizes == samples.sizes[0]))
    fits = {
        ChartKind.FRACTION: rate <= 1,
        ChartKind.NUMBER: rate <= 1 and equal,
        ChartKind.DEFECTS: equal,
        ChartKind.DEFECTS_PER_UNIT: True,
    }
    if not fits.get(kind, False):
        raise Invalid(
            Fault(
                source=f"chart {kind}",
                path="samples",
                expected="counts within samples of equal size"
                if kind in {ChartKind.NUMBER, ChartKind.DEFECTS} and not equal
                else "counts no greater than their samples"
                if kind in {ChartKind.FRACTION, ChartKind.NUMBER}
                else "measured values",
                found=f"{total:g} in {units:g} over {len(samples.counts)} samples",
                hint="Use a p or u chart for samples of different size.",
            )
        )
    size = float(samples.sizes[0])
    binomial = kind in {ChartKind.FRACTION, ChartKind.NUMBER}
    if binomial:
        center, sigma = (rate if kind is ChartKind.FRACTION else rate * size), rate * (1 - rate)
    else:
        center, sigma = (rate if kind is ChartKind.DEFECTS_PER_UNIT else rate * size), rate
    return Baseline(
        kind=kind,
        center=center,
        sigma=sqrt(sigma),
        estimator=SigmaEstimator.BINOMIAL if binomial else SigmaEstimator.POISSON,
        samples=len(samples.counts),
        excluded=excluded,
        width=width,
    )


def _without(samples: Subgroups | Counts, excluded: tuple[int, ...]) -> Subgroups | Counts:
    if not excluded:
        return samples
    if isinstance(samples, Counts):
        keep = np.ones(len(samples.counts), dtype=np.bool_)
        keep[list(excluded)] = False
        return Counts(samples.counts[keep], samples.sizes[keep])
    keep = np.ones(len(samples.values), dtype=np.bool_)
    keep[list(excluded)] = False
    return Subgroups(samples.values[keep])


def centers_and_spreads(baseline: Baseline, sizes: Floats) -> tuple[Floats, Floats]:
    """Return centre and standard deviation of the plotted statistic for samples of some sizes.

    Ranges and deviations of samples of another size have another centre; counts spread by size.
    """
    sigma, kind = baseline.sigma, baseline.kind
    flat = np.full(len(sizes), baseline.center)
    distinct, where = np.unique(sizes, return_inverse=True)
    counted = [round(size) for size in distinct.tolist()]
    match kind:
        case ChartKind.XBAR:
            return flat, sigma / np.sqrt(np.where(sizes > 0, sizes, np.nan))
        case ChartKind.INDIVIDUALS:
            return flat, np.full(len(sizes), sigma)
        case ChartKind.MOVING_RANGE:
            return flat, np.full(len(sizes), sigma * d3(2))
        case ChartKind.RANGE:
            mean = np.array([d2(n) if n >= 2 else np.nan for n in counted])
            spread = np.array([d3(n) if n >= 2 else np.nan for n in counted])
            center = flat if len(counted) == 1 else sigma * mean[where]
            return center, sigma * spread[where]
        case ChartKind.DEVIATION:
            mean = np.array([c4(n) if n >= 2 else np.nan for n in counted])
            center = flat if len(counted) == 1 else sigma * mean[where]
            return center, sigma * np.sqrt(1 - mean[where] ** 2)
        case ChartKind.FRACTION | ChartKind.DEFECTS_PER_UNIT:
            return flat, sigma / np.sqrt(sizes)
        case ChartKind.NUMBER | ChartKind.DEFECTS:
            return flat, sigma * np.sqrt(sizes)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Centre and limits at each point; `lower` is NaN where there is none but 0 to fall to."""

    center: Floats
    lower: Floats
    upper: Floats


def limits_at(baseline: Baseline, sizes: Floats) -> Limits:
    """Return the limits for samples of some sizes, each array of shape (m,).

    Spreads and counts cannot fall below 0, fractions cannot exceed 1: limits stop there.
    """
    center, spread = centers_and_spreads(baseline, sizes)
    lower, upper = center - baseline.width * spread, center + baseline.width * spread
    if not baseline.kind.of_location:
        lower = np.maximum(lower, 0.0)
    if baseline.kind is ChartKind.FRACTION:
        upper = np.minimum(upper, 1.0)
    return Limits(center=center, lower=lower, upper=upper)


def usual_rules(kind: ChartKind, location: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules that hold for a chart: those of location charts, or the limits alone."""
    return location if kind.of_location else SHEWHART


def in_force(history: tuple[Frozen, ...], at: Instant) -> Frozen | None:
    """Return the baseline in force at an instant, None before the first."""
    begun = [each for each in history if each.since <= at]
    return max(begun, key=lambda each: each.since, default=None)
