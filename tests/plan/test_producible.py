"""Answers of the planner: ranked plans that hold, their proofs, exclusions, and laws over them."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.codec import from_json, to_json
from fabloop.base.errors import Invalid
from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.model.explanation import ReasonCode
from fabloop.model.ids import OperationId, SiteId, WorkUnitId
from fabloop.model.plan import MovementKind, NotDecided, NotProducible, PlanAnswer, Producible
from fabloop.plan import producible
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.producible import Objective, check, compare, engagements, impact
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

SEEDS = st.integers(0, 1_000_000)


def ask(request, plant, values, **more):
    return check(request, plant, vocabulary(), values, NOW, **more)


def value(plan, objective):
    return next(each for each in plan.optimality if each.objective == objective)


def test_a_gear_is_made_in_graz_while_its_reamer_is_good_enough():
    plant, values = graz_and_vienna(graz_tpe=12e-6)
    answer = ask(gear(), plant, values)
    assert isinstance(answer, Producible)
    best = answer.plans[0]
    assert best.totals.sites == (SiteId("graz"),)
    assert best.totals.shipments == 0
    assert best.step(OperationId("ream-a")).work_unit == "g-ream"
    assert values[WorkUnitId("g-ream"), "total-position-error"] in best.kpis
    assert value(best, "cost").proven
    assert value(best, "makespan").proven


def test_when_the_reamer_in_graz_wears_the_part_is_shipped_to_vienna_and_back():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    answer = ask(gear(), plant, values)
    assert isinstance(answer, Producible)
    best = answer.plans[0]
    assert best.step(OperationId("ream-a")).work_unit == "v-ream"
    assert best.totals.shipments >= 1
    (excluded,) = [each for each in answer.exclusions if each.work_unit == "g-ream"]
    (reason,) = excluded.reasons
    assert reason.code == ReasonCode.KPI_TOO_HIGH
    assert (reason.evidence[0].value, reason.evidence[0].limit) == (16.2e-6, 15e-6)


def test_plans_are_ranked_by_cost_numbered_and_different():
    plant, values = graz_and_vienna()
    answer = ask(gear(), plant, values, plans_max=4)
    assert isinstance(answer, Producible)
    costs = [each.totals.cost_minor for each in answer.plans]
    assert costs == sorted(costs)
    assert [each.id for each in answer.plans] == [f"order/plan-{n}" for n in (1, 2, 3, 4)]
    choices = {tuple(sorted((s.operation, s.work_unit) for s in p.steps)) for p in answer.plans}
    assert len(choices) == 4


def test_the_fastest_and_the_cleanest_plan_are_among_those_offered():
    def at(name, rate, speed, power):
        machine = unit(name, "graz", "hall", offer("mill", monitored=False), rate=rate, speed=speed)
        return msgspec.structs.replace(machine, power_w=power)

    units = [
        at("cheap", 600, 1.0, 5e3),
        at("fast", 60_000, 4.0, 9e4),
        at("green", 6_000, 0.9, 10.0),
    ]
    plant = network(site("graz", units, []))
    answer = ask(order(operation("only", "mill")), plant, {}, plans_max=3)
    assert isinstance(answer, Producible)
    chosen = [plan.steps[0].work_unit for plan in answer.plans]
    assert chosen == ["cheap", "green", "fast"]
    fast = answer.plans[2]
    assert fast.optimality[0].objective == "makespan"
    assert fast.optimality[0].proven
    assert not value(fast, "cost").proven
    ranked = ask(
        order(operation("only", "mill")), plant, {}, plans_max=2, objective=Objective.MAKESPAN
    )
    assert isinstance(ranked, Producible)
    assert [plan.steps[0].work_unit for plan in ranked.plans] == ["fast", "cheap"]


def test_a_fast_lane_is_taken_for_time_and_a_cheap_one_for_cost():
    request = order(operation("a", "mill", minutes=5), operation("b", "drill", "a", minutes=5))
    here = site("here", [unit("m", "here", "gate", offer("mill", monitored=False))], [])
    there = site("there", [unit("d", "there", "gate", offer("drill", monitored=False))], [])
    lanes = [
        lane("here", "there", hours=9, cost=10, name="slow"),
        lane("here", "there", hours=1, cost=900, name="express"),
    ]
    answer = ask(request, network(here, there, lanes=lanes), {})
    assert isinstance(answer, Producible)
    assert [each.movements[0].lane for each in answer.plans] == ["slow", "express"]
    assert answer.plans[1].totals.makespan_ns == HOUR + 10 * MINUTE


def test_two_steps_on_one_work_unit_wait_for_each_other_and_the_makespan_says_so():
    request = order(
        operation("a", "mill", minutes=30),
        operation("b", "mill", minutes=30),
        operation("c", "clean", "a", "b", minutes=10),
    )
    units = [
        unit("m", "graz", "hall", offer("mill", monitored=False)),
        unit("w", "graz", "hall", offer("clean", monitored=False)),
    ]
    plant = network(site("graz", units, [link("hall", "hall", "agv", minutes=0)]))
    answer = ask(request, plant, {})
    assert isinstance(answer, Producible)
    assert answer.plans[0].totals.makespan_ns == 70 * MINUTE
    assert value(answer.plans[0], "makespan").proven
    assert value(answer.plans[0], "makespan").engine == "CP-SAT"


def test_an_engaged_work_unit_is_left_alone():
    request = order(operation("a", "mill", minutes=30))
    plant = network(site("graz", [unit("m", "graz", "hall", offer("mill", monitored=False))], []))
    engaged = {WorkUnitId("m"): ((Instant(NOW + 20 * MINUTE), Instant(NOW + 60 * MINUTE)),)}
    answer = ask(request, plant, {}, busy=engaged)
    assert isinstance(answer, Producible)
    assert answer.plans[0].steps[0].start == NOW + 60 * MINUTE


def test_a_second_order_keeps_clear_of_what_the_first_one_takes():
    plant, values = graz_and_vienna()
    first = ask(gear(), plant, values, plans_max=1).plans[0]
    second = ask(gear(), plant, values, busy=engagements([first], NOW), plans_max=1).plans[0]
    for here in first.steps:
        for there in second.steps:
            apart = here.end <= there.start or there.end <= here.start
            assert apart or here.work_unit != there.work_unit
    assert second.totals.makespan_ns > first.totals.makespan_ns
    assert engagements([first], Instant(NOW + 9 * HOUR)) == {}


def test_moving_between_work_units_of_one_area_needs_a_link_of_the_area_to_itself():
    request = order(operation("a", "mill"), operation("b", "drill", "a"))
    units = [
        unit("m", "graz", "hall", offer("mill", monitored=False)),
        unit("d", "graz", "hall", offer("drill", monitored=False)),
    ]
    with_link = network(site("graz", units, [link("hall", "hall", "agv")]))
    assert isinstance(ask(request, with_link, {}), Producible)
    assert isinstance(ask(request, network(site("graz", units, [])), {}), NotProducible)
    both = unit(
        "m", "graz", "hall", offer("mill", monitored=False), offer("drill", monitored=False)
    )
    answer = ask(request, network(site("graz", [both], [])), {})
    assert isinstance(answer, Producible)
    assert answer.plans[0].movements == ()


def test_shipping_has_up_to_three_legs_and_none_where_the_unit_stands_at_the_gate():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    answer = ask(gear(), plant, values)
    assert isinstance(answer, Producible)
    way = [each for each in answer.plans[0].movements if each.made_by == "ream-a"]
    assert [(each.leg, each.kind) for each in way] == [
        (0, MovementKind.TRANSPORT),
        (1, MovementKind.SHIPPING),
    ]
    assert [(each.origin, each.destination) for each in way] == [
        ("v-ream", "gate"),
        ("gate", "g-wash"),
    ]


def test_an_operation_for_a_person_needs_one_with_the_skill_at_the_site():
    plant, values = graz_and_vienna()
    graz = plant.sites[SiteId("graz")]
    nobody = msgspec.structs.replace(graz, persons=())
    without = msgspec.structs.replace(plant, sites={**plant.sites, graz.id: nobody})
    answer = ask(gear(), without, values)
    assert isinstance(answer, NotProducible)
    assert "person" in {each.details["parameter"] for c in answer.conflicts for each in c}


def test_labour_is_paid_where_a_person_works():
    plant, values = graz_and_vienna()
    answer = ask(gear(), plant, values)
    assert isinstance(answer, Producible)
    clean = answer.plans[0].step(OperationId("clean"))
    # 10 min: 100 + 1000/6 rate + 4000/6 labour + 2.2 MJ at 8e-6
    assert clean.cost_minor == round(100 + 1000 / 6 + 4000 / 6 + 2.2e6 * 8e-6)


def test_operations_that_are_no_tree_are_refused_with_every_fault():
    request = order(
        operation("a", "mill"), operation("b", "mill", "a"), operation("c", "mill", "a", "x")
    )
    with pytest.raises(Invalid) as caught:
        ask(request, graz_and_vienna()[0], {})
    assert len(caught.value.faults) == 3


def test_operations_in_a_circle_are_refused():
    request = order(
        operation("a", "mill", "b"), operation("b", "mill", "a"), operation("c", "mill")
    )
    with pytest.raises(Invalid, match="circle"):
        ask(request, graz_and_vienna()[0], {})


def test_sites_that_count_in_different_currencies_are_refused():
    plant, values = graz_and_vienna()
    vienna = plant.sites[SiteId("vienna")]
    tariff = msgspec.structs.replace(vienna.tariff, currency="CHF")
    mixed = msgspec.structs.replace(
        plant, sites={**plant.sites, vienna.id: msgspec.structs.replace(vienna, tariff=tariff)}
    )
    with pytest.raises(Invalid, match="currency"):
        ask(gear(), mixed, values)


def test_a_product_beyond_the_limit_is_not_decided_rather_than_refused():
    one = operation("a", "mill")
    request = order(*[one] * (producible.OPERATIONS_MAX + 1))
    assert isinstance(ask(request, graz_and_vienna()[0], {}), NotDecided)


def test_the_answer_survives_json():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    answer = ask(gear(), plant, values)
    assert from_json(to_json(answer), PlanAnswer) == answer


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_the_checker_accepts_every_plan_and_bounds_lie_below_values(seed):
    request, plant, values = random_instance(seed)
    answer = ask(request, plant, values)
    if not isinstance(answer, Producible):
        return
    grounds = Grounds(
        product=request.product, network=plant, vocabulary=vocabulary(), kpis=values, now=NOW
    )
    for plan in answer.plans:
        assert check_plan(plan, grounds) == ()
        assert all(each.bound <= each.value for each in plan.optimality)
    cheapest = min(each.totals.cost_minor for each in answer.plans)
    assert answer.plans[0].totals.cost_minor == cheapest
    assert value(answer.plans[0], "cost").proven


@settings(max_examples=6, deadline=None)
@given(seed=SEEDS)
def test_the_same_question_has_the_same_answer(seed):
    request, plant, values = random_instance(seed)
    assert ask(request, plant, values) == ask(request, plant, values)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, data=st.data())
def test_a_further_capability_never_makes_it_worse(seed, data):
    request, plant, values = random_instance(seed)
    first = ask(request, plant, values, plans_max=1)
    chosen = data.draw(st.sampled_from(sorted(plant.work_units())))
    old = plant.work_units()[chosen]
    new = msgspec.structs.replace(old, offers=(*old.offers, offer("mill", size=9.0)))
    there = plant.sites[old.site]
    units = tuple(new if each.id == chosen else each for each in there.work_units)
    more = msgspec.structs.replace(
        plant,
        sites={**plant.sites, there.id: msgspec.structs.replace(there, work_units=units)},
    )
    second = ask(request, more, {**values, **kpis(tpe(chosen, 1e-6))}, plans_max=1)
    if isinstance(first, Producible):
        assert isinstance(second, Producible)
        assert second.plans[0].totals.cost_minor <= first.plans[0].totals.cost_minor


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_the_cost_does_not_depend_on_names_or_order(seed):
    request, plant, values = random_instance(seed)
    first = ask(request, plant, values, plans_max=1)
    renamed = to_json(plant)
    for number, name in enumerate(sorted(plant.work_units(), reverse=True)):
        renamed = renamed.replace(f'"{name}"'.encode(), f'"w{number}"'.encode())
    names = dict(
        zip(
            sorted(plant.work_units(), reverse=True),
            (WorkUnitId(f"w{n}") for n in range(len(plant.work_units()))),
            strict=True,
        )
    )
    other = from_json(renamed, type(plant))
    turned = msgspec.structs.replace(other, sites=dict(reversed(other.sites.items())))
    moved = kpis(
        *(msgspec.structs.replace(v, work_unit=names[v.work_unit]) for v in values.values())
    )
    second = ask(request, turned, moved, plans_max=1)
    assert type(first) is type(second)
    if isinstance(first, Producible) and isinstance(second, Producible):
        assert second.plans[0].totals.cost_minor == first.plans[0].totals.cost_minor


def test_a_worn_machine_endangers_the_steps_not_begun_and_nothing_else():
    plant, values = graz_and_vienna(graz_tpe=12e-6)
    request = gear()
    answer = ask(request, plant, values)
    assert isinstance(answer, Producible)
    worn = {**values, **kpis(tpe("g-ream", 16.2e-6))}
    about = (answer.plans[0], request.product, plant, vocabulary(), worn, NOW)
    (reason,) = impact(*about)
    assert reason.code == ReasonCode.STEP_ENDANGERED
    assert reason.subject == "ream-a"
    assert reason.evidence[0].value == 16.2e-6
    assert impact(*about, begun={OperationId("ream-a")}) == ()
    frozen = tuple(msgspec.structs.replace(each, frozen=True) for each in answer.plans[0].steps)
    settled = msgspec.structs.replace(answer.plans[0], steps=frozen)
    assert impact(settled, *about[1:]) == ()
    assert impact(*about, work_unit=WorkUnitId("v-ream")) == ()
    assert impact(*about[:4], values, NOW) == ()


def test_a_comparison_shows_what_moved_and_what_that_takes():
    request = gear()
    before = ask(request, *graz_and_vienna(graz_tpe=12e-6)).plans[0]
    after = ask(request, *graz_and_vienna(graz_tpe=16.2e-6)).plans[0]
    found = compare(before, after, request)
    assert ("ream-a", "g-ream", "v-ream") in {
        (each.operation, each.before, each.after) for each in found.moved
    }
    assert len(found.shipments_added) == after.totals.shipments
    assert found.cost_minor == after.totals.cost_minor - before.totals.cost_minor
    assert found.finish_after == max(each.end for each in after.steps)
    late = msgspec.structs.replace(request, due_at=Instant(found.finish_after - MINUTE))
    assert compare(before, after, late).late_ns == MINUTE
    assert found.late_ns == 0
