"""What set-ups take by the sequence really planned: figures, proof, checker, explanations."""

from itertools import permutations, product

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.model.explanation import ReasonCode
from fabloop.model.ids import OperationId, OrderId
from fabloop.model.plan import NotProducible, Producible
from fabloop.plan.checker import check_plan
from fabloop.plan.engagements import engagements
from fabloop.plan.floors.orders_search import OrdersObjective
from fabloop.plan.orders import plan_orders
from fabloop.plan.producible import Objective, check, replan
from fabloop.plan.quick import quick_plan
from fabloop.plan.reasons.why import why_not
from fabloop.plan.statement.problem import MEASURE, Setting, problem_of
from fabloop.plan.terms.blend import case_of, table_sums
from fabloop.plan.terms.wishes import Wishes
from fabloop.plan.timetable.schedule import list_schedule, routing_of
from fabloop.plan.tradeoffs.front import front
from fabloop.plan.tradeoffs.request import best_sequence
from plan.crewed import random_crewed, with_operations, with_sites
from plan.instances import NOW, vocabulary
from plan.test_crews import best, codes, one_mill
from plan.test_duties import grounds

SEEDS = st.integers(0, 1_000_000)
SUMS = st.sampled_from((Objective.COST, Objective.ENERGY, Objective.CO2))


def set_ups(plan):
    return {each.operation: each.setup for each in plan.steps if each.setup}


def test_the_cheaper_sequence_is_planned_and_told_with_what_it_takes():
    order, plant, values = one_mill(red_blue=240, blue_red=10)
    plan = best(order, plant, values)
    assert plan.optimality[0].proven
    told = set_ups(plan)
    assert (told["mill-b"].before, told["mill-b"].duration_ns) == ("", 5 * MINUTE)
    assert (told["mill-a"].before, told["mill-a"].duration_ns) == ("blue", 10 * MINUTE)
    mill = next(it for it in plant.sites["graz"].work_units if it.id == "g-mill")
    tariff = plant.sites["graz"].tariff
    energy = mill.power_w * 600
    assert told["mill-a"].energy_j == pytest.approx(energy)
    assert told["mill-a"].co2_kg == pytest.approx(energy * tariff.co2_kg_per_j)
    paid = mill.cost_per_hour_minor / 6 + tariff.energy_minor_per_j * energy
    assert abs(told["mill-a"].cost_minor - paid) <= 0.5
    _, quicker, _ = one_mill(red_blue=240, blue_red=0)
    free = best(order, quicker, values)
    assert abs(plan.totals.cost_minor - free.totals.cost_minor - paid) <= 1.0


def test_a_dear_sequence_is_told_by_its_place_in_the_checker():
    order, plant, values = one_mill(red_blue=240, blue_red=10)
    plan = best(order, plant, values)

    def told(**fields):
        steps = tuple(
            msgspec.structs.replace(each, setup=msgspec.structs.replace(each.setup, **fields))
            if each.operation == "mill-a"
            else each
            for each in plan.steps
        )
        return codes(msgspec.structs.replace(plan, steps=steps), order, plant, values)

    assert told() == set()
    for fields in (
        {"before": "red"},
        {"duration_ns": 5 * MINUTE},
        {"cost_minor": 0},
        {"energy_j": 0.0},
        {"co2_kg": 1.0},
    ):
        assert told(**fields) == {ReasonCode.STEP_FIGURE_WRONG}


def by_trying(order, plant, values, objective):
    """Return the least sum over all choices and all orders of placing."""
    problem = problem_of(order.product, Setting(plant, vocabulary(), values, NOW, NOW))
    case = case_of(problem)
    found = []
    for choice in product(*(range(len(each.candidates)) for each in problem.jobs)):
        try:
            routing = routing_of(problem, choice, MEASURE[objective])
        except AssertionError:
            continue
        for rank in permutations(range(len(problem.jobs))):
            sums = table_sums(case, list_schedule(problem, routing, rank))
            found.append(getattr(sums, str(objective)))
    return min(found)


@settings(max_examples=5, deadline=None)
@given(seed=SEEDS, objective=SUMS)
def test_no_sequence_takes_less_than_what_is_proven(seed, objective):
    order, plant, values = random_crewed(seed, operations=3)
    plan = best(order, plant, values, objective=objective)
    assume(not isinstance(plan, NotProducible))
    told = plan.optimality[0]
    tried = by_trying(order, plant, values, objective)
    assert told.bound <= tried * (1 + 1e-9)
    assert told.value <= tried * (1 + 1e-9)


