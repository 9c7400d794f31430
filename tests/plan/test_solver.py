"""Contended time: CP-SAT against trying every order, and repeatable."""

from itertools import permutations, product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import MINUTE, Instant
from fabloop.model.ids import WorkUnitId
from fabloop.model.plan import MovementKind
from fabloop.plan.engine import cheapest, fastest, timed
from fabloop.plan.statement.problem import MEASURE, Objective, Setting, problem_of
from fabloop.plan.timetable.schedule import list_schedule, routing_of
from plan.instances import NOW, random_instance, vocabulary

SEEDS = st.integers(0, 100_000)


def problem(seed, **size):
    order, network, kpis = random_instance(seed, **size)
    return problem_of(order.product, Setting(network, vocabulary(), kpis, NOW, NOW))


def serial_finish(it, routing, order):
    """Return the finish when jobs are placed in this order, each as early as it then can."""
    free: dict[str, int] = {}
    ends: dict[int, int] = {}
    for number in order:
        job = it.jobs[number]
        ready = 0
        for source, legs in zip(job.sources, routing.legs[number], strict=True):
            if source.job not in ends:
                return None
            tick = ends[source.job]
            for leg in legs:
                if leg.hop.kind is MovementKind.TRANSPORT:
                    tick = max(tick, free.get(leg.hop.by, 0))
                    free[leg.hop.by] = tick + leg.hop.takes.ticks
                tick += leg.hop.takes.ticks
            ready = max(ready, tick)
        candidate = job.candidates[routing.choice[number]]
        start = max(ready, free.get(candidate.unit.id, 0))
        ends[number] = free[candidate.unit.id] = start + candidate.takes.ticks
    return max(ends.values())


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS)
def test_no_order_of_jobs_on_any_work_units_beats_the_proven_makespan(seed):
    it = problem(seed, operations=4, units=2)
    found = fastest(it)
    assume(found is not None)
    finish = found.table.finish(it)
    assert found.bound <= finish
    measure = MEASURE[Objective.MAKESPAN]
    for choice in product(*(range(len(job.candidates)) for job in it.jobs)):
        places = [job.candidates[c].place for job, c in zip(it.jobs, choice, strict=True)]
        reachable = all(
            it.roads.route(places[child], places[number], measure) is not None
            for number, job in enumerate(it.jobs)
            for child in job.feeding()
        )
        if not reachable:
            continue
        routing = routing_of(it, choice, measure)
        for order in permutations(range(len(it.jobs))):
            tried = serial_finish(it, routing, order)
            assert tried is None or tried >= found.bound
            assert tried is None or tried >= finish


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS)
def test_a_solved_timetable_is_never_later_than_the_list_schedule(seed):
    it = problem(seed, operations=8)
    found = cheapest(it, Objective.COST)
    assume(found is not None)
    listed = list_schedule(it, found).finish(it)
    best = timed(it, found)
    assert best.bound <= best.table.finish(it) <= listed
    assert best.table.choice == found.choice


def test_the_same_contended_problem_gives_the_same_timetable():
    it = problem(11, operations=12, units=5)
    assert fastest(it) == fastest(it)


@pytest.mark.parametrize("minutes", [0, 7, 45])
def test_the_list_schedule_uses_gaps_between_engagements_and_never_overlaps_them(minutes):
    order, network, kpis = random_instance(11, operations=6, units=5)
    units = list(network.work_units())
    spans = tuple(
        (
            Instant(NOW + (k * 60 + minutes) * MINUTE),
            Instant(NOW + (k * 60 + minutes + 20) * MINUTE),
        )
        for k in range(20)
    )
    busy = {WorkUnitId(each): spans for each in units}
    it = problem_of(order.product, Setting(network, vocabulary(), kpis, NOW, NOW, busy))
    found = cheapest(it, Objective.COST)
    assert found is not None
    table = list_schedule(it, found)
    for number, job in enumerate(it.jobs):
        unit = job.candidates[table.choice[number]].unit.id
        start, end = table.starts[number], table.end(it, number)
        assert all(end <= low or start >= high for low, high in it.busy[unit])
