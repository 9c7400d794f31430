"""Robust fits and smoothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.sense.regression import SMOOTHING_WINDOW, fit_robust, mean_of, smooth

small = st.floats(-100.0, 100.0)


@given(small, small, small)
def test_smoothing_keeps_parabolas_and_their_derivatives(a, b, c):
    time = np.arange(60) * 0.002
    column = a + b * time + c * time**2
    middle = time[SMOOTHING_WINDOW // 2 : -(SMOOTHING_WINDOW // 2)]
    assert smooth(column, 1, 0.002) == pytest.approx(b + 2 * c * middle, abs=1e-6)
    assert smooth(column, 2, 0.002) == pytest.approx(np.full(len(middle), 2 * c), abs=1e-3)


def test_smoothing_passes_value_and_acceleration_of_a_vibration_alike():
    time = np.arange(2_000) * 0.002
    omega = 2.0 * np.pi * 8.0
    position = np.sin(omega * time)
    force = -(omega**2) * position  # of one kilogram
    ratio = smooth(force) @ smooth(position, 2, 0.002) / (smooth(position, 2, 0.002) ** 2).sum()
    assert ratio == pytest.approx(1.0, rel=1e-3)


def test_one_wild_sample_in_five_does_not_bend_a_fit():
    dice = np.random.default_rng(1)
    x = np.linspace(-1.0, 1.0, 500)
    y = 3.0 * x + 0.5 + 0.01 * dice.standard_normal(500)
    y[::5] += 2.0
    fit = fit_robust(np.column_stack([x, np.ones_like(x)]), y)
    assert fit.coefficients[0] == pytest.approx(3.0, abs=0.01)
    assert fit.coefficients[1] == pytest.approx(0.5, abs=0.01)


def test_stated_uncertainty_of_a_slope_is_its_scatter():
    x = np.linspace(-1.0, 1.0, 200)
    design = np.column_stack([x, np.ones_like(x)])
    dice = np.random.default_rng(2)
    fits = [fit_robust(design, x + 0.1 * dice.standard_normal(200)).estimate(0) for _ in range(200)]
    scatter = np.std([each.value for each in fits])
    assert np.mean([each.uncertainty for each in fits]) == pytest.approx(scatter, rel=0.25)


def test_columns_of_very_different_size_do_not_spoil_a_fit():
    x = np.linspace(0.0, 1.0, 50)
    design = np.column_stack([1e9 * x, np.ones_like(x)])
    fit = fit_robust(design, 2e-9 * design[:, 0] + 1e-6)
    assert fit.coefficients == pytest.approx([2e-9, 1e-6], rel=1e-6)


def test_slow_ripple_makes_a_mean_less_certain_than_white_noise():
    time = np.linspace(0.0, 1.0, 600)
    slow = np.sin(2.0 * np.pi * 1.5 * time)
    white = np.std(slow) * np.random.default_rng(3).standard_normal(600)
    assert mean_of(slow).uncertainty > 3.0 * mean_of(white).uncertainty
