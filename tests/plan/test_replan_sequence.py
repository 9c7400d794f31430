"""Re-plans choose the sequence of set-ups by what it takes, prove it, and keep to their number."""

from itertools import permutations, product

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import HOUR, Instant
from fabloop.model.ids import OperationId, WorkUnitId
from fabloop.model.plan import Producible
from fabloop.plan.checker import check_plan
from fabloop.plan.producible import Objective, replan
from fabloop.plan.statement.problem import MEASURE, Setting, problem_of
from fabloop.plan.terms.blend import case_of, table_sums
from fabloop.plan.timetable.schedule import list_schedule, routing_of
from plan.crewed import random_crewed
from plan.instances import NOW, vocabulary
from plan.test_crews import best, one_mill
from plan.test_duties import grounds

SEEDS = st.integers(0, 1_000_000)
SUMS = st.sampled_from((Objective.COST, Objective.ENERGY, Objective.CO2))


def test_a_dear_set_up_is_not_taken_because_the_material_for_the_cheap_one_is_late():
    """Blue comes first for its set-up, and still does when it comes ten hours later."""
    order, plant, values = one_mill(red_blue=240, blue_red=10)
    plan = best(order, plant, values)
    late = {OperationId("mill-b"): {"graz": Instant(NOW + 10 * HOUR)}}
    answer = replan(order, plan, {}, {}, plant, vocabulary(), values, NOW, not_before=late)
    assert isinstance(answer, Producible)
    (new,) = answer.plans
    told = {each.operation: each.setup.before for each in new.steps if each.setup}
    assert told == {"mill-b": "", "mill-a": "blue"}
    assert new.totals.cost_minor == plan.totals.cost_minor
    assert new.optimality[0].proven


def tried(order, plant, values, objective, gone):
    """Return the least sum over all choices without a unit, and all orders of placing."""
    setting = Setting(plant, vocabulary(), values, NOW, NOW, unavailable=frozenset({gone}))
    problem = problem_of(order.product, setting)
    case, found = case_of(problem), []
    for choice in product(*(range(len(each.candidates)) for each in problem.jobs)):
        try:
            routing = routing_of(problem, choice, MEASURE[objective])
        except AssertionError:
            continue
        for rank in permutations(range(len(problem.jobs))):
            sums = table_sums(case, list_schedule(problem, routing, rank))
            found.append(getattr(sums, str(objective)))
    return min(found, default=None)


@settings(max_examples=4, deadline=None)
@given(seed=SEEDS, objective=SUMS)
def test_no_sequence_takes_less_than_what_a_re_plan_proves(seed, objective):
    order, plant, values = random_crewed(seed, operations=3)
    plan = best(order, plant, values, objective=objective)
    assume(not hasattr(plan, "conflicts"))
    gone = WorkUnitId(plan.steps[0].work_unit)
    least = tried(order, plant, values, objective, gone)
    assume(least is not None)
    answer = replan(
        order,
        plan,
        {},
        {},
        plant,
        vocabulary(),
        values,
        NOW,
        moved={},
        unavailable=frozenset({gone}),
        objective=objective,
        change_price_minor=0,
    )
    assert isinstance(answer, Producible)
    (new,) = answer.plans
    told = new.optimality[0]
    assert told.bound <= least * (1 + 1e-9)
    assert not told.proven or told.value <= least * (1 + 1e-9)


@settings(max_examples=2, deadline=None)
@given(seed=SEEDS, objective=SUMS, most=st.integers(0, 4))
def test_a_sequence_is_sought_within_the_number_of_changes(seed, objective, most):
    order, plant, values = random_crewed(seed, operations=3)
    plan = best(order, plant, values, objective=objective)
    assume(not hasattr(plan, "conflicts"))
    gone = frozenset({plan.steps[0].work_unit})
    asked = (order, plan, {}, {}, plant, vocabulary(), values, NOW)
    answer = replan(*asked, moved={}, unavailable=gone, changes_max=most)
    assume(isinstance(answer, Producible))
    (new,) = answer.plans
    old = {each.operation: each.work_unit for each in plan.steps}
    assert sum(old[each.operation] != each.work_unit for each in new.steps) <= most
    assert new.optimality[0].bound <= new.optimality[0].value * (1 + 1e-9)
    assert check_plan(new, grounds(order, plant, values)) == ()
