"""What expressions mean: operators, logic, collections, functions."""

from typing import Any

import pytest

from fabloop.feel import compile_expression

ORDER = {
    "number": "A-7",
    "priority": 3,
    "lines": [
        {"part": "plate", "qty": 4, "price": 2.5},
        {"part": "gear", "qty": 10, "price": 12},
        {"part": "bolt", "qty": 200, "price": 0.05},
    ],
}


def value(source: str, **variables: Any) -> Any:
    return compile_expression(source).evaluate(variables)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("1 + 2 * 3 ** 2", 19),
        ("-5 ** 2", 25),
        ("10 - 4 - 3", 3),
        ("2 ** 3 ** 2", 64),
        ("0.1 + 0.2 = 0.3", True),
        ("7 / 2", 3.5),
        ("1.0", 1),
        (".5 + 1e2", 100.5),
        ('"fab" + "loop"', "fabloop"),
        ("1 + 1 = 2 and 2 < 3 or false", True),
        ("5 between 1 and 5", True),
        ("5 in [1..5)", False),
        ("5 in (1, 5, 9)", True),
        ("5 in (< 3, > 4)", True),
        ("5 in ]1..5]", True),
        ("[1..5[ = [1..5)", True),
        ("if null then 1 else 2", 2),
        ("[1, 2, 3][2]", 2),
        ("[1, 2, 3][-1]", 3),
        ("[1, 2, 3][item > 1]", [2, 3]),
        ("[][1]", None),
        ("[][item > 1]", []),
        ("5[1]", 5),
        ("for i in 1..3 return i * i", [1, 4, 9]),
        ("for i in 3..1 return i", [3, 2, 1]),
        ("for i in 1..3, j in i..3 return 10 * i + j", [11, 12, 13, 22, 23, 33]),
        ("for i in 1..5 return if i = 1 then 1 else partial[-1] * i", [1, 2, 6, 24, 120]),
        ("some x in [1, 5], y in [2, 4] satisfies x + y = 9", True),
        ("every x in [] satisfies x > 1", True),
        ("{a: 1, b: a + 1, c: {d: b * 2}}.c.d", 4),
        ("{total cost: 3, r: total cost + 1}.r", 4),
        ("(function(a, b: number) a + b)(b: 1, a: 2)", 3),
        ("{f: function(n) if n < 2 then 1 else n * f(n - 1), r: f(10)}.r", 3_628_800),
        ("sort([3, 1, 2], function(x, y) x > y)", [3, 2, 1]),
        ("sort([3, 1, 2])", [1, 2, 3]),
        ("concatenate([[1], [2]])", [[1], [2]]),
        ("concatenate([1], [2, 3])", [1, 2, 3]),
        ("{a: 1} instance of context<a: number>", True),
        ("[1, 2] instance of list<string>", False),
        ("null instance of number", False),
        ("1 /* one */ + 1 // two", 2),
        ('"a\\tb\\u00e9\\ud83d\\ude00"', "a\tbé😀"),
    ],
)
def test_an_expression_has_its_value(source: str, wanted: Any) -> None:
    found = value(source)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize("left", [True, False, None])
@pytest.mark.parametrize("right", [True, False, None])
def test_logic_has_three_values(left: bool | None, right: bool | None) -> None:
    both = False if False in (left, right) else None if None in (left, right) else True
    either = True if True in (left, right) else None if None in (left, right) else False
    assert value("a and b", a=left, b=right) is both
    assert value("a or b", a=left, b=right) is either


def test_what_is_no_boolean_counts_as_null_in_logic() -> None:
    assert value("x and true", x=5) is None
    assert value("x and false", x=5) is False
    assert value("x or true", x="yes") is True


def test_a_filter_sees_entries_before_outer_names() -> None:
    names = value("order.lines[qty > limit].part", order=ORDER, limit=5)
    assert names == ["gear", "bolt"]
    assert value("order.lines[item.qty > qty / 20].qty", order=ORDER, qty=100) == [4, 10, 200]


