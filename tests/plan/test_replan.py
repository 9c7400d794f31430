"""Re-planning: what has happened stays, what is endangered moves, nothing else does."""

from random import Random

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import HOUR, MINUTE, Instant
from fabloop.model.ids import OperationId, WorkUnitId
from fabloop.model.plan import MovementKind, NotProducible, Producible
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.producible import Objective, check, compare, replan
from fabloop.plan.running.replan import changes_allowed, replans
from fabloop.plan.statement.plant import Plant
from plan.instances import (
    NOW,
    gear,
    graz_and_vienna,
    kpis,
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
from plan.test_alternatives import with_alternatives

replace = msgspec.structs.replace
REAM = OperationId("ream-a")


def planned(graz_tpe=12e-6):
    request = gear()
    plant, values = graz_and_vienna(graz_tpe=graz_tpe)
    answer = check(request, plant, vocabulary(), values, NOW)
    assert isinstance(answer, Producible)
    return request, plant, values, answer.plans[0]


def at(plan, minutes):
    """Return the instant, and what is done and running then if all goes to plan."""
    return split(plan, Instant(NOW + int(minutes * MINUTE)))


def split(plan, now):
    done = {each.operation: each for each in plan.steps if each.end <= now}
    running = {each.operation: each for each in plan.steps if each.start < now < each.end}
    return now, done, running


def again(request, plan, moment, plant, values, **more):
    now, done, running = moment
    return replan(request, plan, done, running, plant, vocabulary(), values, now, **more)


def thawed(plan):
    steps = {replace(each, frozen=False) for each in plan.steps}
    return steps, {replace(each, frozen=False) for each in plan.movements}


@pytest.mark.parametrize("minutes", [0, 1, 41, 43.5, 66, 80, 87, 500])
def test_a_replan_without_a_change_changes_nothing(minutes):
    request, plant, values, plan = planned()
    answer = again(request, plan, at(plan, minutes), plant, values)
    assert isinstance(answer, Producible)
    (new,) = answer.plans
    assert thawed(new) == thawed(plan)
    assert new.totals == plan.totals
    assert new.id == "order/plan-1.1"
    assert new.replaces == plan.id


def test_revisions_are_counted():
    request, plant, values, plan = planned()
    first = again(request, plan, at(plan, 1), plant, values).plans[0]
    second = again(request, first, at(first, 2), plant, values).plans[0]
    assert second.id == "order/plan-1.2"
    assert second.replaces == first.id


def test_a_worn_reamer_sends_the_part_to_vienna_and_leaves_the_other_part_alone():
    request, plant, values, plan = planned()
    moment = at(plan, 41)
    assert set(moment[1]) == {"mill-a"}
    worn = {**values, **kpis(tpe("g-ream", 16.2e-6, at=moment[0]))}
    answer = again(request, plan, moment, plant, worn)
    assert isinstance(answer, Producible)
    new = answer.plans[0]
    assert new.step(REAM).work_unit == "v-ream"
    assert new.step(OperationId("mill-a")).frozen
    assert new.step(OperationId("mill-b")) == replace(plan.step(OperationId("mill-b")), frozen=True)
    found = compare(plan, new, request)
    assert [each.operation for each in found.moved] == ["ream-a"]
    assert len(found.shipments_added) == 2
    assert found.cost_minor > 0
    assert new.optimality[0].proven


def test_a_movement_that_has_begun_is_not_undone_but_continued():
    request, plant, values, plan = planned()
    moment = at(plan, 41)
    worn = {**values, **kpis(tpe("g-ream", 16.2e-6, at=moment[0]))}
    new = again(request, plan, moment, plant, worn).plans[0]
    way = sorted(
        (each for each in new.movements if each.taken_by == REAM), key=lambda each: each.leg
    )
    assert [each.frozen for each in way] == [True, False, False, False]
    assert way[0].destination == "g-ream"
    assert way[1].origin == "g-ream"
    assert way[1].start >= way[0].end
    assert way[2].kind is MovementKind.SHIPPING


def test_a_work_piece_on_the_road_goes_on_from_the_gate_where_it_arrives():
    request, plant, values, plan = planned(graz_tpe=16.2e-6)
    lane = next(each for each in plan.movements if each.kind is MovementKind.SHIPPING)
    assert lane.taken_by == "clean" or lane.taken_by == REAM
    moment = split(plan, Instant(lane.start + HOUR))
    better = {**values, **kpis(tpe("g-ream", 1e-6, at=moment[0]))}
    answer = again(request, plan, moment, plant, better, change_price_minor=0)
    assert isinstance(answer, Producible)
    new = answer.plans[0]
    kept = [each for each in new.movements if each.frozen and each.kind is MovementKind.SHIPPING]
    assert replace(lane, frozen=True) in kept


def test_a_step_that_is_running_stays_even_if_its_work_unit_is_no_longer_good_enough():
    request, plant, values, plan = planned()
    ream = plan.step(REAM)
    moment = split(plan, Instant(ream.start + MINUTE))
    worn = {**values, **kpis(tpe("g-ream", 99e-6, at=moment[0]))}
    new = again(request, plan, moment, plant, worn).plans[0]
    assert new.step(REAM) == replace(ream, frozen=True)


def test_a_delay_shifts_what_depends_on_it_and_no_work_unit_changes():
    request, plant, values, plan = planned()
    mill = plan.step(OperationId("mill-a"))
    late = replace(mill, end=Instant(mill.end + 30 * MINUTE))
    now = late.end
    _, done, running = split(plan, now)
    done = {key: each for key, each in done.items() if key in ("mill-a", "mill-b")}
    done["mill-a"] = late
    done.pop("mill-b", None)
    running = {
        key: each for key, each in running.items() if key == "mill-b" and each.start >= late.end
    }
    answer = again(request, plan, (now, done, running), plant, values)
    assert isinstance(answer, Producible)
    new = answer.plans[0]
    assert new.step(OperationId("mill-a")) == replace(late, frozen=True)
    assert new.step(REAM).start >= late.end
    assert all(
        new.step(each.operation).work_unit == each.work_unit
        for each in plan.steps
        if each.operation != "mill-b"
    )


def test_an_overdue_running_step_is_expected_to_end_now_at_the_earliest():
    request, plant, values, plan = planned()
    mill = plan.step(OperationId("mill-a"))
    now = Instant(mill.end + 10 * MINUTE)
    answer = again(request, plan, (now, {}, {mill.operation: mill}), plant, values)
    assert isinstance(answer, Producible)
    assert answer.plans[0].step(mill.operation).end == now
    assert answer.plans[0].step(REAM).start > now


def test_a_broken_work_unit_is_avoided_by_what_has_not_begun():
    request, plant, values, plan = planned()
    broken = frozenset({WorkUnitId("g-mill")})
    answer = again(request, plan, at(plan, 41), plant, values, unavailable=broken)
    assert isinstance(answer, Producible)
    new = answer.plans[0]
    open_steps = [each for each in new.steps if not each.frozen]
    assert "g-mill" not in {each.work_unit for each in open_steps}


def test_without_a_way_out_the_conflict_is_named_with_what_would_help():
    request, plant, values, plan = planned()
    moment = at(plan, 1)
    worn = {**values, **kpis(tpe("g-ream", 16.2e-6), tpe("v-ream", 17e-6))}
    answer = again(request, plan, moment, plant, worn)
    assert isinstance(answer, NotProducible)
    ((reason,),) = answer.conflicts
    assert reason.subject == "ream-a"
    assert {each.code for each in answer.options} >= {"loosen", "restore-kpi"}
    assert all(each.verified for each in answer.options)
    loosened = next(each for each in answer.options if each.code == "loosen")
    assert loosened.cost_minor == plan.totals.cost_minor, "the total, with what is spent already"


def test_a_small_saving_is_not_worth_a_change_and_a_large_one_is():
    mills = [
        unit("a", "graz", "hall", offer("mill", monitored=False), rate=1000),
        unit("b", "graz", "hall", offer("mill"), rate=600),
    ]
    plant = network(site("graz", mills, []))
    request = order(operation("only", "mill", minutes=60, tpe=15e-6))
    plan = check(request, plant, vocabulary(), {}, NOW, plans_max=1).plans[0]
    assert plan.steps[0].work_unit == "a"
    measured = kpis(tpe("b", 1e-6))
    moment = (Instant(NOW + 0), {}, {})
    stay = again(request, plan, moment, plant, measured).plans[0]
    assert stay.steps[0].work_unit == "a"
    move = again(request, plan, moment, plant, measured, change_price_minor=300).plans[0]
    assert move.steps[0].work_unit == "b"


def test_a_plan_made_for_speed_is_kept_for_speed():
    request, plant, values, _ = planned()
    ranked = check(request, plant, vocabulary(), values, NOW, objective=Objective.MAKESPAN)
    plan = ranked.plans[0]
    moment = at(plan, 20)
    same = again(request, plan, moment, plant, values).plans[0]
    assert thawed(same) == thawed(plan)
    worn = {**values, **kpis(tpe("g-ream", 16.2e-6, at=moment[0]))}
    new = again(request, plan, moment, plant, worn).plans[0]
    assert new.optimality[0].objective == "makespan"
    moved = compare(plan, new, request).moved
    assert {each.operation for each in moved} >= {"ream-a"}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000), share=st.floats(0, 1), lead=st.sampled_from(list(Objective)))
