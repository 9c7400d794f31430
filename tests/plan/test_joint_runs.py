"""Runs of a furnace or bath that steps share: who joins, who pays, and the checker."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, MINUTE, Instant
from fabloop.model.explanation import ReasonCode
from fabloop.model.ids import OrderId
from fabloop.model.plan import NotDecided, Producible
from fabloop.model.product import Per
from fabloop.model.site import EnergyBand
from fabloop.plan.checker import Grounds, check_plan
from fabloop.plan.engagements import engagements
from fabloop.plan.floors.orders_search import OrdersObjective
from fabloop.plan.orders import plan_orders
from fabloop.plan.producible import check
from fabloop.plan.terms.wishes import Wishes
from plan.instances import NOW, link, network, offer, operation, order, site, unit, vocabulary

MAKESPAN, TARDINESS, COST = OrdersObjective


def shop(*, most=10, ovens=1, rate=6000):
    """Return a site with ovens (they mill here) and a saw (it drills)."""
    hot = [
        msgspec.structs.replace(
            unit(f"oven-{n}", "s", "hall", offer("mill", monitored=False), rate=rate),
            batch_max=most,
        )
        for n in range(ovens)
    ]
    saw = unit("saw", "s", "hall", offer("drill", monitored=False))
    agv = unit("agv", "s", "hall")
    return network(site("s", [*hot, saw, agv], [link("hall", "hall", "agv")]))


def fired(name, pieces, *, family="steel", minutes=30, first=0, due=HOUR, **more):
    """Return an order that is fired, after sawing where `first` minutes are given."""
    steps = [operation("fire", "mill", minutes=minutes)]
    if first:
        steps = [
            operation("saw", "drill", minutes=first),
            operation("fire", "mill", "saw", minutes=minutes),
        ]
    made = order(*steps, name=name)
    operations = tuple(
        msgspec.structs.replace(each, batch_family=family, **more)
        if each.id == "fire"
        else msgspec.structs.replace(each, per=Per.LOT)
        for each in made.product.operations
    )
    product = msgspec.structs.replace(made.product, operations=operations)
    return msgspec.structs.replace(
        made, product=product, quantity=pieces, due_at=Instant(NOW + due)
    )


def together(orders, plant, objective=MAKESPAN, **more):
    answer = plan_orders(
        orders, plant, vocabulary(), {}, NOW, objective=objective, **{"effort": 0.2, **more}
    )
    for plan in answer.plans:
        assert check_plan(plan, grounds(plan, answer.plans, orders, plant)) == ()
    return answer


def grounds(plan, plans, orders, plant):
    mine = next(each for each in orders if each.id == plan.order)
    return Grounds(
        product=mine.product,
        network=plant,
        vocabulary=vocabulary(),
        kpis={},
        now=NOW,
        quantity=mine.quantity,
        busy=engagements((each for each in plans if each.order != plan.order), NOW),
    )


def fire(plan):
    return next(each for each in plan.steps if each.operation == "fire")


def runs(answer):
    return {(fire(each).work_unit, fire(each).start) for each in answer.plans}


def costs(answer):
    return sum(each.totals.cost_minor for each in answer.plans)


def test_orders_of_one_family_are_fired_at_once_and_share_what_that_takes():
    orders = [fired(f"o{n}", 3) for n in range(3)]
    answer = together(orders, shop())
    assert len(runs(answer)) == 1
    assert answer.optimality.value == 30 * MINUTE
    assert answer.optimality.proven
    alone = [together([each], shop()) for each in orders]
    batch = fire(answer.plans[0]).batch
    assert (batch.family, batch.pieces, batch.together) == ("steel", 3, 9)
    # Each pays a third of the oven, and of the energy that it takes besides the pieces' own.
    saved = sum(costs(each) for each in alone) - costs(answer)
    oven = 6000 * 0.5
    assert oven * 2 <= saved <= oven * 2 + 2 * 100
    energy = sum(each.totals.energy_j for each in answer.plans)
    single = sum(each.plans[0].totals.energy_j for each in alone)
    assert abs(single - energy - 2 * 2000.0 * 1800) < 1.0


def test_a_run_is_never_fuller_than_the_work_unit():
    orders = [fired(f"o{n}", pieces) for n, pieces in enumerate((3, 2, 3))]
    answer = together(orders, shop(most=5))
    assert len(runs(answer)) == 2
    assert answer.optimality.value == HOUR


@pytest.mark.parametrize(
    "other",
    [{"family": "brass"}, {"minutes": 31}, {"per": Per.LOT}, {"family": ""}],
    ids=["family", "programme", "lot", "none"],
)
def test_what_differs_is_not_joined(other):
    answer = together([fired("a", 3), fired("b", 3, **other)], shop())
    assert len(runs(answer)) == 2
    assert all(fire(each).batch is None for each in answer.plans)


def test_one_waits_for_the_other_where_that_is_better_for_both():
    orders = [fired("a", 3, due=9 * HOUR), fired("b", 3, first=10, due=9 * HOUR)]
    cheap = together(orders, shop(), COST)
    assert len(runs(cheap)) == 1
    assert min(fire(each).start for each in cheap.plans) >= NOW + 10 * MINUTE
    assert cheap.optimality.bound <= costs(cheap) == cheap.optimality.value
    urgent = [fired("a", 3, due=30 * MINUTE), fired("b", 3, first=10, due=9 * HOUR)]
    answer = together(urgent, shop(), TARDINESS)
    assert len(runs(answer)) == 2
    assert answer.optimality.value == 0


def test_operations_of_one_order_share_a_run_too():
    steps = [operation(each, "mill", minutes=30) for each in ("fire", "fire-2")]
    last = operation("join", "drill", "fire", "fire-2", minutes=5)
    made = order(*steps, last, name="o")
    operations = tuple(
        msgspec.structs.replace(each, batch_family="steel" if "fire" in each.id else "")
        for each in made.product.operations
    )
    mine = msgspec.structs.replace(
        made, product=msgspec.structs.replace(made.product, operations=operations)
    )
    answer = together([mine], shop())
    (plan,) = answer.plans
    assert len({(each.start, each.work_unit) for each in plan.steps if each.batch}) == 1
    # By itself an order is planned run by run, and says so.
    alone = check(mine, shop(), vocabulary(), {}, NOW)
    assert isinstance(alone, Producible)
    assert "share a run" in alone.plans[0].optimality[0].scope
    assert alone.plans[0].totals.cost_minor > plan.totals.cost_minor
    tight = Wishes(deadline=Instant(plan.steps[-1].end + MINUTE))
    refused = check(mine, shop(), vocabulary(), {}, NOW, wishes=tight)
    assert isinstance(refused, NotDecided)


def test_wrong_runs_are_refused():
    orders = [fired("a", 3), fired("b", 4)]
    plant = shop()
    plans = together(orders, plant).plans
    plan = plans[0]
    step = fire(plan)

    def codes(changed, others=plans[1:], network=plant):
        new = msgspec.structs.replace(
            plan, steps=tuple(changed if each.operation == "fire" else each for each in plan.steps)
        )
        found = check_plan(new, grounds(new, [new, *others], orders, network))
        return {each.code for each in found}

    def told(**more):
        batch = msgspec.structs.replace(step.batch, **more)
        return msgspec.structs.replace(step, batch=batch)

    assert codes(step) == set()
    assert ReasonCode.BATCH_WRONG in codes(told(together=8))
    assert ReasonCode.BATCH_WRONG in codes(told(pieces=2))
    assert ReasonCode.BATCH_WRONG in codes(told(family="brass"))
    assert ReasonCode.BATCH_WRONG in codes(step, others=())
    assert ReasonCode.BATCH_WRONG in codes(step, network=shop(most=6))
    assert ReasonCode.UNIT_OVERLAP in codes(msgspec.structs.replace(step, batch=None))
    late = msgspec.structs.replace(
        step, start=Instant(step.start + MINUTE), end=Instant(step.end + MINUTE)
    )
    assert {ReasonCode.BATCH_WRONG, ReasonCode.UNIT_OVERLAP} <= codes(late)
    cheap = msgspec.structs.replace(step, cost_minor=step.cost_minor - 1)
    assert ReasonCode.STEP_FIGURE_WRONG in codes(cheap)


def test_who_comes_later_keeps_clear_of_a_shared_run():
    plant = shop()
    answer = together([fired("a", 3), fired("b", 4)], plant)
    taken = engagements(answer.plans, NOW)
    later = plan_orders([fired("c", 2)], plant, vocabulary(), {}, NOW, busy=taken, effort=0.1)
    assert fire(later.plans[0]).start == NOW + 30 * MINUTE


JOBS = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.sampled_from(["steel", "brass"]),
        st.integers(0, 40),
        st.sampled_from([20, 30]),
    ),
    min_size=2,
    max_size=4,
)


def with_night_tariff(plant):
    """Return the plant with energy that costs half, and emits a third, at night."""

    def changed(each):
        band = EnergyBand(
            start_ns=0,
            end_ns=6 * HOUR,
            energy_minor_per_j=each.tariff.energy_minor_per_j / 2,
            co2_kg_per_j=each.tariff.co2_kg_per_j / 3,
        )
        tariff = msgspec.structs.replace(each.tariff, bands=(band,))
        return msgspec.structs.replace(each, tariff=tariff)

    sites = {key: changed(each) for key, each in plant.sites.items()}
    return msgspec.structs.replace(plant, sites=sites)


@settings(max_examples=10, deadline=None)
@given(JOBS, st.integers(2, 9), st.integers(1, 2), st.sampled_from(OrdersObjective), st.booleans())
def test_sharing_runs_is_never_worse_and_bounds_hold(jobs, most, ovens, objective, banded):
    plant = shop(most=most, ovens=ovens)
    plant = with_night_tariff(plant) if banded else plant
    orders = [
        fired(f"o{n}", pieces, family=family, first=first, minutes=minutes, due=DAY)
        for n, (pieces, family, first, minutes) in enumerate(jobs)
    ]
    answer = together(orders, plant, objective)
    apart = [
        fired(f"o{n}", pieces, family=f"own-{n}", first=first, minutes=minutes, due=DAY)
        for n, (pieces, _, first, minutes) in enumerate(jobs)
    ]
    single = together(apart, plant, objective)
    assert answer.optimality.value <= single.optimality.value
    assert answer.optimality.bound <= answer.optimality.value
    if not banded:
        assert costs(answer) <= costs(single)
    for plan in answer.plans:
        assert all(each.bound <= each.value * (1 + 1e-9) for each in plan.optimality)
    turned = [
        msgspec.structs.replace(each, id=OrderId(f"x-{each.id}")) for each in reversed(orders)
    ]
    again = together(turned, plant, objective)
    if objective is COST:
        assert again.optimality.bound == answer.optimality.bound