def test_a_filter_on_contexts_can_be_reduced_to_one_number() -> None:
    total = value("sum(for l in order.lines return l.qty * l.price)", order=ORDER)
    assert total == 140


def test_values_of_different_types_do_not_compare() -> None:
    assert value('1 = "1"') is None
    assert value('1 < "1"') is None
    assert value("1 = null") is False
    assert value("null = null") is True


def test_equal_contexts_may_list_their_entries_in_any_order() -> None:
    assert value("{a: 1, b: [2]} = {b: [2], a: 1}") is True
    assert value("[1, [2, 3]] = [1, [3, 2]]") is False


def test_a_long_chain_is_short_circuited_and_compiled() -> None:
    chain = " or ".join(f"x = {number}" for number in range(300))
    assert value(chain, x=299) is True
    assert value(chain, x=300) is False


def test_the_branch_that_is_not_taken_is_not_evaluated() -> None:
    expression = compile_expression("if x = 0 then 0 else 1 / x")
    assert expression.evaluate_with_warnings({"x": 0}) == (0, ())


def test_functions_can_be_values() -> None:
    assert value("{apply: function(f, x) f(x), r: apply(count, [1, 2])}.r") == 2


def test_a_typed_parameter_refuses_other_values() -> None:
    expression = compile_expression('(function(a: number) a)("x")')
    found, warnings = expression.evaluate_with_warnings({})
    assert found is None
    assert "Expected a number as 'a'" in warnings[0]


def test_equal_numbers_are_one_distinct_value_however_they_are_written() -> None:
    assert value("distinct values([1.0, 1, 2, 1, true, true])") == [1, 2, True]
    assert value("mode([1.0, 1, 2])") == [1]
    assert value("list contains([1, null], null)") is True
    assert value("index of([1, 2.50, 2.5], 2.5)") == [2, 3]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("before([1..5], [6..9])", True),
        ("before([1..5], [5..9])", False),
        ("before([1..5), [5..9])", True),
        ("after(6, [1..5])", True),
        ("meets([1..5], [5..9])", True),
        ("met by([5..9], [1..5))", False),
        ("overlaps([1..5], [3..8])", True),
        ("overlaps before([1..5], [3..8])", True),
        ("overlaps after([3..8], [1..5])", True),
        ("finishes(5, [1..5])", True),
        ("finished by([1..5), 5)", False),
        ("includes([1..9], [2..8])", True),
        ("during(5, (1..5))", False),
        ("starts([1..3], [1..9])", True),
        ("started by([1..9], 1)", True),
        ("coincides([1..5], [1..5])", True),
        ("[1..5].end included", True),
        ('before(1, "a")', None),
    ],
)
def test_points_and_ranges_relate_as_allen_says(source: str, wanted: bool | None) -> None:
    assert value(source) is wanted


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ('get value({a: {b: 1}}, ["a", "b"])', 1),
        ('context put({a: {b: 1}}, ["a", "c"], 2)', {"a": {"b": 1, "c": 2}}),
        ("context merge([{a: 1}, {a: 2, b: 3}])", {"a": 2, "b": 3}),
        ("get entries({a: 1})", [{"key": "a", "value": 1}]),
        ("list replace([2, 4, 7], function(old, new) old < new, 5)", [5, 5, 7]),
        ("sublist([1, 2, 3, 4], -2, 1)", [3]),
        ("partition([1, 2, 3], 2)", [[1, 2], [3]]),
        ("duplicate values([1, 2, 1])", [1]),
        ("get or else(null, 5)", 5),
        ("string([1, {a: \"x\"}, @\"P1D\", null])", '[1, {a: "x"}, P1D, null]'),
        ("string(0.10)", "0.1"),
        ("string join([\"a\", null, \"b\"], \"-\")", "a-b"),
        ("substring(\"foobar\", -3, 2)", "ba"),
        ("is({a: 1}, {a: 1})", True),
        ("stddev([2, 4, 7, 5]) > 2.08", True),
    ],
)  # fmt: skip
def test_a_built_in_function_has_its_value(source: str, wanted: Any) -> None:
    assert value(source) == wanted
