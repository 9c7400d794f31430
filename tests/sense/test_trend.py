"""Trend of a KPI and the days until a limit."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.instant import DAY
from fabloop.sense.trend import crossing_of, trend_of

DAYS = np.arange(20, dtype=np.int64) * DAY


def test_a_straight_line_crosses_its_limit_on_the_day_one_can_count():
    trend = trend_of(DAYS, 13.0e-6 + 0.05e-6 * np.arange(20))
    crossing = crossing_of(trend, 15.0e-6)
    assert crossing.days == pytest.approx((15.0 - 13.95) / 0.05)
    assert crossing.days_low == pytest.approx(crossing.days)


def test_a_few_wild_values_do_not_move_the_day():
    values = 13.0 + 0.05 * np.arange(20)
    values[[3, 11, 17]] = 40.0
    crossing = crossing_of(trend_of(DAYS, values), 15.0)
    assert crossing.days == pytest.approx(21.0, rel=0.05)


def test_the_interval_holds_the_true_slope_nineteen_times_in_twenty():
    dice = np.random.default_rng(4)
    held = 0
    for _ in range(200):
        trend = trend_of(DAYS, 0.05 * np.arange(20) + 0.2 * dice.standard_normal(20))
        held += trend.slope_low <= 0.05 <= trend.slope_high
    assert 0.91 <= held / 200 <= 1.0


def test_a_falling_value_never_crosses_and_an_exceeded_limit_is_crossed_now():
    trend = trend_of(DAYS, 15.0 - 0.01 * np.arange(20))
    assert crossing_of(trend, 16.0).days == math.inf
    assert crossing_of(trend, 14.0).days == 0.0


def test_four_points_make_no_trend():
    assert trend_of(DAYS[:4], np.arange(4.0)) is None


@given(st.floats(0.1, 10.0), st.floats(-5.0, 5.0))
def test_the_trend_moves_with_unit_and_level(scale, shift):
    values = np.sin(np.arange(20.0)) + 0.1 * np.arange(20.0)
    plain, changed = trend_of(DAYS, values), trend_of(DAYS, scale * values + shift)
    assert changed.slope_per_day == pytest.approx(scale * plain.slope_per_day)
    assert changed.level == pytest.approx(scale * plain.level + shift)
