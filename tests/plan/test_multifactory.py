"""The reader of multi-factory instances, against what is published about them."""

import pytest

from fabloop.plan.engine import is_possible_now, least
from fabloop.plan.problem import Objective, Setting, problem_of
from plan.instances import link, network, site, unit
from plan.multifactory import folder, generated, generated_orders, instance_of, load, paths

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
    from msgspec.structs import replace

    from fabloop.plan.roads import roads_of

    one_way = replace(link("hall", "gate", "agv"), one_way=True)
    found = roads_of(network(site("s", [unit("u", "s", "hall")], [one_way])))
    assert set(found.links) == {("s", "hall", "gate")}
