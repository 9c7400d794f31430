"""Anomalies on the valve-1 runs of SKAB: F1, false and missed alarms, AUROC, cost a row.

Run ``python bench/condition.py``. Data come from ``FABLOOP_DATA/condition/skab``; without them a
synthetic machine shows the cost only. As in the published comparison, each run is learnt from its
first 400 rows, the limit is for 1 % false alarms there, and all rows after them are judged. The
isolation forest of scikit-learn runs on the same rows.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fabloop.sense.condition.anomaly import Watch, normality_of
from fabloop.sense.condition.isolation import isolation_of
from fabloop.sense.spc.samples import Floats

LEARNT = 400
RISK = 0.01
Found = tuple[Floats, NDArray[np.bool_]]


def runs(folder: Path) -> list[tuple[tuple[str, ...], Floats, NDArray[np.bool_]]]:
    """Read signals, values and labels of each run."""
    told = []
    for path in sorted(folder.glob("*.csv")):
        head, *rows = (line.split(";") for line in path.read_text().splitlines())
        table = np.array([[float(each) for each in row[1:10]] for row in rows])
        told.append((tuple(head[1:9]), table[:, :8], table[:, 8] > 0))
    return told


def synthetic() -> list[tuple[tuple[str, ...], Floats, NDArray[np.bool_]]]:
    """Return one run of eight signals, one of which shifts."""
    values = np.random.default_rng(1).normal(size=(4_000, 8))
    fault = np.arange(4_000) >= 2_000
    values[fault, 0] += 1.0
    return [(tuple("abcdefgh"), values, fault)]


def mewma(signals: tuple[str, ...], learnt: Floats, rest: Floats) -> Found:
    """Judge by the moving average of all signals."""
    judged = Watch(normality_of(signals, learnt, RISK)).see(rest)
    return judged.distance, judged.beyond


def hotelling(signals: tuple[str, ...], learnt: Floats, rest: Floats) -> Found:
    """Judge single observations: the same with weight 1."""
    judged = Watch(normality_of(signals, learnt, RISK, weight=1.0)).see(rest)
    return judged.distance, judged.beyond


def forest(signals: tuple[str, ...], learnt: Floats, rest: Floats) -> Found:
    """Judge by the isolation forest."""
    trained = isolation_of(signals, learnt, RISK, seed=1)
    distance = trained.distances(rest)
    return distance, distance > trained.limit


def auroc(distance: Floats, fault: NDArray[np.bool_]) -> float:
    """Return how often a faulty row is further off than a sound one."""
    order = np.sort(distance[~fault])
    below = np.searchsorted(order, distance[fault], "left")
    upto = np.searchsorted(order, distance[fault], "right")
    return float((below + upto).mean() / 2 / len(order))


def measure(name: str, judge: Callable[..., Found], sets: list) -> None:
    """Print the figures of one method."""
    hits = np.zeros(4)
    areas, spent, rows = [], 0.0, 0
    for signals, values, fault in sets:
        begun = time.process_time()
        distance, beyond = judge(signals, values[:LEARNT], values[LEARNT:])
        spent += time.process_time() - begun
        rows += len(distance)
        true = fault[LEARNT:]
        hits += [
            (beyond & true).sum(),
            (beyond & ~true).sum(),
            (~beyond & true).sum(),
            (~true).sum(),
        ]
        areas.append(auroc(distance, true))
    right, wrong, missed, sound = hits
    print(
        f"{name:34} F1 {2 * right / (2 * right + wrong + missed):.3f}, "
        f"false alarms {wrong / sound:6.1%} (of the whole run "
        f"{wrong / (sound + LEARNT * len(sets)):5.1%}), missed {missed / (right + missed):6.1%}, "
        f"AUROC {np.mean(areas):.3f}, {spent / rows * 1e6:7.1f} us of CPU a row"
    )


def main() -> None:
    """Print all figures."""
    folder = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "condition/skab/valve1"
    sets = runs(folder) if folder.is_dir() else synthetic()
    print(f"{len(sets)} runs" if folder.is_dir() else "no SKAB: set FABLOOP_DATA; synthetic run")
    measure("MEWMA T² (default, weight 0.1)", mewma, sets)
    measure("Hotelling T² (weight 1)", hotelling, sets)
    measure("isolation forest (scikit-learn)", forest, sets)


if __name__ == "__main__":
    main()
