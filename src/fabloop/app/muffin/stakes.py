"""What is at stake for orders whose load is not as it should be, by how their goals stand."""

from collections.abc import Sequence

from fabloop.adapt.ladder import Deviation
from fabloop.adapt.severity import Stake, weighed
from fabloop.app.muffin.goals import Goals
from fabloop.app.service_runtime.errands import Errand
from fabloop.base.instant import Instant
from fabloop.model.goal import GoalStatus
from fabloop.sim.bakery.customers import MuffinOrder

NAMED_MAX = 3


def deviated(
    goals: Goals,
    errand: Errand,
    name: str,
    orders: Sequence[MuffinOrder],
    now: Instant,
    burnt: Sequence[str] = (),
) -> Deviation:
    """Return that a load is not as it should be, as bad as what is at stake for its orders."""
    bad = weighed(stake_of(goals, errand, orders, burnt))
    return Deviation(
        id=name,
        instance=errand.task.instance,
        severity=bad.severity,
        at=now,
        reasons=bad.because,
    )


def stake_of(
    goals: Goals, errand: Errand, orders: Sequence[MuffinOrder], burnt: Sequence[str] = ()
) -> Stake:
    """Return what is at stake; `burnt` are the codes of orders whose muffins are lost."""
    lost, at_risk = [], []
    for order in orders:
        for goal, status in goals.standing_alone(order.id):
            if status is GoalStatus.VIOLATED:
                lost.append(f"{goal} of {order.id}")
            elif status is GoalStatus.ENDANGERED:
                at_risk.append(f"{goal} of {order.id}")
    pieces = sum(each.pieces for each in orders if each.qr in burnt)
    return Stake(
        goals_lost=_named(lost),
        goals_at_risk=_named(at_risk),
        spent=f"{pieces} muffins" if pieces else "",
        unsafe="; ".join(errand.withheld_for),
        concerned=len(orders),
        open=goals.open_orders(),
    )


def _named(all_of_them: Sequence[str]) -> tuple[str, ...]:
    left = len(all_of_them) - NAMED_MAX
    more = (f"{left} more",) if left > 0 else ()
    return (*all_of_them[:NAMED_MAX], *more)
