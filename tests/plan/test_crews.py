"""Persons on shift and set-ups between families: plans keep them, and the checker sees breaches."""

from datetime import timedelta
from itertools import pairwise, permutations, product

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from fabloop.base.zones import local_day
from fabloop.model.calendar import CalendarException, WorkCalendar
from fabloop.model.explanation import OptionCode, ReasonCode
from fabloop.model.ids import OperationId, OrderId, PlanId
from fabloop.model.plan import NotProducible, Producible
from fabloop.plan.checker import check_plan
from fabloop.plan.draft import Heading, draft
from fabloop.plan.engagements import engagements
from fabloop.plan.engine import cheapest
from fabloop.plan.floors.polish import polished
from fabloop.plan.orders import plan_orders
from fabloop.plan.producible import Objective, check, replan
from fabloop.plan.quick import quick_plan
from fabloop.plan.statement.problem import MEASURE, Setting, problem_of
from fabloop.plan.timetable.schedule import list_schedule, routing_of
from fabloop.plan.tradeoffs.front import front
from plan.crewed import EARLY, matrix, random_crewed, set_up, staffed, with_operations, with_sites
from plan.instances import NOW, gear, graz_and_vienna, vocabulary
from plan.test_duties import grounds
from plan.test_mutations import mutations

SEEDS = st.integers(0, 1_000_000)
MIDNIGHT = Instant(NOW - NOW % DAY - 2 * HOUR)


def best(order, plant, values, now=NOW, **more):
    answer = check(order, plant, vocabulary(), values, now, plans_max=1, **more)
    return answer.plans[0] if isinstance(answer, Producible) else answer


def codes(plan, order, plant, values, **more):
    asked = msgspec.structs.replace(grounds(order, plant, values), **more)
    return {each.code for each in check_plan(plan, asked)}


def shifted(plan, operation, by):
    steps = tuple(
        msgspec.structs.replace(each, start=Instant(each.start + by), end=Instant(each.end + by))
        if each.operation == operation
        else each
        for each in plan.steps
    )
    return msgspec.structs.replace(plan, steps=steps)


def manned(*shifts):
    plant, values = graz_and_vienna()
    bare = with_sites(plant, lambda site: msgspec.structs.replace(site, persons=()))
    return with_sites(bare, lambda site: staffed(site, *shifts)), values


def local(instant):
    """Return the time of day in the sites' summer."""
    return (instant + 2 * HOUR) % DAY


def test_a_step_that_needs_somebody_lies_within_the_shift():
    plant, values = manned("early")
    plan = best(gear(), plant, values)
    clean = plan.step(OperationId("clean"))
    assert clean.persons == ("graz-0",)
    assert 6 * HOUR <= local(clean.start) < local(clean.end) <= 14 * HOUR
    assert clean.start > plan.step(OperationId("ream-a")).end + HOUR
    assert codes(plan, gear(), plant, values) == set()
    late = shifted(plan, "clean", 8 * HOUR)
    assert ReasonCode.PERSON_OFF_SHIFT in codes(late, gear(), plant, values)


def long_cleaning(minutes):
    return with_operations(
        gear(),
        lambda _, each: (
            msgspec.structs.replace(each, duration_ns=minutes * MINUTE)
            if each.id == "clean"
            else each
        ),
    )


def test_a_crew_takes_turns_at_the_change_of_shifts():
    plant, values = manned("early", "late")
    order = long_cleaning(15 * 60)
    clean = best(order, plant, values).step(OperationId("clean"))
    assert 6 * HOUR <= local(clean.start) <= 7 * HOUR
    assert clean.persons == ("graz-0", "graz-1")


def test_nobody_is_there_for_so_long():
    plant, values = manned("early")
    answer = best(long_cleaning(9 * 60), plant, values)
    assert isinstance(answer, NotProducible)
    reasons = {each.code for row in answer.exclusions for each in row.reasons}
    assert ReasonCode.SHIFT_TOO_SHORT in reasons


def test_smaller_lots_are_proposed_where_nobody_is_there_for_so_long():
    plant, values = manned("early")
    lot = msgspec.structs.replace(long_cleaning(3 * 60), quantity=5)
    answer = best(lot, plant, values)
    assert isinstance(answer, NotProducible)
    (split,) = (each for each in answer.options if each.code == OptionCode.SPLIT_LOT)
    assert (split.before, split.after, split.verified) == (5, 2, True)


@pytest.mark.parametrize("count", [1, 2])
def test_no_more_steps_go_on_than_persons_are_there(count):
    plant, values = manned(*["early"] * count)
    order = with_operations(
        gear(), lambda _, each: msgspec.structs.replace(each, person_skill="assembler")
    )
    plan = best(order, plant, values, objective=Objective.MAKESPAN)
    one, two = plan.step(OperationId("ream-a")), plan.step(OperationId("mill-b"))
    if one.start > two.start:
        one, two = two, one
    assert (two.start < one.end) == (count == 2)
    both = shifted(plan, two.operation, one.start - two.start)
    assert (ReasonCode.PERSON_OVERLAP in codes(both, order, plant, values)) == (count == 1)


