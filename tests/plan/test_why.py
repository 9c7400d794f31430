"""Why not this machine, plan or site: reasons, or the exact price with where it comes from."""

from itertools import product as every

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.model.explanation import ReasonCode
from fabloop.model.plan import Producible
from fabloop.plan.producible import check
from fabloop.plan.reasons.why import Dearer, Sums, Unfit, why_not, why_not_plan, why_not_site
from fabloop.plan.statement.problem import Objective, Setting, problem_of
from fabloop.plan.statement.roads import Weights
from plan.instances import (
    NOW,
    gear,
    graz_and_vienna,
    network,
    offer,
    operation,
    order,
    random_instance,
    site,
    unit,
    vocabulary,
)


def stated(request, plant, values):
    return problem_of(request.product, Setting(plant, vocabulary(), values, NOW, NOW))


def cheapest_of_all(problem, pins):
    """Return the least cost over every choice with the pins, None where none is possible."""
    numbers = {job.operation.id: number for number, job in enumerate(problem.jobs)}
    rows = [
        [
            each
            for each in job.candidates
            if pins.get(job.operation.id, each.unit.id) == each.unit.id
        ]
        for job in problem.jobs
    ]
    best = None
    for choice in every(*rows):
        cost = sum(each.takes.cost for each in choice)
        for job, taker in zip(problem.jobs, choice, strict=True):
            for source in job.sources:
                maker = choice[numbers[source.made_by]]
                legs = problem.roads.route(maker.place, taker.place, Weights(cost=1.0))
                cost = (
                    None
                    if legs is None or cost is None
                    else cost + sum(leg.hop.takes.cost for leg in legs)
                )
        if cost is not None and (best is None or cost < best):
            best = cost
    return best


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000), pick=st.integers(0, 1_000))
def test_the_price_of_a_machine_is_exact(seed, pick):
    problem = stated(*random_instance(seed, operations=4, units=3))
    job = problem.jobs[pick % len(problem.jobs)]
    units = [each.unit.id for each in (*job.candidates, *job.rejected)]
    assume(units)
    pins = {job.operation.id: units[pick % len(units)]}
    answer = why_not(problem, pins)
    if answer is None:
        assert cheapest_of_all(problem, {}) is None
        return
    assert cheapest_of_all(problem, {}) is not None
    with_pin = cheapest_of_all(problem, pins)
    if with_pin is None:
        assert isinstance(answer, Unfit)
        assert answer.reasons or [each.code for each in answer.clash] == [ReasonCode.CHOICE_CLASH]
        return
    assert isinstance(answer, Dearer)
    assert answer.best.cost_minor == cheapest_of_all(problem, {})
    assert answer.pinned.cost_minor == with_pin
    assert answer.more.cost_minor >= 0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000), pick=st.integers(0, 1_000))
def test_the_differences_add_up(seed, pick):
    problem = stated(*random_instance(seed, operations=6, units=4))
    job = problem.jobs[pick % len(problem.jobs)]
    assume(len(job.candidates))
    answer = why_not(problem, {job.operation.id: job.candidates[-1].unit.id})
    assume(isinstance(answer, Dearer))
    more = [each.more for each in answer.differences]
    assert sum(each.cost_minor for each in more) == answer.more.cost_minor
    assert sum(each.energy_j for each in more) == pytest.approx(answer.more.energy_j, abs=1e-3)
    assert sum(each.co2_kg for each in more) == pytest.approx(answer.more.co2_kg, abs=1e-9)


def test_what_is_chosen_anyway_costs_nothing_more():
    request, (plant, values) = gear(), graz_and_vienna()
    answer = why_not(stated(request, plant, values), {"ream-a": "g-ream"})
    assert isinstance(answer, Dearer)
    assert answer.more == Sums()
    assert answer.differences == ()


def test_a_dearer_machine_is_told_with_the_shipments_that_it_brings():
    request, (plant, values) = gear(), graz_and_vienna()
    answer = why_not(stated(request, plant, values), {"ream-a": "v-ream"})
    assert isinstance(answer, Dearer)
    assert answer.more.cost_minor > 0
    moved = {(each.made_by, each.operation) for each in answer.differences if each.made_by}
    assert ("ream-a", "clean") in moved
    steps = {
        each.operation: (each.best, each.pinned) for each in answer.differences if not each.made_by
    }
    assert steps["ream-a"] == ("g-ream", "v-ream")


def test_an_unfit_machine_is_told_with_all_reasons():
    request, (plant, values) = gear(), graz_and_vienna(graz_tpe=16.2e-6)
    answer = why_not(stated(request, plant, values), {"ream-a": "g-ream", "mill-a": "g-wash"})
    assert isinstance(answer, Unfit)
    assert [each.code for each in answer.reasons["ream-a"]] == [ReasonCode.KPI_TOO_HIGH]
    assert [each.code for each in answer.reasons["mill-a"]] == [ReasonCode.SKILL_NOT_OFFERED]


def test_choices_that_no_way_joins_are_told_and_no_others():
    mill, drill = offer("mill", monitored=False), offer("drill", monitored=False)
    here = site("here", [unit("m", "here", "gate", mill, drill)], [])
    there = site("there", [unit("n", "there", "gate", mill, drill)], [])
    request = order(
        operation("a", "mill"), operation("b", "drill", "a"), operation("c", "mill", "b")
    )
    problem = stated(request, network(here, there), {})
    answer = why_not(problem, {"a": "m", "b": "n", "c": "n"})
    assert isinstance(answer, Unfit)
    assert {each.subject for each in answer.clash} < {"a", "b", "c"}
    assert len(answer.clash) == 2
    assert "a" in {each.subject for each in answer.clash}


def test_a_site_that_lacks_something_is_told_with_what():
    request, (plant, values) = gear(), graz_and_vienna()
    problem = stated(request, plant, values)
    answer = why_not_site(problem, "vienna")
    assert isinstance(answer, Unfit)
    assert set(answer.reasons) == {"clean"}
    within = why_not_site(problem, "graz")
    assert isinstance(within, Dearer)
    assert within.more == Sums()


def test_another_plan_is_told_in_figures():
    request, (plant, values) = gear(), graz_and_vienna()
    problem = stated(request, plant, values)
    answer = check(request, plant, vocabulary(), values, NOW)
    assert isinstance(answer, Producible)
    for plan in answer.plans:
        told = why_not_plan(problem, plan)
        assert isinstance(told, Dearer)
        assert told.pinned.cost_minor <= plan.totals.cost_minor


def test_the_fastest_is_asked_about_too():
    request, (plant, values) = gear(), graz_and_vienna()
    answer = why_not(stated(request, plant, values), {"mill-a": "v-mill"}, Objective.MAKESPAN)
    assert isinstance(answer, Dearer)
    assert answer.more.makespan_ns >= 0


def test_where_nothing_can_be_made_nothing_is_compared():
    request, (plant, values) = gear(5e-6), graz_and_vienna()
    assert why_not(stated(request, plant, values), {"mill-a": "g-mill"}) is None


def test_unknown_names_are_refused_all_of_them():
    request, (plant, values) = gear(), graz_and_vienna()
    with pytest.raises(Invalid) as refused:
        why_not(stated(request, plant, values), {"mill-x": "g-mill", "ream-a": "nobody"})
    assert len(refused.value.faults) == 2
    with pytest.raises(Invalid):
        why_not_site(stated(request, plant, values), "linz")
