"""Which words make up a name, and which names an expression reads."""

from typing import Any

import pytest

from fabloop.feel import compile_expression


@pytest.mark.parametrize(
    ("source", "variables", "wanted"),
    [
        ("Full Name", {"Full Name": "Ada"}, "Ada"),
        ("order.Ship To.City", {"order": {"Ship To": {"City": "Graz"}}}, "Graz"),
        ("lead-time + 1", {"lead-time": 2}, 3),
        ("lead - time", {"lead": 5, "time": 2}, 3),
        ("a and b", {"a and b": 7}, 7),
        ("date", {"date": 5}, 5),
        ("count", {"count": 5}, 5),
        ("größe_2 + 1", {"größe_2": 1}, 2),
        ("[{x y: 1}][x y = 1].x y", {}, [1]),
        ("for the item in [1, 2] return the item + 1", {}, [2, 3]),
        ("{lead-time: 2, r: lead-time * 2}.r", {}, 4),
        ('@"PT1H".hours', {}, 1),
        ('time("10:00:00+02:00").time offset', {}, "PT2H"),
    ],
)
def test_a_name_may_hold_spaces_and_signs(
    source: str, variables: dict[str, Any], wanted: Any
) -> None:
    assert compile_expression(source, names=variables).evaluate(variables) == wanted


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("x > 10 and y.z = 3", {"x", "y"}),
        ("for i in xs return i + k", {"xs", "k"}),
        ("{a: b, c: a}", {"b"}),
        ("(function(p) p + q)(1)", {"q"}),
        ("count(list)", {"list"}),
        ("xs[price > 1]", {"xs", "price"}),
        ("some s in xs satisfies s = 1", {"xs"}),
        ("1 + 2", set()),
    ],
)
def test_an_expression_names_the_variables_it_reads(source: str, wanted: set[str]) -> None:
    assert compile_expression(source).variables == wanted


def test_a_name_declared_inside_hides_the_variable() -> None:
    assert compile_expression("for x in [1] return x").evaluate({"x": 9}) == [1]
    assert compile_expression("{x: 1, y: x}.y").evaluate({"x": 9}) == 1


def test_a_built_in_function_is_called_although_a_variable_has_its_name() -> None:
    assert compile_expression("count([1]) + count").evaluate({"count": 5}) == 6
