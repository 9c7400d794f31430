"""When maintenance pays: risk of waiting against a planned stop; and what its result teaches."""

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from fabloop.base.errors import Fault, Invalid
from fabloop.base.instant import DAY, HOUR, Instant, iso_of
from fabloop.model.explanation import ConditionCode, Evidence, Explanation
from fabloop.model.ids import WorkUnitId
from fabloop.model.maintenance import (
    MaintenanceDone,
    MaintenanceProposed,
    PossibleStop,
    WaitingCost,
)
from fabloop.sense.condition.remaining_life import RemainingLife
from fabloop.sense.condition.weibull import Life, Lifetime
from fabloop.sense.recording import Floats, Integers
from fabloop.sense.trend import Crossing

STOPS_MAX = 1_000

Risk = Callable[[int], float]
"""Probability that the machine fails within the next nanoseconds."""


class StopCosts(msgspec.Struct, frozen=True, kw_only=True):
    """What stops cost, in minor currency units.

    Attributes
    ----------
    planned_minor : parts and work of a planned stop
    failure_minor : parts and work after a failure
    downtime_ns : how long the machine is down after a failure
    downtime_minor_per_hour : what an hour of that costs
    rate_minor_per_day : what the part costs a day of its life in the long run
        (`weibull.Replacement.cost_rate`): what each day of waiting saves
    """

    planned_minor: int
    failure_minor: int
    downtime_ns: int
    downtime_minor_per_hour: int
    rate_minor_per_day: float
    currency: str

    @property
    def breakdown_minor(self) -> float:
        """What a failure costs altogether."""
        return self.failure_minor + self.downtime_minor_per_hour * self.downtime_ns / HOUR


def risk_by_lifetime(lifetime: Lifetime, age_days: float) -> Risk:
    """Return the risk of a part of an age; the lives were told in days."""
    return lambda ahead: lifetime.risk(age_days, ahead / DAY)


def risk_by_remaining_life(life: RemainingLife, cycle_ns: int) -> Risk:
    """Return the risk by an interval of cycles left, straight between its ends.

    Where the upper end is open, it counts as far from the middle as the lower one: that is
    careful, since a unit with an open end is far from its end.
    """
    high = 2 * life.cycles - life.low if life.high is None else life.high
    tail = (1 - life.coverage) / 2
    cycles = np.maximum.accumulate([0.0, life.low, life.cycles, high, high + (high - life.cycles)])
    chance = (0.0, tail, 0.5, 1 - tail, 1.0)
    return lambda ahead: float(np.interp(ahead / cycle_ns, cycles, chance))


def risk_by_crossing(crossing: Crossing) -> Risk:
    """Return the risk that a trend has crossed a limit (of an open order, say): a failure, too.

    The ends of the interval are 2.5 % and 97.5 %; a trend that may never cross keeps what is
    beyond its last finite end.
    """
    ends = ((crossing.days_low, 0.025), (crossing.days, 0.5), (crossing.days_high, 0.975))
    finite = [each for each in ends if math.isfinite(each[0])]
    if not finite:
        return lambda ahead: 0.0 * ahead
    days = np.array([0.0, *(each[0] for each in finite)])
    chance = np.array([0.0, *(each[1] for each in finite)])
    if crossing.days <= 0.0:
        return lambda ahead: 1.0 if ahead >= 0 else 0.0
    return lambda ahead: float(np.interp(ahead / DAY, days, chance))


