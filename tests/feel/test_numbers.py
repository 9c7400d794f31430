"""Numbers are exact to 34 digits, and cross the border unchanged."""

import math
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.feel import compile_expression, from_feel, to_feel

EXACT = Context(prec=34)
small = st.integers(-(10**15), 10**15)
decimals = st.decimals(-(10**9), 10**9, places=4)


def value(source: str, **variables: Any) -> Any:
    return compile_expression(source).evaluate(variables)


@given(small, small, st.sampled_from("+-*"))
def test_whole_numbers_compute_like_pythons(a: int, b: int, op: str) -> None:
    wanted = {"+": a + b, "-": a - b, "*": a * b}[op]
    assert value(f"a {op} b", a=a, b=b) == wanted


@given(decimals, decimals)
def test_decimals_keep_34_digits(a: Decimal, b: Decimal) -> None:
    product, _ = compile_expression("a * b + a").value({"a": a, "b": b})
    assert product == EXACT.add(EXACT.multiply(a, b), a)


@given(small, small.filter(bool))
def test_division_and_modulo_agree(a: int, b: int) -> None:
    assert value("b * floor(a / b) + modulo(a, b) = a", a=a, b=b) is True


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_comes_back_as_the_same_number(number: float) -> None:
    assert from_feel(to_feel(number)) == number


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(json_values)
def test_plain_data_crosses_the_border_unchanged(data: Any) -> None:
    assert from_feel(to_feel(data)) == data
    assert compile_expression("x").evaluate({"x": data}) == data
    assert compile_expression("x = x").evaluate({"x": data}) is True


@given(decimals, st.integers(0, 4))
def test_rounding_lies_between_floor_and_ceiling(number: Decimal, scale: int) -> None:
    source = (
        "floor(n, s) <= decimal(n, s) and decimal(n, s) <= ceiling(n, s)"
        " and ceiling(n, s) - floor(n, s) <= 10 ** -s"
        " and abs(round down(n, s)) <= abs(round half up(n, s))"
        " and abs(round half up(n, s)) <= abs(round up(n, s))"
    )
    assert value(source, n=number, s=scale) is True


@given(st.lists(small, min_size=1, max_size=20))
def test_statistics_agree_with_their_definitions(numbers: list[int]) -> None:
    assert value("sum(xs)", xs=numbers) == sum(numbers)
    assert value("min(xs) <= mean(xs) and mean(xs) <= max(xs)", xs=numbers) is True
    middle = value("median(xs)", xs=numbers)
    assert sum(n < middle for n in numbers) <= len(numbers) / 2
    assert sum(n > middle for n in numbers) <= len(numbers) / 2


@pytest.mark.parametrize("odd", [math.nan, math.inf, object(), Decimal("sNaN")])
def test_what_is_no_value_of_feel_is_null(odd: Any) -> None:
    found, warnings = compile_expression("x").evaluate_with_warnings({"x": odd})
    assert found is None
    assert "Expected 'x' to hold a value of FEEL" in warnings[0]


def test_a_boolean_is_no_number() -> None:
    assert value("x + 1", x=True) is None
    assert value("x = 1", x=True) is None
    assert value("x > 0", x=True) is None


def test_numbers_read_in_the_notation_asked_for() -> None:
    assert value('number("1.000.000,5", ".", ",")') == 1_000_000.5
    assert value('number("1 000", " ")') == 1000
    assert value('number("1,5")') is None
    assert value('number("12a")') is None
