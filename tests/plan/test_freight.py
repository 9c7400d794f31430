"""Parts that come from another site: least cost and time, stock of others, and the checker."""

from itertools import combinations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from fabloop.model.disturbance import LaneClosed, MaterialLate
from fabloop.model.explanation import DangerCode, ReasonCode
from fabloop.model.ids import LaneId, OperationId, OrderId, SiteId
from fabloop.model.plan import Freight, Producible
from fabloop.model.product import Material, Purchase
from fabloop.model.site import Network, ShippingLane, Stock
from fabloop.plan.checker import check_plan
from fabloop.plan.orders import plan_orders
from fabloop.plan.producible import Objective, check, replan
from fabloop.plan.running.dangers import Carried, Outlook, dangers
from fabloop.plan.running.watchlist import Watchlist
from fabloop.plan.statement.materials import NEVER_AT
from fabloop.plan.statement.sources import (
    STORES_MAX,
    First,
    chosen,
    first_enough,
    least_of,
    sources_at,
)
from fabloop.plan.terms.wishes import Wishes
from plan.instances import NOW, gear, graz_and_vienna, random_instance, vocabulary
from plan.test_parts import BAR, EXPRESS, STEELWORKS, best, due, grounds, stocked, taking_bars

A = OperationId("mill-a")
SEEDS = st.integers(0, 1_000_000)


def held_there(order, plant, values):
    """Return the site where the first step is planned, and one that it is not."""
    here = best(order, plant, values).step(A).site
    return here, next(each for each in plant.sites if each != here)


def only_at(plan_site, plant):
    """Return wishes that keep the first step's site the only factory."""
    return Wishes(forbidden_sites=frozenset(each for each in plant.sites if each != plan_site))


def lane_of(plant, way):
    return next(each for each in plant.lanes if each.id == way.lane)


def test_stock_elsewhere_comes_by_lane_and_is_paid():
    plant, values = graz_and_vienna()
    here, there = held_there(gear(), plant, values)
    bare = check(gear(), plant, vocabulary(), values, NOW, wishes=only_at(here, plant)).plans[0]
    order = taking_bars(gear(), amount=3, supply=())
    held = stocked(plant, **{there: [(3, NOW + HOUR)]})
    answer = check(order, held, vocabulary(), values, NOW, wishes=only_at(here, plant))
    plan = answer.plans[0]
    (part,) = plan.step(A).parts
    lane = lane_of(plant, part.freight)
    assert (part.pieces, part.freight.origin, part.freight.start) == (3, there, NOW + HOUR)
    assert plan.step(A).start >= NOW + HOUR + lane.duration_ns
    assert plan.totals.cost_minor == bare.totals.cost_minor + lane.cost_minor
    assert abs(plan.totals.energy_j - bare.totals.energy_j - lane.energy_j) < 1e-3
    assert abs(plan.totals.co2_kg - bare.totals.co2_kg - lane.co2_kg) < 1e-9
    assert plan.totals.shipments == bare.totals.shipments + 1
    assert check_plan(plan, grounds(order, held, values)) == ()


