"""The index of open plans answers as asking plan by plan does, and says why."""

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import DAY, HOUR, MINUTE, Instant
from fabloop.model.disturbance import (
    DueMoved,
    KpiExpired,
    KpiMoved,
    LaneClosed,
    MaterialLate,
    PersonAbsent,
    RushOrder,
    ShiftCancelled,
    ShipmentLate,
    StepOverran,
    ToolBroken,
    UnitBroken,
    UnitClosed,
    UnitRepaired,
)
from fabloop.model.ids import LaneId, MaterialId, OperationId, OrderId, PersonId, SiteId, WorkUnitId
from fabloop.model.kpi import TOTAL_POSITION_ERROR
from fabloop.model.plan import MovementKind, Producible
from fabloop.model.product import Material
from fabloop.model.site import Person, Shift
from fabloop.plan.producible import check, impact
from fabloop.plan.running import watchlist as module
from fabloop.plan.running.dangers import Carried, Outlook, PlanAtRisk, dangers
from fabloop.plan.running.watchlist import Watchlist
from plan.instances import (
    NOW,
    gear,
    graz_and_vienna,
    kpis,
    random_instance,
    tpe,
    vocabulary,
)

replace = msgspec.structs.replace
REAM = OperationId("ream-a")


def gears(count=3, graz_tpe=12e-6):
    """Return some orders of one gear with the same plan, an hour after one another."""
    plant, values = graz_and_vienna(graz_tpe=graz_tpe)
    request = gear()
    answer = check(request, plant, vocabulary(), values, NOW, plans_max=1)
    assert isinstance(answer, Producible)
    plans = [shifted(answer.plans[0], number * HOUR, f"o{number}") for number in range(count)]
    carried = [Carried(plan=each, product=request.product) for each in plans]
    return carried, Outlook(network=plant, vocabulary=vocabulary(), kpis=values, now=NOW)


def shifted(plan, by, name):
    def later(part):
        return replace(part, start=Instant(part.start + by), end=Instant(part.end + by))

    return replace(
        plan,
        id=f"{name}/plan-1",
        order=OrderId(name),
        steps=tuple(map(later, plan.steps)),
        movements=tuple(map(later, plan.movements)),
    )


def listed(carried, outlook):
    watch = Watchlist(outlook.network, outlook.vocabulary)
    for each in carried:
        watch.put(each)
    return watch


def plainly(disturbance, carried, outlook):
    found = [(each.plan, dangers(disturbance, each, outlook)) for each in carried]
    return tuple(
        PlanAtRisk(order=plan.order, plan=plan, reasons=reasons)
        for plan, reasons in found
        if reasons
    )


def only(carried, outlook, disturbance):
    """Return the reasons for the first plan, found by the index and without it."""
    watch = listed(carried, outlook)
    found = watch.endangered(disturbance, outlook)
    assert found == plainly(disturbance, carried, outlook)
    return next((each.reasons for each in found if each.plan == carried[0].plan), ())


# -- each kind of disturbance --------------------------------------------------------------------


def test_a_worn_machine_endangers_the_plans_whose_limit_it_misses_and_says_how_to_mend_it():
    carried, outlook = gears()
    (reason,) = only(carried, outlook, KpiMoved(value=tpe("g-ream", 16.2e-6, at=NOW)))
    assert (reason.subject, reason.code) == (REAM, "step-endangered")
    assert (reason.evidence[0].value, reason.evidence[0].limit) == (16.2e-6, 15e-6)
    assert reason.consequence == "re-plan"
    assert [each.code for each in reason.options] == ["restore-kpi"]


def test_a_value_that_just_meets_the_limit_endangers_nothing():
    carried, outlook = gears()
    assert only(carried, outlook, KpiMoved(value=tpe("g-ream", 15e-6, at=NOW))) == ()


def test_a_value_that_became_too_old_endangers_what_rests_on_it():
    carried, outlook = gears()
    later = replace(outlook, now=Instant(NOW + 2 * DAY))
    gone = KpiExpired(work_unit=WorkUnitId("g-ream"), kpi=TOTAL_POSITION_ERROR)
    (reason,) = only(carried, later, gone)
    assert reason.details["reasons"] == "kpi-stale"
    assert [each.code for each in reason.options] == ["measure-kpi"]
    assert only(carried, outlook, gone) == (), "it is not too old yet"


