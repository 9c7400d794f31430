"""The notation of targets: what is read, its one spelling, and every fault with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.dataspace.notation import TRIPLES_MAX, parse
from fabloop.dataspace.target import (
    Constant,
    Given,
    Operation,
    Target,
    Triple,
    Variable,
    spelled,
    value_of,
)

INGREDIENTS = "(type, has ingredient, ?h), (?h, name, ?x), (?h, qty, num*?y)"

words = st.text("abcdefgh", min_size=1, max_size=6)
leaves = st.one_of(
    words.map(Given),
    words.map(Variable),
    st.integers(0, 10**6).map(Constant),
)
terms = st.recursive(
    leaves, lambda inner: st.builds(Operation, st.sampled_from("+-*/"), inner, inner), max_leaves=6
)


def test_the_pattern_of_the_recipe_is_read():
    target = parse(INGREDIENTS)
    assert target.text == INGREDIENTS
    assert target.variables() == ("h", "x", "y")
    assert target.givens() == ("type", "num")
    assert target.calculated() == {"num*?y": Operation("*", Given("num"), Variable("y"))}


@pytest.mark.parametrize(
    "text",
    [
        " ( type ,has  ingredient, ?h ) ,(?h,name,?x),(?h , qty , num * ?y)",
        "(type, has ingredient, ?h)\n(?h, name, ?x); (?h, qty, (num*?y)).",
    ],
)
def test_blanks_and_needless_parentheses_do_not_matter(text):
    assert parse(text).text == INGREDIENTS


@given(terms)
def test_a_term_keeps_its_worth_over_its_spelling(term):
    triple = Triple(subject=Given("s"), predicate="p", object=term)
    text = spelled((triple,))
    try:
        again = parse(text)
    except Invalid:
        return  # two free variables, say: refused, not misread
    known = {f"?{name}": 7 for name in "abcdefgh"} | dict.fromkeys(again.givens(), 3)
    known |= {f"?{name}": 7 for name in again.variables()}
    assert again.text == text
    assert value_of(again.triples[0].object, known) == value_of(term, known)


def test_texts_numbers_and_the_order_of_operators():
    (triple,) = parse('(order, state, "late, very")').triples
    assert triple.object == Constant("late, very")
    (triple,) = parse("(order, price, 2*(1+num)-?y/4)").triples
    assert value_of(triple.object, {"num": 2, "?y": 8}) == 4


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("", "character 1", "at least one triple"),
        ("(a, b)", "character 2", "subject, predicate and object"),
        ("(a, b, ?x", "character 1", "')' after the triple"),
        ("(a*2, b, ?x)", "character 2", "as subject"),
        ("(a, ?p, ?x)", "character 4", "words as predicate"),
        ("(?h, q, ?a*?b)", "triple 1", "one variable in the arithmetic"),
        ("(?h, q, num*)", "character 13", "a value after the operator"),
        ("(?h, q, 3 4)", "character 11", "an operator or the end"),
        ("(a, b, ?c) and (d, e, ?f)", "character 12", "a triple in parentheses"),
        ('(?h, q, "a"*?y)', "triple 1", "numbers to calculate with"),
        ("(?h, q, 2*?y), (?y, r, ?z)", "triple 1", "a number to calculate with"),
        ("(a, b, $x)", "character 7", "?variable"),
    ],
)
def test_a_fault_is_told_with_its_place(text, place, expected):
    with pytest.raises(Invalid) as caught:
        parse(text)
    assert caught.value.faults[0].path == place
    assert expected in caught.value.faults[0].expected


def test_the_faults_of_all_triples_are_told_at_once():
    with pytest.raises(Invalid) as caught:
        parse("(a, b), (c, d, ?x*), (e, f, ?g)")
    assert len(caught.value.faults) == 2


def test_more_triples_than_may_be_are_refused():
    with pytest.raises(Invalid, match=f"at most {TRIPLES_MAX} triples"):
        parse(", ".join(["(a, b, ?c)"] * (TRIPLES_MAX + 1)))


def test_what_is_unknown_or_divided_by_zero_is_no_number():
    (triple,) = parse("(a, b, 6/?y)").triples
    assert value_of(triple.object, {"?y": 0}) is None
    assert value_of(triple.object, {}) is None
    assert value_of(triple.object, {"?y": "many"}) is None
    assert value_of(triple.object, {"?y": "3"}) == 2


def test_a_target_is_data():
    assert isinstance(parse(INGREDIENTS), Target)
