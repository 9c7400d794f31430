"""Which columns of two tables mean the same."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.dataspace.matching import match
from fabloop.dataspace.profile import profile_column
from fabloop.dataspace.words import Thesaurus

WORDS = Thesaurus()
TOWNS = ["Modena", "Bologna", "Parma", "Graz", "Wien", "Linz", "Jena", "Ulm"]


def people(count, seed):
    chance = random.Random(seed)
    return {
        "customer_name": [
            f"{chance.choice('ABCDE')}. {chance.choice(TOWNS)}er" for _ in range(count)
        ],
        "town": [chance.choice(TOWNS) for _ in range(count)],
        "income_eur": [round(chance.gauss(40_000, 9_000)) for _ in range(count)],
        "age": [chance.randrange(18, 90) for _ in range(count)],
        "since": [
            f"20{chance.randrange(10, 27)}-0{chance.randrange(1, 10)}-11" for _ in range(count)
        ],
        "mail": [f"x{chance.randrange(9999)}@{chance.choice(TOWNS)}.example" for _ in range(count)],
    }


def profiled(table):
    return [profile_column(name, values) for name, values in table.items()]


def partners(left, right):
    found = match(profiled(left), profiled(right), WORDS)
    return {each.left: each.right for each in found if each.is_best}


def test_the_same_columns_are_partners_whatever_their_order():
    other = dict(reversed(people(200, 2).items()))
    assert partners(people(200, 1), other) == {name: name for name in other}


@pytest.mark.parametrize(
    "renamed",
    [
        {"customer_name": "cstmr_nm", "town": "twn", "income_eur": "incm", "age": "ag",
         "since": "snc", "mail": "ml"},
        {"customer_name": "people_cus_nam", "town": "people_tow", "income_eur": "people_inc",
         "age": "people_age", "since": "people_sin", "mail": "people_mai"},
        {"customer_name": "client", "town": "city", "income_eur": "salary", "age": "years",
         "since": "begin", "mail": "email"},
        {"customer_name": "c1", "town": "c2", "income_eur": "c3", "age": "c4", "since": "c5",
         "mail": "c6"},
    ],
)  # fmt: skip
def test_renamed_columns_are_known_by_their_values(renamed):
    other = {renamed[name]: values for name, values in people(300, 2).items()}
    assert partners(people(300, 1), other) == renamed


def test_a_column_that_only_one_table_has_comes_last():
    less = people(200, 2)
    del less["age"]
    found = match(profiled(people(200, 1)), profiled(less), WORDS)
    assert [each.left for each in found[:5]] != []
    assert "age" not in {each.left for each in found[:5]}


names = st.lists(st.text("abc_", min_size=1, max_size=4), min_size=1, max_size=5, unique=True)


@given(names, names, st.integers(0, 5))
def test_each_column_has_one_partner_at_most_and_scores_stay_between_0_and_1(left, right, seed):
    chance = random.Random(seed)
    tables = [
        profiled({name: [chance.randrange(9) for _ in range(5)] for name in each})
        for each in (left, right)
    ]
    found = match(*tables, WORDS)
    best = [each for each in found if each.is_best]
    assert len(found) == len(left) * len(right)
    assert len(best) == min(len(left), len(right))
    assert len({each.left for each in best}) == len({each.right for each in best}) == len(best)
    assert all(0 <= each.score <= 1 for each in found)
    assert list(found[: len(best)]) == best


def test_no_columns_have_no_partners():
    assert match([], profiled(people(3, 1)), WORDS) == ()
