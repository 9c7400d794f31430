"""Alternatives: planning with them equals planning every routing that they stand for."""

from itertools import islice, product
from random import Random

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import MINUTE, Instant
from fabloop.model.ids import OperationId
from fabloop.model.plan import NotProducible, Producible
from fabloop.model.product import Alternative, RoutingOption
from fabloop.model.routing import routed
from fabloop.plan.catalogue.catalogue import Catalogue
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.engine import cheapest, fastest, ranked
from fabloop.plan.producible import check, replan
from fabloop.plan.quick import drafted
from fabloop.plan.running.dangers import Carried, outline_of
from fabloop.plan.statement.plant import Plant
from fabloop.plan.statement.problem import ABSENT, MEASURE, Objective, Setting, problem_of
from fabloop.plan.statement.roads import Weights
from fabloop.plan.timetable.alternatives import narrowed
from fabloop.plan.timetable.schedule import uncontended_finish
from fabloop.plan.tree import best_plans, marginals, optimum, tables_of
from fabloop.run.recipe import recipe_of
from plan.instances import NOW, gear, graz_and_vienna, operation, random_instance, vocabulary

SEEDS = st.integers(0, 1_000_000)
replace = msgspec.structs.replace


def with_alternatives(order, seed, count=2):
    """Give operations of the order other ways round them, some within others."""
    roll, it = Random(seed), order.product
    for number in range(count):
        ends = {option.operations[-1] for each in it.alternatives for option in each.options}
        taken = {source for each in it.operations for source in each.inputs}
        inner = [each for each in it.operations if each.id in taken - ends]
        if not inner:
            break
        it = _with_way_round(it, roll.choice(inner), number, roll)
    return replace(order, product=it)


def _with_way_round(it, replaced, number, roll):
    names = [OperationId(f"alt{number}-{place}") for place in range(roll.randint(1, 2))]
    skill, minutes = replaced.requirement.skill, roll.randint(2, 80)
    skills = [skill, roll.choice(["mill", "drill", "ream", "clean"])]
    added, inputs = [], replaced.inputs
    for place, name in enumerate(names):
        added.append(operation(name, skills[place], *inputs, minutes=minutes))
        inputs = (name,)
    operations = [
        replace(
            each,
            inputs=tuple(
                source
                for given in each.inputs
                for source in ((given, names[-1]) if given == replaced.id else (given,))
            ),
        )
        for each in it.operations
    ]
    both = (
        RoutingOption(id="usual", label="", operations=(replaced.id,)),
        RoutingOption(id="other", label="", operations=tuple(names)),
    )
    grown = tuple(
        replace(
            each,
            options=tuple(
                replace(option, operations=(*names, *option.operations))
                if replaced.id in option.operations
                else option
                for option in each.options
            ),
        )
        for each in it.alternatives
    )
    new = Alternative(id=f"a{number}", label="", options=both)
    return replace(it, operations=(*operations, *added), alternatives=(*grown, new))


def routings(it):
    """Return every product that the alternatives stand for, each once."""
    ids = [each.id for each in it.alternatives]
    options = [[option.id for option in each.options] for each in it.alternatives]
    found = {}
    for picks in product(*options):
        one = routed(it, dict(zip(ids, picks, strict=True)))
        found[tuple(each.id for each in one.operations)] = one
    return list(found.values())


def stated(it, network, kpis):
    return problem_of(it, Setting(network, vocabulary(), kpis, NOW, NOW))


def chosen_units(problem, choice):
    return {
        job.operation.id: job.candidates[pick].unit.id
        for job, pick in zip(problem.jobs, choice, strict=True)
        if pick != ABSENT
    }


