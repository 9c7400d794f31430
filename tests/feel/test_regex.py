"""Regular expressions of XPath on our own machine, held against Python's where both agree."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.feel import compile_expression
from fabloop.feel.regex import compile_pattern

atoms = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "[a-b]", r"\d", r"\s", "(?:ab)"])


def _repeat(parts: tuple[str, str]) -> str:
    return f"(?:{parts[0]}){parts[1]}"


nested = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "+?"])).map(_repeat),
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        inner.map(lambda part: f"({part})"),
    ),
    max_leaves=5,
)
# A lazy star within another loop is left out: whether an empty round ends a loop, engines disagree.
patterns = st.one_of(nested, st.tuples(nested, st.just("*?")).map(_repeat))


def free(_: int) -> None:
    """Spend nothing."""


@given(patterns, st.text("abc1 ", max_size=8))
def test_matches_lie_where_python_finds_them(pattern: str, text: str) -> None:
    found = compile_pattern(pattern, "").search(text, 0, free)
    wanted = re.compile(pattern).search(text)
    assert (found and found[:2]) == (wanted and wanted.span())


def value(source: str, **variables: Any) -> Any:
    return compile_expression(source).evaluate(variables)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (r'matches("LOT-2026-007", "^LOT-\d{4}-\d{3}$")', True),
        (r'matches("aa", "^(a)\1$")', True),
        ('matches("x", "[A-Z-[OI]]", "i")', True),
        ('matches("O", "[A-Z-[OI]]", "i")', False),
        (r'matches("Ä", "\p{Lu}")', True),
        (r'matches("Ä", "\p{IsBasicLatin}")', False),
        ('matches("a\nb", "a.b")', False),
        ('matches("a\nb", "a.b", "s")', True),
        ('matches("a\nb", "^b$", "m")', True),
        ('matches("a.b", "a.b", "q")', True),
        ('matches("axb", "a.b", "q")', False),
        (r'replace("0123456789", "(\d{3})(\d{3})(\d{4})", "($1) $2-$3")', "(012) 345-6789"),
        ('replace("abc", "b", "[$0]")', "a[b]c"),
        ('replace("abc", "b", "\\$")', "a$c"),
        (r'split("a; b;c", ";\s*")', ["a", "b", "c"]),
        (r'extract("x1 y22", "\d+")', ["1", "22"]),
    ],
)
def test_patterns_of_xpath_match(source: str, wanted: Any) -> None:
    assert value(source) == wanted


@pytest.mark.parametrize(
    "pattern", ["(", ")", "[", "[]", "a**", "a{2,1}", r"\1", r"(a)[\1]", r"\p{Nope}", "*", r"\q"]
)
def test_a_malformed_pattern_gives_null_and_says_why(pattern: str) -> None:
    expression = compile_expression('matches("a", p)')
    found, warnings = expression.evaluate_with_warnings({"p": pattern})
    assert found is None
    assert "Expected 'matches' to have a result" in warnings[0]


def test_the_empty_match_is_not_replaced() -> None:
    assert value('replace("abc", "x*", "-")') is None
