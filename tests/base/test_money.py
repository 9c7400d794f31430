"""Money has as many decimal places as its currency says, read and shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.money import MINOR_DIGITS_OF, minor_digits, minor_per_unit, money_text
from fabloop.model.documents.collect import Sheet
from fabloop.model.documents.values import money


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (10896, "EUR", "108.96 EUR"),
        (-5, "EUR", "-0.05 EUR"),
        (1250, "JPY", "1250 JPY"),
        (-1250, "KRW", "-1250 KRW"),
        (1250, "KWD", "1.250 KWD"),
        (7, "TND", "0.007 TND"),
        (12_345, "CLF", "1.2345 CLF"),
        (100, "", "1.00"),
    ],
)
def test_an_amount_is_shown_with_the_places_of_its_currency(minor, currency, shown):
    assert money_text(minor, currency) == shown


@given(st.integers(0, 10**9), st.sampled_from(["EUR", "USD", *MINOR_DIGITS_OF]))
def test_what_is_shown_reads_as_the_same_amount(minor, currency):
    sheet = Sheet("text", [], "")
    found = money(money_text(minor, currency), sheet)
    assert not sheet.faults
    assert (int(found.minor), found.currency) == (minor, currency)
    assert minor_per_unit(currency) == 10 ** minor_digits(currency)
