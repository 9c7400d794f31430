"""A plan that comes too late is said to."""

import msgspec

from fabloop.app.asked import asked_in
from fabloop.app.caveats import readiness
from fabloop.app.demo import documents_of
from fabloop.plan.producible import check


def told():
    return asked_in(documents_of("wavegear"))


def test_a_late_plan_is_told_with_what_is_in_time():
    asked = told()
    order, knowledge = asked.order, asked.knowledge
    answer = check(order, knowledge.network, knowledge.vocabulary, asked.kpis, order.received_at)
    (note,) = readiness(order, answer.plans, knowledge.network)
    assert note.startswith(f"{answer.plans[0].id} is ready at")
    assert " before the due instant " in note
    ends = sorted(max(step.end for step in each.steps) for each in answer.plans)
    hasty = msgspec.structs.replace(order, due_at=ends[0])
    (note,) = readiness(hasty, answer.plans, knowledge.network)
    assert note.startswith(f"Late: {answer.plans[0].id} is ready at")
    assert "In time: " in note
    (note,) = readiness(
        msgspec.structs.replace(order, due_at=order.received_at), answer.plans, knowledge.network
    )
    assert "None of these plans is in time" in note
