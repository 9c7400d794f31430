"""Gantt chart, map of shipments, Pareto plot and conflict view: what they tell, and how."""

from itertools import combinations

import msgspec

from app.pictures.reading import bar, outside, signs, titled, titles, tree, words
from fabloop.app.dealings import dealings
from fabloop.app.pictures.conflict import conflict_picture
from fabloop.app.pictures.gantt import gantt_picture
from fabloop.app.pictures.orders import orders_picture
from fabloop.app.pictures.pareto import pareto_picture
from fabloop.app.pictures.plan import plan_picture
from fabloop.app.pictures.shipments import shipment_picture
from fabloop.app.pictures.svg import shortened, text_width
from fabloop.base.instant import DAY, Instant
from fabloop.model.plan import NotProducible, Producible
from fabloop.plan.critical import Key, criticality
from fabloop.plan.producible import check
from plan.instances import NOW, gear, graz_and_vienna, vocabulary
from plan.test_joint_runs import fired, shop, together
from plan.test_parts import stocked, taking_bars
from plan.test_shared_shipments import named, with_room
from plan.test_shared_shipments import together as sharing


def answered(order, **tpe):
    plant, values = graz_and_vienna(**tpe)
    return plant, check(order, plant, vocabulary(), values, NOW)


def gantt(**more):
    order = gear()
    plant, answer = answered(order, graz_tpe=16.2e-6)
    plan = answer.plans[0]
    found = criticality(plan, order.product)
    return plan, found, gantt_picture(plan, order.product, plant, found, **more)


def test_each_step_has_a_row_that_tells_whether_it_is_critical_or_how_late_it_may_be():
    plan, found, svg = gantt()
    told = titles(svg)[1:]
    assert len(told) == len(plan.steps)
    for step in plan.steps:
        (line,) = [each for each in told if each.startswith(f"{step.operation} on ")]
        late = found.slack_ns[Key(step.operation)]
        assert ("critical path" in line) == (late == 0)
        assert ("may be" in line) == (late > 0)


def test_bars_of_the_gantt_chart_are_as_long_as_their_steps():
    plan, _, svg = gantt()
    lengths = [
        (bar(titled(svg, f"{each.operation} on")[0])[1], each.end - each.start)
        for each in plan.steps
    ]
    (width, took), *rest = lengths
    for other, span in rest:
        assert abs(other / width - span / took) < 0.02


def test_the_due_instant_is_drawn_where_it_is_near_and_told_where_it_is_far():
    plan, *_ = gantt()
    finish = max(each.end for each in plan.steps)
    assert "due" in words(gantt(due_at=Instant(finish))[2])
    far = words(gantt(due_at=Instant(finish + 30 * DAY))[2])
    assert [each for each in far if each.startswith("due ") and each.endswith("→")]


def test_the_map_shows_every_site_and_each_shipment_with_its_figures():
    order = gear()
    plant, answer = answered(order, graz_tpe=16.2e-6)
    plan = answer.plans[0]
    svg = shipment_picture(plan, order.product, plant)
    assert {"graz", "vienna"} <= set(words(svg))
    listed = [each for each in words(svg) if " to " in each and "carrier" in each]
    assert len(listed) == plan.totals.shipments > 0
    assert "50.00 EUR" in listed[0]
    assert len([each for each in titles(svg) if each.startswith("Shipment ")]) == len(listed)


def test_parts_that_come_by_lane_are_on_the_map_and_in_the_lanes_of_carriers():
    order = taking_bars(gear(), amount=3, supply=())
    plant = stocked(graz_and_vienna()[0], vienna=[(3, NOW)])
    _, values = graz_and_vienna()
    plan = next(
        each
        for each in check(order, plant, vocabulary(), values, NOW).plans
        if any(part.freight for step in each.steps for part in step.parts)
    )
    svg = shipment_picture(plan, order.product, plant)
    listed = [each for each in words(svg) if "3 x Bar: vienna to graz" in each]
    assert len(listed) == 1
    lanes = titles(plan_picture(plan, order.product, plant))
    assert any(each.startswith("Shipment of 3 x Bar, vienna → graz, by carrier") for each in lanes)
    (table,) = dealings(plan, plant, {})
    assert [row[4] for row in table.rows if row[4].startswith("stock of vienna, carrier ")]


def test_goods_that_share_a_shipment_say_of_how_many_they_are_one():
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    plant = with_room(plant, 2, departures=(0,))
    orders = [named(gear(), f"o{number}") for number in range(2)]
    (plan, _) = sharing(orders, plant, values).plans
    listed = words(shipment_picture(plan, orders[0].product, plant))
    assert any(each.endswith("one of 2 goods") for each in listed)


def test_a_plan_without_shipments_says_so():
    order = gear()
    plant, answer = answered(order)
    svg = shipment_picture(answer.plans[0], order.product, plant)
    assert "Nothing is shipped: one site does everything." in words(svg)
    assert "vienna: not used" in titles(svg)


def test_every_plan_is_a_point_in_each_panel_and_tells_all_its_figures():
    _, answer = answered(gear())
    assert isinstance(answer, Producible)
    svg = pareto_picture(answer.plans, chosen=2)
    told = [each for each in titles(svg) if each.startswith("Plan ")]
    assert len(told) == 3 * len(answer.plans)
    assert signs(svg).count("done") == 3
    cost = f"{answer.plans[0].totals.cost_minor / 100:.2f} EUR"
    assert all(cost in each for each in told if each.startswith("Plan 1 "))
    assert pareto_picture(answer.plans[:1])