def test_what_is_cheaper_bought_is_not_shipped_and_the_other_way_round():
    plant, values = graz_and_vienna()
    here, there = held_there(gear(), plant, values)
    held = stocked(plant, **{there: [(9, NOW)]})
    lane = next(each for each in plant.lanes if each.destination == here)
    for price, bought in ((lane.cost_minor // 3 - 1, True), (lane.cost_minor // 3 + 1, False)):
        sold = Purchase(supplier="shop", lead_ns=lane.duration_ns, cost_minor=price)
        order = due(taking_bars(gear(), amount=3, supply=(sold,)), 9 * DAY)
        answer = check(order, held, vocabulary(), values, NOW, wishes=only_at(here, plant))
        (part,) = answer.plans[0].step(A).parts
        assert (part.supplier == "shop") == bought == (part.freight is None)


def test_a_lane_with_departures_is_met_before_its_cut_off():
    plant, values = graz_and_vienna()
    here, there = held_there(gear(), plant, values)
    lanes = tuple(
        msgspec.structs.replace(each, departures=(8 * HOUR, 16 * HOUR), cut_off_ns=30 * MINUTE)
        for each in plant.lanes
    )
    held = stocked(msgspec.structs.replace(plant, lanes=lanes), **{there: [(1, NOW + 26 * HOUR)]})
    order = taking_bars(gear(), supply=())
    answer = check(order, held, vocabulary(), values, NOW, wishes=only_at(here, plant))
    plan = answer.plans[0]
    way = plan.step(A).parts[0].freight
    assert way.start - way.ready == 30 * MINUTE
    assert NOW + 26 * HOUR <= way.ready < NOW + 26 * HOUR + 16 * HOUR + SECOND
    assert check_plan(plan, grounds(order, held, values)) == ()


def test_a_supplier_that_delivers_elsewhere_only_is_shipped_on():
    plant, values = graz_and_vienna()
    here, there = held_there(gear(), plant, values)
    sold = Purchase(supplier="mill", lead_ns=HOUR, cost_minor=7, sites=(SiteId(there),))
    order = taking_bars(gear(), amount=2, supply=(sold,))
    answer = check(order, plant, vocabulary(), values, NOW, wishes=only_at(here, plant))
    plan = answer.plans[0]
    (part,) = plan.step(A).parts
    assert (part.supplier, part.freight.origin, part.cost_minor) == ("mill", there, 14)
    assert part.freight.ready >= NOW + HOUR
    assert check_plan(plan, grounds(order, plant, values)) == ()
    alone = msgspec.structs.replace(plant, lanes=())
    answer = check(order, alone, vocabulary(), values, NOW, wishes=only_at(here, alone))
    assert not isinstance(answer, Producible)


def test_other_tenants_give_no_parts():
    plant, values = graz_and_vienna()
    here, there = held_there(gear(), plant, values)
    held = stocked(plant, **{there: [(9, NOW)]})
    sites = {
        key: msgspec.structs.replace(site, tenant="other") if key == there else site
        for key, site in held.sites.items()
    }
    order = taking_bars(gear(), supply=())
    apart = msgspec.structs.replace(held, sites=sites)
    answer = check(order, apart, vocabulary(), values, NOW, wishes=only_at(here, plant))
    assert not isinstance(answer, Producible)


def test_wrong_freight_is_refused():
    plant, values = graz_and_vienna()
    here, there = held_there(gear(), plant, values)
    order = taking_bars(gear(), amount=2, supply=())
    held = stocked(plant, **{there: [(2, NOW + HOUR)]})
    wishes = only_at(here, plant)
    plan = check(order, held, vocabulary(), values, NOW, wishes=wishes).plans[0]
    (part,) = plan.step(A).parts
    way = part.freight

    def codes(freight, **more):
        told = msgspec.structs.replace(part, freight=freight, **more)
        steps = tuple(
            msgspec.structs.replace(each, parts=(told,)) if each.operation == A else each
            for each in plan.steps
        )
        found = check_plan(msgspec.structs.replace(plan, steps=steps), grounds(order, held, values))
        return {each.code for each in found}

    def changed(**more):
        return msgspec.structs.replace(way, **more)

    assert codes(way) == set()
    assert ReasonCode.STOCK_OVERDRAWN in codes(None)
    assert ReasonCode.MOVEMENT_FIGURE_WRONG in codes(changed(cost_minor=way.cost_minor - 1))
    assert ReasonCode.MOVEMENT_FIGURE_WRONG in codes(changed(end=Instant(way.end - HOUR)))
    assert ReasonCode.MOVEMENT_IMPOSSIBLE in codes(changed(lane=LaneId("nowhere")))
    assert ReasonCode.MOVEMENT_IMPOSSIBLE in codes(changed(origin=SiteId(here)))
    early = changed(ready=NOW, start=NOW, end=Instant(NOW + way.end - way.start))
    assert ReasonCode.MATERIAL_TOO_LATE in codes(early)
    late = changed(
        ready=Instant(way.ready + DAY), start=Instant(way.start + DAY), end=Instant(way.end + DAY)
    )
    assert ReasonCode.MATERIAL_TOO_LATE in codes(late)
    assert ReasonCode.DEPARTURE_MISSED in codes(changed(start=Instant(way.start + 1)))
    before = changed(ready=Instant(NOW - HOUR), start=Instant(NOW - HOUR))
    assert ReasonCode.DEPARTURE_MISSED in codes(before)
    assert ReasonCode.MATERIAL_MISSING in codes(way, pieces=1)


def test_every_field_of_a_freight_counts():
    plant, values = graz_and_vienna()
    here, there = held_there(gear(), plant, values)
    order = taking_bars(gear(), amount=2, supply=())
    held = stocked(plant, **{there: [(2, NOW + HOUR)]})
    plan = check(order, held, vocabulary(), values, NOW, wishes=only_at(here, plant)).plans[0]
    (part,) = plan.step(A).parts
    asked = grounds(order, held, values)
    shifts = (-DAY, -MINUTE, MINUTE, DAY)
    for name in Freight.__struct_fields__:
        value = getattr(part.freight, name)
        others = ["nowhere"] if isinstance(value, str) else [value + each for each in shifts]
        for each in others:
            way = msgspec.structs.replace(part.freight, **{name: each})
            told = msgspec.structs.replace(part, freight=way)
            steps = tuple(
                msgspec.structs.replace(step, parts=(told,)) if step.operation == A else step
                for step in plan.steps
            )
            assert check_plan(msgspec.structs.replace(plan, steps=steps), asked), (name, each)


def test_a_closed_lane_and_late_stock_endanger_the_step_that_waits_for_them():
    plant, values = graz_and_vienna()
    here, there = held_there(gear(), plant, values)
    order = taking_bars(gear(), supply=())
    held = stocked(plant, **{there: [(1, NOW + HOUR)]})
    plan = check(order, held, vocabulary(), values, NOW, wishes=only_at(here, plant)).plans[0]
    way = plan.step(A).parts[0].freight
    carried = Carried(plan=plan, product=order.product)
    outlook = Outlook(network=held, vocabulary=vocabulary(), kpis=values, now=NOW)
    watch = Watchlist(held, vocabulary())
    watch.put(carried)
    closed = LaneClosed(lane=way.lane, since=NOW, until=Instant(NOW + DAY))
    late = MaterialLate(material=BAR, site=SiteId(there), available_at=Instant(NOW + 2 * HOUR))
    early = MaterialLate(material=BAR, site=SiteId(there), available_at=Instant(NOW + HOUR))
    for happened, code in ((closed, DangerCode.LANE_CLOSED), (late, DangerCode.MATERIAL_LATE)):
        told = dangers(happened, carried, outlook)
        assert [(each.code, each.subject) for each in told if each.subject == A] == [(code, A)]
        (risk,) = watch.endangered(happened, outlook)
        assert risk.reasons == told
    assert dangers(early, carried, outlook) == () == watch.endangered(early, outlook)
    gone = msgspec.structs.replace(outlook, now=Instant(way.start + 1))
    assert A not in {each.subject for each in dangers(closed, carried, gone)}
    watch.drop(order.id)
    assert watch.endangered(closed, outlook) == ()


def test_parts_that_have_left_are_used_where_they_go():
    plant, values = graz_and_vienna()
    here, there = held_there(gear(), plant, values)
    order = taking_bars(gear(), amount=2, supply=())
    held = stocked(plant, **{there: [(2, NOW)]})
    wishes = only_at(here, plant)
    plan = check(order, held, vocabulary(), values, NOW, wishes=wishes).plans[0]
    (part,) = plan.step(A).parts
    later = Instant(part.freight.ready + MINUTE)
    done = {each.operation: each for each in plan.steps if each.end <= later}
    running = {each.operation: each for each in plan.steps if each.start < later < each.end}
    again = replan(
        order, plan, done, running, held, vocabulary(), values, later, objective=Objective.MAKESPAN
    )
    assert isinstance(again, Producible)
    step = again.plans[0].step(A)
    assert (step.site, step.parts) == (here, (part,))


@st.composite
def stores(draw):
    found = []
    for number in range(draw(st.integers(0, 4))):
        lane = ShippingLane(
            id=LaneId(f"l{number}"),
            carrier="truck",
            origin=SiteId(f"s{number % 3}"),
            destination=SiteId("here"),
            duration_ns=draw(st.integers(1, 9)) * HOUR,
            cost_minor=draw(st.integers(0, 50)),
            energy_j=float(draw(st.integers(0, 50))),
            co2_kg=float(draw(st.integers(0, 50))),
        )
        found.append(lane)
    entries = st.lists(
        st.tuples(st.integers(1, 4), st.integers(0, 9).map(lambda hours: hours * HOUR)), max_size=2
    )
    stock = [draw(entries) for _ in range(4)]
    supply = tuple(
        Purchase(
            supplier=f"p{number}",
            lead_ns=draw(st.integers(0, 9)) * HOUR,
            cost_minor=draw(st.integers(0, 30)),
            co2_kg=float(draw(st.integers(0, 30))),
            sites=draw(st.sampled_from([(), (SiteId("s0"),), (SiteId("here"),)])),
        )
        for number in range(draw(st.integers(0, 2)))
    )
    return found, stock, supply


def plain_site(name, stock):
    _, (site, *_) = 0, list(graz_and_vienna()[0].sites.values())
    held = tuple(
        Stock(material=BAR, quantity=quantity, available_at=Instant(at)) for quantity, at in stock
    )
    return msgspec.structs.replace(site, id=SiteId(name), stock=held, time_zone="UTC")


@settings(max_examples=60, deadline=None)
@given(stores(), st.integers(1, 9), st.integers(0, 20), st.sampled_from(First))
def test_no_other_set_of_sources_takes_less(case, pieces, hours, first):
    lanes, stock, supply = case
    sites = [plain_site(f"s{number}", stock[number]) for number in range(3)]
    here = plain_site("here", stock[3])
    inward = [(lane, sites[int(lane.origin[1:])]) for lane in lanes]
    bar = Material(id=BAR, label="Bar", third_party=True, supply=supply)
    sources = sources_at(bar, here, inward, Instant(0), Instant(0))
    by = Instant(hours * HOUR)
    found = chosen(sources, pieces, lambda _: 0, first, by)
    cheapest = brute_force(sources, pieces, first, by)
    assert (found is None) == (cheapest is None)
    soonest = first_enough(sources, pieces, lambda _: 0)
    assert (found is not None) == (soonest is not None and soonest <= by)
    if found is None:
        return
    assert sum(count for _, count in found) == pieces
    assert all(source.there <= by for source, _ in found)
    worth = first.worth(total(found))
    assert all(abs(a - b) < 1e-9 for a, b in zip(worth, cheapest, strict=True))
    bound = least_of(sources, pieces)
    assert all(a <= b + 1e-9 for a, b in zip(bound, total(found), strict=True))
    ever = brute_force(sources, pieces, first, NEVER_AT)
    place = {First.COST: 0, First.ENERGY: 1, First.CO2: 2}[first]
    assert abs(bound[place] - ever[0]) < 1e-9


def total(rows):
    sums = [source.takes(count) for source, count in rows if count]
    return tuple(sum(each[place] for each in sums) for place in range(3))


def brute_force(sources, pieces, first, by):
    """Return the least worth over all sets of sources, each store and each purchase once."""
    timely = [each for each in sources if each.there <= by]
    stores = [each for each in timely if each.purchase is None]
    bought = [each for each in timely if each.purchase is not None]
    worths = []
    for size in range(len(stores) + 1):
        for some in combinations(stores, size):
            if len({each.origin for each in some}) < size:
                continue
            held = sum(min(pieces, each.pieces) for each in some)
            rest = max(0, pieces - held)
            rows, left = [], pieces - rest
            for each in some:
                rows.append((each, min(left, each.pieces)))
                left -= rows[-1][1]
            for last in bought if rest else [None]:
                more = [(last, rest)] if last is not None else []
                worths.append(first.worth(total([*rows, *more])))
    return min(worths, default=None)


def test_of_more_stores_than_are_weighed_up_enough_are_taken_and_the_bound_holds():
    sites = [plain_site(f"s{number}", [(1, 0)]) for number in range(STORES_MAX + 4)]
    lanes = [
        ShippingLane(
            id=LaneId(f"l{number}"),
            carrier="truck",
            origin=SiteId(f"s{number}"),
            destination=SiteId("here"),
            duration_ns=HOUR,
            cost_minor=number + 1,
            energy_j=0.0,
            co2_kg=0.0,
        )
        for number in range(len(sites))
    ]
    bar = Material(id=BAR, label="Bar", third_party=True)
    here = plain_site("here", [])
    sources = sources_at(bar, here, zip(lanes, sites, strict=True), Instant(0), Instant(0))
    found = chosen(sources, len(sites), lambda _: 0, First.COST, NEVER_AT)
    assert total(found)[0] == sum(range(1, len(sites) + 1)) == least_of(sources, len(sites))[0]
    assert chosen(sources, len(sites) + 1, lambda _: 0, First.COST, NEVER_AT) is None


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.integers(0, 3), st.integers(1, 3), st.booleans(), st.integers(0, 60))
def test_plans_over_sites_account_for_what_they_ship(seed, stock, amount, sold, hours):
    bare, free, values = random_instance(seed, operations=4)
    outputs = [each.output for each in bare.product.operations[:3]]
    first, *others = free.sites
    supply = (msgspec.structs.replace(STEELWORKS, sites=(first,)), EXPRESS)[: 1 + sold]
    order = due(taking_bars(bare, *outputs, amount=amount, supply=supply), hours * HOUR)
    plant = stocked(free, **{each: [(stock, NOW), (2, NOW + 9 * HOUR)] for each in others})
    answer = check(order, plant, vocabulary(), values, NOW, plans_max=2)
    if not isinstance(answer, Producible):
        return
    for plan in answer.plans:
        assert check_plan(plan, grounds(order, plant, values)) == ()
        assert all(each.bound <= each.value * (1 + 1e-9) for each in plan.optimality)
    again = replan(order, answer.plans[0], {}, {}, plant, vocabulary(), values, NOW)
    assert again.plans[0].steps == answer.plans[0].steps
    names = {each: SiteId(f"x-{each}") for each in plant.sites}
    assert renamed_cost(order, plant, values, names) == least_cost(answer)


def least_cost(answer):
    return next(e.bound for e in answer.plans[0].optimality if e.objective == "cost")


def renamed_cost(order, plant, values, names):
    """Return the least cost with sites called otherwise and listed the other way round."""

    def site_of(site):
        units = tuple(msgspec.structs.replace(u, site=names[u.site]) for u in site.work_units)
        people = tuple(msgspec.structs.replace(p, site=names[p.site]) for p in site.persons)
        return msgspec.structs.replace(site, id=names[site.id], work_units=units, persons=people)

    sites = {names[key]: site_of(site) for key, site in reversed(plant.sites.items())}
    lanes = tuple(
        msgspec.structs.replace(
            each, origin=names[each.origin], destination=names[each.destination]
        )
        for each in reversed(plant.lanes)
    )
    materials = tuple(
        msgspec.structs.replace(
            each,
            supply=tuple(
                msgspec.structs.replace(p, sites=tuple(names[s] for s in p.sites))
                for p in each.supply
            ),
        )
        for each in order.product.materials
    )
    product = msgspec.structs.replace(order.product, materials=materials)
    mine = msgspec.structs.replace(order, product=product)
    network = Network(sites=sites, lanes=lanes)
    return least_cost(check(mine, network, vocabulary(), values, NOW, plans_max=2))


@settings(max_examples=8, deadline=None)
@given(SEEDS, st.integers(1, 4))
def test_a_further_lane_or_more_stock_never_costs_more(seed, stock):
    bare, free, values = random_instance(seed, operations=4)
    order = due(taking_bars(bare, bare.product.operations[0].output, amount=2), 9 * DAY)
    first, *others = free.sites
    plant = stocked(free, **{others[0]: [(stock, NOW)]}) if others else free
    fewer = msgspec.structs.replace(plant, lanes=plant.lanes[1:])
    cheap = [check(order, each, vocabulary(), values, NOW, plans_max=1) for each in (plant, fewer)]
    if isinstance(cheap[1], Producible):
        assert least_cost(cheap[0]) <= least_cost(cheap[1]) + 1e-6
    if others:
        more = stocked(free, **{others[0]: [(stock + 2, NOW)], first: [(1, NOW)]})
        found = check(order, more, vocabulary(), values, NOW, plans_max=1)
        if isinstance(cheap[0], Producible):
            assert least_cost(found) <= least_cost(cheap[0]) + 1e-6


def test_orders_do_not_draw_the_same_piece_of_another_sites_stock():
    plant, values = graz_and_vienna()
    _, there = held_there(gear(), plant, values)
    held = stocked(plant, **{there: [(3, NOW)]})
    orders = [
        msgspec.structs.replace(
            taking_bars(gear(), amount=2, supply=(EXPRESS,)), id=OrderId(f"o{number}")
        )
        for number in range(2)
    ]
    answer = plan_orders(orders, held, vocabulary(), values, NOW, effort=0.3)
    assert len(answer.plans) == 2
    taken = [
        each.pieces
        for plan in answer.plans
        for step in plan.steps
        for each in step.parts
        if not each.supplier
    ]
    assert sum(taken) <= 3
