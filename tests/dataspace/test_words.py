"""How near two names are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.dataspace.words import Thesaurus

WORDS = Thesaurus([("muffin", "Törtchen")])


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [
        ("qty", "quantity", 0.95),
        ("has ingredient", "ingredients", 0.95),
        ("QRCode", "qr_code", 0.95),
        ("orderQty", "ORDER_QUANTITY", 0.95),
        ("amount", "qty", 0.85),
        ("call", "service_url", 0.8),
        ("weight", "mass", 0.85),
        ("addr", "Address1", 0.7),
        ("cstmr_nm", "customer_name", 0.7),
        ("total_changes", "total_schedule_changes", 0.6),
        ("muffin", "Törtchen", 0.95),
    ],
)
def test_names_that_mean_the_same_are_near(one, other, least):
    assert WORDS.alike(one, other) >= least


@pytest.mark.parametrize(
    ("one", "other"), [("name", "courier"), ("qty", "type"), ("oven", "order"), ("price", "town")]
)
def test_names_that_mean_other_things_are_far(one, other):
    assert WORDS.alike(one, other) < 0.5


names = st.text("abcXY_ 12é", max_size=12)


@given(names, names)
def test_nearness_has_no_direction_and_stays_between_0_and_1(one, other):
    near = WORDS.alike(one, other)
    assert 0 <= near <= 1
    assert near == WORDS.alike(other, one)
    assert WORDS.alike(one, one) == 1
