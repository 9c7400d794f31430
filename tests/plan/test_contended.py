"""Caps and sums with waits in them: against the best times of every choice."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.plan.engine import timed
from fabloop.plan.statement.problem import Setting, problem_of
from fabloop.plan.statement.roads import Weights
from fabloop.plan.statement.ways import ways
from fabloop.plan.terms.blend import Blend, Cap, case_of, sums_of, table_sums
from fabloop.plan.timetable.schedule import Routing
from fabloop.plan.tradeoffs.constrained import holds
from fabloop.plan.tradeoffs.contended import Known, contended
from fabloop.plan.tradeoffs.gates import Standing
from fabloop.plan.tradeoffs.request import best_within
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

SEEDS = st.integers(0, 1_000_000)
TRIES_MAX = 60


def small_case(seed):
    it, plant, kpis = random_instance(seed, operations=4, sites=2, units=2)
    problem = problem_of(it.product, Setting(plant, vocabulary(), kpis, NOW, NOW))
    return case_of(problem, due=3600, fees=dict.fromkeys(problem.roads.areas, 700.0))


def every_plan(case):
    """Return the figures of all choices, each with its best times."""
    it = case.problem
    rows = [range(len(job.candidates)) for job in it.jobs]
    assume(0 < np.prod([len(row) for row in rows]) <= TRIES_MAX)
    found = []
    for choice in product(*rows):
        edges = [
            ways(it.roads, it.jobs[child].candidates[choice[child]].place, job.candidates[p].place)
            for job, p in zip(it.jobs, choice, strict=True)
            for child in job.feeding()
        ]
        for legs in product(*edges):
            taken = iter(legs)
            nested = tuple(tuple(next(taken) for _ in job.sources) for job in it.jobs)
            routing = Routing(choice, Weights(), nested)
            best = timed(it, routing)
            assert best.table.finish(it) == best.bound
            found.append(sums_of(case, routing, best.bound))
    assume(found)
    return found


@settings(max_examples=25, deadline=None)
@given(
    seed=SEEDS,
    weights=st.tuples(*[st.sampled_from([0.0, 1.0, 2.5])] * 4),
    tight=st.floats(0.0, 0.6),
    shop_only=st.booleans(),
)
def test_any_sum_within_any_cap_equals_that_of_trying_everything(seed, weights, tight, shop_only):
    case = small_case(seed)
    plans = every_plan(case)
    goal = Blend(cost=weights[0], opening=weights[1], finish=weights[2], tardy=weights[3])
    assume(goal != Blend())
    ends = [each.finish for each in plans]
    energies = [each.energy for each in plans]
    caps = [
        Cap("finish", Blend(finish=1.0), min(ends) + tight * (max(ends) - min(ends))),
        Cap("energy", Blend(energy=1.0), min(energies) + 0.7 * (max(energies) - min(energies))),
    ]
    good = [
        each.of(goal, case.due) for each in plans if all(holds(c, each, case.due) for c in caps)
    ]
    unknown = Known(None, np.inf, 0.0)
    ask = (
        contended(case, goal, caps, unknown, 5.0)
        if shop_only
        else best_within(case, goal, caps, 5.0)
    )
    if not good:
        assert ask.standing is Standing.IMPOSSIBLE
        return
    assert ask.standing is Standing.OPTIMAL
    assert ask.value == pytest.approx(min(good))
    assert table_sums(case, ask.table).of(goal, case.due) == pytest.approx(ask.value)


def test_a_deadline_that_only_waiting_breaks_is_proven_to_be_too_early():
    """One mill for two parts: without the wait it would do."""
    it = order(
        operation("a", "mill", minutes=30),
        operation("b", "mill", minutes=30),
        operation("join", "clean", "a", "b", minutes=10),
    )
    mill = unit("mill", "s", "hall", offer("mill", monitored=False))
    wash = unit("wash", "s", "hall", offer("clean", monitored=False))
    plant = network(
        site("s", [mill, wash, unit("agv", "s", "hall")], [link("hall", "hall", "agv")])
    )
    case = case_of(problem_of(it.product, Setting(plant, vocabulary(), {}, NOW, NOW)))
    early = Cap("deadline", Blend(finish=1.0), 71 * 60)
    assert best_within(case, Blend(cost=1.0), [early], 5.0).standing is Standing.IMPOSSIBLE
    late = Cap("deadline", Blend(finish=1.0), 72 * 60)
    assert best_within(case, Blend(cost=1.0), [late], 5.0).standing is Standing.OPTIMAL
