"""Where the time went: the waterfall from planned time to good parts, and the losses by reason."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from fabloop.base.instant import MINUTE, Instant
from fabloop.sense.oee.activity import Activity
from fabloop.sense.oee.timeline import Rates, Timeline
from fabloop.sense.oee.totals import Totals

MINOR_STOP_MAX = 5 * MINUTE
"""Stops up to this long are minor; nobody books them."""
GAP_FACTOR = 2.0
"""Parts further apart than so many cycles are a minor stop, although the unit says it runs."""


class Loss(StrEnum):
    """The six big losses of TPM, with what is planned and what is not known set apart."""

    PLANNED = "planned downtime"
    FAILURE = "failures"
    SETUP = "set-up"
    WAITING = "waiting"
    STOPS = "stops"
    MINOR = "minor stops"
    SPEED = "reduced speed"
    SCRAP = "scrap and rework"
    UNKNOWN = "not known"


class Step(msgspec.Struct, frozen=True):
    """One step of the waterfall: what is lost, and what is left behind it."""

    loss: Loss
    lost_ns: int
    left_ns: int


class Waterfall(msgspec.Struct, frozen=True, kw_only=True):
    """From planned operation time to the time that good parts need, in steps.

    Attributes
    ----------
    planned_ns : where it begins (POT)
    good_ns : where it ends: planned run time of the good parts; None without rates
    """

    planned_ns: int
    steps: tuple[Step, ...]
    good_ns: int | None


class ReasonLoss(msgspec.Struct, frozen=True, kw_only=True):
    """Time lost for one reason."""

    activity: Activity
    reason: str
    lost_ns: int
    times: int
    share: float


def waterfall(totals: Totals, minor_ns: int = 0) -> Waterfall:
    """Return the steps from planned time to good parts.

    `minor_ns` are minor stops found between the parts (`minor_stops`); the rest of what producing
    time lacks to the planned run time of its parts is reduced speed.
    """
    left, steps = totals.planned_ns, []
    for loss, activity in (
        (Loss.PLANNED, Activity.PLANNED),
        (Loss.UNKNOWN, Activity.UNKNOWN),
        (Loss.FAILURE, Activity.FAILED),
        (Loss.SETUP, Activity.SETUP),
        (Loss.WAITING, Activity.WAITING),
        (Loss.STOPS, Activity.STOPPED),
    ):
        left -= totals.of(activity)
        steps.append(Step(loss, totals.of(activity), left))
    if totals.rateless:
        return Waterfall(planned_ns=totals.planned_ns, steps=tuple(steps), good_ns=None)
    slow = left - totals.ideal_ns
    minor = min(minor_ns, max(slow, 0))
    left -= minor
    steps.append(Step(Loss.MINOR, minor, left))
    left -= slow - minor
    steps.append(Step(Loss.SPEED, slow - minor, left))
    left -= totals.ideal_ns - totals.ideal_good_ns
    steps.append(Step(Loss.SCRAP, totals.ideal_ns - totals.ideal_good_ns, left))
    return Waterfall(planned_ns=totals.planned_ns, steps=tuple(steps), good_ns=left)


def pareto(timeline: Timeline, start: Instant, end: Instant) -> tuple[ReasonLoss, ...]:
    """Return the losses of planned time by reason, the greatest first."""
    lost: dict[tuple[Activity, str], list[int]] = {}
    last: tuple[Activity, str] | None = None
    for since, until, activity in timeline.pieces(start, end):
        key = (activity, timeline.reason_at(since))
        planned = sum(
            min(until, stop) - max(since, go)
            for period in timeline.periods.between(since, until)
            for go, stop in period.planned
            if go < until and stop > since
        )
        if activity is not Activity.PRODUCING and planned:
            entry = lost.setdefault(key, [0, 0])
            entry[0] += planned
            entry[1] += key != last
        last = key
    whole = sum(entry[0] for entry in lost.values())
    ranked = sorted(lost.items(), key=lambda item: (-item[1][0], item[0]))
    return tuple(
        ReasonLoss(
            activity=activity,
            reason=reason,
            lost_ns=entry[0],
            times=entry[1],
            share=entry[0] / whole,
        )
        for (activity, reason), entry in ranked
    )


def minor_stops(
    timeline: Timeline, start: Instant, end: Instant, rates: Rates
) -> tuple[tuple[Instant, int], ...]:
    """Return stops that only the parts show: when each began, and how much longer than a cycle.

    Between two parts of producing time lies one cycle for each part of the later event; what is
    longer than `GAP_FACTOR` of that, and no longer than `MINOR_STOP_MAX` on top, is a minor stop.
    """
    found = []
    for since, until in _producing(timeline.pieces(start, end)):
        last: Instant | None = None
        for event in timeline.parts(since, until):
            count = event.good + event.scrap + event.rework
            rate = rates.get(event.product, rates.get(""))
            if last is not None and rate is not None and count:
                late = event.at - last - count * rate
                if (GAP_FACTOR - 1) * count * rate < late <= MINOR_STOP_MAX:
                    found.append((last, late))
            last = event.at
    return tuple(found)


def _producing(
    pieces: Iterable[tuple[Instant, Instant, Activity]],
) -> list[tuple[Instant, Instant]]:
    """Return the spans of producing time, those that meet made one."""
    spans: list[tuple[Instant, Instant]] = []
    for since, until, activity in pieces:
        if activity is not Activity.PRODUCING:
            continue
        if spans and spans[-1][1] == since:
            spans[-1] = (spans[-1][0], until)
        else:
            spans.append((since, until))
    return spans
