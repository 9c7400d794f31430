"""Distance of a movement's curve to its reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.sense.signature import SHIFT_MAX, signature_of

TIME = np.arange(300) * 0.002
CURVE = 150.0 * np.tanh(20.0 * np.sin(12.0 * TIME)) + 30.0 * TIME


@given(st.integers(-SHIFT_MAX, SHIFT_MAX))
def test_the_same_curve_begun_earlier_or_later_has_no_distance(shift):
    long = np.concatenate([np.full(20, CURVE[0]), CURVE, np.full(20, CURVE[-1])])
    found = long[20 - shift : 320 - shift]
    distance = signature_of(CURVE, found)
    assert distance.largest == pytest.approx(0.0, abs=1e-9)
    assert distance.shift == shift


def test_a_local_change_shows_as_its_largest_difference():
    bumped = CURVE + 25.0 * np.exp(-(((TIME - 0.3) / 0.01) ** 2))
    distance = signature_of(CURVE, bumped)
    assert distance.largest == pytest.approx(25.0, rel=0.01)
    assert 0.0 < distance.root_mean_square < 10.0


def test_curves_of_different_length_are_refused():
    with pytest.raises(Invalid, match="two curves of one length"):
        signature_of(CURVE, CURVE[:-1])


def test_curves_too_short_to_be_aligned_are_refused():
    with pytest.raises(Invalid, match="at least 40 samples"):
        signature_of(CURVE[:30], CURVE[:30])
