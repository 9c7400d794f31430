"""Wishes and fronts over alternative routings: as good as over every routing by itself."""

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.model.plan import NotDecided, Producible
from fabloop.plan.producible import check
from fabloop.plan.statement.problem import Objective, Setting, problem_of
from fabloop.plan.terms.blend import Blend, case_of, sums_of
from fabloop.plan.terms.objectives import lexicographic
from fabloop.plan.terms.wishes import Wishes
from fabloop.plan.tradeoffs.archive import dominates
from fabloop.plan.tradeoffs.front import Front, front
from fabloop.plan.tradeoffs.tradeoff import tradeoff
from plan.instances import NOW, random_instance, vocabulary
from plan.test_alternatives import routings, with_alternatives

SEEDS = st.integers(0, 1_000_000)


def instance(seed):
    plain, network, kpis = random_instance(seed, operations=4, units=3)
    order = with_alternatives(plain, seed)
    assume(order.product.alternatives)
    return order, network, kpis


def asked(order, network, kpis, wishes, objective=Objective.COST):
    return check(
        order,
        network,
        vocabulary(),
        kpis,
        NOW,
        plans_max=1,
        wishes=wishes,
        objective=objective,
    )


def least(answer):
    return answer.plans[0].totals.cost_minor if isinstance(answer, Producible) else None


def best_of_routings(order, network, kpis, wishes, objective=Objective.COST):
    singles = [
        asked(msgspec.structs.replace(order, product=each), network, kpis, wishes, objective)
        for each in routings(order.product)
    ]
    return min((least(each) for each in singles if least(each) is not None), default=None)


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, share=st.floats(1.0, 1.5), most=st.integers(1, 2), fee=st.integers(0, 900))
def test_the_best_within_budget_and_sites_is_that_of_the_best_routing(seed, share, most, fee):
    order, network, kpis = instance(seed)
    frugal = asked(order, network, kpis, Wishes(sites_max=most), Objective.ENERGY)
    assume(isinstance(frugal, Producible))
    limit = frugal.plans[0].totals.energy_j * share
    for wishes in (
        Wishes(energy_max_j=limit),
        Wishes(sites_max=most),
        Wishes(energy_max_j=limit, sites_max=most),
        Wishes(sites_max=most, opening_minor=dict.fromkeys(network.sites, fee)),
    ):
        both = asked(order, network, kpis, wishes)
        assert isinstance(both, Producible)
        assert both.plans[0].optimality[0].proven
        singles = best_of_routings(order, network, kpis, wishes)
        if not wishes.opening_minor:
            assert least(both) == singles


@settings(max_examples=8, deadline=None)
@given(seed=SEEDS)
def test_lexicographic_aims_choose_among_all_routings(seed):
    order, network, kpis = instance(seed)
    aim = lexicographic(Objective.COST, Objective.ENERGY)
    both = asked(order, network, kpis, Wishes(), aim)
    assume(isinstance(both, Producible))
    assert least(both) == best_of_routings(order, network, kpis, Wishes(), aim)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, energy=st.floats(0.0, 1e-5))
def test_time_against_a_sum_is_the_least_over_all_routings(seed, energy):
    order, network, kpis = instance(seed)
    setting = Setting(network, vocabulary(), kpis, NOW, NOW)
    blend = Blend(cost=1.0, energy=energy)
    case = case_of(problem_of(order.product, setting))
    both = tradeoff(case, blend)
    singles = [
        tradeoff(case_of(problem_of(each, setting)), blend) for each in routings(order.product)
    ]
    for time in {int(time) for each in singles for time in each.front.time}:
        value = min(each.front.at(time) for each in singles)
        assert both.front.at(time) == pytest.approx(value)
        assert sums_of(case, both.routing(time)).of(blend, 0) == pytest.approx(value)


@settings(max_examples=5, deadline=None)
@given(seed=SEEDS)
def test_the_front_is_not_beaten_by_that_of_a_single_routing(seed):
    order, network, kpis = instance(seed)
    both = front(order, network, vocabulary(), kpis, NOW, effort=0.2)
    assume(isinstance(both, Front))
    points = [_figures(each.plan) for each in both.points if each.proven]
    for each in routings(order.product):
        single = msgspec.structs.replace(order, product=each)
        answer = front(single, network, vocabulary(), kpis, NOW, effort=0.2)
        if isinstance(answer, Front):
            others = [_figures(point.plan) for point in answer.points]
            assert not any(dominates(other, point) for other in others for point in points)


def _figures(plan):
    totals = plan.totals
    return (
        totals.cost_minor,
        totals.makespan_ns,
        float(f"{totals.energy_j:.9g}"),
        float(f"{totals.co2_kg:.9g}"),
    )


@settings(max_examples=5, deadline=None)
@given(seed=SEEDS)
def test_a_deadline_over_alternatives_is_kept_or_left_undecided(seed):
    order, network, kpis = instance(seed)
    fast = asked(order, network, kpis, Wishes(), lexicographic(Objective.MAKESPAN))
    assume(isinstance(fast, Producible))
    end = NOW + int(1.2 * fast.plans[0].totals.makespan_ns)
    answer = asked(order, network, kpis, Wishes(deadline=end))
    assert isinstance(answer, Producible | NotDecided)
    if isinstance(answer, Producible):
        assert max(step.end for step in answer.plans[0].steps) <= end