def test_a_broken_machine_endangers_what_is_planned_on_it_in_that_time_and_what_it_does_now():
    carried, outlook = gears()
    ream = carried[0].plan.step(REAM)
    broken = UnitBroken(work_unit=ream.work_unit, since=NOW, until=Instant(ream.start + 1))
    (reason,) = only(carried, outlook, broken)
    assert (reason.code, reason.subject) == ("unit-broken", REAM)
    assert only(carried, outlook, replace(broken, until=ream.start)) == ()
    running = [replace(carried[0], running=frozenset({REAM}))]
    assert only(running, outlook, broken)
    assert not only(running, outlook, KpiMoved(value=tpe("g-ream", 1.0, at=NOW)))
    done = [replace(carried[0], done=frozenset({REAM}))]
    assert not only(done, outlook, broken)


def test_a_stop_for_maintenance_endangers_what_has_not_begun_and_meets_it():
    carried, outlook = gears(1)
    ream = carried[0].plan.step(REAM)
    stop = UnitClosed(work_unit=ream.work_unit, since=NOW, until=Instant(ream.start + 1), job="nut")
    (reason,) = only(carried, outlook, stop)
    assert (reason.code, reason.subject, reason.details["job"]) == ("unit-closed", REAM, "nut")
    assert only(carried, outlook, replace(stop, until=ream.start)) == ()
    running = [replace(carried[0], running=frozenset({REAM}))]
    assert only(running, outlook, stop) == (), "what runs is let run"


def test_a_broken_tool_endangers_the_steps_that_hold_it_in_that_time():
    carried, outlook = gears(1)
    step = carried[0].plan.step(REAM)
    held = replace(step, tools=("f7#2",))
    steps = tuple(held if each == step else each for each in carried[0].plan.steps)
    holding = [replace(carried[0], plan=replace(carried[0].plan, steps=steps))]
    (reason,) = only(holding, outlook, ToolBroken(tool="f7#2", since=NOW))
    assert (reason.code, reason.subject, reason.details["tool"]) == ("tool-broken", REAM, "f7#2")
    assert not only(holding, outlook, ToolBroken(tool="f7#1", since=NOW))
    assert not only(holding, outlook, ToolBroken(tool="f7#2", since=NOW, until=step.start))


def test_a_nearer_deadline_endangers_the_plan_that_misses_it_only():
    carried, outlook = gears()
    last = max(carried[0].plan.steps, key=lambda each: each.end)
    order = carried[0].plan.order
    (reason,) = only(carried, outlook, DueMoved(order=order, due_at=Instant(last.end - 1)))
    assert (reason.code, reason.subject) == ("due-missed", last.operation)
    assert not only(carried, outlook, DueMoved(order=order, due_at=last.end))


def test_a_person_who_is_away_outside_the_own_shift_is_missed_by_nobody():
    carried, outlook = gears()
    away = PersonAbsent(person=PersonId("p1"), since=NOW, until=Instant(NOW + DAY))
    assert only(carried, on_shift(outlook, DAY), away)
    assert not only(carried, on_shift(outlook, MINUTE), away)


def on_shift(outlook, end):
    """Let everybody work from midnight to some time of the day."""
    shift = Shift(id="day", label="Day", start_ns=0, end_ns=end)
    sites = {
        key: replace(
            site,
            shifts=(shift,),
            persons=tuple(replace(each, shift="day") for each in site.persons),
        )
        for key, site in outlook.network.sites.items()
    }
    return replace(outlook, network=replace(outlook.network, sites=sites))


def test_a_broken_vehicle_endangers_what_it_should_move():
    carried, outlook = gears()
    reasons = only(carried, outlook, UnitBroken(work_unit=WorkUnitId("g-agv"), since=NOW))
    movements = [each for each in carried[0].plan.movements if each.kind is MovementKind.TRANSPORT]
    assert [each.subject for each in reasons] == [each.taken_by for each in movements]


def test_a_machine_that_works_again_endangers_nothing():
    carried, outlook = gears()
    assert only(carried, outlook, UnitRepaired(work_unit=WorkUnitId("g-ream"), since=NOW)) == ()


