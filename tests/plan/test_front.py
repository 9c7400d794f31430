"""The front holds what nothing beats, and what is the best in each figure."""

from itertools import islice, product

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import SECOND, Instant
from fabloop.model.ids import SiteId
from fabloop.model.plan import NotProducible
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.engine import timed, uncontended_finish
from fabloop.plan.producible import check
from fabloop.plan.statement.problem import Setting, problem_of
from fabloop.plan.statement.roads import Weights
from fabloop.plan.statement.ways import ways
from fabloop.plan.terms.blend import Blend, case_of, sums_of
from fabloop.plan.terms.wishes import Wishes
from fabloop.plan.timetable.schedule import Routing
from fabloop.plan.tradeoffs.archive import dominates, key_of
from fabloop.plan.tradeoffs.front import Front, front
from fabloop.plan.tradeoffs.tradeoff import tradeoff
from plan.instances import NOW, gear, graz_and_vienna, random_instance, vocabulary

SEEDS = st.integers(0, 1_000_000)
TRIES_MAX = 2_000
TIMED_MAX = 60


def found(seed, *, operations=8, effort=0.2, **more):
    order, network, kpis = random_instance(seed, operations=operations, sites=2, units=4)
    answer = front(order, network, vocabulary(), kpis, NOW, effort=effort, **more)
    assume(isinstance(answer, Front))
    grounds = Grounds(
        product=order.product, network=network, vocabulary=vocabulary(), kpis=kpis, now=NOW
    )
    return answer, grounds, (order, network, kpis)


def figures(plan):
    totals = plan.totals
    return totals.cost_minor, totals.makespan_ns, totals.energy_j, totals.co2_kg


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_no_point_beats_another_and_every_point_passes_the_checker(seed):
    answer, grounds, _ = found(seed)
    points = [figures(each.plan) for each in answer.points]
    assert len(set(points)) == len(points)
    assert not any(dominates(one, other) for one, other in product(points, points))
    assert all(check_plan(each.plan, grounds) == () for each in answer.points)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_the_best_of_each_objective_is_on_the_front(seed):
    answer, _, (order, network, kpis) = found(seed)
    best = check(order, network, vocabulary(), kpis, NOW)
    for axis, name in enumerate(["cost", "makespan", "energy", "co2"]):
        alone = min(figures(plan)[axis] for plan in best.plans)
        assert min(figures(each.plan)[axis] for each in answer.points) <= alone * (1 + 1e-9), name


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, most=st.integers(1, 5))
def test_a_thinned_front_keeps_its_ends_and_is_no_larger_than_asked(seed, most):
    whole, _, _ = found(seed)
    few, _, _ = found(seed, points_max=most)
    assert len(few.points) == min(most, len(whole.points))
    assert few.found == whole.found
    assert figures(few.points[0].plan)[0] == figures(whole.points[0].plan)[0]


def every_timetable(case):
    """Yield choices with every combination of undominated ways, as routings."""
    it = case.problem
    rows = [range(len(job.candidates)) for job in it.jobs]
    assume(np.prod([len(row) for row in rows]) <= TRIES_MAX)
    for choice in product(*rows):
        edges = [
            ways(it.roads, it.jobs[child].candidates[choice[child]].place, job.candidates[p].place)
            for job, p in zip(it.jobs, choice, strict=True)
            for child in job.feeding()
        ]
        for legs in product(*edges):
            taken = iter(legs)
            nested = tuple(tuple(next(taken) for _ in job.sources) for job in it.jobs)
            yield Routing(choice, Weights(), nested)


def small_case(seed):
    order, network, kpis = random_instance(seed, operations=4, sites=2, units=3)
    return case_of(problem_of(order.product, Setting(network, vocabulary(), kpis, NOW, NOW)))


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, weights=st.tuples(*[st.floats(0.0, 3.0)] * 3))
def test_time_against_a_sum_is_exact_where_nothing_waits(seed, weights):
    case = small_case(seed)
    blend = Blend(cost=weights[0], energy=weights[1] * 1e-6, co2=weights[2])
    tried = sorted(
        (uncontended_finish(case.problem, each), sums_of(case, each).of(blend, 0))
        for each in every_timetable(case)
    )
    answer = tradeoff(case, blend)
    assert answer.exact
    for time in {time for time, _ in tried}:
        least_by_then = min(value for finish, value in tried if finish <= time)
        assert answer.front.at(time) == pytest.approx(least_by_then)
        routing = answer.routing(time)
        assert uncontended_finish(case.problem, routing) <= time
        assert sums_of(case, routing).of(blend, 0) == pytest.approx(least_by_then)
    assert not tried or answer.front.at(tried[0][0] - 1) == np.inf


