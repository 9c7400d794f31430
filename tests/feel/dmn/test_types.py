"""Declared types: what conforms, what is converted, what becomes null and why."""

from decimal import Decimal

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.feel.dmn import read_dmn
from feel.dmn.models import context, decision, definitions, given, item, text

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=6,
)


def echo(kind, *definitions_):
    """Return a model whose decision gives its input back."""
    return read_dmn(definitions(*definitions_, given("x", kind), decision("d", text("x"), "?x")))


def taken(model, value):
    return model.evaluate("d", {"x": value})


def test_a_single_value_and_a_list_of_one_stand_for_one_another():
    numbers = echo("tNumbers", item("tNumbers", "number", collection=True))
    assert taken(numbers, 4).value == [4]
    assert taken(numbers, [4, 5]).value == [4, 5]
    assert taken(echo("number"), [4]).value == 4
    assert taken(echo("number"), [4, 5]).value is None
    assert taken(numbers, "a").value is None


def test_text_from_outside_is_read_as_the_temporal_type_that_is_declared():
    lines = echo("tLine", item("tLine", "", ("on", "date"), ("takes", "days and time duration")))
    outcome = taken(lines, {"on": "2026-11-21", "takes": "PT5M"})
    assert outcome.plain == {"on": "2026-11-21", "takes": "PT5M"}
    assert type(outcome.value["on"]).__name__ == "Date"
    assert taken(echo("date"), "no date").value is None


def test_a_date_is_its_midnight_where_a_date_and_time_is_asked_for():
    model = read_dmn(definitions(decision("d", text('date("2026-11-21")'), kind="date and time")))
    assert model.evaluate("d", {}).plain == "2026-11-21T00:00:00Z"


def test_values_that_are_not_allowed_are_null_with_the_place():
    status = echo("tStatus", item("tStatus", "string", allowed='"NEW", "OLD"'))
    assert taken(status, "NEW").value == "NEW"
    outcome = taken(status, "BAD")
    assert outcome.value is None
    assert 'the value to be tStatus, but found string "BAD"' in outcome.warnings[0]
    many = echo("tMany", item("tMany", "number", allowed="> 0", collection=True))
    assert taken(many, [1, 2]).value == [1, 2]
    assert taken(many, [1, -2]).value is None


def test_a_constraint_is_about_the_whole_list():
    few = item("tFew", "number", constraint="count(?) &lt; 3", collection=True)
    assert taken(echo("tFew", few), [1, 2]).value == [1, 2]
    assert taken(echo("tFew", few), [1, 2, 3]).value is None


def test_a_context_needs_all_components_and_may_have_more():
    person = item("tPerson", "", ("name", "string"), ("age", "number"))
    model = echo("tPerson", person)
    assert taken(model, {"name": "a", "age": 3, "more": 1}).value["more"] == 1
    assert taken(model, {"name": "a"}).value is None
    assert taken(model, {"name": "a", "age": "3"}).value is None


def test_a_type_may_hold_itself():
    tree = (
        '<itemDefinition name="tTree"><itemComponent name="below" isCollection="true">'
        "<typeRef>tTree</typeRef></itemComponent></itemDefinition>"
    )
    model = echo("tTree", tree)
    assert taken(model, {"below": [{"below": []}]}).value == {"below": [{"below": []}]}
    assert taken(model, {"below": [{"below": 1}]}).value is None


def test_instance_of_knows_the_types_of_the_model():
    model = read_dmn(
        definitions(
            item("tPair", "", ("a", "number"), ("b", "number")),
            decision("d", text("[{a: 1, b: 2} instance of tPair, {a: 1} instance of tPair]")),
        )
    )
    assert model.evaluate("d", {}).value == [True, False]


def test_a_function_in_feel_may_name_types_of_the_model():
    numbers = item("tNumbers", "number", collection=True)
    source = "function(a: tNumbers) a"
    entries = context(("f", text(source)), (text('[f(1), f([2]), f("x")]'),))
    model = read_dmn(definitions(numbers, decision("d", entries)))
    assert model.evaluate("d", {}).value == [[1], [2], None]


def test_names_of_components_with_signs_are_known_behind_a_dot_and_in_filters():
    line = item("tLine", "", ("unit-price", "number"))
    model = read_dmn(
        definitions(
            line,
            item("tLines", "tLine", collection=True),
            given("lines", "tLines"),
            decision("d", text("lines[unit-price > 2].unit-price"), "?lines"),
        )
    )
    assert model.evaluate("d", {"lines": [{"unit-price": 1}, {"unit-price": 3}]}).value == [3]


def test_a_number_that_is_a_float_outside_is_exact_inside():
    model = read_dmn(definitions(given("x", "number"), decision("d", text("x * 3"), "?x")))
    outcome = model.evaluate("d", {"x": 0.1})
    assert outcome.value == Decimal("0.3")
    assert outcome.plain == 0.3


def test_unknown_types_and_circles_of_types_are_refused():
    with pytest.raises(Invalid, match="the name of a type, but found 'tNone'"):
        echo("tNone")
    with pytest.raises(Invalid, match="a type that ends in one of FEEL"):
        echo("tA", item("tA", "tB"), item("tB", "tA"))


@given_any(PLAIN)
def test_taking_a_type_twice_is_taking_it_once(value):
    pairs = echo(
        "tPairs", item("tPair", "", ("a", "number")), item("tPairs", "tPair", collection=True)
    )
    once = taken(pairs, value).value
    assert taken(pairs, once).value == once