def test_a_replan_at_any_moment_without_a_change_changes_only_for_the_better(seed, share, lead):
    request, plant, values = random_instance(seed)
    answer = check(request, plant, vocabulary(), values, NOW, plans_max=1, objective=lead)
    assume(isinstance(answer, Producible))
    plan = answer.plans[0]
    moment = split(plan, Instant(NOW + int(share * plan.totals.makespan_ns)))
    again_ = again(request, plan, moment, plant, values)
    assert isinstance(again_, Producible)
    new = again_.plans[0]
    assert new.totals.makespan_ns <= plan.totals.makespan_ns
    units = {each.operation: each.work_unit for each in plan.steps}
    if {each.operation: each.work_unit for each in new.steps} != units:
        # A work piece that waits at a gate may have ways on that none from a work unit had.
        led = [next(o for o in each.optimality if o.objective == lead) for each in (plan, new)]
        assert led[1].value < led[0].value
        return
    assert new.totals.cost_minor <= plan.totals.cost_minor


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000), share=st.floats(0, 1), lead=st.sampled_from(list(Objective)))
def test_when_the_condition_changes_the_past_stays_and_the_new_plan_holds(seed, share, lead):
    request, plant, values = random_instance(seed, units=5)
    answer = check(request, plant, vocabulary(), values, NOW, plans_max=1, objective=lead)
    assume(isinstance(answer, Producible))
    plan = answer.plans[0]
    now, done, running = split(plan, Instant(NOW + int(share * plan.totals.makespan_ns)))
    left = [each for each in plan.steps if each.operation not in {**done, **running}]
    assume(left)
    worn = {**values, **kpis(tpe(left[0].work_unit, 1.0, at=now))}
    found = again(request, plan, (now, done, running), plant, worn)
    if isinstance(found, NotProducible):
        assert found.conflicts
        return
    assert isinstance(found, Producible)
    new = found.plans[0]
    for each in (*done.values(), *running.values()):
        assert new.step(each.operation) == replace(each, frozen=True)
    for each in new.steps:
        assert each.frozen or each.start >= now


