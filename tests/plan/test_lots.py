"""Orders of several pieces: every face of planning counts them, and counts them alike."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import HOUR, Instant
from fabloop.model.plan import Producible
from fabloop.model.product import Per
from fabloop.plan.producible import Objective, check, replan
from fabloop.plan.terms.objectives import Measure, weighted
from fabloop.plan.terms.wishes import Wishes
from fabloop.plan.tradeoffs.front import Front, front
from plan.instances import NOW, gear, graz_and_vienna, random_instance, vocabulary

SEEDS = st.integers(0, 1_000_000)


def ordered(order, quantity):
    return msgspec.structs.replace(order, quantity=quantity)


def test_three_pieces_take_three_times_the_work_and_are_moved_once():
    plant, values = graz_and_vienna()
    one, three = (
        check(ordered(gear(), count), plant, vocabulary(), values, NOW, plans_max=1).plans[0]
        for count in (1, 3)
    )
    for step in one.steps:
        other = three.step(step.operation)
        assert other.end - other.start == 3 * (step.end - step.start)
    moved = [sum(each.cost_minor for each in plan.movements) for plan in (one, three)]
    assert moved[0] == moved[1]


def test_what_is_stated_per_lot_does_not_grow_with_the_pieces():
    plant, values = graz_and_vienna()
    order = gear()
    lots = tuple(msgspec.structs.replace(each, per=Per.LOT) for each in order.product.operations)
    product = msgspec.structs.replace(order.product, operations=lots)
    order = msgspec.structs.replace(order, product=product)
    one, many = (
        check(ordered(order, count), plant, vocabulary(), values, NOW, plans_max=1).plans[0]
        for count in (1, 50)
    )
    assert one.totals == many.totals


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, quantity=st.integers(1, 4))
def test_every_face_of_planning_counts_the_pieces_alike(seed, quantity):
    order, plant, values = random_instance(seed, operations=4)
    order = ordered(order, quantity)
    where = (order, plant, vocabulary(), values, NOW)
    plain = check(*where, plans_max=1)
    if not isinstance(plain, Producible):
        return
    cost = plain.plans[0].totals.cost_minor
    wished = check(*where, plans_max=1, wishes=Wishes(cost_max_minor=cost))
    assert wished.plans[0].totals.cost_minor == cost
    summed = check(*where, plans_max=1, objective=weighted({Measure.COST: 1.0}))
    assert summed.plans[0].totals.cost_minor == cost
    points = front(*where)
    assert isinstance(points, Front)
    assert min(each.plan.totals.cost_minor for each in points.points) == cost


@pytest.mark.parametrize("quantity", [1, 3])
def test_a_plan_for_a_lot_is_planned_again_as_a_lot(quantity):
    plant, values = graz_and_vienna()
    order = ordered(gear(), quantity)
    plan = check(order, plant, vocabulary(), values, NOW, plans_max=1).plans[0]
    first = min(plan.steps, key=lambda each: each.start)
    again = replan(
        order,
        plan,
        {},
        {first.operation: first},
        plant,
        vocabulary(),
        values,
        Instant(NOW + HOUR // 4),
        objective=Objective.COST,
    )
    assert isinstance(again, Producible)
    assert again.plans[0].totals.cost_minor == plan.totals.cost_minor
