"""Before an older plan is ordered, it is said what changed and whether it still holds."""

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.app.sentences import sentence
from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.model.ids import OperationId, WorkUnitId
from fabloop.model.plan import Producible
from fabloop.model.revalidation import Verdict
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.producible import check
from fabloop.plan.revalidate import revalidate
from plan.instances import (
    NOW,
    gear,
    graz_and_vienna,
    kpis,
    random_instance,
    tpe,
    vocabulary,
)

replace = msgspec.structs.replace
LATER = Instant(NOW + 2 * HOUR)


def planned():
    request = gear()
    plant, values = graz_and_vienna()
    plan = check(request, plant, vocabulary(), values, NOW, plans_max=1).plans[0]
    return request, plant, values, plan


def ask(request, plan, plant, values, now, **more):
    return revalidate(request, plan, plant, vocabulary(), values, now, **more)


def test_a_plan_under_the_same_condition_is_valid_and_nothing_is_said():
    request, plant, values, plan = planned()
    found = ask(request, plan, plant, values, NOW)
    assert found.verdict is Verdict.VALID
    assert (found.changes, found.reasons, found.instead, found.better) == ((), (), None, None)


def test_a_value_that_moved_but_is_good_enough_is_told_and_the_plan_holds():
    request, plant, values, plan = planned()
    moved = {**values, **kpis(tpe("g-ream", 14e-6))}
    found = ask(request, plan, plant, moved, NOW)
    assert found.verdict is Verdict.VALID
    (change,) = found.changes
    assert change.code == "kpi-changed"
    assert [each.value for each in change.evidence] == [12e-6, 14e-6]
    assert "was 12 µm and is now 14 µm" in sentence(change, NOW)


def test_a_worn_machine_has_the_work_elsewhere_and_says_what_that_changes():
    request, plant, values, plan = planned()
    worn = {**values, **kpis(tpe("g-ream", 16.2e-6))}
    found = ask(request, plan, plant, worn, NOW)
    assert found.verdict is Verdict.REPLACED
    assert [each.subject for each in found.reasons] == ["ream-a"]
    assert found.instead is not None
    assert found.instead.step(OperationId("ream-a")).work_unit == "v-ream"
    assert found.comparison is not None
    assert found.comparison.cost_minor > 0
    assert found.better is None, "nothing is better than the least change here"


def test_a_plan_whose_time_has_passed_is_made_for_later_on_the_same_machines():
    request, plant, values, plan = planned()
    found = ask(request, plan, plant, values, LATER)
    assert found.verdict is Verdict.RETIMED
    assert found.instead is not None
    assert min(each.start for each in found.instead.steps) >= LATER
    assert found.comparison is not None
    assert found.comparison.moved == ()


def test_a_value_that_is_too_old_is_told_as_gone_and_nothing_can_be_made():
    request, plant, values, plan = planned()
    found = ask(request, plan, plant, values, Instant(NOW + 3 * DAY))
    assert found.verdict is Verdict.IMPOSSIBLE
    assert [each.code for each in found.changes] == ["kpi-gone"]
    assert found.refusal is not None
    assert found.refusal.conflicts


def test_a_machine_that_has_become_good_enough_elsewhere_makes_a_better_plan():
    request, plant, values, _ = planned()
    worn = {**values, **kpis(tpe("g-ream", 16.2e-6))}
    dear = check(request, plant, vocabulary(), worn, NOW, plans_max=1).plans[0]
    found = ask(request, dear, plant, values, NOW)
    assert found.verdict is Verdict.VALID
    assert found.better is not None
    assert found.better.totals.cost_minor < dear.totals.cost_minor
    assert found.better_because is not None
    assert sentence(found.better_because, NOW).startswith(dear.id)
    assert "EUR" in sentence(found.better_because, NOW)


def test_a_machine_taken_by_another_order_since_then_moves_the_times():
    request, plant, values, plan = planned()
    mill = plan.step(OperationId("mill-a"))
    busy = {WorkUnitId(mill.work_unit): ((mill.start, mill.end),)}
    found = ask(request, plan, plant, values, NOW, busy=busy)
    assert found.verdict is Verdict.RETIMED


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 100_000), hours=st.integers(0, 20), worse=st.booleans())
def test_what_is_told_to_hold_passes_the_check_of_today(seed, hours, worse):
    request, plant, values = random_instance(seed)
    answer = check(request, plant, vocabulary(), values, NOW, plans_max=1)
    assume(isinstance(answer, Producible))
    plan, now = answer.plans[0], Instant(NOW + hours * HOUR)
    if worse:
        values = {**values, **kpis(tpe(plan.steps[-1].work_unit, 1.0))}
    found = ask(request, plan, plant, values, now)
    grounds = Grounds(
        product=request.product, network=plant, vocabulary=vocabulary(), kpis=values, now=now
    )
    match found.verdict:
        case Verdict.VALID:
            assert not check_plan(replace(plan, made_at=plan.made_at), grounds)
            assert all(each.start >= now for each in plan.steps)
        case Verdict.RETIMED | Verdict.REPLACED:
            assert not check_plan(found.instead, grounds)
        case _:
            fresh = check(request, plant, vocabulary(), values, now, plans_max=1)
            assert not isinstance(fresh, Producible)
    if found.better is not None:
        against = found.instead or plan
        assert found.better.totals.cost_minor < against.totals.cost_minor
