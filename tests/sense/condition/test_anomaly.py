"""An anomaly is told when signals leave what was normal together, and never for what is unknown."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabloop.app.sentences import sentence
from fabloop.base.errors import Invalid
from fabloop.base.instant import Instant
from fabloop.sense.condition.anomaly import Watch, explained, normality_of, pulls
from fabloop.sense.condition.isolation import isolation_of

SIGNALS = ("current", "pressure", "temperature", "flow")
NOW = Instant(0)


def healthy(count, seed=1):
    """Four signals of different size, the first two of which move together."""
    roll = np.random.default_rng(seed)
    base = roll.normal(size=(count, 4))
    base[:, 1] = 0.9 * base[:, 0] + np.sqrt(1 - 0.81) * base[:, 1]
    return base * [0.1, 1e5, 2.0, 1e-4] + [1.0, 2e5, 300.0, 1e-3]


def test_a_healthy_machine_is_told_about_as_often_as_was_promised():
    normality = normality_of(SIGNALS, healthy(4_000), risk=0.01)
    judged = Watch(normality).see(healthy(40_000, seed=2))
    assert 0.004 < judged.beyond.mean() < 0.02


def test_a_shift_of_one_signal_is_found_and_that_signal_is_named_first():
    normality = normality_of(SIGNALS, healthy(1_000))
    values = healthy(200, seed=3)
    values[100:, 2] += 3.0  # one and a half deviations
    judged = Watch(normality).see(values)
    assert judged.beyond[130:].all()
    first = pulls(normality, judged.average[150])[0]
    assert first.signal == "temperature"
    assert first.deviations > 3
    assert 0.5 < first.share <= 1.0 + 1e-9


def test_two_signals_that_part_are_found_though_each_is_within_its_own_bounds():
    normality = normality_of(SIGNALS, healthy(1_000))
    values = healthy(100, seed=4)
    values[50:, 0] += 0.08
    values[50:, 1] -= 0.8e5
    judged = Watch(normality).see(values)
    assert judged.beyond[70:].all()
    assert {each.signal for each in pulls(normality, judged.average[90])[:2]} == {
        "current",
        "pressure",
    }


def test_a_lost_signal_is_neither_normal_nor_an_anomaly():
    normality = normality_of(SIGNALS, healthy(1_000))
    values = healthy(300, seed=5)
    values[:, 3] = np.nan
    judged = Watch(normality).see(values)
    assert np.isfinite(judged.distance).all()
    assert judged.beyond.mean() < 0.05
    values[100:, 1:] = np.nan  # three of four
    judged = Watch(normality).see(values)
    assert np.isnan(judged.distance[100:]).all()
    assert not judged.beyond[100:].any()


def test_infinity_counts_as_unknown():
    normality = normality_of(SIGNALS, healthy(1_000))
    values, same = healthy(50, seed=6), healthy(50, seed=6)
    values[10, 0], same[10, 0] = np.inf, np.nan
    np.testing.assert_array_equal(
        Watch(normality).see(values).distance, Watch(normality).see(same).distance
    )


@settings(max_examples=20, deadline=None)
@given(
    factors=st.lists(st.floats(1e-6, 1e6), min_size=4, max_size=4),
    cut=st.integers(1, 99),
)
def test_neither_units_nor_how_observations_are_bundled_change_the_distance(factors, cut):
    values = healthy(100, seed=7)
    values[20, 1] = np.nan
    whole = Watch(normality_of(SIGNALS, healthy(500))).see(values)
    scaled = Watch(normality_of(SIGNALS, healthy(500) * factors))
    told = [scaled.see(part * factors).distance for part in (values[:cut], values[cut:])]
    np.testing.assert_allclose(np.concatenate(told), whole.distance, rtol=1e-5)


def test_after_maintenance_the_average_begins_anew():
    normality = normality_of(SIGNALS, healthy(1_000))
    watch = Watch(normality)
    watch.see(healthy(100, seed=8) + np.array([1.0, 0, 0, 0]))
    watch.forget()
    fresh = Watch(normality).see(healthy(50, seed=9)).distance
    np.testing.assert_allclose(watch.see(healthy(50, seed=9)).distance, fresh)


def test_every_signal_that_is_unfit_is_told_by_name():
    values = healthy(200)
    values[:, 0], values[:, 2] = 5.0, np.nan
    with pytest.raises(Invalid) as told:
        normality_of(SIGNALS, values)
    assert [each.path for each in told.value.faults] == ["current", "temperature"]


def test_a_risk_that_phase_one_cannot_show_is_refused():
    with pytest.raises(Invalid, match=r"a risk between 0\.00498 and 1, but found 0\.001"):
        normality_of(SIGNALS, healthy(200), risk=0.001)


def test_an_anomaly_reads_like_a_sentence():
    normality = normality_of(SIGNALS, healthy(1_000))
    judged = Watch(normality).see(healthy(50) + np.array([0.0, 0.0, 10.0, 0.0]))
    said = sentence(explained(normality, judged, 49, "mill-1", NOW), NOW)
    assert said.startswith("mill-1 is not as it was; it shows in temperature, ")


def test_the_forest_finds_what_is_far_off_and_nothing_in_what_is_unknown():
    forest = isolation_of(SIGNALS, healthy(500), risk=0.01, seed=1)
    values = healthy(50, seed=2)
    values[10] += [2.0, 2e6, 40.0, 2e-3]
    values[11, 0] = np.nan
    beyond = forest.beyond(values)
    assert beyond[10]
    assert not beyond[11]
    assert beyond.mean() < 0.1
