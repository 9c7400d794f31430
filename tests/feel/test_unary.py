"""Unary tests, as in the cells of a decision table."""

from typing import Any

import pytest

from fabloop.feel import compile_unary_tests


@pytest.mark.parametrize(
    ("source", "value", "wanted"),
    [
        ("-", 5, True),
        ("-", None, True),
        ("5", 5, True),
        ("5", 6, False),
        ("-5", -5, True),
        ("< 10", 9, True),
        (">= 10", 9, False),
        ("= 10", 10, True),
        ("!= 10", 10, False),
        ("[1..5]", 5, True),
        ("(1..5)", 5, False),
        ('"a", "b"', "b", True),
        ('"a", "b"', "c", False),
        ('not("a", "b")', "c", True),
        ("not([1..3], > 8)", 9, False),
        ("< 3, > 8", 5, False),
        ("null", None, True),
        ("5", None, False),
        ("< 10", None, None),
        ('"5"', 5, False),
        ("? > limit", 7, True),
        ("count(?) = 2", [1, 2], True),
        ('contains(?, "x")', "axb", True),
        ("limit", 5, True),
        ("> limit * 2", 11, True),
        ("[1, 2, 3]", 2, True),
        ("[1, 2, 3]", [1, 2, 3], True),
        ("true", True, True),
        ("true", False, False),
        ('date("2026-11-21")', "2026-11-21", False),
    ],
)
def test_a_value_passes_its_tests(source: str, value: Any, wanted: bool | None) -> None:
    assert compile_unary_tests(source).accepts(value, {"limit": 5}) is wanted


def test_the_tested_value_is_no_variable() -> None:
    assert compile_unary_tests("? > limit, < other").variables == {"limit", "other"}
