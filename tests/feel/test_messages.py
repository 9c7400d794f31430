"""What is said about expressions that are wrong, and about values that became null."""

import pytest

from fabloop.base.errors import Invalid
from fabloop.feel import compile_expression, compile_unary_tests


@pytest.mark.parametrize(
    ("source", "place", "expected", "found"),
    [
        ("x >", "line 1, column 4", "a value, a name or '('", "the end"),
        ("x\n  + \n (", "line 3, column 3", "a value, a name or '('", "the end"),
        ("1 +* 2", "line 1, column 4", "a value, a name or '('", "'*'"),
        ("[1, 2", "line 1, column 6", "']'", "the end"),
        ("(1 + 2", "line 1, column 7", "')'", "the end"),
        ('x = "abc', "line 1, column 5", 'a closing "', "the end"),
        ("1 /* note", "line 1, column 3", "'*/'", "the end"),
        ("{a: 1, a: 2}", "line 1, column 8", "a key that is not there yet", "'a' again"),
        ('@"2026-13-01"', "line 1, column 2",
         "a date, time, date and time, or duration in ISO 8601", "'\"2026-13-01\"'"),
        ("1e9999", "line 1, column 1", "a number below 1E6145", "'1e9999'"),
        ("f(a: 1, 2)", "line 1, column 9", "arguments all by name or all by position", "'2'"),
        ("for in xs return 1", "line 1, column 5", "a name", "'in'"),
    ],
)  # fmt: skip
def test_a_fault_says_where_and_what(source: str, place: str, expected: str, found: str) -> None:
    with pytest.raises(Invalid) as caught:
        compile_expression(source)
    (fault,) = caught.value.faults
    assert (fault.path, fault.expected, fault.found) == (place, expected, found)


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("a == b", "Equality is a single '=' between two values."),
        ("a && b", "Write 'and'."),
        ("a = 'x'", "Strings stand in double quotes."),
        ("if a then b", "Every 'if' of FEEL has an 'else'."),
        ("function(a) external {}", "Other functions of other languages are not run."),
    ],
)
def test_a_fault_says_what_to_write_instead(source: str, hint: str) -> None:
    with pytest.raises(Invalid) as caught:
        compile_expression(source)
    assert caught.value.faults[0].hint == hint


def test_unary_tests_have_faults_too() -> None:
    with pytest.raises(Invalid, match="line 1, column 5"):
        compile_unary_tests("1, <")


@pytest.mark.parametrize(
    ("source", "place", "reason"),
    [
        ("missing + 1", "1, column 1", "a variable 'missing', but there is none."),
        ('\n"a" + 1', "2, column 5",
         "operands that '+' can work on, but found string \"a\" and number 1."),
        ("1 / 0", "1, column 3", "a result in range, but the divisor is zero."),
        ("{a: 1}.b", "1, column 7", "an entry 'b', but the context has only 'a'."),
        ("[1, 2][3]", "1, column 7", "an index from 1 to 2 or from -1, but found 3."),
        ("floor2(1.5)", "1, column 1",
         "a function 'floor2', but there is none. Did you mean 'floor'?"),
        ('abs("x")', "1, column 4",
         "a number or duration as 'n', but found string \"x\", in the call of 'abs'."),
        ('date("2026-02-30")', "1, column 5",
         "'date' to have a result, but \"2026-02-30\" is no date such as \"2026-11-21\"."),
        ('1 < "a"', "1, column 3",
         "two values of one ordered type around '<', but found number 1 and string \"a\"."),
        ("now()", "1, column 4",
         "'now' to have a result, but the evaluation was given no instant."),
    ],
)  # fmt: skip
def test_a_null_is_explained(source: str, place: str, reason: str) -> None:
    found, warnings = compile_expression(source).evaluate_with_warnings({})
    assert found is None
    assert f"line {place}: Expected {reason}" in warnings


def test_a_value_without_nulls_has_no_warnings() -> None:
    assert compile_expression("1 + x").evaluate_with_warnings({"x": 2}) == (3, ())


def test_a_filter_that_is_no_condition_keeps_nothing_and_says_so() -> None:
    found, warnings = compile_expression('{a: {b: 1}}.a["b"]').evaluate_with_warnings({})
    assert found == []
    assert "Expected a boolean or an index inside '[...]'" in warnings[0]


def test_an_explicit_null_is_no_reason_to_warn() -> None:
    assert compile_expression("null").evaluate_with_warnings({}) == (None, ())
    assert compile_expression("x = null").evaluate_with_warnings({"x": None}) == (True, ())