def with_material(carried):
    """Let the mill of part A take a bar from the store."""
    bar, blank = MaterialId("bar"), MaterialId("mill-a-out")
    materials = (
        Material(id=bar, label="Bar"),
        Material(id=blank, label="Part A", made_of=(bar,)),
    )
    product = replace(carried[0].product, materials=materials)
    return [replace(each, product=product) for each in carried]


def test_late_material_endangers_the_step_that_takes_it_if_it_comes_after_the_start():
    carried, outlook = gears()
    carried = with_material(carried)
    start = carried[0].plan.step(OperationId("mill-a")).start
    late = MaterialLate(material=MaterialId("bar"), available_at=Instant(start + HOUR))
    (reason,) = only(carried, outlook, late)
    assert (reason.subject, reason.code) == ("mill-a", "material-late")
    assert reason.evidence[0].value == 3600.0
    assert reason.options[0].after == 3600.0
    assert not only(carried, outlook, replace(late, available_at=start))
    assert not only(carried, outlook, replace(late, site=SiteId("vienna")))


def test_a_late_shipment_endangers_its_plan_if_it_eats_more_than_the_slack():
    carried, outlook = gears(graz_tpe=16.2e-6)
    plan = carried[0].plan
    lane = next(each for each in plan.movements if each.kind is MovementKind.SHIPPING)
    chain = [each for each in plan.movements if each.made_by == lane.made_by]
    follows = next((each for each in chain if each.leg == lane.leg + 1), None)
    begins = plan.step(lane.taken_by).start if follows is None else follows.start
    late = ShipmentLate(
        order=plan.order,
        made_by=lane.made_by,
        taken_by=lane.taken_by,
        leg=lane.leg,
        arrives_at=begins,
    )
    assert not only(carried, outlook, late)
    (reason,) = only(carried, outlook, replace(late, arrives_at=Instant(begins + HOUR)))
    assert (reason.code, reason.subject) == ("shipment-late", lane.taken_by)


def test_a_closed_lane_endangers_what_should_leave_on_it():
    carried, outlook = gears(graz_tpe=16.2e-6)
    shipped = next(each for each in carried[0].plan.movements if each.lane is not None)
    closed = LaneClosed(lane=shipped.lane, since=NOW)
    (reason,) = only(carried, outlook, closed)
    assert (reason.code, reason.details["lane"]) == ("lane-closed", shipped.lane)
    assert not only(carried, outlook, replace(closed, until=Instant(NOW + 1)))


def test_an_absent_person_endangers_a_step_only_if_nobody_else_can_do_it():
    carried, outlook = gears()
    away = PersonAbsent(person=PersonId("p1"), since=NOW, until=Instant(NOW + DAY))
    (reason,) = only(carried, outlook, away)
    assert (reason.code, reason.subject) == ("person-absent", "clean")
    assert not only(carried, outlook, replace(away, until=Instant(NOW + MINUTE)))
    graz = outlook.network.sites[SiteId("graz")]
    second = replace(graz.persons[0], id=PersonId("p2"))
    sites = {**outlook.network.sites, graz.id: replace(graz, persons=(*graz.persons, second))}
    both = replace(outlook, network=replace(outlook.network, sites=sites))
    assert not only(carried, both, away)
    span = (NOW, Instant(NOW + DAY))
    assert only(carried, replace(both, absent={PersonId("p2"): (span,)}), away)
    shift = ShiftCancelled(
        site=graz.id, shift=graz.persons[0].shift, since=away.since, until=away.until
    )
    assert only(carried, both, shift)


def test_a_rush_order_endangers_the_plans_whose_machines_it_takes_but_not_what_is_running():
    carried, outlook = gears(count=1)
    rush = RushOrder(plan=shifted(carried[0].plan, 0, "rush"))
    reasons = only(carried, outlook, rush)
    assert {each.code for each in reasons} == {"unit-taken"}
    assert {each.subject for each in reasons} >= {"mill-a", "ream-a", "mill-b", "clean"}
    running = [replace(carried[0], running=frozenset({OperationId("mill-a")}))]
    assert "mill-a" not in {
        each.subject for each in only(running, outlook, rush) if not each.details.get("leg")
    }
    later = RushOrder(plan=shifted(carried[0].plan, 9 * DAY, "rush"))
    assert only(carried, outlook, later) == ()