def finish_with_gaps(it, routing):
    """Return when the last operation ends where each one only waits for its unit to be free."""
    ends = []
    for number, job in enumerate(it.jobs):
        ready = 0
        for source, legs in zip(job.sources, routing.legs[number], strict=True):
            ready = max(ready, ends[source.job] + sum(leg.hop.takes.ticks for leg in legs))
        made = job.candidates[routing.choice[number]]
        for begin, end in sorted(it.busy.get(made.unit.id, ())):
            if ready < end and ready + made.takes.ticks > begin:
                ready = end
        ends.append(ready + made.takes.ticks)
    return ends[-1]


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, data=st.data())
def test_time_against_a_sum_knows_when_work_units_are_taken(seed, data):
    order, network, kpis = random_instance(seed, operations=4, sites=2, units=3)
    spans = st.lists(st.tuples(st.integers(0, 9_000), st.integers(1, 4_000)), max_size=3)
    busy = {
        unit: tuple(
            (Instant(NOW + begin * SECOND), Instant(NOW + (begin + length) * SECOND))
            for begin, length in data.draw(spans)
        )
        for unit in network.work_units()
    }
    case = case_of(problem_of(order.product, Setting(network, vocabulary(), kpis, NOW, NOW, busy)))
    blend = Blend(cost=1.0)
    tried = [
        (finish_with_gaps(case.problem, each), sums_of(case, each).of(blend, 0))
        for each in every_timetable(case)
    ]
    answer = tradeoff(case, blend)
    for time in {time for time, _ in tried}:
        least_by_then = min(value for finish, value in tried if finish <= time)
        assert answer.front.at(time) == pytest.approx(least_by_then)
        routing = answer.routing(time)
        assert finish_with_gaps(case.problem, routing) <= time
        assert sums_of(case, routing).of(blend, 0) == pytest.approx(least_by_then)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_nothing_that_can_be_scheduled_beats_a_proven_point(seed):
    case = small_case(seed)
    routings = list(islice(every_timetable(case), TIMED_MAX + 1))
    assume(0 < len(routings) <= TIMED_MAX)
    every = [sums_of(case, each, timed(case.problem, each).bound) for each in routings]
    order, network, kpis = random_instance(seed, operations=4, sites=2, units=3)
    answer = front(order, network, vocabulary(), kpis, NOW, effort=0.3)
    keys = {key_of(each) for each in every}
    for point in answer.points:
        totals = point.plan.totals
        key = (
            float(totals.cost_minor),
            totals.makespan_ns / 1e9,
            float(f"{totals.energy_j:.9g}"),
            float(f"{totals.co2_kg:.9g}"),
        )
        if point.proven:
            assert not any(dominates(other, key) for other in keys)


def test_points_are_told_as_they_are_found_and_checked():
    heard = []
    network, kpis = graz_and_vienna()
    answer = front(gear(), network, vocabulary(), kpis, NOW, effort=0.2, on_point=heard.append)
    assert heard[0].plan.totals.cost_minor == answer.points[0].plan.totals.cost_minor


def test_the_same_question_gets_the_same_front():
    order, (network, kpis) = gear(), graz_and_vienna()
    once, again = (front(order, network, vocabulary(), kpis, NOW, effort=0.2) for _ in range(2))
    assert isinstance(once, Front)
    assert once == again


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_names_do_not_matter(seed):
    order, network, kpis = random_instance(seed, operations=6)
    renamed = msgspec.convert(_renamed(msgspec.to_builtins(network)), type(network))
    values = {}
    for (unit, kpi), value in kpis.items():
        values[f"x-{unit}", kpi] = msgspec.structs.replace(value, work_unit=f"x-{unit}")
    one = front(order, network, vocabulary(), kpis, NOW, effort=0.2)
    assume(isinstance(one, Front))
    other = front(order, renamed, vocabulary(), values, NOW, effort=0.2)
    assert [figures(each.plan) for each in one.points] == [
        pytest.approx(figures(each.plan)) for each in other.points
    ]


def _renamed(node):
    """Put a letter before the id of every work unit, wherever it stands."""
    names = {unit["id"] for site in node["sites"].values() for unit in site["work_units"]}

    def walk(each):
        if isinstance(each, dict):
            return {key: walk(value) for key, value in each.items()}
        if isinstance(each, list | tuple):
            return [walk(value) for value in each]
        return f"x-{each}" if isinstance(each, str) and each in names else each

    return walk(node)


def test_wishes_narrow_the_front():
    order, (network, kpis) = gear(), graz_and_vienna()
    free = front(order, network, vocabulary(), kpis, NOW, effort=0.2)
    graz = front(
        order,
        network,
        vocabulary(),
        kpis,
        NOW,
        effort=0.2,
        wishes=Wishes(forbidden_sites=frozenset([SiteId("vienna")])),
    )
    assert all(each.plan.totals.sites == ("graz",) for each in graz.points)
    budget = min(each.plan.totals.cost_minor for each in free.points)
    tight = front(
        order,
        network,
        vocabulary(),
        kpis,
        NOW,
        effort=0.2,
        wishes=Wishes(cost_max_minor=budget),
    )
    assert {each.plan.totals.cost_minor for each in tight.points} == {budget}


def test_what_cannot_be_made_has_no_front_but_reasons():
    order, (network, _) = gear(limit=1e-6), graz_and_vienna()
    values = {}
    answer = front(order, network, vocabulary(), values, NOW)
    assert isinstance(answer, NotProducible)
    assert answer.conflicts
