"""Remaining life on C-MAPSS FD001: RMSE raw and capped, score, coverage of the interval.

Run ``python bench/rul.py [folds]``. Data come from ``FABLOOP_DATA/condition/cmapss_fd001``. Where
``test_FD001.txt`` and ``RUL_FD001.txt`` are there, the official test is made. Without them engines
of the training file are held out, fold by fold, and each is cut where the official test might have
cut it: what is left is drawn from its published truths, at least 31 cycles are seen.

Beside ours, three peers learn and are asked on the same cuts. Their figures on the official test
are published in a study with the same features, so their ratio says how much harder or easier
these cuts are. Where our features and settings were chosen, only the engines of `LOOKED_AT` were
learnt from and asked; the figures of the others are shown apart.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from fabloop.base.instant import Instant
from fabloop.sense.condition.life_file import from_file, to_file
from fabloop.sense.condition.life_training import Training, train
from fabloop.sense.condition.remaining_life import remaining_life
from fabloop.sense.condition.trend_features import features_of
from fabloop.sense.spc.samples import Floats

CAP = 125.0
FOLDS = 10
CUTS = 4
"""Cuts of each engine that is held out."""
SEEN_MIN = 31
YOUNGEST = 10
"""Peers do not learn from earlier cycles."""
Fleet = dict[str, Floats]
Cut = tuple[str, Floats, float]
SIGNALS = tuple(f"s{number}" for number in range(1, 22))
CHANGING = [1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 16, 19, 20]
"""The 14 sensors (from 0) that are used in the literature: the others never change, or once."""
OFFICIAL = {
    "LightGBM, 3 x 500 trees": (12.39, 11.16),
    "ExtraTrees, 200": (13.41, 12.15),
    "Ridge": (15.53, 14.16),
}
"""RMSE raw and capped of the peers on the official test."""
TRUTHS = [
    *(112, 98, 69, 82, 91, 93, 91, 95, 111, 96, 97, 124, 95, 107, 83, 84, 50, 28, 87, 16),
    *(57, 111, 113, 20, 145, 119, 66, 97, 90, 115, 8, 48, 106, 7, 11, 19, 21, 50, 142, 28),
    *(18, 10, 59, 109, 114, 47, 135, 92, 21, 79, 114, 29, 26, 97, 137, 15, 103, 37, 114, 100),
    *(21, 54, 72, 28, 128, 14, 77, 8, 121, 94, 118, 50, 131, 126, 113, 10, 34, 107, 63, 90),
    *(8, 9, 137, 58, 118, 89, 116, 115, 136, 28, 38, 20, 85, 55, 128, 137, 82, 59, 117, 20),
]
"""Cycles left of the 100 engines of the official test (RUL_FD001.txt)."""
LOOKED_AT = {f"{each:03d}" for each in np.random.default_rng(42).permutation(range(1, 101))[:60]}


def engines(path: Path) -> Fleet:
    """Read the sensors of each engine."""
    table = np.loadtxt(path)
    return {f"{unit:03.0f}": table[table[:, 0] == unit, 5:26] for unit in np.unique(table[:, 0])}


def held_out(fleet: Fleet, folds: int) -> list[tuple[Fleet, list[Cut]]]:
    """Return fold by fold the engines to learn from, and cuts of the others.

    The cuts of an engine are drawn one from each part of the truths that it can have.
    """
    roll = np.random.default_rng(7)
    names = roll.permutation(sorted(fleet)).tolist()
    told = []
    for fold in range(folds):
        test = names[fold::folds]
        cuts = []
        for name in test:
            whole = fleet[name]
            able = sorted(each for each in TRUTHS if each <= len(whole) - SEEN_MIN)
            for part in np.array_split(able, CUTS):
                left = int(roll.choice(part))
                cuts.append((name, whole[: len(whole) - left], float(left)))
        told.append(({each: fleet[each] for each in names if each not in test}, cuts))
    return told


def official(fleet: Fleet, folder: Path) -> list[tuple[Fleet, list[Cut]]]:
    """Return all engines to learn from, and the official test."""
    left = np.loadtxt(folder / "RUL_FD001.txt").tolist()
    tests = engines(folder / "test_FD001.txt").items()
    cuts = [(name, values, each) for (name, values), each in zip(tests, left, strict=True)]
    return [(fleet, cuts)]


def score(off: Floats) -> float:
    """Return the score of PHM 2008: late predictions cost more than early ones."""
    return float(np.where(off < 0, np.exp(-off / 13) - 1, np.exp(off / 10) - 1).sum())


def error(off: Floats, engine: list[str]) -> str:
    """Return the RMSE and its standard error over engines."""
    names = np.array(engine)
    squares = np.array([np.mean(off[names == each] ** 2) for each in np.unique(names)])
    whole = np.sqrt(np.mean(off**2))
    return f"{whole:5.2f} ± {squares.std(ddof=1) / np.sqrt(len(squares)) / 2 / whole:.2f}"


def show(name: str, predicted: Floats, cuts: list[Cut]) -> None:
    """Print the figures of one method."""
    truth, engine = np.array([each[2] for each in cuts]), [each[0] for each in cuts]
    raw, capped = predicted - truth, predicted - np.minimum(truth, CAP)
    per = len(truth) / 100
    line = (
        f"{name:26} RMSE {error(raw, engine)} raw / {error(capped, engine)} capped, "
        f"score {score(raw) / per:.0f} / {score(capped) / per:.0f}"
    )
    if name in OFFICIAL:
        apart = [np.sqrt(np.mean(each**2)) for each in (raw, capped)]
        known = OFFICIAL[name]
        line += (
            f"; official test {known[0]} / {known[1]}: "
            f"these cuts x {apart[0] / known[0]:.2f} / x {apart[1] / known[1]:.2f}"
        )
    print(line)


def peer_features(values: Floats) -> Floats:
    """Return the features of the peers: 13 of each of 14 sensors, age, and its square root."""
    told = features_of(values[:, CHANGING])
    return np.nan_to_num(np.hstack([told, np.sqrt(told[:, -1:])]))


def ridge(rows: Floats, lives: Floats, asked: Floats) -> Floats:
    """Predict by a straight line through all features."""
    mean, spread = rows.mean(0), rows.std(0) + 1e-9
    table = (rows - mean) / spread
    inner = table.T @ table + 10.0 * np.eye(table.shape[1])
    weights = np.linalg.solve(inner, table.T @ (lives - lives.mean()))
    found: Floats = (asked - mean) / spread @ weights + lives.mean()
    return found


def boosting(rows: Floats, lives: Floats, asked: Floats) -> Floats:
    """Predict by LightGBM as it is, with a low rate."""
    fixed = {"learning_rate": 0.02, "num_threads": 1, "verbose": -1, "max_bin": 63}
    more = {"bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.5}
    told = [
        lightgbm.train({**fixed, **more, "seed": seed}, lightgbm.Dataset(rows, lives), 500).predict(
            asked, num_threads=1
        )
        for seed in range(3)
    ]
    return np.mean(told, axis=0)


def forest(rows: Floats, lives: Floats, asked: Floats) -> Floats:
    """Predict by extremely randomised trees, from every third cycle."""
    trees = ExtraTreesRegressor(200, max_features=0.33, min_samples_leaf=3, random_state=1)
    found: Floats = trees.fit(rows[::3], lives[::3]).predict(asked)
    return found


PEERS: dict[str, Callable[[Floats, Floats, Floats], Floats]] = dict(
    zip(OFFICIAL, (boosting, forest, ridge), strict=True)
)


def ask_peers(fleet: Fleet, cuts: list[Cut], told: dict[str, list[float]]) -> None:
    """Let the peers learn, and add what they say of the cuts."""
    rows = np.vstack([peer_features(each)[YOUNGEST:] for each in fleet.values()])
    lives = np.concatenate(
        [np.minimum(CAP, np.arange(len(each), 0, -1) - 1.0)[YOUNGEST:] for each in fleet.values()]
    )
    asked = np.vstack([peer_features(values)[-1] for _, values, _ in cuts])
    for name, peer in PEERS.items():
        told.setdefault(name, []).extend(np.clip(peer(rows, lives, asked), 0, CAP).tolist())


def show_interval(cuts: list[Cut], low: list[float], high: list[float]) -> None:
    """Print how often the truth lies within, of all cuts and of those near the end."""
    truth = np.minimum([each[2] for each in cuts], CAP)
    inside = (np.array(low) <= truth) & (truth <= np.array(high))
    wide = np.array(high) - np.array(low)
    for name, use in (("all", truth >= 0), ("<= 50 left", truth <= 50), ("> 50 left", truth > 50)):
        print(
            f"90 % interval, {name:10} covers {inside[use].mean():.1%} of {use.sum()}, "
            f"median width {np.median(wide[use]):.0f} cycles"
        )


def main(folds: int) -> None:
    """Print all figures."""
    folder = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "condition/cmapss_fd001"
    if not (folder / "train_FD001.txt").is_file():
        print("no C-MAPSS: set FABLOOP_DATA")
        return
    fleet = engines(folder / "train_FD001.txt")
    if (folder / "test_FD001.txt").is_file() and (folder / "RUL_FD001.txt").is_file():
        parts, known = official(fleet, folder), False
        print("official test of FD001")
    else:
        parts, known = held_out(fleet, folds), True
        print(f"no official test file: {folds} folds of engines held out, {CUTS} cuts of each")
    everything: list[Cut] = []
    peers: dict[str, list[float]] = {}
    ours, low, high, shares = [], [], [], []
    spent, asked, size = 0.0, 0.0, 0
    for learnt, cuts in parts:
        begun = time.process_time()
        content = to_file(train(SIGNALS, learnt, Training(cap=CAP)))
        spent += time.process_time() - begun
        size, model = len(content), from_file(content, "bench")
        shares.append(model.share)
        begun = time.process_time()
        for _, values, _ in cuts:
            told = remaining_life(model, "engine", SIGNALS, values, Instant(0))
            ours.append(told.cycles)
            low.append(told.low)
            high.append(CAP if told.high is None else told.high)
        asked += time.process_time() - begun
        everything += cuts
        ask_peers(learnt, cuts, peers)
    for name, found in {"course and trees (ours)": ours, **peers}.items():
        show(name, np.array(found), everything)
    if known:
        rest = [at for at, each in enumerate(everything) if each[0] not in LOOKED_AT]
        print(f"of the {len(rest) // CUTS} engines that nothing was chosen on:")
        for name, found in {"course and trees (ours)": ours, **peers}.items():
            show(name, np.array(found)[rest], [everything[at] for at in rest])
    show_interval(everything, low, high)
    print(
        f"trees have {min(shares):.2f} to {max(shares):.2f} of the prediction; trained in "
        f"{spent / len(parts):.1f} s of CPU, asked in {asked / len(everything) * 1e3:.0f} ms, "
        f"file {size / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FOLDS)
