"""Conflicts are conflicts and minimal; what is recommended does help."""

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import DAY
from fabloop.model.explanation import OptionCode, ReasonCode
from fabloop.model.ids import OperationId
from fabloop.model.plan import NotProducible, Producible
from fabloop.model.skill import Choices
from fabloop.plan.engine import is_possible_now
from fabloop.plan.producible import check
from fabloop.plan.reasons.conflicts import conflicts_of, every_conflict
from fabloop.plan.statement.problem import Setting, problem_of
from plan import brute
from plan.instances import (
    NOW,
    gear,
    graz_and_vienna,
    kpis,
    lane,
    link,
    network,
    offer,
    operation,
    order,
    random_instance,
    site,
    tpe,
    unit,
    vocabulary,
)

replace = msgspec.structs.replace


def ask(request, plant, values):
    return check(request, plant, vocabulary(), values, NOW)


def refused(request, plant, values) -> NotProducible:
    answer = ask(request, plant, values)
    assert isinstance(answer, NotProducible)
    return answer


def without(request, operation_id, parameter):
    """Return the order without one constraint of one operation."""
    operation_ = request.product.operation(OperationId(operation_id))
    if parameter == "person":
        new = replace(operation_, person_skill=None)
    else:
        left = {k: v for k, v in operation_.requirement.constraints.items() if k != parameter}
        requirement = replace(operation_.requirement, constraints=left)
        new = replace(operation_, requirement=requirement)
    operations = tuple(new if each.id == new.id else each for each in request.product.operations)
    return replace(request, product=replace(request.product, operations=operations))


def test_a_skill_that_nobody_offers_is_a_conflict_of_its_own():
    plant, values = graz_and_vienna()
    request = order(operation("a", "mill"), operation("b", "assembler", "a"))
    answer = refused(request, plant, values)
    ((reason,),) = answer.conflicts
    assert reason.code == ReasonCode.NO_UNIT_WITH_SKILL
    assert reason.subject == "b"
    assert {each.code for each in answer.options} == {OptionCode.ADD_SKILL}


def test_a_worn_fleet_is_explained_with_counts_and_nearest_misses():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6, vienna_tpe=17e-6)
    ((reason,),) = refused(gear(), plant, values).conflicts
    assert reason.code == ReasonCode.NO_UNIT_MEETS
    assert reason.details["with_skill"] == "2"
    assert reason.details["meeting"] == "0"
    assert reason.details["waterfall"] == "skill 2; tpe 0"
    assert [each.value for each in reason.evidence] == [16.2e-6, 17e-6]


def test_only_the_constraints_that_clash_are_in_a_conflict():
    units = [
        unit("exact", "graz", "hall", offer("mill", size=0.1)),
        unit("large", "graz", "hall", offer("mill", size=1.0)),
    ]
    plant = network(site("graz", units, []))
    values = kpis(tpe("exact", 5e-6), tpe("large", 20e-6))
    request = order(operation("a", "mill", size=0.5, tpe=10e-6, material="steel"))
    (conflict,) = refused(request, plant, values).conflicts
    assert {each.details["parameter"] for each in conflict} == {"size", "tpe"}


def test_two_independent_conflicts_are_both_reported():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6, vienna_tpe=17e-6)
    request = order(operation("a", "mill", size=0.6), operation("b", "ream", "a", tpe=15e-6))
    answer = refused(request, plant, values)
    assert [{each.subject for each in conflict} for conflict in answer.conflicts] == [{"a"}, {"b"}]
    best = answer.options[0]
    assert best.code == OptionCode.LOOSEN
    assert [each.code for each in best.also] == [OptionCode.LOOSEN]


def test_work_units_that_cannot_be_reached_are_a_conflict_of_the_way():
    here = site("here", [unit("m", "here", "gate", offer("mill", monitored=False))], [])
    there = site("there", [unit("d", "there", "gate", offer("drill", monitored=False))], [])
    request = order(operation("a", "mill"), operation("b", "drill", "a"))
    answer = refused(request, network(here, there), {})
    ((reason,),) = answer.conflicts
    assert reason.code == ReasonCode.NO_ROUTE
    assert reason.details == {
        "made_by": "a",
        "taken_by": "b",
        "makers": "1",
        "maker_sites": "here",
        "takers": "1",
        "taker_sites": "there",
    }
    codes = [each.code for each in answer.options]
    assert OptionCode.ADD_LANE in codes
    assert OptionCode.ADD_SKILL in codes
    opened = answer.options[codes.index(OptionCode.ADD_LANE)]
    assert opened.cost_minor is None, "without any lane nobody knows what one costs"
    assert isinstance(
        ask(request, network(here, there, lanes=[lane("here", "there")]), {}), Producible
    )


