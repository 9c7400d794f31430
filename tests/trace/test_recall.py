"""Recall: which products does a doubtful lot or machine reach? Unknown is not fine."""

import time

from hypothesis import given
from hypothesis import strategies as st

from fabloop.model.ids import LotId, SkillId, WorkUnitId
from fabloop.model.kpi import TOTAL_POSITION_ERROR
from fabloop.trace.genealogy import finished_products, tree_of
from fabloop.trace.recall import ContainsLot, MadeWhile, recall
from model.lots import MACHINE, MILL, REAM, WORDS, error, forest, lot, skills

LIMIT = 15e-6


def ask(query, *records):
    return recall(query, records, skills(*records), WORDS)


def while_above(skill=REAM, unit="m1", above=LIMIT):
    return MadeWhile(skill=skill, work_unit=WorkUnitId(unit), kpi=TOTAL_POSITION_ERROR, above=above)


def reamed(*kpis, unit="m1"):
    """A product of two lots, the lower of which was reamed."""
    return lot("bore", operation="ream", unit=unit, kpis=kpis), lot("gear", "bore", unit="m2")


def test_a_product_with_the_lot_anywhere_below_is_a_hit_and_says_which_lot():
    records = [lot("bar"), lot("leaf", "bar"), lot("hinge", "leaf"), lot("other", order="o2")]
    answer = ask(ContainsLot(lot=LotId("bar")), *records)
    assert [(each.product, each.order, each.because) for each in answer.hits] == [
        ("hinge", "o", ("bar",))
    ]
    assert answer.products_searched == 2


def test_a_product_may_itself_be_the_lot():
    assert ask(ContainsLot(lot=LotId("bar")), lot("bar")).hits[0].because == ("bar",)


def test_an_unknown_lot_hits_nothing_and_still_says_how_many_were_searched():
    answer = ask(ContainsLot(lot=LotId("nowhere")), lot("bar"), lot("rod"))
    assert (answer.hits, answer.products_searched) == ((), 2)


def test_work_done_while_the_value_was_above_the_limit_is_a_hit():
    answer = ask(while_above(), *reamed(error(16e-6)))
    assert [(each.product, each.because) for each in answer.hits] == [("gear", ("bore",))]


def test_the_upper_bound_counts_and_the_limit_itself_is_fine():
    assert ask(while_above(), *reamed(error(LIMIT))).hits == ()
    assert error(15.5e-6).value < LIMIT
    assert ask(while_above(), *reamed(error(15.5e-6))).hits


def test_an_unknown_value_is_a_hit():
    assert ask(while_above(), *reamed()).hits
    other = error(1e-6, kpi="spindle-temperature")
    assert ask(while_above(), *reamed(other)).hits


def test_one_bad_value_among_several_is_a_hit():
    assert ask(while_above(), *reamed(error(9e-6), error(18e-6))).hits


def test_only_the_asked_machine_and_skill_count():
    assert ask(while_above(unit="m2"), *reamed(error(18e-6))).hits == ()
    assert ask(while_above(skill=MILL), *reamed(error(18e-6))).hits == ()


def test_a_broader_skill_finds_the_work_of_narrower_ones():
    assert ask(while_above(skill=MACHINE), *reamed(error(18e-6))).hits


@given(st.integers(0, 10_000), st.data())
def test_a_recalled_lot_hits_exactly_the_products_whose_tree_contains_it(seed, data):
    records = forest(seed)
    wanted = data.draw(st.sampled_from([*(each.lot for each in records), LotId("nowhere")]))
    answer = ask(ContainsLot(lot=wanted), *records)
    contain = [
        product.lot
        for product in finished_products(records)
        if wanted in {each.lot for each in tree_of(records, product.lot).lots()}
    ]
    assert [each.product for each in answer.hits] == contain
    assert all(each.because == (wanted,) for each in answer.hits)


@given(st.integers(0, 10_000), st.sampled_from([0.0, 9e-6, 15e-6, 18e-6]))
def test_a_lower_limit_never_recalls_less(seed, above):
    records = forest(seed)

    def hit(limit):
        answer = ask(while_above(MACHINE, above=limit), *records)
        return {(each.product, lot) for each in answer.hits for lot in each.because}

    assert hit(18e-6) <= hit(above) <= hit(0.0)
    assert hit(0.0) == {
        (product.lot, each.lot)
        for product in finished_products(records)
        for each in tree_of(records, product.lot).lots()
        if each.work_unit == "m1"
    }


def test_a_recall_over_ten_thousand_products_takes_its_time_once():
    """One pass over the records: quadratic work would take minutes here."""
    records = []
    for number in range(10_000):
        parts = [f"{number}/{each}" for each in range(3)]
        records += [lot(each, order=f"o{number}") for each in parts]
        records.append(lot(f"{number}", *parts, order=f"o{number}"))
    known = {(each.order, each.operation): SkillId("mill") for each in records}
    begun = time.process_time()
    answer = recall(ContainsLot(lot=LotId("77/1")), records, known, WORDS)
    assert time.process_time() - begun < 5
    assert [each.product for each in answer.hits] == ["77"]
    assert answer.products_searched == 10_000
