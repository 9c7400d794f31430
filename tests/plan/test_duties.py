"""Tools, material and departures: plans wait for them, and the checker sees where one does not."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, SECOND, Instant
from fabloop.model.explanation import ReasonCode
from fabloop.model.ids import LaneId, MaterialId, OperationId, OrderId, ToolId
from fabloop.model.plan import MovementKind, NotProducible, Producible
from fabloop.model.product import Material, Purchase
from fabloop.model.site import Stock, Tool
from fabloop.model.timetable import departure_after
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.orders import plan_orders
from fabloop.plan.producible import Objective, check, replan
from fabloop.plan.terms.wishes import Wishes
from fabloop.plan.tradeoffs.front import Front, front
from plan.crewed import random_crewed
from plan.instances import NOW, gear, graz_and_vienna, random_instance, vocabulary

SEEDS = st.integers(0, 1_000_000)
CLOCK = 6 * HOUR


def best(order, plant, values, **more):
    answer = check(order, plant, vocabulary(), values, NOW, plans_max=1, **more)
    return answer.plans[0] if isinstance(answer, Producible) else answer


def grounds(order, plant, values):
    return Grounds(
        product=order.product,
        network=plant,
        vocabulary=vocabulary(),
        kpis=values,
        now=NOW,
        quantity=order.quantity,
    )


def with_sites(plant, change):
    sites = {key: change(site) for key, site in plant.sites.items()}
    return msgspec.structs.replace(plant, sites=sites)


def leaving(plant, *departures, cut_off=HOUR):
    lanes = tuple(
        msgspec.structs.replace(each, departures=departures, cut_off_ns=cut_off)
        for each in plant.lanes
    )
    return msgspec.structs.replace(plant, lanes=lanes)


def holding(order, **kinds):
    operations = tuple(
        msgspec.structs.replace(each, tools=kinds.get(each.id.replace("-", "_"), ()))
        for each in order.product.operations
    )
    return with_product(order, operations=operations)


def with_product(order, **changes):
    product = msgspec.structs.replace(order.product, **changes)
    return msgspec.structs.replace(order, product=product)


def equipped(plant, count, **more):
    tool = Tool(id=ToolId("f7"), label="Fixture F7", kind="F7", count=count, **more)
    return with_sites(plant, lambda site: msgspec.structs.replace(site, tools=(tool,)))


def test_a_shipment_leaves_with_a_departure_that_it_reaches_before_the_cut_off():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    plain = best(gear(), plant, values)
    plant = leaving(plant, CLOCK, 2 * CLOCK)
    plan = best(gear(), plant, values)
    shipped = [each for each in plan.movements if each.kind is MovementKind.SHIPPING]
    assert shipped
    for each in shipped:
        lane = next(lane for lane in plant.lanes if lane.id == each.lane)
        about = Instant(each.start - SECOND + 1 - HOUR)
        leaves = departure_after(lane, "Europe/Vienna", about)
        assert leaves <= each.start < leaves + SECOND
    assert plan.totals.cost_minor == plain.totals.cost_minor
    assert plan.totals.makespan_ns > plain.totals.makespan_ns


def test_the_checker_sees_a_shipment_that_leaves_at_any_time():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    plain = best(gear(), plant, values)
    found = check_plan(plain, grounds(gear(), leaving(plant, CLOCK), values))
    assert ReasonCode.DEPARTURE_MISSED in {each.code for each in found}


def test_one_fixture_is_held_by_one_step_at_a_time_and_two_by_two():
    plant, values = graz_and_vienna()
    order = holding(gear(), ream_a=("F7",), mill_b=("F7",))
    free = best(holding(gear()), plant, values, objective=Objective.MAKESPAN)
    spans = [(free.step(OperationId(each)).start, free.step(OperationId(each)).end)
             for each in ("ream-a", "mill-b")]  # fmt: skip
    assert max(start for start, _ in spans) < min(end for _, end in spans)

    def used(count):
        plan = best(order, equipped(plant, count), values, objective=Objective.MAKESPAN)
        return [plan.step(OperationId(each)) for each in ("ream-a", "mill-b")]

    one, two = sorted(used(1), key=lambda each: each.start)
    assert one.tools == two.tools == ("f7",)
    assert one.end <= two.start
    one, two = sorted(used(2), key=lambda each: each.start)
    assert {one.tools, two.tools} == {("f7#1",), ("f7#2",)}
    assert two.start < one.end


def test_a_step_that_needs_two_of_a_kind_cannot_be_done_with_one():
    plant, values = graz_and_vienna()
    order = holding(gear(), ream_a=("F7", "F7"))
    assert isinstance(best(order, equipped(plant, 1), values), NotProducible)
    plan = best(order, equipped(plant, 2), values)
    assert set(plan.step(OperationId("ream-a")).tools) == {"f7#1", "f7#2"}


def test_the_checker_sees_a_step_without_its_tool_and_a_tool_held_twice():
    plant, values = graz_and_vienna()
    plant = equipped(plant, 1)
    order = holding(gear(), ream_a=("F7",), mill_b=("F7",))
    plan = best(order, plant, values, objective=Objective.MAKESPAN)

    def codes(**changes):
        steps = tuple(
            msgspec.structs.replace(each, **changes) if each.operation == "mill-b" else each
            for each in plan.steps
        )
        told = check_plan(msgspec.structs.replace(plan, steps=steps), grounds(order, plant, values))
        return {each.code for each in told}

    assert codes() == set()
    assert ReasonCode.STEP_WITHOUT_TOOL in codes(tools=())
    assert ReasonCode.STEP_WITHOUT_TOOL in codes(tools=("f8",))
    assert ReasonCode.STEP_WITHOUT_TOOL in codes(tools=("f7", "f7"))
    first = plan.step(OperationId("ream-a"))
    moved = plan.step(OperationId("mill-b"))
    start = first.start
    assert ReasonCode.TOOL_OVERLAP in codes(
        start=start, end=Instant(start + moved.end - moved.start)
    )


def made_of_steel(order, *, amount=1, supply=()):
    materials = (
        Material(
            id=MaterialId("mill-a-out"),
            label="a",
            made_of=(MaterialId("bar"),),
            amounts={MaterialId("bar"): amount},
        ),
        Material(id=MaterialId("bar"), label="Bar", third_party=True, supply=supply),
    )
    return with_product(order, materials=materials)


def stocked(plant, **sites):
    def change(site):
        stock = tuple(
            Stock(material=MaterialId("bar"), quantity=quantity, available_at=Instant(at))
            for quantity, at in sites.get(site.id, ())
        )
        return msgspec.structs.replace(site, stock=stock)

    return with_sites(plant, change)


def test_a_step_waits_for_stock_that_is_announced_and_goes_where_it_is():
    plant, values = graz_and_vienna()
    order = made_of_steel(gear(), amount=2)
    plan = best(order, stocked(plant, graz=[(1, NOW), (1, NOW + 5 * HOUR)]), values)
    assert plan.step(OperationId("mill-a")).start == NOW + 5 * HOUR
    held = stocked(plant, vienna=[(2, NOW)])
    apart = with_sites(held, lambda site: msgspec.structs.replace(site, tenant=site.id))
    plan = best(order, apart, values)
    assert plan.step(OperationId("mill-a")).site == "vienna"


def test_bought_parts_come_after_their_lead_time():
    plant, values = graz_and_vienna()
    buy = Purchase(supplier="steelworks", lead_ns=3 * HOUR, cost_minor=10)
    order = made_of_steel(gear(), supply=(buy,))
    plan = best(order, plant, values)
    assert plan.step(OperationId("mill-a")).start == NOW + 3 * HOUR
    plan = best(order, stocked(plant, graz=[(1, NOW)]), values)
    assert plan.step(OperationId("mill-a")).start == NOW
    found = check_plan(plan, grounds(order, stocked(plant, graz=[(1, NOW + HOUR)]), values))
    assert ReasonCode.MATERIAL_TOO_LATE in {each.code for each in found}


def test_a_step_that_hands_out_what_it_was_given_waits_for_its_stock():
    plant, values = graz_and_vienna()
    bar = Material(id=MaterialId("mill-b-out"), label="Bar", third_party=True)
    order = with_product(gear(), materials=(bar,))
    stock = Stock(material=bar.id, quantity=1, available_at=Instant(NOW + 4 * HOUR))
    held = with_sites(plant, lambda site: msgspec.structs.replace(site, stock=(stock,)))
    assert best(order, held, values).step(OperationId("mill-b")).start >= NOW + 4 * HOUR


def test_material_that_never_comes_is_a_reason_against_every_work_unit():
    plant, values = graz_and_vienna()
    order = made_of_steel(gear(), amount=3)
    answer = best(order, stocked(plant, graz=[(1, NOW)], vienna=[(1, NOW)]), values)
    assert isinstance(answer, NotProducible)
    reasons = {each.code for row in answer.exclusions for each in row.reasons}
    assert ReasonCode.MATERIAL_MISSING in reasons


def test_what_is_not_tracked_counts_as_there():
    plant, values = graz_and_vienna()
    assert best(made_of_steel(gear()), plant, values).totals == best(gear(), plant, values).totals


def random_duties(seed):
    """Return an instance with departures, a fixture, and stock that comes later."""
    order, plant, values = random_instance(seed, operations=5)
    kinds = {each.id: ("F7",) for each in order.product.operations if each.duration_ns % 2 == 0}
    operations = tuple(
        msgspec.structs.replace(each, tools=kinds.get(each.id, ()))
        for each in order.product.operations
    )
    first = operations[0]
    materials = (
        Material(id=first.output, label="x", made_of=(MaterialId("bar"),)),
        Material(id=MaterialId("bar"), label="Bar"),
    )
    order = with_product(order, operations=operations, materials=materials)
    plant = equipped(leaving(plant, CLOCK, 3 * CLOCK), 1)
    plant = with_sites(
        plant,
        lambda site: msgspec.structs.replace(
            site,
            stock=(
                Stock(
                    material=MaterialId("bar"),
                    quantity=9,
                    available_at=Instant(NOW + seed % 7 * HOUR),
                ),
            ),
        ),
    )
    return order, plant, values


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_every_face_keeps_to_duties_and_none_is_better_for_them(seed):
    order, plant, values = random_duties(seed)
    bare, free, _ = random_instance(seed, operations=5)
    where = (order, plant, vocabulary(), values, NOW)
    plain = check(bare, free, vocabulary(), values, NOW, plans_max=4)
    answer = check(*where, plans_max=4)
    assert isinstance(answer, Producible) == isinstance(plain, Producible)
    if not isinstance(answer, Producible):
        return
    fast = [min(p.totals.makespan_ns for p in each.plans) for each in (plain, answer)]
    assert fast[0] <= fast[1] + SECOND
    assert plain.plans[0].totals.cost_minor == answer.plans[0].totals.cost_minor
    points = front(*where)
    assert isinstance(points, Front)
    late = Instant(NOW + 30 * DAY)
    wished = check(*where, plans_max=1, wishes=Wishes(deadline=late))
    assert isinstance(wished, Producible)
    again = replan(order, answer.plans[0], {}, {}, plant, vocabulary(), values, NOW)
    assert isinstance(again, Producible)
    assert again.plans[0].steps == answer.plans[0].steps


@pytest.mark.parametrize("count", [1, 2])
def test_several_orders_share_the_fixture_and_never_hold_it_at_once(count):
    plant, values = graz_and_vienna()
    plant = equipped(plant, count)
    orders = [
        msgspec.structs.replace(
            holding(gear(), ream_a=("F7",), mill_b=("F7",)), id=OrderId(f"order-{number}")
        )
        for number in range(3)
    ]
    answer = plan_orders(orders, plant, vocabulary(), values, NOW, effort=0.2)
    held = {}
    for plan in answer.plans:
        for step in plan.steps:
            for tool in step.tools:
                held.setdefault(tool, []).append((step.start, step.end))
    assert sum(map(len, held.values())) == 6
    for spans in held.values():
        assert all(one[1] <= two[0] for one, two in pairwise(sorted(spans)))


def test_a_deadline_that_waiting_misses_is_a_proven_no():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    plant = leaving(plant, CLOCK)
    plan = best(gear(), plant, values, objective=Objective.MAKESPAN)
    finish = max(each.end for each in plan.steps)
    early = best(gear(), plant, values, wishes=Wishes(deadline=Instant(finish - SECOND)))
    assert isinstance(early, NotProducible)
    assert best(gear(), plant, values, wishes=Wishes(deadline=finish)).id


def test_a_slower_lane_that_leaves_earlier_is_taken_where_it_arrives_first():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    slow = tuple(
        msgspec.structs.replace(
            each, id=LaneId(f"{each.id}-slow"), duration_ns=2 * each.duration_ns, cost_minor=9000
        )
        for each in plant.lanes
    )
    timed = leaving(plant, 23 * HOUR, cut_off=20 * HOUR).lanes
    both = msgspec.structs.replace(plant, lanes=(*timed, *slow))
    ends = []
    for lanes in (timed, slow, (*timed, *slow)):
        one = msgspec.structs.replace(plant, lanes=lanes)
        plan = best(gear(), one, values, objective=Objective.MAKESPAN)
        ends.append(plan.totals.makespan_ns)
        told = plan.optimality[0]
        assert told.proven, told
    assert ends[2] == min(ends)
    wishes = Wishes(deadline=Instant(NOW + ends[2]))
    assert isinstance(front(gear(), both, vocabulary(), values, NOW, wishes=wishes), Front)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, which=st.sampled_from([random_duties, random_crewed]))
def test_a_deadline_is_decided_at_the_least_makespan(seed, which):
    order, plant, values = which(seed)
    plan = best(order, plant, values, objective=Objective.MAKESPAN)
    assume(not isinstance(plan, NotProducible))
    finish = max(each.end for each in plan.steps)
    told = plan.optimality[0]
    assert told.proven, told
    in_time = best(order, plant, values, wishes=Wishes(deadline=finish))
    assert max(each.end for each in in_time.steps) <= finish
    early = best(order, plant, values, wishes=Wishes(deadline=Instant(finish - SECOND)))
    assert isinstance(early, NotProducible)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, which=st.sampled_from([random_duties, random_crewed]))
def test_a_front_keeps_a_deadline_beside_duties(seed, which):
    order, plant, values = which(seed)
    where = (order, plant, vocabulary(), values, NOW)
    free = front(*where, effort=1.0)
    assume(isinstance(free, Front))
    ends = sorted(max(each.end for each in it.plan.steps) for it in free.points)
    kept = front(*where, wishes=Wishes(deadline=ends[0]), effort=1.0)
    assert isinstance(kept, Front)
    assert all(max(each.end for each in it.plan.steps) <= ends[0] for it in kept.points)
