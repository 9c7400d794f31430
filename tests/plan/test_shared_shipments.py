"""Goods of one or several orders in one shipment: who leaves with whom, who pays, the checker."""

from itertools import product

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.model.explanation import ReasonCode
from fabloop.model.ids import OrderId
from fabloop.model.plan import NotDecided, Producible
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.engagements import engagements
from fabloop.plan.floors.orders_search import OrdersObjective
from fabloop.plan.orders import plan_orders
from fabloop.plan.producible import check, replan
from fabloop.plan.shipping import Good, _grouped
from fabloop.plan.terms.wishes import Wishes
from plan.instances import NOW, gear, graz_and_vienna, random_instance, vocabulary

SEEDS = st.integers(0, 1_000_000)


def with_room(plant, most, **more):
    lanes = tuple(msgspec.structs.replace(each, goods_max=most, **more) for each in plant.lanes)
    return msgspec.structs.replace(plant, lanes=lanes)


def named(order, name):
    return msgspec.structs.replace(order, id=OrderId(name))


def grounds(plan, plans, order, plant, values):
    return Grounds(
        product=order.product,
        network=plant,
        vocabulary=vocabulary(),
        kpis=values,
        now=NOW,
        quantity=order.quantity,
        busy=engagements((each for each in plans if each.order != plan.order), NOW),
    )


def together(orders, plant, values, objective=OrdersObjective.COST):
    answer = plan_orders(orders, plant, vocabulary(), values, NOW, objective=objective, effort=0.1)
    by_id = {each.id: each for each in orders}
    for plan in answer.plans:
        asked = grounds(plan, answer.plans, by_id[plan.order], plant, values)
        assert check_plan(plan, asked) == ()
    return answer


def goods(plans):
    return [each for plan in plans for each in plan.movements if each.lane is not None]


def costs(plans):
    return sum(each.totals.cost_minor for each in plans)


def split():
    """Return the plant of which both sites are needed, and the values that make it so."""
    return graz_and_vienna(graz_tpe=16.2e-6)


