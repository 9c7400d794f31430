"""Whatever is written or handed in: a value, or one of two refusals, never another error."""

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.base.errors import Invalid, Refused
from fabloop.feel import compile_expression, compile_unary_tests
from fabloop.feel.library import BUILTINS

SIGNS = [*list("()[]{},:.+-*/=<>@?"), "..", "**", "!=", "<=", ">=", "->"]
WORDS = [
    "if", "then", "else", "for", "in", "return", "some", "every", "satisfies", "and", "or", "not",
    "between", "instance", "of", "function", "null", "true", "false", "x", "xs", "d", "item",
    "partial", "number", "1", "0", "2.5", "1E6000", "-1", '"a"', '"(a+)+"', '"2026-11-21"',
    '@"PT1H"', '@"P1Y"', '@"10:00:00"', '@"2026-11-21"',
]  # fmt: skip
VARIABLES: dict[str, Any] = {"x": 5, "xs": [1, "a", {"b": None}], "d": {"a": {"b": 0.5}}}
soup = st.lists(st.sampled_from(SIGNS + WORDS), max_size=14).map(" ".join)
operands = st.sampled_from(
    ["x", "xs", "d", "null", "true", "1E6000", "-1", "0", '""', '"a"', "[]", "[1]", "[null]",
     "{}", "[1..5]", "(< 5)", "count", "function(a) a", '@"PT1H"', '@"P1Y"', '@"10:00:00Z"',
     '@"2026-11-21"', '@"2026-11-21T10:00:00@Europe/Vienna"']
)  # fmt: skip
calls = st.builds(
    lambda name, given: f"{name}({', '.join(given)})",
    st.sampled_from(sorted(BUILTINS)),
    st.lists(operands, max_size=4),
)
operations = st.builds(
    lambda a, op, b: f"({a}) {op} ({b})",
    operands | calls,
    st.sampled_from(["+", "-", "*", "/", "**", "=", "<", ">=", "in", "and", "or"]),
    operands | calls,
)


def attempt(source: str) -> None:
    try:
        found, warnings = compile_expression(source).evaluate_with_warnings(VARIABLES)
    except (Invalid, Refused):
        return
    assert all(warning.startswith("line ") for warning in warnings)
    assert found is None or isinstance(found, bool | int | float | str | list | dict)


@given(soup | st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_value_or_a_refusal(source: str) -> None:
    attempt(source)
    with suppress(Invalid, Refused):
        assert compile_unary_tests(source).accepts(5, VARIABLES) in (True, False, None)


@given(calls | operations)
@settings(max_examples=300, deadline=None)
def test_any_arguments_give_a_value_or_a_refusal(source: str) -> None:
    attempt(source)


@given(calls | operations)
@settings(max_examples=100, deadline=None)
def test_an_evaluation_depends_on_nothing_but_its_variables(source: str) -> None:
    def once() -> object:
        try:
            return compile_expression(source).evaluate_with_warnings(VARIABLES)
        except (Invalid, Refused) as refusal:
            return str(refusal)

    assert once() == once()


def test_a_path_of_what_are_no_names_has_no_value():
    for keys in ("{}", "[[1]]", "[{}]", '["a", {}]'):
        assert compile_expression(f"get value({{a: {{}}}}, {keys})").evaluate({}) is None