def an_instance(seed, operations=4):
    order, network, kpis = random_instance(seed, operations=operations, units=3)
    return with_alternatives(order, seed), network, kpis


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, weights=st.tuples(*[st.integers(0, 3)] * 3))
def test_the_optimum_is_the_best_of_every_routing(seed, weights):
    order, network, kpis = an_instance(seed)
    measure = Weights(0.0, *(float(each) for each in weights))
    it = stated(order.product, network, kpis)
    found = optimum(tables_of(it, measure))
    singles = [stated(each, network, kpis) for each in routings(order.product)]
    answers = [optimum(tables_of(each, measure)) for each in singles]
    values = [each.value for each in answers if each is not None]
    assert (found is None) == (not values)
    if found is not None:
        assert found.value == pytest.approx(min(values))
        operations = {job.operation.id for job in it.jobs if job.operation.id} & set(
            chosen_units(it, found.choice)
        )
        assert operations in [{job.operation.id for job in each.jobs} for each in singles]


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_the_makespan_without_contention_is_the_least_of_every_routing(seed):
    order, network, kpis = an_instance(seed)
    measure = MEASURE[Objective.MAKESPAN]
    found = optimum(tables_of(stated(order.product, network, kpis), measure, adds=False))
    answers = [
        optimum(tables_of(stated(each, network, kpis), measure, adds=False))
        for each in routings(order.product)
    ]
    values = [each.value for each in answers if each is not None]
    assert (found.value if found else None) == min(values, default=None)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, count=st.integers(2, 25))
def test_the_next_best_plans_come_in_order_over_all_routings(seed, count):
    order, network, kpis = an_instance(seed)
    measure = MEASURE[Objective.COST]
    it = stated(order.product, network, kpis)
    found = list(islice(best_plans(tables_of(it, measure)), count))
    every = []
    for each in routings(order.product):
        single = stated(each, network, kpis)
        every += [one.value for one in islice(best_plans(tables_of(single, measure)), count)]
    assert [each.value for each in found] == pytest.approx(sorted(every)[:count])
    kinds = {tuple(sorted(chosen_units(it, each.choice).items())) for each in found}
    assert len(kinds) == len(found)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_min_marginals_are_the_best_of_every_routing_that_has_the_job(seed):
    order, network, kpis = an_instance(seed)
    measure = MEASURE[Objective.COST]
    it = stated(order.product, network, kpis)
    singles = [stated(each, network, kpis) for each in routings(order.product)]
    rows = [
        {
            job.operation.id: row
            for job, row in zip(single.jobs, marginals(tables_of(single, measure)), strict=True)
        }
        for single in singles
    ]
    for job, row in zip(it.jobs, marginals(tables_of(it, measure)), strict=True):
        there = [each[job.operation.id] for each in rows if job.operation.id in each]
        for pick, value in enumerate(row):
            assert value == pytest.approx(min(each[pick] for each in there))


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_the_plans_pass_the_check_and_the_first_costs_what_the_best_routing_does(seed):
    order, network, kpis = an_instance(seed)
    answer = check(order, network, vocabulary(), kpis, NOW)
    singles = [stated(each, network, kpis) for each in routings(order.product)]
    best = [next(ranked(each, Objective.COST), None) for each in singles]
    assert isinstance(answer, Producible) == any(best)
    if not isinstance(answer, Producible):
        return
    costs = [optimum(tables_of(each, MEASURE[Objective.COST])) for each in singles]
    assert answer.plans[0].totals.cost_minor == pytest.approx(
        min(each.value for each in costs if each is not None)
    )
    grounds = Grounds(
        product=order.product, network=network, vocabulary=vocabulary(), kpis=kpis, now=NOW
    )
    for plan in answer.plans:
        assert check_plan(plan, grounds) == ()


@settings(max_examples=12, deadline=None)
@given(seed=SEEDS)
def test_the_fastest_plan_is_as_fast_as_that_of_the_best_routing(seed):
    order, network, kpis = an_instance(seed)
    it = stated(order.product, network, kpis)
    found = fastest(it)
    singles = [stated(each, network, kpis) for each in routings(order.product)]
    alone = [(each, fastest(each)) for each in singles]
    finishes = [one.table.finish(each) for each, one in alone if one is not None]
    assert (found is None) == (not finishes)
    if found is not None:
        assert found.table.finish(it) == min(finishes)
        assert found.bound <= min(finishes)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_a_product_with_alternatives_can_be_made_where_one_of_its_routings_can(seed):
    order, network, kpis = an_instance(seed)
    catalogue = Catalogue(Plant(network, vocabulary(), kpis), NOW)
    singles = [
        catalogue.register(f"r{number}", each)
        for number, each in enumerate(routings(order.product))
    ]
    assert catalogue.register("all", order.product) == any(singles)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_what_is_not_chosen_takes_no_time(seed):
    order, network, kpis = an_instance(seed)
    problem = stated(order.product, network, kpis)
    routing = cheapest(problem, Objective.COST)
    assume(routing is not None and ABSENT in routing.choice)
    part = narrowed(problem, routing.choice)
    finish = uncontended_finish(part.problem, part.routing(routing))
    assert uncontended_finish(problem, routing) == finish > 0