def moved(before, after):
    units = {each.operation: each.work_unit for each in before.steps}
    return [each.operation for each in after.steps if units[each.operation] != each.work_unit]


def test_without_a_change_before_anything_began_only_the_number_of_the_plan_is_new():
    request, plant, values, plan = planned()
    new = again(request, plan, (plan.made_at, {}, {}), plant, values).plans[0]
    assert replace(new, id=plan.id, replaces=None) == plan


def test_a_repair_may_move_a_third_more_than_must_move_or_one():
    assert [changes_allowed(each) for each in (0, 1, 3, 4, 10, 20)] == [0, 2, 4, 5, 13, 26]


def broken_story(seed, share):
    """Return a plan on its way, its moment, and a unit that it still wants to use."""
    request, plant, values = random_instance(seed, operations=9, units=6)
    answer = check(request, plant, vocabulary(), values, NOW, plans_max=1)
    assume(isinstance(answer, Producible))
    plan = answer.plans[0]
    moment = split(plan, Instant(NOW + int(share * plan.totals.makespan_ns)))
    left = [each for each in plan.steps if each.operation not in {**moment[1], **moment[2]}]
    assume(left)
    return request, plant, values, plan, moment, left[-1].work_unit


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000), share=st.floats(0, 0.9))
def test_a_repair_is_there_at_once_and_gets_better_but_moves_little_more_than_must_move(
    seed, share
):
    request, plant, values, plan, (now, done, running), unit = broken_story(seed, share)
    answers = list(
        replans(
            request,
            plan,
            done,
            running,
            plant,
            vocabulary(),
            values,
            now,
            unavailable=frozenset({unit}),
        )
    )
    if isinstance(answers[0], NotProducible):
        assert len(answers) == 1
        return
    first, last = answers[0].plans[0], answers[-1].plans[0]
    fewest = len(moved(plan, first))
    assert len(moved(plan, last)) <= changes_allowed(fewest)
    stuck = {each.operation for each in first.steps if not each.frozen}
    stuck &= {each.operation for each in plan.steps if each.work_unit == unit}
    assert set(moved(plan, first)) >= stuck
    if len(moved(plan, last)) == fewest:
        assert last.totals.cost_minor <= first.totals.cost_minor
    again_ = again(request, last, (now, done, running), plant, values, unavailable={unit})
    assert again_.plans[0].steps == last.steps
    assert again_.plans[0].movements == last.movements


