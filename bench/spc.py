"""Control charts: how many characteristics a second, and how near to published figures.

Run ``python bench/spc.py``; an argument sets how many characteristics are watched at once (10,000).
Reference data come from ``FABLOOP_DATA/condition/spc_reference``; without them that part is left
out. Figures are CPU times, since the machine may be shared.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fabloop.sense.spc.baseline import ChartKind, baseline_of, limits_at
from fabloop.sense.spc.capability import Tolerance, capability_of
from fabloop.sense.spc.estimate import SigmaEstimator, sigma_within
from fabloop.sense.spc.monitor import Monitor
from fabloop.sense.spc.multivariate import Mewma, normal_of
from fabloop.sense.spc.rules import NELSON, WESTERN_ELECTRIC, Rule
from fabloop.sense.spc.samples import subgroups_of

ROUNDS = 30


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def measure_monitor(count: int, name: str, rules: tuple[Rule, ...]) -> None:
    """Print how many characteristics take a point in a CPU second."""
    roll = np.random.default_rng(1)
    monitor = Monitor(np.zeros(count), np.ones(count), rules=rules)
    points = roll.normal(size=(ROUNDS, count))
    times = [cpu(lambda row=row: monitor.see(row)) for row in points]
    rate = count / statistics.median(times)
    print(
        f"{count} characteristics, {name}, EWMA and CUSUM: {rate:12,.0f} points per CPU second, "
        f"{statistics.median(times) * 1e3:.2f} ms a sweep"
    )


def measure_mewma() -> None:
    """Print what one observation of eight characteristics costs."""
    roll = np.random.default_rng(2)
    chart = Mewma(normal_of(roll.normal(size=(400, 8))))
    values = roll.normal(size=(5_000, 8))
    print(f"MEWMA of 8 characteristics: {cpu(lambda: chart.see(values)) / 5_000 * 1e6:.1f} us")


def column(path: Path, name: str) -> list[float]:
    """Read the rows of phase I of one column."""
    rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
    at, trial = rows[0].index(name), rows[0].index("trial")
    return [float(row[at]) for row in rows[1:] if row[trial] == "TRUE"]


def measure_golden(folder: Path) -> None:
    """Print how far figures are from those of qcc 3.0."""
    rings = subgroups_of(np.reshape(column(folder / "pistonrings.txt", "diameter"), (25, 5)))
    viscosity = subgroups_of(column(folder / "viscosity.txt", "viscosity"))
    xbar, deviation = (baseline_of(k, rings) for k in (ChartKind.XBAR, ChartKind.DEVIATION))
    single = baseline_of(ChartKind.INDIVIDUALS, viscosity)
    found = capability_of(rings, Tolerance(lower=73.95, upper=74.05))
    five, one = np.array([5.0]), np.array([1.0])
    figures = {
        "X-bar upper limit": (limits_at(xbar, five).upper[0], 74.014304007),
        "R/d2": (xbar.sigma, 0.00978503869304),
        "pooled s/c4": (sigma_within(rings, SigmaEstimator.POOLED), 0.00988754721016),
        "S upper limit": (limits_at(deviation, five).upper[0], 0.0193024167682),
        "I-MR upper limit": (limits_at(single, one).upper[0], 35.610956327),
        "Cpk": (found.cpk.value, 1.66321944933),
        "Ppk, lower end": (found.ppk.low, 1.40669896148),
    }
    worst = 0.0
    for name, (ours, theirs) in figures.items():
        off = abs(ours / theirs - 1)
        worst = max(worst, off)
        print(f"  {name:20} {ours:.10g}, qcc 3.0: {theirs:.10g}, apart {off:.1e}")
    print(f"worst distance from published figures: {worst:.1e} relative")


def main() -> None:
    """Print all figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for name, rules in (("8 rules of Nelson", NELSON), ("Western Electric", WESTERN_ELECTRIC)):
        measure_monitor(count, name, rules)
    measure_mewma()
    folder = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "condition/spc_reference"
    if folder.is_dir():
        measure_golden(folder)
    else:
        print("no reference data: set FABLOOP_DATA")


if __name__ == "__main__":
    main()
