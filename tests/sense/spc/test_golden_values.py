"""Charts, capability and gauges give the numbers of qcc 3.0, NIST and the MSA manual."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from fabloop.sense.spc.baseline import ChartKind, baseline_of, limits_at
from fabloop.sense.spc.capability import Tolerance, capability_of
from fabloop.sense.spc.chart import Chart, chart_of
from fabloop.sense.spc.drifts import cusum_course, ewma_course
from fabloop.sense.spc.estimate import SigmaEstimator, sigma_within
from fabloop.sense.spc.gauge import study_by_ranges, study_by_variance
from fabloop.sense.spc.samples import Counts, Subgroups, counts_of, subgroups_of

DATA = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "condition" / "spc_reference"

CLOSE = 1e-9
"""Relative; the figures of qcc carry twelve digits."""


def column(path: Path, name: str, *, trial: bool | None = None) -> list[float]:
    """Read a column of one of the tables."""
    lines = path.read_text().replace("\t", " ").splitlines()
    rows = csv.DictReader((" ".join(line.split()) for line in lines if line.strip()), delimiter=" ")
    return [float(row[name]) for row in rows if trial is None or (row["trial"] == "TRUE") is trial]


@pytest.fixture
def tables() -> Path:
    if not DATA.is_dir():
        pytest.skip("no reference data: set FABLOOP_DATA")
    return DATA


@pytest.fixture
def rings(tables: Path) -> Subgroups:
    return subgroups_of(
        np.reshape(column(tables / "pistonrings.txt", "diameter", trial=True), (25, 5))
    )


@pytest.fixture
def all_rings(tables: Path) -> Subgroups:
    return subgroups_of(np.reshape(column(tables / "pistonrings.txt", "diameter"), (40, 5)))


def beyond(chart: Chart) -> list[int]:
    """Return the points beyond a limit, counted from 1."""
    return sorted({each.point + 1 for each in chart.signals if each.limit is not None})


def test_means_of_piston_rings(rings: Subgroups, all_rings: Subgroups) -> None:
    baseline = baseline_of(ChartKind.XBAR, rings)
    assert baseline.center == pytest.approx(74.001176, rel=CLOSE)
    assert baseline.sigma == pytest.approx(0.00978503869304, rel=CLOSE)
    chart = chart_of(baseline, all_rings)
    assert chart.limits.lower[0] == pytest.approx(73.988047993, rel=CLOSE)
    assert chart.limits.upper[0] == pytest.approx(74.014304007, rel=CLOSE)
    assert beyond(chart) == [37, 38, 39]


def test_spreads_of_piston_rings(rings: Subgroups) -> None:
    ranges = baseline_of(ChartKind.RANGE, rings)
    # qcc takes d3 = 0.8640855 for five values; the integral is 0.8640819.
    limits = limits_at(ranges, np.array([5.0]))
    assert ranges.center == pytest.approx(0.02276, rel=CLOSE)
    assert (limits.lower[0], limits.upper[0]) == (0, pytest.approx(0.0481253301548, rel=3e-6))
    deviations = baseline_of(ChartKind.DEVIATION, rings)
    assert deviations.center == pytest.approx(0.00924003660229, rel=CLOSE)
    upper = limits_at(deviations, np.array([5.0])).upper[0]
    assert upper == pytest.approx(0.0193024167682, rel=CLOSE)
    assert chart_of(ranges, rings).in_control
    assert chart_of(deviations, rings).in_control


@pytest.mark.parametrize(
    ("estimator", "sigma"),
    [
        (SigmaEstimator.RANGE, 0.00978503869304),
        (SigmaEstimator.RANGE_EXACT, 0.02276 / 2.325928947),
        (SigmaEstimator.DEVIATION, 0.00982997672829),
        (SigmaEstimator.POOLED, 0.00988754721016),
    ],
)
def test_estimators_of_sigma_differ_as_they_should(
    rings: Subgroups, estimator: SigmaEstimator, sigma: float
) -> None:
    assert sigma_within(rings, estimator) == pytest.approx(sigma, rel=CLOSE)


def test_individuals_of_viscosity(tables: Path) -> None:
    values = subgroups_of(column(tables / "viscosity.txt", "viscosity", trial=True))
    baseline = baseline_of(ChartKind.INDIVIDUALS, values)
    assert baseline.sigma == pytest.approx(0.507652108996, rel=CLOSE)
    chart = chart_of(baseline, values)
    assert chart.limits.lower[0] == pytest.approx(32.565043673, rel=CLOSE)
    assert chart.limits.upper[0] == pytest.approx(35.610956327, rel=CLOSE)
    assert beyond(chart) == [4]


def test_nonconforming_orange_juice(tables: Path) -> None:
    samples = counts_of(column(tables / "orangejuice.txt", "D", trial=True), 50)
    fraction = chart_of(baseline_of(ChartKind.FRACTION, samples), samples)
    assert fraction.baseline.center == pytest.approx(0.231333333333, rel=1e-11)
    assert fraction.limits.lower[0] == pytest.approx(0.0524275480719, rel=CLOSE)
    assert fraction.limits.upper[0] == pytest.approx(0.410239118595, rel=CLOSE)
    assert beyond(fraction) == [15, 23]
    number = chart_of(baseline_of(ChartKind.NUMBER, samples), samples)
    assert number.limits.lower[0] == pytest.approx(2.6213774036, rel=CLOSE)
    assert number.limits.upper[0] == pytest.approx(20.5119559297, rel=CLOSE)


def test_defects_of_circuits_and_cloth(tables: Path) -> None:
    circuits = Counts(np.array(column(tables / "circuit.txt", "x", trial=True)), np.full(26, 100.0))
    chart = chart_of(baseline_of(ChartKind.DEFECTS, circuits), circuits)
    assert chart.baseline.center == pytest.approx(19.8461538462, rel=1e-10)
    assert chart.limits.lower[0] == pytest.approx(6.48144716717, rel=CLOSE)
    assert chart.limits.upper[0] == pytest.approx(33.2108605251, rel=CLOSE)
    assert beyond(chart) == [6, 20]
    cloth = counts_of(
        column(tables / "dyedcloth.txt", "x"), column(tables / "dyedcloth.txt", "size")
    )
    baseline = baseline_of(ChartKind.DEFECTS_PER_UNIT, cloth)
    limits = limits_at(baseline, cloth.sizes)
    assert baseline.center == pytest.approx(1.42325581395, rel=CLOSE)
    assert limits.lower[1] == pytest.approx(0.157885199984, rel=CLOSE)
    assert limits.upper[2] == pytest.approx(2.41589419127, rel=CLOSE)


def test_moving_average_and_sums_of_piston_rings(rings: Subgroups, all_rings: Subgroups) -> None:
    baseline = baseline_of(ChartKind.XBAR, rings)
    spread = baseline.sigma / np.sqrt(5)
    distances = (all_rings.means - baseline.center) / spread
    ewma = ewma_course(distances)
    assert baseline.center + ewma.limits[0] * spread == pytest.approx(74.0038016, rel=CLOSE)
    assert ewma.limits[1] * spread / 3 == pytest.approx(0.001120803464833, rel=CLOSE)
    assert baseline.center - ewma.limits[39] * spread == pytest.approx(73.9967999977, rel=CLOSE)
    assert (np.flatnonzero(ewma.signals) + 1).tolist() == [37, 38, 39, 40]
    cusum = cusum_course(distances)
    assert cusum.values[:3] == pytest.approx([1.562156120378, 0.930529133976, 1.989943292383])
    assert cusum.values[35:] == pytest.approx(
        [4.162701843667, 7.187380035234, 10.897615447670, 15.476223339874, 17.632529051673]
    )
    assert int(np.flatnonzero(cusum.signals)[0]) + 1 == 35


def test_capability_of_piston_rings(rings: Subgroups) -> None:
    found = capability_of(rings, Tolerance(lower=73.95, upper=74.05))
    told = [
        (each.value, each.low, each.high) for each in (found.cp, found.cpk, found.pp, found.ppk)
    ]
    expected = [
        (1.70328060926, 1.49141088992, 1.91482637763),
        (1.66321944933, 1.44812896100, 1.87830993766),
        (1.65508633768, 1.44921146543, 1.86064642515),
        (1.61615870702, 1.40669896148, 1.82561845255),
    ]
    assert np.array(told) == pytest.approx(np.array(expected), rel=1e-8)
    # qcc forgets a square in the degrees of freedom that R. A. Boyles gives for Cpm.
    assert found.cpm.value == pytest.approx(1.69111113311, rel=CLOSE)
    assert found.cpm.low == pytest.approx(1.48011332244, rel=2e-3)
    pooled = capability_of(
        rings, Tolerance(lower=73.95, upper=74.05), estimator=SigmaEstimator.POOLED
    )
    assert pooled.cp.value == pytest.approx(1.68562, rel=1e-5)


def test_moving_average_of_the_nist_handbook() -> None:
    points = [
        52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5,
        49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1,
    ]  # fmt: skip
    course = ewma_course((np.array(points) - 50) / 2.0539, weight=0.3)
    told = 50 + course.values * 2.0539
    assert told[[0, 1, 2, 19]].round(2).tolist() == [50.60, 49.52, 50.56, 51.99]
    assert 50 + course.limits[-1] * 2.0539 == pytest.approx(52.5884, abs=1e-3)


def test_sums_of_the_nist_handbook() -> None:
    points = [
        324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125, 324.525, 325.225, 324.600,
        324.625, 325.150, 328.325, 327.250, 327.825, 328.500, 326.675, 327.775, 326.875, 328.350,
    ]  # fmt: skip
    course = cusum_course(np.array(points) - 325, reference=0.3175, decision=4.1959)
    assert int(np.flatnonzero(course.signals)[0]) + 1 == 14
    assert course.values[-1] == pytest.approx(19.04, abs=0.0051)


MSA = """
.29 -.56 1.34 .47 -.80 .02 .59 -.31 2.26 -1.36
.41 -.68 1.17 .50 -.92 -.11 .75 -.20 1.99 -1.25
.64 -.58 1.27 .64 -.84 -.21 .66 -.17 2.01 -1.31
.08 -.47 1.19 .01 -.56 -.20 .47 -.63 1.80 -1.68
.25 -1.22 .94 1.03 -1.20 .22 .55 .08 2.12 -1.62
.07 -.68 1.34 .20 -1.28 .06 .83 -.34 2.19 -1.50
.04 -1.38 .88 .14 -1.46 -.29 .02 -.46 1.77 -1.49
-.11 -1.13 1.09 .20 -1.07 -.67 .01 -.56 1.45 -1.77
-.15 -.96 .67 .11 -1.45 -.49 .21 -.49 1.87 -2.16
"""
"""Study of the MSA manual: appraiser by trial in rows, ten parts in columns."""


def test_gauge_study_of_the_msa_manual() -> None:
    measured = np.array(MSA.split(), dtype=float).reshape(3, 3, 10).transpose(2, 0, 1)
    study = study_by_variance(measured)
    assert study.equipment == pytest.approx(0.19993, abs=5e-6)
    assert study.gauge == pytest.approx(0.30237, abs=5e-6)
    assert study.share == pytest.approx(27.86, abs=0.005)
    assert (study.categories, study.pooled) == (4, True)
    assert study_by_ranges(measured).equipment == pytest.approx(0.20186, abs=2e-5)
