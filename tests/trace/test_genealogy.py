"""The tree of lots below a product, and what is known of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import HOUR, Instant
from fabloop.model.explanation import Explanation
from fabloop.model.facts import JobBound
from fabloop.model.ids import LotId, OperationId, PersonId, SiteId, WorkUnitId
from fabloop.trace.genealogy import finished_products, lots_within, record_of, tree_of
from model.lots import error, forest, lot
from plan.instances import NOW, gear


def job(operation="ream-a"):
    order = gear()
    return order, JobBound(
        order=order.id,
        job=1,
        step=f"op-{operation}",
        skill="ream",
        operation=OperationId(operation),
        work_unit=WorkUnitId("g-ream"),
        lane=None,
        person=PersonId("p1"),
        main=True,
        begun_at=NOW,
        duration_ns=HOUR,
        because=Explanation(code="bound", subject="g-ream"),
    )


def record(operation="ream-a", supplier_lot="", condition=(), **lots):
    order, done = job(operation)
    return record_of(
        order,
        done,
        site=SiteId("graz"),
        ended_at=Instant(NOW + HOUR),
        supplier_lot=supplier_lot,
        condition=condition,
        lots={OperationId(name.replace("_", "-")): LotId(each) for name, each in lots.items()},
        process="produce-order v2",
    )


def test_a_made_lot_is_named_after_order_and_operation_and_knows_its_parts():
    found = record(mill_a="order/mill-a")
    assert (found.lot, found.consumed) == ("order/ream-a", ("order/mill-a",))
    assert (found.material, found.order) == ("ream-a-out", "order")


def test_a_record_tells_where_when_by_whom_in_which_condition_and_under_which_process():
    value = error(12e-6, unit="g-ream")
    found = record(mill_a="order/mill-a", condition=(value,))
    assert (found.site, found.work_unit, found.person) == ("graz", "g-ream", "p1")
    assert (found.started_at, found.ended_at) == (NOW, NOW + HOUR)
    assert (found.kpis, found.process) == ((value,), "produce-order v2")


def test_a_supplied_lot_keeps_the_number_of_its_supplier():
    assert record("mill-a", supplier_lot="AL-4711").lot == "AL-4711"


def test_the_tree_shows_every_lot_below_top_first():
    records = [lot("bar"), lot("pin"), lot("leaf", "bar"), lot("hinge", "leaf", "pin")]
    tree = tree_of(records, LotId("hinge"))
    assert [each.lot for each in tree.lots()] == ["hinge", "leaf", "bar", "pin"]
    assert [part.record.lot for part in tree.parts] == ["leaf", "pin"]


def test_a_lot_without_a_record_is_no_silent_gap():
    with pytest.raises(KeyError):
        tree_of([lot("hinge", "leaf")], LotId("hinge"))


def test_a_product_of_thousands_of_steps_has_a_genealogy():
    count = 5_000
    records = [lot("0")] + [lot(str(each), str(each - 1)) for each in range(1, count)]
    assert sum(1 for _ in tree_of(records, LotId(str(count - 1))).lots()) == count


def test_finished_is_what_nothing_else_was_made_of():
    records = [lot("bar"), lot("leaf", "bar"), lot("spare")]
    assert [each.lot for each in finished_products(records)] == ["leaf", "spare"]


@given(st.integers(0, 10_000))
def test_every_lot_is_in_the_tree_of_exactly_one_finished_product(seed):
    records = forest(seed)
    seen = [
        each.lot
        for product in finished_products(records)
        for each in tree_of(records, product.lot).lots()
    ]
    assert sorted(seen) == sorted(each.lot for each in records)


@given(st.integers(0, 10_000))
def test_the_tree_and_the_plain_walk_yield_the_same_lots(seed):
    records = forest(seed)
    by_lot = {each.lot: each for each in records}
    for each in records:
        assert list(tree_of(records, each.lot).lots()) == list(lots_within(by_lot, each.lot))
