"""Orders that are planned together share the stock: none of it is drawn twice."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.model.explanation import ReasonCode
from fabloop.model.ids import OrderId
from fabloop.model.plan import NotDecided, NotProducible
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.engagements import draws, engagements
from fabloop.plan.floors.orders_search import OrdersObjective
from fabloop.plan.orders import plan_orders
from plan.instances import NOW, gear, graz_and_vienna, random_instance, vocabulary
from plan.test_parts import EXPRESS, STEELWORKS, stocked, supplies, taking_bars

SEEDS = st.integers(0, 1_000_000)
OBJECTIVES = list(OrdersObjective)


def several(count, order, days=3):
    return [
        msgspec.structs.replace(
            order, id=OrderId(f"order-{number}"), due_at=Instant(NOW + (days + number) * DAY)
        )
        for number in range(count)
    ]


def together(orders, plant, values, objective=OrdersObjective.COST, effort=0.3):
    return plan_orders(orders, plant, vocabulary(), values, NOW, objective=objective, effort=effort)


def drawn(plans):
    found = {}
    for key, entries in draws(plans).items():
        found[key] = sum(pieces for _, pieces in entries)
    return found


def bought(plan):
    return {p.supplier: p.pieces for step in plan.steps for p in step.parts if p.supplier}


def assert_sound(orders, answer, plant, values):
    """Every plan holds beside all others, and is refused where they draw what it draws."""
    by_id = {each.id: each for each in orders}
    for plan in answer.plans:
        others = [each for each in answer.plans if each is not plan]
        grounds = Grounds(
            product=by_id[plan.order].product,
            network=plant,
            vocabulary=vocabulary(),
            kpis=values,
            now=NOW,
            busy=engagements(others, NOW),
            quantity=by_id[plan.order].quantity,
            drawn=draws(others),
        )
        assert check_plan(plan, grounds) == ()
        mine = draws([plan])
        if mine:
            key, entries = next(iter(mine.items()))
            robbed = {**draws(others), key: ((Instant(NOW), 1_000), *entries)}
            codes = {
                each.code
                for each in check_plan(plan, msgspec.structs.replace(grounds, drawn=robbed))
            }
            assert ReasonCode.STOCK_OVERDRAWN in codes


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_what_stock_does_not_give_is_bought_first_due_first_served(objective):
    plant, values = graz_and_vienna()
    held = stocked(plant, graz=[(3, NOW)])
    orders = several(3, taking_bars(gear(), amount=2, supply=(EXPRESS, STEELWORKS)))
    answer = together(orders, held, values, objective)
    assert not answer.refused
    assert_sound(orders, answer, held, values)
    assert sum(drawn(answer.plans).values()) <= 3
    if objective is OrdersObjective.COST:
        assert [bought(each) for each in answer.plans] == [
            {},
            {"steelworks": 1},
            {"steelworks": 2},
        ]


def test_orders_go_where_the_others_leave_stock():
    plant, values = graz_and_vienna()
    held = stocked(plant, graz=[(1, NOW)], vienna=[(1, NOW)])
    orders = several(2, taking_bars(gear(), supply=()))
    answer = together(orders, held, values)
    assert not answer.refused
    assert_sound(orders, answer, held, values)
    assert set(drawn(answer.plans).values()) == {1}
    assert len(drawn(answer.plans)) == 2


def test_an_order_for_which_nothing_is_left_is_refused_with_the_material():
    plant, values = graz_and_vienna()
    held = stocked(plant, graz=[(1, NOW)])
    orders = several(2, taking_bars(gear(), supply=()))
    answer = together(orders, held, values)
    assert [each.order for each in answer.plans] == ["order-0"]
    refusal = answer.refused[OrderId("order-1")]
    assert isinstance(refusal, NotProducible)
    codes = {each.code for row in refusal.exclusions for each in row.reasons}
    assert ReasonCode.MATERIAL_MISSING in codes


def test_stock_that_comes_later_is_waited_for_by_who_is_due_later():
    plant, values = graz_and_vienna()
    held = stocked(plant, graz=[(1, NOW), (1, NOW + 20 * HOUR)])
    orders = several(2, taking_bars(gear(), supply=()))
    answer = together(orders, held, values)
    assert not answer.refused
    assert_sound(orders, answer, held, values)
    starts = sorted(step.start for plan in answer.plans for step in plan.steps if step.parts)
    assert starts[1] >= NOW + 20 * HOUR


@settings(max_examples=20, deadline=None)
@given(SEEDS, supplies(), st.integers(0, 5), st.integers(1, 2), st.sampled_from(OBJECTIVES))
def test_no_orders_together_draw_more_than_there_is(seed, supply, stock, amount, objective):
    bare, free, values = random_instance(seed, operations=4)
    outputs = [each.output for each in bare.product.operations[:2]]
    order = taking_bars(bare, *outputs, amount=amount, supply=supply)
    plant = stocked(free, **{each: [(stock, NOW), (stock, NOW + 9 * HOUR)] for each in free.sites})
    orders = several(3, order)
    answer = together(orders, plant, values, objective, effort=0.05)
    assert_sound(orders, answer, plant, values)
    for (site, _), pieces in drawn(answer.plans).items():
        assert pieces <= 2 * stock, site
    plain = together(several(3, bare), free, values, objective, effort=0.05)
    if supply:
        assert set(answer.refused) == set(plain.refused)
    for refusal in answer.refused.values():
        assert isinstance(refusal, NotProducible | NotDecided)