def test_a_conflict_shows_values_beside_their_limit_and_the_unknown_as_not_known():
    order = gear(limit=5e-6)
    plant, values = graz_and_vienna()
    known = {key: each for key, each in values.items() if key[0] != "v-ream"}
    answer = check(order, plant, vocabulary(), known, NOW)
    assert isinstance(answer, NotProducible)
    svg = conflict_picture(answer, NOW)
    assert "12 µm" in words(svg)
    assert "not known" in words(svg)
    assert "limit 5 µm" in words(svg)
    assert signs(svg) == ["failed"] * len(answer.conflicts)


def test_pictures_need_no_network_no_script_and_no_ids_and_escape_what_people_wrote():
    order = gear()
    evil = tuple(
        msgspec.structs.replace(each, label="<script>&") for each in order.product.operations
    )
    product = msgspec.structs.replace(order.product, operations=evil)
    plant, answer = answered(order, graz_tpe=16.2e-6)
    plan = answer.plans[0]
    drawn = [
        gantt_picture(plan, product, plant, criticality(plan, product)),
        shipment_picture(plan, product, plant),
        pareto_picture(answer.plans),
    ]
    assert not [each for svg in drawn for each in outside(svg)]


def test_a_run_is_one_bar_of_all_its_orders_and_a_row_of_each_ones_table():
    orders = [fired("a", 3), fired("b", 4)]
    plant = shop()
    plans = together(orders, plant).plans
    drawn = orders_picture(plans, {each.id: each for each in orders}, plant)
    bars = [each for each in titles(drawn) if "fire on" in each]
    assert len(bars) == 1
    assert bars[0].startswith("A+B (a, b): fire on oven-0")
    rows = [table.rows for plan in plans for table in dealings(plan, plant, {})]
    assert [row[0][3:] for row in rows] == [("steel", "3", "7"), ("steel", "4", "7")]
    swimlanes = titles(plan_picture(plans[0], orders[0].product, plant))
    assert any("3 of 7 pieces in one run" in each for each in swimlanes)


def many_sites(plant, count):
    more = {
        f"s{number}": msgspec.structs.replace(
            plant.sites["vienna"], id=f"s{number}", label=f"Site {number}", work_units=()
        )
        for number in range(count)
    }
    return msgspec.structs.replace(plant, sites={**plant.sites, **more})


def test_of_many_sites_those_without_a_part_are_named_below_the_map():
    order = gear()
    plant, answer = answered(order, graz_tpe=16.2e-6)
    plan = answer.plans[0]
    svg = shipment_picture(plan, order.product, many_sites(plant, 18))
    assert not [each for each in titles(svg) if each.endswith("not used")]
    told = " ".join(words(svg))
    assert "Not used (18): Site 0, Site 1," in told
    assert "graz" in words(svg)


def test_sites_that_take_part_do_not_cover_each_other_however_many():
    order = gear()
    plant, answer = answered(order, graz_tpe=16.2e-6)
    plan = answer.plans[0]
    plant = many_sites(plant, 18)
    all_used = msgspec.structs.replace(plan.totals, sites=tuple(plant.sites))
    plan = msgspec.structs.replace(plan, totals=all_used)
    svg = shipment_picture(plan, order.product, plant)
    boxes = [each for each in tree(svg).iter("{*}rect") if each.get("rx") == "6"]
    assert len(boxes) == 20
    places = [(float(each.get("x")), float(each.get("y"))) for each in boxes]
    for (x, y), (other_x, other_y) in combinations(places, 2):
        assert abs(x - other_x) >= 170 or abs(y - other_y) >= 58


def test_points_that_lie_close_share_a_number_and_no_axis_goes_below_zero():
    _, answer = answered(gear())
    (plan, *_) = answer.plans
    totals = [
        msgspec.structs.replace(plan.totals, cost_minor=1000 + number, co2_kg=0.001 * number)
        for number in range(100)
    ]
    plans = [msgspec.structs.replace(plan, totals=each) for each in totals]
    svg = pareto_picture(plans, chosen=7)
    numbers = [each for each in words(svg) if each.isdigit()]
    assert len(numbers) < 60
    assert numbers.count("7") == 3
    assert not [each for each in words(svg) if each.startswith("-")]
    assert len([each for each in titles(svg) if each.startswith("Plan ")]) == 300


def test_a_single_step_without_a_length_is_drawn_with_times_around_it():
    order = gear()
    plant, answer = answered(order)
    plan = answer.plans[0]
    (first, *_) = plan.steps
    product = msgspec.structs.replace(
        order.product,
        operations=(msgspec.structs.replace(order.product.operation(first.operation), inputs=()),),
    )
    alone = msgspec.structs.replace(
        plan, steps=(msgspec.structs.replace(first, end=first.start),), movements=()
    )
    found = criticality(alone, product)
    for svg in (
        gantt_picture(alone, product, plant, found),
        plan_picture(alone, product, plant),
        orders_picture((alone,), {order.id: order}, plant),
    ):
        assert [each for each in words(svg) if ":" in each and "20" in each]


def test_pictures_of_orders_tell_steps_by_their_labels_and_what_bars_mean():
    order = gear()
    named_ = tuple(
        msgspec.structs.replace(each, label=f"Step {each.id}") for each in order.product.operations
    )
    product = msgspec.structs.replace(order.product, operations=named_)
    order = msgspec.structs.replace(order, product=product)
    plant, answer = answered(order)
    svg = orders_picture(answer.plans[:1], {order.id: order}, plant)
    for each in product.operations:
        assert any(f": Step {each.id} on " in title for title in titles(svg))
    assert "step, with the letter of its order" in words(svg)


def test_wide_characters_are_reckoned_with_where_names_are_cut():
    assert text_width("東京") == 24
    assert text_width("e\u0301") == text_width("e")
    short = shortened("株式会社東京精密機械製作所", 100)
    assert short.endswith("…")
    assert text_width(short) <= 100
