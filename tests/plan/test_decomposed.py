"""The makespan of one large order, from both sides."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import MINUTE
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.draft import Heading, draft
from fabloop.plan.engine import fastest, is_possible_now
from fabloop.plan.floors.decomposed import _high, decomposed
from fabloop.plan.floors.floor import Floor, Work
from fabloop.plan.floors.loads import Allowance, fits, load_bound, windows_of
from fabloop.plan.floors.placing import Effort, Taste, place_all
from fabloop.plan.floors.roaming import Known, Roaming
from fabloop.plan.floors.windowed import WAYS_PER_SECOND, Verdict, Window, look
from fabloop.plan.statement.problem import Setting, problem_of
from plan.instances import (
    NOW,
    link,
    network,
    offer,
    operation,
    order,
    random_instance,
    site,
    unit,
    vocabulary,
)
from plan.multifactory import generated, instance_of


def stated(it):
    return problem_of(it.product, Setting(it.network, it.vocabulary, it.kpis, it.now, it.now))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_plan_and_bound_agree_with_the_complete_model(seed):
    made, plant, kpis = random_instance(seed, operations=5)
    problem = problem_of(made.product, Setting(plant, vocabulary(), kpis, NOW, NOW))
    assume(is_possible_now(problem))
    answer, complete = decomposed(problem, 1.0), fastest(problem)
    assert answer is not None
    assert answer.bound <= complete.table.finish(problem)
    assert complete.bound <= answer.table.finish(problem)
    assert answer.bound <= answer.table.finish(problem)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_large_order_is_within_one_percent_and_passes_the_check(seed):
    it = instance_of(generated(8, 30, 80, seed), "drawn")
    problem = stated(it)
    answer = decomposed(problem, 2.0)
    assert answer is not None
    finish = answer.table.finish(problem)
    assert answer.bound >= 0.99 * finish
    plan = draft(Heading("p", "order", it.now, "EUR"), problem, answer.table)
    grounds = Grounds(
        product=it.product, network=it.network, vocabulary=it.vocabulary, kpis=it.kpis, now=it.now
    )
    assert check_plan(plan, grounds) == ()
    assert decomposed(problem, 2.0) == answer


def test_what_cannot_be_made_has_no_answer():
    made = order(operation("ream", "ream"))
    plant = network(site("s", [unit("mill", "s", "hall", offer("mill"))], []))
    problem = problem_of(made.product, Setting(plant, vocabulary(), {}, NOW, NOW))
    assert decomposed(problem, 1.0) is None


def one_mill(count, busy=()):
    """Return a product whose parts are all milled on one work unit, then washed."""
    parts = [operation(f"mill-{n}", "mill", minutes=10) for n in range(count)]
    last = operation("wash", "clean", *(each.id for each in parts), minutes=5)
    units = [
        unit("mill", "s", "hall", offer("mill", monitored=False)),
        unit("washer", "s", "hall", offer("clean", monitored=False)),
        unit("agv", "s", "hall"),
    ]
    plant = network(site("s", units, [link("hall", "hall", "agv", minutes=1)]))
    setting = Setting(plant, vocabulary(), {}, NOW, NOW, {"mill": busy})
    problem = problem_of(order(*parts, last).product, setting)
    return problem, Work(problem, Floor(problem.roads, problem.busy))


def one_vehicle(count):
    """Return a product whose parts are milled in as many halls, and fetched by one vehicle."""
    parts = [operation(f"mill-{n}", "mill", minutes=10) for n in range(count)]
    last = operation("wash", "clean", *(each.id for each in parts), minutes=5)
    units = [
        unit("washer", "s", "wash", offer("clean", monitored=False)),
        unit("agv", "s", "wash"),
        *(unit(f"mill-{n}", "s", f"h{n}", offer("mill", monitored=False)) for n in range(count)),
    ]
    links = [link(f"h{n}", "wash", "agv", minutes=3) for n in range(count)]
    plant = network(site("s", units, links))
    return problem_of(order(*parts, last).product, Setting(plant, vocabulary(), {}, NOW, NOW))


def test_a_vehicle_that_all_parts_wait_for_is_part_of_the_proof():
    problem = one_vehicle(4)
    answer = decomposed(problem, 2.0)
    assert answer.table.finish(problem) == (10 + 4 * 3 + 5) * 60
    assert answer.bound == answer.table.finish(problem)


def test_what_windows_leave_open_is_improved_from_above():
    problem = stated(instance_of(generated(1, 10, 40, 3), "crowded"))
    work = Work(problem, Floor(problem.roads, problem.busy))
    assert place_all(work, Taste(roll=np.random.default_rng(0)), Effort())
    known = Known(work, work.timetable(), 10.0)
    before = known.finish
    Roaming(known).improve(work.least, 0.6)
    assert work.least <= known.finish < before
    assert known.table.finish(problem) == known.finish


def test_too_many_choices_for_the_effort_are_narrowed_to_the_nearest():
    drawn = generated(8, 30, 80, 4)
    drawn["ship_min"] = [[each and each // 20 for each in row] for row in drawn["ship_min"]]
    problem = stated(instance_of(drawn, "near"))
    work = Work(problem, Floor(problem.roads, problem.busy))
    assert place_all(work, Taste(roll=np.random.default_rng(0)), Effort())
    table, windows = work.timetable(), windows_of(work)
    finish = table.finish(problem)
    most = 0.4 * WAYS_PER_SECOND
    assert windows.tightened(finish).ways(finish) > most
    seen = look(windows, Window(work.least, finish, best=False), table, 0.4)
    assert seen.verdict is Verdict.FOUND
    assert work.least <= seen.finish <= finish


def test_that_the_nearest_choices_fit_in_no_plan_proves_nothing():
    _, work = one_mill(6)
    assert place_all(work, Taste(roll=np.random.default_rng(0)), Effort())
    window = Window(work.least, 66 * 60 - 1, best=False)
    assert look(windows_of(work), window, work.timetable(), 1.0).verdict is Verdict.RULED_OUT
    narrow = look(windows_of(work), window, work.timetable(), 0.5 / WAYS_PER_SECOND)
    assert narrow.verdict is Verdict.OPEN
    assert narrow.bound == work.least


def test_windows_that_stay_open_reach_farther_and_nearer_in_turns():
    reaches = [_high(1000, 1300, opened) for opened in range(6)]
    assert reaches == [1010, 1020, 1005, 1041, 1002, 1086]
    assert [_high(1000, 1013, opened) for opened in range(3)] == [1010, 1002, 1005]
    assert [_high(1000, 1008, opened) for opened in range(3)] == [1003, 1007, 1000]


def test_a_rough_bound_by_loads_is_close_below():
    minute = 60
    windows = [windows_of(one_mill(6)[1])]
    rough = load_bound(windows, 16 * minute, 100 * minute, rough=True)
    assert 0.98 * 66 * minute <= rough <= 66 * minute


def test_the_load_of_a_work_unit_with_head_and_tail_is_the_bound():
    _, work = one_mill(6)
    minute = 60
    assert work.least == 16 * minute
    windows = windows_of(work)
    assert load_bound([windows], work.least, 100 * minute) == 66 * minute
    assert not fits([windows], 66 * minute - 1)
    assert fits([windows], 66 * minute)


def test_engagements_count_as_load():
    busy = ((NOW + 10 * MINUTE, NOW + 40 * MINUTE),)
    _, work = one_mill(6, busy)
    assert load_bound([windows_of(work)], work.least, 6000) == 96 * 60


def test_windows_too_narrow_for_a_job_are_ruled_out():
    _, work = one_mill(3)
    assert windows_of(work).tightened(work.least - 1) is None
    assert windows_of(work).tightened(work.least) is not None


def test_a_bound_whose_allowance_is_used_up_is_weaker_and_never_wrong():
    _, work = one_mill(6)
    found = [
        load_bound([windows_of(work)], work.least, 6000, Allowance(n)) for n in range(0, 400, 7)
    ]
    assert found == sorted(found)
    assert found[0] == work.least
    assert found[-1] == 66 * 60
