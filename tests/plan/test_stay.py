"""The best choices with few changes are those that trying all of them finds."""

from itertools import islice, product
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import MINUTE, Instant
from fabloop.plan.running.gaps import ends_beside
from fabloop.plan.running.stay import best_staying, changed_of, fewest_changes
from fabloop.plan.statement.problem import MEASURE, Objective, Setting, problem_of
from fabloop.plan.timetable.schedule import routing_of
from fabloop.plan.tree import best_plans, optimum, tables_of
from plan.instances import NOW, random_instance, vocabulary

CHOICES_MAX = 2_000


def stated(seed, *, operations=4, busy=None):
    """Return a small random problem of which every job has a candidate."""
    request, plant, values = random_instance(seed, operations=operations, units=3)
    setting = Setting(plant, vocabulary(), values, NOW, Instant(NOW), busy or {})
    problem = problem_of(request.product, setting)
    assume(all(len(job.candidates) for job in problem.jobs))
    assume(np.prod([len(job.candidates) for job in problem.jobs]) <= CHOICES_MAX)
    return problem


def tables(seed, *, operations=4, adds=True, objective=Objective.COST):
    """Return its tables under a measure, if any plan exists."""
    problem = stated(seed, operations=operations)
    found = tables_of(problem, MEASURE[objective], adds=adds)
    assume(optimum(found) is not None)
    return found


def earlier(found, data):
    """Return what each job had before: one of its candidates, or one that is out."""
    return [data.draw(st.one_of(st.none(), st.integers(0, len(node) - 1))) for node in found.nodes]


def differing(found, before, choice):
    changed = changed_of(found, before)
    return sum(int(row[pick]) for row, pick in zip(changed, choice, strict=True))


def value_of(found, choice):
    masks = {job: np.arange(len(node)) == choice[job] for job, node in enumerate(found.nodes)}
    only = optimum(found, masks)
    return np.inf if only is None else only.value


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000), most=st.integers(0, 4), adds=st.booleans(), data=st.data())
def test_no_choice_with_as_few_changes_is_better(seed, most, adds, data):
    objective = Objective.COST if adds else Objective.MAKESPAN
    found = tables(seed, adds=adds, objective=objective)
    before = earlier(found, data)
    every = product(*(range(len(node)) for node in found.nodes))
    values = [value_of(found, each) for each in every if differing(found, before, each) <= most]
    best = best_staying(found, before, most)
    least = min(values, default=np.inf)
    if best is None:
        assert least == np.inf
        return
    assert best.value == pytest.approx(least)
    assert value_of(found, best.choice) == pytest.approx(best.value)
    assert best.changes == differing(found, before, best.choice) <= most


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000), data=st.data())
def test_the_fewest_changes_are_the_fewest_of_all_and_the_best_of_those(seed, data):
    found = tables(seed, operations=6)
    before = earlier(found, data)
    few = fewest_changes(found, before)
    assert few is not None
    assert few.changes == differing(found, before, few.choice)
    if few.changes:
        assert best_staying(found, before, few.changes - 1) is None
    limited = best_staying(found, before, few.changes)
    assert limited is not None
    assert limited.value == pytest.approx(few.value)
    for other in islice(best_plans(found), 50):
        assert differing(found, before, other.choice) >= few.changes


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 100_000), data=st.data())
def test_more_changes_are_never_worse_and_any_number_is_the_optimum(seed, data):
    found = tables(seed, operations=6)
    before = earlier(found, data)
    rows = [best_staying(found, before, most) for most in range(len(before) + 1)]
    values = [np.inf if each is None else each.value for each in rows]
    assert values == sorted(values, reverse=True)
    best = optimum(found)
    assert best is not None
    assert values[-1] == pytest.approx(best.value)


def engaged(seed):
    """Return when some work units of the instance are taken by something else."""
    roll = Random(seed)
    _, plant, _ = random_instance(seed, operations=4, units=3)
    busy = {}
    for unit in plant.work_units():
        edges = sorted(roll.sample(range(600), 2 * roll.randrange(4)))
        spans = zip(edges[::2], edges[1::2], strict=True)
        busy[unit] = tuple((Instant(NOW + a * MINUTE), Instant(NOW + b * MINUTE)) for a, b in spans)
    return busy


def finish_of(problem, found, choice):
    """Return when the choices end if only what others take is in the way."""
    routing = routing_of(problem, choice, MEASURE[Objective.MAKESPAN])
    ends = []
    for number, job in enumerate(problem.jobs):
        ready = 0
        for source, legs in zip(job.sources, routing.legs[number], strict=True):
            begins = source.ready if source.job is None else ends[source.job]
            ready = max(ready, begins + sum(leg.hop.takes.ticks for leg in legs))
        candidate = job.candidates[choice[number]]
        ticks = candidate.takes.ticks
        for start, end in sorted(problem.busy.get(candidate.unit.id, ())):
            if ticks and start < ready + ticks and end > ready:
                ready = end
        ends.append(ready + ticks)
    return ends[-1]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), most=st.integers(0, 4), data=st.data())
def test_beside_what_others_take_no_choice_ends_earlier(seed, most, data):
    problem = stated(seed, busy=engaged(seed))
    found = tables_of(problem, MEASURE[Objective.MAKESPAN], adds=False)
    assume(optimum(found) is not None)
    before = earlier(found, data)
    every = product(*(range(len(node)) for node in found.nodes))
    values = [
        finish_of(problem, found, each)
        for each in every
        if differing(found, before, each) <= most and value_of(found, each) < np.inf
    ]
    best = best_staying(found, before, most, ends_beside(problem))
    least = min(values, default=np.inf)
    if best is None:
        assert least == np.inf
        return
    assert best.value == least
    assert finish_of(problem, found, best.choice) == least
    assert best.changes == differing(found, before, best.choice) <= most
