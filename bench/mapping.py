"""How well columns of two tables are matched: recall at the size of the truth, beside Valentine.

Run: ``python bench/mapping.py [--tables N] [--first N] [--seconds S] [FOLDER]``. Needs
``pip install 'fabloop[bench]'`` and ``pip install --no-deps 'valentine>=1.0.1,<1.1'``.
Every method sees the same pairs in the same run; one that takes more than S CPU seconds ends
early, and is compared with ours on the pairs that it did. Of Valentine's rankings the better one
counts for each pair: as the method gives it, or with one partner for each column.

Pairs are fabricated from public tables as Valentine's are (see `fabricate`), and two are as other
parties published them. With FOLDER they are
those of Valentine's own collection instead (``*_source.csv``, ``*_target.csv``,
``*_mapping.json``, or ``source_table.csv``, ``target_table.csv``, ``ground_truth.json``).

Two of Valentine's methods want data of NLTK: WordNet is taken from Debian's ``wordnet-base`` where
it is installed; stop words are those of scikit-learn; column names need no training of sentences.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from fabricate import Pair, cleaned, found_pairs, pairs_of, tables  # type: ignore[import-not-found]

from fabloop.dataspace.matching import match
from fabloop.dataspace.profile import profile_column
from fabloop.dataspace.words import Thesaurus

OURS = "fabloop"
SEED = 2026
WORDNET = Path("/usr/share/wordnet")
_LEXNAMES = {
    "adj": "all pert", "adv": "all",
    "noun": "Tops act animal artifact attribute body cognition communication event feeling food "
    "group location motive object person phenomenon plant possession process quantity relation "
    "shape state substance time",
    "verb": "body change cognition communication competition consumption contact creation emotion "
    "motion perception possession social stative weather",
}  # fmt: skip
_PARTS = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}

Ranking = list[tuple[str, str]]
Method = Callable[[pd.DataFrame, pd.DataFrame], list[Ranking]]
"""Rankings of pairs of columns; of several the one counts that recalls most."""


def ours(source: pd.DataFrame, target: pd.DataFrame) -> list[Ranking]:
    """Rank pairs of columns by our matcher."""
    left, right = (
        [profile_column(name, [_plain(v) for v in frame[name]]) for name in frame.columns]
        for frame in (source, target)
    )
    return [[(each.left, each.right) for each in match(left, right, Thesaurus())]]


def _plain(value: Any) -> Any:
    if value is None or value != value:
        return None
    return value.item() if hasattr(value, "item") else value


def methods() -> dict[str, Method]:
    """Return ours and all of Valentine's that can run here."""
    from valentine.algorithms import (
        Coma,
        Cupid,
        DistributionBased,
        JaccardDistanceMatcher,
        SimilarityFlooding,
    )

    peers: dict[str, Any] = {
        "COMA, names": Coma(),
        "COMA, names and values": Coma(use_instances=True),
        "Similarity Flooding": SimilarityFlooding(),
        "Distribution-based": DistributionBased(),
        "Jaccard-Levenshtein": JaccardDistanceMatcher(),
        "Cupid": Cupid(),
    }
    if not WORDNET.is_dir():
        del peers["Cupid"]
        print("Cupid is left out: it needs WordNet (apt-get install wordnet-base).")
    return {OURS: ours} | {name: _peer(each) for name, each in peers.items()}


def _peer(matcher: Any) -> Method:
    from valentine import valentine_match

    def rank(source: pd.DataFrame, target: pd.DataFrame) -> list[Ranking]:
        found = valentine_match([source, target], matcher)
        return [_ordered(found), _ordered(found.one_to_one_hungarian(threshold=0.0))]

    return rank


def _ordered(found: Any) -> Ranking:
    ranked = sorted(found.items(), key=lambda each: -each[1])
    return [(pair.source_column, pair.target_column) for pair, _ in ranked]


def recall(ranking: Ranking, truth: tuple[tuple[str, str], ...]) -> float:
    """Return the share of the truth among as many of the first pairs as it has."""
    return len(set(ranking[: len(truth)]) & set(truth)) / len(truth)


