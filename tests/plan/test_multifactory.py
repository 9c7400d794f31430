"""The reader of multi-factory instances, against what is published about them."""

import pytest
from msgspec.structs import replace

from fabloop.plan.catalogue.survey import Surveyor
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.engine import is_possible_now, least
from fabloop.plan.quick import drafted
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import Objective, Setting, problem_of
from plan.instances import link, network, site, unit
from plan.multifactory import (
    folder,
    generated,
    generated_orders,
    instance_of,
    load,
    load_exact,
    paths,
)

with_data = pytest.mark.skipif(
    not folder().is_dir(), reason=f"no planning instances at {folder()} (set FABLOOP_DATA)"
)


def problem(it):
    setting = Setting(it.network, it.vocabulary, it.kpis, it.now, it.now)
    return problem_of(it.product, setting)


@with_data
@pytest.mark.parametrize("path", paths("mf_1x", "mf_3x", "mf_5x", "mf_10x30x100_s1"))
def test_a_public_instance_has_its_published_bounds(path):
    it = load(path)
    found = problem(it)
    # Hourly rates are whole numbers, so that the cost of a step may round the other way.
    rounding = len(found.jobs) // 20
    assert least(found, Objective.COST) == pytest.approx(it.reference["min_cost"], abs=rounding)
    assert least(found, Objective.MAKESPAN) == it.reference["makespan_lower_bound"]


@with_data
@pytest.mark.parametrize("path", paths("mf_"), ids=lambda path: path.stem)
def test_with_exact_rates_the_least_cost_is_the_published_one_and_all_plans_pass(path):
    it = load_exact(path)
    setting = Setting(it.network, it.vocabulary, it.kpis, it.now, it.now)
    grounds = Grounds(
        product=it.product, network=it.network, vocabulary=it.vocabulary, kpis=it.kpis, now=it.now
    )
    plant = Plant(it.network, it.vocabulary, it.kpis)
    setting = replace(setting, plant=plant)
    plans = [
        drafted(it.order(), setting, each)
        for each in (Objective.COST, Objective.ENERGY, Objective.CO2)
    ]
    assert plans[0].totals.cost_minor == it.reference["min_cost"]
    finish = least(problem_of(it.product, setting), Objective.MAKESPAN)
    assert finish == it.reference["makespan_lower_bound"]
    for plan in plans:
        assert check_plan(plan, grounds) == ()
    assert Surveyor(plant, it.now).can_make(it.product)


@with_data
@pytest.mark.parametrize("path", paths("np_"), ids=lambda path: path.stem)
def test_every_planted_impossibility_is_found_by_who_can_make_it_and_by_the_tree(path):
    it = load(path)
    plant = Plant(it.network, it.vocabulary, it.kpis)
    setting = Setting(it.network, it.vocabulary, it.kpis, it.now, it.now, plant=plant)
    assert not Surveyor(plant, it.now).can_make(it.product)
    assert not is_possible_now(problem_of(it.product, setting))
    step = f"s{it.reference['expected_conflict'][0][0]}"
    short = Surveyor(plant, it.now).mask(it.product.operation(step))
    assert short == 0


@with_data
@pytest.mark.parametrize("path", paths("np_3x"))
def test_a_planted_impossibility_is_none_of_ours(path):
    assert not is_possible_now(problem(load(path)))


def test_drawn_instances_repeat_and_differ_by_seed():
    assert generated(2, 5, 12, 1) == generated(2, 5, 12, 1)
    assert generated(2, 5, 12, 1) != generated(2, 5, 12, 2)
    it = instance_of(generated(3, 20, 50, 4), "drawn")
    assert len(problem(it).jobs) == 50


def test_drawn_orders_share_the_plant_and_ask_for_different_products():
    it, orders = generated_orders(2, 8, 10, 3, seed=5)
    assert len({each.id for each in orders}) == 3
    first, second, third = (each.product.operations for each in orders)
    assert first != second != third
    known = set(it.vocabulary.skills)
    assert all(o.requirement.skill in known for each in orders for o in each.product.operations)


def test_a_one_way_link_leads_one_way():
    from fabloop.plan.statement.roads import roads_of

    one_way = replace(link("hall", "gate", "agv"), one_way=True)
    found = roads_of(network(site("s", [unit("u", "s", "hall")], [one_way])))
    assert set(found.links) == {("s", "hall", "gate")}
