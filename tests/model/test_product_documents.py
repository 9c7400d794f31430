"""Products as documents: groups, attributes, formulas, lots, routings, purchases."""

import pytest

from fabloop.base.instant import DAY, MINUTE
from fabloop.model.documents import check, resolve, resolve_order
from fabloop.model.product import Group, Per, Purchase
from fabloop.model.routing import makers, routed
from fabloop.model.variant import variant
from model.small_shop import Documents, put, small_shop, written


def hinge(documents: Documents, **choices):
    family = resolve(written(documents)).families["hinge"]
    return variant(family, {"load": "standard", **choices})


def parametric() -> Documents:
    """Return the shop with teeth per load, from which figures, parts and limits follow."""
    documents = small_shop()
    put(documents, "hinge.json/attributes", [
        {"name": "teeth", "label": "Teeth"},
        {"name": "bore", "label": "Bore", "unit": "mm", "formula": "8 + teeth / 6"},
    ])  # fmt: skip
    numbers = {"standard": {"teeth": 24}, "heavy": {"teeth": 36}}
    put(documents, "hinge.json/features/0/attributes", numbers)
    ream = documents["hinge.json"]["operations"][1]
    ream["duration"] = "= 2 + 0.5 * teeth [min]"
    ream["energy"] = '= if load = "heavy" then 2 else 1 [kWh]'
    ream["cost"] = "= 0.25 * teeth [EUR]"
    ream["constraints"]["diameter"] = "= bore [mm]"
    put(documents, "hinge.json/materials/3/made_of/0", {"part": "leaf", "quantity": "= teeth / 12"})
    put(documents, "hinge.json/materials/2/when", "pin != null and teeth > 30")
    return documents


