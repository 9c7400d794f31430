"""Remaining life on C-MAPSS FD001: RMSE raw and capped, score, coverage of the interval.

Run ``python bench/rul.py``. Data come from ``FABLOOP_DATA/condition/cmapss_fd001``. Where
``test_FD001.txt`` and ``RUL_FD001.txt`` are there, the official test is made. Without them engines
of the training file are held out, fold by fold, and cut so that what is left is spread as in the
official test (uniform, 7 to 145 cycles, at least 31 cycles seen): figures then come from models
that were trained on four fifths of the engines, and are not those of the official test.
"""

import os
import time
from pathlib import Path

import numpy as np

from fabloop.base.instant import Instant
from fabloop.sense.condition.life_training import Training, train
from fabloop.sense.condition.remaining_life import from_file, remaining_life, to_file
from fabloop.sense.condition.trend_features import features_of
from fabloop.sense.spc.samples import Floats

CAP = 125.0
FOLDS = 5
CUTS = 3
"""Cuts of each engine that is held out."""
Cut = tuple[Floats, float]
SIGNALS = tuple(f"s{number}" for number in range(1, 22))


def engines(path: Path) -> dict[str, Floats]:
    """Read the sensors of each engine."""
    table = np.loadtxt(path)
    return {f"{unit:03.0f}": table[table[:, 0] == unit, 5:26] for unit in np.unique(table[:, 0])}


def held_out(fleet: dict[str, Floats]) -> list[tuple[dict[str, Floats], list[Cut]]]:
    """Return fold by fold the engines to learn from, and cuts of the others."""
    roll = np.random.default_rng(7)
    names = roll.permutation(sorted(fleet))
    told = []
    for fold in range(FOLDS):
        test = names[fold::FOLDS]
        cuts = [
            (fleet[name][: len(fleet[name]) - left], float(left))
            for name in test
            for left in roll.integers(7, min(145, len(fleet[name]) - 31) + 1, CUTS).tolist()
        ]
        told.append(({each: fleet[each] for each in names if each not in test}, cuts))
    return told


def score(off: Floats) -> float:
    """Return the score of PHM 2008: late predictions cost more than early ones."""
    return float(np.where(off < 0, np.exp(-off / 13) - 1, np.exp(off / 10) - 1).sum())


def show(name: str, predicted: Floats, truth: Floats, per: int) -> None:
    """Print the figures of one method."""
    raw, capped = predicted - truth, predicted - np.minimum(truth, CAP)
    print(
        f"{name:24} RMSE {np.sqrt(np.mean(raw**2)):.2f} raw / {np.sqrt(np.mean(capped**2)):.2f} "
        f"capped, score {score(raw) / per:.0f} / {score(capped) / per:.0f} per 100 engines"
    )


def ridge(fleet: dict[str, Floats], cuts: list[Cut]) -> Floats:
    """Predict by a straight line through all features, as a peer."""
    rows = np.vstack([features_of(each)[10:] for each in fleet.values()])
    lives = np.concatenate(
        [np.minimum(CAP, np.arange(len(each), 0, -1) - 1.0)[10:] for each in fleet.values()]
    )
    mean, spread = np.nanmean(rows, 0), np.nanstd(rows, 0) + 1e-9
    table = np.nan_to_num((rows - mean) / spread)
    inner = table.T @ table + 10.0 * np.eye(table.shape[1])
    weights = np.linalg.solve(inner, table.T @ (lives - lives.mean()))
    asked = np.vstack([features_of(each)[-1] for each, _ in cuts])
    found: Floats = np.nan_to_num((asked - mean) / spread) @ weights + lives.mean()
    return np.clip(found, 0, CAP)


def main() -> None:
    """Print all figures."""
    folder = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "condition/cmapss_fd001"
    if not (folder / "train_FD001.txt").is_file():
        print("no C-MAPSS: set FABLOOP_DATA")
        return
    fleet = engines(folder / "train_FD001.txt")
    if (folder / "test_FD001.txt").is_file() and (folder / "RUL_FD001.txt").is_file():
        left = np.loadtxt(folder / "RUL_FD001.txt").tolist()
        tests = engines(folder / "test_FD001.txt").values()
        parts, per = [(fleet, list(zip(tests, left, strict=True)))], 1.0
        print("official test of FD001")
    else:
        parts, per = held_out(fleet), float(CUTS)
        print(f"no official test file: {FOLDS} folds of engines held out, {CUTS} cuts of each")
    truth, ours, theirs, inside, widths = [], [], [], [], []
    spent, asked, size = 0.0, 0.0, 0
    for learnt, cuts in parts:
        begun = time.process_time()
        model = train(SIGNALS, learnt, Training(cap=CAP))
        spent += time.process_time() - begun
        content = to_file(model)
        size, model = len(content), from_file(content, "bench")
        begun = time.process_time()
        for values, left in cuts:
            told = remaining_life(model, "engine", SIGNALS, values, Instant(0))
            high = CAP if told.high is None else told.high
            truth.append(left)
            ours.append(told.cycles)
            inside.append(told.low <= min(left, CAP) <= high)
            widths.append(high - told.low)
        asked += time.process_time() - begun
        theirs += ridge(learnt, cuts).tolist()
    show("boosting on trends", np.array(ours), np.array(truth), per)
    show("Ridge on the same", np.array(theirs), np.array(truth), per)
    print(
        f"90 % interval covers {np.mean(inside):.1%} of {len(inside)}, median width "
        f"{np.median(widths):.0f} cycles; trained in {spent / len(parts):.1f} s of CPU, asked in "
        f"{asked / len(inside) * 1e3:.1f} ms, file {size / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    main()
