"""ISO 230-2 and VDI/DGQ 3441."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.sense.positioning import iso_230_2, vdi_3441

TWO_TARGETS = np.array(
    [  # up, down of three approaches
        [[1.0, 3.0], [2.0, 4.0], [3.0, 5.0]],
        [[4.0, 5.0], [4.0, 6.0], [4.0, 7.0]],
    ]
)


def test_two_targets_evaluated_by_hand_after_iso_230_2():
    found = iso_230_2(TWO_TARGETS)  # means 2 4 / 4 6, s 1 1 / 0 1
    assert found.reversal == pytest.approx(2.0)
    assert found.systematic == pytest.approx(4.0)  # 6 - 2
    assert found.mean_deviation == pytest.approx(2.0)  # 5 - 3
    assert found.repeatability == pytest.approx(6.0)  # 2 + 2 + |B|
    assert found.accuracy == pytest.approx(8.0)  # (6 + 2) - (2 - 2)


def test_two_targets_evaluated_by_hand_after_vdi_3441():
    found = vdi_3441(TWO_TARGETS)
    assert found.mean_deviation == pytest.approx(2.0)
    assert found.reversal_max == pytest.approx(2.0)
    assert found.scatter_max == pytest.approx(6.0)
    # The bands reach from -1 (first target, 3 less 4) to 7.5 (second target, 5 plus 2.5).
    assert found.uncertainty == pytest.approx(8.5)


@given(st.lists(st.floats(-10.0, 10.0), min_size=24, max_size=24), st.floats(-50.0, 50.0))
def test_a_shift_of_all_deviations_changes_nothing(values, shift):
    deviations = np.array(values).reshape(4, 3, 2)
    before, after = iso_230_2(deviations), iso_230_2(deviations + shift)
    assert after.accuracy == pytest.approx(before.accuracy, abs=1e-9)
    assert after.reversal == pytest.approx(before.reversal, abs=1e-9)
    assert before.accuracy >= before.systematic - 1e-9 >= before.mean_deviation - 2e-9


@given(st.lists(st.floats(-10.0, 10.0), min_size=8, max_size=8))
def test_without_scatter_accuracy_is_the_systematic_deviation(values):
    deviations = np.repeat(np.array(values).reshape(4, 1, 2), 3, axis=1)
    found = iso_230_2(deviations)
    assert found.accuracy == pytest.approx(found.systematic, abs=1e-9)
    assert found.systematic >= found.reversal - 1e-9


@pytest.mark.parametrize("shape", [(3, 1, 2), (3, 5), (3, 5, 3)])
def test_another_shape_is_refused(shape):
    with pytest.raises(Invalid, match="deviations of shape"):
        iso_230_2(np.zeros(shape))


ONE_AXIS = np.array(
    [  # five approaches each way at three targets, micrometres
        [[2.1, -1.0], [2.4, -0.7], [2.0, -1.2], [2.6, -0.9], [2.4, -1.2]],
        [[3.0, 0.4], [3.4, 0.1], [3.1, 0.6], [3.3, 0.2], [3.2, 0.2]],
        [[5.2, 1.9], [5.6, 2.3], [5.1, 2.0], [5.5, 2.1], [5.6, 2.2]],
    ]
)
"""Means 2.3 -1.0 / 3.2 0.3 / 5.4 2.1; sums of squares 0.24 0.18 / 0.10 0.16 / 0.22 0.10."""


def test_the_five_approaches_of_the_standard_give_the_figures_of_a_pocket_calculator():
    found = iso_230_2(ONE_AXIS)
    up = [0.24**0.5 / 2, 0.10**0.5 / 2, 0.22**0.5 / 2]
    down = [0.18**0.5 / 2, 0.16**0.5 / 2, 0.10**0.5 / 2]
    assert found.reversal == pytest.approx(3.3)
    assert found.systematic == pytest.approx(6.4)
    assert found.mean_deviation == pytest.approx(3.75 - 0.65)
    assert found.accuracy == pytest.approx(5.4 + 2 * up[2] - (-1.0 - 2 * down[0]))
    assert found.repeatability == pytest.approx(2 * up[0] + 2 * down[0] + 3.3)
    other = vdi_3441(ONE_AXIS)
    assert other.reversal_max == pytest.approx(3.3)
    assert other.scatter_max == pytest.approx(3 * (up[0] + down[0]))
    top = 3.75 + (3.3 + 3 * (up[2] + down[2])) / 2
    bottom = 0.65 - (3.3 + 3 * (up[0] + down[0])) / 2
    assert other.uncertainty == pytest.approx(top - bottom)
    assert found.accuracy < other.uncertainty
