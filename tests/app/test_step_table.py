"""The steps of a plan as a table: all of them in order of time, with shipments and slack."""

import msgspec

from fabloop.app.step_table import step_table
from fabloop.base.instant import span_text
from fabloop.plan.critical import Key, criticality
from fabloop.plan.producible import check
from plan.instances import NOW, gear, graz_and_vienna, vocabulary


def planned():
    order = gear()
    plant, values = graz_and_vienna(graz_tpe=16.2e-6)
    plan = check(order, plant, vocabulary(), values, NOW).plans[0]
    return order, plant, plan, criticality(plan, order.product)


def test_every_step_and_shipment_is_a_row_in_order_of_time_with_its_slack():
    order, plant, plan, found = planned()
    table = step_table(plan, order.product, plant, found, {})
    shipped = [row for row in table.rows if row[2].startswith("ship ")]
    assert len(shipped) == plan.totals.shipments > 0
    assert len(table.rows) == len(plan.steps) + len(shipped)
    starts = [row[0] for row in table.rows]
    assert starts == sorted(starts)
    for step in plan.steps:
        (row,) = [each for each in table.rows if each[2] == step.operation]
        late = found.slack_ns[Key(step.operation)]
        assert row[4] == (span_text(late) if late else "critical")


def test_the_zone_is_named_once_where_all_share_it_and_for_each_row_where_not():
    order, plant, plan, found = planned()
    table = step_table(plan, order.product, plant, found, {})
    zone = plant.sites["graz"].time_zone
    assert table.caption.endswith(f"times of {zone}")
    away = msgspec.structs.replace(plant.sites["vienna"], time_zone="Asia/Kolkata")
    mixed = msgspec.structs.replace(plant, sites={**plant.sites, "vienna": away})
    table = step_table(plan, order.product, mixed, found, {})
    assert table.caption.endswith("times of each site")
    told = {row[1].split()[-1] for row in table.rows}
    assert told == {zone, "Asia/Kolkata"}
