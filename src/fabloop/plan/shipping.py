"""Goods that leave together share a shipment: fewest shipments that no other step waits for."""

from collections.abc import Iterator, Sequence

import msgspec

from fabloop.base.instant import Instant
from fabloop.model.ids import LaneId
from fabloop.model.plan import Movement, Plan, PlannedStep
from fabloop.model.site import Network, ShippingLane


class Good(msgspec.Struct, frozen=True):
    """A work piece that a lane carries: whose it is, and when it may leave at the latest."""

    plan: int
    movement: int
    start: Instant
    latest: Instant


def shared_shipments(plans: Sequence[Plan], network: Network) -> tuple[Plan, ...]:
    """Return the plans with goods in common shipments, where lanes take several.

    A shipment that has time until the next leg, or until the step that takes it, may leave later,
    with others; nothing else moves. Of what has such spans of time, the fewest shipments are made,
    as far as `goods_max` allows.
    """
    lanes = {each.id: each for each in network.lanes if each.goods_max > 1}
    if not lanes:
        return tuple(plans)
    changed: list[dict[int, Movement]] = [{} for _ in plans]
    for lane in lanes.values():
        for group in _grouped(list(_goods(plans, lane.id)), lane.goods_max):
            leaves = max(each.start for each in group)
            for each in group:
                old = plans[each.plan].movements[each.movement]
                changed[each.plan][each.movement] = sharing(old, lane, leaves, len(group))
    return tuple(with_movements(plan, row) for plan, row in zip(plans, changed, strict=True))


def _goods(plans: Sequence[Plan], lane: LaneId) -> Iterator[Good]:
    """Yield what leaves on the lane by itself and has not begun to."""
    for number, plan in enumerate(plans):
        ways = {(each.made_by, each.taken_by, each.leg): each.start for each in plan.movements}
        steps = {each.operation: each.start for each in plan.steps}
        for place, each in enumerate(plan.movements):
            if each.lane == lane and not each.frozen and each.goods == 1:
                after = (each.made_by, each.taken_by, each.leg + 1)
                by = ways.get(after, steps[each.taken_by])
                yield Good(number, place, each.start, Instant(by - (each.end - each.start)))


def _grouped(goods: list[Good], most: int) -> Iterator[list[Good]]:
    """Yield who leaves together: with the good that has to leave first, those that are there."""
    left = sorted(goods, key=lambda each: (each.latest, each.start, each.plan, each.movement))
    while left:
        first = left[0]
        ready = [each for each in left[1:] if each.start <= first.latest]
        group = [first, *ready[: most - 1]]
        left = [each for each in left if each not in group]
        yield group


def sharing(old: Movement, lane: ShippingLane, leaves: Instant, goods: int) -> Movement:
    """Return a good's movement in a shipment of so many that leaves then."""
    cost, energy, co2 = lane.part(goods)
    return msgspec.structs.replace(
        old,
        start=leaves,
        end=Instant(leaves + old.end - old.start),
        cost_minor=cost,
        energy_j=energy,
        co2_kg=co2,
        goods=goods,
    )


def with_movements(plan: Plan, changed: dict[int, Movement]) -> Plan:
    """Return the plan with other movements at some places, and its totals."""
    if not changed:
        return plan
    movements = tuple(changed.get(place, each) for place, each in enumerate(plan.movements))
    parts: tuple[PlannedStep | Movement, ...] = (*plan.steps, *movements)
    totals = msgspec.structs.replace(
        plan.totals,
        cost_minor=sum(each.cost_minor for each in parts),
        energy_j=sum(each.energy_j for each in parts),
        co2_kg=sum(each.co2_kg for each in parts),
    )
    return msgspec.structs.replace(plan, movements=movements, totals=totals)