def test_a_way_clashes_with_the_constraints_that_force_it():
    units = [
        unit("m", "graz", "hall", offer("mill", monitored=False)),
        unit("near", "graz", "hall", offer("drill", size=0.1, monitored=False)),
        unit("far", "graz", "yard", offer("drill", size=1.0, monitored=False)),
    ]
    plant = network(
        site("graz", units, [link("hall", "hall", "agv")], areas=("hall", "gate", "yard"))
    )
    request = order(operation("a", "mill"), operation("b", "drill", "a", size=0.5))
    answer = refused(request, plant, {})
    (conflict,) = answer.conflicts
    assert [each.code for each in conflict] == [ReasonCode.NO_UNIT_MEETS, ReasonCode.NO_ROUTE]
    codes = {(each.code, each.subject, each.parameter) for each in answer.options}
    assert (OptionCode.LOOSEN, "b", "size") in codes
    assert (OptionCode.ADD_LINK, "graz", "hall - yard") in codes
    linked = next(each for each in answer.options if each.code == OptionCode.ADD_LINK)
    assert linked.cost_minor is not None


def test_a_stale_value_is_to_be_measured_again():
    plant, _ = graz_and_vienna()
    values = kpis(tpe("g-ream", 9e-6, at=NOW - 3 * DAY), tpe("v-ream", 20e-6))
    answer = refused(gear(), plant, values)
    first = answer.options[0]
    assert (first.code, first.subject, first.parameter) == (OptionCode.MEASURE_KPI, "g-ream", "tpe")


def test_the_least_loosening_is_proposed_not_any():
    plant, values = graz_and_vienna(graz_tpe=20e-6, vienna_tpe=17e-6)
    loosened = [
        each for each in refused(gear(), plant, values).options if each.code == OptionCode.LOOSEN
    ]
    assert [each.after for each in loosened] == [17e-6]


def test_another_material_is_proposed_where_only_that_stands_against_it():
    units = [unit("m", "graz", "hall", offer("mill", monitored=False))]
    request = order(operation("a", "mill", material="titanium"))
    answer = refused(request, network(site("graz", units, [])), {})
    chosen = next(each for each in answer.options if each.code == OptionCode.CHOOSE_OTHER)
    assert (chosen.before, chosen.after) == ("titanium", "steel")


def test_a_work_unit_that_learns_a_skill_learns_it_for_all_operations():
    units = [unit("m", "graz", "hall", offer("mill", monitored=False))]
    plant = network(site("graz", units, []))
    request = order(
        operation("a", "drill", size=0.3),
        operation("b", "drill", "a", size=0.4, material="brass"),
        operation("c", "mill", "b"),
    )
    answer = refused(request, plant, {})
    assert [(each.code, each.subject, each.also) for each in answer.options] == [
        (OptionCode.ADD_SKILL, "m", ())
    ]


def test_two_materials_that_one_work_unit_lacks_are_two_changes():
    units = [unit("m", "graz", "hall", offer("mill", monitored=False))]
    request = order(
        operation("a", "mill", material="brass"), operation("b", "mill", "a", material="titanium")
    )
    answer = refused(request, network(site("graz", units, [])), {})
    upgrades = next(each for each in answer.options if each.code == OptionCode.UPGRADE_OFFER)
    assert {each.after for each in (upgrades, *upgrades.also)} == {"brass", "titanium"}


def test_no_change_is_proposed_that_another_one_makes_needless():
    near = offer("drill", size=0.1)
    far = offer("drill", size=0.5)
    only = replace(far, values={**far.values, "material": Choices(values=("aluminium",))})
    units = [unit("near", "graz", "hall", near), unit("far", "graz", "hall", only)]
    plant = network(site("graz", units, [link("hall", "hall", "agv")]))
    values = kpis(tpe("near", 9e-6), tpe("far", 20e-6))
    limits = {"size": 0.2, "tpe": 15e-6}
    request = order(
        operation("a", "drill", material="steel", **limits),
        operation("b", "drill", "a", material="aluminium", **limits),
    )
    options = refused(request, plant, values).options
    alone = [each for each in options if (each.subject, each.parameter) == ("near", "size")]
    assert [each.also for each in alone] == [()]


def test_a_missing_person_is_to_be_found():
    plant, values = graz_and_vienna()
    graz = replace(plant.sites["graz"], persons=())
    answer = refused(gear(), replace(plant, sites={**plant.sites, "graz": graz}), values)
    assert answer.options[0].code == OptionCode.ADD_PERSON
    assert answer.options[0].subject == "graz"


def stated(request, plant, values):
    return problem_of(request.product, Setting(plant, vocabulary(), values, NOW, NOW))


