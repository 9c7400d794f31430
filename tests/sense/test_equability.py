"""Equability of a traverse."""

import numpy as np
import pytest

from fabloop.sense.equability import equability_of
from fabloop.sense.program import equability_traverse
from fabloop.sense.recording import AxisColumns


def test_trend_and_periodic_forces_are_told_apart():
    segment = equability_traverse(speed=0.2, length_m=0.4)
    time = np.arange(round(segment.duration_s / 0.002)) * 0.002
    place = 0.2 * time
    force = 150.0 + 30.0 * place
    force += 6.0 * np.sin(2.0 * np.pi * place / 0.01) + 2.0 * np.cos(2.0 * np.pi * place * 530.0)
    columns = AxisColumns(
        step_s=0.002,
        motor_position=place,
        scale_position=place,
        velocity=np.full_like(place, 0.2),
        force=force,
    )
    found = equability_of(segment, columns, pitch_m=0.01, ball_order=5.3)
    assert found.trend_n_per_m == pytest.approx(30.0, abs=2.0)
    assert found.pitch_n == pytest.approx(6.0, rel=0.01)
    assert found.ball_n == pytest.approx(2.0, rel=0.05)
    assert found.deviation_n == pytest.approx(np.sqrt(18.0 + 2.0), rel=0.02)
    assert found.peak_n == pytest.approx(8.0, rel=0.05)
    assert found.mean_n == pytest.approx(150.0 + 30.0 * 0.2, abs=2.0)
    assert found.slow_n < 1.0  # a turn of the screw is averaged out


def test_what_lasts_longer_than_a_turn_is_slow_and_the_direction_gives_the_sign():
    segment = equability_traverse(speed=-0.2, length_m=0.4)
    time = np.arange(round(segment.duration_s / 0.002)) * 0.002
    place = 0.4 - 0.2 * time
    columns = AxisColumns(
        step_s=0.002,
        motor_position=place,
        scale_position=place,
        velocity=np.full_like(place, -0.2),
        force=-150.0 * (1.0 + 0.2 * np.sin(2.0 * np.pi * place / 0.08)),
    )
    found = equability_of(segment, columns, pitch_m=0.01, ball_order=5.3)
    assert found.mean_n == pytest.approx(-150.0, rel=0.02)
    assert found.slow_n == pytest.approx(30.0 / np.sqrt(2.0), rel=0.15)