@pytest.mark.parametrize(("load", "teeth", "kwh"), [("standard", 24, 1), ("heavy", 36, 2)])
def test_formulas_over_attributes_tell_figures_limits_and_parts(load, teeth, kwh):
    made = hinge(parametric(), load=load)
    ream = made.operation("ream-leaf")
    assert ream.duration_ns == (2 + teeth // 2) * MINUTE
    assert ream.energy_j == pytest.approx(kwh * 3.6e6)
    assert ream.cost_minor == 25 * teeth
    assert ream.requirement.constraints["diameter"] == pytest.approx((8 + teeth / 6) / 1000)
    assert made.materials[-1].amounts == {"leaf": teeth // 12}
    assert made.attributes == {"teeth": teeth, "bore": pytest.approx(8 + teeth / 6)}


def test_a_condition_may_read_an_attribute():
    assert "pin" in [each.id for each in hinge(parametric(), load="heavy", pin="steel").materials]
    light = [each.id for each in hinge(parametric(), load="standard", pin="steel").materials]
    assert "pin" not in light


def finishes() -> Documents:
    documents = small_shop()
    documents["hinge.json"]["features"].append(
        {
            "id": "finish", "label": "Finish", "group": "or",
            "options": ["anodised", "engraved", "oiled"],
            "attributes": {
                "anodised": {"extra": 3}, "engraved": {"extra": 4}, "oiled": {"extra": 0}
            },
        }
    )  # fmt: skip
    put(documents, "hinge.json/attributes", [{"name": "extra", "label": "Extra"}])
    fit = documents["hinge.json"]["operations"][3]
    fit["duration"] = "= 8 + extra [min]"
    put(documents, "hinge.json/operations/2/when", 'list contains(finish, "engraved")')
    return documents


def test_of_an_or_group_several_options_are_chosen_and_their_numbers_add_up():
    documents = finishes()
    assert resolve(written(documents)).families["hinge"].features[2].group is Group.OR
    made = hinge(documents, finish=("anodised", "engraved"), pin="steel")
    assert made.operation("fit-hinge").duration_ns == 15 * MINUTE
    assert "supply-pin" in [each.id for each in made.operations]
    plain = hinge(documents, finish=("oiled",), pin="steel")
    assert plain.operation("fit-hinge").duration_ns == 8 * MINUTE
    assert "supply-pin" not in [each.id for each in plain.operations]


def test_an_order_names_several_options_of_an_or_group_and_pieces():
    documents = put(finishes(), "order.json/choices/finish", ["oiled", "engraved"])
    put(documents, "order.json/quantity", 25)
    families = resolve(written(documents)).families
    order = resolve_order("order.json", written(documents)["order.json"], families)
    assert order.choices["finish"] == ("oiled", "engraved")
    assert order.quantity == 25


def test_rules_may_speak_of_two_options_of_an_or_group():
    documents = finishes()
    choice = {"feature": "finish", "option": "engraved"}
    other = {"feature": "finish", "option": "anodised"}
    documents["hinge.json"]["rules"].append({"kind": "requires", "when": choice, "other": other})
    assert check(written(documents)) == ()


@pytest.mark.parametrize(
    ("said", "per"),
    [({}, Per.PIECE), ({"per": "lot"}, Per.LOT), ({"duration": "12 min/lot"}, Per.LOT)],
)
def test_figures_are_per_piece_unless_they_are_said_to_be_per_lot(said, per):
    documents = small_shop()
    documents["hinge.json"]["operations"][1].update(said)
    ream = hinge(documents).operation("ream-leaf")
    assert ream.per is per
    assert ream.duration_ns == 12 * MINUTE


def test_a_formula_says_per_lot_within_its_unit():
    documents = put(small_shop(), "hinge.json/operations/1/duration", "= 3 * 4 [min/lot]")
    ream = hinge(documents).operation("ream-leaf")
    assert (ream.per, ream.duration_ns) == (Per.LOT, 12 * MINUTE)


def test_families_and_tools_of_an_operation_are_read():
    documents = small_shop()
    documents["hinge.json"]["operations"][1].update(
        {"setup_family": "fine", "batch_family": "bath", "tools": ["fixture F7"]}
    )
    ream = hinge(documents).operation("ream-leaf")
    assert (ream.setup_family, ream.batch_family, ream.tools) == ("fine", "bath", ("fixture F7",))


def test_third_party_material_tells_who_delivers_it():
    supply = [{"supplier": "Pins Ltd", "lead": "3 d", "cost": "1.20 EUR", "co2": "0.4 kg"}]
    documents = put(small_shop(), "hinge.json/materials/2/supply", supply)
    assert hinge(documents, pin="steel").materials[2].supply == (
        Purchase(supplier="Pins Ltd", lead_ns=3 * DAY, cost_minor=120, co2_kg=0.4),
    )


def two_ways() -> Documents:
    """Return the shop with a leaf that is reamed at once, or bored and then reamed."""
    documents = small_shop()
    operations = documents["hinge.json"]["operations"]
    bore = {**operations[1], "id": "bore-leaf", "when": 'load = "heavy"'}
    fine = {**operations[1], "id": "fine-leaf", "inputs": ["bore-leaf"], "when": 'load = "heavy"'}
    operations[1:1] = [bore, fine]
    operations[-1]["inputs"] = ["ream-leaf", "fine-leaf", "supply-pin"]
    put(documents, "hinge.json/alternatives", [
        {"id": "leaf", "label": "Leaf", "options": [
            {"id": "at-once", "label": "At once", "operations": ["ream-leaf"]},
            {"id": "in-two", "label": "In two steps", "operations": ["bore-leaf", "fine-leaf"]},
        ]},
    ])  # fmt: skip
    return documents


def test_alternative_routings_are_ways_between_the_same_operations():
    made = hinge(two_ways(), load="heavy", pin="steel")
    assert makers(made)["fit-hinge"] == (("ream-leaf", "fine-leaf"), ("supply-pin",))
    in_two = routed(made, {"leaf": "in-two"})
    assert in_two.operation("fit-hinge").inputs == ("fine-leaf", "supply-pin")


def test_a_way_whose_operations_are_all_left_out_is_no_way():
    made = hinge(two_ways(), load="standard")
    assert made.alternatives == ()
    assert {each.id: each.inputs for each in made.operations} == {
        "supply-bar": (), "ream-leaf": ("supply-bar",), "fit-hinge": ("ream-leaf",),
    }  # fmt: skip


def test_where_no_way_is_left_the_inputs_go_straight_to_the_taker_once():
    documents = two_ways()
    for index in (1, 2, 3):
        put(documents, f"hinge.json/operations/{index}/when", 'load = "heavy"')
    made = hinge(documents, load="standard")
    assert made.alternatives == ()
    assert made.operation("fit-hinge").inputs == ("supply-bar",)


def test_a_condition_that_takes_the_common_end_of_a_way_is_a_fault_at_load():
    documents = two_ways()
    put(documents, "hinge.json/operations/2/inputs", ["bore-leaf", "supply-extra"])
    extra = {**documents["hinge.json"]["operations"][0], "id": "supply-extra"}
    documents["hinge.json"]["operations"].append(extra)
    documents["hinge.json"]["alternatives"][0]["options"][1]["operations"].append("supply-extra")
    put(documents, "hinge.json/operations/1/when", "")
    faults = [each.sentence() for each in check(written(documents))]
    assert len(faults) == 1
    assert faults[0].startswith("hinge.json $.alternatives[0]: Expected one last operation")
    assert "where load = 'standard'" in faults[0]


def test_a_part_of_which_several_go_into_a_product_is_made_as_often():
    documents = put(
        small_shop(), "hinge.json/materials/1/made_of/0", {"part": "bar", "quantity": 3}
    )
    put(documents, "hinge.json/materials/3/made_of/0", {"part": "leaf", "quantity": 2})
    made = hinge(documents, pin="steel")
    assert {each.id: each.per_product for each in made.operations} == {
        "supply-bar": 6, "ream-leaf": 2, "supply-pin": 1, "fit-hinge": 1,
    }  # fmt: skip
    ream = made.operation("ream-leaf")
    assert (ream.runs(10), ream.pieces(10)) == (20, 20)
    lot = put(documents, "hinge.json/operations/1/per", "lot")
    assert hinge(lot).operation("ream-leaf").runs(10) == 1


def test_parts_are_counted_over_operations_that_are_left_out():
    documents = small_shop()
    documents["hinge.json"]["materials"].append(
        {"id": "pair", "label": "Pair", "made_of": [{"part": "leaf", "quantity": 2}]}
    )
    put(documents, "hinge.json/materials/3/made_of/0", {"part": "pair", "quantity": 5})
    pair = {**documents["hinge.json"]["operations"][3], "id": "pair-up", "output": "pair"}
    pair |= {"inputs": ["ream-leaf"], "when": 'load = "heavy"'}
    documents["hinge.json"]["operations"].append(pair)
    put(documents, "hinge.json/operations/3/inputs/0", "pair-up")
    for load in ("standard", "heavy"):
        made = hinge(documents, load=load)
        assert made.operation("ream-leaf").per_product == 10
        assert made.operation("supply-bar").per_product == 10
    assert made.operation("pair-up").per_product == 5


def test_more_pieces_than_any_product_has_are_refused():
    documents = small_shop()
    put(documents, "hinge.json/materials/1/made_of/0", {"part": "bar", "quantity": 100_000})
    put(documents, "hinge.json/materials/3/made_of/0", {"part": "leaf", "quantity": 100_000})
    (fault,) = check(written(documents))
    assert fault.sentence().startswith("hinge.json $.materials: Expected at most 1000000 pieces")