def test_the_factoriesmade_ready_beforehand_gives_the_same_answer():
    request, factories, values, plan = planned()
    moment = at(plan, 41)
    worn = {**values, **kpis(tpe("g-ream", 16.2e-6, at=moment[0]))}
    now, done, running = moment
    ready = Plant(factories, vocabulary(), values)
    told = replan(request, plan, done, running, factories, vocabulary(), worn, now, plant=ready)
    assert told == again(request, plan, moment, factories, worn)


# -- alternatives --------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    share=st.floats(0, 0.9),
    lead=st.sampled_from([Objective.COST, Objective.MAKESPAN]),
)
def test_with_alternatives_a_breach_is_mended_on_the_same_way_or_on_another(seed, share, lead):
    request, plant, values = random_instance(seed, operations=6, units=5)
    request = with_alternatives(request, seed)
    answer = check(request, plant, vocabulary(), values, NOW, plans_max=1, objective=lead)
    assume(isinstance(answer, Producible))
    plan = answer.plans[0]
    moment = split(plan, Instant(NOW + int(share * plan.totals.makespan_ns)))
    same = again(request, plan, moment, plant, values).plans[0]
    assert thawed(same) == thawed(plan)
    left = [each for each in plan.steps if each.operation not in {**moment[1], **moment[2]}]
    assume(left)
    out = frozenset({left[0].work_unit})
    found = again(request, plan, moment, plant, values, unavailable=out)
    if isinstance(found, NotProducible):
        return
    new = found.plans[0]
    assert not any(each.work_unit in out for each in new.steps if not each.frozen)
    told = compare(plan, new, request)
    changed = len(told.moved) + len(told.operations_added)
    assert changed >= 1
    assert bool(told.operations_added) == bool(told.operations_dropped)
    assert new.step(request.product.final().id)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1_000_000), lead=st.sampled_from([Objective.COST, Objective.MAKESPAN]))
def test_what_has_to_wait_waits_and_the_checker_sees_where_it_does_not(seed, lead):
    """One open operation waits on every site; the plan made without that breaks the rule."""
    request, plant, values = random_instance(seed)
    answer = check(request, plant, vocabulary(), values, NOW, objective=lead, plans_max=1)
    if not isinstance(answer, Producible):
        return
    plan = answer.plans[0]
    step = Random(seed).choice(plan.steps)
    there = Instant(step.start + 2 * HOUR)
    waits = {step.operation: dict.fromkeys(plant.sites, there)}
    asked = (request, plan, {}, {}, plant, vocabulary(), values, NOW)
    after = replan(*asked, not_before=waits).plans[0]
    assert after.step(step.operation).start >= there
    grounds = Grounds(
        product=request.product,
        network=plant,
        vocabulary=vocabulary(),
        kpis=values,
        now=NOW,
        quantity=request.quantity,
        ordered_at=plan.made_at,
        not_before=waits,
    )
    assert not check_plan(after, grounds)
    assert "step-too-early" in {each.code for each in check_plan(plan, grounds)}
