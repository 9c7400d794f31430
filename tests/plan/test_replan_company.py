"""Runs and shipments that orders share stay shared when one of them is planned anew."""

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import HOUR, Instant
from fabloop.model.ids import OrderId, WorkUnitId
from fabloop.model.plan import Producible
from fabloop.plan.checker import check_plan
from fabloop.plan.engagements import engagements
from fabloop.plan.floors.orders_search import OrdersObjective
from fabloop.plan.producible import Objective, compare, replan
from plan import test_joint_runs as ovens
from plan import test_shared_shipments as lanes
from plan.instances import NOW, network, random_instance, vocabulary

SEEDS = st.integers(0, 1_000_000)
COST = OrdersObjective.COST


def two_saws(**more):
    (hall,) = ovens.shop(**more).sites.values()
    saw = next(each for each in hall.work_units if each.id == "saw")
    other = msgspec.structs.replace(saw, id=WorkUnitId("saw-2"), cost_per_hour_minor=9000)
    return network(msgspec.structs.replace(hall, work_units=(*hall.work_units, other)))


def anew(order, plan, plans, plant, values=None, now=NOW, **more):
    others = engagements((each for each in plans if each.order != plan.order), now)
    answer = replan(
        order, plan, {}, {}, plant, vocabulary(), values or {}, now, busy=others, moved={}, **more
    )
    assert isinstance(answer, Producible)
    new = answer.plans[0]
    asked = lanes.grounds(new, plans, order, plant, values or {})
    broken = more.get("unavailable", frozenset())
    asked = msgspec.structs.replace(asked, busy=others, now=now, unavailable=broken)
    assert check_plan(new, asked) == ()
    return new


def shared(first=10, due=9 * HOUR):
    orders = [ovens.fired(f"o{n}", 3, first=first * n, due=due) for n in range(2)]
    plant = two_saws()
    answer = ovens.together(orders, plant, COST)
    assert len(ovens.runs(answer)) == 1
    return orders, plant, answer.plans


def test_a_step_stays_in_its_run_when_another_one_has_to_move():
    orders, plant, plans = shared()
    new = anew(orders[1], plans[1], plans, plant, unavailable=frozenset({"saw"}))
    before, after = ovens.fire(plans[1]), ovens.fire(new)
    assert (after.start, after.batch, after.cost_minor) == (
        before.start,
        before.batch,
        before.cost_minor,
    )
    assert new.steps[0].work_unit == "saw-2"
    told = compare(plans[1], new, orders[1])
    assert told.company == ()
    assert new.optimality[0].bound <= new.totals.cost_minor


def test_who_comes_too_late_leaves_the_run_and_the_comparison_tells_it():
    orders, plant, plans = shared()
    late = {"saw": {"s": Instant(NOW + 5 * HOUR)}}
    new = anew(orders[1], plans[1], plans, plant, not_before=late)
    assert ovens.fire(new).batch is None
    (told,) = compare(plans[1], new, orders[1]).company
    assert (told.operation, told.before, told.after) == ("fire", 6, 0)


def test_a_run_that_the_others_left_is_paid_alone():
    orders, plant, plans = shared()
    new = anew(orders[1], plans[1], plans[1:], plant)
    assert ovens.fire(new).batch is None
    assert new.totals.cost_minor > plans[1].totals.cost_minor


def test_the_price_of_stability_keeps_a_step_in_a_run_that_ends_late():
    orders, plant, plans = shared()
    fast = {"objective": Objective.COST, "change_price_minor": 100_000}
    assert ovens.fire(anew(orders[0], plans[0], plans, plant, **fast)).batch is not None


@settings(max_examples=5, deadline=None)
@given(first=st.integers(0, 30), count=st.integers(2, 3), minutes=st.integers(5, 40))
def test_planning_anew_without_a_change_changes_no_shared_run(first, count, minutes):
    plant = two_saws()
    orders = [
        ovens.fired(f"o{n}", 3, first=first * n, minutes=minutes, due=9 * HOUR)
        for n in range(count)
    ]
    plans = ovens.together(orders, plant, COST).plans
    assume(any(ovens.fire(each).batch for each in plans))
    for order, plan in zip(orders, plans, strict=True):
        for more in ({}, {"objective": Objective.COST}, {"objective": Objective.MAKESPAN}):
            new = anew(order, plan, plans, plant, **more)
            if not more:
                assert (new.steps, new.movements) == (plan.steps, plan.movements)
            assert compare(plan, new, order).cost_minor <= 0 or "objective" in more


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS, most=st.integers(2, 3))
def test_planning_anew_without_a_change_changes_no_shared_shipment(seed, most):
    order, plant, values = random_instance(seed, operations=4)
    plant = lanes.with_room(plant, most)
    orders = [msgspec.structs.replace(order, id=OrderId(f"o{n}")) for n in range(2)]
    plans = lanes.together(orders, plant, values).plans
    for each, plan in zip(orders, plans, strict=True) if plans else ():
        new = anew(each, plan, plans, plant, values)
        assert (new.steps, new.movements) == (plan.steps, plan.movements)


def test_goods_stay_in_the_shipment_that_they_share():
    plant, values = lanes.split()
    plant = lanes.with_room(plant, 2, departures=(0, 12 * HOUR))
    orders = [lanes.named(lanes.gear(), f"o{n}") for n in range(2)]
    plans = lanes.together(orders, plant, values).plans
    pairs = {(each.lane, each.start) for each in lanes.goods(plans[1:]) if each.goods == 2}
    assert pairs
    used = {each.work_unit for each in plans[1].steps}
    broken = frozenset({WorkUnitId("g-mill")}) & used or frozenset({min(used)})
    new = anew(orders[1], plans[1], plans, plant, values, unavailable=broken)
    kept = {(each.lane, each.start) for each in lanes.goods([new]) if each.goods == 2}
    assert kept & pairs
