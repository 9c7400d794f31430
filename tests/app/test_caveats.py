"""What plans leave out is said by name, and so is a plan that comes too late."""

import msgspec

from fabloop.app.asked import asked_in
from fabloop.app.caveats import lateness, left_out
from fabloop.app.demo import documents_of
from fabloop.base.instant import HOUR
from fabloop.model.product import Purchase
from fabloop.plan.producible import check


def told():
    return asked_in(documents_of("wavegear"))


def test_nothing_is_said_where_plans_heed_all_that_is_told():
    assert left_out((told().order.product,)) == ()


def test_bought_parts_are_named_for_their_prices_are_not_heeded():
    product = told().order.product
    buy = Purchase(supplier="steelworks", lead_ns=HOUR, cost_minor=10)
    material = msgspec.structs.replace(product.materials[0], supply=(buy,))
    bought = msgspec.structs.replace(product, materials=(material, *product.materials[1:]))
    (note,) = left_out((bought,))
    assert note == f"Plans leave out the prices of suppliers: {material.id}."


def test_a_late_plan_is_told_with_what_is_in_time():
    asked = told()
    order, knowledge = asked.order, asked.knowledge
    answer = check(order, knowledge.network, knowledge.vocabulary, asked.kpis, order.received_at)
    assert lateness(order, answer.plans) == ()
    ends = sorted(max(step.end for step in each.steps) for each in answer.plans)
    hasty = msgspec.structs.replace(order, due_at=ends[0])
    (note,) = lateness(hasty, answer.plans)
    assert note.startswith(f"Late: {answer.plans[0].id} is ready at")
    assert "In time: " in note
    (note,) = lateness(msgspec.structs.replace(order, due_at=order.received_at), answer.plans)
    assert "None of these plans is in time" in note
