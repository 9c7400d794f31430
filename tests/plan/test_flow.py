"""What is asked again with little changed equals what is asked anew; columns say what rows say."""

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.plan.reasons.failing import failed_by, nearest
from fabloop.plan.reasons.flow import Flow, Search
from fabloop.plan.reasons.reach import Frame, Reach, is_blank, units_of
from fabloop.plan.reasons.repeated import Repeated
from fabloop.plan.statement.candidates import Rejections
from fabloop.plan.statement.problem import MEASURE, Objective, Setting, problem_of
from fabloop.plan.tree import optimum, tables_of
from plan.instances import NOW, random_instance, vocabulary

replace = msgspec.structs.replace
SEEDS = st.integers(0, 100_000)


def stated(seed, **sizes):
    request, plant, values = random_instance(seed, **sizes)
    return problem_of(request.product, Setting(plant, vocabulary(), values, NOW, NOW))


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, data=st.data())
def test_a_flow_after_any_turns_is_the_flow_from_the_start(seed, data):
    problem = stated(seed, operations=8)
    reach = Reach(problem.roads, units_of(problem))
    frame = Frame(problem, reach, [is_blank(job) for job in problem.jobs])
    jobs = range(len(problem.jobs))
    allowed = [reach.all for _ in jobs]
    free = set()
    flow = Flow(frame, allowed.__getitem__, jobs)
    edges = [(job, place) for job in jobs for place in range(len(frame.feeds[job]))]
    turn = st.tuples(st.sampled_from(jobs), st.integers(0, reach.all))
    for _ in range(6):
        for job, units in data.draw(st.lists(turn, max_size=4)):
            allowed[job] = units
            flow.allow(job, units)
        for edge in data.draw(st.lists(st.sampled_from(edges or [None]), max_size=3)):
            if edge is not None:
                free ^= {edge}
                flow.free(edge, asked=edge not in free)
        freed = frozenset(free)
        anew = frame.able(allowed.__getitem__, lambda *edge, freed=freed: edge in freed, jobs)
        assert flow.broken() == frame.broken(anew)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_a_search_finds_jobs_that_fail_together_and_not_without_any_of_them(seed):
    problem = stated(seed, operations=8)
    reach = Reach(problem.roads, units_of(problem))
    frame = Frame(problem, reach, [is_blank(job) for job in problem.jobs])
    jobs = range(len(problem.jobs))
    now = [reach.mask(job.candidates) for job in problem.jobs]
    flow = Flow(frame, now.__getitem__, jobs)

    def put(job, kept):
        flow.allow(job, now[job] if kept else reach.all)

    def holds(kept):
        able = frame.able(
            lambda job: now[job] if job in kept else reach.all, lambda _job, _place: False, jobs
        )
        return frame.broken(able) is None

    found = Search(flow, len(now), put).smallest(jobs)
    assert bool(found) == (holds(()) and not holds(jobs))
    if found:
        assert not holds(found)
        assert all(holds([other for other in found if other != each]) for each in found)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, unavailable=st.booleans())
def test_columns_say_who_fails_what_as_the_reasons_do(seed, unavailable):
    request, plant, values = random_instance(seed)
    broken = frozenset(each.work_units[0].id for each in plant.sites.values())
    setting = Setting(
        plant, vocabulary(), values, NOW, NOW, unavailable=broken if unavailable else frozenset()
    )
    problem = problem_of(request.product, setting)
    reach = Reach(problem.roads, units_of(problem))
    for job in problem.jobs:
        assert isinstance(job.rejected, Rejections)
        rows = replace(job, rejected=tuple(job.rejected))
        assert failed_by(job, reach) == failed_by(rows, reach)
        for parameter in failed_by(job, reach):
            assert nearest(job, parameter) == nearest(rows, parameter)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, data=st.data())
def test_a_tree_solved_again_has_the_optimum_of_one_solved_at_once(seed, data):
    problem = stated(seed, operations=8)
    tables = tables_of(problem, MEASURE[Objective.COST])
    solver = Repeated()
    solver.optimum(tables)
    for _ in range(4):
        job = data.draw(st.integers(0, len(problem.jobs) - 1))
        nodes = list(tables.nodes)
        dearer = data.draw(st.lists(st.integers(0, 500), min_size=len(nodes[job])))
        nodes[job] = nodes[job] + np.array(dearer[: len(nodes[job])], dtype=np.float64)
        tables = replace(tables, nodes=tuple(nodes))
        assert solver.optimum(tables) == optimum(tables)
