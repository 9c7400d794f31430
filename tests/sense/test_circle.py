"""Quadrant errors and circularity."""

import numpy as np
import pytest

from fabloop.sense.circle import CirclePath, circularity_of

RADIUS = 0.05


def path(sense, *, spike_at=None, height=0.0, centre=(0.0, 0.0), lag=0.0):
    angle = sense * np.linspace(0.0, 2.0 * np.pi, 4_000, endpoint=False)
    radius = np.full_like(angle, RADIUS)
    if spike_at is not None:
        behind = sense * ((angle - spike_at + np.pi) % (2.0 * np.pi) - np.pi)
        radius = radius + height * np.exp(-(((behind - 0.05) / 0.02) ** 2))
    radius = radius + lag * sense
    return CirclePath(
        first=centre[0] + radius * np.cos(angle), second=centre[1] + radius * np.sin(angle)
    )


def test_a_true_circle_has_no_error_wherever_its_centre_lies():
    found = circularity_of(path(1, centre=(0.3, -0.2)), path(-1, centre=(0.3, -0.2)))
    assert found.deviation < 1e-12
    assert found.hysteresis < 1e-12
    assert max(each.value for each in found.quadrants) < 1e-12


@pytest.mark.parametrize(("spike_at", "axis"), [(0.0, 0), (90.0, 1), (180.0, 0), (270.0, 1)])
def test_a_spike_counts_for_the_axis_that_turns_round(spike_at, axis):
    at = np.radians(spike_at)
    found = circularity_of(path(1, spike_at=at, height=5e-6), path(-1))
    assert found.quadrants[axis].value == pytest.approx(5e-6, rel=0.02)
    assert found.quadrants[1 - axis].value < 0.1e-6
    assert found.deviation == pytest.approx(5e-6, rel=0.02)


def test_hysteresis_is_the_difference_between_the_senses():
    found = circularity_of(path(1, lag=2e-6), path(-1, lag=2e-6))
    assert found.hysteresis == pytest.approx(4e-6, rel=1e-3)
    assert found.deviation < 1e-9


def test_spikes_of_noise_are_no_larger_than_noise():
    dice = np.random.default_rng(1)
    noisy = [
        CirclePath(
            first=each.first + 1e-8 * dice.standard_normal(4_000),
            second=each.second + 1e-8 * dice.standard_normal(4_000),
        )
        for each in (path(1), path(-1))
    ]
    found = circularity_of(*noisy)
    assert found.quadrants[0].uncertainty == pytest.approx(1e-8, rel=0.1)
    assert found.quadrants[0].value < 6e-8