def read_pairs(folder: Path) -> Iterator[Pair]:
    """Yield the pairs of a folder."""
    for truth in sorted([*folder.rglob("*mapping.json"), *folder.rglob("ground_truth.json")]):
        base = truth.name.removesuffix("_mapping.json")
        is_plain = truth.name == "ground_truth.json"
        names = (
            ("source_table", "target_table") if is_plain else (f"{base}_source", f"{base}_target")
        )
        files = [truth.with_name(f"{name}.csv") for name in names]
        if not all(each.is_file() for each in files):
            print(f"Left out {truth}: its tables are not beside it.")
            continue
        source, target = (cleaned(pd.read_csv(each, low_memory=False)) for each in files)
        matches = json.loads(truth.read_text(encoding="utf-8"))["matches"]
        pairs = tuple((str(m["source_column"]), str(m["target_column"])) for m in matches)
        kind = next((p for p in truth.parts if "nion" in p or "oinable" in p), "given")
        yield Pair(kind.lower(), truth.parent.name, "", "", source, target, pairs)


def language_data(folder: Path) -> None:
    """Write what Valentine's methods want of NLTK, and let NLTK find it."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    words = folder / "corpora/stopwords"
    words.mkdir(parents=True)
    (words / "english").write_text("\n".join(sorted(ENGLISH_STOP_WORDS)))
    punkt = folder / "tokenizers/punkt_tab/english"
    punkt.mkdir(parents=True)
    for name in ("collocations.tab", "sent_starters.txt", "abbrev_types.txt", "ortho_context.tab"):
        (punkt / name).write_text("")
    if WORDNET.is_dir():
        net = folder / "corpora/wordnet"
        net.mkdir()
        for each in WORDNET.iterdir():
            if each.is_file():
                shutil.copy(each, net / each.name)
        files = [(part, name) for part, names in _LEXNAMES.items() for name in names.split()]
        lines = [
            f"{number:02}\t{part}.{name}\t{_PARTS[part]}"
            for number, (part, name) in enumerate([*files, ("adj", "ppl")])
        ]
        (net / "index.sense").write_text("")  # keys of senses, which nobody asks for
        (net / "lexnames").write_text("\n".join(lines) + "\n")
    os.environ["NLTK_DATA"] = str(folder)


def measure(pairs: list[Pair], seconds: float) -> dict[str, dict[int, tuple[float, float]]]:
    """Return recall and CPU seconds of each method by the number of the pair."""
    found: dict[str, dict[int, tuple[float, float]]] = {}
    for name, method in methods().items():
        done: dict[int, tuple[float, float]] = {}
        spent = 0.0
        for number, pair in enumerate(pairs):
            begun = time.process_time()
            try:
                rankings = method(pair.source, pair.target)
            except Exception as error:  # noqa: BLE001  # a peer's fault is told, not ours
                print(f"{name} fails on {pair.table}: {type(error).__name__}: {str(error)[:90]}")
                break
            took = time.process_time() - begun
            done[number] = max(recall(each, pair.matches) for each in rankings), took
            spent += took
            if spent > seconds and name != OURS:
                break
        found[name] = done
    return found


def told(pairs: list[Pair], found: dict[str, dict[int, tuple[float, float]]]) -> bool:
    """Print the figures, and return whether ours are at least as good as each other's."""
    kinds = list(dict.fromkeys(each.scenario for each in pairs))
    heads = ["method", "pairs", "recall", "ours there", "CPU s", *kinds]
    print(" | ".join(heads))
    good = True
    for name, done in found.items():
        if not done:
            continue
        numbers = list(done)
        mean = _mean([done[n][0] for n in numbers])
        there = _mean([found[OURS][n][0] for n in numbers])
        good &= there >= mean
        by_kind = defaultdict(list)
        for n in numbers:
            by_kind[pairs[n].scenario].append(done[n][0])
        spent = sum(took for _, took in done.values())
        cells = [name, str(len(numbers)), f"{mean:.3f}", f"{there:.3f}", f"{spent:.1f}"]
        cells += [f"{_mean(by_kind[kind]):.3f}" if by_kind[kind] else "-" for kind in kinds]
        print(" | ".join(cells), flush=True)
    return good


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def main() -> int:
    """Measure, print, and return 0 where ours is at least as good as every other method."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--tables", type=int, default=4)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=15.0)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # of pandas, about the peers' ways
    with tempfile.TemporaryDirectory() as place:
        language_data(Path(place))
        if asked.folder is not None:
            pairs = list(read_pairs(asked.folder))
        else:
            some = tables(asked.first, asked.tables)
            pairs = [pair for name, frame in some for pair in pairs_of(name, frame, SEED)]
            pairs += found_pairs()
        if not pairs:
            print("No pairs were found.")
            return 2
        names = list(dict.fromkeys(each.table for each in pairs))
        print(f"{len(pairs)} pairs of {len(names)} tables: {', '.join(names)}")
        good = told(pairs, measure(pairs, asked.seconds))
    print("recall of ours >= that of each method on the same pairs:", "yes" if good else "NO")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
