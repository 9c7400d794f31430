"""The tree is exact: against trying everything, and its alternatives leave nothing out."""

from itertools import islice, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.plan.engine import uncontended_finish
from fabloop.plan.statement.problem import MEASURE, Objective, Setting, problem_of
from fabloop.plan.statement.roads import Weights
from fabloop.plan.timetable.schedule import routing_of
from fabloop.plan.tree import (
    best_plans,
    heads,
    marginals,
    optimum,
    tables_of,
    tails,
)
from plan.instances import NOW, random_instance, vocabulary

SEEDS = st.integers(0, 1_000_000)
TRIES_MAX = 4_000


def problem(seed, operations=4):
    order, network, kpis = random_instance(seed, operations=operations, units=3)
    return problem_of(order.product, Setting(network, vocabulary(), kpis, NOW, NOW))


def every_choice(it):
    rows = [range(len(job.candidates)) for job in it.jobs]
    assume(np.prod([len(row) for row in rows]) <= TRIES_MAX)
    for choice in product(*rows):
        ways = []
        for number, job in enumerate(it.jobs):
            here = job.candidates[choice[number]].place
            ways += [
                (it.jobs[child].candidates[choice[child]].place, here) for child in job.feeding()
            ]
        yield choice, ways


def total(it, choice, ways, weights):
    """Return the measure of a choice, or None where something cannot be moved."""
    value = sum(
        weights.of(job.candidates[pick].takes) for job, pick in zip(it.jobs, choice, strict=True)
    )
    for start, end in ways:
        legs = it.roads.route(start, end, weights)
        if legs is None:
            return None
        value += sum(weights.of(leg.hop.takes) for leg in legs)
    return value


def all_totals(it, weights):
    found = ((total(it, *each, weights), each[0]) for each in every_choice(it))
    return sorted(each for each in found if each[0] is not None)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, weights=st.tuples(*[st.integers(0, 3)] * 3))
def test_the_optimum_of_any_weighted_sum_equals_that_of_trying_everything(seed, weights):
    it = problem(seed)
    measure = Weights(0.0, *(float(each) for each in weights))
    found, tried = optimum(tables_of(it, measure)), all_totals(it, measure)
    assert (found is None) == (not tried)
    if found is not None:
        assert found.value == pytest.approx(tried[0][0])
        _, ways = next(each for each in every_choice(it) if each[0] == found.choice)
        assert total(it, found.choice, ways, measure) == pytest.approx(found.value)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_the_makespan_without_contention_equals_that_of_trying_everything(seed):
    it = problem(seed)
    measure = MEASURE[Objective.MAKESPAN]
    found = optimum(tables_of(it, measure, adds=False))
    finishes = [
        uncontended_finish(it, routing_of(it, choice, measure))
        for choice, ways in every_choice(it)
        if total(it, choice, ways, measure) is not None
    ]
    assert (found is None) == (not finishes)
    if found is not None:
        assert found.value == min(finishes)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, count=st.integers(1, 9))
def test_the_best_plans_are_the_best_of_all_in_order_and_distinct(seed, count):
    it = problem(seed)
    measure = MEASURE[Objective.COST]
    tables = tables_of(it, measure)
    found, tried = list(islice(best_plans(tables), count)), all_totals(it, measure)
    values = [each.value for each in found]
    assert values == pytest.approx([value for value, _ in islice(tried, count)])
    assert len({each.choice for each in found}) == len(found)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_min_marginals_are_the_best_values_of_plans_that_make_that_choice(seed):
    it = problem(seed)
    measure = MEASURE[Objective.COST]
    tried = all_totals(it, measure)
    for job, row in enumerate(marginals(tables_of(it, measure))):
        for pick, value in enumerate(row):
            best = min((each for each, choice in tried if choice[job] == pick), default=np.inf)
            assert value == pytest.approx(best)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_heads_and_tails_never_promise_more_than_a_plan_can_keep(seed):
    it = problem(seed)
    measure = MEASURE[Objective.MAKESPAN]
    tables = tables_of(it, measure, adds=False)
    up, _ = heads(tables)
    down = tails(tables)
    for choice, ways in every_choice(it):
        if total(it, choice, ways, measure) is None:
            continue
        finish = uncontended_finish(it, routing_of(it, choice, measure))
        for job, pick in enumerate(choice):
            assert up[job][pick] + down[job][pick] <= finish


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, job=st.integers(0, 3), data=st.data())
def test_a_pinned_choice_is_kept_and_a_forbidden_site_is_not_used(seed, job, data):
    it = problem(seed)
    measure = MEASURE[Objective.COST]
    tables = tables_of(it, measure)
    first = optimum(tables)
    assume(first is not None)
    pick = data.draw(st.integers(0, len(it.jobs[job].candidates) - 1))
    mask = np.zeros(len(it.jobs[job].candidates), dtype=np.bool_)
    mask[pick] = True
    pinned = optimum(tables, {job: mask})
    if pinned is not None:
        assert pinned.choice[job] == pick
        assert pinned.value >= first.value - 1e-9
    elsewhere = {
        number: np.array([each.place.site != "s0" for each in row.candidates], dtype=np.bool_)
        for number, row in enumerate(it.jobs)
    }
    away = optimum(tables, elsewhere)
    if away is not None:
        sites = {
            row.candidates[pick].place.site for row, pick in zip(it.jobs, away.choice, strict=True)
        }
        assert "s0" not in sites
