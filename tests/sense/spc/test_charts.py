"""Charts of samples that are short, lost or wrong, and the history of their limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import Instant
from fabloop.sense.spc.baseline import ChartKind, Frozen, baseline_of, in_force, limits_at
from fabloop.sense.spc.capability import Tolerance, capability_of
from fabloop.sense.spc.chart import chart_of
from fabloop.sense.spc.constants import c4, d2, d3
from fabloop.sense.spc.estimate import SigmaEstimator
from fabloop.sense.spc.gauge import study_by_variance
from fabloop.sense.spc.multivariate import Mewma, normal_of, phase_one_limit, phase_two_limit
from fabloop.sense.spc.samples import counts_of, subgroups_of

NAN = float("nan")


def test_constants_are_those_of_the_tables_with_more_digits() -> None:
    assert [round(d2(n), 3) for n in (2, 3, 5, 10, 25)] == [1.128, 1.693, 2.326, 3.078, 3.931]
    assert [round(d3(n), 3) for n in (2, 5, 10)] == [0.853, 0.864, 0.797]
    assert [round(c4(n), 4) for n in (2, 5, 25)] == [0.7979, 0.9400, 0.9896]
    assert d2(2) == pytest.approx(2 / np.sqrt(np.pi), rel=1e-12)
    with pytest.raises(ValueError, match="2 to 1000"):
        d2(1)


def test_a_lost_value_makes_a_smaller_subgroup_with_wider_limits() -> None:
    samples = subgroups_of([[1, 2, 3], [2, NAN, 4], [1.5, 2.5, 2], [NAN, NAN, NAN]])
    chart = chart_of(baseline_of(ChartKind.XBAR, samples), samples)
    assert chart.points[:3].tolist() == [2, 3, 2]
    assert np.isnan(chart.points[3])
    width = chart.limits.upper - chart.limits.center
    assert width[1] > width[0]
    assert np.isnan(width[3])
    assert chart.in_control


def test_samples_with_a_known_cause_can_be_left_out_of_the_baseline() -> None:
    values = subgroups_of([10, 11, 10, 99, 10, 11, 10])
    skewed = baseline_of(ChartKind.INDIVIDUALS, values)
    clean = baseline_of(ChartKind.INDIVIDUALS, values, excluded=(3,))
    assert clean.sigma < skewed.sigma / 10
    assert clean.excluded == (3,)
    assert {each.point for each in chart_of(clean, values).signals if each.limit} == {3}


@pytest.mark.parametrize(
    ("kind", "samples"),
    [
        (ChartKind.XBAR, subgroups_of([1.0, 2.0, 3.0])),
        (ChartKind.INDIVIDUALS, subgroups_of([5.0, 5.0, 5.0])),
        (ChartKind.RANGE, subgroups_of([[1.0, NAN], [2.0, NAN]])),
        (ChartKind.NUMBER, counts_of([1, 2], [10, 20])),
        (ChartKind.FRACTION, counts_of([30, 2], [10, 10])),
        (ChartKind.DEFECTS, subgroups_of([1.0, 2.0])),
        (ChartKind.XBAR, counts_of([1, 2], 10)),
    ],
)
def test_samples_that_do_not_fit_the_chart_are_refused(kind, samples) -> None:
    with pytest.raises(Invalid, match=f"chart {kind}"):
        baseline_of(kind, samples)


def test_wrong_counts_are_all_named() -> None:
    with pytest.raises(Invalid) as raised:
        counts_of([1, -2, NAN], [10, 0, 10])
    assert sorted(fault.path for fault in raised.value.faults) == ["$[1]", "$[1]", "$[2]"]
    with pytest.raises(Invalid, match="infinity"):
        subgroups_of([1.0, float("inf")])
    with pytest.raises(Invalid, match="none"):
        subgroups_of([NAN, NAN])


def test_limits_of_counts_and_spreads_stay_where_values_can_be() -> None:
    rare = counts_of([0, 1, 0, 0], [5, 5, 5, 5])
    limits = limits_at(baseline_of(ChartKind.FRACTION, rare), rare.sizes)
    assert limits.lower.tolist() == [0, 0, 0, 0]
    frequent = counts_of([5, 4, 5, 5], [5, 5, 5, 5])
    assert limits_at(baseline_of(ChartKind.FRACTION, frequent), frequent.sizes).upper[0] == 1


def test_the_baseline_in_force_is_the_newest_that_has_begun() -> None:
    first = baseline_of(ChartKind.INDIVIDUALS, subgroups_of([1, 2, 1, 2]))
    second = baseline_of(ChartKind.INDIVIDUALS, subgroups_of([5, 6, 5, 6]))
    history = (
        Frozen(baseline=first, since=Instant(10), by="quality", reason="start"),
        Frozen(baseline=second, since=Instant(20), by="quality", reason="new tool"),
    )
    assert in_force(history, Instant(9)) is None
    assert in_force(history, Instant(19)) == history[0]
    assert in_force(history, Instant(20)) == history[1]


@given(
    st.lists(st.lists(st.floats(-1, 1), min_size=4, max_size=4), min_size=5, max_size=12),
    st.floats(0.5, 20),
    st.floats(-50, 50),
)
def test_charts_signal_the_same_in_every_unit(
    table: list[list[float]], scale: float, offset: float
) -> None:
    plain = subgroups_of(np.round(table, 3) + np.linspace(0, 0.01, 4))
    other = subgroups_of(plain.values * scale + offset)
    one = chart_of(baseline_of(ChartKind.RANGE, plain), plain)
    two = chart_of(baseline_of(ChartKind.RANGE, other), other)
    margin = np.abs(one.points - one.limits.upper) > 1e-6
    if margin.all():
        assert [each.point for each in one.signals] == [each.point for each in two.signals]


def test_one_limit_tells_the_place_but_not_the_spread() -> None:
    values = subgroups_of(np.random.default_rng(3).normal(10, 1, (40, 5)))
    found = capability_of(values, Tolerance(upper=13))
    assert np.isnan(found.cp.value)
    assert found.cpk.low < found.cpk.value < found.cpk.high
    assert found.in_doubt == ""
    assert 0 < found.outside_expected < 0.01


def test_capability_says_what_speaks_against_it() -> None:
    skewed = subgroups_of(np.random.default_rng(1).exponential(1, (60, 2)))
    assert "not normal" in capability_of(skewed, Tolerance(lower=0, upper=9)).in_doubt
    few = subgroups_of([[1.0, 2.0], [1.0, 2.0]])
    assert "fewer than 25" in capability_of(few, Tolerance(lower=0, upper=9)).in_doubt
    for tolerance in (Tolerance(), Tolerance(lower=2, upper=1)):
        with pytest.raises(Invalid, match="tolerance"):
            capability_of(few, tolerance)
    with pytest.raises(Invalid, match="differ"):
        capability_of(
            subgroups_of([1.0, 1.0]), Tolerance(upper=2), estimator=SigmaEstimator.MOVING_RANGE
        )


def test_a_gauge_study_with_a_hole_is_refused_by_place() -> None:
    measured = np.ones((3, 2, 2))
    measured[1, 0, 1] = NAN
    with pytest.raises(Invalid, match="part 2, appraiser 1, trial 2"):
        study_by_variance(measured)
    with pytest.raises(Invalid, match="1 x 2 x 2"):
        study_by_variance(np.ones((1, 2, 2)))


def test_correlated_characteristics_signal_together_what_none_shows_alone() -> None:
    roll = np.random.default_rng(7)
    common = roll.normal(size=400)
    values = np.column_stack([common, common + 0.1 * roll.normal(size=400)])
    normal = normal_of(values)
    apart = np.array([1.0, -1.0])
    assert normal.distances(apart[None])[0] > phase_two_limit(normal, 0.0027)
    assert normal.distances(np.array([[1.0, 1.0]]))[0] < phase_two_limit(normal, 0.0027)
    assert phase_one_limit(normal, 0.0027) < phase_two_limit(normal, 0.0027)
    assert np.mean(normal.distances(values) > phase_one_limit(normal, 0.05)) < 0.08
    assert normal.shares(apart).min() > 50


def test_a_moving_average_of_many_finds_a_small_shift() -> None:
    roll = np.random.default_rng(2)
    normal = normal_of(roll.normal(size=(500, 3)))
    chart = Mewma(normal)
    quiet = chart.see(roll.normal(size=(200, 3)))
    assert np.percentile(quiet, 99) < 20
    assert chart.see(roll.normal(1, 1, size=(60, 3)))[-1] > 25
    assert np.isnan(chart.see(np.array([[NAN, 0, 0]]))[0])
    chart.forget()
    assert chart.average.tolist() == [0, 0, 0]


def test_too_few_observations_and_flat_characteristics_are_refused() -> None:
    with pytest.raises(Invalid, match="at least 5"):
        normal_of(np.ones((4, 3)))
    flat = np.column_stack([np.arange(9.0), np.ones(9)])
    with pytest.raises(Invalid, match="changes"):
        normal_of(flat)