def propose(
    work_unit: WorkUnitId,
    job: str,
    stops: Sequence[PossibleStop],
    risk: Risk,
    costs: StopCosts,
    now: Instant,
) -> MaintenanceProposed | None:
    """Return the stop that is expected to cost least, or None where it is cheaper to wait longer.

    Raises
    ------
    Invalid
        There are no stops or too many, or some lie in the past or end before they begin.

    Notes
    -----
    Marginal cost of a renewal: waiting is right as long as the risk it adds costs less than the
    long-run cost of the part in that time (Barlow and Hunter 1960, read at one decision).
    """
    _check(job, stops, now)
    in_time = sorted(stops, key=lambda each: (each.start, each.end))
    asked = [_waiting(each.start, each.lost_minor, risk, costs, now) for each in in_time]
    after = _waiting(max(each.end for each in in_time), 0, risk, costs, now)
    best = min(range(len(asked)), key=lambda number: asked[number].cost_minor)
    if after.cost_minor <= asked[best].cost_minor:
        return None
    chosen = in_time[best]
    waiting = (*asked, after)
    return MaintenanceProposed(
        job=job,
        work_unit=work_unit,
        start=chosen.start,
        end=chosen.end,
        window=(in_time[0].start, after.start),
        waiting=waiting,
        currency=costs.currency,
        because=_because(work_unit, job, chosen, asked[best], after, costs),
    )


def _waiting(
    start: Instant, lost_minor: int, risk: Risk, costs: StopCosts, now: Instant
) -> WaitingCost:
    chance = min(1.0, max(0.0, risk(start - now)))
    planned = (1 - chance) * (costs.planned_minor + lost_minor)
    saved = costs.rate_minor_per_day * (start - now) / DAY
    cost = chance * costs.breakdown_minor + planned - saved
    return WaitingCost(start=start, risk=chance, cost_minor=round(cost))


def _because(
    work_unit: WorkUnitId,
    job: str,
    stop: PossibleStop,
    chosen: WaitingCost,
    after: WaitingCost,
    costs: StopCosts,
) -> Explanation:
    details = {
        "job": job,
        "start": iso_of(stop.start),
        "end": iso_of(stop.end),
        "risk": f"{chosen.risk:.1%}",
        "later": iso_of(after.start),
        "later_risk": f"{after.risk:.1%}",
        "waiting": f"{(after.cost_minor - chosen.cost_minor) / 100:.2f} {costs.currency}",
    }
    seen = Evidence(
        subject=work_unit,
        parameter="expected cost, minor units",
        relation="at most",
        value=chosen.cost_minor,
        limit=after.cost_minor,
        at=stop.start,
    )
    return Explanation(
        code=ConditionCode.MAINTENANCE,
        subject=work_unit,
        details=details,
        evidence=(seen,),
        consequence="close the work unit for the job",
    )


def _check(job: str, stops: Sequence[PossibleStop], now: Instant) -> None:
    faults = [
        Fault(
            source=f"job {job!r}",
            path=f"$.stops[{number}]",
            expected=f"a span that begins at {iso_of(now)} or later and ends after it begins",
            found=f"{iso_of(each.start)} to {iso_of(each.end)}",
        )
        for number, each in enumerate(stops[:STOPS_MAX])
        if not now <= each.start < each.end
    ]
    if not 1 <= len(stops) <= STOPS_MAX:
        expected = f"1 to {STOPS_MAX} possible stops"
        faults.append(
            Fault(source=f"job {job!r}", path="$.stops", expected=expected, found=str(len(stops)))
        )
    if faults:
        raise Invalid(faults)


def life_of(done: MaintenanceDone) -> Life | None:
    """Return what the job teaches of how long parts last, in days; None if it stayed in."""
    if not (done.replaced or done.failed):
        return None
    return Life(lived=(done.at - done.installed_at) / DAY, failed=done.failed)


def since(
    times: Integers, values: Floats, done: Sequence[MaintenanceDone]
) -> tuple[Integers, Floats]:
    """Return the points of a trend that still count after jobs: those after the last one.

    The characteristic as it was left is the first of them; without that, the trend begins with
    the next measurement. A job that changed nothing measurable (as found is as left, and nothing
    was replaced) leaves the trend as it is.
    """
    changing = [each for each in done if each.changed_something]
    if not changing:
        return times, values
    last = max(changing, key=lambda each: each.at)
    later = times > last.at
    if last.as_left is None:
        return times[later], values[later]
    return (
        np.concatenate([np.array([last.at], dtype=np.int64), times[later]]),
        np.concatenate([np.array([last.as_left]), values[later]]),
    )