def test_goods_of_two_orders_that_leave_together_pay_half_each():
    plant, values = split()
    orders = [named(gear(), f"o{number}") for number in range(2)]
    apart = together(orders, plant, values)
    timed = {"departures": (0, 12 * HOUR)}
    answer = together(orders, with_room(plant, 2, **timed), values)
    alone = together(orders, with_room(plant, 1, **timed), values)
    pairs = [each for each in goods(answer.plans) if each.goods == 2]
    assert pairs
    for each in pairs:
        lane = next(lane for lane in plant.lanes if lane.id == each.lane)
        assert each.cost_minor == -(-lane.cost_minor // 2)
        assert each.co2_kg == lane.co2_kg / 2
    saved = sum(
        next(lane.cost_minor for lane in plant.lanes if lane.id == each.lane) // 2 for each in pairs
    )
    assert costs(answer.plans) == costs(alone.plans) - saved == costs(apart.plans) - saved
    assert answer.optimality.value == costs(answer.plans) >= answer.optimality.bound
    assert [p.steps for p in answer.plans] == [p.steps for p in alone.plans]


def test_a_shipment_never_holds_more_than_the_lane_takes():
    plant, values = split()
    plant = with_room(plant, 2, departures=(0,))
    answer = together([named(gear(), f"o{number}") for number in range(5)], plant, values)
    shipments = {}
    for each in goods(answer.plans):
        shipments.setdefault((each.lane, each.start, each.goods), []).append(each)
    assert all(size <= 2 and len(found) % size == 0 for (_, _, size), found in shipments.items())
    assert any(size == 2 for _, _, size in shipments)


def test_one_order_shares_its_own_shipments_and_the_bound_knows_it():
    plant, values = split()
    roomy = with_room(plant, 8)
    answer = check(gear(), roomy, vocabulary(), values, NOW)
    before = check(gear(), plant, vocabulary(), values, NOW)
    cost = next(e for e in answer.plans[0].optimality if e.objective == "cost")
    plain = next(e for e in before.plans[0].optimality if e.objective == "cost")
    assert plain.proven
    assert cost.bound <= cost.value <= plain.value
    assert cost.bound < plain.bound
    tight = Wishes(cost_max_minor=round(cost.bound))
    assert isinstance(check(gear(), roomy, vocabulary(), values, NOW, wishes=tight), NotDecided)


def test_wrong_shipments_are_refused():
    plant, values = split()
    plant = with_room(plant, 2, departures=(0, 12 * HOUR))
    orders = [named(gear(), f"o{number}") for number in range(2)]
    plans = together(orders, plant, values).plans
    plan = plans[0]
    place = next(at for at, each in enumerate(plan.movements) if each.goods == 2)

    def codes(others=plans[1:], network=plant, **more):
        moved = list(plan.movements)
        moved[place] = msgspec.structs.replace(moved[place], **more)
        new = msgspec.structs.replace(plan, movements=tuple(moved))
        asked = grounds(new, [new, *others], orders[0], network, values)
        return {each.code for each in check_plan(new, asked)}

    old = plan.movements[place]
    assert codes() == set()
    assert ReasonCode.SHIPMENT_WRONG in codes(others=())
    assert ReasonCode.SHIPMENT_WRONG in codes(network=with_room(plant, 1))
    assert ReasonCode.SHIPMENT_WRONG in codes(goods=3)
    assert ReasonCode.SHIPMENT_WRONG in codes(goods=0)
    assert ReasonCode.MOVEMENT_FIGURE_WRONG in codes(goods=1)
    assert ReasonCode.MOVEMENT_FIGURE_WRONG in codes(cost_minor=old.cost_minor - 1)
    assert ReasonCode.SHIPMENT_WRONG in codes(
        start=Instant(old.start + MINUTE), end=Instant(old.end + MINUTE)
    )


def test_a_plan_in_shared_shipments_stays_when_nothing_changes():
    plant, values = split()
    plant = with_room(plant, 2, departures=(0, 12 * HOUR))
    orders = [named(gear(), f"o{number}") for number in range(2)]
    plans = together(orders, plant, values).plans
    busy = engagements(plans[1:], NOW)
    again = replan(orders[0], plans[0], {}, {}, plant, vocabulary(), values, NOW, busy=busy)
    assert isinstance(again, Producible)
    assert again.plans[0].movements == plans[0].movements
    assert all(each.bound <= each.value * (1 + 1e-9) for each in again.plans[0].optimality)


SPANS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=6)


@given(SPANS)
def test_no_fewer_shipments_would_do(spans):
    waiting = [
        Good(0, place, Instant(start), Instant(start + slack))
        for place, (start, slack) in enumerate(spans)
    ]
    groups = list(_grouped(waiting, len(waiting)))
    assert sorted(each.movement for group in groups for each in group) == list(range(len(spans)))
    for group in groups:
        assert max(each.start for each in group) <= min(each.latest for each in group)
    least = (
        min(
            len(set(picks))
            for picks in product(*(range(start, start + slack + 1) for start, slack in spans))
        )
        if sum(slack for _, slack in spans) <= 12
        else 0
    )
    assert not least or len(groups) == least


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.integers(2, 4), st.sampled_from(OrdersObjective))
def test_room_for_several_goods_never_costs_more_and_bounds_hold(seed, most, objective):
    one, plant, values = random_instance(seed, operations=4)
    orders = [one, named(one, "second")]
    alone = together(orders, plant, values, objective)
    assume(len(alone.plans) == 2)
    answer = together(orders, with_room(plant, most), values, objective)
    assert costs(answer.plans) <= costs(alone.plans)
    assert answer.optimality.bound <= answer.optimality.value <= alone.optimality.value
    for plan in answer.plans:
        assert all(each.bound <= each.value * (1 + 1e-9) for each in plan.optimality)
    turned = together(orders[::-1], with_room(plant, most), values, objective)
    if objective is OrdersObjective.COST:
        assert turned.optimality.bound == answer.optimality.bound
