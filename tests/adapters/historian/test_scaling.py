"""Decimal values become integers, and every value comes back bit by bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fabloop.adapters.historian.scaling import scaled, unscaled

DECIMAL = st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 9)).map(
    lambda pair: float(f"{pair[0]}e-{pair[1]}")
)
ANY = st.floats(allow_infinity=True, allow_nan=True)


@given(st.lists(st.lists(st.one_of(DECIMAL, ANY), min_size=1, max_size=8), max_size=5))
def test_every_value_comes_back_bit_by_bit(columns):
    series = np.repeat(np.arange(len(columns)), [len(each) for each in columns]).astype(np.int32)
    values = np.array([value for each in columns for value in each], np.float64)
    done = scaled(series, values)
    again = unscaled(done.scaled, done.exponent, done.is_scaled, done.values)
    nan = np.isnan(values)
    assert np.isnan(again[nan]).all()
    assert (again[~nan].view(np.int64) == values[~nan].view(np.int64)).all()


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=20), st.integers(0, 9))
def test_decimal_series_are_found_and_an_unknown_value_is_in_no_column(digits, exponent):
    values = [float(f"{each}e-{exponent}") for each in digits]
    done = scaled(np.zeros(len(values) + 1, np.int32), np.array([*values, np.nan]))
    assert done.is_scaled.tolist() == [True] * len(values) + [False]
    assert done.exponent.max() <= exponent


def test_one_value_that_is_not_decimal_leaves_its_series_as_it_is_and_no_other():
    series = np.array([0, 0, 1, 1], np.int32)
    done = scaled(series, np.array([0.25, 1.5, 0.1, 1 / 3]))
    assert done.is_scaled.tolist() == [True, True, False, False]
    assert done.exponent.tolist() == [2, 2, 0, 0]


def test_a_digit_that_the_samples_do_not_show_is_found():
    values = np.array([1.0, 2.0, 3.25, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])
    done = scaled(np.zeros(9, np.int32), values)
    assert done.is_scaled.all()
    assert set(done.exponent.tolist()) == {2}