def test_the_checker_sees_a_crew_that_is_not_one():
    plant, values = manned("early", "late")
    plan = best(gear(), plant, values)

    def wrong(persons):
        steps = tuple(
            msgspec.structs.replace(each, persons=persons) if each.operation == "clean" else each
            for each in plan.steps
        )
        return codes(msgspec.structs.replace(plan, steps=steps), gear(), plant, values)

    assert wrong(("graz-0", "graz-1")) == set()
    for persons in ((), ("graz-0",), ("nobody",), ("vienna-0", "vienna-1")):
        assert ReasonCode.PERSON_MISSING in wrong(persons)


def test_a_plan_keeps_clear_of_the_persons_that_another_one_takes():
    plant, values = manned("early")
    first = best(gear(), plant, values)
    second = msgspec.structs.replace(gear(), id=OrderId("second"))
    taken = engagements([first], NOW)
    plan = best(second, plant, values, busy=taken)
    one, two = (each.step(OperationId("clean")) for each in (first, plan))
    assert one.end <= two.start or two.end <= one.start


def one_mill(*, plain=5, **pairs):
    """Two parts milled on the only mill, the second of another family."""
    plant, values = graz_and_vienna()

    def change(site):
        units = tuple(
            msgspec.structs.replace(each, **matrix(plain, **pairs))
            for each in site.work_units
            if each.id not in ("g-mill-2", "v-mill")
        )
        return msgspec.structs.replace(site, work_units=units)

    families = {"mill-a": "red", "mill-b": "blue"}
    order = with_operations(
        gear(),
        lambda _, each: msgspec.structs.replace(each, setup_family=families.get(each.id, "")),
    )
    return order, with_sites(plant, change), values


def test_between_two_families_lies_their_set_up_and_the_order_is_chosen_by_it():
    order, plant, values = one_mill(red_blue=240, blue_red=10)
    plan = best(order, plant, values, objective=Objective.MAKESPAN)
    a, b = plan.step(OperationId("mill-a")), plan.step(OperationId("mill-b"))
    assert a.start == b.end + 10 * MINUTE
    assert b.start == NOW + 5 * MINUTE
    assert (a.setup_family, b.setup_family) == ("red", "blue")
    assert ReasonCode.SETUP_MISSING in codes(shifted(plan, "mill-a", -MINUTE), order, plant, values)
    assert ReasonCode.SETUP_MISSING in codes(shifted(plan, "mill-b", -MINUTE), order, plant, values)


def test_a_pair_that_is_not_listed_takes_the_plain_set_up_and_is_paid_as_such():
    order, plant, values = one_mill(green_red=60)
    plan = best(order, plant, values)
    a, b = sorted(
        (plan.step(OperationId(each)) for each in ("mill-a", "mill-b")), key=lambda it: it.start
    )
    assert b.start >= a.end + 5 * MINUTE
    _, plain, _ = one_mill()
    bare = best(with_operations(order, lambda _, it: it), plain, values)
    assert bare.totals.cost_minor == plan.totals.cost_minor


def test_what_another_plan_set_the_work_unit_up_for_counts():
    order, plant, values = one_mill(red_blue=240, blue_red=10)
    first = best(order, plant, values, objective=Objective.MAKESPAN)
    second = msgspec.structs.replace(order, id=OrderId("second"))
    taken = engagements([first], NOW)
    plan = best(second, plant, values, busy=taken)
    marks = sorted(
        (each.start, each.end, each.setup_family)
        for it in (first, plan)
        for each in it.steps
        if each.work_unit == "g-mill"
    )
    gaps = {("red", "blue"): 240, ("blue", "red"): 10}
    for before, after in pairwise(marks):
        assert after[0] - before[1] >= gaps.get((before[2], after[2]), 0) * MINUTE
    told = codes(plan, second, plant, values, busy=taken)
    assert told == set()


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, objective=st.sampled_from(Objective), data=st.data())
def test_every_plan_is_accepted_and_every_mutated_plan_rejected(seed, objective, data):
    order, plant, values = random_crewed(seed)
    answer = check(order, plant, vocabulary(), values, NOW, plans_max=2, objective=objective)
    assume(isinstance(answer, Producible))
    asked = grounds(order, plant, values)
    for plan in answer.plans:
        assert check_plan(plan, asked) == ()
    mutation = data.draw(st.sampled_from(mutations(answer.plans[0])))
    assert check_plan(mutation.of(answer.plans[0]), asked), mutation


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_several_orders_keep_to_persons_and_set_ups_and_stay_as_they_are(seed):
    order, plant, values = random_crewed(seed, operations=3)
    orders = [msgspec.structs.replace(order, id=OrderId(f"order-{n}")) for n in range(3)]
    answer = plan_orders(orders, plant, vocabulary(), values, NOW, effort=0.05)
    for plan, each in zip(answer.plans, orders, strict=True) if answer.plans else ():
        others = engagements((it for it in answer.plans if it is not plan), NOW)
        again = replan(each, plan, {}, {}, plant, vocabulary(), values, NOW, busy=others)
        assert isinstance(again, Producible)
        assert again.plans[0].steps == plan.steps