@settings(max_examples=3, deadline=None)
@given(seed=SEEDS, objective=SUMS)
def test_names_of_families_and_the_order_of_documents_change_no_figure(seed, objective):
    order, plant, values = random_crewed(seed, operations=3)
    plan = best(order, plant, values, objective=objective)
    assume(not isinstance(plan, NotProducible) and plan.optimality[0].proven)
    names = {"red": "zinc", "blue": "amber", "": ""}

    def renamed(each):
        rows = tuple(
            msgspec.structs.replace(it, before=names[it.before], after=names[it.after])
            for it in each.setups[::-1]
        )
        return msgspec.structs.replace(each, setups=rows)

    def change(site):
        units = tuple(renamed(each) for each in site.work_units[::-1])
        return msgspec.structs.replace(site, work_units=units)

    other = with_operations(
        order, lambda _, it: msgspec.structs.replace(it, setup_family=names[it.setup_family])
    )
    turned = msgspec.structs.replace(other.product, operations=other.product.operations[::-1])
    other = msgspec.structs.replace(other, product=turned)
    again = best(other, with_sites(plant, change), values, objective=objective)
    assert again.optimality[0].proven
    assert again.optimality[0].value == pytest.approx(plan.optimality[0].value, rel=1e-9)


def test_what_another_plan_set_the_work_unit_up_for_is_what_is_paid():
    order, plant, values = one_mill(red_blue=240, blue_red=10)
    first = best(order, plant, values)
    second = msgspec.structs.replace(order, id=OrderId("second"))
    after = {"graz": Instant(NOW + 6 * HOUR)}
    later = {OperationId(each.id): after for each in order.product.operations}
    taken = engagements([first], NOW)
    plan = best(second, plant, values, busy=taken, not_before=later)
    told = set_ups(plan)
    assert (told["mill-a"].before, told["mill-a"].duration_ns) == ("red", 0)
    assert plan.optimality[0].proven


@settings(max_examples=3, deadline=None)
@given(seed=SEEDS, objective=st.sampled_from(OrdersObjective))
def test_orders_planned_together_pay_for_the_sequence_of_all(seed, objective):
    order, plant, values = random_crewed(seed, operations=3)
    orders = [msgspec.structs.replace(order, id=OrderId(f"order-{n}")) for n in range(3)]
    answer = plan_orders(orders, plant, vocabulary(), values, NOW, objective=objective, effort=0.05)
    assume(answer.plans)
    for plan, each in zip(answer.plans, orders, strict=True):
        others = engagements((it for it in answer.plans if it is not plan), NOW)
        assert codes(plan, each, plant, values, busy=others) == set()
        again = replan(each, plan, {}, {}, plant, vocabulary(), values, NOW, busy=others)
        assert isinstance(again, Producible)
        assert again.plans[0].steps == plan.steps
    if objective is OrdersObjective.COST:
        cost = sum(each.totals.cost_minor for each in answer.plans)
        assert answer.optimality.bound <= cost == answer.optimality.value


def test_a_budget_counts_the_set_ups_that_are_done():
    order, plant, values = one_mill(red_blue=240, blue_red=10)
    least = best(order, plant, values).totals.cost_minor
    kept = best(order, plant, values, wishes=Wishes(cost_max_minor=least))
    assert kept.totals.cost_minor == least
    refused = best(order, plant, values, wishes=Wishes(cost_max_minor=least - 1))
    assert isinstance(refused, NotProducible)


def test_the_front_the_quick_plan_and_why_not_tell_the_same_figures():
    order, plant, values = one_mill(red_blue=240, blue_red=10)
    plan = best(order, plant, values)
    least = plan.totals.cost_minor
    points = front(order, plant, vocabulary(), values, NOW, effort=0.2).points
    assert min(each.plan.totals.cost_minor for each in points) == least
    setting = Setting(plant, vocabulary(), values, NOW, NOW)
    quick = quick_plan(order, setting)
    assert quick.totals.cost_minor >= least >= quick.optimality[0].bound
    assert check_plan(quick, grounds(order, plant, values)) == ()
    problem = problem_of(order.product, setting)
    answer = why_not(problem, {"mill-a": "g-mill"}, improve=best_sequence)
    assert answer.best.cost_minor == least
    assert sum(each.more.cost_minor for each in answer.differences) == answer.more.cost_minor


def test_plans_for_other_objectives_stay_beside_the_cheapest_sequence():
    order, plant, values = one_mill(red_blue=240, blue_red=10)
    answer = check(order, plant, vocabulary(), values, NOW, plans_max=4)
    costs = [each.totals.cost_minor for each in answer.plans]
    assert costs == sorted(costs)
    assert all(check_plan(each, grounds(order, plant, values)) == () for each in answer.plans)
