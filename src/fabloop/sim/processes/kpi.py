"""What many runs of a simulation say together: distributions of times, and how busy who was."""

from collections.abc import Iterable, Sequence
from math import ceil, sqrt
from statistics import fmean, stdev

import msgspec

from fabloop.base.instant import SECOND
from fabloop.sim.processes.load import Run, Use

BINS = 12
Z_95 = 1.96
"""Half width of a 95 % interval in standard errors of a mean; a little short for few runs."""


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution of spans, in seconds; `p95` by nearest rank."""

    count: int
    min: float
    median: float
    mean: float
    p95: float
    max: float


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """How busy a resource was over all runs.

    Attributes
    ----------
    capacity : None for as many as were needed
    utilisation : share of the capacity that was at work, 0..1; None without a capacity
    busy : how many were at work on average
    most : how many were at work at once at most
    """

    name: str
    capacity: int | None
    jobs: int
    busy: float
    most: int
    utilisation: float | None
    waiting_s: Spread | None


class Kpis(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a simulation.

    Attributes
    ----------
    unfinished : cases that were still under way when their run had come to rest
    mean_interval_s : 95 % interval of the mean throughput time, from the means of the runs
    histogram : cases by throughput time, in `BINS` equal parts from the least to the most
    cut : runs that were ended by a limit
    """

    runs: int
    started: int
    finished: int
    cancelled: int
    unfinished: int
    throughput_s: Spread | None
    working_s: Spread | None
    waiting_s: Spread | None
    mean_interval_s: tuple[float, float] | None
    cases_per_hour: float | None
    histogram: tuple[int, ...]
    resources: tuple[Resource, ...]
    incidents: tuple[str, ...]
    untimed: tuple[str, ...]
    cut: int


def kpis_of(runs: Sequence[Run]) -> Kpis:
    """Return what runs say together."""
    cases = [case for run in runs for case in run.cases]
    through = sorted(case.through_ns for case in cases)
    started = sum(run.started for run in runs)
    cancelled = sum(run.cancelled for run in runs)
    span_ns = sum(run.span_ns for run in runs)
    return Kpis(
        runs=len(runs),
        started=started,
        finished=len(cases),
        cancelled=cancelled,
        unfinished=started - len(cases) - cancelled,
        throughput_s=spread_of(through),
        working_s=spread_of(case.working_ns for case in cases),
        waiting_s=spread_of(case.waiting_ns for case in cases),
        mean_interval_s=_interval(runs),
        cases_per_hour=len(cases) / span_ns * 3_600 * SECOND if span_ns else None,
        histogram=_histogram(through),
        resources=_resources(runs, span_ns),
        incidents=tuple(sorted({each for run in runs for each in run.incidents})),
        untimed=tuple(sorted(frozenset().union(*(run.untimed for run in runs)))),
        cut=sum(run.cut for run in runs),
    )


def spread_of(spans_ns: Iterable[int]) -> Spread | None:
    """Return the distribution of spans; None of none."""
    ordered = sorted(spans_ns)
    if not ordered:
        return None
    count, half = len(ordered), len(ordered) // 2
    middle = ordered[half] if count % 2 else (ordered[half - 1] + ordered[half]) / 2
    return Spread(
        count=count,
        min=ordered[0] / SECOND,
        median=middle / SECOND,
        mean=fmean(ordered) / SECOND,
        p95=ordered[ceil(0.95 * count) - 1] / SECOND,
        max=ordered[-1] / SECOND,
    )


def _interval(runs: Sequence[Run]) -> tuple[float, float] | None:
    means = [fmean(case.through_ns for case in run.cases) for run in runs if run.cases]
    if len(means) < 2:
        return None
    half = Z_95 * stdev(means) / sqrt(len(means))
    return (fmean(means) - half) / SECOND, (fmean(means) + half) / SECOND


def _histogram(ordered: Sequence[int]) -> tuple[int, ...]:
    if not ordered:
        return ()
    low, width = ordered[0], ordered[-1] - ordered[0]
    bins = [0] * BINS
    for each in ordered:
        bins[min(BINS - 1, (each - low) * BINS // width) if width else 0] += 1
    return tuple(bins)


def _resources(runs: Sequence[Run], span_ns: int) -> tuple[Resource, ...]:
    uses: dict[str, list[Use]] = {}
    for run in runs:
        for use in run.uses:
            uses.setdefault(use.name, []).append(use)
    return tuple(_resource(name, uses[name], span_ns) for name in sorted(uses))


def _resource(name: str, uses: Sequence[Use], span_ns: int) -> Resource:
    busy = sum(use.busy_ns for use in uses) / span_ns if span_ns else 0.0
    capacity = uses[0].capacity
    return Resource(
        name=name,
        capacity=capacity,
        jobs=sum(use.jobs for use in uses),
        busy=busy,
        most=max(use.most for use in uses),
        utilisation=busy / capacity if capacity else None,
        waiting_s=spread_of(wait for use in uses for wait in use.waits_ns),
    )
