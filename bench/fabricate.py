"""Pairs of tables whose matching columns are known: made from public tables, as Valentine's are.

The procedure is the published one (Koutras et al., "Valentine: Evaluating Matching Techniques for
Dataset Discovery", ICDE 2021, section IV): a table is split into two which are *unionable* (rows
apart, all columns), *view-unionable* (rows apart, some columns in common), *joinable* (columns
apart, some in common, half or all of the rows) or *semantically joinable* (the same with noise in
the values); names of columns are kept or get noise (the table's name before them, shortened,
without vowels), and so do values (typing errors by neighbouring keys, numbers by their spread).

The tables are public ones that come in the packages ``bokeh-sampledata`` and ``palmerpenguins``.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import md5
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

ROWS_MIN = 100
COLUMNS_MIN, COLUMNS_MAX = 6, 60
TEXTS_MIN = 2
ROWS_KEPT = 2_000
_KEYS = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij", "i": "uok",
    "o": "ipl", "p": "ol", "a": "qsz", "s": "awdx", "d": "sefc", "f": "drgv", "g": "fthb",
    "h": "gyjn", "j": "hukm", "k": "jil", "l": "ko", "z": "asx", "x": "zsdc", "c": "xdfv",
    "v": "cfgb", "b": "vghn", "n": "bhjm", "m": "njk",
}  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """Two tables and which of their columns are the same."""

    scenario: str
    table: str
    names: str
    values: str
    source: pd.DataFrame
    target: pd.DataFrame
    matches: tuple[tuple[str, str], ...]


def tables(first: int, count: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield public tables that are neither tiny nor all numbers, in an order by hash."""
    import bokeh_sampledata
    import palmerpenguins

    folders = (Path(each.__path__[0]) for each in (bokeh_sampledata, palmerpenguins))
    files = [each for folder in folders for each in folder.rglob("*.csv*")]
    files.sort(key=lambda each: md5(each.name.encode()).hexdigest())
    fit = {name: frame for name, frame in map(_read, files) if _fits(frame)}
    yield from islice(fit.items(), first, first + count)


def _read(file: Path) -> tuple[str, pd.DataFrame]:
    frame = pd.read_csv(file, low_memory=False, encoding_errors="replace")
    return file.name.partition(".")[0], cleaned(frame)


def found_pairs() -> Iterator[Pair]:
    """Yield pairs that others made: the same observations as two parties published them."""
    import bokeh_sampledata
    import palmerpenguins
    from sklearn.datasets import load_iris

    folder = Path(bokeh_sampledata.__path__[0]) / "_data"
    raw = Path(palmerpenguins.__path__[0]) / "data/penguins-raw.csv"
    iris = load_iris(as_frame=True)
    known = iris["frame"].assign(target=[iris["target_names"][n] for n in iris["target"]])
    for name, left, right, matches in (
        ("penguins", folder / "penguins.csv", pd.read_csv(raw), _PENGUINS),
        ("iris", folder / "iris.csv", known, _IRIS),
    ):
        source = cleaned(pd.read_csv(left))
        yield Pair("found", name, "", "", source, cleaned(right), tuple(matches.items()))


_PENGUINS = {
    "species": "Species",
    "island": "Island",
    "bill_length_mm": "Culmen Length (mm)",
    "bill_depth_mm": "Culmen Depth (mm)",
    "flipper_length_mm": "Flipper Length (mm)",
    "body_mass_g": "Body Mass (g)",
    "sex": "Sex",
}
_IRIS = {
    "sepal_length": "sepal length (cm)",
    "sepal_width": "sepal width (cm)",
    "petal_length": "petal length (cm)",
    "petal_width": "petal width (cm)",
    "species": "target",
}


def _fits(frame: pd.DataFrame) -> bool:
    texts = sum(not pd.api.types.is_numeric_dtype(frame[each]) for each in frame.columns)
    is_named = all(each[:1].isalpha() for each in frame.columns)
    is_large = len(frame) >= ROWS_MIN and COLUMNS_MIN <= frame.shape[1] <= COLUMNS_MAX
    return is_named and is_large and texts >= TEXTS_MIN


def cleaned(found: pd.DataFrame) -> pd.DataFrame:
    """Return a table of plain values; numbers of rows are left out."""
    frame = found.head(ROWS_KEPT).reset_index(drop=True)
    frame = frame.drop(columns=[each for each in frame.columns if str(each).startswith("Unnamed")])
    frame.columns = [str(each) for each in frame.columns]
    for name in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype(object).map(lambda v: v if pd.isna(v) else str(v))
    return frame