def test_a_step_that_overran_endangers_what_follows_and_who_waits_for_the_machine():
    carried, outlook = gears(count=1)
    mill = carried[0].plan.step(OperationId("mill-a"))
    begun = [replace(carried[0], running=frozenset({mill.operation}))]
    other = shifted(carried[0].plan, mill.end - mill.start, "next")
    both = [*begun, Carried(plan=other, product=carried[0].product)]
    over = StepOverran(
        order=carried[0].plan.order,
        operation=mill.operation,
        work_unit=mill.work_unit,
        planned_end=mill.end,
        ends_at=Instant(mill.end + 5 * MINUTE),
    )
    found = listed(both, outlook).endangered(over, outlook)
    assert found == plainly(over, both, outlook)
    assert [each.order for each in found] == ["o0", "next"]
    assert {each.subject for each in found[0].reasons} == {REAM, "mill-b"}
    assert [each.subject for each in found[1].reasons] == ["mill-a"]
    assert found[1].reasons[0].evidence[0].limit == 0.0


# -- the index ------------------------------------------------------------------------------------


def test_what_is_finished_changed_or_begun_is_asked_no_more():
    carried, outlook = gears()
    watch = listed(carried, outlook)
    worn = KpiMoved(value=tpe("g-ream", 16.2e-6, at=NOW))
    assert [each.order for each in watch.endangered(worn, outlook)] == ["o0", "o1", "o2"]
    watch.drop(OrderId("o0"))
    watch.begin(OrderId("o1"), REAM)
    moved = tuple(
        replace(each, work_unit=WorkUnitId("v-ream"), site=SiteId("vienna"))
        if each.operation == REAM
        else each
        for each in carried[2].plan.steps
    )
    watch.put(replace(carried[2], plan=replace(carried[2].plan, steps=moved)))
    assert watch.endangered(worn, outlook) == ()
    assert len(watch) == 2
    watch.end(OrderId("o1"), REAM)
    broken = UnitBroken(work_unit=WorkUnitId("g-ream"), since=NOW)
    subjects = {each.subject for risk in watch.endangered(broken, outlook) for each in risk.reasons}
    assert REAM not in subjects


def test_more_plans_than_the_limit_are_refused_and_nothing_is_lost(monkeypatch):
    carried, outlook = gears(count=2)
    monkeypatch.setattr(module, "PLANS_MAX", 1)
    watch = listed(carried[:1], outlook)
    watch.put(carried[0])
    with pytest.raises(Invalid, match="at most 1"):
        watch.put(carried[1])
    assert [each.plan.order for each in watch.carried()] == ["o0"]


def test_the_index_says_what_impact_says():
    carried, outlook = gears()
    value = tpe("g-ream", 16.2e-6, at=NOW)
    worn = {**outlook.kpis, **kpis(value)}
    found = listed(carried, outlook).endangered(KpiMoved(value=value), outlook)
    for each, risk in zip(carried, found, strict=True):
        said = impact(each.plan, each.product, outlook.network, vocabulary(), worn, NOW)
        assert [(one.subject, one.evidence) for one in risk.reasons] == [
            (one.subject, one.evidence) for one in said
        ]


def random_plans(roll, count=4):
    """Return plans for several random orders in one random plant with persons and materials."""
    seed = roll.randrange(10_000)
    request, plant, values = random_instance(seed)
    shift = Shift(id="day", label="Day", start_ns=0, end_ns=DAY)
    sites = {}
    for site in plant.sites.values():
        persons = tuple(
            Person(
                id=PersonId(f"{site.id}-p{number}"),
                label="Assembler",
                site=site.id,
                skills=("assembler",),
                shift="day",
            )
            for number in range(2)
        )
        sites[site.id] = replace(site, persons=persons, shifts=(shift,))
    plant = replace(plant, sites=sites)
    carried = []
    for number in range(count):
        product = random_instance(seed + number * 7)[0].product
        operations = tuple(
            replace(each, person_skill=roll.choice([None, "assembler"]))
            for each in product.operations
        )
        wish = replace(request, product=replace(product, operations=operations))
        answer = check(wish, plant, vocabulary(), values, NOW, plans_max=1)
        if isinstance(answer, Producible):
            plan = shifted(answer.plans[0], roll.randrange(4) * HOUR, f"o{number}")
            carried.append(Carried(plan=with_tools(roll, plan), product=wish.product))
    return carried, Outlook(network=plant, vocabulary=vocabulary(), kpis=values, now=NOW)


