"""Variants: what conditions take out, how the rest is joined again, what features decide."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import MINUTE
from fabloop.model.documents import resolve
from fabloop.model.product import FeatureRule, Material, ParametricOperation, ProductFamily
from fabloop.model.variant import rule_holds, variant
from model.small_shop import small_shop, written


def hinge() -> ProductFamily:
    return resolve(written(small_shop())).families["hinge"]


def chain(*conditions: str) -> ProductFamily:
    """Return a family whose operations follow each other, each with its condition."""
    operations = tuple(
        ParametricOperation(
            id=f"op-{number}",
            label="",
            skill="work",
            inputs=(f"op-{number - 1}",) if number else (),
            output="thing",
            duration_ns=MINUTE,
            energy_j=0.0,
            cost_minor=0,
            condition=condition,
        )
        for number, condition in enumerate(conditions)
    )
    return msgspec.structs.replace(
        hinge(), materials=(Material(id="thing", label=""),), operations=operations
    )


def inputs(family: ProductFamily, **choices: str) -> dict[str, tuple[str, ...]]:
    return {each.id: each.inputs for each in variant(family, choices).operations}


def test_a_material_that_is_not_part_of_the_variant_is_not_made_either():
    made = variant(hinge(), {"load": "standard"})
    assert [each.id for each in made.materials] == ["bar", "leaf", "hinge"]
    assert [each.id for each in made.operations] == ["supply-bar", "ream-leaf", "fit-hinge"]
    assert made.materials[-1].made_of == ("leaf",)
    assert made.operation("fit-hinge").inputs == ("ream-leaf",)


def test_a_chosen_option_brings_its_materials_and_operations_in():
    made = variant(hinge(), {"load": "standard", "pin": "steel"})
    assert made.operation("fit-hinge").inputs == ("ream-leaf", "supply-pin")
    assert made.materials[-1].made_of == ("leaf", "pin")


def test_an_operation_left_out_hands_its_inputs_to_its_taker():
    family = chain("", 'load = "heavy"', 'load = "heavy"', "")
    assert inputs(family, load="standard") == {"op-0": (), "op-3": ("op-0",)}
    assert inputs(family, load="heavy")["op-3"] == ("op-2",)


def test_values_follow_the_chosen_option():
    standard = variant(hinge(), {"load": "standard"}).operation("ream-leaf")
    heavy = variant(hinge(), {"load": "heavy"}).operation("ream-leaf")
    assert (standard.duration_ns, heavy.duration_ns) == (12 * MINUTE, 20 * MINUTE)
    assert standard.requirement.constraints == {"diameter": 0.012, "position-tolerance": 15e-6}
    assert heavy.requirement.constraints["diameter"] == 0.016


def test_a_variant_keeps_the_choices_that_were_made_and_no_others():
    assert variant(hinge(), {"load": "heavy"}).choices == {"load": "heavy"}


def test_an_operation_that_loses_every_input_is_a_fault_of_the_family():
    with pytest.raises(Invalid, match="Expected something for operation 'op-1' to take"):
        variant(chain('load = "heavy"', ""), {"load": "standard"})


def test_a_condition_beyond_the_limits_of_an_expression_is_a_fault_of_the_family():
    endless = "count(for a in 1..999999999 return a) > 0"
    with pytest.raises(Invalid, match="Expected a condition that is true or false"):
        variant(chain("", endless, ""), {"load": "standard"})


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_whatever_is_left_out_the_rest_is_one_chain(kept):
    conditions = ["" if each else 'load = "heavy"' for each in kept]
    made = variant(chain("", *conditions, ""), {"load": "standard"})
    taken = [each for operation in made.operations for each in operation.inputs]
    assert taken == [operation.id for operation in made.operations[:-1]]
    assert made.final().id == f"op-{len(kept) + 1}"


@pytest.mark.parametrize(
    ("kind", "other", "holds"),
    [
        ("requires", "b", True),
        ("requires", "c", False),
        ("requires", None, False),
        ("excludes", "b", False),
        ("excludes", "c", True),
        ("excludes", None, True),
    ],
)
def test_a_rule_speaks_only_where_its_condition_is_chosen(kind, other, holds):
    rule = FeatureRule(kind=kind, when=("x", "a"), other=("y", "b"))
    choices = {"x": "a"} if other is None else {"x": "a", "y": other}
    assert rule_holds(rule, choices) is holds
    assert rule_holds(rule, {**choices, "x": "z"})
