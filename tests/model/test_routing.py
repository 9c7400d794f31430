"""Alternative routings: exclusive ways with a common start and end, and what one choice leaves."""

import msgspec

from fabloop.model.product import Alternative, ConfiguredProduct, Operation, RoutingOption
from fabloop.model.routing import makers, routed, routing_faults
from fabloop.model.skill import Requirement

Ways = dict[str, tuple[str, ...]]


def alternative(name: str, **options: tuple[str, ...]) -> Alternative:
    ways = tuple(RoutingOption(id=k, label=k, operations=v) for k, v in options.items())
    return Alternative(id=name, label=name, options=ways)


def product(inputs: Ways, *alternatives: Alternative) -> ConfiguredProduct:
    operations = tuple(
        Operation(
            id=each, label=each, requirement=Requirement(skill="s"), inputs=sources, output="m",
            duration_ns=1, energy_j=0.0, cost_minor=0,
        )
        for each, sources in inputs.items()
    )  # fmt: skip
    return ConfiguredProduct(
        product="p", label="P", version="1", choices={}, materials=(),
        operations=operations, alternatives=alternatives,
    )  # fmt: skip


def faults(inputs: Ways, *alternatives: Alternative) -> list[str]:
    return [f"{each.expected}: {each.found}" for each in routing_faults(inputs, alternatives)]


CAST_OR_MILL = alternative("body", cast=("cast", "trim"), mill=("mill",))
BODY: Ways = {
    "bar": (),
    "cast": ("bar",),
    "trim": ("cast",),
    "mill": ("bar",),
    "paint": ("trim", "mill", "lid"),
    "lid": (),
}


def test_ways_with_a_common_start_and_end_are_an_alternative():
    assert faults(BODY, CAST_OR_MILL) == []


def test_an_input_is_made_by_one_of_the_exclusive_operations():
    assert makers(product(BODY, CAST_OR_MILL))["paint"] == (("trim", "mill"), ("lid",))


def test_one_choice_leaves_an_ordinary_product():
    made = routed(product(BODY, CAST_OR_MILL), {"body": "mill"})
    assert made.alternatives == ()
    assert {each.id: each.inputs for each in made.operations} == {
        "bar": (), "mill": ("bar",), "paint": ("mill", "lid"), "lid": (),
    }  # fmt: skip


def test_an_alternative_may_lie_within_an_option():
    inputs = BODY | {"trim": ("file", "saw"), "file": ("cast",), "saw": ("cast",)}
    outer = alternative("body", cast=("cast", "file", "saw", "trim"), mill=("mill",))
    inner = alternative("trim", by_hand=("file",), by_saw=("saw",))
    assert faults(inputs, outer, inner) == []
    made = routed(product(inputs, outer, inner), {"body": "cast", "trim": "by_saw"})
    assert made.operation("trim").inputs == ("saw",)
    assert [each.id for each in routed(product(inputs, outer, inner), {"body": "mill"}).operations]


def test_options_that_end_at_different_operations_have_no_common_end():
    inputs = BODY | {"paint": ("trim", "lid"), "ship": ("paint", "mill")}
    assert faults(inputs, CAST_OR_MILL) == [
        "one last operation whose output one operation takes (the common end): 'paint', 'ship'"
    ]


def test_an_option_that_nothing_takes_from_has_no_end():
    inputs = BODY | {"paint": ("trim", "lid")}
    assert faults(inputs, CAST_OR_MILL) == [
        (
            "one last operation whose output one operation takes (the common end): "
            "nothing to take from 'mill'"
        )
    ]


def test_an_option_has_to_hand_over_once():
    inputs = BODY | {"paint": ("cast", "trim", "mill", "lid")}
    assert "2 that hand over: 'trim', 'cast'" in faults(inputs, CAST_OR_MILL)[0]


def test_options_start_from_the_same_operations():
    assert faults(BODY | {"mill": ("lid",)}, CAST_OR_MILL) == [
        "options that take from the same operations: 'bar' or 'lid'"
    ]


def test_an_operation_lies_in_one_option_and_alternatives_do_not_cross():
    twice = alternative("body", cast=("cast", "trim"), mill=("mill", "cast"))
    assert "operations of one option only: 'cast'" in faults(BODY, twice)
    crossing = alternative("other", a=("trim", "mill"), b=("lid",))
    found = faults(BODY, CAST_OR_MILL, crossing)
    assert any(each.startswith("an alternative apart from 'body'") for each in found)


def test_unknown_operations_are_named():
    unknown = alternative("body", cast=("cast", "trim"), mill=("grind",))
    assert faults(BODY, unknown) == ["operations of the product: 'grind'"]


def test_products_without_alternatives_are_as_they_were():
    plain = product({"a": (), "b": ("a",)})
    assert makers(plain) == {"a": (), "b": (("a",),)}
    assert routed(plain, {}) == msgspec.structs.replace(plain)