def gear_with_a_choice():
    """The gear whose part is reamed, or drilled and milled."""
    ream = RoutingOption(id="ream", label="", operations=(OperationId("ream-a"),))
    other = RoutingOption(
        id="drill", label="", operations=(OperationId("drill-a"), OperationId("fine-a"))
    )
    order = gear()
    added = (
        operation("drill-a", "drill", "mill-a", minutes=5),
        operation("fine-a", "mill", "drill-a", minutes=5),
    )
    operations = [
        replace(each, inputs=("ream-a", "fine-a", "mill-b")) if each.id == "clean" else each
        for each in order.product.operations
    ]
    alternative = Alternative(id="bore", label="", options=(ream, other))
    it = replace(order.product, operations=(*operations, *added), alternatives=(alternative,))
    return replace(order, product=it)


def test_where_nobody_can_do_one_option_the_other_is_planned():
    network, kpis = graz_and_vienna(graz_tpe=40e-6, vienna_tpe=40e-6)
    order = gear_with_a_choice()
    assert isinstance(check(gear(), network, vocabulary(), kpis, NOW), NotProducible)
    answer = check(order, network, vocabulary(), kpis, NOW)
    assert isinstance(answer, Producible)
    for plan in answer.plans:
        assert {step.operation for step in plan.steps} == {
            "mill-a", "mill-b", "drill-a", "fine-a", "clean"
        }  # fmt: skip


def test_a_replan_keeps_to_the_option_that_has_begun_and_may_change_it_before():
    network, kpis = graz_and_vienna()
    order = gear_with_a_choice()
    plan = check(order, network, vocabulary(), kpis, NOW).plans[0]
    begun = next(each for each in plan.steps if each.operation in ("ream-a", "drill-a"))
    done = {each.operation: each for each in plan.steps if each.end <= begun.end}
    later = Instant(begun.end + MINUTE)
    new = replan(order, plan, done, {}, network, vocabulary(), kpis, later)
    same = {each.operation for each in plan.steps}
    assert {each.operation for each in new.plans[0].steps} == same
    worn = {**kpis, **graz_and_vienna(40e-6, 40e-6)[1]}
    early = replan(order, plan, {}, {}, network, vocabulary(), worn, Instant(NOW + MINUTE))
    assert "drill-a" in {each.operation for each in early.plans[0].steps}


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_what_is_not_chosen_is_neither_executed_nor_endangered(seed):
    order, network, kpis = an_instance(seed)
    plan = drafted(order, Setting(network, vocabulary(), kpis, NOW, NOW), Objective.COST)
    assume(plan is not None)
    planned = {each.operation for each in plan.steps}
    recipe = recipe_of(plan, order.product, network)
    assert planned == {
        each.parameters["operation"] for each in recipe.steps if "operation" in each.parameters
    }
    outline = outline_of(Carried(plan=plan, product=order.product))
    assert set(outline.operations) == planned
    assert set(outline.takers) | set(outline.takers.values()) <= planned


def test_steps_of_two_options_are_a_violation():
    network, kpis = graz_and_vienna()
    order = gear_with_a_choice()
    plan = check(order, network, vocabulary(), kpis, NOW).plans[0]
    other = "drill-a" if any(each.operation == "ream-a" for each in plan.steps) else "ream-a"
    step = next(each for each in plan.steps if each.operation in ("ream-a", "drill-a"))
    mixed = replace(plan, steps=(*plan.steps, replace(step, operation=OperationId(other))))
    grounds = Grounds(
        product=order.product, network=network, vocabulary=vocabulary(), kpis=kpis, now=NOW
    )
    assert check_plan(plan, grounds) == ()
    assert check_plan(mixed, grounds) != ()


def test_an_output_taken_twice_is_refused_by_name_unless_the_takers_exclude_each_other():
    network, kpis = graz_and_vienna()
    order = gear()
    twice = [
        replace(each, inputs=("mill-a",)) if each.id == "mill-b" else each
        for each in order.product.operations
    ]
    shared = replace(order, product=replace(order.product, operations=tuple(twice)))
    with pytest.raises(Invalid, match="taken more than once"):
        check(shared, network, vocabulary(), kpis, NOW)
    assert check(gear_with_a_choice(), network, vocabulary(), kpis, NOW)