def with_tools(roll, plan):
    """Let some steps hold a tool; who holds it when does not matter here."""
    steps = [replace(each, tools=roll.choice([(), (), ("f7",)])) for each in plan.steps]
    return replace(plan, steps=tuple(steps))


def begun(roll, each):
    """Return the plan with some steps running or done, and some movements arrived."""
    names = [step.operation for step in each.plan.steps]
    done = frozenset(name for name in names if roll.random() < 0.2)
    running = frozenset(name for name in names if roll.random() < 0.2) - done
    arrived = frozenset(
        (move.made_by, move.taken_by, move.leg)
        for move in each.plan.movements
        if roll.random() < 0.2
    )
    left = frozenset(
        (move.made_by, move.taken_by, move.leg)
        for move in each.plan.movements
        if roll.random() < 0.2
    )
    return replace(each, done=done, running=running, left=left, arrived=arrived)


def any_disturbance(roll, carried, outlook):
    plan = roll.choice(carried).plan
    step = roll.choice(plan.steps)
    since = Instant(NOW + roll.randrange(0, 12) * HOUR)
    until = Instant(since + roll.randrange(0, 12) * HOUR)
    site = roll.choice(list(outlook.network.sites.values()))
    person = roll.choice(site.persons).id
    kinds = [
        KpiMoved(value=tpe(step.work_unit, roll.choice([1e-6, 12e-6, 15e-6, 1.0]), at=NOW)),
        KpiMoved(value=tpe(step.work_unit, 1e-6, at=NOW - 9 * DAY)),
        KpiExpired(work_unit=step.work_unit, kpi=TOTAL_POSITION_ERROR),
        UnitBroken(work_unit=step.work_unit, since=since, until=roll.choice([None, until])),
        UnitRepaired(work_unit=step.work_unit, since=since),
        MaterialLate(material=MaterialId(f"{step.operation}-out"), available_at=until),
        PersonAbsent(person=person, since=since, until=until),
        ShiftCancelled(site=site.id, shift="day", since=since, until=until),
        RushOrder(plan=shifted(plan, roll.randrange(5) * HOUR, "rush")),
        StepOverran(
            order=plan.order,
            operation=step.operation,
            work_unit=step.work_unit,
            planned_end=step.end,
            ends_at=Instant(step.end + roll.randrange(120) * MINUTE),
        ),
        DueMoved(order=plan.order, due_at=until),
        ToolBroken(tool="f7", since=since, until=roll.choice([None, until])),
        UnitClosed(work_unit=step.work_unit, since=since, until=until, job="spindle"),
    ]
    if plan.movements:
        movement = roll.choice(plan.movements)
        vehicle = WorkUnitId(movement.by)
        kinds.append(UnitBroken(work_unit=vehicle, since=since, until=until))
        kinds.append(LaneClosed(lane=movement.lane or LaneId("any"), since=since))
        kinds.append(
            ShipmentLate(
                order=plan.order,
                made_by=movement.made_by,
                taken_by=movement.taken_by,
                leg=movement.leg,
                arrives_at=Instant(movement.end + roll.randrange(120) * MINUTE),
            )
        )
    return roll.choice(kinds)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1_000_000))
def test_the_index_answers_as_asking_plan_by_plan_does(seed):
    roll = Random(seed)
    carried, outlook = random_plans(roll)
    if not carried:
        return
    watch = listed(carried, outlook)
    now = [begun(roll, each) for each in carried]
    for before, after in zip(carried, now, strict=True):
        order = before.plan.order
        if roll.random() < 0.5:
            watch.put(after)
            continue
        for operation in sorted(after.running | after.done):
            watch.begin(order, operation)
        for operation in sorted(after.done):
            watch.end(order, operation)
        for key in sorted(after.left):
            watch.leave(order, *key)
        for key in sorted(after.arrived):
            watch.arrive(order, *key)
    if roll.random() < 0.5:
        gone = now.pop(roll.randrange(len(now)))
        watch.drop(gone.plan.order)
    for _ in range(6):
        happened = any_disturbance(roll, carried, outlook)
        found = watch.endangered(happened, outlook)
        assert {each.order: each.reasons for each in found} == {
            each.order: each.reasons for each in plainly(happened, now, outlook)
        }
