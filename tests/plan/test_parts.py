"""Parts from stock and suppliers: who delivers at what cost, and that nothing is drawn twice."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.model.explanation import ReasonCode
from fabloop.model.ids import MaterialId, OperationId
from fabloop.model.plan import NotDecided, PartTaken, Producible
from fabloop.model.product import Material, Purchase
from fabloop.model.site import Stock
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.producible import Objective, check, replan
from fabloop.plan.terms.wishes import Wishes
from fabloop.plan.tradeoffs.front import Front, front
from plan.instances import NOW, gear, graz_and_vienna, random_instance, vocabulary

SEEDS = st.integers(0, 1_000_000)
BAR = MaterialId("bar")
EXPRESS = Purchase(supplier="express", lead_ns=2 * HOUR, cost_minor=500, co2_kg=4.0)
STEELWORKS = Purchase(supplier="steelworks", lead_ns=DAY, cost_minor=120, co2_kg=1.0)
SLOW = Purchase(supplier="mill", lead_ns=9 * DAY, cost_minor=10, co2_kg=9.0)


def taking_bars(order, *outputs, amount=1, supply=(EXPRESS, STEELWORKS, SLOW)):
    materials = tuple(
        Material(id=MaterialId(each), label=each, made_of=(BAR,), amounts={BAR: amount})
        for each in outputs or ("mill-a-out",)
    )
    bar = Material(id=BAR, label="Bar", third_party=True, supply=supply)
    product = msgspec.structs.replace(order.product, materials=(*materials, bar))
    return msgspec.structs.replace(order, product=product)


def stocked(plant, **sites):
    def changed(site):
        stock = tuple(
            Stock(material=BAR, quantity=quantity, available_at=Instant(at))
            for quantity, at in sites.get(site.id, ())
        )
        return msgspec.structs.replace(site, stock=stock)

    found = {key: changed(site) for key, site in plant.sites.items()}
    return msgspec.structs.replace(plant, sites=found)


def due(order, after):
    return msgspec.structs.replace(order, due_at=Instant(NOW + after))


def best(order, plant, values, **more):
    answer = check(order, plant, vocabulary(), values, NOW, plans_max=1, **more)
    return answer.plans[0] if isinstance(answer, Producible) else answer


def grounds(order, plant, values):
    return Grounds(
        product=order.product,
        network=plant,
        vocabulary=vocabulary(),
        kpis=values,
        now=NOW,
        quantity=order.quantity,
    )


def told(plan, objective):
    return next(each for each in plan.optimality if each.objective == objective)


def parts(plan, operation="mill-a"):
    return {each.supplier: each.pieces for each in plan.step(OperationId(operation)).parts}


def test_the_cheapest_supplier_that_meets_the_need_is_taken_and_paid():
    plant, values = graz_and_vienna()
    plain = best(gear(), plant, values).totals
    for days, supplier in ((30, SLOW), (3, STEELWORKS), (0, EXPRESS)):
        plan = best(due(taking_bars(gear(), amount=2), days * DAY), plant, values)
        assert parts(plan) == {supplier.supplier: 2}
        assert plan.totals.cost_minor == plain.cost_minor + 2 * supplier.cost_minor
        assert abs(plan.totals.co2_kg - plain.co2_kg - 2 * supplier.co2_kg) < 1e-6
        assert told(plan, "cost").proven
        assert (told(plan, "cost").scope == "all plans") == (supplier is SLOW)


def test_the_supplier_with_the_least_co2_is_taken_where_that_counts():
    plant, values = graz_and_vienna()
    order = due(taking_bars(gear()), 30 * DAY)
    plan = best(order, plant, values, objective=Objective.CO2)
    assert parts(plan) == {"steelworks": 1}
    assert told(plan, "co2").proven


def test_stock_is_taken_first_and_the_rest_is_bought():
    plant, values = graz_and_vienna()
    order = due(taking_bars(gear(), amount=5), 3 * DAY)
    held = stocked(plant, graz=[(3, NOW)], vienna=[(3, NOW)])
    plan = best(order, held, values)
    assert parts(plan) == {"": 3, "steelworks": 2}
    assert check_plan(plan, grounds(order, held, values)) == ()


def test_operations_of_one_order_share_the_stock_of_a_site():
    plant, values = graz_and_vienna()
    order = due(taking_bars(gear(), "mill-a-out", "mill-b-out"), 3 * DAY)
    held = stocked(plant, graz=[(1, NOW)])
    plan = best(order, held, values)
    pieces = [each.pieces for step in plan.steps for each in step.parts if not each.supplier]
    assert sum(pieces) <= 1
    assert check_plan(plan, grounds(order, held, values)) == ()
    short = due(taking_bars(gear(), "mill-a-out", "mill-b-out", supply=()), 3 * DAY)
    assert isinstance(best(short, held, values), NotDecided)
    enough = stocked(plant, graz=[(2, NOW)])
    assert isinstance(best(short, enough, values).steps, tuple)


def test_wrong_parts_are_refused():
    plant, values = graz_and_vienna()
    order = due(taking_bars(gear(), amount=5), 3 * DAY)
    held = stocked(plant, graz=[(3, NOW)], vienna=[(3, NOW)])
    plan = best(order, held, values)
    stock, bought = plan.step(OperationId("mill-a")).parts

    def codes(*told):
        steps = tuple(
            msgspec.structs.replace(each, parts=told) if each.operation == "mill-a" else each
            for each in plan.steps
        )
        found = check_plan(msgspec.structs.replace(plan, steps=steps), grounds(order, held, values))
        return {each.code for each in found}

    assert codes(stock, bought) == set()
    more = msgspec.structs.replace(bought, pieces=3)
    assert ReasonCode.MATERIAL_MISSING in codes(stock)
    assert ReasonCode.MATERIAL_MISSING in codes(stock, more)
    assert ReasonCode.STOCK_OVERDRAWN in codes(PartTaken(material=BAR, pieces=5))
    cheap = msgspec.structs.replace(bought, cost_minor=1)
    assert ReasonCode.STEP_FIGURE_WRONG in codes(stock, cheap)
    stranger = msgspec.structs.replace(bought, supplier="nobody")
    assert ReasonCode.STEP_FIGURE_WRONG in codes(stock, stranger)
    slow = PartTaken(material=BAR, pieces=2, supplier="mill", cost_minor=20, co2_kg=2 * SLOW.co2_kg)
    assert ReasonCode.MATERIAL_TOO_LATE in codes(stock, slow)


@st.composite
def supplies(draw):
    return tuple(
        Purchase(
            supplier=f"s{number}",
            lead_ns=draw(st.integers(0, 60)) * HOUR,
            cost_minor=draw(st.integers(0, 400)),
            co2_kg=draw(st.integers(0, 9)),
        )
        for number in range(draw(st.integers(0, 3)))
    )


@settings(max_examples=25, deadline=None)
@given(SEEDS, supplies(), st.integers(0, 4), st.integers(1, 3), st.integers(0, 80))
def test_plans_of_every_kind_account_for_their_parts(seed, supply, stock, amount, hours):
    bare, free, values = random_instance(seed, operations=4)
    outputs = [each.output for each in bare.product.operations[:3]]
    order = due(taking_bars(bare, *outputs, amount=amount, supply=supply), hours * HOUR)
    plant = stocked(free, **{each: [(stock, NOW), (stock, NOW + 9 * HOUR)] for each in free.sites})
    where = (order, plant, vocabulary(), values, NOW)
    answer = check(*where)
    if supply:
        plain = check(bare, free, vocabulary(), values, NOW)
        assert isinstance(answer, Producible) == isinstance(plain, Producible)
    if not isinstance(answer, Producible):
        return
    for plan in answer.plans:
        assert check_plan(plan, grounds(order, plant, values)) == ()
        assert all(each.bound <= each.value * (1 + 1e-9) for each in plan.optimality)
    first = answer.plans[0]
    budget = Wishes(cost_max_minor=first.totals.cost_minor)
    found = check(*where, plans_max=1, wishes=budget, effort=0.3)
    assert isinstance(found, Producible | NotDecided)
    points = front(*where, effort=0.2)
    assert isinstance(points, Front)
    again = replan(order, first, {}, {}, plant, vocabulary(), values, NOW)
    assert isinstance(again, Producible)
    assert again.plans[0].steps == first.steps
