"""Windows and what is condensed of them, against their plain definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.sense.streams.drift import Cusum, Ewma
from fabloop.sense.streams.ring import MirroredRing
from fabloop.sense.streams.spectrum import BandPower
from fabloop.sense.streams.statistics import STATISTICS, statistics

VALUES = st.floats(-1e6, 1e6, width=32)


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    room=st.integers(1, 30),
    signals=st.integers(1, 3),
)
def test_a_window_is_always_the_last_samples_in_a_row(lengths, room, signals):
    ring, all_samples = MirroredRing(signals, room, np.float32), np.empty((0, signals))
    for number, length in enumerate(lengths):
        fresh = number + np.arange(length * signals, dtype=np.float32).reshape(length, signals)
        ring.push(fresh)
        all_samples = np.concatenate([all_samples, fresh])
        count = min(room, len(all_samples))
        assert len(ring) == count
        np.testing.assert_array_equal(ring.last(count), all_samples[-count:].T)


def test_a_cleared_ring_does_not_join_what_was_before_to_what_comes():
    ring = MirroredRing(1, 10, np.float64)
    ring.push(np.ones((8, 1)))
    ring.clear()
    ring.push(np.full((3, 1), 2.0))
    assert len(ring) == 3
    assert (ring.last(3) == 2.0).all()


def test_a_window_cannot_be_written_to():
    ring = MirroredRing(1, 4, np.float64)
    ring.push(np.ones((4, 1)))
    with pytest.raises(ValueError, match="read-only"):
        ring.last(2)[0, 0] = 5.0


def test_statistics_of_a_sine_are_those_of_the_books():
    phase = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    found = dict(zip(STATISTICS, statistics(3 + 2 * np.sin(phase)[None, :]).values[0], strict=True))
    assert found["mean"] == pytest.approx(3)
    assert found["deviation"] == pytest.approx(2 / np.sqrt(2))
    assert (found["least"], found["greatest"]) == pytest.approx((1, 5))
    assert found["rms"] == pytest.approx(np.sqrt(9 + 2))
    assert found["skewness"] == pytest.approx(0, abs=1e-9)
    assert found["kurtosis"] == pytest.approx(1.5)


def test_unknown_samples_are_left_out_and_an_unknown_signal_stays_unknown():
    window = np.array([[1.0, np.nan, 3.0, np.inf], [np.nan] * 4, [5.0] * 4])
    found = statistics(window).values
    assert found[0, 0] == 2.0
    assert np.isnan(found[1]).all()
    assert found[2, 0] == 5.0
    assert np.isnan(found[2, STATISTICS.index("kurtosis")])


def test_the_bands_of_a_spectrum_add_up_to_the_variance():
    noise = np.random.default_rng(3).standard_normal((200, 512)) * 3.0
    total = BandPower(512, 8).of(noise).sum(axis=1)
    assert total.mean() == pytest.approx(9.0, rel=0.02)


def test_a_tone_stands_in_its_band():
    time = np.arange(512) * 0.002
    bands = BandPower(512, 10).of(np.sin(2 * np.pi * 130 * time)[None, :])[0]
    assert bands.argmax() == 5  # bands of 25 Hz, up to 250 Hz
    assert bands[5] == pytest.approx(0.5, rel=0.01)


def ewma_by_hand(samples, weight):
    value = np.nan
    for each in samples:
        if np.isfinite(each):
            value = each if np.isnan(value) else value + weight * (each - value)
    return value


@given(
    samples=st.lists(st.one_of(VALUES, st.just(float("nan"))), min_size=1, max_size=60),
    weight=st.floats(0.01, 1.0),
    cut=st.integers(1, 25),
)
def test_an_average_by_bulks_is_the_average_by_samples(samples, weight, cut):
    ewma = Ewma(1, weight)
    column = np.array(samples)[:, None]
    for first in range(0, len(samples), cut):
        ewma.take(column[first : first + cut])
    expected = ewma_by_hand(samples, weight)
    np.testing.assert_allclose(ewma.values[0], expected, rtol=1e-9, atol=1e-6)


@given(
    samples=st.lists(st.floats(-5, 5), min_size=1, max_size=80),
    slack=st.floats(0, 1),
    cut=st.integers(1, 25),
)
def test_sums_by_bulks_are_the_sums_by_samples(samples, slack, cut):
    cusum = Cusum(np.zeros(1), np.ones(1), slack)
    column, greatest = np.array(samples)[:, None], 0.0
    for first in range(0, len(samples), cut):
        greatest = max(greatest, cusum.take(column[first : first + cut])[0])
    upper = lower = peak = 0.0
    for each in samples:
        upper, lower = max(0.0, upper + each - slack), max(0.0, lower - each - slack)
        peak = max(peak, upper, lower)
    assert cusum.upper[0] == pytest.approx(upper, abs=1e-9)
    assert cusum.lower[0] == pytest.approx(lower, abs=1e-9)
    assert greatest == pytest.approx(peak, abs=1e-9)


def test_unknown_samples_leave_sums_as_they_are():
    cusum = Cusum(np.zeros(1), np.ones(1), 0.5)
    cusum.take(np.array([[3.0]]))
    cusum.take(np.array([[np.nan], [np.nan]]))
    assert cusum.upper[0] == 2.5
