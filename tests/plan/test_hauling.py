"""One vehicle per site moves everything: plans that spare it."""

import msgspec
import numpy as np
import pytest

from fabloop.model.ids import EquipmentTypeId, WorkUnitId
from fabloop.model.site import Network, WorkUnit
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.draft import Heading, draft
from fabloop.plan.engine import fastest
from fabloop.plan.floors.decomposed import decomposed
from fabloop.plan.floors.floor import Floor, Work
from fabloop.plan.floors.hauling import are_scarce, spare_vehicles
from fabloop.plan.floors.placing import Effort, Taste, place_all
from fabloop.plan.statement.problem import Setting, problem_of
from plan.multifactory import generated, instance_of

replace = msgspec.structs.replace


def with_one_vehicle_each(it):
    """Return the instance where one slower vehicle of each site moves what conveyors moved."""
    sites = {}
    for key, site in it.network.sites.items():
        agv = WorkUnit(
            id=WorkUnitId(f"{key}-agv"),
            label="AGV",
            equipment_type=EquipmentTypeId("agv"),
            site=key,
            area=site.gate,
            offers=(),
            cost_per_hour_minor=500,
            power_w=0.0,
        )
        links = tuple(
            replace(each, by=agv.id, duration_ns=2 * each.duration_ns) for each in site.transport
        )
        sites[key] = replace(site, work_units=(*site.work_units, agv), transport=links)
    return replace(it, network=Network(sites=sites, lanes=it.network.lanes))


def crowded(seed, shape=(3, 12, 40)):
    it = with_one_vehicle_each(instance_of(generated(*shape, seed), "drawn"))
    setting = Setting(it.network, it.vocabulary, it.kpis, it.now, it.now)
    return it, problem_of(it.product, setting)


def placed(problem):
    work = Work(problem, Floor(problem.roads, problem.busy))
    assert place_all(work, Taste(roll=np.random.default_rng(0)), Effort())
    return work


@pytest.mark.parametrize("seed", [1, 5])
def test_sparing_vehicles_leaves_a_whole_plan_that_is_no_later_and_passes_the_check(seed):
    it, problem = crowded(seed)
    work = placed(problem)
    first = work.finish
    spent = spare_vehicles(work, work.least)
    assert 0.0 <= spent < 5.0
    assert work.finish <= first
    plan = draft(Heading("p", "order", it.now, "EUR"), problem, work.timetable())
    grounds = Grounds(
        product=it.product, network=it.network, vocabulary=it.vocabulary, kpis=it.kpis, now=it.now
    )
    assert check_plan(plan, grounds) == ()


def test_plans_that_spare_vehicles_are_earlier_where_these_are_scarce():
    _, problem = crowded(6, (8, 25, 80))
    work = placed(problem)
    assert are_scarce(work)
    first = work.finish
    spare_vehicles(work, work.least)
    assert work.finish < 0.96 * first


def test_where_every_way_has_its_own_conveyor_vehicles_are_not_scarce():
    it = instance_of(generated(3, 12, 40, 1), "drawn")
    problem = problem_of(it.product, Setting(it.network, it.vocabulary, it.kpis, it.now, it.now))
    assert not are_scarce(placed(problem))


def test_plan_and_bound_agree_with_the_complete_model_where_vehicles_are_scarce():
    _, problem = crowded(2, (2, 6, 8))
    answer, complete = decomposed(problem, 1.0), fastest(problem)
    assert answer is not None
    assert complete is not None
    assert answer.bound <= complete.table.finish(problem)
    assert complete.bound <= answer.table.finish(problem)