def test_set_ups_of_all_units_are_kept_where_the_product_has_no_families():
    plant, values = graz_and_vienna()
    plain = best(gear(), with_sites(plant, lambda site: set_up(site, setup_ns=5 * MINUTE)), values)
    told = with_sites(plant, lambda site: set_up(site, **matrix(5, red_blue=60)))
    assert best(gear(), told, values).steps == plain.steps


def by_trying(order, plant, values):
    """Return the least finish over all choices and all orders of placing, in ticks."""
    setting = Setting(plant, vocabulary(), values, NOW, NOW)
    problem = problem_of(order.product, setting)
    jobs = range(len(problem.jobs))
    found = []
    for choice in product(*(range(len(each.candidates)) for each in problem.jobs)):
        try:
            routing = routing_of(problem, choice, MEASURE[Objective.MAKESPAN])
        except AssertionError:
            continue
        for rank in permutations(jobs):
            table = list_schedule(problem, routing, rank)
            found.append(table.finish(problem))
    return min(found)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_no_order_of_placing_is_better_than_what_is_proven(seed):
    order, plant, values = random_crewed(seed, operations=3)
    plan = best(order, plant, values, objective=Objective.MAKESPAN)
    assume(not isinstance(plan, NotProducible))
    told = plan.optimality[0]
    tried = by_trying(order, plant, values) * SECOND
    assert told.bound <= tried
    assert told.value <= tried + 3 * SECOND


def rarely_open(*days):
    """Return the plant with persons who are there on some days from today on only."""
    plant, values = manned("early")
    today = local_day(NOW, "Europe/Vienna")
    dates = {(today + timedelta(days=each)).isoformat() for each in days}
    every = ((today + timedelta(days=each)).isoformat() for each in range(-3, 700))
    closed = tuple(CalendarException(date=each) for each in every if each not in dates)
    calendar = WorkCalendar(shifts=(EARLY,), exceptions=closed)
    return with_sites(plant, lambda site: msgspec.structs.replace(site, calendar=calendar)), values


def test_calendars_are_read_further_where_a_plan_needs_it():
    plant, values = rarely_open(320)
    for plan in (
        best(gear(), plant, values),
        quick_plan(gear(), Setting(plant, vocabulary(), values, NOW, NOW)),
        plan_orders([gear()], plant, vocabulary(), values, NOW, effort=0.05).plans[0],
        front(gear(), plant, vocabulary(), values, NOW, effort=0.2).points[0].plan,
    ):
        clean = plan.step(OperationId("clean"))
        assert NOW + 318 * DAY < clean.start < NOW + 322 * DAY


def test_nobody_on_shift_while_machines_are_open_is_told_as_the_reason():
    plant, values = manned("early")
    never = msgspec.structs.replace(EARLY, weekdays=())
    plant = with_sites(plant, lambda site: msgspec.structs.replace(site, shifts=(never,)))
    answer = best(gear(), plant, values)
    assert isinstance(answer, NotProducible)
    weekend, week = (
        msgspec.structs.replace(EARLY, id=name, weekdays=days)
        for name, days in (("weekend", (5, 6)), ("early", (0, 1, 2, 3, 4)))
    )

    def apart(site):
        calendar = WorkCalendar(shifts=(weekend,))
        units = tuple(msgspec.structs.replace(it, calendar=calendar) for it in site.work_units)
        return msgspec.structs.replace(site, shifts=(week,), work_units=units)

    plant = with_sites(plant, apart)
    for found in (
        best(gear(), plant, values),
        front(gear(), plant, vocabulary(), values, NOW, effort=0.2),
        plan_orders([gear()], plant, vocabulary(), values, NOW, effort=0.05).refused["order"],
    ):
        assert isinstance(found, NotProducible)
        codes = {each.code for row in found.exclusions for each in row.reasons}
        assert ReasonCode.SHIFT_TOO_SHORT in codes
    assert quick_plan(gear(), Setting(plant, vocabulary(), values, NOW, NOW)) is None


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_placing_anew_never_makes_a_timetable_worse_and_keeps_to_everything(seed):
    order, plant, values = random_crewed(seed, operations=7)
    problem = problem_of(order.product, Setting(plant, vocabulary(), values, NOW, NOW))
    routing = cheapest(problem, Objective.COST)
    assume(routing is not None)
    table = list_schedule(problem, routing)
    assume(table.last(problem) < problem.read)
    found = polished(problem, table, 0, 0.05)
    assert found.finish(problem) <= table.finish(problem)
    plan = draft(Heading(PlanId("p"), order.id, NOW, "EUR"), problem, found)
    assert check_plan(plan, grounds(order, plant, values)) == ()