def pairs_of(name: str, frame: pd.DataFrame, seed: int) -> Iterator[Pair]:
    """Yield all pairs that are made of one table."""
    for number, (scenario, names, values) in enumerate(_KINDS):
        chance = random.Random(f"{seed}/{name}/{number}")
        yield _pair(scenario, name, names, values, frame, chance)


_KINDS = [
    *[("unionable", n, v) for n in ("verbatim", "noisy") for v in ("verbatim", "noisy")],
    *[("view-unionable", n, v) for n in ("verbatim", "noisy") for v in ("verbatim", "noisy")],
    *[("joinable", n, "verbatim") for n in ("verbatim", "noisy")],
    *[("semantically joinable", n, "noisy") for n in ("verbatim", "noisy")],
]


def _pair(
    scenario: str, name: str, names: str, values: str, frame: pd.DataFrame, chance: random.Random
) -> Pair:
    columns = list(frame.columns)
    rows = list(range(len(frame)))
    chance.shuffle(columns)
    chance.shuffle(rows)
    half = len(rows) // 2
    if scenario == "unionable":
        shared = columns
        left = right = columns
        common = int(half * chance.choice((0.0, 0.3, 0.5)))
        first, second = rows[:half], rows[half - common : 2 * half - common]
    else:
        share = chance.choice((0.3, 0.5, 0.7))
        least = 1 if "joinable" in scenario else 2
        count = max(least, round(share * len(columns)))
        if "joinable" in scenario and chance.random() < 0.25:
            count = 1
        shared, rest = columns[:count], columns[count:]
        cut = len(rest) // 2
        left, right = shared + rest[:cut], shared + rest[cut:]
        if scenario == "view-unionable":
            first, second = rows[:half], rows[half:]
        else:
            common = len(rows) if chance.random() < 0.5 else half
            first, second = rows[: max(half, common)], rows[len(rows) - max(half, common) :]
    chance.shuffle(left := list(left))
    chance.shuffle(right := list(right))
    source = frame.iloc[first][left].reset_index(drop=True)
    target = frame.iloc[second][right].reset_index(drop=True)
    if values == "noisy":
        target = _with_errors(target, chance)
    renamed = {each: each for each in right}
    if names == "noisy":
        renamed = _renamed(right, name, chance)
        target = target.rename(columns=renamed)
    matches = tuple((each, renamed[each]) for each in shared)
    return Pair(scenario, name, names, values, source, target, matches)


def _renamed(columns: list[str], table: str, chance: random.Random) -> dict[str, str]:
    """Return noisy names: one way for the whole table, or all ways together."""
    ways = chance.choice(([0], [1], [2], [0, 1], [0, 2], [1, 2]))
    found: dict[str, str] = {}
    for column in columns:
        name = column
        if 1 in ways:
            parts = re.split(r"([_.\s]+)", name)
            name = "".join(each[:3] if each.isalnum() else each for each in parts)
        if 2 in ways:
            name = name[:1] + re.sub(r"[aeiouAEIOU]", "", name[1:])
        if 0 in ways:
            name = f"{table}_{name}"
        while name in found.values():
            name += "_"
        found[column] = name
    return found


def _with_errors(frame: pd.DataFrame, chance: random.Random) -> pd.DataFrame:
    """Return a table with typing errors in texts, and numbers moved within their spread."""
    found = frame.copy()
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_bool_dtype(column):
            continue
        if pd.api.types.is_numeric_dtype(column):
            found[name] = _moved(column, chance)
        else:
            found[name] = [each if pd.isna(each) else _mistyped(each, chance) for each in column]
    return found


def _moved(column: pd.Series, chance: random.Random) -> list[Any]:
    spread = float(column.std(skipna=True) or 0.0)
    whole = pd.api.types.is_integer_dtype(column)
    moved = [each if pd.isna(each) else each + chance.gauss(0, 0.1 * spread) for each in column]
    return [each if pd.isna(each) else round(each) if whole else each for each in moved]


def _mistyped(text: str, chance: random.Random) -> str:
    letters = list(text)
    for at, each in enumerate(letters):
        near = _KEYS.get(each.lower())
        if near and chance.random() < 0.1:
            letters[at] = chance.choice(near)
    return "".join(letters)
