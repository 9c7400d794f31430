"""What decides the finish of a plan: paths and slack on plans made by hand and by the planner."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import MINUTE, Instant
from fabloop.model.ids import OperationId
from fabloop.model.plan import Producible
from fabloop.plan.critical import Key, Wait, criticality
from fabloop.plan.producible import check
from plan.instances import NOW, gear, graz_and_vienna, random_instance, vocabulary

SEEDS = st.integers(0, 1_000_000)


def a_plan(order, plant, values):
    answer = check(order, plant, vocabulary(), values, NOW, plans_max=1)
    return answer.plans[0] if isinstance(answer, Producible) else None


def test_the_path_leads_from_the_first_step_over_the_longer_branch_to_the_last():
    plant, values = graz_and_vienna()
    order = gear()
    found = criticality(a_plan(order, plant, values), order.product)
    steps = [link.key.operation for link in found.path if not link.key.taken_by]
    assert steps[-2:] == ["ream-a", "clean"]
    assert steps[0] in ("mill-a", "mill-b")
    assert found.path[0].waits_for is Wait.OTHER
    assert all(each.waits_for is not Wait.OTHER for each in found.path[1:])


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_what_is_on_the_path_has_no_slack_and_nothing_has_less_than_none(seed):
    order, plant, values = random_instance(seed)
    plan = a_plan(order, plant, values)
    if plan is None:
        return
    found = criticality(plan, order.product)
    assert min(found.slack_ns.values()) == 0
    assert len(found.slack_ns) == len(plan.steps) + len(plan.movements)
    last_free = max(
        (place for place, each in enumerate(found.path) if each.waits_for is Wait.OTHER), default=0
    )
    assert all(found.is_critical(each.key) for each in found.path[last_free:])
    ends = [each.end for each in found.path]
    assert ends == sorted(ends)
    assert ends[-1] == max(each.end for each in plan.steps)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, data=st.data())
def test_a_step_that_is_late_within_its_slack_moves_no_finish(seed, data):
    order, plant, values = random_instance(seed)
    plan = a_plan(order, plant, values)
    if plan is None:
        return
    slack = criticality(plan, order.product).slack_ns
    key = data.draw(st.sampled_from(sorted(slack)))
    late = data.draw(st.integers(0, slack[key]))
    moved = delayed(plan, order.product, key, late)
    finish = max(each.end for each in plan.steps)
    assert max(each.end for each in moved.steps) == finish
    beyond = delayed(plan, order.product, key, slack[key] + MINUTE)
    assert max(each.end for each in beyond.steps) == finish + MINUTE


def delayed(plan, product, key, late):
    """Return the plan as it goes when one thing starts late: others wait no longer than needed."""
    spans = {Key(each.operation): (each.start, each.end) for each in plan.steps}
    spans |= {Key(e.made_by, e.taken_by, e.leg): (e.start, e.end) for e in plan.movements}
    after = followers(plan, product)
    todo = [(key, spans[key][0] + late)]
    while todo:
        here, start = todo.pop()
        was, end = spans[here]
        if start > was or here == key:
            spans[here] = (max(start, was), end - was + max(start, was))
            todo += [(each, spans[here][1]) for each in after[here]]
    steps = tuple(
        msgspec.structs.replace(
            each, start=Instant(spans[Key(each.operation)][0]), end=spans[Key(each.operation)][1]
        )
        for each in plan.steps
    )
    return msgspec.structs.replace(plan, steps=steps)


def followers(plan, product):
    after = {Key(each.operation): set() for each in plan.steps}
    after |= {Key(e.made_by, e.taken_by, e.leg): set() for e in plan.movements}
    for operation in product.operations:
        for made_by in operation.inputs:
            legs = [e for e in plan.movements if (e.made_by, e.taken_by) == (made_by, operation.id)]
            way = [Key(made_by)]
            way += [Key(e.made_by, e.taken_by, e.leg) for e in sorted(legs, key=lambda e: e.leg)]
            for one, two in zip(way, [*way[1:], Key(OperationId(operation.id))], strict=True):
                after[one].add(two)
    rows = {}
    for each in plan.steps:
        rows.setdefault(each.work_unit, []).append((each.start, each.end, Key(each.operation)))
    for each in plan.movements:
        if each.lane is None:
            key = Key(each.made_by, each.taken_by, each.leg)
            rows.setdefault(each.by, []).append((each.start, each.end, key))
    for row in rows.values():
        for one in row:
            for two in row:
                if one[1] <= two[0] and one[0] < one[1] and two[0] < two[1]:
                    after[one[2]].add(two[2])
    return after
