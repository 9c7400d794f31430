"""No expression can hang or exhaust the engine: each way to try ends in a refusal."""

from typing import Any

import pytest

from fabloop.base.errors import Refused
from fabloop.feel import compile_expression, limits

DOUBLING = "".join(
    f", {chr(98 + step)}: [{chr(97 + step)}, {chr(97 + step)}]" for step in range(25)
)


@pytest.mark.parametrize(
    "source",
    [
        "for i in 1..100000, j in 1..100000 return 1",
        "for i in 1..1000000000 return i",
        "for i in 1..100000 return partial",
        "for i in 1..3000 return {a: partial}",
        "{f: function(f) f(f), r: f(f)}.r",
        "(function(f) f(f))(function(f) f(f))",
        "{a: [0, 0]" + DOUBLING + "}",
        "string({a: [0, 0]" + DOUBLING + "})",
        "flatten([{a: [0, 0]" + DOUBLING + "}.z])",
        "count(distinct values(for i in 1..20000 return [i]))",
        'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "(a+)+$")',
        'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "(a|aa)+b")',
        "1E6000",
    ],
)
def test_an_evaluation_that_asks_for_too_much_is_refused(source: str) -> None:
    with pytest.raises(Refused, match="Expected at most"):
        compile_expression(source).evaluate({})


@pytest.mark.parametrize(
    "source",
    [
        "1" * (limits.SOURCE_LENGTH_MAX + 1),
        "(" * 5000,
        "[" * 5000,
        "if a then 1 else " * 50 + "2",
        "+".join(["x"] * 402),
        "f" + "(1)" * 500,
        "function(a) " * 50 + "a",
    ],
)
def test_a_source_that_is_too_large_is_refused(source: str) -> None:
    with pytest.raises(Refused, match="Expected at most"):
        compile_expression(source)


def test_a_string_does_not_grow_without_end() -> None:
    steps = "".join(f", s{n + 1}: s{n} + s{n}" for n in range(30))
    with pytest.raises(Refused, match="characters in a string"):
        compile_expression('{s0: "0123456789"' + steps + "}.s30").evaluate({})


def test_data_that_is_nested_too_deeply_is_refused() -> None:
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(2000):
        inner["a"] = {}
        inner = inner["a"]
    round_about: list[Any] = []
    round_about.append(round_about)
    for data in (deep, round_about):
        with pytest.raises(Refused, match="levels of lists and contexts"):
            compile_expression("x").evaluate({"x": data})


def test_limits_leave_room_for_real_work() -> None:
    data = [{"qty": number, "price": 2} for number in range(5000)]
    source = "sum(for line in lines[qty > 10] return line.qty * line.price)"
    assert compile_expression(source).evaluate({"lines": data}) == 2 * sum(range(11, 5000))
    assert compile_expression("(" * 39 + "1" + ")" * 39).evaluate({}) == 1