def named(problem, conflict):
    """Return the atoms of a conflict as the slow oracle calls them."""
    number = {str(job.operation.id): index for index, job in enumerate(problem.jobs)}
    return frozenset(
        (number[each.details["taken_by"]], each.details["made_by"])
        if each.code == ReasonCode.NO_ROUTE
        else (number[each.subject], each.details["parameter"])
        for each in conflict.reasons
        if each.code != ReasonCode.NO_UNIT_WITH_SKILL
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_all_minimal_conflicts_are_told_and_no_others(seed):
    problem = stated(*random_instance(seed, operations=4, units=2))
    answer = every_conflict(problem, conflicts_max=100)
    assert answer.complete
    told = [named(problem, each) for each in answer.conflicts]
    told = [each for each in told if each]
    assert len(set(told)) == len(told)
    assert set(told) == set(brute.minimal_conflicts(problem))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_nothing_is_blamed_exactly_where_a_plan_exists(seed):
    problem = stated(*random_instance(seed, operations=8, sites=3))
    assert bool(conflicts_of(problem)) == (not is_possible_now(problem))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_a_work_unit_more_adds_no_conflict_among_the_same_demands(seed):
    request, plant, values = random_instance(seed, operations=5, units=3)
    fewer = {
        key: replace(each, work_units=each.work_units[1:]) for key, each in plant.sites.items()
    }
    less = stated(request, replace(plant, sites=fewer), values)
    more = stated(request, plant, values)
    before = [named(less, each) for each in every_conflict(less, conflicts_max=100).conflicts]
    after = [named(more, each) for each in every_conflict(more, conflicts_max=100).conflicts]
    unskilled = {
        index for index, job in enumerate(less.jobs) if not [*job.candidates, *job.rejected]
    }
    for conflict in after:
        if not conflict or any(job in unskilled for job, _ in conflict) or unskilled:
            continue
        assert any(each <= conflict for each in before), "a conflict stays one with fewer units"


def with_every_way(plant):
    """Return the network with a link between any two areas and a lane between any two sites."""
    sites = {}
    for each in plant.sites.values():
        areas = sorted(each.areas)
        links = [link(a, b, f"{each.id}agv") for a in areas for b in areas if a <= b]
        sites[each.id] = replace(each, transport=tuple(links))
    lanes = [lane(a, b) for a in sites for b in sites if a != b]
    return replace(plant, sites=sites, lanes=tuple(lanes))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_a_conflict_is_one_by_itself_and_each_of_its_reasons_is_needed(seed):
    request, plant, values = random_instance(seed, units=3)
    answer = ask(request, plant, values)
    assume(isinstance(answer, NotProducible))
    for conflict in answer.conflicts:
        demands = [
            (each.subject, each.details["parameter"])
            for each in conflict
            if each.code == ReasonCode.NO_UNIT_MEETS
        ]
        if len(demands) < len(conflict):
            continue
        alone = request
        for each in request.product.operations:
            for parameter in each.requirement.constraints:
                if (each.id, parameter) not in demands:
                    alone = without(alone, each.id, parameter)
        connected = with_every_way(plant)
        assert isinstance(ask(alone, connected, values), NotProducible)
        rest = [reason for other in answer.conflicts for reason in other if other != conflict]
        if any(each.code == ReasonCode.NO_UNIT_WITH_SKILL for each in rest):
            continue
        for subject, parameter in demands:
            easier = without(alone, subject, parameter)
            assert isinstance(ask(easier, connected, values), Producible)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_dropping_all_that_is_in_no_conflict_does_not_help(seed):
    request, plant, values = random_instance(seed, units=3)
    answer = ask(request, plant, values)
    assume(isinstance(answer, NotProducible))
    blamed = {(each.subject, each.details.get("parameter")) for c in answer.conflicts for each in c}
    eased = request
    for each in request.product.operations:
        for parameter in each.requirement.constraints:
            if (each.id, parameter) not in blamed:
                eased = without(eased, each.id, parameter)
    assert isinstance(ask(eased, plant, values), NotProducible)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_a_loosened_limit_does_help_and_costs_what_was_said(seed):
    request, plant, values = random_instance(seed, units=3)
    answer = ask(request, plant, values)
    assume(isinstance(answer, NotProducible))
    for option in answer.options:
        every = (option, *option.also)
        if not all(each.code == OptionCode.LOOSEN for each in every):
            continue
        changed = request
        for each in every:
            old = changed.product.operation(OperationId(each.subject))
            assert old.requirement.constraints[each.parameter] == each.before
            constraints = {**old.requirement.constraints, each.parameter: each.after}
            new = replace(old, requirement=replace(old.requirement, constraints=constraints))
            operations = tuple(new if o.id == new.id else o for o in changed.product.operations)
            changed = replace(changed, product=replace(changed.product, operations=operations))
        found = ask(changed, plant, values)
        assert isinstance(found, Producible)
        assert found.plans[0].totals.cost_minor == option.cost_minor


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_maintenance_to_the_limit_does_help(seed):
    request, plant, values = random_instance(seed, units=3)
    answer = ask(request, plant, values)
    assume(isinstance(answer, NotProducible))
    for option in answer.options:
        if option.code == OptionCode.RESTORE_KPI and not option.also:
            better = {**values, **kpis(tpe(option.subject, option.after))}
            found = ask(request, plant, better)
            assert isinstance(found, Producible)
            assert found.plans[0].totals.cost_minor == option.cost_minor


def test_options_are_ordered_by_how_hard_they_are():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6, vienna_tpe=17e-6)
    codes = [each.code for each in refused(gear(), plant, values).options]
    assert codes[:2] == [OptionCode.LOOSEN, OptionCode.RESTORE_KPI]
    assert all(each.verified for each in refused(gear(), plant, values).options)


@pytest.mark.parametrize("seed", range(5))
def test_a_refusal_is_the_same_each_time(seed):
    request, plant, values = random_instance(seed, units=2)
    assert ask(request, plant, values) == ask(request, plant, values)
